"""Alarms: what should wake somebody up, until what ended it clears it.

They are raised by whoever found their cause (``outcomes``), in the commit of what was found. A decision clears what it
ends; an alarm that tells of something past (content that differs, a statement out of date) is cleared by the word of
whoever has looked at it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, select, update

from pyjpm.errors.outbox import NotDecidable
from pyjpm.sending.database import Database
from pyjpm.sending.tables import alarm
from pyjpm.sending.trail import Word, record


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """One alarm. Times in seconds since 1970 (UTC); ``cleared_at`` is None while it is open."""

    seq: int
    at: int
    code: str
    wallet: str | None
    submission: str | None
    message: str
    cleared_at: int | None

    def to_dict(self) -> dict[str, Any]:
        """All attributes as JSON-able data."""
        return asdict(self)


class Alarms:
    """Reads alarms, and clears those that somebody has looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self, *, wallet: str | None = None, submission: str | None = None, cleared: bool = False
    ) -> list[RaisedAlarm]:
        """Alarms, oldest first; open ones only unless ``cleared``."""
        query = select(alarm).order_by(alarm.c.seq)
        if not cleared:
            query = query.where(alarm.c.cleared_at.is_(None))
        if wallet is not None:
            query = query.where(alarm.c.wallet == wallet)
        if submission is not None:
            query = query.where(alarm.c.payment == submission)
        with self._database.reading() as connection:
            return [_alarm(row) for row in connection.execute(query)]

    def acknowledge(self, seq: int, *, who: str, reason: str, now: int) -> RaisedAlarm:
        """Clear one alarm by somebody's word. Raises NotDecidable where it is not open, ReasonMissing."""
        word = Word(who, "acknowledge", str(seq), reason)
        with self._database.transaction() as connection:
            found = connection.execute(
                update(alarm).where(alarm.c.seq == seq, alarm.c.cleared_at.is_(None)).values(cleared_at=now)
            )
            if not found.rowcount:
                raise NotDecidable(f"There is no open alarm {seq}.", target=str(seq), state=None)
            record(connection, word, "cleared", now)
            return _alarm(connection.execute(select(alarm).where(alarm.c.seq == seq)).one())


def _alarm(row: Row[Any]) -> RaisedAlarm:
    return RaisedAlarm(row.seq, row.at, row.code, row.wallet, row.payment, row.message, row.cleared_at)
