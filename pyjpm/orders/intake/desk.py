"""The desk of an intake: what was taken in, which order it is, and what somebody decides about it.

Needs the database and the deployment record alone: neither a node nor a key, so that it may be used beside a service.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pyjpm.errors.intake import EventAlreadySent
from pyjpm.orders.intake.book import OrderBook
from pyjpm.orders.intake.database import IntakeDatabase
from pyjpm.orders.intake.decisions import Decisions
from pyjpm.orders.intake.scripts import Decision
from pyjpm.orders.intake.states import EventState, Receipt
from pyjpm.orders.intake.stored import Key, StoredEvents, receipt_of
from pyjpm.record import DeploymentRecord
from pyjpm.sending.clock import Clock


class Desk:
    """One intake's database, as somebody sees it who only looks, binds orders and decides.

    Args:
        database: an SQLite file's path, a ``postgresql://`` URL (the journal's will do), or None for memory.
        clock: of the machine.

    Attributes:
        book: which order on the chain an order of a source is.
        stored: the events as they are stored.

    Raises:
        IntakeOfOtherChain, BookOfOtherVersion, JournalFailed and others: of the database.
    """

    def __init__(self, record: DeploymentRecord, database: Path | str | None, *, clock: Clock = time) -> None:
        self._clock = clock
        self._database = IntakeDatabase(
            database, genesis_hash=record.genesis_hash, escrow=record.address("OrderEscrow")
        )
        self.book = OrderBook(record, self._database)
        self.stored = StoredEvents(self._database, self._now)
        self._decisions = Decisions(self._database, self._now)

    def decide(self, key: Key, decision: Decision, *, by: str) -> Receipt:
        """Somebody's word about an event that is held, waits, was ignored or refused.

        Args:
            key: source, order, milestone, seq.
            by: who says so; kept with it.

        Raises:
            UnknownStatusEvent, EventAlreadySent
        """
        row = self.stored.row(key)
        if not self._decisions.of_operator(row.id, decision, by):
            state = self.find(key).state
            named = dict(zip(("source", "order", "milestone", "seq"), key, strict=True))
            raise EventAlreadySent(f"The event is {state} already.", **named, state=state.value)
        return self.find(key)

    def decisions(self, key: Key) -> list[dict[str, Any]]:
        """What was decided about an event, and by whom, in order."""
        return self._decisions.history(self.stored.row(key).id)

    # --- looking ---------------------------------------------------------------------------------------------------

    def find(self, key: Key) -> Receipt:
        """An event as it is now. Raises UnknownStatusEvent."""
        return receipt_of(self.stored.row(key))

    def events(self, *, states: Iterable[EventState] | None = None, order: str | None = None) -> list[Receipt]:
        """Events as they are now, in the order in which they came; at most 1,000."""
        wanted = None if states is None else [state.value for state in states]
        return [receipt_of(row) for row in self.stored.rows(wanted, order=order)]

    def close(self) -> None:
        """Gives the database back."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _now(self) -> int:
        return int(self._clock.time())
