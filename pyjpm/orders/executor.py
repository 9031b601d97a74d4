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
from typing import Any, Final

from eth_utils.crypto import keccak

from pyjpm.attestations import CONTENT
from pyjpm.contracts.codec import encode_parameters
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.custody import Signer
from pyjpm.order import OrderState
from pyjpm.orders.cast import FIRST_EPOCH, Cast
from pyjpm.orders.events import EventKind, MilestoneMode, OrderEvent, OrderRecord
from pyjpm.orders.queue import DONE, EventGroup, OrderQueue
from pyjpm.orders.stage import Call, Pace, Stage
from pyjpm.sending import Operation, Submission, SubmissionState
from pyjpm.session import Session
from pyjpm.terms import DAY, Milestone, Mode, OrderTerms, hold_reference

LATE: Final = "LATE"
REPEATED: Final = "REPEATED"
OUT_OF_ORDER: Final = "OUT_OF_ORDER"
IRRELEVANT: Final = "IRRELEVANT"
REFUSED: Final = "REFUSED"

_SIGNED_FOR: Final = 30 * DAY
_AT_ONCE: Final = 100
_REMEMBERED: Final = 1_000
_STATES: Final = tuple(OrderState)
_ENDED: Final = frozenset({OrderState.RELEASED, OrderState.REFUNDED, OrderState.CANCELLED})


def order_terms(order: OrderRecord, session: Session, cast: Cast, threshold: int) -> OrderTerms:
    """The terms that buyer and seller of an order sign: a pure function of the order, so that its id never drifts."""
    buyer = cast.participant(order.buyer)
    return OrderTerms(
        buyer=buyer,
        seller=cast.participant(order.seller),
        token=session.address(order.amount.currency),
        order_reference=keccak(text=order.id),
        attester_set=cast.attester_set,
        floor_epoch=FIRST_EPOCH,
        threshold=threshold,
        fallback_split=order.fallback_basis_points,
        submit_grace=order.submit_grace,
        negative_statuses=frozenset(order.negative),
        open_by=order.opened + _SIGNED_FOR,
        milestones=tuple(
            Milestone(
                amount=part.amount_minor,
                mode=Mode[part.mode],
                required_status=part.required,
                attest_by=part.attest_by,
                fund_by=part.fund_by,
                inspection=part.inspection,
                pay_within=part.pay_within,
                ruling_within=part.ruling_within,
                partial=part.partial,
            )
            for part in order.milestones
        ),
    )


@dataclass(slots=True)
class Outcome:
    """What became of one event so far."""

    word: str = DONE
    detail: str = ""

    def note(self, word: str, detail: str) -> None:
        """The first thing that differed stands."""
        if self.word == DONE:
            self.word, self.detail = word, detail


@dataclass(slots=True)
class Task:
    """One event on its way through the phases: a step gives the calls of its next phase."""

    event: OrderEvent
    steps: Iterator[list[Call]]
    outcome: Outcome = field(default_factory=Outcome)


class Executor:
    """Runs event groups for one replay."""

    def __init__(
        self,
        session: Session,
        queue: OrderQueue,
        cast: Cast,
        pace: Pace,
        stage: Stage,
        *,
        run: str,
        threshold: int,
        shift: int,
    ) -> None:
        self._session = session
        self._queue = queue
        self._cast = cast
        self._pace = pace
        self._stage = stage
        self._run = run
        self._threshold = threshold
        self._shift = shift
        self._inspections: list[tuple[int, str, int]] = []
        self._recent: dict[str, OrderTerms] = {}
        codec = session.codec("OrderEscrow")
        self._hold_parameters = [
            codec.parameter("fund", "terms"), {"type": "uint256"}, {"type": "bytes"}, {"type": "bytes"}
        ]  # fmt: skip

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
        terms = self._terms(order)
        prefunded = [index for index, part in enumerate(order.milestones) if part.mode is MilestoneMode.PREFUND]
        if prefunded:
            yield [self._mint(order, index, order.milestones[index].amount_minor, outcome) for index in prefunded]
        signature = self._sign(order.seller, "Terms", terms.to_message())
        if not prefunded:
            arguments = (terms.to_message(), b"", signature)
            yield [self._escrow(order, "open", self._cast.signer(order.buyer), arguments, outcome)]
            return
        # The buyer is the caller: its own signature is not needed, and the seller's only by the call that opens.
        calls = [self._hold(order, terms, prefunded[0], signature, outcome)]
        yield calls + [self._hold(order, terms, index, b"", outcome) for index in prefunded[1:]]

    def _status(self, event: OrderEvent, order: OrderRecord, outcome: Outcome) -> Iterator[list[Call]]:
        """Attest to each milestone that the status concerns; mint and pay what became due."""
        number = event.payload["number"]
        terms = self._terms(order)
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
            yield [self._mint(order, index, amount, outcome, event) for index, amount in due]
            yield [self._pay(event, order, terms, index, amount, outcome) for index, amount in due]
        for index in concerned:
            self._watch_inspection(order, index)

    def _deadline(self, order: OrderRecord, index: int, outcome: Outcome) -> Iterator[list[Call]]:
        """What nobody attested in time: held money goes back, what was on attest is cancelled."""
        terms = self._terms(order)
        state = self._state(terms, index)
        function = {OrderState.FUNDED: "refund", OrderState.OPEN: "cancel"}.get(state)
        for known in ("refund", "cancel"):
            if self._known(order, known, index, self._session.signer):
                function = known
        if function is not None:
            yield [self._remedy(order, function, terms, index, outcome)]

    def _end(self, outcome: Outcome) -> Iterator[list[Call]]:
        """Disputes that nobody ruled in time are decided by the fallback; one that is still open stays live."""
        disputed = (
            (order, self._terms(order), index)
            for order in (order.shifted(self._shift) for order in self._queue.orders() if order.negative)
            for index in range(len(order.milestones))
            if self._is_disputed(order, index)
        )
        while part := list(islice(disputed, _AT_ONCE)):
            yield [self._remedy(order, "decideByFallback", terms, index, Outcome()) for order, terms, index in part]
            due = [(each, amount) for each in part if (amount := self._due(*each))]
            yield [self._mint(order, index, amount, outcome) for (order, _, index), amount in due]
            yield [
                self._hold(order, terms, index, b"", outcome, amount, "pay/end")
                for (order, terms, index), amount in due
            ]
            accepted = [each for each in part if self._state(each[1], each[2]) is OrderState.ACCEPTED]
            yield [self._remedy(order, "release", terms, index, outcome) for order, terms, index in accepted]

    def _is_disputed(self, order: OrderRecord, index: int) -> bool:
        """Also one that was, when a replay that stopped here goes on."""
        decided = self._known(order, "decideByFallback", index, self._session.signer)
        return decided or self._state(self._terms(order), index) is OrderState.DISPUTED

    # --- calls ---

    def _remedy(self, order: OrderRecord, function: str, terms: OrderTerms, index: int, outcome: Outcome) -> Call:
        arguments = (terms.to_message(), index)
        return self._escrow(order, function, self._session.signer, arguments, outcome, index)

    def _mint(
        self, order: OrderRecord, index: int, amount: int, outcome: Outcome, event: OrderEvent | None = None
    ) -> Call:
        """A deposit of the buyer, by the reference of what it is for."""
        what = f"{order.id}/{index}" + (f"/{event.seq}" if event else "")
        wallet, currency = self._cast.signer(order.buyer).address, order.amount.currency
        operation = self._session.operation(
            kind="deposits.mint",
            key=f"{self._run}/mint/{what}",
            content={"to": wallet, "amount": amount, "currency": currency, "deposit_reference": what},
            contract=currency,
            function="mint",
            arguments=(keccak(text=f"{self._run}/deposit/{what}"), wallet, amount),
        )
        return self._call(self._session.signer, operation, outcome)

    def _hold(
        self, order: OrderRecord, terms: OrderTerms, index: int, seller_signature: bytes, outcome: Outcome,
        amount: int | None = None, key: str = "fund",
    ) -> Call:  # fmt: skip
        signer, session = self._cast.signer(order.buyer), self._session
        minor = terms.milestones[index].amount if amount is None else amount
        data = encode_parameters(self._hold_parameters, (terms.to_message(), index, b"", seller_signature))
        operation = session.operation(
            kind="escrow.holdAndCall",
            key=f"{self._run}/{key}/{order.id}/{index}",
            content={"order": "0x" + terms.id.hex(), "milestone": index, "amount": minor, "what": key},
            contract=order.amount.currency,
            function="holdAndCall",
            arguments=(session.address("OrderEscrow"), minor, hold_reference(terms.id, index), data),
        )
        return self._call(signer, operation, outcome)

    def _pay(
        self, event: OrderEvent, order: OrderRecord, terms: OrderTerms, index: int, amount: int, outcome: Outcome
    ) -> Call:
        return self._hold(order, terms, index, b"", outcome, amount, f"pay/{event.seq}")

    def _attest(
        self, event: OrderEvent, order: OrderRecord, terms: OrderTerms, index: int, outcome: Outcome
    ) -> Call | None:
        """The attestation of a status to one milestone, None where it would change nothing (and is reported)."""
        told, part = event.payload, order.milestones[index]
        # With its time: a source that tells one revision in two ways makes two attestations, and the contract objects.
        name = f"attest/{told['number']}/{event.seq}/{told['at']}"
        if not self._known(order, name, index, self._session.signer):
            word, detail = self._differs(event, terms, index, part.required, part.attest_by)
            if word:
                outcome.note(word, detail)
                return None
        accepted = 0
        if part.partial:
            accepted = part.amount_minor if told["accepted"] is None else min(told["accepted"], part.amount_minor)
        message = {
            "orderId": terms.id,
            "milestone": index,
            "seq": event.seq,
            "status": told["number"],
            "accepted": accepted,
            "complete": bool(told["complete"]) and part.partial,
            "attestedAt": told["at"] + self._shift,
            "documentHash": keccak(text=f"{order.id}/{told['name']}/{told['line']}"),
            "setEpoch": FIRST_EPOCH,
            "deadline": event.at + _SIGNED_FOR,
        }
        typed = TypedMessage(self._session.domain("OrderEscrow"), "Attestation", message)
        signers = self._cast.attesters[: self._threshold]
        signatures = [bytes.fromhex(signer.address[2:]) + signer.sign_typed(typed) for signer in signers]
        content = {name: _hexed(message[name]) for name in CONTENT}
        arguments = (terms.to_message(), message, signatures)
        return self._escrow(order, "attestAndRelease", self._session.signer, arguments, outcome, index, name, content)

    def _escrow(
        self,
        order: OrderRecord,
        function: str,
        signer: Signer,
        arguments: tuple[Any, ...],
        outcome: Outcome,
        index: int = 0,
        name: str | None = None,
        content: dict[str, Any] | None = None,
    ) -> Call:
        operation = self._session.operation(
            kind=f"escrow.{function}",
            key=self._key(order, name or function, index),
            content=content or {"order": order.id, "milestone": index},
            contract="OrderEscrow",
            function=function,
            arguments=arguments,
            reference=order.id,
        )
        return self._call(signer, operation, outcome)

    def _call(self, signer: Signer, operation: Operation, outcome: Outcome) -> Call:
        def done(submission: Submission) -> None:
            if submission.state is SubmissionState.REVERTED:
                error = submission.error or {}
                outcome.note(REFUSED, f"{error.get('code', 'REVERTED')}: {error.get('message', submission.kind)}")

        return Call(signer, operation, done)

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

    def _terms(self, order: OrderRecord) -> OrderTerms:
        known = self._recent.get(order.id)
        if known is None:
            if len(self._recent) == _REMEMBERED:
                self._recent.clear()
            known = self._recent[order.id] = order_terms(order, self._session, self._cast, self._threshold)
        return known

    def _sign(self, party: str, primary: str, message: dict[str, Any]) -> bytes:
        typed = TypedMessage(self._session.domain("OrderEscrow"), primary, message)
        return self._cast.signer(party).sign_typed(typed)

    def _key(self, order: OrderRecord, name: str, index: int) -> str:
        return f"{self._run}/{name}/{order.id}/{index}"

    def _known(self, order: OrderRecord, name: str, index: int, signer: Signer) -> bool:
        return self._session.journal.find(signer.address, self._key(order, name, index)) is not None

    # --- inspections ---

    def _watch_inspection(self, order: OrderRecord, index: int) -> None:
        inspection = order.milestones[index].inspection
        if not inspection:
            return
        seen = self._session.call("OrderEscrow", "milestoneOf", self._terms(order).id, index)
        if _STATES[seen["state"]] is OrderState.ACCEPTED:
            heapq.heappush(self._inspections, (seen["since"] + inspection + 1, order.id, index))

    def _release_inspected(self, before: int | None) -> None:
        """Releases milestones whose inspection ends before a time, each at its own."""
        while self._inspections and (before is None or self._inspections[0][0] < before):
            at, order_id, index = heapq.heappop(self._inspections)
            order = self._queue.order(order_id).shifted(self._shift)
            self._pace.reach(at)
            self._stage.run([self._remedy(order, "release", self._terms(order), index, Outcome())])


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


def _hexed(value: Any) -> Any:
    return "0x" + value.hex() if isinstance(value, bytes) else value
