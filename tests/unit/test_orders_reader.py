"""Rows become orders and statuses, or are reported with their line and reason while the rest goes on."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyjpm.errors.orders import (
    MissingColumns,
    OrdersFileUnreadable,
    PartiesUnusable,
    RepeatedColumns,
)
from pyjpm.money import Money
from pyjpm.orders import EventKind, MilestoneMode, OrderMapping, OrderQueue, RowReason, load_mapping, open_queue

DAY = 86400
WIDE = """
clock_end = 2024-12-31
[columns]
order = "id"
buyer = "buyer"
seller = "seller"
amount = "amount"
currency = "currency"
opened = "opened"
[statuses]
SHIPPED = 1
DELIVERED = 2
[wide]
SHIPPED = "shipped"
DELIVERED = "delivered"
[[terms]]
name = "split"
when = { column = "kind", in = ["split"] }
milestones = [
    { mode = "prefund", share = 30, required = "SHIPPED", attest_by = { end_of_day = "due" } },
    { mode = "on_attest", share = "rest", required = "DELIVERED", attest_by = { end_of_day = "due", plus = "7d" } },
]
[[terms]]
name = "prefund"
when = { column = "kind", in = ["prefund", ""] }
submit_grace = "1h"
milestones = [{ mode = "prefund", required = "SHIPPED", attest_by = { end_of_day = "due" }, fund_by = { at = "due" } }]
[parties]
file = "parties.csv"
id = "id"
"""
WIDE_HEADER = "id,buyer,seller,amount,currency,opened,due,shipped,delivered,kind"

LONG = """
[columns]
order = "id"
buyer = "buyer"
seller = { value = "SHOP" }
amount = "amount"
currency = "currency"
[statuses]
SHIPPED = 1
DAMAGED = { number = 9, negative = true }
[long]
status = "status"
at = "at"
seq = "rev"
opening = "CREATED"
ignore = ["NOTE"]
accepted = "accepted"
complete = "last"
[[terms]]
name = "all"
milestones = [{ mode = "on_attest", partial = true, required = "SHIPPED", attest_by = { after_opened = "30d" } }]
"""
LONG_HEADER = "id,status,at,rev,buyer,amount,currency,accepted,last"


def mapped(folder: Path, text: str, encoding: str = "utf-8") -> OrderMapping:
    (folder / "parties.csv").write_text("id\nA\nB\nSHOP\n", encoding=encoding)
    (folder / "mapping.toml").write_text(text, encoding="utf-8")
    return load_mapping(folder / "mapping.toml")


def queued(folder: Path, mapping: str, *lines: str) -> OrderQueue:
    log = folder / "log.csv"
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "queue").unlink(missing_ok=True)
    return open_queue(log, mapped(folder, mapping), folder / "queue")


def reported(queue: OrderQueue) -> list[tuple[int, str, RowReason]]:
    return [(row.line, row.order, row.reason) for row in queue.unusable()]


GOOD = "1,A,SHOP,10.00,USD,2024-01-01,2024-02-01,2024-01-10,,prefund"


def test_a_wide_row_is_an_order_and_its_statuses(tmp_path: Path) -> None:
    row = "7,A,SHOP,0.99,USD,2024-01-01,2024-02-01,2024-01-10,2024-01-12T08:00:00,split"
    with queued(tmp_path, WIDE, WIDE_HEADER, row) as queue:
        order = queue.order("7")
        opened, shipped, delivered, first, second = queue.history("7")
        assert reported(queue) == []
        assert queue.counts() == {"orders": 1, "events": 6, "pending": 6, "unusable": 0, "parties": 2}
    start = 1704067200  # 2024-01-01
    assert (order.buyer, order.seller, order.amount, order.opened, order.line, order.terms) == (
        ("A", "SHOP", Money("0.99", "USD"), start, 2, "split")
    )
    deposit, rest = order.milestones
    assert (deposit.mode, deposit.amount_minor, deposit.required) == (MilestoneMode.PREFUND, 29, 1)
    assert (rest.mode, rest.amount_minor, rest.required) == (MilestoneMode.ON_ATTEST, 70, 2)
    due = start + 32 * DAY - 1
    assert (deposit.fund_by, deposit.attest_by) == (due, due)
    assert (rest.fund_by, rest.attest_by) == (0, due + 7 * DAY)
    assert (opened.kind, opened.at, opened.seq) == (EventKind.OPEN, start, 0)
    assert (shipped.kind, shipped.at, shipped.seq) == (EventKind.STATUS, start + 9 * DAY, start + 9 * DAY)
    assert dict(shipped.payload) == {
        "line": 2,
        "name": "SHIPPED",
        "number": 1,
        "at": start + 9 * DAY,
        "accepted": None,
        "complete": True,
    }
    assert (delivered.payload["number"], delivered.at) == (2, start + 11 * DAY + 8 * 3600)
    assert (first.kind, first.at, dict(first.payload)) == (EventKind.DEADLINE, due + 1, {"milestone": 0})
    assert (second.at, dict(second.payload)) == (due + 7 * DAY + 1, {"milestone": 1})


def test_submit_grace_puts_the_deadline_off_and_funding_has_its_own(tmp_path: Path) -> None:
    with queued(tmp_path, WIDE, WIDE_HEADER, GOOD) as queue:
        (milestone,) = queue.order("1").milestones
        deadline = queue.history("1")[-1]
    assert milestone.fund_by == milestone.attest_by - DAY + 1
    assert deadline.at == milestone.attest_by + 3600 + 1


@pytest.mark.parametrize(
    ("fund_by", "attest_by", "usable"),
    [
        ("{ at = 'due' }", "{ at = 'due' }", True),
        ("{ at = 'due', plus = '1s' }", "{ at = 'due' }", False),
        ("{ after_opened = '0s' }", "{ after_opened = '0s' }", True),
        ("{ after_opened = '1d' }", "{ after_opened = '1096d' }", True),
        ("{ after_opened = '1d' }", "{ after_opened = '1096d1s' }", False),
    ],
)
def test_dates_are_those_that_the_escrow_takes(tmp_path: Path, fund_by: str, attest_by: str, usable: bool) -> None:
    text = WIDE.replace('{ end_of_day = "due" }, fund_by = { at = "due" }', f"{attest_by}, fund_by = {fund_by}")
    assert fund_by in text
    with queued(tmp_path, text, WIDE_HEADER, GOOD) as queue:
        assert reported(queue) == ([] if usable else [(2, "1", RowReason.BAD_DEADLINE)])


def test_a_milestone_that_comes_to_nothing_is_left_out(tmp_path: Path) -> None:
    row = "1,A,SHOP,0.03,USD,2024-01-01,2024-02-01,,,split"
    with queued(tmp_path, WIDE, WIDE_HEADER, row) as queue:
        assert [(m.mode, m.amount_minor) for m in queue.order("1").milestones] == [(MilestoneMode.ON_ATTEST, 3)]


BAD_WIDE_ROWS = [
    ("2,A,SHOP,10.00,USD,2024-01-01,2024-02-01,", RowReason.MALFORMED_ROW),
    (GOOD.replace("1,", "2,", 1) + ",more", RowReason.MALFORMED_ROW),
    (',A,SHOP,10.00,USD,2024-01-01,2024-02-01,,,"pre"fund', RowReason.MALFORMED_ROW),
    ("2\0,A,SHOP,10.00,USD,2024-01-01,2024-02-01,,,", RowReason.MALFORMED_ROW),
    (",A,SHOP,10.00,USD,2024-01-01,2024-02-01,,,", RowReason.MISSING_VALUE),
    ("2,,SHOP,10.00,USD,2024-01-01,2024-02-01,,,", RowReason.MISSING_VALUE),
    ("2,A,SHOP, ,USD,2024-01-01,2024-02-01,,,", RowReason.MISSING_VALUE),
    ("2,A,SHOP,10.00,,2024-01-01,2024-02-01,,,", RowReason.MISSING_VALUE),
    ("2,A,SHOP,10.00,USD,,2024-02-01,,,", RowReason.MISSING_VALUE),
    ("2,A,SHOP,10.00,USD,2024-01-01,,,,", RowReason.MISSING_VALUE),
    ("2,A,SHOP,ten,USD,2024-01-01,2024-02-01,,,", RowReason.BAD_AMOUNT),
    ("2,A,SHOP,1e3,USD,2024-01-01,2024-02-01,,,", RowReason.BAD_AMOUNT),
    ("2,A,SHOP,nan,USD,2024-01-01,2024-02-01,,,", RowReason.BAD_AMOUNT),
    ("2,A,SHOP,10.001,USD,2024-01-01,2024-02-01,,,", RowReason.TOO_MANY_DECIMALS),
    ("2,A,SHOP,0.5,JPY,2024-01-01,2024-02-01,,,", RowReason.TOO_MANY_DECIMALS),
    ("2,A,SHOP,0.00,USD,2024-01-01,2024-02-01,,,", RowReason.AMOUNT_NOT_POSITIVE),
    ("2,A,SHOP,-1.00,USD,2024-01-01,2024-02-01,,,", RowReason.AMOUNT_NOT_POSITIVE),
    ("2,A,SHOP,9999999999999999999999999,USD,2024-01-01,2024-02-01,,,", RowReason.AMOUNT_TOO_LARGE),
    ("2,A,SHOP,10.00,XYZ,2024-01-01,2024-02-01,,,", RowReason.UNKNOWN_CURRENCY),
    ("2,A,SHOP,10.00,USD,01/02/2024,2024-02-01,,,", RowReason.BAD_DATE),
    ("2,A,SHOP,10.00,USD,2024-01-01,2024-02-30,,,", RowReason.BAD_DATE),
    ("2,A,SHOP,10.00,USD,2024-01-01,2024-02-01,never,,", RowReason.BAD_DATE),
    ("2,Z,SHOP,10.00,USD,2024-01-01,2024-02-01,,,", RowReason.UNKNOWN_PARTY),
    ("2,A,Z,10.00,USD,2024-01-01,2024-02-01,,,", RowReason.UNKNOWN_PARTY),
    ("2,A,A,10.00,USD,2024-01-01,2024-02-01,,,", RowReason.SAME_PARTY),
    ("2,A,SHOP,10.00,USD,2024-01-01,2024-02-01,,,barter", RowReason.NO_TERMS),
    ("2,A,SHOP,10.00,USD,2024-03-01,2024-02-01,,,", RowReason.BAD_DEADLINE),
    ("2,A,SHOP,10.00,USD,2024-01-01,2028-02-01,,,", RowReason.BAD_DEADLINE),
    ("1,B,SHOP,99.00,USD,2024-01-01,2024-02-01,2024-01-11,,", RowReason.DUPLICATE_ORDER),
    (GOOD, RowReason.DUPLICATE_ORDER),
    ("2,A,SHOP,10.00,USD,2025-01-01,2025-02-01,,,", RowReason.AFTER_CLOCK_END),
]


@pytest.mark.parametrize(("row", "reason"), BAD_WIDE_ROWS, ids=[f"{r}-{i}" for i, (_, r) in enumerate(BAD_WIDE_ROWS)])
def test_a_bad_row_is_reported_and_the_rest_goes_on(tmp_path: Path, row: str, reason: RowReason) -> None:
    after = GOOD.replace("1,", "3,", 1)
    with queued(tmp_path, WIDE, WIDE_HEADER, GOOD, "", row, after) as queue:
        ((line, order, said),) = reported(queue)
        assert (line, said) == (4, reason)
        assert order == ("" if reason is RowReason.MALFORMED_ROW else row.split(",")[0])
        assert [known.id for known in queue.orders()] == ["1", "3"]
        assert [event.kind for event in queue.history("1")] == [EventKind.OPEN, EventKind.STATUS, EventKind.DEADLINE]
        assert queue.order("1").amount == Money("10", "USD")


def test_a_corrected_row_after_a_bad_one_counts(tmp_path: Path) -> None:
    bad = GOOD.replace("10.00", "ten")
    with queued(tmp_path, WIDE, WIDE_HEADER, bad, GOOD) as queue:
        assert reported(queue) == [(2, "1", RowReason.BAD_AMOUNT)]
        assert queue.order("1").line == 3


def test_a_status_after_the_end_of_the_clock_is_reported_alone(tmp_path: Path) -> None:
    row = "1,A,SHOP,10.00,USD,2024-12-01,2024-12-20,2025-01-01,,"
    with queued(tmp_path, WIDE, WIDE_HEADER, row) as queue:
        assert reported(queue) == [(2, "1", RowReason.AFTER_CLOCK_END)]
        assert [event.kind for event in queue.pending()] == [EventKind.OPEN, EventKind.DEADLINE, EventKind.END]


def test_deadlines_after_the_end_of_the_clock_do_not_run(tmp_path: Path) -> None:
    row = "1,A,SHOP,10.00,USD,2024-12-01,2024-12-31,,,"
    with queued(tmp_path, WIDE, WIDE_HEADER, row) as queue:
        opened, end = queue.pending()
        assert (opened.kind, end.kind, end.at) == (EventKind.OPEN, EventKind.END, 1735689599)


def test_a_status_before_its_opening_waits_for_it(tmp_path: Path) -> None:
    row = "1,A,SHOP,10.00,USD,2024-01-05T10:00:00,2024-02-01,2024-01-05,,"
    with queued(tmp_path, WIDE, WIDE_HEADER, row) as queue:
        opened, shipped, _ = queue.history("1")
        assert (opened.kind, shipped.kind) == (EventKind.OPEN, EventKind.STATUS)
        assert shipped.at == opened.at
        assert shipped.payload["at"] == shipped.seq == opened.at - 10 * 3600


def test_an_unclosed_quote_spoils_what_it_swallows_and_says_so(tmp_path: Path) -> None:
    with queued(tmp_path, WIDE, WIDE_HEADER, GOOD, '2,"A,SHOP', "3,x", "4,x") as queue:
        (row,) = queue.unusable()
        assert (row.line, row.reason) == (3, RowReason.MALFORMED_ROW)
        assert "lines 3 to 5" in row.message


def test_bytes_of_another_encoding_spoil_their_row_only(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    rows = [WIDE_HEADER, GOOD, GOOD.replace("1,A", "2,\u00c9", 1), GOOD.replace("1,", "3,", 1)]
    log.write_bytes("\r\n".join(rows).encode("latin-1"))
    with open_queue(log, mapped(tmp_path, WIDE), tmp_path / "queue") as queue:
        assert reported(queue) == [(3, "", RowReason.MALFORMED_ROW)]
        assert queue.counts()["orders"] == 2


def test_how_the_file_is_written_is_the_mappings_word(tmp_path: Path) -> None:
    text = WIDE + '[file]\ndelimiter = ";"\nempty = ["NULL"]\nencoding = "cp1252"\n'
    text += '[numbers]\ndecimal_mark = ","\ngroup_mark = "."\n[time]\nformats = ["%d.%m.%Y"]\n'
    text = text.replace('amount = "amount"', 'amount = "Betrag in \u20ac"')
    header = WIDE_HEADER.replace(",", ";").replace("amount", "Betrag in \u20ac")
    rows = [
        "1;A;SHOP;1.234.567,89;EUR;01.01.2024;01.02.2024;NULL;;split",
        "2;A;SHOP;1234,5;EUR;01.01.2024;01.02.2024;NULL;;split",
        "3;A;SHOP;1.5;EUR;01.01.2024;01.02.2024;NULL;;split",
        "4;A;SHOP;12.34,5;EUR;01.01.2024;01.02.2024;NULL;;split",
    ]
    log = tmp_path / "log.csv"
    log.write_text("\n".join([header, *rows]), encoding="cp1252")
    with open_queue(log, mapped(tmp_path, text), tmp_path / "queue") as queue:
        assert [order.amount for order in queue.orders()] == [Money("1234567.89", "EUR"), Money("1234.50", "EUR")]
        assert reported(queue) == [(4, "3", RowReason.BAD_AMOUNT), (5, "4", RowReason.BAD_AMOUNT)]


def test_a_point_that_is_not_the_mark_does_not_become_one(tmp_path: Path) -> None:
    text = WIDE + '[file]\ndelimiter = ";"\n[numbers]\ndecimal_mark = ","\n'
    row = GOOD.replace(",", ";")
    with queued(
        tmp_path, text, WIDE_HEADER.replace(",", ";"), row, row.replace("1;", "2;", 1).replace(".", ",")
    ) as queue:
        assert reported(queue) == [(2, "1", RowReason.BAD_AMOUNT)]
        assert queue.order("2").amount == Money("10", "USD")


def test_a_header_that_lacks_columns_stops_the_run(tmp_path: Path) -> None:
    header = WIDE_HEADER.replace("amount", "sum").replace("due", "promised")
    with pytest.raises(MissingColumns) as raised:
        queued(tmp_path, WIDE, header, GOOD)
    assert raised.value.details["missing"] == ["amount", "due"]
    assert "promised" in raised.value.details["found"]
    with pytest.raises(MissingColumns):
        queued(tmp_path, WIDE, "")
    with pytest.raises(RepeatedColumns):
        queued(tmp_path, WIDE, WIDE_HEADER + ",amount", GOOD + ",5")


def test_a_file_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    mapping = mapped(tmp_path, WIDE)
    for log in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(OrdersFileUnreadable):
            open_queue(log, mapping, tmp_path / "queue")
    (tmp_path / "parties.csv").unlink()
    log = tmp_path / "log.csv"
    log.write_text(f"{WIDE_HEADER}\n{GOOD}\n")
    with pytest.raises(OrdersFileUnreadable, match=r"parties\.csv"):
        open_queue(log, mapping, tmp_path / "queue")


def test_parties_come_from_file_and_list(tmp_path: Path) -> None:
    text = WIDE.replace(
        'id = "id"\n', 'id = "id"\nname = "name"\ncountry = "land"\ncountries = { Germany = "DE" }\n', 1
    )
    text = text.replace("[parties]", '[parties]\nalso = [{ id = "SHOP", name = "The Shop", country = "US" }]')
    text = text.replace('id = "id"\nname', 'id = "id"\nname')
    parties = "id,name,land\nA,Alpha GmbH,Germany\nB,,FR\n"
    (tmp_path / "mapping.toml").write_text(text)
    (tmp_path / "parties.csv").write_text(parties)
    log = tmp_path / "log.csv"
    log.write_text(f"{WIDE_HEADER}\n{GOOD}\n{GOOD.replace('1,A', '2,B', 1)}\n")
    mapping = load_mapping(tmp_path / "mapping.toml")
    with open_queue(log, mapping, tmp_path / "queue") as queue:
        assert [(party.id, party.name, party.country) for party in queue.parties()] == [
            ("A", "Alpha GmbH", "DE"),
            ("B", "B", "FR"),
            ("SHOP", "The Shop", "US"),
        ]
    for line in (",Nobody,FR", "C,Gamma,Atlantis", "C"):
        (tmp_path / "parties.csv").write_text(parties + line + "\n")
        with pytest.raises(PartiesUnusable) as raised:
            open_queue(log, mapping, tmp_path / "queue2")
        assert raised.value.details["line"] == 4


LONG_ROWS = [
    "1,SHIPPED,2024-01-09,5,,,USD,4.00,no",  # before its opening in the file: ordinary
    "1,CREATED,2024-01-01,1,A,10.00,USD,,",
    "1,SHIPPED,2024-01-20,6,,,USD,10.00,yes",
    "1,SHIPPED,2024-01-20,6,,,USD,10.00,yes",  # repeated: ordinary
    "1,DAMAGED,2024-01-05,3,,,,,",  # out of order: ordinary
    "1,SHIPPED,2024-06-01,9,,,,,",  # late: ordinary
    "1,NOTE,whatever,,,,,,",
]


def test_a_long_log_is_one_row_a_status(tmp_path: Path) -> None:
    with queued(tmp_path, LONG, LONG_HEADER, *LONG_ROWS) as queue:
        assert reported(queue) == []
        order = queue.order("1")
        assert (order.line, order.buyer, order.seller, order.negative) == (3, "A", "SHOP", (9,))
        assert order.milestones[0].partial
        events = queue.history("1")
        assert [(event.kind, event.seq) for event in events if event.kind is not EventKind.DEADLINE] == [
            (EventKind.OPEN, 0),
            (EventKind.STATUS, 3),
            (EventKind.STATUS, 5),
            (EventKind.STATUS, 6),
            (EventKind.STATUS, 6),
            (EventKind.STATUS, 9),
        ]
        first = next(event for event in events if event.seq == 5)
        assert (first.payload["accepted"], first.payload["complete"]) == (400, False)
        assert queue.pending(100)[-1].kind is EventKind.END
        assert queue.pending(100)[-1].at == events[-1].at  # without clock_end: the last event


BAD_LONG_ROWS = [
    ("1,LOST,2024-01-02,2,,,,,", RowReason.UNKNOWN_STATUS),
    ("1,,2024-01-02,2,,,,,", RowReason.MISSING_VALUE),
    ("1,SHIPPED,,2,,,,,", RowReason.MISSING_VALUE),
    ("1,SHIPPED,2024-01-02,,,,,,", RowReason.MISSING_VALUE),
    ("1,SHIPPED,yesterday,2,,,,,", RowReason.BAD_DATE),
    ("1,SHIPPED,2024-01-02,0,,,,,", RowReason.BAD_SEQ),
    ("1,SHIPPED,2024-01-02,-1,,,,,", RowReason.BAD_SEQ),
    ("1,SHIPPED,2024-01-02,281474976710656,,,,,", RowReason.BAD_SEQ),
    ("1,SHIPPED,2024-01-02,2,,,USD,4.001,", RowReason.TOO_MANY_DECIMALS),
    ("1,SHIPPED,2024-01-02,2,,,USD,-4,", RowReason.AMOUNT_NOT_POSITIVE),
    ("1,SHIPPED,2024-01-02,2,,,EUR,4.00,", RowReason.CURRENCY_MISMATCH),
    ("1,SHIPPED,2024-01-02,2,,,,4.00,", RowReason.MISSING_VALUE),
    ("1,SHIPPED,2024-01-02,2,,,USD,4.00,maybe", RowReason.BAD_FLAG),
    ("1,CREATED,2024-01-02,2,A,10.00,USD,,", RowReason.DUPLICATE_ORDER),
    ("8,SHIPPED,2024-01-02,2,,,,,", RowReason.UNKNOWN_ORDER),
]


@pytest.mark.parametrize(("row", "reason"), BAD_LONG_ROWS, ids=[f"{r}-{i}" for i, (_, r) in enumerate(BAD_LONG_ROWS)])
def test_a_bad_status_is_reported_and_the_rest_goes_on(tmp_path: Path, row: str, reason: RowReason) -> None:
    opening, shipped = "1,CREATED,2024-01-01,1,A,10.00,USD,,", "1,SHIPPED,2024-01-10,281474976710655,,,,,"
    with queued(tmp_path, LONG, LONG_HEADER, row, opening, shipped) as queue:
        line = 3 if reason is RowReason.DUPLICATE_ORDER else 2
        assert reported(queue) == [(line, row.split(",")[0], reason)]
        kinds = [event.kind for event in queue.pending()]
        assert kinds == [EventKind.OPEN, EventKind.STATUS, EventKind.DEADLINE, EventKind.END] or (
            reason is RowReason.DUPLICATE_ORDER and kinds[:2] == [EventKind.OPEN, EventKind.STATUS]
        )


def test_statuses_of_an_order_that_could_not_open_are_reported(tmp_path: Path) -> None:
    rows = ["1,CREATED,2024-01-01,1,A,0.00,USD,,", "1,SHIPPED,2024-01-10,2,,,,,"]
    with queued(tmp_path, LONG, LONG_HEADER, *rows) as queue:
        assert reported(queue) == [(2, "1", RowReason.AMOUNT_NOT_POSITIVE), (3, "1", RowReason.UNKNOWN_ORDER)]
        assert queue.pending() == []
        assert queue.span() is None


def test_rows_may_repeat_their_order_but_not_contradict_it(tmp_path: Path) -> None:
    text = LONG.replace('opening = "CREATED"\n', "").replace(
        'currency = "currency"\n', 'currency = "currency"\nopened = "open"\n'
    )
    header = LONG_HEADER + ",open"
    rows = [
        "1,SHIPPED,2024-01-09,5,A,10.00,USD,,,2024-01-01",
        "1,SHIPPED,2024-01-10,6,A,10.00,USD,,,2024-01-01",
        "1,SHIPPED,2024-01-11,7,A,11.00,USD,,,2024-01-01",
        "1,SHIPPED,2024-01-12,8,B,10.00,USD,,,2024-01-01",
    ]
    with queued(tmp_path, text, header, *rows) as queue:
        assert reported(queue) == [
            (4, "1", RowReason.CONFLICTING_ORDER),
            (5, "1", RowReason.CONFLICTING_ORDER),
        ]
        assert [event.seq for event in queue.history("1") if event.kind is EventKind.STATUS] == [5, 6]


def test_every_reason_is_tested() -> None:
    tested = {reason for _, reason in BAD_WIDE_ROWS + BAD_LONG_ROWS}
    assert set(RowReason) - tested == {RowReason.CONFLICTING_ORDER}  # by the test before this one


def test_reading_takes_the_memory_of_a_row(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        lines = (GOOD.replace("1,", f"{number},", 1) for number in range(1, rows + 1))
        log = tmp_path / f"{rows}.csv"
        log.write_text("\n".join([WIDE_HEADER, *lines]))
        mapping = mapped(tmp_path, WIDE)
        tracemalloc.start()
        with open_queue(log, mapping, tmp_path / f"queue{rows}") as queue:
            assert sum(len(group.events) for group in queue.groups(batch=100)) == 3 * rows + 1
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)  # what is made once, such as caches of patterns
    few, many = peak(150), peak(1500)
    assert many < few + 100_000


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_reported(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    log = folder / "log.csv"
    log.write_bytes(f"{WIDE_HEADER}\n{GOOD}\n".encode() + content)
    with open_queue(log, mapped(folder, WIDE), folder / "queue") as queue:
        assert queue.order("1").amount == Money("10", "USD")
        assert all(row.message and row.line >= 3 for row in queue.unusable())
