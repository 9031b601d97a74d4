"""What became of the attestations that were sent: looked up in the outbox for all of them, noted in one commit."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.outbox import NotSentUnasked
from pyjpm.errors.sending import Fenced, JournalFailed, SubmissionNotFound
from pyjpm.orders.intake.notes import Notes
from pyjpm.orders.intake.states import EventState
from pyjpm.orders.intake.stored import StoredEvents
from pyjpm.sending import Submission, SubmissionState
from pyjpm.sending.operation import RETRIED
from pyjpm.session import Session

log = logging.getLogger(__name__)


class Outcomes:
    """Looks after what one intake has sent. One thread at a time.

    What a restored journal did not send unasked is held: somebody may have been told that it failed, and paid
    otherwise.
    """

    def __init__(self, session: Session, stored: StoredEvents, notes: Notes) -> None:
        self._session = session
        self._stored = stored
        self._notes = notes

    def settle(self) -> None:
        """What the outbox knows by now of what was sent. Raises Fenced, JournalFailed."""
        rows = [row for row in self._stored.rows([EventState.SUBMITTED]) if row.submission is not None]
        if not rows:
            return
        try:
            self._session.serve()
            found = self._session.sender.refresh_many([row.submission for row in rows])
        except (Fenced, JournalFailed):
            raise
        except SubmissionNotFound:
            self._forgotten(rows)
            return
        except PyjpmError as error:
            log.warning("what became of %d attestations cannot be told now: %s", len(rows), error.code)
            return
        self._settled(rows, found)

    def _forgotten(self, rows: Sequence[Row[Any]]) -> None:
        """Takes up again what the journal does not know: it is another one, or an older copy. Under its key the chain
        is asked before anything is sent; as that may have happened, nobody decides about it."""
        for row in rows:
            try:
                self._session.submission(row.submission)
            except SubmissionNotFound:
                log.warning("the journal has forgotten event %s of order %s", row.seq, row.order_id)
                self._notes.change(row, submission=None, due_at=0, tries=0)
        self._notes.store()

    def _settled(self, rows: Sequence[Row[Any]], found: Sequence[Submission]) -> None:
        for row, submission in zip(rows, found, strict=True):
            self._note(row, submission)
        self._notes.store()

    def _note(self, row: Row[Any], submission: Submission) -> None:
        mined = {"tx_hash": submission.tx_hash, "block_number": submission.block_number}
        if submission.is_pending:
            if submission.tx_hash != row.tx_hash:
                self._notes.change(row, tx_hash=submission.tx_hash)
        elif submission.state is SubmissionState.FINAL:
            self._notes.end(row, EventState.DONE, None, None, **mined)
        elif submission.state is SubmissionState.SUPERSEDED:
            told = "A later event counted before it, or the milestone was over."
            self._notes.end(row, EventState.OUTDATED, "OUTDATED", told, **mined)
        else:
            error: Mapping[str, Any] = submission.error or {}
            code = error.get("code", submission.state.value)
            message = error.get("message", f"Its submission is {submission.state}.")
            if code == NotSentUnasked.code:
                self._notes.end(row, EventState.HELD, code, message)
            elif submission.state in RETRIED:
                self._notes.refused(row, code, message)
            else:
                self._notes.end(row, EventState.REFUSED, code, message)
