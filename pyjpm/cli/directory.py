"""``pyjpm directory``: the payee directory, changed by a maker and a checker, each with a key of his own."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from pyjpm.cli.rows import print_rows
from pyjpm.custody import Keystore, LocalSigner, read_passphrase
from pyjpm.directory import Directory, Entry, Scheme, Staff, State, anchor_head, verify
from pyjpm.errors.deployment import NotFound
from pyjpm.platform import Platform

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

WhereOption = Annotated[
    str, typer.Option("--directory", help="A file, or a postgresql:// URL.", envvar="PYJPM_DIRECTORY")
]
StaffOption = Annotated[Path, typer.Option(help="Who may propose and decide, a TOML file.", envvar="PYJPM_STAFF")]
MaybeStaff = Annotated[
    Path | None, typer.Option("--staff", help="Whose words count, a TOML file.", envvar="PYJPM_STAFF")
]
KeystoreOption = Annotated[Path, typer.Option(help="Keystore with the key of whoever decides.")]
KeyOption = Annotated[str, typer.Option(help="Its name there.")]
PassphraseOption = Annotated[Path, typer.Option(help="File with its passphrase.")]
ReasonOption = Annotated[str, typer.Option(help="Why; stays in the trail.")]
RpcOption = Annotated[str, typer.Option(help="URL of a node.", envvar="PYJPM_RPC")]
RecordOption = Annotated[Path, typer.Option(help="Deployment record of the platform.", envvar="PYJPM_RECORD")]
SchemeArgument = Annotated[Scheme, typer.Argument(help="Kind of identifier.", case_sensitive=False)]
IdentifierArgument = Annotated[str, typer.Argument(help="The identifier.")]
ChangeArgument = Annotated[str, typer.Argument(help="Id of a change.")]
AtOption = Annotated[int | None, typer.Option(help="Unix seconds; now if not given.", min=0)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def directory() -> None:
    """Which participant an IBAN, BIC, LEI or customer number means."""


@app.command()
def resolve(
    scheme: SchemeArgument,
    identifier: IdentifierArgument,
    where: WhereOption,
    staff: MaybeStaff = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """The participant that an identifier means; exit code 1 where it is not mapped."""
    with _opened(where, staff) as opened:
        found = opened.entry(scheme, identifier, at)
    told = {"participant": None if found is None else found.participant, "name": None if found is None else found.name}
    _print(told, as_json)
    if found is None:
        raise typer.Exit(1)


@app.command("verify-payee")
def verify_payee(
    scheme: SchemeArgument,
    identifier: IdentifierArgument,
    name: Annotated[str, typer.Argument(help="The payee's name as the payer has it.")],
    where: WhereOption,
    staff: MaybeStaff = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whether a name goes with an identifier: MATCH, CLOSE or NONE."""
    with _opened(where, staff) as opened:
        _print(opened.verify_payee(scheme, identifier, name, at).to_dict(), as_json)


@app.command("list")
def list_changes(
    where: WhereOption,
    state: Annotated[State | None, typer.Option(help="Only in this state.", case_sensitive=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Every change that was proposed, oldest first."""
    with _opened(where, None) as opened:
        rows = [each.to_dict() for each in opened.changes(state=state)]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    print_rows([{name: row[name] for name in _SHOWN} for row in rows])


@app.command()
def propose(
    scheme: SchemeArgument,
    identifier: IdentifierArgument,
    where: WhereOption,
    staff: StaffOption,
    keystore: KeystoreOption,
    key: KeyOption,
    passphrase_file: PassphraseOption,
    reason: ReasonOption,
    participant: Annotated[int | None, typer.Option(help="Whom it means; nobody if not given.", min=1)] = None,
    name: Annotated[str, typer.Option(help="The payee's name.")] = "",
    valid_from: Annotated[int | None, typer.Option(help="Unix seconds; now if not given.", min=0)] = None,
    valid_until: Annotated[int | None, typer.Option(help="The first second after it, unix.", min=0)] = None,
    once: Annotated[str | None, typer.Option(help="Names this proposal; the same again is the same.")] = None,
    rpc: Annotated[str | None, typer.Option(help="Node to ask for the participant.", envvar="PYJPM_RPC")] = None,
    record: Annotated[Path | None, typer.Option(help="Deployment record.", envvar="PYJPM_RECORD")] = None,
    as_json: JsonOption = False,
) -> None:
    """A maker's proposal, signed: to map an identifier, or (without --participant) to end its mapping."""
    entry = Entry.of(
        scheme, identifier, participant, name, int(time.time()) if valid_from is None else valid_from, valid_until
    )
    said = json.dumps([scheme.value, entry.identifier, participant, name, valid_from, valid_until, reason])
    named = once or hashlib.sha256(said.encode()).hexdigest()
    maker = _signer(keystore, key, passphrase_file)
    with _opened(where, staff, rpc, record) as opened:
        change = opened.propose(entry, maker=maker, reason=reason, idempotency_key=named)
    _print(change.to_dict(), as_json)


@app.command()
def approve(
    change: ChangeArgument,
    where: WhereOption,
    staff: StaffOption,
    keystore: KeystoreOption,
    key: KeyOption,
    passphrase_file: PassphraseOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """A checker's yes, signed: the change is in force."""
    checker = _signer(keystore, key, passphrase_file)
    with _opened(where, staff) as opened:
        _print(opened.approve(change, checker=checker, reason=reason).to_dict(), as_json)


@app.command()
def reject(
    change: ChangeArgument,
    where: WhereOption,
    staff: StaffOption,
    keystore: KeystoreOption,
    key: KeyOption,
    passphrase_file: PassphraseOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """A checker's no, signed."""
    checker = _signer(keystore, key, passphrase_file)
    with _opened(where, staff) as opened:
        _print(opened.reject(change, checker=checker, reason=reason).to_dict(), as_json)


@app.command()
def anchor(
    where: WhereOption,
    staff: StaffOption,
    rpc: RpcOption,
    record: RecordOption,
    keystore: KeystoreOption,
    key: KeyOption,
    passphrase_file: PassphraseOption,
    journal: Annotated[str, typer.Option(help="Journal of the wallet that tells the chain.", envvar="PYJPM_JOURNAL")],
    currency: Annotated[str | None, typer.Option(help="Whose token keeps it; the first if not given.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the chain the salted hash of all that is approved. SENDS a transaction that moves no money."""
    signer = _signer(keystore, key, passphrase_file)
    with (
        _opened(where, staff) as opened,
        Platform.connect(rpc, record, signer=signer, journal=journal) as platform,
    ):
        told = anchor_head(opened, platform, currency=currency)
    _print({"revision": 0} if told is None else told.to_dict(), as_json)


@app.command("verify")
def verify_directory(
    where: WhereOption, staff: StaffOption, rpc: RpcOption, record: RecordOption, as_json: JsonOption = False
) -> None:
    """Compare the directory with its signatures and with what the chain was told."""
    with _opened(where, staff) as opened, Platform.connect(rpc, record) as platform:
        told = verify(opened, platform)
    _print(told, as_json)


_SHOWN = ("id", "state", "scheme", "identifier", "participant", "name", "valid_from", "valid_until", "revision")


@contextmanager
def _opened(where: str, staff: Path | None, rpc: str | None = None, record: Path | None = None) -> Iterator[Directory]:
    people = None if staff is None else Staff.load(staff)
    if rpc is None or record is None:
        with Directory(where, staff=people) as opened:
            yield opened
        return
    with Platform.connect(rpc, record) as platform:

        def exists(participant: int) -> bool:
            try:
                return platform.participants.get(participant).status != "CLOSED"
            except NotFound:
                return False

        with Directory(where, staff=people, exists=exists) as opened:
            yield opened


def _signer(keystore: Path, key: str, passphrase_file: Path) -> LocalSigner:
    return Keystore(keystore).load(key, read_passphrase(file=passphrase_file))


def _print(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, indent=1))
        return
    for name, value in told.items():
        if value is not None:
            print(f"{name:14} {value}")
