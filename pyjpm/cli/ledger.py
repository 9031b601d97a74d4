"""``pyjpm ledger``: a platform's events as books in SQL, and what they say.

``sync`` needs a node and the deployment record; everything else needs the ledger alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pyjpm.cli.progress import ProgressLine
from pyjpm.cli.rows import print_rows
from pyjpm.custody import read_passphrase
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.remittance import InvalidEncryptionKey
from pyjpm.iso8601 import parse_datetime
from pyjpm.ledger import Ledger, read_items_file
from pyjpm.money import Money
from pyjpm.platform import Platform
from pyjpm.remittance import RemittanceKey

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

LedgerOption = Annotated[
    str, typer.Option("--ledger", help="The ledger: a file, or a postgresql:// URL.", envvar="PYJPM_LEDGER")
]
RpcOption = Annotated[str, typer.Option(help="URL of a node.", envvar="PYJPM_RPC")]
RecordOption = Annotated[Path, typer.Option(help="Deployment record of the platform.", envvar="PYJPM_RECORD")]
KeysOption = Annotated[
    list[Path] | None,
    typer.Option("--remittance-key", help="File (mode 0600) with a key that opens remittances, 64 hex digits."),
]
CurrencyOption = Annotated[str | None, typer.Option(help="Only in this currency.")]
BlockOption = Annotated[int | None, typer.Option(help="As of the end of this block.", min=0)]
TimeOption = Annotated[str | None, typer.Option("--at", help="As of this RFC 3339 time.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def ledger() -> None:
    """A platform's events as double-entry books: balances, statements, open items."""


@app.command()
def sync(
    where: LedgerOption, rpc: RpcOption, record: RecordOption, keys: KeysOption = None, as_json: JsonOption = False
) -> None:
    """Bring the ledger up to the chain; make it where there is none."""
    with (
        ProgressLine() as line,
        closing(Platform.connect(rpc, record)) as platform,
        Ledger(where, platform, keys=read_keys(keys or ())) as books,
    ):
        synced = books.sync(progress=lambda block, events: line.update("events", events, 0))
    told = {"block": synced.block, "events": synced.events, "taken_back": synced.taken_back}
    _print(told if as_json else None, told, [told])


@app.command()
def balances(
    where: LedgerOption,
    participant: Annotated[int | None, typer.Option(help="Only this one's.")] = None,
    currency: CurrencyOption = None,
    at_block: BlockOption = None,
    at: TimeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What participants own: balance = available + held + frozen, where no more is frozen than is there."""
    with Ledger(where) as books:
        found = books.balances(participant, currency, at_block=at_block, at_time=moment(at))
    rows = [each.to_dict() for each in found]
    _print(rows if as_json else None, rows, rows)


@app.command()
def statement(
    participant: Annotated[int, typer.Argument(help="Whose.")],
    currency: Annotated[str, typer.Argument(help="ISO 4217.")],
    where: LedgerOption,
    since: Annotated[str | None, typer.Option(help="From this RFC 3339 time or day (UTC) on.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to, not with, this time or day.")] = None,
    since_block: Annotated[int | None, typer.Option(help="From this block on.", min=0)] = None,
    until_block: Annotated[int | None, typer.Option(help="Up to and with this block.", min=0)] = None,
    as_json: JsonOption = False,
) -> None:
    """What came and went, with opening and closing balance."""
    with Ledger(where) as books:
        found = books.statement(
            participant, currency, moment(since), moment(until), since_block=since_block, until_block=until_block
        )
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
        return
    print(f"opening {Money.from_minor(found.opening, currency)}")
    print_rows(
        [
            {
                "at": datetime.fromtimestamp(each.at, UTC).isoformat(),
                "kind": each.kind.value,
                "amount": str(Money.from_minor(each.amount_minor, currency).amount),
                "counterparty": each.counterparty,
                "end_to_end_id": each.end_to_end_id,
                "reference": each.reference,
            }
            for each in found.entries
        ]
    )
    print(f"closing {Money.from_minor(found.closing, currency)}")


@app.command("open-items")
def open_items(
    creditor: Annotated[int, typer.Argument(help="Whose invoices and credit notes.")],
    where: LedgerOption,
    items: Annotated[Path | None, typer.Option(help="CSV file of documents to keep first, see docs/ledger.md.")] = None,
    debtor: Annotated[int | None, typer.Option(help="Only those of this one.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    at_block: BlockOption = None,
    at: TimeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is open of invoices and credit notes, and what of payments settled nothing."""
    with Ledger(where) as books:
        if items is not None:
            books.add_items(read_items_file(items))
        found = books.open_items(creditor, debtor=debtor, at_block=at_block, at_time=moment(at))
    shown = found.items if everything else found.open
    told = {**found.to_dict(), "items": [each.to_dict() for each in shown]}
    if as_json:
        print(json.dumps(told, indent=1))
        return
    names = ("debtor", "kind", "number", "currency", "amount", "open", "due")
    print_rows([{name: each[name] for name in names} for each in told["items"]])
    if told["unapplied"]:
        print("\nunapplied")
        print_rows(told["unapplied"])


def read_keys(paths: Sequence[Path]) -> list[RemittanceKey]:
    """Keys from files; raises InvalidEncryptionKey, PassphraseMissing, KeystoreTooOpen."""
    keys = []
    for path in paths:
        try:
            keys.append(RemittanceKey(bytes.fromhex(read_passphrase(file=path))))
        except ValueError:
            raise InvalidEncryptionKey(f"There is no key of 64 hex digits in {path}.") from None
    return keys


def moment(text: str | None) -> datetime | None:
    """A time with its zone, or a day, which begins at midnight UTC. Raises InvalidRequest."""
    if text is None:
        return None
    try:
        found = parse_datetime(text)
    except ValueError as error:
        raise InvalidRequest(f"{text!r} is no RFC 3339 time or day.", given=text) from error
    if found.tzinfo is None:
        if len(text) > len("2026-11-29"):
            raise InvalidRequest(f"{text!r} has no time zone.", given=text)
        found = found.replace(tzinfo=UTC)
    return found


def _print(as_json: Any, told: Any, rows: Sequence[dict[str, Any]]) -> None:
    if as_json is not None:
        print(json.dumps(told, indent=1))
    else:
        print_rows(list(rows))
