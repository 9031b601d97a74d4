"""The trail of what operators decided: who, what, about what, why, and what came of it.

Decisions that govern this module:

* A decision's row is in the commit of its effect: there is no effect without its reason, and no reason without effect.
* Deciding takes no lease: it locks the rows of the lanes it touches, binds no nonce, and leaves sending to whoever
  serves these lanes. So a service need not be stopped for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from pyjpm.errors.outbox import ReasonMissing
from pyjpm.sending import lease
from pyjpm.sending.acceptance import Waiting, to_waiting
from pyjpm.sending.database import Database
from pyjpm.sending.tables import decision, payment


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody decides. Raises ReasonMissing without a name or a reason."""

    who: str
    act: str
    target: str
    reason: str

    def __post_init__(self) -> None:
        for name in ("who", "reason"):
            if not getattr(self, name).strip():
                raise ReasonMissing(f"A decision needs its {name}.", field=name)


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the trail. ``at`` in seconds since 1970 (UTC); ``target`` is a submission's id, a wallet or an alarm's
    number."""

    seq: int
    at: int
    who: str
    act: str
    target: str
    reason: str
    outcome: str | None

    def to_dict(self) -> dict[str, Any]:
        """All attributes as JSON-able data."""
        return asdict(self)


class Trail:
    """Writes and reads decisions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def deciding(self, wallets: Iterable[str] = ()) -> Iterator[Connection]:
        """A transaction in which nobody else writes these lanes."""
        with self._database.transaction() as connection:
            lease.lock(connection, wallets)
            yield connection

    def of(self, target: str | None = None) -> list[Decision]:
        """What was decided about a target, or at all, oldest first."""
        query = select(decision).order_by(decision.c.seq)
        if target is not None:
            query = query.where(decision.c.target == target)
        with self._database.reading() as connection:
            return [
                Decision(row.seq, row.at, row.who, row.act, row.target, row.reason, row.outcome)
                for row in connection.execute(query)
            ]

    def asked(self, submission: str) -> Waiting:
        """A submission that exists, as it is called."""
        with self._database.reading() as connection:
            return to_waiting(connection.execute(select(payment).where(payment.c.id == submission)).one())


def record(connection: Connection, word: Word, outcome: str, now: int) -> None:
    """Leave a decision's row, in the transaction of its effect."""
    connection.execute(
        insert(decision).values(
            at=now, who=word.who, act=word.act, target=word.target, reason=word.reason, outcome=outcome
        )
    )
