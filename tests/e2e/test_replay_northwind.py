"""All 830 real orders: every figure is read back from the chain and equals what the CSV says, to the cent.

The expectation comes from an independent computation straight from the CSV (tests/northwind_oracle.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_utils import keccak
from northwind_oracle import Expected, northwind

from pyjpm.cli.chains import local_platform
from pyjpm.contracts.sources import project_root
from pyjpm.orders.keys import Keys
from pyjpm.orders.mapping import load_mapping
from pyjpm.orders.replay import KEYS_FILE, ReplayReport, replay
from pyjpm.platform import Platform

FOLDER = project_root() / "examples" / "northwind"
BEFORE_THE_FIRST_ORDER = 836_265_600  # 1996-07-02 00:00 UTC


@pytest.fixture(scope="module")
def expected() -> Expected:
    return northwind()


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, ReplayReport, Path, list[Any]]]:
    work, told = tmp_path_factory.mktemp("replay"), []
    with local_platform(work, BEFORE_THE_FIRST_ORDER, ["USD"], lambda step: None) as platform:
        report = replay(
            platform.session,
            FOLDER / "orders.csv",
            load_mapping(FOLDER / "mapping.toml"),
            work=work,
            progress=lambda *news: told.append(news),
        )
        yield platform, report, work, told


def test_every_figure_equals_the_csv(replayed: Any, expected: Expected) -> None:
    figures = replayed[1].to_dict()
    for name in ("orders", "released_orders", "refunded_orders", "cancelled_orders", "mixed_orders"):
        assert figures[name] == getattr(expected, name), name
    for name in ("released", "refunded", "cancelled"):
        assert Decimal(figures[name]) == getattr(expected, name), name
    assert Decimal(figures["supply"]) == expected.released + expected.refunded
    assert figures["available"] == figures["supply"]
    assert figures["live"] == "0.00"
    assert (figures["unequal_orders"], figures["events_match_chain"]) == ([], True)


def test_every_company_has_on_chain_what_the_csv_says(replayed: Any, expected: Expected) -> None:
    platform, _, work, _ = replayed
    keys, token = Keys(work / KEYS_FILE), platform.contract("USD")

    def cents(party: str) -> int:
        return int(token.functions.balanceOf(keys.signer(f"party {party}").address).call())

    for name, customer in expected.customers.items():
        # What came back from holds is all that a buyer has left: every payment was deposited for.
        assert cents(name) == customer.refunded, name
    assert cents("NORTHWIND") == sum(customer.released for customer in expected.customers.values())


def test_late_shipments_are_reported_rows(replayed: Any) -> None:
    report = replayed[1]
    assert report.outcomes["LATE"] == len(report.rows) == 37
    assert set(report.outcomes) == {"DONE", "LATE"}
    lines = (FOLDER / "orders.csv").read_text().splitlines()
    for row in report.rows:
        assert lines[row["line"] - 1].startswith(row["order"] + ",")


def test_progress_is_told(replayed: Any, expected: Expected) -> None:
    told = replayed[3]
    passes = [what for what, _, _ in told]
    passes = list(dict.fromkeys(passes))
    assert passes == ["reading rows", "onboarding companies", "running events", "reconciling orders"]
    assert told[-1] == ("reconciling orders", expected.orders, expected.orders)


def test_each_call_was_sent_once(replayed: Any) -> None:
    platform, report, _, _ = replayed
    seen: dict[tuple[str, bytes], str] = {}
    mined = 0
    for number in range(1, platform.connection.head().number + 1):
        for transaction in platform.connection.block_transactions(number):
            mined += 1
            call = (transaction.sender + str(transaction.to), keccak(transaction.data))
            assert seen.setdefault(call, transaction.hash) == transaction.hash
    assert mined > report.transactions > 4_000
