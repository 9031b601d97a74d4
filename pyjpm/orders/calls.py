"""The calls of a replay: what each step of an order's life sends, signed by the cast, under a key that never drifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.crypto import keccak

from pyjpm.attestations import CONTENT
from pyjpm.contracts.codec import encode_parameters
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.custody import Signer
from pyjpm.orders.cast import FIRST_EPOCH, Cast
from pyjpm.orders.events import OrderEvent, OrderRecord
from pyjpm.orders.queue import DONE
from pyjpm.orders.stage import Call
from pyjpm.sending import Operation, Submission, SubmissionState
from pyjpm.session import Session
from pyjpm.terms import DAY, Milestone, Mode, OrderTerms, hold_reference

REFUSED: Final = "REFUSED"
SIGNED_FOR: Final = 30 * DAY
"""How long signatures are good for, in seconds of chain time."""

_REMEMBERED: Final = 1_000


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
        open_by=order.opened + SIGNED_FOR,
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


class Calls:
    """Makes the calls of one replay."""

    def __init__(self, session: Session, cast: Cast, *, run: str, threshold: int) -> None:
        self._session = session
        self._cast = cast
        self._run = run
        self._threshold = threshold
        self._recent: dict[str, OrderTerms] = {}
        codec = session.codec("OrderEscrow")
        self._hold_parameters = [
            codec.parameter("fund", "terms"), {"type": "uint256"}, {"type": "bytes"}, {"type": "bytes"}
        ]  # fmt: skip

    def terms(self, order: OrderRecord) -> OrderTerms:
        """What buyer and seller of an order sign."""
        known = self._recent.get(order.id)
        if known is None:
            if len(self._recent) == _REMEMBERED:
                self._recent.clear()
            known = self._recent[order.id] = order_terms(order, self._session, self._cast, self._threshold)
        return known

    def sign(self, party: str, primary: str, message: dict[str, Any]) -> bytes:
        """A company's signature over a structure of the escrow."""
        typed = TypedMessage(self._session.domain("OrderEscrow"), primary, message)
        return self._cast.signer(party).sign_typed_data(typed)

    def key(self, order: OrderRecord, name: str, index: int) -> str:
        """The idempotency key of a call: a pure function of the replay and the order."""
        return f"{self._run}/{name}/{order.id}/{index}"

    def known(self, keys: Sequence[str]) -> set[str]:
        """Those of these keys under which the bank sent a call before, in this run or one that stopped."""
        return self._session.journal.known_keys(self._session.wallet, keys)

    def remedy(self, order: OrderRecord, function: str, terms: OrderTerms, index: int, outcome: Outcome) -> Call:
        """A call that anyone may make once its time has come."""
        arguments = (terms.to_message(), index)
        return self._escrow(order, function, self._session.signer, arguments, outcome, index)

    def mint(
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

    def hold(
        self, order: OrderRecord, terms: OrderTerms, index: int, seller_signature: bytes, outcome: Outcome,
        amount: int | None = None, key: str = "fund",
    ) -> Call:  # fmt: skip
        """The buyer holds money for a milestone; opens the order too where the seller's signature is given."""
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

    def pay(
        self, event: OrderEvent, order: OrderRecord, terms: OrderTerms, index: int, amount: int, outcome: Outcome
    ) -> Call:
        """Pays what became due by a status."""
        return self.hold(order, terms, index, b"", outcome, amount, f"pay/{event.seq}")

    def attest_name(self, event: OrderEvent) -> str:
        """Names an attestation in its key: with its time, so that a source that tells one revision in two ways makes
        two attestations, and the contract objects."""
        return f"attest/{event.payload['number']}/{event.seq}/{event.payload['at']}"

    def attest(
        self, event: OrderEvent, order: OrderRecord, terms: OrderTerms, index: int, outcome: Outcome, *, at: int
    ) -> Call:
        """What M attesters say about one milestone. ``at``: when the status was reached, chain time."""
        told, part = event.payload, order.milestones[index]
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
            "attestedAt": at,
            "documentHash": keccak(text=f"{order.id}/{told['name']}/{told['line']}"),
            "setEpoch": FIRST_EPOCH,
            "deadline": event.at + SIGNED_FOR,
        }
        typed = TypedMessage(self._session.domain("OrderEscrow"), "Attestation", message)
        signers = self._cast.attesters[: self._threshold]
        signatures = [bytes.fromhex(signer.address[2:]) + signer.sign_typed_data(typed) for signer in signers]
        content = {name: _hexed(message[name]) for name in CONTENT}
        arguments = (terms.to_message(), message, signatures)
        name = self.attest_name(event)
        return self._escrow(order, "attestAndRelease", self._session.signer, arguments, outcome, index, name, content)

    def open(self, order: OrderRecord, terms: OrderTerms, seller_signature: bytes, outcome: Outcome) -> Call:
        """The buyer opens the order: its own signature is not needed."""
        arguments = (terms.to_message(), b"", seller_signature)
        return self._escrow(order, "open", self._cast.signer(order.buyer), arguments, outcome)

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
            key=self.key(order, name or function, index),
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


def _hexed(value: Any) -> Any:
    return "0x" + value.hex() if isinstance(value, bytes) else value
