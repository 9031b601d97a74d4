"""Events as they are stored: once each, with what is known of each.

Decisions that govern this module:

* The events of a poll, what could not be read of it, and the connector's cursor are one transaction; so are a webhook's
  events and the mark that it came. Whatever dies, nothing is lost, and what comes again is found.
* The first thing that a source said under a name stands. The same again is a repeat; something else is a conflict,
  reported and not stored as an event.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from eth_utils.crypto import keccak
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from pyjpm.errors.effects import CursorMoved
from pyjpm.errors.intake import UnknownStatusEvent, WebhookReplayed
from pyjpm.orders.connectors.connector import Problem, StatusEvent, printable
from pyjpm.orders.intake import tables
from pyjpm.orders.intake.database import IntakeDatabase, rows_named
from pyjpm.orders.intake.states import OPEN_STATES, EventState, Receipt
from pyjpm.orders.times import MAX_TIME

MAX_SEQ: Final = 2**48 - 1
_MOST: Final = 2**256
_LENGTHS: Final = {"source": 64, "order": 128, "milestone": 128, "status": 128}
_MAY_BE_EMPTY: Final = frozenset({"milestone"})

_rows = tables.event
Key = tuple[str, str, str, int]
Change = tuple[int, Mapping[str, Any]]
"""An event by its id, and what is to be known of it by column."""


class StoredEvents:
    """The events of one database."""

    def __init__(self, database: IntakeDatabase, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now

    # --- storing ---------------------------------------------------------------------------------------------------

    def store(
        self,
        events: Sequence[StatusEvent],
        *,
        name: str,
        problems: Iterable[Problem] = (),
        cursor: tuple[str | None, str | None] | None = None,
        delivery: tuple[str, int] | None = None,
    ) -> list[Receipt]:
        """Stores what is new of a poll or a webhook, in one transaction.

        Args:
            name: of the connector.
            cursor: where it was, and where it is now.
            delivery: what names the webhook, and until when it could come again.

        Raises:
            CursorMoved: another process polls under this name.
            WebhookReplayed: it was stored before.
        """
        with self._database.transaction() as connection:
            return self._store(connection, events, name, list(problems), cursor, delivery)

    def cursor(self, name: str) -> str | None:
        """Where a connector goes on; None for the beginning."""
        with self._database.reading() as connection:
            found = connection.execute(select(tables.cursor.c.cursor).where(tables.cursor.c.name == name))
            return found.scalar_one_or_none()

    def problems(self, limit: int = 1_000) -> list[dict[str, Any]]:
        """What could not be used of what sources said, newest first."""
        query = select(tables.problem).order_by(tables.problem.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [
                {"name": row.name, "place": row.place, "code": row.code, "message": row.message, "seen_at": row.seen_at}
                for row in connection.execute(query)
            ]

    # --- reading ---------------------------------------------------------------------------------------------------

    def row(self, key: Key) -> Row[Any]:
        """An event by its name. Raises UnknownStatusEvent."""
        source, order, milestone, seq = key
        named = (_rows.c.source == source) & (_rows.c.order_id == order)
        with self._database.reading() as connection:
            row = connection.execute(
                select(_rows).where(named, _rows.c.milestone == milestone, _rows.c.seq == seq)
            ).one_or_none()
        if row is None:
            raise UnknownStatusEvent(
                f"No event {seq} of order {order} was taken in from {source}.",
                source=source,
                order=order,
                milestone=milestone,
                seq=seq,
            )
        return row

    def named(self, keys: Collection[Key]) -> dict[Key, Row[Any]]:
        """Those of these events that were taken in, by name."""
        with self._database.reading() as connection:
            return _named(connection, keys)

    def rows(
        self,
        states: Collection[str] | None = None,
        *,
        order: str | None = None,
        seq: int | None = None,
        limit: int = 1_000,
    ) -> Any:
        """Events in these states, in the order in which they came."""
        query = select(_rows).order_by(_rows.c.id).limit(limit)
        if states is not None:
            query = query.where(_rows.c.state.in_(list(states)))
        if order is not None:
            query = query.where(_rows.c.order_id == order)
        if seq is not None:
            query = query.where(_rows.c.seq == seq)
        with self._database.reading() as connection:
            return connection.execute(query).all()

    def due(self, limit: int) -> Any:
        """What is to be carried on now, lower revisions of an order first; also what a process died over sending."""
        unsent = (_rows.c.state == EventState.SUBMITTED) & _rows.c.submission.is_(None)
        query = (
            select(_rows)
            .where(_rows.c.state.in_(OPEN_STATES) | unsent, _rows.c.due_at <= self._now())
            .order_by(_rows.c.due_at, _rows.c.source, _rows.c.order_id, _rows.c.milestone, _rows.c.seq)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return connection.execute(query).all()

    def by_ids(self, event_ids: Sequence[int]) -> list[Row[Any]]:
        """These events, in the order in which they came."""
        found: list[Row[Any]] = []
        with self._database.reading() as connection:
            for start in range(0, len(event_ids), 500):
                some = event_ids[start : start + 500]
                found += connection.execute(select(_rows).where(_rows.c.id.in_(some)).order_by(_rows.c.id)).all()
        return found

    def counts(self) -> dict[str, int]:
        """How many events are in each state."""
        query = select(_rows.c.state, func.count().label("events")).group_by(_rows.c.state).order_by(_rows.c.state)
        with self._database.reading() as connection:
            return {row.state: row.events for row in connection.execute(query)}

    # --- changing --------------------------------------------------------------------------------------------------

    def change(self, event_id: int, **values: Any) -> None:
        """How far an event is."""
        self.change_many([(event_id, values)])

    def change_many(self, changes: Sequence[Change]) -> None:
        """How far events are, in one commit; of one event the later counts."""
        if changes:
            with self._database.transaction() as connection:
                change_rows(connection, changes)

    def look_again(self, mapping: str) -> None:
        """What another mapping could not place is looked at by this one."""
        unplaced = (_rows.c.state == EventState.UNMAPPED) & _rows.c.mapping.is_distinct_from(mapping)
        with self._database.transaction() as connection:
            connection.execute(update(_rows).where(unplaced).values(state=EventState.RECEIVED, due_at=0, tries=0))

    # --- within ----------------------------------------------------------------------------------------------------

    def _store(
        self,
        connection: Connection,
        events: Sequence[StatusEvent],
        name: str,
        problems: list[Problem],
        cursor: tuple[str | None, str | None] | None,
        delivery: tuple[str, int] | None,
    ) -> list[Receipt]:
        now = self._now()
        if delivery is not None:
            _mark_delivery(connection, *delivery, now=now)
        keys = [_key(event) for event in events if not _unusable(event)]
        known = _named(connection, keys)
        fresh: dict[Key, StatusEvent] = {}
        for event in events:
            if not _unusable(event) and _key(event) not in known:
                fresh.setdefault(_key(event), event)
        if fresh:
            connection.execute(insert(_rows), [_values(event, now) for event in fresh.values()])
            known = _named(connection, keys)
        receipts = []
        for event in events:
            problem = _unusable(event)
            if problem:
                _report(connection, name, Problem(event.place, problem), "EVENT_INVALID", now)
                receipts.append(_refusal(event, EventState.INVALID, "EVENT_INVALID", problem))
                continue
            stored = known[_key(event)]
            if stored.content_sha256 == content_sha256(event):
                receipts.append(receipt_of(stored, new=fresh.pop(_key(event), None) is not None))
            else:
                said = f"It says something else than what was taken in first, as {_told(stored)}."
                _report(connection, name, Problem(event.place, said), "EVENT_CONFLICT", now)
                receipts.append(_refusal(event, EventState.CONFLICT, "EVENT_CONFLICT", said))
        for problem_at in problems:
            _report(connection, name, problem_at, "UNREADABLE", now)
        if cursor is not None:
            _move_cursor(connection, name, *cursor, now=now)
        return receipts


def change_rows(connection: Connection, changes: Iterable[Change]) -> None:
    """As :meth:`StoredEvents.change_many`, within a transaction."""
    by_event: dict[int, dict[str, Any]] = {}
    for event_id, values in changes:
        by_event.setdefault(event_id, {}).update(values)
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for event_id, values in by_event.items():
        alike.setdefault(tuple(sorted(values)), []).append({"this": event_id, **values})
    for names, parameters in alike.items():
        changed = update(_rows).where(_rows.c.id == bindparam("this")).values({name: bindparam(name) for name in names})
        connection.execute(changed, parameters)


def receipt_of(row: Row[Any], *, new: bool = False) -> Receipt:
    """A stored event as it is told."""
    event = event_of(row)
    return Receipt(
        source=event.source,
        order=event.order,
        milestone=event.milestone,
        seq=event.seq,
        status=event.status,
        place=event.place,
        state=EventState(row.state),
        new=new,
        code=row.code or "",
        detail=row.detail or "",
        means=row.means or "",
        index=row.milestone_index,
        submission=row.submission,
        tx_hash=row.tx_hash,
        block=row.block_number,
    )


def event_of(row: Row[Any]) -> StatusEvent:
    """What the source said."""
    return StatusEvent(
        source=row.source,
        order=row.order_id,
        milestone=row.milestone,
        seq=row.seq,
        status=row.status,
        accepted=None if row.accepted is None else int(row.accepted),
        complete=bool(row.complete),
        document=row.document,
        at=row.at,
        extra=MappingProxyType(json.loads(row.extra)),
    )


def document_hash(event: StatusEvent) -> bytes:
    """What goes on the chain for an event's document, 32 bytes; zero for none."""
    return bytes(32) if event.document is None else keccak(event.document)


def content_sha256(event: StatusEvent) -> str:
    """Of what an event says: two of one name must agree in this."""
    said = [event.status, event.accepted, event.complete, document_hash(event).hex(), event.at]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _key(event: StatusEvent) -> Key:
    return event.source, event.order, event.milestone, event.seq


def _told(row: Row[Any]) -> str:
    return f"{row.status!r} at {row.at}" + (f" with {row.accepted} accepted" if row.accepted is not None else "")


def _unusable(event: StatusEvent) -> str:
    """What keeps it from being stored, in words; empty where nothing does."""
    numbers = [event.seq, event.at, 0 if event.accepted is None else event.accepted]
    if any(type(number) is not int for number in numbers):
        return "The seq, at and accepted are whole numbers."
    for field, longest in _LENGTHS.items():
        value = getattr(event, field)
        if not isinstance(value, str):
            return f"The {field} is no text."
        if not value and field not in _MAY_BE_EMPTY:
            return f"The {field} is empty."
        if len(value) > longest or not value.isprintable():
            return f"The {field} is longer than {longest} characters, or not printable."
    if not 1 <= event.seq <= MAX_SEQ:
        return f"The seq {event.seq} is not from 1 to 2**48 - 1."
    if not 1 <= event.at <= MAX_TIME:
        return f"The time {event.at} is outside the years 1970 to 2105."
    if event.accepted is not None and not 0 <= event.accepted < _MOST:
        return f"The accepted amount {event.accepted} cannot be."
    return ""


def _refusal(event: StatusEvent, state: EventState, code: str, detail: str) -> Receipt:
    return Receipt(
        event.source,
        event.order,
        event.milestone,
        event.seq,
        event.status,
        event.place,
        state,
        code=code,
        detail=detail,
    )


def _named(connection: Connection, keys: Collection[Key]) -> dict[Key, Row[Any]]:
    columns = (_rows.c.source, _rows.c.order_id, _rows.c.milestone, _rows.c.seq)
    found = rows_named(connection, select(_rows), columns, keys)
    return {(row.source, row.order_id, row.milestone, row.seq): row for row in found}


def _values(event: StatusEvent, now: int) -> dict[str, Any]:
    return {
        "source": event.source,
        "order_id": event.order,
        "milestone": event.milestone,
        "seq": event.seq,
        "status": event.status,
        "accepted": None if event.accepted is None else str(event.accepted),
        "complete": int(event.complete),
        "document": event.document,
        "at": event.at,
        "extra": json.dumps(dict(event.extra), sort_keys=True),
        "content_sha256": content_sha256(event),
        "received_at": now,
        "state": EventState.RECEIVED,
        "tries": 0,
        "due_at": 0,
    }


def _report(connection: Connection, name: str, problem: Problem, code: str, now: int) -> None:
    sha256 = hashlib.sha256(json.dumps([name, problem.place, problem.message]).encode()).hexdigest()
    known = connection.execute(select(tables.problem.c.id).where(tables.problem.c.sha256 == sha256)).one_or_none()
    if known is None:
        values = {"place": printable(problem.place), "message": printable(problem.message), "code": code}
        connection.execute(insert(tables.problem).values(name=name, sha256=sha256, seen_at=now, **values))


def _move_cursor(connection: Connection, name: str, before: str | None, after: str | None, *, now: int) -> None:
    of = tables.cursor.c.name == name
    if connection.execute(select(tables.cursor.c.name).where(of)).one_or_none() is None:
        connection.execute(insert(tables.cursor).values(name=name, cursor=None, updated_at=now))
    unmoved = tables.cursor.c.cursor.is_not_distinct_from(before)
    moved = connection.execute(update(tables.cursor).where(of, unmoved).values(cursor=after, updated_at=now))
    if moved.rowcount != 1:
        raise CursorMoved(f"Another process polls as {name!r}.", name=name)


def _mark_delivery(connection: Connection, digest: str, expires_at: int, *, now: int) -> None:
    deliveries = tables.delivery
    connection.execute(delete(deliveries).where(deliveries.c.expires_at < now))
    known = connection.execute(select(deliveries.c.digest).where(deliveries.c.digest == digest)).one_or_none()
    if known is not None:
        raise WebhookReplayed("This very webhook was taken in before.")
    connection.execute(insert(deliveries).values(digest=digest, expires_at=expires_at))
