"""What scripts and operators decided about events: stored before anything follows from it.

Decisions that govern this module:

* What follows from a decision is stored in one transaction with a look whether it is the last word still. So a word
  that was taken counts, however far the event was meanwhile; and one that comes too late is refused. What follows from
  decisions about many events is one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, insert, select, update

from pyjpm.orders.intake import tables
from pyjpm.orders.intake.database import IntakeDatabase
from pyjpm.orders.intake.scripts import Decision, Verdict
from pyjpm.orders.intake.states import DECIDABLE, EventState
from pyjpm.orders.intake.stored import change_rows

_table = tables.decision


@dataclass(frozen=True, slots=True)
class Word:
    """A decision, and which one it was about its event: 0 is a script's, all others are operators'."""

    decision: Decision
    ordinal: int


class Said(NamedTuple):
    """What a script decided about an event, and the script's name."""

    event_id: int
    decision: Decision
    name: str


class Followed(NamedTuple):
    """What follows from a decision about an event."""

    event_id: int
    word: Word
    state: EventState
    code: str | None
    detail: str | None


class Decisions:
    """The decisions of one database. A script decides once about an event; the last word of an operator counts."""

    def __init__(self, database: IntakeDatabase, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now

    def last(self, event_ids: Collection[int]) -> dict[int, Word]:
        """The decisions that count, by event; without those about which nobody has decided."""
        with self._database.reading() as connection:
            return _last(connection, event_ids)

    def of_script(self, said: Sequence[Said]) -> list[Word]:
        """Stores what scripts decided, in one commit; where somebody decided meanwhile, that stands."""
        with self._database.transaction() as connection:
            last = _last(connection, [each.event_id for each in said])
            new = [each for each in said if each.event_id not in last]
            if new:
                connection.execute(
                    insert(_table), [self._row(each.event_id, 0, each.decision, each.name) for each in new]
                )
        return [last.get(each.event_id, Word(each.decision, 0)) for each in said]

    def follow(self, followed: Sequence[Followed]) -> set[int]:
        """Stores what follows from decisions, in one commit; the events of which it was stored: where somebody decided
        meanwhile, nothing is."""
        if not followed:
            return set()
        with self._database.transaction() as connection:
            last = _last(connection, [each.event_id for each in followed])
            standing = [each for each in followed if last[each.event_id].ordinal == each.word.ordinal]
            change_rows(
                connection,
                [
                    (each.event_id, {"state": each.state, "code": each.code, "detail": each.detail, "due_at": 0})
                    for each in standing
                ],
            )
        return {each.event_id for each in standing}

    def of_operator(self, event_id: int, decision: Decision, by: str) -> bool:
        """Stores an operator's word and takes the event up again; False where it is past deciding."""
        events = tables.event
        with self._database.transaction() as connection:
            this = (events.c.id == event_id) & events.c.state.in_([state.value for state in DECIDABLE])
            again = {"state": EventState.RECEIVED, "code": None, "detail": None, "due_at": 0, "tries": 0}
            if connection.execute(update(events).where(this).values(**again)).rowcount != 1:
                return False
            rows = connection.execute(_query(event_id)).all()
            ordinal = rows[-1].ordinal + 1 if rows else 1
            connection.execute(insert(_table).values(**self._row(event_id, ordinal, decision, by)))
            return True

    def history(self, event_id: int) -> list[dict[str, Any]]:
        """All of them, in order, JSON-able."""
        names = ("decision", "reason", "decided_by", "decided_at")
        return [{name: getattr(row, name) for name in names} for row in self._rows(event_id)]

    def _rows(self, event_id: int) -> Any:
        with self._database.reading() as connection:
            return connection.execute(_query(event_id)).all()

    def _row(self, event_id: int, ordinal: int, decision: Decision, by: str) -> dict[str, Any]:
        said = {"decision": decision.verdict, "reason": decision.reason, "decided_by": by, "decided_at": self._now()}
        return {"event": event_id, "ordinal": ordinal, **said}


def _query(event_id: int) -> Any:
    return select(_table).where(_table.c.event == event_id).order_by(_table.c.ordinal)


def _last(connection: Connection, event_ids: Collection[int]) -> dict[int, Word]:
    query = select(_table).where(_table.c.event.in_(event_ids)).order_by(_table.c.event, _table.c.ordinal)
    return {row.event: _word(row) for row in connection.execute(query)}


def _word(row: Row[Any]) -> Word:
    return Word(Decision(Verdict(row.decision), row.reason), row.ordinal)
