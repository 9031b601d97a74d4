"""``pyjpm rails``: by which rail a payment goes and why, paying it, and changing its rail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pyjpm.cli.rows import print_rows
from pyjpm.custody import Keystore, read_passphrase
from pyjpm.directory import Directory
from pyjpm.four_eyes import Staff
from pyjpm.platform import Platform
from pyjpm.rails import FolderGateway, RailPayment, Rails, load_instruction, load_rulebook
from pyjpm.rails.makers import maker

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


class Kind(StrEnum):
    """Which messages leave by SWIFT."""

    PACS008 = "pacs.008"
    MT103 = "mt103"


PaymentArgument = Annotated[Path, typer.Argument(help="The payment, a JSON file: see docs/rails.md.")]
KeyArgument = Annotated[str, typer.Argument(help="The payment's idempotency key.")]
RulesOption = Annotated[Path, typer.Option("--rules", help="The rules, a TOML file.", envvar="PYJPM_RAILS")]
RpcOption = Annotated[str, typer.Option(help="URL of a node.", envvar="PYJPM_RPC")]
RecordOption = Annotated[Path, typer.Option(help="Deployment record of the platform.", envvar="PYJPM_RECORD")]
KeystoreOption = Annotated[Path, typer.Option(help="Keystore with the payer's key.", envvar="PYJPM_KEYSTORE")]
WalletOption = Annotated[str, typer.Option("--key", help="Its name there.")]
PassphraseOption = Annotated[Path, typer.Option(help="File with its passphrase.")]
JournalOption = Annotated[
    str, typer.Option(help="The payer's journal: a file, or a postgresql:// URL.", envvar="PYJPM_JOURNAL")
]
DirectoryOption = Annotated[
    str, typer.Option("--directory", help="A file, or a postgresql:// URL.", envvar="PYJPM_DIRECTORY")
]
StaffOption = Annotated[Path, typer.Option(help="Whose words the directory counts.", envvar="PYJPM_STAFF")]
GatewayOption = Annotated[
    Path | None, typer.Option(help="Folder of the SWIFT gateway; without it nothing goes by SWIFT.")
]
MessageOption = Annotated[Kind, typer.Option("--message", help="What leaves by SWIFT.", case_sensitive=False)]
ToOption = Annotated[str, typer.Option(help="BIC that messages are sent to; the creditor's bank by default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def rails() -> None:
    """One rail a payment: bank money on the chain, or a SWIFT message."""


@app.command()
def explain(
    payment: PaymentArgument,
    rules: RulesOption,
    rpc: RpcOption,
    record: RecordOption,
    keystore: KeystoreOption,
    passphrase_file: PassphraseOption,
    journal: JournalOption,
    directory: DirectoryOption,
    staff: StaffOption,
    key: WalletOption = "wallet",
    gateway: GatewayOption = None,
    message: MessageOption = Kind.PACS008,
    to: ToOption = "",
    as_json: JsonOption = False,
) -> None:
    """Which rail a payment would take now, and why. Nothing is stored or sent."""
    asked = load_instruction(payment)
    with _opened(
        rules, rpc, record, keystore, key, passphrase_file, journal, directory, staff, gateway, message, to
    ) as made:
        decision = made.explain(asked)
    if as_json:
        print(json.dumps(decision.to_dict(), indent=1))
        return
    print(f"{decision.rail} ({decision.rule})")
    for line in decision.why:
        print(f"  {line}")


@app.command()
def pay(
    payment: PaymentArgument,
    once: Annotated[str, typer.Option(help="Idempotency key: names this payment for ever.")],
    rules: RulesOption,
    rpc: RpcOption,
    record: RecordOption,
    keystore: KeystoreOption,
    passphrase_file: PassphraseOption,
    journal: JournalOption,
    directory: DirectoryOption,
    staff: StaffOption,
    key: WalletOption = "wallet",
    gateway: GatewayOption = None,
    message: MessageOption = Kind.PACS008,
    to: ToOption = "",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for its end.", min=0)] = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Choose the rail, store the choice, pay or send; the same key again goes on with the same rail."""
    asked = load_instruction(payment)
    with _opened(
        rules, rpc, record, keystore, key, passphrase_file, journal, directory, staff, gateway, message, to
    ) as made:
        made.pay(asked, idempotency_key=once)
        _print(made.wait(once, timeout), as_json)


@app.command()
def change(
    payment: KeyArgument,
    who: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why; stays in the trail.")],
    rules: RulesOption,
    rpc: RpcOption,
    record: RecordOption,
    keystore: KeystoreOption,
    passphrase_file: PassphraseOption,
    journal: JournalOption,
    directory: DirectoryOption,
    staff: StaffOption,
    key: WalletOption = "wallet",
    gateway: GatewayOption = None,
    message: MessageOption = Kind.PACS008,
    to: ToOption = "",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for its end.", min=0)] = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Move a payment to the other rail, once the one that it is on is closed for good."""
    with _opened(
        rules, rpc, record, keystore, key, passphrase_file, journal, directory, staff, gateway, message, to
    ) as made:
        made.change(payment, who=who, reason=reason)
        _print(made.wait(payment, timeout), as_json)


@app.command()
def resume(
    rules: RulesOption,
    rpc: RpcOption,
    record: RecordOption,
    keystore: KeystoreOption,
    passphrase_file: PassphraseOption,
    journal: JournalOption,
    directory: DirectoryOption,
    staff: StaffOption,
    key: WalletOption = "wallet",
    gateway: GatewayOption = None,
    message: MessageOption = Kind.PACS008,
    to: ToOption = "",
    as_json: JsonOption = False,
) -> None:
    """Go on with every payment that is accepted and not ended, as after a crash."""
    with _opened(
        rules, rpc, record, keystore, key, passphrase_file, journal, directory, staff, gateway, message, to
    ) as made:
        rows = [each.to_dict() for each in made.resume()]
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        print_rows([{name: row[name] for name in ("key", "rail", "status", "reference", "detail")} for row in rows])


def _print(payment: RailPayment, as_json: bool) -> None:
    told: dict[str, Any] = payment.to_dict()
    if as_json:
        print(json.dumps(told, indent=1))
        return
    print(f"{payment.rail} ({payment.rule}): {payment.status}, {payment.amount}, reference {payment.reference}")
    for line in payment.why:
        print(f"  {line}")
    for move in payment.moves:
        print(f"  {move.outcome}: {move.who}, {move.reason}")


@contextmanager
def _opened(
    rules: Path,
    rpc: str,
    record: Path,
    keystore: Path,
    key: str,
    passphrase_file: Path,
    journal: str,
    directory: str,
    staff: Path,
    gateway: Path | None,
    message: Kind,
    to: str,
) -> Iterator[Rails]:
    rulebook = load_rulebook(rules)
    signer = Keystore(keystore).load(key, read_passphrase(file=passphrase_file))
    with ExitStack() as stack:
        mapped = stack.enter_context(Directory(directory, staff=Staff.load(staff)))
        platform = stack.enter_context(Platform.connect(rpc, record, signer=signer, journal=journal))
        yield Rails(
            platform,
            rulebook,
            directory=mapped,
            gateway=None if gateway is None else FolderGateway(gateway),
            maker=None if gateway is None else maker(message.value, to),
        )
