"""``pyjpm iso``: bank messages: check them, pay payment files, write statements."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from pyjpm.cli.chains import connected_platform
from pyjpm.cli.rows import print_rows
from pyjpm.directory import Directory
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.iso8601 import parse_datetime
from pyjpm.iso20022 import (
    Account,
    Agent,
    Party,
    PaymentFiles,
    TakenFile,
    parse,
    read_bank_message,
    read_payment_file,
    read_recalls,
    read_returns,
    read_transfers,
    write_statement,
)
from pyjpm.iso20022.checking import check as check_element
from pyjpm.iso20022.checking import type_at
from pyjpm.iso20022.reading import local_name
from pyjpm.ledger import Ledger
from pyjpm.money import Money

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

MessageArgument = Annotated[Path, typer.Argument(help="The message, an XML file.", exists=True, dir_okay=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
BookOption = Annotated[
    str, typer.Option("--book", help="Book of the files taken in: a file, or a postgresql:// URL.", envvar="PYJPM_ISO")
]
DirectoryOption = Annotated[
    str, typer.Option("--directory", help="Payee directory: a file, or a postgresql:// URL.", envvar="PYJPM_DIRECTORY")
]
RpcOption = Annotated[str, typer.Option(help="URL of a node.", envvar="PYJPM_RPC")]
RecordOption = Annotated[Path, typer.Option(help="Deployment record of the platform.", envvar="PYJPM_RECORD")]
KeystoreOption = Annotated[Path, typer.Option(help="Keystore with the payer's key.")]
KeyOption = Annotated[str, typer.Option(help="Its name there.")]
PassphraseOption = Annotated[Path, typer.Option(help="File with its passphrase.")]
JournalOption = Annotated[Path, typer.Option(help="The payer's journal.")]
BicsOption = Annotated[list[str] | None, typer.Option("--bic", help="A BIC of the bank itself; may be repeated.")]
ZoneOption = Annotated[str, typer.Option(help="Time zone of the bank, in which its dates begin.")]
ReportOption = Annotated[Path | None, typer.Option(help="Write the pain.002 that answers the file here.")]


class Kind(StrEnum):
    """What a participant is told of its account by."""

    REPORT = "camt.052"
    STATEMENT = "camt.053"
    NOTICE = "camt.054"


@app.callback()
def iso() -> None:
    """ISO 20022 messages in and out."""


@app.command("check")
def check_command(message: MessageArgument, as_json: JsonOption = False) -> None:
    """Read a message and say what is wrong with it, and where; exit code 1 if anything is."""
    name, found = _problems(message.read_bytes())
    if as_json:
        print(json.dumps({"message": name, "problems": found}, indent=1))
    else:
        print(name)
        if found:
            print_rows(found)
    if found:
        raise typer.Exit(1)


@app.command()
def pay(
    message: MessageArgument,
    book: BookOption,
    directory: DirectoryOption,
    rpc: RpcOption,
    record: RecordOption,
    keystore: KeystoreOption,
    key: KeyOption,
    passphrase_file: PassphraseOption,
    journal: JournalOption,
    bic: BicsOption = None,
    zone: ZoneOption = "UTC",
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pay the instructions of a pain.001, each once; the same file again goes on and changes nothing else.

    Exit code 1 where an instruction was refused.
    """
    with _files(book, directory, rpc, record, keystore, key, passphrase_file, journal, bic, zone) as files:
        taken = files.take(message.read_bytes())
        _answer(files, taken, report, as_json)


@app.command()
def status(
    message_id: Annotated[str, typer.Argument(help="Id of the file, or its message id.")],
    book: BookOption,
    directory: DirectoryOption,
    rpc: RpcOption,
    record: RecordOption,
    keystore: KeystoreOption,
    key: KeyOption,
    passphrase_file: PassphraseOption,
    journal: JournalOption,
    bic: BicsOption = None,
    zone: ZoneOption = "UTC",
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """What became of a payment file that was taken in; exit code 1 where an instruction was refused."""
    with _files(book, directory, rpc, record, keystore, key, passphrase_file, journal, bic, zone) as files:
        _answer(files, files.find(message_id), report, as_json)


@app.command()
def statement(
    ledger: Annotated[str, typer.Option(help="The ledger: a file, or a postgresql:// URL.", envvar="PYJPM_LEDGER")],
    participant: Annotated[int, typer.Option(help="Whose account.")],
    currency: Annotated[str, typer.Option(help="In which currency.")],
    since: Annotated[str, typer.Option(help="From this RFC 3339 time on.")],
    until: Annotated[str, typer.Option(help="To before this RFC 3339 time.")],
    message_id: Annotated[str, typer.Option(help="Id of the message, unique for its receiver.")],
    output: Annotated[Path, typer.Option(help="Where to write it.")],
    kind: Annotated[Kind, typer.Option(help="Which message.")] = Kind.STATEMENT,
    account: Annotated[str | None, typer.Option(help="Account number; the participant's number if none.")] = None,
    iban: Annotated[str | None, typer.Option(help="IBAN of the account, instead of a number.")] = None,
    owner: Annotated[str, typer.Option(help="Name of the account's owner.")] = "",
    bic: Annotated[str | None, typer.Option(help="The bank's BIC.")] = None,
) -> None:
    """Write a participant's statement (camt.053), report (camt.052) or notice (camt.054) from the ledger."""
    start, end = _moment(since), _moment(until)
    with Ledger(ledger) as opened:
        found = opened.statement(participant, currency, start, end)
    data = write_statement(
        kind.value,
        message_id=message_id,
        account=Account(iban=iban) if iban else Account(number=account or str(participant)),
        owner=Party(name=owner or f"Participant {participant}"),
        currency=currency,
        entries=found.entries,
        since=start,
        until=end,
        opening=Money.from_minor(found.opening, currency),
        closing=Money.from_minor(found.closing, currency),
        servicer=Agent(bic=bic),
    )
    output.write_bytes(data)
    print(f"{output}: {len(found.entries)} entries")


def _problems(data: bytes) -> tuple[str, list[dict[str, Any]]]:
    message = parse(data)
    name = str(message.name)
    match message.name.kind:
        case "pain.001":
            file = read_payment_file(data)
            return name, [
                each.to_dict() for each in (*file.problems, *(p for line in file.lines for p in line.problems))
            ]
        case "camt.052" | "camt.053" | "camt.054":
            return name, read_bank_message(data).problems()
        case "pacs.008":
            return name, [each.to_dict() for line in read_transfers(data).lines for each in line.problems]
        case "pacs.004":
            return name, [each.to_dict() for line in read_returns(data).lines for each in line.problems]
        case "camt.056":
            return name, [each.to_dict() for line in read_recalls(data).lines for each in line.problems]
        case _:
            # A pain.002 has no part that stands by itself.
            kind = type_at(message.name.document, local_name(message.body))
            return name, [each.to_dict() for each in check_element(message.body, kind)]


@contextmanager
def _files(
    book: str,
    directory: str,
    rpc: str,
    record: Path,
    keystore: Path,
    key: str,
    passphrase_file: Path,
    journal: Path,
    bics: list[str] | None,
    zone: str,
) -> Iterator[PaymentFiles]:
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidRequest(f"{zone!r} is no time zone.", zone=zone) from error
    with (
        connected_platform(rpc, journal, record, keystore, key, passphrase_file) as platform,
        Directory(directory) as people,
        PaymentFiles(book, [platform], resolve=people.resolve, bics=bics or (), zone=place) as files,
    ):
        yield files


def _answer(files: PaymentFiles, taken: TakenFile, report: Path | None, as_json: bool) -> None:
    if report is not None:
        report.write_bytes(files.report(taken))
    told = taken.to_dict()
    if as_json:
        print(json.dumps(told, indent=1))
    else:
        for problem in told["problems"]:
            print(f"refused: {problem['code']} {problem['text']} (line {problem['line']}, {problem['path']})")
        print_rows(
            [
                {
                    "line": line.line,
                    "EndToEndId": each.end_to_end_id,
                    "amount": each.amount,
                    "status": each.status,
                    "reason": "; ".join(" ".join(reason) for reason in each.reasons),
                }
                for each, line in zip(taken.instructions, taken.file.lines, strict=True)
            ]
        )
    if taken.refused or any(each.status == "RJCT" for each in taken.instructions):
        raise typer.Exit(1)


def _moment(said: str) -> datetime.datetime:
    try:
        moment = parse_datetime(said)
    except ValueError as error:
        raise InvalidRequest(f"{said!r} is no RFC 3339 time.", given=said) from error
    if moment.tzinfo is None:
        raise InvalidRequest(f"{said!r} has no time zone.", given=said)
    return moment
