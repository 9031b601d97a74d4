"""How events are carried on: placed by the mapping, decided about, signed, and sent, many of them step by step.

Decisions that govern this module:

* Each step is stored before the next. A process that dies between two makes the second again, which is the same
  submission under the same key: what the outbox has under an event's key is that event's attestation.
* A step is made for all events of a round together: one question to the chain, one commit. What one event meets in it
  is noted of that event alone, and the others go on; what is nobody's own (a node that is gone) all of them wait for.
* A milestone that is not open or not funded yet is waited for before a script is asked, so that a script sees an order
  that lives.
* Who is about to send an event says so first: then nobody decides about it any more. Where that process dies, the event
  is carried on as it was decided.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from pyjpm.acts import Act
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.sending import Fenced, JournalFailed
from pyjpm.order import OrderState, ToAttest
from pyjpm.orders.connectors.connector import StatusEvent
from pyjpm.orders.intake.attesting import Attesting, Collected, ToSign, pays_at_once, says_less, statement
from pyjpm.orders.intake.book import OrderBook
from pyjpm.orders.intake.decisions import Decisions, Followed, Said, Word
from pyjpm.orders.intake.notes import Notes
from pyjpm.orders.intake.placing import Place, Placing
from pyjpm.orders.intake.rounds import rounds
from pyjpm.orders.intake.scripts import Occasion, Triggers, Verdict, event_key
from pyjpm.orders.intake.states import EventState
from pyjpm.orders.intake.stored import event_of
from pyjpm.platform import Platform
from pyjpm.sending.operation import NEGATIVE
from pyjpm.terms import Mode

_ASKING: Final = 0.5  # seconds, after which what a script has decided is sent first
_STATES: Final = tuple(OrderState)


@dataclass(frozen=True, slots=True)
class _Case:
    """An event that has its place."""

    row: Row[Any]
    event: StatusEvent
    place: Place

    @property
    def to_sign(self) -> ToSign:
        """What it attests."""
        place = self.place
        return ToSign(self.row.id, place.bound, statement(self.event, place.bound, place.index, place.number))


_Told = tuple[Row[Any], StatusEvent]
_Decided = tuple[_Case, Word]
_Ready = tuple[_Case, ToAttest]


class Carrying:
    """Carries the events of one intake on. One thread at a time."""

    def __init__(
        self,
        platform: Platform,
        placing: Placing,
        triggers: Triggers,
        *,
        book: OrderBook,
        decisions: Decisions,
        attesting: Attesting,
        notes: Notes,
    ) -> None:
        self._platform = platform
        self._placing = placing
        self._triggers = triggers
        self._book = book
        self._decisions = decisions
        self._attesting = attesting
        self._notes = notes

    def carry_on(self, rows: Sequence[Row[Any]]) -> None:
        """What can be done about events now. Raises only what is not the events': Fenced, JournalFailed."""
        for some in rounds(rows, self._book.chain_orders([(row.source, row.order_id) for row in rows])):
            for decided in self._decided(self._live(self._placed(self._unsent(some)))):
                self._attest(self._released(decided))

    # --- what an event means ---------------------------------------------------------------------------------------

    def _unsent(self, rows: Sequence[Row[Any]]) -> list[_Told]:
        """Those whose attestation is not in the outbox yet, put there by a process that died before it noted so."""
        told = [(row, event_of(row)) for row in rows]
        with self._notes.storing(rows):
            sent = self._note_sent(told)
            return [(row, event) for row, event in told if row.id not in sent]
        return []

    def _placed(self, told: Sequence[_Told]) -> list[_Case]:
        """Which order, milestone and status each means; stored, as it is what will be decided about."""
        names = {row.id: (event.source, event.order) for row, event in told}
        bound, decided = self._book.find_many(names.values()), self._decisions.last(names)
        cases = []
        with self._notes.storing():
            for row, event in told:
                with self._notes.of([row]):
                    its = bound.get(names[row.id])
                    place = self._placing.place(row, event, its, self._notes, is_decided=row.id in decided)
                    if place is not None:
                        cases.append(_Case(row, event, place))
        self._wake([row for row, _ in told if names[row.id] not in bound])
        return cases

    def _wake(self, unbound: Sequence[Row[Any]]) -> None:
        """Who bound an order since its events were found without one has not woken them."""
        if unbound:
            bound = self._book.find_many([(row.source, row.order_id) for row in unbound])
            with self._notes.storing():
                for row in unbound:
                    if (row.source, row.order_id) in bound:
                        self._notes.change(row, due_at=0, tries=0)

    def _live(self, cases: Sequence[_Case]) -> list[_Case]:
        """Those whose milestone can be attested: its order is open, and funded where it is to be."""
        live = []
        with self._notes.storing([case.row for case in cases]):
            for case, seen in zip(cases, self._milestones(cases), strict=True):
                place, state = case.place, seen if isinstance(seen, PyjpmError) else _STATES[seen["state"]]
                if isinstance(state, PyjpmError):
                    self._notes.failed(case.row, state)
                elif state is OrderState.NONE:
                    told = f"The order {place.bound.chain_order} is not open on the chain yet."
                    self._notes.wait(case.row, "ORDER_NOT_OPEN", told)
                elif state is OrderState.OPEN and place.bound.terms.milestones[place.index].mode is Mode.PREFUND:
                    self._notes.wait(case.row, "NOT_FUNDED", f"Milestone {place.index} is not funded yet.")
                else:
                    live.append(case)
        return live

    def _milestones(self, cases: Sequence[_Case]) -> list[Any]:
        return self._platform.session.trials(
            [("OrderEscrow", "milestoneOf", (case.place.bound.terms.id, case.place.index)) for case in cases]
        )

    # --- what is decided about it ----------------------------------------------------------------------------------

    def _decided(self, cases: Sequence[_Case]) -> Iterator[list[_Decided]]:
        """With the decision that counts, in groups: first those that have one. About the others the script is asked."""
        known = self._decisions.last([case.row.id for case in cases])
        yield [(case, known[case.row.id]) for case in cases if case.row.id in known]
        unknown = [case for case in cases if case.row.id not in known]
        yield self._asked([case for case in unknown if self._triggers.does_nothing_else(case.place.status)])
        decided: list[_Decided] = []
        ends = time.monotonic() + _ASKING
        for case in unknown:
            if self._triggers.does_nothing_else(case.place.status):
                continue
            # Each answer is stored before it is asked about the next; and where it takes its time, what it has decided
            # goes on first.
            decided += self._asked([case])
            if time.monotonic() >= ends:
                yield decided
                decided, ends = [], time.monotonic() + _ASKING
        yield decided

    def _occasion(self, case: _Case) -> Occasion:
        place = case.place
        return Occasion(case.event, place.status, place.number, place.index, place.bound, self._platform)

    def _asked(self, cases: Sequence[_Case]) -> list[_Decided]:
        said = {}
        with self._notes.storing():
            for case in cases:
                with self._notes.of([case.row]):
                    said[case.row.id] = Said(case.row.id, *self._triggers.decide(self._occasion(case)))
        answered = [case for case in cases if case.row.id in said]
        words = self._decisions.of_script(list(said.values())) if said else []
        return list(zip(answered, words, strict=True))

    def _released(self, decided: Sequence[_Decided]) -> list[_Decided]:
        """Those that are to be attested; what follows for the others is stored."""
        ended = [(case, word, _ending(case, word)) for case, word in decided]
        self._decisions.follow([Followed(case.row.id, word, *end) for case, word, end in ended if end is not None])
        return [(case, word) for case, word, end in ended if end is None]

    # --- on its way out --------------------------------------------------------------------------------------------

    def _attest(self, decided: Sequence[_Decided]) -> None:
        while decided:
            collected: Sequence[Collected | PyjpmError] = []
            with self._notes.storing([case.row for case, _ in decided]):
                collected = self._attesting.collected([case.to_sign for case, _ in decided])
            self._send(self._ready(decided[: len(collected)], collected))
            decided = decided[len(collected) :] if collected else []

    def _ready(self, decided: Sequence[_Decided], collected: Sequence[Collected | PyjpmError]) -> list[_Ready]:
        """Those that have all signatures, and are about to be sent: nobody decides about them any more."""
        ready: dict[int, _Ready] = {}
        followed = []
        with self._notes.storing():
            for (case, word), found in zip(decided, collected, strict=True):
                if isinstance(found, PyjpmError):
                    self._notes.failed(case.row, found)
                elif found.attestation is None:
                    missing = f"{found.signatures} of {case.place.bound.terms.threshold} attesters have signed."
                    self._notes.wait(case.row, "SIGNATURES_MISSING", missing)
                else:
                    release = word.decision.verdict is Verdict.RELEASE
                    ready[case.row.id] = case, ToAttest(case.place.bound.document, found.attestation, release)
                    followed.append(Followed(case.row.id, word, EventState.SUBMITTED, None, None))
        standing = self._decisions.follow(followed)
        return [each for event_id, each in ready.items() if event_id in standing]

    def _send(self, ready: Sequence[_Ready]) -> None:
        """Sends them, if not by this process then by the next."""
        if not ready:
            return
        with self._notes.storing():
            refused = []
            for (case, _), sent in zip(ready, self._sent(ready), strict=True):
                if isinstance(sent, Act):
                    self._notes.submitted(case.row, sent.id, sent.tx_hash)
                else:
                    refused.append((case, sent))
            # A signer or a node may fail once it is in the outbox: then it is sent, and nobody decides about it either.
            in_outbox = self._note_sent([(case.row, case.event) for case, _ in refused])
            for case, error in refused:
                if case.row.id not in in_outbox:
                    self._notes.failed(case.row, error)

    def _sent(self, ready: Sequence[_Ready]) -> Sequence[Act | PyjpmError]:
        """What was accepted of each, or why it was not."""
        escrow, asked = self._platform.escrow, {event_key(case.event): asked for case, asked in ready}
        try:
            if len(asked) > 1:
                return escrow.attest_many(asked)
            ((key, each),) = asked.items()
            sent = escrow.attest(each.order, each.attestation, idempotency_key=key, release=each.release).act
            assert sent is not None
            return [sent]
        except (Fenced, JournalFailed):
            raise
        except PyjpmError as error:
            return [error] * len(ready)

    def _note_sent(self, told: Sequence[_Told]) -> set[int]:
        """Notes of which of these events the attestation is in the outbox."""
        if not told:
            return set()
        session = self._platform.session
        found = session.sender.find_many(session.wallet, [event_key(event) for _, event in told])
        sent = set()
        for row, event in told:
            submission = found.get(event_key(event))
            if submission is not None and submission.state not in NEGATIVE:
                self._notes.submitted(row, submission.id, submission.tx_hash)
                sent.add(row.id)
        return sent


def _ending(case: _Case, word: Word) -> tuple[EventState, str, str] | None:
    """What a decision makes of an event that is not to be attested, why, and the same in words; None where it is."""
    verdict, reason = word.decision.verdict, word.decision.reason
    part = case.place.bound.terms.milestones[case.place.index]
    if verdict is Verdict.HOLD:
        return EventState.HELD, "HELD", reason
    if verdict is Verdict.IGNORE:
        return EventState.IGNORED, "IGNORED", reason
    less = "" if word.ordinal else says_less(case.event, part, case.place.number)
    if less:
        return EventState.HELD, "SAYS_LESS", less
    if verdict is Verdict.ATTEST and pays_at_once(part, case.place.number):
        told = "Its terms pay each part as it is attested: only a release can be attested."
        return EventState.HELD, "ATTEST_RELEASES", told
    return None
