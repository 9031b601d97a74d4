"""Reports as tables for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from pyjpm.money import Money
from pyjpm.orders.replay import ReplayReport

_ROWS = 5


def console() -> Console:
    """Where reports go: standard output, plain where it is no terminal."""
    return Console(highlight=False)


def print_replay(report: ReplayReport) -> None:
    """What a replay came to: orders by state, money by currency, and rows to look at."""
    out, found = console(), report.reconciliation
    out.print(f"{found.orders.total():,} orders, read back from the chain at block {found.block:,}")
    orders = Table()
    orders.add_column("state")
    orders.add_column("orders", justify="right")
    currencies = sorted(found.totals)
    for currency in currencies:
        orders.add_column(currency, justify="right")
    for state in ("released", "refunded", "cancelled", "live"):
        amounts = [_grouped(getattr(found.totals[currency], state), currency) for currency in currencies]
        orders.add_row(state, f"{found.orders[state]:,}", *amounts)
    orders.add_row("mixed", f"{found.orders['mixed']:,}", *("" for _ in currencies))
    if found.orders["none"]:
        orders.add_row("not opened", f"{found.orders['none']:,}", *("" for _ in currencies))
    orders.add_section()
    for figure in ("supply", "available"):
        amounts = [_grouped(getattr(found.totals[currency], figure), currency) for currency in currencies]
        orders.add_row(figure, "", *amounts)
    out.print(orders)
    out.print(f"events match the chain: {'yes' if found.events_match_chain else 'NO'}\n")
    if report.rows:
        _print_rows(out, report)


def _print_rows(out: Console, report: ReplayReport) -> None:
    out.print(f"{len(report.rows):,} rows to look at")
    rows = Table()
    for name in ("line", "order", "reason", "message"):
        rows.add_column(name, justify="right" if name == "line" else "left")
    for row in report.rows[:_ROWS]:
        rows.add_row(str(row["line"]), row["order"], row["reason"], row["message"])
    out.print(rows)
    if len(report.rows) > _ROWS:
        out.print(f"and {len(report.rows) - _ROWS:,} more: --json writes them all")


def _grouped(minor: int, currency: str) -> str:
    return f"{Money.from_minor(minor, currency).amount:,}"
