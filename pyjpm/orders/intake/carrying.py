"""How one event is carried on: placed by the mapping, decided about, signed, sent, and looked after.

Decisions that govern this module:

* Each step is stored before the next. A process that dies between two makes the second again, which is the same
  submission under the same key: what the outbox has under an event's key is that event's attestation.
* A milestone that is not open or not funded yet is waited for before a script is asked, so that a script sees an order
  that lives.
* Who is about to send an event says so first: then nobody decides about it any more. Where that process dies, the event
  is carried on as it was decided.
* What the chain refuses for good ends an event; everything else is asked again, after a pause that grows. What a
  restored journal did not send unasked is held: somebody may have been told that it failed, and paid otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from pyjpm.errors.outbox import NotSentUnasked, OperationCancelled, OperationExpired, ReferenceVoided
from pyjpm.errors.sending import Fenced, IdempotencyConflict, JournalFailed, SubmissionNotFound
from pyjpm.order import OrderState
from pyjpm.orders.connectors.connector import CURRENCY, StatusEvent
from pyjpm.orders.intake.attesting import Attesting, pays_at_once, says_less, statement
from pyjpm.orders.intake.book import BoundOrder, OrderBook
from pyjpm.orders.intake.decisions import Decisions, Word
from pyjpm.orders.intake.mapping import IntakeMapping, Meaning
from pyjpm.orders.intake.scripts import Occasion, Triggers, Verdict, event_key
from pyjpm.orders.intake.states import EventState
from pyjpm.orders.intake.stored import StoredEvents, event_of
from pyjpm.platform import Platform
from pyjpm.sending import Submission, SubmissionState
from pyjpm.sending.operation import NEGATIVE, RETRIED
from pyjpm.terms import Mode

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

_LONGEST_PAUSE: Final = 60  # seconds
# Binding an order wakes its events; and most orders of an ERP may be nobody's business here.
_LONGEST_UNBOUND: Final = 3_600
_NOT_BOUND: Final = "ORDER_NOT_BOUND"
_STATES: Final = tuple(OrderState)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Place:
    """What an event is about: a milestone of an order, and the status that it means."""

    bound: BoundOrder
    index: int
    status: str
    number: int


class Carrying:
    """Carries the events of one intake on. One thread at a time."""

    def __init__(
        self,
        platform: Platform,
        mapping: IntakeMapping,
        triggers: Triggers,
        *,
        book: OrderBook,
        stored: StoredEvents,
        decisions: Decisions,
        attesting: Attesting,
        now: Callable[[], int],
    ) -> None:
        self._platform = platform
        self._mapping = mapping
        self._sha256 = mapping.sha256
        self._triggers = triggers
        self._book = book
        self._stored = stored
        self._decisions = decisions
        self._attesting = attesting
        self._now = now

    def carry_on(self, row: Row[Any]) -> None:
        """What can be done about an event now. Raises only what is not the event's: Fenced, JournalFailed."""
        try:
            self._advance(row, event_of(row))
        except (Fenced, JournalFailed):
            raise
        except PyjpmError as error:
            if error.code not in FOR_GOOD:
                log.warning("event %s of order %s waits: %s", row.seq, row.order_id, error.code)
            self._refused(row, error.code, error.message)

    def settle(self) -> None:
        """What the outbox knows by now of what was sent. Raises as :meth:`carry_on`."""
        rows = [row for row in self._stored.rows([EventState.SUBMITTED]) if row.submission is not None]
        if not rows:
            return
        session = self._platform.session
        try:
            session.serve()
            found = session.sender.refresh_many([row.submission for row in rows])
        except (Fenced, JournalFailed):
            raise
        except SubmissionNotFound:
            self._forgotten(rows)
            return
        except PyjpmError as error:
            log.warning("what became of %d attestations cannot be told now: %s", len(rows), error.code)
            return
        for row, submission in zip(rows, found, strict=True):
            self._settled(row, submission)

    def _forgotten(self, rows: Sequence[Row[Any]]) -> None:
        """Takes up again what the journal does not know: it is another one, or an older copy. Under its key the chain
        is asked before anything is sent; as that may have happened, nobody decides about it."""
        for row in rows:
            try:
                self._platform.session.submission(row.submission)
            except SubmissionNotFound:
                log.warning("the journal has forgotten event %s of order %s", row.seq, row.order_id)
                self._stored.change(row.id, submission=None, due_at=0, tries=0)

    # --- on its way out --------------------------------------------------------------------------------------------

    def _advance(self, row: Row[Any], event: StatusEvent) -> None:
        if self._was_sent(row, event):
            return
        place = self._placed(row, event)
        if place is None or not self._is_priced(row, event, place) or not self._is_live(row, place):
            return
        word = self._decided(row, event, place)
        verdict, reason = word.decision.verdict, word.decision.reason
        part = place.bound.terms.milestones[place.index]
        less = "" if word.ordinal else says_less(event, part, place.number)
        if verdict is Verdict.HOLD:
            self._decisions.follow(row.id, word, EventState.HELD, "HELD", reason)
        elif verdict is Verdict.IGNORE:
            self._decisions.follow(row.id, word, EventState.IGNORED, "IGNORED", reason)
        elif less:
            self._decisions.follow(row.id, word, EventState.HELD, "SAYS_LESS", less)
        elif verdict is Verdict.ATTEST and pays_at_once(part, place.number):
            told = "Its terms pay each part as it is attested: only a release can be attested."
            self._decisions.follow(row.id, word, EventState.HELD, "ATTEST_RELEASES", told)
        else:
            self._attest(row, event, place, word)

    def _was_sent(self, row: Row[Any], event: StatusEvent) -> bool:
        """Whether its attestation is in the outbox, put there by a process that died before it noted so."""
        session = self._platform.session
        found = session.sender.find(session.wallet, event_key(event))
        if found is None or found.state in NEGATIVE:
            return False
        self._submitted(row, found.id, found.tx_hash)
        return True

    def _placed(self, row: Row[Any], event: StatusEvent) -> _Place | None:
        """Which order, milestone and status it means; stored, as it is what will be decided about."""
        mapping = {"mapping": self._sha256}
        if row.number is not None and self._decisions.last(row.id) is not None:
            # Decided about: it means what it meant then, whatever the mapping says by now.
            meaning: Meaning | None = Meaning(row.means, row.number, row.milestone_index)
        else:
            try:
                meaning = self._mapping.meaning(event)
            except LookupError as error:
                self._end(row, EventState.UNMAPPED, "STATUS_UNMAPPED", f"{event.place}: {error.args[0]}", **mapping)
                return None
        if meaning is None:
            self._end(row, EventState.IGNORED, None, "The mapping ignores it.", **mapping)
            return None
        bound = self._book.find(event.source, event.order)
        if bound is None:
            self._wait(row, _NOT_BOUND, f"The order book has no order {event.order} of {event.source}.")
            return None
        index = bound.parts.get(event.milestone) if meaning.milestone is None else meaning.milestone
        if index is None or index >= len(bound.terms.milestones):
            told = f"neither the mapping nor the order book names a milestone for the part {event.milestone!r}"
            if index is not None:
                told = f"the mapping names milestone {index}, the order has {len(bound.terms.milestones)}"
            self._end(row, EventState.UNMAPPED, "NO_MILESTONE", f"{event.place}: {told}.", **mapping)
            return None
        place = _Place(bound, index, meaning.status, meaning.number)
        self._stored.change(row.id, means=place.status, number=place.number, milestone_index=index, **mapping)
        return place

    def _is_priced(self, row: Row[Any], event: StatusEvent, place: _Place) -> bool:
        """Whether its amount, where it tells one, is of the order's currency. Nobody's word makes it so."""
        named, currency = event.extra.get(CURRENCY), self._platform.session.money(0, place.bound.terms.token).currency
        if event.accepted is None or named in (None, currency):
            return True
        told = f"{event.place}: its amount is in {named}, the order in {currency}."
        self._end(row, EventState.UNMAPPED, "CURRENCY_DIFFERS", told)
        return False

    def _is_live(self, row: Row[Any], place: _Place) -> bool:
        """Whether the milestone can be attested: its order is open, and funded where it is to be."""
        terms = place.bound.terms
        seen = self._platform.session.call("OrderEscrow", "milestoneOf", terms.id, place.index)
        state = _STATES[seen["state"]]
        if state is OrderState.NONE:
            self._wait(row, "ORDER_NOT_OPEN", f"The order {place.bound.chain_order} is not open on the chain yet.")
        elif state is OrderState.OPEN and terms.milestones[place.index].mode is Mode.PREFUND:
            self._wait(row, "NOT_FUNDED", f"Milestone {place.index} is not funded yet.")
        else:
            return True
        return False

    def _decided(self, row: Row[Any], event: StatusEvent, place: _Place) -> Word:
        """The decision that counts; the script is asked where there is none."""
        known = self._decisions.last(row.id)
        if known is not None:
            return known
        occasion = Occasion(event, place.status, place.number, place.index, place.bound, self._platform)
        decision, name = self._triggers.decide(occasion)
        return self._decisions.of_script(row.id, decision, name)

    def _attest(self, row: Row[Any], event: StatusEvent, place: _Place, word: Word) -> None:
        said = statement(event, place.bound, place.index, place.number)
        attestation, signed = self._attesting.collected(row.id, place.bound, said)
        if attestation is None:
            missing = f"{signed} of {place.bound.terms.threshold} attesters have signed."
            self._wait(row, "SIGNATURES_MISSING", missing)
            return
        if not self._decisions.follow(row.id, word, EventState.SUBMITTED, None, None):
            return
        # From here nobody decides about it any more: it is sent, if not by this process then by the next.
        key, release = event_key(event), word.decision.verdict is Verdict.RELEASE
        try:
            sent = self._platform.escrow.attest(place.bound.document, attestation, idempotency_key=key, release=release)
        except PyjpmError as error:
            # A signer or a node may fail once it is in the outbox: then it is sent, and nobody decides about it either.
            if isinstance(error, Fenced | JournalFailed) or not self._was_sent(row, event):
                raise
            return
        assert sent.act is not None
        self._submitted(row, sent.act.id, sent.act.tx_hash)

    def _submitted(self, row: Row[Any], submission: str, tx_hash: str | None) -> None:
        sent = {"submission": submission, "tx_hash": tx_hash}
        self._stored.change(row.id, state=EventState.SUBMITTED, code=None, detail=None, **sent)

    # --- what became of it -----------------------------------------------------------------------------------------

    def _settled(self, row: Row[Any], submission: Submission) -> None:
        mined = {"tx_hash": submission.tx_hash, "block_number": submission.block_number}
        if submission.is_pending:
            if submission.tx_hash != row.tx_hash:
                self._stored.change(row.id, tx_hash=submission.tx_hash)
        elif submission.state is SubmissionState.FINAL:
            self._end(row, EventState.DONE, None, None, **mined)
        elif submission.state is SubmissionState.SUPERSEDED:
            told = "A later event counted before it, or the milestone was over."
            self._end(row, EventState.OUTDATED, "OUTDATED", told, **mined)
        else:
            error: Mapping[str, Any] = submission.error or {}
            code = error.get("code", submission.state.value)
            message = error.get("message", f"Its submission is {submission.state}.")
            if code == NotSentUnasked.code:
                self._end(row, EventState.HELD, code, message)
            elif submission.state in RETRIED:
                self._refused(row, code, message)
            else:
                self._end(row, EventState.REFUSED, code, message)

    def _refused(self, row: Row[Any], code: str, message: str) -> None:
        if code in FOR_GOOD:
            self._end(row, EventState.REFUSED, code, message)
        else:
            self._wait(row, code, message)

    def _end(self, row: Row[Any], state: EventState, code: str | None, detail: str | None, **values: Any) -> None:
        self._stored.change(row.id, state=state, code=code, detail=detail, **values)

    def _wait(self, row: Row[Any], code: str, detail: str) -> None:
        longest = _LONGEST_UNBOUND if code == _NOT_BOUND else _LONGEST_PAUSE
        pause = min(longest, 2 ** min(row.tries, 12))
        due = {"tries": row.tries + 1, "due_at": self._now() + pause}
        self._stored.change(row.id, state=EventState.WAITING, code=code, detail=detail, **due)
