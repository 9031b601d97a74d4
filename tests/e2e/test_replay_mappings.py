"""Order logs of other shapes than the example's: status rows, partial deliveries, inspections, disputes, currencies.

On eth-tester, in process: a replay needs no Anvil.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyjpm import LocalSigner, Platform
from pyjpm.chain import ClientKind, LocalAnvil
from pyjpm.chain.tester import LocalTester
from pyjpm.errors.orders import ShiftRequired
from pyjpm.orders.mapping import load_mapping
from pyjpm.orders.replay import ReplayReport, replay
from pyjpm.testing import backed_platform

DAY = 86_400
START = 1_767_225_600  # 2026-01-01 00:00 UTC

COLUMNS = """
[columns]
order = "order"
buyer = "buyer"
seller = "seller"
amount = "amount"
currency = "currency"
opened = "opened"

[statuses]
SHIPPED = 1
DELIVERED = 2
DAMAGED = { number = 9, negative = true }

[long]
status = "status"
at = "at"
seq = "seq"
accepted = "accepted"
complete = "last"
"""
HEADER = "order,buyer,seller,amount,currency,opened,status,at,seq,accepted,last"

Replay = Callable[..., ReplayReport]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    journal = Path(tmp_path_factory.mktemp("bank")) / "journal.sqlite"
    with (
        LocalTester(timestamp=START - DAY, block_gas_limit=1_000_000_000) as tester,
        backed_platform(
            tester.connection(), LocalSigner.generate(), journal=journal, currencies=("USD", "JPY", "BHD")
        ) as platform,
    ):
        yield platform


@pytest.fixture
def run(bank: Platform, tmp_path: Path) -> Replay:
    def replayed(terms: str, rows: list[str], before: str = "") -> ReplayReport:
        (tmp_path / "mapping.toml").write_text(before + COLUMNS + terms)
        (tmp_path / "orders.csv").write_text("\n".join([HEADER, *rows]) + "\n")
        mapping = load_mapping(tmp_path / "mapping.toml")
        return replay(bank.session, tmp_path / "orders.csv", mapping, work=tmp_path / "work")

    return replayed


def money(report: ReplayReport, name: str, currency: str = "USD") -> str:
    return str(report.to_dict()["currencies"][currency][name])


PREFUND = """
[[terms]]
name = "prefund"
milestones = [{ mode = "prefund", required = "DELIVERED", attest_by = { after_opened = "10d" } }]
"""


def test_late_repeated_and_out_of_order_statuses_are_reported_rows(run: Replay) -> None:
    report = run(
        PREFUND,
        [
            "a,B,S,100.00,USD,2026-01-02,SHIPPED,2026-01-03,1,,",
            "a,B,S,100.00,USD,2026-01-02,DELIVERED,2026-01-04,3,,",
            "a,B,S,100.00,USD,2026-01-02,DELIVERED,2026-01-04T01:00:00,3,,",
            "b,B,S,50.00,USD,2026-01-02,DELIVERED,2026-01-20,1,,",
            "c,B,S,25.00,USD,2026-01-02,LOST,2026-01-03,1,,",
        ],
    )
    found = {(row["order"], row["reason"]) for row in report.rows}
    assert {("a", "IRRELEVANT"), ("a", "REPEATED"), ("b", "LATE"), ("c", "UNKNOWN_STATUS")} <= found
    assert (money(report, "released"), money(report, "refunded")) == ("100.00", "50.00")
    assert report.reconciliation.events_match_chain


def test_partial_deliveries_are_paid_as_they_come(run: Replay) -> None:
    partial = PREFUND.replace("attest_by = {", "partial = true, attest_by = {")
    report = run(
        partial,
        [
            "p,B,S,100.00,USD,2026-02-02,DELIVERED,2026-02-03,1,40.00,no",
            "p,B,S,100.00,USD,2026-02-02,DELIVERED,2026-02-04,2,75.00,yes",
            "q,B,S,10.00,USD,2026-02-02,DELIVERED,2026-02-03,1,4.00,no",
        ],
    )
    assert (money(report, "released"), money(report, "refunded")) == ("79.00", "31.00")
    assert report.reconciliation.events_match_chain


def test_an_inspection_runs_before_the_release(run: Replay, bank: Platform) -> None:
    inspected = PREFUND.replace("attest_by = {", 'inspection = "2d", attest_by = {')
    report = run(inspected, ["i,B,S,100.00,USD,2026-03-02,DELIVERED,2026-03-03,1,,"])
    assert money(report, "released") == "100.00"
    released = list(bank.session.events("OrderEscrow", "MilestoneReleased"))[-1]
    at = bank.connection.block(released.block).timestamp
    accepted = START + 61 * DAY  # 2026-03-03
    assert at > accepted + 2 * DAY


def test_a_dispute_that_nobody_rules_is_decided_by_the_fallback(run: Replay) -> None:
    terms = PREFUND.replace("attest_by", 'ruling_within = "3d", attest_by')
    rows = ["d,B,S,100.00,USD,2026-04-02,DAMAGED,2026-04-03,1,,"]
    report = run(terms, rows, "clock_end = 2026-06-30")
    # The highest status says damaged: nothing was accepted, so all of it goes back.
    assert (money(report, "released"), money(report, "refunded"), money(report, "live")) == ("0.00", "100.00", "0.00")
    assert report.reconciliation.events_match_chain


def test_currencies_keep_their_minor_units(run: Replay) -> None:
    report = run(
        PREFUND,
        [
            "y,B,S,1000,JPY,2026-07-02,DELIVERED,2026-07-03,1,,",
            "z,B,S,1.234,BHD,2026-07-02,DELIVERED,2026-07-03,1,,",
            "x,B,S,1.5,JPY,2026-07-02,DELIVERED,2026-07-03,1,,",
        ],
    )
    assert (money(report, "released", "JPY"), money(report, "released", "BHD")) == ("1000", "1.234")
    assert [row["reason"] for row in report.rows] == ["TOO_MANY_DECIMALS"]


def test_a_chain_whose_clock_is_not_ours_needs_a_time(tmp_path: Path) -> None:
    """On such a chain the log's first event happens at --shift-to, and the others as much later as in the log."""
    (tmp_path / "mapping.toml").write_text(COLUMNS + PREFUND.replace("10d", "1d"))
    rows = [
        "a,B,S,100.00,USD,2026-01-02T00:00:00,DELIVERED,2026-01-02T00:00:04,1,,",
        "b,B,S,30.00,USD,2026-01-02T00:00:02,SHIPPED,2026-01-02T00:00:03,1,,",
    ]
    (tmp_path / "orders.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    # The clock ends before order b's day is over, so that the test need not wait for it.
    text = (tmp_path / "mapping.toml").read_text()
    (tmp_path / "mapping.toml").write_text("clock_end = 2026-01-02T00:00:06Z\n" + text)
    mapping = load_mapping(tmp_path / "mapping.toml")
    with (
        LocalAnvil(mining=1) as anvil,
        backed_platform(anvil.url, LocalSigner.generate(), journal=tmp_path / "j.sqlite", currencies=["USD"]) as bank,
    ):
        bank.connection.kind = ClientKind.BESU  # as good as: nothing here may move this chain's clock
        log, work = tmp_path / "orders.csv", tmp_path / "work"
        with pytest.raises(ShiftRequired):
            replay(bank.session, log, mapping, work=work)
        first = bank.session.now() + 12
        report = replay(bank.session, log, mapping, work=work, shift_to=first)
        assert (money(report, "released"), money(report, "live")) == ("100.00", "30.00")
        released = next(bank.session.events("OrderEscrow", "MilestoneReleased"))
        assert bank.connection.block(released.block).timestamp >= first + 4
        assert report.reconciliation.events_match_chain
