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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from pyjpm.order import OrderState
from pyjpm.orders.calls import Calls, Outcome
from pyjpm.orders.events import EventKind, MilestoneMode, OrderEvent, OrderMilestone, OrderRecord
from pyjpm.orders.queue import EventGroup, OrderQueue
from pyjpm.orders.stage import Call, Pace, Stage
from pyjpm.session import Session

LATE: Final = "LATE"
REPEATED: Final = "REPEATED"
OUT_OF_ORDER: Final = "OUT_OF_ORDER"
IRRELEVANT: Final = "IRRELEVANT"

_AT_ONCE: Final = 100
_REMEDIES: Final = ("refund", "cancel")
_STATES: Final = tuple(OrderState)
_ENDED: Final = frozenset({OrderState.RELEASED, OrderState.REFUNDED, OrderState.CANCELLED})


Place = tuple[OrderRecord, int]
"""A milestone of an order, by index."""
Seen = Mapping[str, Any]
"""A milestone as the escrow's ``milestoneOf`` tells it."""


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
            tasks = self._tasks([event.shifted(self._shift) for event in events])
            self._advance(tasks)
            with self._queue.transaction():
                for task in tasks:
                    self._queue.mark_done([task.event.id], task.outcome.word, task.outcome.detail)

    def resume_inspections(self) -> None:
        """Finds the milestones that were waiting for the end of their inspection when a replay stopped."""
        for order in self._queue.orders():
            if any(part.inspection for part in order.milestones):
                self._watch_inspections([(order.shifted(self._shift), index) for index in range(len(order.milestones))])

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

    def _tasks(self, events: Sequence[OrderEvent]) -> list[Task]:
        """What the events of a round make happen, after one look at all their milestones."""
        orders = {event.order: self._order(event.order) for event in events if event.kind is not EventKind.END}
        concerned = [_concerned(event, orders[event.order]) if event.order else [] for event in events]
        seen = iter(
            self._look(
                [(orders[event.order], index) for event, some in zip(events, concerned, strict=True) for index in some]
            )
        )
        sent = self._calls.known(
            [
                self._calls.key(orders[event.order], name, index)
                for event, some in zip(events, concerned, strict=True)
                for index in some
                for name in self._names(event)
            ]
        )
        tasks = []
        for event, some in zip(events, concerned, strict=True):
            outcome, found = Outcome(), {index: next(seen) for index in some}
            match event.kind:
                case EventKind.OPEN:
                    steps = self._open(orders[event.order], outcome)
                case EventKind.STATUS:
                    steps = self._status(event, orders[event.order], found, sent, outcome)
                case EventKind.DEADLINE:
                    steps = self._deadline(orders[event.order], found, sent, outcome)
                case EventKind.END:
                    steps = self._end(outcome)
            tasks.append(Task(event, steps, outcome))
        return tasks

    def _order(self, order_id: str) -> OrderRecord:
        return self._queue.order(order_id).shifted(self._shift)

    def _names(self, event: OrderEvent) -> tuple[str, ...]:
        """What calls about a milestone an event may have made before the replay stopped, by the names in their keys."""
        return (self._calls.attest_name(event),) if event.kind is EventKind.STATUS else _REMEDIES

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

    def _status(
        self, event: OrderEvent, order: OrderRecord, seen: Mapping[int, Seen], sent: set[str], outcome: Outcome
    ) -> Iterator[list[Call]]:
        """Attest to each milestone that the status concerns; mint and pay what became due."""
        if not seen:
            outcome.note(IRRELEVANT, f"No milestone asks for {event.payload['name']}.")
            return
        terms, at = self._calls.terms(order), event.payload["at"] + self._shift
        calls = []
        for index, found in seen.items():
            if self._calls.key(order, self._calls.attest_name(event), index) not in sent:
                word, detail = self._differs(event, order.milestones[index], found)
                if word:
                    outcome.note(word, detail)
                    continue
            calls.append(self._calls.attest(event, order, terms, index, outcome, at=at))
        yield calls
        due = [(index, amount) for _, index, amount in self._due([(order, index) for index in seen])]
        if due:
            yield [self._calls.mint(order, index, amount, outcome, event) for index, amount in due]
            yield [self._calls.pay(event, order, terms, index, amount, outcome) for index, amount in due]
        self._watch_inspections([(order, index) for index in seen])

    def _deadline(
        self, order: OrderRecord, seen: Mapping[int, Seen], sent: set[str], outcome: Outcome
    ) -> Iterator[list[Call]]:
        """What nobody attested in time: held money goes back, what was on attest is cancelled."""
        ((index, found),) = seen.items()
        function = {OrderState.FUNDED: "refund", OrderState.OPEN: "cancel"}.get(_state(found))
        for name in _REMEDIES:
            if self._calls.key(order, name, index) in sent:
                function = name
        if function is not None:
            yield [self._calls.remedy(order, function, self._calls.terms(order), index, outcome)]

    def _end(self, outcome: Outcome) -> Iterator[list[Call]]:
        """Disputes that nobody ruled in time are decided by the fallback; one that is still open stays live."""
        disputed = self._disputed()
        while part := list(islice(disputed, _AT_ONCE)):
            yield [
                self._calls.remedy(order, "decideByFallback", self._calls.terms(order), index, Outcome())
                for order, index in part
            ]
            due = self._due(part)
            yield [self._calls.mint(order, index, amount, outcome) for order, index, amount in due]
            yield [
                self._calls.hold(order, self._calls.terms(order), index, b"", outcome, amount, "pay/end")
                for order, index, amount in due
            ]
            accepted = zip(part, self._look(part), strict=True)
            yield [
                self._calls.remedy(order, "release", self._calls.terms(order), index, outcome)
                for (order, index), found in accepted
                if _state(found) is OrderState.ACCEPTED
            ]

    def _disputed(self) -> Iterator[Place]:
        """Milestones in dispute; also one that was, when a replay that stopped here goes on."""
        places = (
            (order, index)
            for order in (order.shifted(self._shift) for order in self._queue.orders() if order.negative)
            for index in range(len(order.milestones))
        )
        while part := list(islice(places, _AT_ONCE)):
            keys = [self._calls.key(order, "decideByFallback", index) for order, index in part]
            decided = self._calls.known(keys)
            for place, key, found in zip(part, keys, self._look(part), strict=True):
                if key in decided or _state(found) is OrderState.DISPUTED:
                    yield place

    # --- asking the chain ---

    def _differs(self, event: OrderEvent, part: OrderMilestone, seen: Seen) -> tuple[str, str]:
        """Why a status would change nothing, in a word and a sentence; two empty strings if it would."""
        state, told = _state(seen), event.payload
        if seen["lastSeq"] and event.seq < seen["lastSeq"]:
            return OUT_OF_ORDER, f"{told['name']} has seq {event.seq}, {seen['lastSeq']} came before."
        if seen["lastStatus"] == told["number"] and (state in _ENDED or event.seq == seen["lastSeq"]):
            return REPEATED, f"{told['name']} was attested before."
        if told["number"] == part.required and told["at"] + self._shift > part.attest_by:
            return LATE, f"{told['name']} was reached after the deadline; the milestone is {state}."
        if state in _ENDED:
            return LATE, f"The milestone was {state} before {told['name']}."
        return "", ""

    def _look(self, places: Iterable[Place]) -> list[Seen]:
        """The milestones as the escrow has them now."""
        return self._session.calls(
            [("OrderEscrow", "milestoneOf", (self._calls.terms(order).id, index)) for order, index in places]
        )

    def _due(self, places: Iterable[Place]) -> list[tuple[OrderRecord, int, int]]:
        """The on-attest milestones among these that ask for money now, with how much in minor units."""
        paid_later = [place for place in places if place[0].milestones[place[1]].mode is MilestoneMode.ON_ATTEST]
        due = [
            place
            for place, seen in zip(paid_later, self._look(paid_later), strict=True)
            if _state(seen) is OrderState.DUE
        ]
        unpaid = self._session.calls(
            [("OrderEscrow", "unpaidOf", (self._calls.terms(order).to_message(), index)) for order, index in due]
        )
        return [(order, index, amount) for (order, index), amount in zip(due, unpaid, strict=True) if amount]

    # --- inspections ---

    def _watch_inspections(self, places: Iterable[Place]) -> None:
        inspected = [place for place in places if place[0].milestones[place[1]].inspection]
        for (order, index), seen in zip(inspected, self._look(inspected), strict=True):
            if _state(seen) is OrderState.ACCEPTED:
                ends = seen["since"] + order.milestones[index].inspection + 1
                heapq.heappush(self._inspections, (ends, order.id, index))

    def _release_inspected(self, before: int | None) -> None:
        """Releases milestones whose inspection ends before a time, each at its own."""
        while self._inspections and (before is None or self._inspections[0][0] < before):
            at, order_id, index = heapq.heappop(self._inspections)
            order = self._order(order_id)
            self._pace.reach(at)
            self._stage.run([self._calls.remedy(order, "release", self._calls.terms(order), index, Outcome())])


def _state(seen: Seen) -> OrderState:
    return _STATES[seen["state"]]


def _concerned(event: OrderEvent, order: OrderRecord) -> list[int]:
    """The milestones that an event may change, by index; none for an opening."""
    if event.kind is EventKind.DEADLINE:
        return [event.payload["milestone"]]
    if event.kind is not EventKind.STATUS:
        return []
    number = event.payload["number"]
    return [index for index, part in enumerate(order.milestones) if part.required == number or number in order.negative]


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
