"""What is found out about the events of one round, kept until it is stored in one commit.

Decisions that govern this module:

* What the chain refuses for good ends an event; everything else is asked again, after a pause that grows.
* What is lost with its process before it was stored is found out again: an event is due until it is noted otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Row

from pyjpm.errors.attesters import UnknownAttesterSet
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.escrow import (
    AttestedTooLate,
    ConflictingAttestation,
    InvalidAttestation,
    InvalidTerms,
    TooLate,
    UnknownMilestone,
    WrongState,
)
from pyjpm.errors.outbox import OperationCancelled, OperationExpired, ReferenceVoided
from pyjpm.errors.sending import Fenced, IdempotencyConflict, JournalFailed
from pyjpm.orders.intake.states import EventState
from pyjpm.orders.intake.stored import StoredEvents

FOR_GOOD: Final = frozenset(
    error.code
    for error in (
        AttestedTooLate,
        ConflictingAttestation,
        IdempotencyConflict,
        InvalidAttestation,
        InvalidTerms,
        OperationCancelled,
        OperationExpired,
        ReferenceConflict,
        ReferenceVoided,
        TooLate,
        UnknownAttesterSet,
        UnknownMilestone,
        WrongState,
    )
)
"""Codes of refusals that time does not mend."""

NOT_BOUND: Final = "ORDER_NOT_BOUND"
_LONGEST_PAUSE: Final = 60  # seconds
# Binding an order wakes its events; and most orders of an ERP may be nobody's business here.
_LONGEST_UNBOUND: Final = 3_600

log = logging.getLogger(__name__)


class Notes:
    """How far events are, to be stored together. One thread at a time."""

    def __init__(self, stored: StoredEvents, now: Callable[[], int]) -> None:
        self._stored = stored
        self._now = now
        self._changes: list[tuple[int, dict[str, Any]]] = []

    def change(self, row: Row[Any], **values: Any) -> None:
        """Something about an event."""
        self._changes.append((row.id, values))

    def end(self, row: Row[Any], state: EventState, code: str | None, detail: str | None, **values: Any) -> None:
        """It goes no further by itself."""
        self.change(row, state=state, code=code, detail=detail, **values)

    def wait(self, row: Row[Any], code: str, detail: str) -> None:
        """It is tried again, after a pause."""
        longest = _LONGEST_UNBOUND if code == NOT_BOUND else _LONGEST_PAUSE
        pause = min(longest, 2 ** min(row.tries, 12))
        due = {"tries": row.tries + 1, "due_at": self._now() + pause}
        self.change(row, state=EventState.WAITING, code=code, detail=detail, **due)

    def submitted(self, row: Row[Any], submission: str, tx_hash: str | None) -> None:
        """Its attestation is in the outbox."""
        sent = {"submission": submission, "tx_hash": tx_hash}
        self.change(row, state=EventState.SUBMITTED, code=None, detail=None, **sent)

    def refused(self, row: Row[Any], code: str, message: str) -> None:
        """It was refused: for good, or for now."""
        if code in FOR_GOOD:
            self.end(row, EventState.REFUSED, code, message)
        else:
            self.wait(row, code, message)

    def failed(self, row: Row[Any], error: PyjpmError) -> None:
        """It could not be carried on."""
        if error.code not in FOR_GOOD:
            log.warning("event %s of order %s waits: %s", row.seq, row.order_id, error.code)
        self.refused(row, error.code, error.message)

    @contextmanager
    def of(self, rows: Sequence[Row[Any]]) -> Iterator[None]:
        """What is refused in here is noted of these events. Raises what is not theirs: Fenced, JournalFailed."""
        try:
            yield
        except (Fenced, JournalFailed):
            raise
        except PyjpmError as error:
            for row in rows:
                self.failed(row, error)

    @contextmanager
    def storing(self, rows: Sequence[Row[Any]] = ()) -> Iterator[None]:
        """As :meth:`of`; and whatever was noted is stored at the end, in one commit."""
        try:
            with self.of(rows):
                yield
        finally:
            self.store()

    def store(self) -> None:
        """Stores what was noted since, in one commit."""
        changes, self._changes = self._changes, []
        self._stored.change_many(changes)
