"""Which rail each payment takes, as stored: chosen once, changed only by compare and set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update

from pyjpm.errors.sending import IdempotencyConflict, JournalCollision
from pyjpm.rails.tables import move, prepare
from pyjpm.rails.tables import payment as rows
from pyjpm.sending.database import Database
from pyjpm.sending.reference import canonical, request_sha256
from pyjpm.sending.tables import payment as submissions
from pyjpm.sending.trail import Word

KIND = "rails.pay"
_DAY = 86_400


class Stage(StrEnum):
    """Where a payment is. There is no way from LOCKING or SWIFT back to TOKEN within one leg, unless the chain says
    that it was paid."""

    TOKEN = "TOKEN"  # noqa: S105
    """It goes by token: no message of this leg exists or may be made."""
    LOCKING = "LOCKING"
    """It is to go by SWIFT, once the chain says that its token reference is voided: no message exists yet."""
    SWIFT = "SWIFT"
    """Its token reference is voided for good; its message may exist."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One payment as stored. Times in unix seconds."""

    owner: str
    key: str
    content: Mapping[str, Any]
    stage: Stage
    leg: int
    stage_at: int
    payee: str | None
    sealed: bool
    rule: str
    why: tuple[str, ...]
    rules_sha256: str
    chosen_at: int
    held: str | None
    ended: bool


@dataclass(frozen=True, slots=True)
class Move:
    """One change of rail in a payment's history."""

    at: int
    who: str
    reason: str
    outcome: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {"at": self.at, "who": self.who, "reason": self.reason, "outcome": self.outcome}


class Choices:
    """The choices of one owner's payments. Threads: any number. Raises JournalFailed and the like."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        prepare(database)

    def find(self, key: str, content: Mapping[str, Any] | None = None) -> Chosen | None:
        """What was chosen under a key. With ``content``: raises IdempotencyConflict where that is another payment."""
        with self._database.reading() as connection:
            row = connection.execute(self._of(key)).one_or_none()
        if row is None:
            return None
        if content is not None and row.request_sha256 != request_sha256(KIND, content):
            raise IdempotencyConflict(f"{key!r} was used for another payment.", key=key, kind=KIND, submission=None)
        return _chosen(row)

    def choose(
        self,
        key: str,
        content: Mapping[str, Any],
        *,
        creditor: str,
        stage: Stage,
        leg: int,
        payee: str | None,
        sealed: bool,
        rule: str,
        why: tuple[str, ...],
        rules_sha256: str,
        now: int,
    ) -> Chosen:
        """Store a choice, unless there is one: then that stands. Raises IdempotencyConflict."""
        values = {
            "owner": self._owner,
            "key": key,
            "content": canonical(content),
            "request_sha256": request_sha256(KIND, content),
            "creditor": creditor,
            "stage": stage,
            "leg": leg,
            "stage_at": now,
            "payee": payee,
            "sealed": int(sealed),
            "rule": rule,
            "why": json.dumps(list(why)),
            "rules_sha256": rules_sha256,
            "chosen_at": now,
        }
        try:
            with self._database.transaction() as connection:
                if connection.execute(self._of(key)).one_or_none() is None:
                    connection.execute(insert(rows).values(**values))
        except JournalCollision:
            pass  # somebody chose meanwhile
        found = self.find(key, content)
        assert found is not None, "a choice that was committed is there"
        return found

    def advance(
        self, connection: Connection, before: Chosen, stage: Stage, *, now: int, leg: int | None = None
    ) -> bool:
        """Compare and set, in the caller's transaction; whether it was as expected."""
        changed = connection.execute(
            update(rows)
            .where(_as_seen(before))
            .values(stage=stage, leg=before.leg if leg is None else leg, stage_at=now, held=None, ended=0)
        )
        return changed.rowcount == 1

    def readdress(self, connection: Connection, chosen: Chosen, payee: str | None, *, sealed: bool) -> None:
        """Whom a new leg pays, and whether it tells what for."""
        this = (rows.c.owner == chosen.owner) & (rows.c.key == chosen.key)
        connection.execute(update(rows).where(this).values(payee=payee, sealed=int(sealed)))

    def end(self, chosen: Chosen) -> None:
        """Nothing is left to do for it."""
        self._mark(chosen, ended=1)

    def hold(self, chosen: Chosen, told: str | None) -> None:
        """Its caller was told that it did not work: it waits to be asked for again. None: it was."""
        self._mark(chosen, held=told)

    def _mark(self, chosen: Chosen, **values: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(update(rows).where(_as_seen(chosen)).values(**values))

    def record(self, connection: Connection, chosen: Chosen, word: Word, outcome: str, now: int) -> None:
        """Leave the row of a change of rail, in the transaction of its effect."""
        mine = (move.c.owner == chosen.owner) & (move.c.key == chosen.key)
        number = connection.execute(select(func.coalesce(func.max(move.c.number), 0)).where(mine)).scalar_one() + 1
        connection.execute(
            insert(move).values(
                owner=chosen.owner,
                key=chosen.key,
                number=number,
                at=now,
                who=word.who,
                reason=word.reason,
                outcome=outcome,
            )
        )

    def moves(self, key: str) -> tuple[Move, ...]:
        """A payment's changes of rail, oldest first."""
        mine = select(move).where(move.c.owner == self._owner, move.c.key == key).order_by(move.c.number)
        with self._database.reading() as connection:
            return tuple(Move(row.at, row.who, row.reason, row.outcome) for row in connection.execute(mine))

    def open(self) -> list[Chosen]:
        """Those with something left to do that nobody has to ask for again, the oldest first."""
        mine = select(rows).where(rows.c.owner == self._owner, rows.c.ended == 0, rows.c.held.is_(None))
        with self._database.reading() as connection:
            return [_chosen(row) for row in connection.execute(mine.order_by(rows.c.chosen_at, rows.c.key))]

    def earlier(self, creditor: str, days: int, now: int) -> int:
        """How many payments to a creditor were chosen in so many days before a unix second."""
        mine = select(func.count()).where(
            rows.c.owner == self._owner, rows.c.creditor == creditor, rows.c.chosen_at > now - days * _DAY
        )
        with self._database.reading() as connection:
            return int(connection.execute(mine).scalar_one())

    def submission(self, key: str) -> str | None:
        """The id of the outbox's submission under one of the owner's keys, by whichever wallet."""
        query = select(submissions.c.id).where(submissions.c.owner == self._owner, submissions.c.key == key)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one_or_none()

    def _of(self, key: str) -> Any:
        return select(rows).where(rows.c.owner == self._owner, rows.c.key == key)


def _as_seen(chosen: Chosen) -> ColumnElement[bool]:
    return and_(
        rows.c.owner == chosen.owner,
        rows.c.key == chosen.key,
        rows.c.stage == chosen.stage,
        rows.c.leg == chosen.leg,
    )


def _chosen(row: Row[Any]) -> Chosen:
    return Chosen(
        row.owner,
        row.key,
        json.loads(row.content),
        Stage(row.stage),
        row.leg,
        row.stage_at,
        row.payee,
        bool(row.sealed),
        row.rule,
        tuple(json.loads(row.why)),
        row.rules_sha256,
        row.chosen_at,
        row.held,
        bool(row.ended),
    )
