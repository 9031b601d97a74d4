"""The gas table: what each operation costs as a whole transaction, on the deployed, proxied contracts, all checks on.

``make gas`` measures ours and others in one run (how: bench.py), writes build/gas.json and fails

* where a figure differs from tests/gas/snapshot.json: ``make gas UPDATE=--update`` records it and writes docs/gas.md,
  and the commit explains it;
* where a budget is passed that budgets.py gives no reason for, or a contract is larger than EIP-170 allows.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import EUR, START, USD, Bench, signer
from budgets import BUDGETS, verdict, violations
from compiled import ROOT
from page import write_page
from peers import peers
from rich.console import Console
from rich.table import Table
from rows_money import clearances, money, onboarding
from rows_orders import orders
from rows_rules import rules
from rows_sponsors import sponsored
from rows_trades import trades
from sizes import code_sizes

from pyjpm import LocalAnvil
from pyjpm.terms import DAY
from pyjpm.testing import backed_platform

SNAPSHOT = ROOT / "tests" / "gas" / "snapshot.json"
RECORD = ROOT / "build" / "gas.json"
PAGE = ROOT / "docs" / "gas.md"


def run() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="pyjpm-gas-") as folder, LocalAnvil(timestamp=START) as anvil:
        journal = Path(folder) / "journal.sqlite"
        with backed_platform(
            anvil.url, signer("bank"), auditor=signer("auditor"), journal=journal, currencies=(USD, EUR)
        ) as bank:
            bench = Bench(anvil, bank)
            anvil.clock().mine_at(START + DAY)
            ours = dict(sorted(measured(bench).items()))
            return {"ours": ours, "peers": peers(bench), "sizes": code_sizes()}


def measured(bench: Bench) -> dict[str, int]:
    buyer, seller, third, empty = (bench.company(name) for name in ("buyer", "seller", "third", "empty"))
    for company in (buyer, seller, third, empty):
        payee = seller if company is not seller else buyer
        for currency in (USD, EUR):
            bench.mint(company, 10_000_000, currency)
            bench.send(company, currency, "transfer", payee.session.wallet, 1_000)
    rest = bench.bank.deposits.balance(empty.session.wallet, currency=USD).balance.minor
    bench.send(empty, USD, "transfer", buyer.session.wallet, rest)
    return (
        money(bench, buyer, seller, third, empty)
        | orders(bench, buyer, seller)
        | trades(bench, buyer, seller, third)
        | rules(bench, buyer, seller)
        | clearances(bench, seller)
        | onboarding(bench)
        | sponsored(bench, seller)
    )


def show(found: Mapping[str, Any]) -> None:
    table = Table(title="gas per transaction", title_justify="left")
    for name in ("row", "ours", "budget", "", *found["peers"]):
        table.add_column(name.replace("_", " "), justify="left" if name == "row" else "right")
    for row, gas in found["ours"].items():
        others = [f"{rows[row]:,}" if row in rows else "" for rows in found["peers"].values()]
        table.add_row(row, f"{gas:,}", f"{BUDGETS[row]:,}" if row in BUDGETS else "", verdict(row, gas), *others)
    Console(width=170).print(table)


def changes(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """Figures that are not as recorded, and by how much."""
    before, now = (
        {("ours", row): gas for row, gas in each["ours"].items()}
        | {(peer, row): gas for peer, rows in each["peers"].items() for row, gas in rows.items()}
        for each in (recorded, found)
    )
    for who, row in sorted(before.keys() | now.keys()):
        old, new = before.get((who, row)), now.get((who, row))
        if old is None:
            yield f"{who} {row}: {new:,}, not recorded"
        elif new is None:
            yield f"{who} {row}: recorded as {old:,}, not measured"
        elif old != new:
            yield f"{who} {row}: {old:,} -> {new:,} ({new - old:+,})"


def main() -> int:
    found = run()
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(found, indent=1) + "\n")
    show(found)
    differing = list(changes(json.loads(SNAPSHOT.read_text()), found))
    for change in differing:
        print(f"changed: {change}", file=sys.stderr)
    wrong = violations(found["ours"], found["sizes"])
    for violation in wrong:
        print(f"too much: {violation}", file=sys.stderr)
    if "--update" in sys.argv[1:]:
        SNAPSHOT.write_text(json.dumps({"ours": found["ours"], "peers": found["peers"]}, indent=1) + "\n")
        write_page(PAGE, found, datetime.now(UTC).date().isoformat())
    elif differing:
        print("Explain the change in the commit and record it: make gas UPDATE=--update", file=sys.stderr)
        return 1
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
