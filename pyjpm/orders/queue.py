"""The event queue on disk: filled once from a log, consumed in order, resumable at any point.

Decisions that govern this module:

* One SQLite file. It is filled in one transaction, schema included, so that after a crash it is either empty or whole;
  which input it holds is part of that transaction, and another input is refused.
* ``synchronous=FULL``: what ``mark_done`` returned from is on disk. Whoever executes events marks them after the fact,
  so a crash between the two repeats an event: executing must be idempotent, which the outbox's references see to.
* The file is locked for as long as it is open. Two replays never share a queue.
* Memory is that of a batch, whatever the log's length.

One queue object belongs to one thread.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from pyjpm.errors.orders import (
    QueueBusy,
    QueueOfOtherInput,
    QueueStateMismatch,
    QueueUnusable,
    UnknownQueueItem,
)
from pyjpm.money import Money
from pyjpm.orders.events import (
    EventKind,
    MilestoneMode,
    OrderEvent,
    OrderMilestone,
    OrderRecord,
    Party,
    RowReason,
    UnusableRow,
)

APPLICATION_ID: Final = 0x706A6F71  # "pjoq", so that no other SQLite file is taken for a queue
SCHEMA_VERSION: Final = 1
DONE: Final = "DONE"
"""The outcome of an event that went as the log says."""

SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE party (id TEXT PRIMARY KEY, name TEXT NOT NULL, country TEXT) WITHOUT ROWID;
CREATE TABLE orders (
    id TEXT PRIMARY KEY, line INTEGER NOT NULL, buyer TEXT NOT NULL, seller TEXT NOT NULL,
    amount TEXT NOT NULL, currency TEXT NOT NULL, opened INTEGER NOT NULL, terms TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE event (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, final INTEGER NOT NULL, order_id TEXT NOT NULL, seq INTEGER NOT NULL,
    kind TEXT NOT NULL, line INTEGER NOT NULL, currency TEXT, payload TEXT NOT NULL, outcome TEXT, detail TEXT
);
CREATE TABLE unusable (
    id INTEGER PRIMARY KEY, line INTEGER NOT NULL, order_id TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL
);
"""
# made after the rows are in, which is faster; partial, so that reading on after a crash skips nothing row by row
INDEXES: Final = """
CREATE INDEX event_pending ON event (at, final, order_id, seq, id) WHERE outcome IS NULL;
CREATE INDEX event_of_order ON event (order_id, at, seq);
CREATE INDEX order_of_buyer ON orders (buyer, currency);
"""
_EVENT_COLUMNS: Final = "id, at, order_id, seq, kind, payload"
_LATER: Final = "AND (at, final, order_id, seq, id) > (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Events of one second, in order. A second with more events than a batch comes as several groups."""

    at: int
    events: tuple[OrderEvent, ...]


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """What became of an event: its outcome, a word of the executor's, and what the executor adds."""

    event: OrderEvent
    outcome: str
    detail: str


class OrderQueue:
    """The queue in one file. Made by :meth:`open`; close it or use it in a ``with`` statement."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path, fingerprint: str, fill: Callable[[sqlite3.Connection], None]) -> Self:
        """Open the queue of one input, filling it first if it is empty.

        Args:
            path: made where there is none; its folder must exist.
            fingerprint: names the input.
            fill: puts the input in; runs inside the one transaction that also makes the tables.

        Raises:
            QueueOfOtherInput: it holds another input.
            QueueBusy: another process has it open.
            QueueUnusable: no queue of this version, or the disk fails it.
        """
        with _translated(path):
            connection = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            with _translated(path):
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                _check_kind(path, connection)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                queue = cls(path, connection)
                with queue.transaction():
                    if not _has_tables(connection):
                        _create(connection, fingerprint, fill)
                held = queue.pinned("fingerprint")
            if held != fingerprint:
                raise QueueOfOtherInput(f"{path} holds the events of another log or mapping.", path=str(path))
        except BaseException:
            connection.close()
            raise
        return queue

    # ---- what happens ----

    def pending(self, batch: int = 1000) -> list[OrderEvent]:
        """The first events in order that have no outcome, at most ``batch``."""
        return [_event(row) for row in self._pending_after(None, batch)]

    def groups(self, batch: int = 1000) -> Iterator[EventGroup]:
        """Every event without an outcome, in order, by equal time; each comes once, marked or not.

        Args:
            batch: how many events a group holds at most, and how many are in memory.
        """
        after = None
        while rows := self._pending_after(after, batch):
            for at, same in groupby(rows, key=lambda row: int(row[1])):
                yield EventGroup(at, tuple(_event(row) for row in same))
            after = rows[-1]

    def _pending_after(self, row: tuple[Any, ...] | None, batch: int) -> list[tuple[Any, ...]]:
        where, place = ("", ()) if row is None else (_LATER, (row[1], row[6], row[2], row[3], row[0]))
        return self._all(
            f"SELECT {_EVENT_COLUMNS}, final FROM event WHERE outcome IS NULL {where} "  # noqa: S608 - constants
            "ORDER BY at, final, order_id, seq, id LIMIT ?",
            (*place, batch),
        )

    def mark_done(self, ids: Iterable[int], outcome: str = DONE, detail: str = "") -> None:
        """Give events their outcome, all or none, durably. An event that has one keeps it.

        Args:
            outcome: :data:`DONE`, or a word for what differed, such as ``"LATE"``; not empty.

        Raises:
            UnknownQueueItem: an id is not of this queue.
        """
        assert outcome
        with self.transaction(), _translated(self._path):
            for event_id in ids:
                marked = self._connection.execute(
                    "UPDATE event SET outcome = coalesce(outcome, ?), detail = coalesce(detail, ?) WHERE id = ?",
                    (outcome, detail, event_id),
                )
                if marked.rowcount == 0:
                    raise UnknownQueueItem(f"Event {event_id} is not in {self._path}.", id=event_id)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Several marks and pins in one commit: one wait for the disk instead of many. May be nested."""
        if self._connection.in_transaction:
            yield
            return
        with _translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        with _translated(self._path):
            self._connection.commit()

    def outcomes(self, *, differing: bool = False) -> Iterator[EventOutcome]:
        """Events that have an outcome, in order; ``differing``: only those that are not DONE."""
        where = "outcome <> 'DONE'" if differing else "outcome IS NOT NULL"
        sql = f"SELECT {_EVENT_COLUMNS}, outcome, detail FROM event WHERE {where} "  # noqa: S608 - constants
        for row in self._stream(sql + "ORDER BY at, final, order_id, seq, id"):
            yield EventOutcome(_event(row), row[6], row[7])

    def outcome_counts(self) -> dict[str, int]:
        """How many events have each outcome; ``"PENDING"`` counts those without."""
        return dict(self._all("SELECT coalesce(outcome, 'PENDING') AS word, count(*) FROM event GROUP BY word"))

    def span(self) -> tuple[int, int] | None:
        """Unix seconds of the first and the last event; None where there is none."""
        first, last = self._all("SELECT min(at), max(at) FROM event")[0]
        return None if first is None else (first, last)

    def history(self, order_id: str) -> list[OrderEvent]:
        """All events of one order, in order, whatever their outcome."""
        sql = f"SELECT {_EVENT_COLUMNS} FROM event WHERE order_id = ? ORDER BY at, seq, id"  # noqa: S608 - constants
        return [_event(row) for row in self._all(sql, (order_id,))]

    # ---- what there is ----

    def order(self, order_id: str) -> OrderRecord:
        """One order.

        Raises:
            UnknownQueueItem: the log has no usable order of that id.
        """
        rows = self._all("SELECT * FROM orders WHERE id = ?", (order_id,))
        if not rows:
            raise UnknownQueueItem(f"Order {order_id!r} is not in {self._path}.", order=order_id)
        return _order(rows[0])

    def orders(self) -> Iterator[OrderRecord]:
        """All usable orders by id, streaming."""
        return map(_order, self._stream("SELECT * FROM orders ORDER BY id"))

    def parties(self) -> Iterator[Party]:
        """Everybody who buys or sells in a usable order, by id."""
        sql = (
            "SELECT id, name, country FROM party "
            "WHERE id IN (SELECT buyer FROM orders UNION SELECT seller FROM orders) ORDER BY id"
        )
        return (Party(*row) for row in self._stream(sql))

    def buyer_totals(self) -> Iterator[tuple[str, Money]]:
        """What each buyer's usable orders come to, once per currency, by buyer."""
        rows = self._stream("SELECT buyer, currency, amount FROM orders ORDER BY buyer, currency")
        for (buyer, currency), same in groupby(rows, key=lambda row: (row[0], row[1])):
            # summed here: SQLite's integers end at 63 bits, amounts at 88
            yield buyer, Money.from_minor(sum(int(row[2]) for row in same), currency)

    def unusable(self) -> Iterator[UnusableRow]:
        """Rows that could not be used, by line."""
        rows = self._stream("SELECT line, order_id, reason, message FROM unusable ORDER BY line, id")
        return (UnusableRow(line, order, RowReason(reason), message) for line, order, reason, message in rows)

    def counts(self) -> dict[str, int]:
        """How many ``orders``, ``events``, ``pending`` events, ``unusable`` rows and ``parties`` (in orders)."""
        used = "SELECT buyer AS id FROM orders UNION SELECT seller FROM orders"
        queries = {
            "orders": "SELECT count(*) FROM orders",
            "events": "SELECT count(*) FROM event",
            "pending": "SELECT count(*) FROM event WHERE outcome IS NULL",
            "unusable": "SELECT count(*) FROM unusable",
            "parties": f"SELECT count(*) FROM ({used})",  # noqa: S608 - constants
        }
        return {name: self._all(sql)[0][0] for name, sql in queries.items()}

    # ---- what the queue is bound to ----

    def pin(self, name: str, value: str) -> None:
        """Bind the queue to a fact of its replay (chain, deployment, time shift): the first value stays.

        Raises:
            QueueStateMismatch: it is bound to another value.
        """
        with self.transaction(), _translated(self._path):
            self._connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, value))
        held = self.pinned(name)
        if held != value:
            raise QueueStateMismatch(
                f"The replay's {name} is {held}, not {value}.", name=name, pinned=held, given=value
            )

    def pinned(self, name: str) -> str | None:
        """The value under ``name``, None before the first."""
        rows = self._all("SELECT value FROM meta WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _all(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with _translated(self._path):
            return self._connection.execute(sql, values).fetchall()

    def _stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        with _translated(self._path):
            yield from self._connection.execute(sql)


def _check_kind(path: Path, connection: sqlite3.Connection) -> None:
    if not _has_tables(connection):
        return
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if (kind, version) != (APPLICATION_ID, SCHEMA_VERSION):
        raise QueueUnusable(f"{path} is a database, but no event queue of this version.", path=str(path))


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])


def _create(connection: sqlite3.Connection, fingerprint: str, fill: Callable[[sqlite3.Connection], None]) -> None:
    # statement by statement: executescript would commit the transaction this is part of
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("INSERT INTO meta VALUES ('fingerprint', ?)", (fingerprint,))
    fill(connection)
    for statement in INDEXES.split(";"):
        connection.execute(statement)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        busy = getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if busy:
            raise QueueBusy(f"{path} is open in another process.", path=str(path)) from error
        raise QueueUnusable(f"{path} cannot be used as an event queue: {error}.", path=str(path)) from error


def _event(row: tuple[Any, ...]) -> OrderEvent:
    event_id, at, order_id, seq, kind, payload = row[:6]
    return OrderEvent(event_id, at, order_id, seq, EventKind(kind), MappingProxyType(json.loads(payload)))


def _order(row: tuple[Any, ...]) -> OrderRecord:
    order_id, line, buyer, seller, amount, currency, opened, terms, body = row
    data = json.loads(body)
    milestones = tuple(
        OrderMilestone(**{**milestone, "mode": MilestoneMode(milestone["mode"])}) for milestone in data["milestones"]
    )
    return OrderRecord(
        id=order_id,
        line=line,
        buyer=buyer,
        seller=seller,
        amount=Money.from_minor(int(amount), currency),
        opened=opened,
        terms=terms,
        submit_grace=data["submit_grace"],
        fallback_basis_points=data["fallback_basis_points"],
        negative=tuple(data["negative"]),
        milestones=milestones,
    )
