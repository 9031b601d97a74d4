"""``pyjpm reconcile``: ledger, chain and bank beside each other. Exit code 1 where anything does not agree."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pyjpm.bank.details import payout_name
from pyjpm.cli.ledger import JsonOption, KeysOption, LedgerOption, RecordOption, RpcOption, read_keys
from pyjpm.cli.progress import ProgressLine
from pyjpm.cli.rows import print_rows
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.iso8601 import parse_date
from pyjpm.ledger import BankEntry, Ledger, Reconciliation, read_bank_file
from pyjpm.platform import Platform


def command(
    where: LedgerOption,
    rpc: RpcOption,
    record: RecordOption,
    deposits: Annotated[
        Path | None, typer.Option(help="CSV file of the bank's deposits and payouts, see docs/ledger.md.")
    ] = None,
    statement: Annotated[
        list[Path] | None,
        typer.Option(help="The bank's statement: camt.053 (XML), or CSV like --deposits. Repeatable."),
    ] = None,
    since: Annotated[str | None, typer.Option(help="The first day (UTC) that the bank's side covers.")] = None,
    until: Annotated[str | None, typer.Option(help="The last day that it covers.")] = None,
    keys: KeysOption = None,
    no_sync: Annotated[bool, typer.Option("--no-sync", help="Compare what is in, do not read on first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare ledger, chain and bank per block and per day, and name each break with what to do about it."""
    from_file = None if deposits is None else read_bank_file(deposits)
    stated = None if not statement else [entry for path in statement for entry in _stated(path)]
    first, last = _day(since), _day(until)
    with (
        ProgressLine() as line,
        closing(Platform.connect(rpc, record)) as platform,
        Ledger(where, platform, keys=read_keys(keys or ())) as books,
    ):
        if not no_sync:
            books.sync(progress=lambda block, events: line.update("events", events, 0))
        found = books.reconcile(
            deposits=from_file,
            statement=stated,
            since=first,
            until=last,
            payout_name=lambda payout: payout_name(
                platform.record.chain_id,
                platform.record.address(payout.currency),
                payout.participant,
                payout.reference,
            ),
            progress=lambda block, events: line.update("events compared", events, 0),
        )
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        _show(found)
    if not found.clean:
        raise typer.Exit(1)


def _stated(path: Path) -> list[BankEntry]:
    if path.suffix.lower() == ".csv":
        return read_bank_file(path)
    from pyjpm.iso20022.booked import booked_entries
    from pyjpm.iso20022.statement_reading import read_bank_message

    return booked_entries(read_bank_message(path, "camt.053"))


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return parse_date(text)
    except ValueError as error:
        raise InvalidRequest(f"{text!r} is no day such as 2026-11-29.", given=text) from error


def _show(found: Reconciliation) -> None:
    bank = "" if found.entries is None else f", {found.entries:,} entries of the bank"
    print(
        f"blocks {found.first_block:,} to {found.block:,}: {found.events:,} events, {found.figures:,} figures of "
        f"the contracts{bank}"
    )
    if found.days:
        print_rows([day.to_dict() for day in found.days])
    for each in found.breaks:
        print(f"\n{each.kind}: {each.what}\n  where: {each.where}")
        if each.block is not None:
            print(f"  block: {each.block}")
        if each.day is not None:
            print(f"  day: {each.day}")
        if each.expected is not None or each.found is not None:
            print(f"  expected: {each.expected}\n  found: {each.found}")
        print(f"  do: {each.remedy}")
    print("everything agrees" if found.clean else f"\n{len(found.breaks):,} breaks")
