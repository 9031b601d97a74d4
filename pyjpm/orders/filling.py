"""The first pass: a log becomes the events of a queue.

Decisions that govern this module:

* What only the whole log can tell is settled here: an order opened twice (the first row stands), a row that contradicts
  its order, statuses of orders that never open, and what lies after the end of the clock.
* A status may precede its order's opening, in the file and in time; it runs when the order is open. Its own time stays
  in the payload, for that is what attesters sign.
* A deadline runs one second after attestEnd, when anyone may refund or cancel.
* Input is named by the SHA-256 of log, mapping and parties file; the same bytes make the same queue, event for event.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pyjpm.errors.orders import OrdersFileUnreadable
from pyjpm.orders.events import (
    DEADLINE_SEQ,
    OPEN_SEQ,
    EventKind,
    OrderRecord,
    Party,
    RowReason,
    StatusRecord,
    UnusableRow,
)
from pyjpm.orders.mapping import OrderMapping
from pyjpm.orders.parties import read_parties
from pyjpm.orders.queue import SCHEMA_VERSION, OrderQueue
from pyjpm.orders.reader import LogEntry, OrderLogReader

PROGRESS_EVERY: Final = 1000
"""Rows between two calls of the progress function."""


def open_queue(
    log: Path, mapping: OrderMapping, queue_file: Path, progress: Callable[[int], None] | None = None
) -> OrderQueue:
    """The event queue of a log under a mapping: read from the log first, unless the file already holds it.

    Killed at any point it starts over or goes on cleanly when called again.

    Args:
        queue_file: made where there is none.
        progress: called with the number of rows read so far.

    Raises:
        OrdersFileUnreadable, MissingColumns, RepeatedColumns: of the log or the parties file.
        PartiesUnusable: of the parties file.
        QueueOfOtherInput, QueueBusy, QueueUnusable: of the queue file.
    """

    def fill(connection: sqlite3.Connection) -> None:
        _Filling(connection, mapping).run(log, progress)

    return OrderQueue.open(queue_file, fingerprint(log, mapping), fill)


def fingerprint(log: Path, mapping: OrderMapping) -> str:
    """The name of an input: SHA-256, hexadecimal, over log, mapping, parties file and the queue's version.

    Raises:
        OrdersFileUnreadable: a file cannot be opened.
    """
    parts = [f"pyjpm order queue {SCHEMA_VERSION}", _sha256(log), mapping.sha256]
    if mapping.parties_file is not None:
        parts.append(_sha256(mapping.parties_file))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OrdersFileUnreadable(f"{path} cannot be read: {error.strerror}.", path=str(path)) from error


class _Filling:
    """Puts one log into the tables of an empty queue."""

    def __init__(self, connection: sqlite3.Connection, mapping: OrderMapping) -> None:
        self._connection = connection
        self._mapping = mapping
        self._everybody_known = mapping.parties_file is None
        end = mapping.clock_end
        self._end = None if end is None else mapping.time.reader().last_second(end)

    def run(self, log: Path, progress: Callable[[int], None] | None) -> None:
        for party in read_parties(self._mapping):
            self._add_party(party)
        reader = OrderLogReader(self._mapping, self._is_party)
        count = 0
        for count, entry in enumerate(reader.read(log), start=1):
            self._add(entry)
            if progress is not None and count % PROGRESS_EVERY == 0:
                progress(count)
        self._drop_statuses(
            RowReason.UNKNOWN_ORDER,
            "The log opens no such order.",
            "NOT EXISTS (SELECT 1 FROM orders WHERE orders.id = event.order_id)",
        )
        self._drop_statuses(
            RowReason.CURRENCY_MISMATCH,
            "The accepted amount is not in the order's currency.",
            "currency <> (SELECT orders.currency FROM orders WHERE orders.id = event.order_id)",
        )
        self._wait_for_openings()
        self._add_end()
        if progress is not None:
            progress(count)

    def _is_party(self, party_id: str) -> bool:
        if self._everybody_known:
            return True
        return self._connection.execute("SELECT 1 FROM party WHERE id = ?", (party_id,)).fetchone() is not None

    def _add_party(self, party: Party) -> None:
        self._connection.execute("INSERT OR IGNORE INTO party VALUES (?, ?, ?)", (party.id, party.name, party.country))

    def _add(self, entry: LogEntry) -> None:
        if entry.unusable is not None:
            self._add_unusable(entry.unusable)
        elif entry.order is None or self._open(entry.order):
            for status in entry.statuses:
                self._add_status(status)

    def _open(self, order: OrderRecord) -> bool:
        """Whether the row's statuses count."""
        if self._end is not None and order.opened > self._end:
            return self._refuse(order, RowReason.AFTER_CLOCK_END, "The order opens after the end of the clock.")
        if self._insert(order):
            return True
        row = self._connection.execute(
            "SELECT line, buyer, seller, amount, currency FROM orders WHERE id = ?", (order.id,)
        ).fetchone()
        if not self._mapping.order_rows_repeat:
            return self._refuse(order, RowReason.DUPLICATE_ORDER, f"Line {row[0]} opened the order already.")
        if row[1:] == (order.buyer, order.seller, str(order.amount.minor), order.amount.currency):
            return True
        message = f"Line {row[0]} opened the order with another buyer, seller or amount."
        return self._refuse(order, RowReason.CONFLICTING_ORDER, message)

    def _refuse(self, order: OrderRecord, reason: RowReason, message: str) -> bool:
        self._add_unusable(UnusableRow(order.line, order.id, reason, message))
        return False

    def _insert(self, order: OrderRecord) -> bool:
        body = {
            "submit_grace": order.submit_grace,
            "fallback_basis_points": order.fallback_basis_points,
            "negative": order.negative,
            "milestones": [milestone.to_dict() for milestone in order.milestones],
        }
        added = self._connection.execute(
            "INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                order.id,
                order.line,
                order.buyer,
                order.seller,
                str(order.amount.minor),
                order.amount.currency,
                order.opened,
                order.terms,
                _json(body),
            ),
        )
        if added.rowcount == 0:
            return False
        for party_id in (order.buyer, order.seller):
            self._add_party(Party(party_id, party_id))
        self._add_event(order.opened, order.id, OPEN_SEQ, EventKind.OPEN, order.line, {})
        for index in range(len(order.milestones)):
            at = order.attest_end(index) + 1
            if self._end is None or at <= self._end:
                payload = {"milestone": index}
                self._add_event(at, order.id, DEADLINE_SEQ + index, EventKind.DEADLINE, order.line, payload)
        return True

    def _add_status(self, status: StatusRecord) -> None:
        if self._end is not None and status.at > self._end:
            message = f"{status.name} lies after the end of the clock."
            self._add_unusable(UnusableRow(status.line, status.order, RowReason.AFTER_CLOCK_END, message))
            return
        accepted = status.accepted
        payload = {
            "line": status.line,
            "name": status.name,
            "number": status.number,
            "at": status.at,
            "accepted": accepted.minor if accepted is not None else None,
            "complete": status.complete,
        }
        currency = accepted.currency if accepted is not None else None
        self._add_event(status.at, status.order, status.seq, EventKind.STATUS, status.line, payload, currency)

    def _add_event(
        self,
        at: int,
        order_id: str,
        seq: int,
        kind: EventKind,
        line: int,
        payload: dict[str, Any],
        currency: str | None = None,
    ) -> None:
        self._connection.execute(
            "INSERT INTO event (at, final, order_id, seq, kind, line, currency, payload) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (at, int(kind is EventKind.END), order_id, seq, kind.value, line, currency, _json(payload)),
        )

    def _add_unusable(self, row: UnusableRow) -> None:
        self._connection.execute(
            "INSERT INTO unusable (line, order_id, reason, message) VALUES (?, ?, ?, ?)",
            (row.line, row.order, row.reason.value, row.message),
        )

    def _drop_statuses(self, reason: RowReason, message: str, where: str) -> None:
        chosen = f"FROM event WHERE kind = 'STATUS' AND {where}"
        self._connection.execute(
            f"INSERT INTO unusable (line, order_id, reason, message) SELECT line, order_id, ?, ? {chosen}",
            (reason.value, message),
        )
        self._connection.execute(f"DELETE {chosen}")

    def _wait_for_openings(self) -> None:
        self._connection.execute(
            "UPDATE event SET at = orders.opened FROM orders "
            "WHERE event.kind = 'STATUS' AND orders.id = event.order_id AND event.at < orders.opened"
        )

    def _add_end(self) -> None:
        last = self._connection.execute("SELECT max(at) FROM event").fetchone()[0]
        end = self._end if self._end is not None else last
        if end is not None:
            self._add_event(end, "", OPEN_SEQ, EventKind.END, 0, {})


_json: Final = json.JSONEncoder(separators=(",", ":")).encode
