"""``pyjpm bank``: what the bank's account says becomes tokens and payouts, and what people decide about it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from pyjpm.bank import BankSide, PayoutDetails
from pyjpm.bank.config import accounts_from, channel_from
from pyjpm.cli.rows import print_rows
from pyjpm.custody import Keystore, read_passphrase
from pyjpm.directory import Directory
from pyjpm.errors.bank import BankConfigInvalid, PayoutMismatch
from pyjpm.platform import Platform

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

ConfigOption = Annotated[Path, typer.Option(help="Configuration, a TOML file: see docs/bank.md.", envvar="PYJPM_BANK")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WhoOption = Annotated[str, typer.Option(help="Who decides; stays in the book.")]
ReasonOption = Annotated[str, typer.Option(help="Why; stays in the book.")]
EntryArgument = Annotated[str, typer.Argument(help="The entry's id, or the bank's reference of it.")]
RecallArgument = Annotated[str, typer.Argument(help="The recall's id, or the asker's.")]

_NEEDED = ("book", "directory", "rpc", "record", "journal", "keystore", "key", "passphrase_file")
_KNOWN = {*_NEEDED, "treasury_key", "account", "channel"}


@app.callback()
def bank() -> None:
    """Deposits into tokens, redemptions into payouts, recalls and returns."""


@app.command()
def take(
    messages: Annotated[list[Path], typer.Argument(help="Messages of the bank, XML files.", exists=True)],
    config: ConfigOption,
    as_json: JsonOption = False,
) -> None:
    """Take messages in: camt.052 to camt.054, pain.002, pacs.004, camt.056. Exit code 1 where something is wrong."""
    with _opened(config) as side:
        taken = [side.take(each.read_bytes()) for each in messages]
    told = [each.to_dict() for each in taken]
    if as_json:
        print(json.dumps(told, indent=1))
    else:
        for each in taken:
            count = f"{len(each.entries)} entries, {len(each.payouts)} payouts, {len(each.recalls)} recalls"
            print(f"{each.kind} {each.message_id}: {count}, {each.ignored} not booked")
            for problem in each.problems:
                place = f" (line {problem['line']}, {problem['path']})" if "path" in problem else ""
                print(f"  {problem['code']} {problem['text']}{place}")
    if any(each.problems for each in taken):
        raise typer.Exit(1)


@app.command("carry-on")
def carry_on(config: ConfigOption) -> None:
    """Go on with everything as far as it goes now; run it every few seconds, and after a crash."""
    with _opened(config) as side:
        side.carry_on()


@app.command()
def entries(config: ConfigOption, as_json: JsonOption = False) -> None:
    """All entries of the account, and how far they are."""
    with _opened(config) as side:
        _show([each.to_dict() for each in side.entries()], _ENTRY, as_json)


@app.command()
def suspense(config: ConfigOption, as_json: JsonOption = False) -> None:
    """The entries that wait for somebody, and why."""
    with _opened(config) as side:
        _show([each.to_dict() for each in side.suspense.list()], _ENTRY, as_json)


@app.command()
def assign(
    entry: EntryArgument,
    participant: Annotated[int, typer.Argument(help="Whose deposit it is.")],
    config: ConfigOption,
    who: WhoOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Mint an unmatched credit for a participant."""
    with _opened(config) as side:
        _show([side.suspense.assign(entry, participant, who=who, reason=reason).to_dict()], _ENTRY, as_json)


@app.command("send-back")
def send_back(
    entry: EntryArgument,
    config: ConfigOption,
    who: WhoOption,
    reason: ReasonOption,
    code: Annotated[str, typer.Option(help="ISO reason code of a pacs.004.")] = "NARR",
    as_json: JsonOption = False,
) -> None:
    """Send an unmatched credit back to the account that it came from."""
    with _opened(config) as side:
        _show([side.suspense.send_back(entry, who=who, reason=reason, code=code).to_dict()], _ENTRY, as_json)


@app.command()
def close(
    entry: EntryArgument, config: ConfigOption, who: WhoOption, reason: ReasonOption, as_json: JsonOption = False
) -> None:
    """Take a debit, or a credit without a reference, off the list."""
    with _opened(config) as side:
        _show([side.suspense.close(entry, who=who, reason=reason).to_dict()], _ENTRY, as_json)


@app.command()
def payouts(config: ConfigOption, as_json: JsonOption = False) -> None:
    """All payouts, and how far they are."""
    with _opened(config) as side:
        _show([each.to_dict() for each in side.payouts.list()], _PAYOUT, as_json)


@app.command()
def payout(
    participant: Annotated[int, typer.Argument(help="Whose redemption it is.")],
    reference: Annotated[str, typer.Argument(help="Its reference on the chain, 0x….")],
    details: Annotated[Path, typer.Option(help="The client's payout details, a JSON file.", exists=True)],
    currency: Annotated[str, typer.Option(help="Of the redemption.")],
    config: ConfigOption,
    as_json: JsonOption = False,
) -> None:
    """Take the payout details of a redemption, and order the payout."""
    try:
        told = PayoutDetails.from_dict(json.loads(details.read_bytes()))
    except ValueError as error:
        raise PayoutMismatch("The details are no JSON.", reference=reference) from error
    with _opened(config) as side:
        outside = side.payouts.accept(participant, reference, told, currency=currency).outside
        _show([side.payouts.advance(outside).to_dict()], _PAYOUT, as_json)


@app.command()
def retry(
    payouts: Annotated[list[str], typer.Argument(help="Names of payouts that are stuck.")],
    config: ConfigOption,
    who: WhoOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Go on with payouts of which the chain refused a step, once what was wrong is mended."""
    with _opened(config) as side:
        _show([side.payouts.retry(each, who=who, reason=reason).to_dict() for each in payouts], _PAYOUT, as_json)


@app.command()
def recalls(config: ConfigOption, as_json: JsonOption = False) -> None:
    """All recalls, and how far they are."""
    with _opened(config) as side:
        _show([each.to_dict() for each in side.recalls.list()], _RECALL, as_json)


@app.command()
def reverse(
    recall: RecallArgument, config: ConfigOption, who: WhoOption, reason: ReasonOption, as_json: JsonOption = False
) -> None:
    """Take a recalled deposit back, and send it to where it came from."""
    with _opened(config) as side:
        _show([side.recalls.reverse(recall, who=who, reason=reason).to_dict()], _RECALL, as_json)


@app.command()
def lift(
    recall: RecallArgument, config: ConfigOption, who: WhoOption, reason: ReasonOption, as_json: JsonOption = False
) -> None:
    """Refuse a recall: the depositor keeps the deposit."""
    with _opened(config) as side:
        _show([side.recalls.lift(recall, who=who, reason=reason).to_dict()], _RECALL, as_json)


@app.command()
def decisions(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Who decided what, and why."""
    with _opened(config) as side:
        _show(side.decisions(), ("at", "who", "act", "subject", "reason"), as_json)


_ENTRY = ("reference", "credit", "amount", "state", "participant", "reason_code", "reason", "end_to_end_id")
_PAYOUT = ("outside", "kind", "amount", "state", "participant", "bank_reference", "reason")
_RECALL = ("id", "recall_id", "amount", "state", "participant", "code", "taken_by", "reason")


def _show(rows: Sequence[dict[str, Any]], names: Sequence[str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(list(rows), indent=1))
        return
    print_rows([{name: _plain(row[name]) for name in names} for row in rows])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return f"{value['currency']} {value['amount']}"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


@contextmanager
def _opened(config: Path) -> Iterator[BankSide]:
    said = _read(config)
    beside = config.parent
    accounts, channel = accounts_from(said), channel_from(said, beside)
    keys = Keystore(beside / said["keystore"])
    passphrase = read_passphrase(file=beside / said["passphrase_file"])
    with ExitStack() as stack:
        platform = stack.enter_context(
            Platform.connect(
                said["rpc"],
                beside / said["record"],
                signer=keys.load(said["key"], passphrase),
                journal=_place(beside, said["journal"]),
            )
        )
        treasury = None
        if "treasury_key" in said:
            treasury = platform.acting(keys.load(said["treasury_key"], passphrase))
        people = stack.enter_context(Directory(_place(beside, said["directory"])))
        yield stack.enter_context(
            BankSide(
                _place(beside, said["book"]),
                platform,
                accounts=accounts,
                resolve=people.resolve,
                channel=channel,
                treasury=treasury,
            )
        )


def _read(config: Path) -> dict[str, Any]:
    try:
        said = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BankConfigInvalid("The configuration cannot be read as TOML.", part=str(config)) from error
    wrong = [name for name in _NEEDED if not isinstance(said.get(name), str)] + sorted(set(said) - _KNOWN)
    if wrong:
        raise BankConfigInvalid(
            f"The configuration lacks {wrong[0]}, or should not have it.", part=wrong[0], needed=list(_NEEDED)
        )
    return said


def _place(beside: Path, where: str) -> Path | str:
    return where if "://" in where else beside / where
