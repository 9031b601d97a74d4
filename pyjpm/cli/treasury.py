"""``pyjpm treasury``: a group's accounts, and what it saves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from pyjpm.cli.rows import print_rows
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.iso8601 import parse_datetime
from pyjpm.ledger import Ledger
from pyjpm.platform import Platform
from pyjpm.session import unix_seconds
from pyjpm.treasury import Assumptions, load_assumptions, load_group, picture, report, view

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

GroupOption = Annotated[Path, typer.Option(help="The group, a TOML file.", envvar="PYJPM_GROUP")]
LedgerOption = Annotated[
    str, typer.Option("--ledger", help="The ledger: a file, or a postgresql:// URL.", envvar="PYJPM_LEDGER")
]
RpcOption = Annotated[str, typer.Option(help="URL of a node: the ledger is synced first.", envvar="PYJPM_RPC")]
RecordOption = Annotated[Path, typer.Option(help="Deployment record of the platform.", envvar="PYJPM_RECORD")]
AssumptionsOption = Annotated[
    Path | None, typer.Option(help="What to compare with, a TOML file; see docs/treasury.md for the defaults.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def treasury() -> None:
    """A group's accounts over all currencies, and what it saves."""


@app.command("view")
def view_command(
    group: GroupOption,
    ledger: LedgerOption,
    rpc: RpcOption,
    record: RecordOption,
    assumptions: AssumptionsOption = None,
    at: Annotated[str | None, typer.Option(help="As of this RFC 3339 time; now if not given.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Every account of the group: balance, available, held, frozen, and what all of it comes to."""
    members, assumed = load_group(group), _assumptions(assumptions)
    with _synced(ledger, rpc, record) as opened:
        found = view(opened, members, assumed, at_time=None if at is None else _time(at))
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
        return
    print_rows([each.to_dict() for each in found.positions])
    print(f"{found.group} at block {found.block}: " + ", ".join(map(str, found.totals)))
    if found.in_base is not None:
        print(f"in all {found.in_base} (by the assumed rates)")


@app.command("report")
def report_command(
    group: GroupOption,
    ledger: LedgerOption,
    rpc: RpcOption,
    record: RecordOption,
    assumptions: AssumptionsOption = None,
    since: Annotated[str | None, typer.Option(help="RFC 3339 time; 30 days before the end if not given.")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339 time, not included; now if not given.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write it as a page to look at.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What the period saved against correspondent banks, and its working capital, with every assumption."""
    members, assumed = load_group(group), _assumptions(assumptions)
    last = datetime.now(UTC) if until is None else _time(until)
    first = last - timedelta(days=30) if since is None else _time(since)
    with _synced(ledger, rpc, record) as opened:
        found = report(opened, members, assumed, since=first, until=last)
    if html is not None:
        html.write_text(picture(found), encoding="utf-8")
    told = found.to_dict()
    if as_json:
        print(json.dumps(told, indent=1))
        return
    saved = found.saved
    print(f"{members.name}, {told['since']} to {told['until']}")
    print(f"{saved.transfers} bank transfers would have been, {saved.movements} movements were")
    print(f"{saved.legs_netted - saved.left_of_nets} avoided by netting, {saved.exchanges} exchanges")
    print(f"assumed: {saved.total} saved ({saved.fees} fees, {saved.funding} in transit, {saved.spread} spread)")
    print_rows(
        [
            {
                "order": each["reference"][:10],
                "currency": each["currency"],
                "released": each["released"],
                "days": each["days_from_funded_to_released"],
                "amount_days": each["amount_days"],
                **each["assumed"],
            }
            for each in told["working_capital"]["orders"]
        ]
    )
    print_rows([{**row, **row.pop("assumed")} for row in told["working_capital"]["idle"]])


def _assumptions(path: Path | None) -> Assumptions:
    return Assumptions() if path is None else load_assumptions(path)


@contextmanager
def _synced(ledger: str, rpc: str, record: Path) -> Iterator[Ledger]:
    with ExitStack() as stack:
        platform = stack.enter_context(Platform.connect(rpc, record))
        opened = stack.enter_context(Ledger(ledger, platform))
        opened.sync()
        yield opened


def _time(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        raise InvalidRequest(f"{text!r} is no RFC 3339 time.") from None
    unix_seconds(moment)
    return moment
