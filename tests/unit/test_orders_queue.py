"""The queue keeps the order of events, what became of them, and whose they are, whatever dies."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyjpm.errors.orders import (
    QueueBusy,
    QueueOfOtherInput,
    QueueStateMismatch,
    QueueUnusable,
    UnknownQueueItem,
)
from pyjpm.money import Money
from pyjpm.orders import DONE, EventKind, OrderMapping, OrderQueue, load_mapping, open_queue

MAPPING = """
[columns]
order = "id"
buyer = "buyer"
seller = { value = "SHOP" }
amount = "amount"
currency = "currency"
opened = "opened"
[statuses]
SHIPPED = 1
DELIVERED = 2
[wide]
SHIPPED = "shipped"
DELIVERED = "delivered"
[time]
formats = ["unix"]
[[terms]]
name = "all"
milestones = [{ mode = "prefund", required = "SHIPPED", attest_by = { after_opened = "100s" } }]
"""
HEADER = "id,buyer,amount,currency,opened,shipped,delivered"


@pytest.fixture
def mapping(tmp_path: Path) -> OrderMapping:
    (tmp_path / "mapping.toml").write_text(MAPPING)
    return load_mapping(tmp_path / "mapping.toml")


def log_of(folder: Path, rows: list[str]) -> Path:
    log = folder / "log.csv"
    log.write_text("\n".join([HEADER, *rows]) + "\n")
    return log


ROWS = ["b,B,2.00,USD,1000,1050,1060", "a,A,1.00,USD,1000,1050,", "c,A,3.00,EUR,990,1300,1050"]


def test_events_come_by_time_order_and_seq(tmp_path: Path, mapping: OrderMapping) -> None:
    with open_queue(log_of(tmp_path, ROWS), mapping, tmp_path / "queue") as queue:
        assert [(event.at, event.order, event.kind.value) for event in queue.pending()] == [
            (990, "c", "OPEN"),
            (1000, "a", "OPEN"),
            (1000, "b", "OPEN"),
            (1050, "a", "STATUS"),
            (1050, "b", "STATUS"),
            (1050, "c", "STATUS"),
            (1060, "b", "STATUS"),
            (1091, "c", "DEADLINE"),
            (1101, "a", "DEADLINE"),
            (1101, "b", "DEADLINE"),
            (1300, "c", "STATUS"),
            (1300, "", "END"),
        ]
        assert queue.span() == (990, 1300)
        assert [(group.at, len(group.events)) for group in queue.groups()] == [
            (990, 1),
            (1000, 2),
            (1050, 3),
            (1060, 1),
            (1091, 1),
            (1101, 2),
            (1300, 2),
        ]


def test_a_status_in_the_second_of_a_deadline_comes_before_it(tmp_path: Path, mapping: OrderMapping) -> None:
    with open_queue(log_of(tmp_path, ["a,A,1.00,USD,1000,1101,"]), mapping, tmp_path / "queue") as queue:
        kinds = [event.kind for event in queue.pending()]
        assert kinds == [EventKind.OPEN, EventKind.STATUS, EventKind.DEADLINE, EventKind.END]


def test_a_crowded_second_comes_in_batches(tmp_path: Path, mapping: OrderMapping) -> None:
    rows = [f"{number:03},A,1.00,USD,1000,," for number in range(25)]
    with open_queue(log_of(tmp_path, rows), mapping, tmp_path / "queue") as queue:
        groups = list(queue.groups(batch=10))
    assert all(len(group.events) <= 10 for group in groups)
    assert [event.order for group in groups if group.at == 1000 for event in group.events] == [
        f"{number:03}" for number in range(25)
    ]


def test_marked_events_are_not_pending_and_keep_their_first_outcome(tmp_path: Path, mapping: OrderMapping) -> None:
    log, path = log_of(tmp_path, ROWS), tmp_path / "queue"
    with open_queue(log, mapping, path) as queue:
        first, second, third = queue.pending(3)
        queue.mark_done([first.id, second.id])
        queue.mark_done([third.id], "LATE", "after attestBy")
        queue.mark_done([third.id], DONE, "again")
    with open_queue(log, mapping, path) as queue:
        assert len(queue.pending()) == 9
        assert third.id not in {event.id for group in queue.groups() for event in group.events}
        assert queue.outcome_counts() == {"DONE": 2, "LATE": 1, "PENDING": 9}
        (late,) = queue.outcomes(differing=True)
        assert (late.event, late.outcome, late.detail) == (third, "LATE", "after attestBy")
        assert [done.event.id for done in queue.outcomes()] == [first.id, second.id, third.id]
        assert queue.counts() == {"orders": 3, "events": 12, "pending": 9, "unusable": 0, "parties": 3}


def test_groups_hand_out_each_event_once_marked_or_not(tmp_path: Path, mapping: OrderMapping) -> None:
    with open_queue(log_of(tmp_path, ROWS), mapping, tmp_path / "queue") as queue:
        seen = []
        for group in queue.groups(batch=2):
            seen += [event.id for event in group.events]
            queue.mark_done([event.id for event in group.events[:1]])
        assert sorted(seen) == sorted(set(seen))
        assert len(seen) == 12


def test_marks_are_all_or_none(tmp_path: Path, mapping: OrderMapping) -> None:
    with open_queue(log_of(tmp_path, ROWS), mapping, tmp_path / "queue") as queue:
        first, second, *_ = queue.pending()
        with pytest.raises(UnknownQueueItem):
            queue.mark_done([first.id, 999_999])

        def fails_before_its_commit() -> None:
            with queue.transaction():
                queue.mark_done([second.id])
                queue.pin("chain", "1")
                queue.order("z")

        with pytest.raises(UnknownQueueItem):
            fails_before_its_commit()
        assert queue.outcome_counts() == {"PENDING": 12}
        assert queue.pinned("chain") is None


def test_what_orders_come_to(tmp_path: Path, mapping: OrderMapping) -> None:
    large = ["d,C,3094850098213450687247810.55,USD,1000,,"]  # uint88's maximum, far beyond SQLite's integers
    with open_queue(log_of(tmp_path, ROWS + large), mapping, tmp_path / "queue") as queue:
        assert queue.order("d").amount.minor == 2**88 - 1
        assert list(queue.buyer_totals()) == [
            ("A", Money("3", "EUR")),
            ("A", Money("1", "USD")),
            ("B", Money("2", "USD")),
            ("C", queue.order("d").amount),
        ]
        assert [party.id for party in queue.parties()] == ["A", "B", "C", "SHOP"]
        with pytest.raises(UnknownQueueItem):
            queue.order("z")


def test_orders_and_events_move_to_another_clock(tmp_path: Path, mapping: OrderMapping) -> None:
    with open_queue(log_of(tmp_path, ROWS), mapping, tmp_path / "queue") as queue:
        order, status = queue.order("a"), queue.history("a")[1]
    moved = order.shifted(500)
    assert (moved.opened, moved.milestones[0].fund_by, moved.attest_end(0)) == (1500, 1600, 1600)
    assert order.attest_end(0) == 1100
    assert (status.shifted(500).at, status.shifted(500).seq) == (1550, 1050)


def test_a_queue_belongs_to_its_input(tmp_path: Path, mapping: OrderMapping) -> None:
    log, path = log_of(tmp_path, ROWS), tmp_path / "queue"
    open_queue(log, mapping, path).close()
    log.write_text(log.read_text().replace("2.00", "2.01"))
    with pytest.raises(QueueOfOtherInput):
        open_queue(log, mapping, path)
    log_of(tmp_path, ROWS)
    (tmp_path / "mapping.toml").write_text(MAPPING.replace("100s", "101s"))
    with pytest.raises(QueueOfOtherInput):
        open_queue(log, load_mapping(tmp_path / "mapping.toml"), path)
    open_queue(log, mapping, path).close()  # and is as it was


def test_a_queue_is_pinned_to_its_replay(tmp_path: Path, mapping: OrderMapping) -> None:
    log, path = log_of(tmp_path, ROWS), tmp_path / "queue"
    with open_queue(log, mapping, path) as queue:
        queue.pin("genesis", "0xabc")
        queue.pin("genesis", "0xabc")
    with open_queue(log, mapping, path) as queue, pytest.raises(QueueStateMismatch) as raised:
        queue.pin("genesis", "0xdef")
    assert raised.value.details == {"name": "genesis", "pinned": "0xabc", "given": "0xdef"}


def test_two_replays_never_share_a_queue(tmp_path: Path, mapping: OrderMapping) -> None:
    log, path = log_of(tmp_path, ROWS), tmp_path / "queue"
    with open_queue(log, mapping, path):
        code = "import sys; from pathlib import Path; from pyjpm.orders import *\n"
        code += "open_queue(Path(sys.argv[1]), load_mapping(Path(sys.argv[2])), Path(sys.argv[3]))"
        other = subprocess.run(
            [sys.executable, "-c", code, log, mapping.path, path], capture_output=True, text=True, check=False
        )
    assert QueueBusy.__name__ in other.stderr
    open_queue(log, mapping, path).close()


def test_what_is_no_queue_is_refused_and_left_alone(tmp_path: Path, mapping: OrderMapping) -> None:
    log = log_of(tmp_path, ROWS)
    text = tmp_path / "notes.txt"
    text.write_text("no database, but more than a hundred bytes of something else " * 20)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE ledger (id)")
    connection.close()
    for path in (text, other, tmp_path, tmp_path / "nowhere" / "queue"):
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(QueueUnusable):
            open_queue(log, mapping, path)
        assert (path.read_bytes() if path.is_file() else None) == before


def test_a_log_that_stops_the_run_leaves_an_empty_queue(tmp_path: Path, mapping: OrderMapping) -> None:
    log, path = log_of(tmp_path, ROWS), tmp_path / "queue"

    def interrupted(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_queue(log, mapping, path, interrupted)
    with open_queue(log, mapping, path) as queue:
        assert queue.counts()["orders"] == 3


FILLER = """
import sys
from pathlib import Path
from pyjpm.orders import load_mapping, open_queue
log, mapping, path = map(Path, sys.argv[1:])
with open_queue(log, load_mapping(mapping), path, lambda rows: print(rows, flush=True)) as queue:
    for group in queue.groups(batch=7):
        queue.mark_done([event.id for event in group.events])
        print("marked", *[event.id for event in group.events], flush=True)
"""


def killed_after(arguments: list[Path], lines: int) -> list[str]:
    """Run the filler and kill it when it has printed so many lines, which are the result."""
    with subprocess.Popen([sys.executable, "-c", FILLER, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    return printed


def everything(queue: OrderQueue) -> list[object]:
    return [*queue.orders(), *queue.unusable(), *(event for group in queue.groups() for event in group.events)]


def test_killed_in_either_pass_it_goes_on_as_if_nothing_had_happened(tmp_path: Path, mapping: OrderMapping) -> None:
    rows = [f"{number},A,1.00,USD,{1000 + number % 50},{1020 + number % 70}," for number in range(2500)]
    log, path = log_of(tmp_path, [*rows, "x,A,none,USD,1,,"]), tmp_path / "queue"
    with open_queue(log, mapping, tmp_path / "undisturbed") as queue:
        undisturbed = everything(queue)

    for lines in (1, 2):  # in the first pass, after 1,000 and 2,000 rows
        assert killed_after([log, mapping.path, path], lines)[-1] == f"{lines}000\n"
    marked: list[int] = []
    for _ in range(3):  # in the second pass, at a later point each time
        printed = killed_after([log, mapping.path, path], 3 + 20 if not marked else 20)
        marked += [int(word) for line in printed if line.startswith("marked") for word in line.split()[1:]]
    with open_queue(log, mapping, path) as queue:
        left = [event.id for group in queue.groups() for event in group.events]
        done = [outcome.event.id for outcome in queue.outcomes()]
        # what was announced as marked is; at most what was marked but not yet announced is beyond it
        assert set(marked) <= set(done)
        assert not set(done) & set(left)
        assert len(marked) == len(set(marked))
        order = [item.id for item in undisturbed if type(item).__name__ == "OrderEvent"]
        assert done + left == order
        assert [*queue.orders(), *queue.unusable()] == undisturbed[: 2500 + 1]


def test_marks_wait_for_the_disk(tmp_path: Path, mapping: OrderMapping) -> None:
    with open_queue(log_of(tmp_path, ROWS), mapping, tmp_path / "queue") as queue:
        (level,) = queue._connection.execute("PRAGMA synchronous").fetchone()
    assert level == 2  # FULL


seconds = st.one_of(st.just(""), st.integers(min_value=1, max_value=1200).map(str))
rows = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(min_value=1, max_value=1000), seconds, seconds), max_size=12
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, batch=st.integers(min_value=1, max_value=5))
def test_any_log_comes_out_in_order_however_it_is_batched(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, str, str]], batch: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    (folder / "mapping.toml").write_text(MAPPING)
    log = log_of(folder, [f"{name},A,1.00,USD,{opened},{one},{two}" for name, opened, one, two in rows])
    expected, known = [], set()
    for name, opened, *statuses in rows:
        if name not in known:
            known.add(name)
            expected += [(opened, name, 0), (opened + 101, name, 2**48)]
            expected += [(max(int(at), opened), name, int(at)) for at in statuses if at]
    expected.sort()
    with open_queue(log, load_mapping(folder / "mapping.toml"), folder / "queue") as queue:
        got = [(event.at, event.order, event.seq) for group in queue.groups(batch) for event in group.events]
        assert got[:-1] == expected
        assert got[-1:] == ([(expected[-1][0], "", 0)] if expected else [])
        assert queue.counts()["unusable"] == len(rows) - len(known)
