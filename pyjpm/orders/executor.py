"""From order events to money: what each event of the queue makes the cast do on the chain.

Decisions:

* Events of one second that concern different orders go together; those of one order go one after the other. So a stage
  is one block on a development chain, and an order never meets itself in a block.
* What an event needs is asked of the chain, not remembered: its milestones' states decide. A call whose key is in the
  journal already is taken up again instead, whatever the chain says by now.
* Money comes before it is needed: an opening is preceded by the mint of what is prefunded, an attestation followed by
  the mint of what became due and its payment, each against a deposit reference of its own.
* A status that comes late, again or out of order is an outcome to report, not a failure. What the contracts refuse is
  an outcome too; the rest of the log goes on.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from pyjpm.order import OrderState
from pyjpm.orders.calls import Calls, Outcome
from pyjpm.orders.events import EventKind, MilestoneMode, OrderEvent, OrderRecord
from pyjpm.orders.queue import EventGroup, OrderQueue
from pyjpm.orders.stage import Call, Pace, Stage
from pyjpm.session import Session
from pyjpm.terms import OrderTerms

LATE: Final = "LATE"
REPEATED: Final = "REPEATED"
OUT_OF_ORDER: Final = "OUT_OF_ORDER"
IRRELEVANT: Final = "IRRELEVANT"

_AT_ONCE: Final = 100
_STATES: Final = tuple(OrderState)
_ENDED: Final = frozenset({OrderState.RELEASED, OrderState.REFUNDED, OrderState.CANCELLED})


@dataclass(slots=True)
class Task:
    """One event on its way through the phases: a step gives the calls of its next phase."""

    event: OrderEvent
    steps: Iterator[list[Call]]
    outcome: Outcome = field(default_factory=Outcome)


class Executor:
    """Runs event groups for one replay."""

    def __init__(
        self, session: Session, queue: OrderQueue, calls: Calls, pace: Pace, stage: Stage, *, shift: int
    ) -> None:
        self._session = session
        self._queue = queue
        self._calls = calls
        self._pace = pace
        self._stage = stage
        self._shift = shift
        self._inspections: list[tuple[int, str, int]] = []

    def run_group(self, group: EventGroup) -> None:
        """Carries out the events of one second and marks them."""
        at = group.at + self._shift
        self._release_inspected(before=at)
        self._pace.reach(at)
        for events in _rounds(group.events):
            tasks = [self._task(event.shifted(self._shift)) for event in events]
            self._advance(tasks)
            with self._queue.transaction():
                for task in tasks:
                    self._queue.mark_done([task.event.id], task.outcome.word, task.outcome.detail)

    def resume_inspections(self) -> None:
        """Finds the milestones that were waiting for the end of their inspection when a replay stopped."""
        for order in self._queue.orders():
            if any(part.inspection for part in order.milestones):
                for milestone in range(len(order.milestones)):
                    self._watch_inspection(order.shifted(self._shift), milestone)

    def finish(self) -> None:
        """Releases what is still under inspection, each at its time."""
        self._release_inspected(before=None)

    # --- phases ---

    def _advance(self, tasks: Iterable[Task]) -> None:
        """All tasks step by step; the calls of equal steps go together."""
        living = list(tasks)
        while living:
            calls: list[Call] = []
            moving: list[Task] = []
            for task in living:
                step = next(task.steps, None)
                if step is not None:
                    calls += step
                    moving.append(task)
            self._stage.run(calls)
            living = moving

    def _task(self, event: OrderEvent) -> Task:
        outcome = Outcome()
        match event.kind:
            case EventKind.OPEN:
                steps = self._open(self._order(event), outcome)
            case EventKind.STATUS:
                steps = self._status(event, self._order(event), outcome)
            case EventKind.DEADLINE:
                steps = self._deadline(self._order(event), event.payload["milestone"], outcome)
            case EventKind.END:
                steps = self._end(outcome)
        return Task(event, steps, outcome)

    def _order(self, event: OrderEvent) -> OrderRecord:
        return self._queue.order(event.order).shifted(self._shift)

    def _open(self, order: OrderRecord, outcome: Outcome) -> Iterator[list[Call]]:
        """Mint what is prefunded; open, funding the first such milestone in the same call; fund the others."""
        terms = self._calls.terms(order)
        prefunded = [index for index, part in enumerate(order.milestones) if part.mode is MilestoneMode.PREFUND]
        if prefunded:
            yield [self._calls.mint(order, index, order.milestones[index].amount_minor, outcome) for index in prefunded]
        signature = self._calls.sign(order.seller, "Terms", terms.to_message())
        if not prefunded:
            yield [self._calls.open(order, terms, signature, outcome)]
            return
        # The buyer is the caller: its own signature is not needed, and the seller's only by the call that opens.
        calls = [self._calls.hold(order, terms, prefunded[0], signature, outcome)]
        yield calls + [self._calls.hold(order, terms, index, b"", outcome) for index in prefunded[1:]]

    def _status(self, event: OrderEvent, order: OrderRecord, outcome: Outcome) -> Iterator[list[Call]]:
        """Attest to each milestone that the status concerns; mint and pay what became due."""
        number = event.payload["number"]
        terms = self._calls.terms(order)
        concerned = [
            index for index, part in enumerate(order.milestones) if part.required == number or number in order.negative
        ]
        if not concerned:
            outcome.note(IRRELEVANT, f"No milestone asks for {event.payload['name']}.")
            return
        calls = [self._attest(event, order, terms, index, outcome) for index in concerned]
        yield [call for call in calls if call is not None]
        due = [(index, amount) for index in concerned if (amount := self._due(order, terms, index))]
        if due:
            yield [self._calls.mint(order, index, amount, outcome, event) for index, amount in due]
            yield [self._calls.pay(event, order, terms, index, amount, outcome) for index, amount in due]
        for index in concerned:
            self._watch_inspection(order, index)

    def _deadline(self, order: OrderRecord, index: int, outcome: Outcome) -> Iterator[list[Call]]:
        """What nobody attested in time: held money goes back, what was on attest is cancelled."""
        terms = self._calls.terms(order)
        state = self._state(terms, index)
        function = {OrderState.FUNDED: "refund", OrderState.OPEN: "cancel"}.get(state)
        for known in ("refund", "cancel"):
            if self._calls.known(order, known, index):
                function = known
        if function is not None:
            yield [self._calls.remedy(order, function, terms, index, outcome)]

    def _end(self, outcome: Outcome) -> Iterator[list[Call]]:
        """Disputes that nobody ruled in time are decided by the fallback; one that is still open stays live."""
        disputed = (
            (order, self._calls.terms(order), index)
            for order in (order.shifted(self._shift) for order in self._queue.orders() if order.negative)
            for index in range(len(order.milestones))
            if self._is_disputed(order, index)
        )
        while part := list(islice(disputed, _AT_ONCE)):
            yield [
                self._calls.remedy(order, "decideByFallback", terms, index, Outcome()) for order, terms, index in part
            ]
            due = [(each, amount) for each in part if (amount := self._due(*each))]
            yield [self._calls.mint(order, index, amount, outcome) for (order, _, index), amount in due]
            yield [
                self._calls.hold(order, terms, index, b"", outcome, amount, "pay/end")
                for (order, terms, index), amount in due
            ]
            accepted = [each for each in part if self._state(each[1], each[2]) is OrderState.ACCEPTED]
            yield [self._calls.remedy(order, "release", terms, index, outcome) for order, terms, index in accepted]

    def _is_disputed(self, order: OrderRecord, index: int) -> bool:
        """Also one that was, when a replay that stopped here goes on."""
        decided = self._calls.known(order, "decideByFallback", index)
        return decided or self._state(self._calls.terms(order), index) is OrderState.DISPUTED

    def _attest(
        self, event: OrderEvent, order: OrderRecord, terms: OrderTerms, index: int, outcome: Outcome
    ) -> Call | None:
        """The attestation of a status to one milestone, None where it would change nothing (and is reported)."""
        part, at = order.milestones[index], event.payload["at"] + self._shift
        if not self._calls.known(order, self._calls.attest_name(event), index):
            word, detail = self._differs(event, terms, index, part.required, part.attest_by)
            if word:
                outcome.note(word, detail)
                return None
        return self._calls.attest(event, order, terms, index, outcome, at=at)

    # --- asking the chain ---

    def _differs(
        self, event: OrderEvent, terms: OrderTerms, index: int, required: int, attest_by: int
    ) -> tuple[str, str]:
        """Why a status would change nothing, in a word and a sentence; two empty strings if it would."""
        seen = self._session.call("OrderEscrow", "milestoneOf", terms.id, index)
        state, told = _STATES[seen["state"]], event.payload
        if seen["lastSeq"] and event.seq < seen["lastSeq"]:
            return OUT_OF_ORDER, f"{told['name']} has seq {event.seq}, {seen['lastSeq']} came before."
        if seen["lastStatus"] == told["number"] and (state in _ENDED or event.seq == seen["lastSeq"]):
            return REPEATED, f"{told['name']} was attested before."
        if told["number"] == required and told["at"] + self._shift > attest_by:
            return LATE, f"{told['name']} was reached after the deadline; the milestone is {state}."
        if state in _ENDED:
            return LATE, f"The milestone was {state} before {told['name']}."
        return "", ""

    def _due(self, order: OrderRecord, terms: OrderTerms, index: int) -> int:
        """What an on-attest milestone asks for now, in minor units; 0 where nothing is due."""
        if order.milestones[index].mode is not MilestoneMode.ON_ATTEST:
            return 0
        if self._state(terms, index) is not OrderState.DUE:
            return 0
        return int(self._session.call("OrderEscrow", "unpaidOf", terms.to_message(), index))

    def _state(self, terms: OrderTerms, index: int) -> OrderState:
        return _STATES[int(self._session.call("OrderEscrow", "stateOf", terms.id, index))]

    # --- inspections ---

    def _watch_inspection(self, order: OrderRecord, index: int) -> None:
        inspection = order.milestones[index].inspection
        if not inspection:
            return
        seen = self._session.call("OrderEscrow", "milestoneOf", self._calls.terms(order).id, index)
        if _STATES[seen["state"]] is OrderState.ACCEPTED:
            heapq.heappush(self._inspections, (seen["since"] + inspection + 1, order.id, index))

    def _release_inspected(self, before: int | None) -> None:
        """Releases milestones whose inspection ends before a time, each at its own."""
        while self._inspections and (before is None or self._inspections[0][0] < before):
            at, order_id, index = heapq.heappop(self._inspections)
            order = self._queue.order(order_id).shifted(self._shift)
            self._pace.reach(at)
            self._stage.run([self._calls.remedy(order, "release", self._calls.terms(order), index, Outcome())])


def _rounds(events: Iterable[OrderEvent]) -> Iterator[list[OrderEvent]]:
    """Events in rounds, so that each order appears once a round and its events keep their order."""
    rounds: list[list[OrderEvent]] = []
    seen: dict[str, int] = {}
    for event in events:
        turn = seen.get(event.order, 0)
        seen[event.order] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(event)
    yield from rounds
