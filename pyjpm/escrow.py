"""Orders: money that moves when the order says so.

Buyer and seller exchange one document (``propose``, ``countersign``); anyone opens it with both signatures. Each
milestone then lives by itself: funded or owed, attested, released, refunded, disputed, decided. The chain holds the
state; this client asks it and never keeps a state of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyjpm.acts import Act
from pyjpm.attestations import CONTENT, Attestations
from pyjpm.contracts.codec import encode_parameters
from pyjpm.contracts.eip712 import TypedMessage, struct_hash
from pyjpm.documents import Document, whole_number
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.documents import DocumentError, DocumentsDiffer, MalformedDocument
from pyjpm.errors.escrow import NotParty, OrderAlreadyOpen, UnknownOrder
from pyjpm.money import Money
from pyjpm.order import MilestoneState, OpenedOrder, Order, OrderState, ToAttest
from pyjpm.session import ZERO_ADDRESS, Session, reference_hash
from pyjpm.terms import Milestone, OrderTerms, hold_reference

BUYER, SELLER = "buyer", "seller"


_STATES = tuple(OrderState)

# What is said beside an order, by kind of document.
_SIDES = {
    "agreement": {"orderId", "milestone", "sellerAmount", "unpaid", "nonce", "deadline"},
    "cancellation": {"orderId", "milestone", "deadline"},
}

# What a notary's onHold is told: (Terms, uint256 milestone, bytes buyerSignature, bytes sellerSignature).
_INDEX = {"type": "uint256"}
_SIGNATURE = {"type": "bytes"}


class Escrow:
    """``platform.escrow``. Safe among threads.

    Money calls take a required ``idempotency_key``, return an :class:`Order` at acceptance, and raise the typed error
    of whatever the contract refuses.
    """

    def __init__(self, session: Session, attestations: Attestations) -> None:
        self._session = session
        self._attestations = attestations

    # --- agreeing ---

    def propose(
        self,
        *,
        buyer: int,
        seller: int,
        currency: str,
        order_reference: str | bytes,
        milestones: Sequence[Milestone],
        attester_set: int,
        threshold: int,
        open_by: int | None = None,
        **more: Any,
    ) -> Document:
        """Terms of an order, signed by the acting wallet where it is a party's.

        Args:
            buyer, seller: participant ids.
            order_reference: text (hashed) or 32 bytes.
            threshold: how many attesters must sign.
            open_by: deadline of both signatures, unix seconds; 7 days from now (chain time) by default.
            more: further members of :class:`pyjpm.terms.OrderTerms`.
        """
        session = self._session
        terms = OrderTerms(
            buyer=buyer,
            seller=seller,
            token=session.address(currency),
            order_reference=reference_hash(order_reference),
            milestones=tuple(milestones),
            attester_set=attester_set,
            threshold=threshold,
            open_by=session.now() + 7 * 86_400 if open_by is None else open_by,
            **more,
        )
        document = Document("order", session.record.chain_id, session.address("OrderEscrow"), terms.to_body())
        return self._sign(document, terms)

    def countersign(self, document: Document) -> Document:
        """The document with the acting party's signature too.

        What the other side signed is checked first: a document whose signature does not fit its content is refused.

        Raises:
            NotParty: the acting wallet is neither buyer's nor seller's current one.
            SignatureNotOf, MalformedDocument, DocumentForElsewhere
        """
        if document.kind == "order":
            terms = self._terms(document)
            self._check_signatures(document, "Terms", terms.to_message(), terms)
            return self._sign(document, terms)
        raise MalformedDocument(f"A {document.kind} is countersigned with its order.", kind=document.kind)

    def open(self, document: Document, *, idempotency_key: str) -> Order:
        """Opens every milestone; anyone may, with both signatures."""
        terms = self._terms(document)
        self._check_signatures(document, "Terms", terms.to_message(), terms)
        arguments = (terms.to_message(), *self._signatures(document, terms))
        try:
            return self._act("open", document, idempotency_key, arguments, {})
        except OrderAlreadyOpen:
            return self.get(document)

    def fund(self, document: Document, milestone: int = 0, *, idempotency_key: str) -> Order:
        """Holds exactly the milestone's amount of the acting wallet's money; opens the order too where it is not open.

        The acting wallet must be one of the milestone's payer.
        """
        terms = self._terms(document)
        return self._hold(document, terms, milestone, terms.milestones[milestone].amount, idempotency_key, "fund")

    def pay(self, document: Document, milestone: int = 0, *, idempotency_key: str) -> Order:
        """Pays what is due of a milestone on attestation, also late."""
        terms = self._terms(document)
        part, seen = terms.milestones[milestone], self._session.call("OrderEscrow", "milestoneOf", terms.id, milestone)
        due = seen["accepted"] - seen["settled"] if part.partial or seen["decided"] else part.amount
        return self._hold(document, terms, milestone, due, idempotency_key, "pay")

    # --- attested status ---

    def attest(self, document: Document, attestation: Document, *, idempotency_key: str, release: bool = True) -> Order:
        """Brings collected attestations (see :meth:`Attestations.collect`); releases at once where the terms allow."""
        return self._act(*self._attesting(idempotency_key, ToAttest(document, attestation, release)))

    def attest_many(self, asked: Mapping[str, ToAttest]) -> list[Act | PyjpmError]:
        """As :meth:`attest` for many, at a fraction of the cost: for each what was accepted, or why it is refused.

        Each is an act of its own under its own key: a refusal of one takes no other with it. Each is simulated against
        the present state, without the others before it: of what depends on one another give one at a time.

        Args:
            asked: by idempotency key, in the order in which they are sent.

        Raises what says nothing of any one: transport faults, Fenced, JournalFailed and the like. Some may be accepted
        then; all may be asked for again.
        """
        session, owner = self._session, self._session.owner
        answers: dict[str, Act | PyjpmError] = {}
        operations = []
        for key, each in asked.items():
            try:
                operations.append(session.operation(**self._call(*self._attesting(key, each)), owner=owner))
            except DocumentError as error:
                answers[key] = error
        sent = session.sender.submit_each(session.signer, operations)
        for operation, answer in zip(operations, sent, strict=True):
            answers[operation.key] = answer if isinstance(answer, PyjpmError) else Act.of(session, answer)
        return [answers[key] for key in asked]

    def release(self, document: Document, milestone: int = 0, *, idempotency_key: str) -> Order:
        """Pays the seller what is accepted: by the buyer, by anyone once the inspection is over."""
        return self._simple("release", document, milestone, idempotency_key)

    def refund(self, document: Document, milestone: int = 0, *, idempotency_key: str) -> Order:
        """Gives the held money back: by the seller, by anyone once the attesting time is over."""
        return self._simple("refund", document, milestone, idempotency_key)

    def cancel(self, document: Document, milestone: int = 0, *, idempotency_key: str) -> Order:
        """Ends an unfunded milestone whose time is over; anyone may."""
        return self._simple("cancel", document, milestone, idempotency_key)

    def write_off(self, document: Document, milestone: int = 0, *, idempotency_key: str) -> Order:
        """The seller gives up what is due."""
        return self._simple("writeOff", document, milestone, idempotency_key)

    # --- disputes and agreements ---

    def dispute(self, document: Document, milestone: int = 0, *, idempotency_key: str) -> Order:
        """Buyer or seller disputes, within the windows of the terms."""
        return self._simple("dispute", document, milestone, idempotency_key)

    def rule(self, document: Document, milestone: int, seller_amount: Money, *, idempotency_key: str) -> Order:
        """The arbiter gives the seller this part of what is unpaid, the payer the rest."""
        arguments = (self._terms(document).to_message(), milestone, seller_amount.minor)
        content = {"milestone": milestone, "seller_amount": seller_amount.minor}
        return self._act("rule", document, idempotency_key, arguments, content)

    def decide_by_fallback(self, document: Document, milestone: int = 0, *, idempotency_key: str) -> Order:
        """Decides as the terms say once the arbiter's time is over; anyone may."""
        return self._simple("decideByFallback", document, milestone, idempotency_key)

    def propose_agreement(
        self, document: Document, milestone: int, seller_amount: Money, *, nonce: int = 0, valid_for: int = 7 * 86_400
    ) -> Document:
        """The acting party's word to share out what is unpaid; the other side's :meth:`agree_to` completes it."""
        terms = self._terms(document)
        unpaid = self._session.call("OrderEscrow", "unpaidOf", terms.to_message(), milestone)
        message = {
            "orderId": terms.id,
            "milestone": milestone,
            "sellerAmount": seller_amount.minor,
            "unpaid": unpaid,
            "nonce": nonce,
            "deadline": self._session.now() + valid_for,
        }
        return self._side_document("agreement", "Agreement", terms, message)

    def propose_cancellation(self, document: Document, milestone: int, *, valid_for: int = 7 * 86_400) -> Document:
        """The acting party's word to cancel an unfunded milestone; the other side's :meth:`agree_to` completes it."""
        terms = self._terms(document)
        deadline = self._session.now() + valid_for
        message = {"orderId": terms.id, "milestone": milestone, "deadline": deadline}
        return self._side_document("cancellation", "Cancellation", terms, message)

    def agree_to(self, document: Document, side: Document) -> Document:
        """Countersigns an agreement or a cancellation about an order.

        Raises:
            DocumentsDiffer: it is about another order.
        """
        terms, primary = self._terms(document), side.kind.capitalize()
        message = self._side_message(side, terms, side.kind)
        self._check_signatures(side, primary, message, terms)
        return side.signed(self._role(terms), self._session.sign("OrderEscrow", primary, message))

    def agree(self, document: Document, agreement: Document, *, idempotency_key: str) -> Order:
        """Carries out an agreement that both sides signed; anyone may."""
        terms = self._terms(document)
        message = self._side_message(agreement, terms, "agreement")
        signatures = self._signatures(agreement, terms)
        arguments = (terms.to_message(), message, *signatures)
        return self._act("agree", document, idempotency_key, arguments, agreement.body)

    def cancel_together(self, document: Document, cancellation: Document, *, idempotency_key: str) -> Order:
        """Carries out a cancellation that both sides signed; anyone may."""
        terms = self._terms(document)
        message = self._side_message(cancellation, terms, "cancellation")
        signatures = self._signatures(cancellation, terms)
        arguments = (terms.to_message(), message["milestone"], message["deadline"], *signatures)
        content = {"milestone": message["milestone"]}
        return self._act("cancelTogether", document, idempotency_key, arguments, content)

    def cancel_by_order(self, document: Document, milestone: int, *, order: str | bytes, idempotency_key: str) -> Order:
        """A compliance order ends a milestone (resolution role, delayed): releases the hold and freezes as much of the
        payer's money in the same call."""
        arguments = (self._terms(document).to_message(), milestone, reference_hash(order))
        content = {"milestone": milestone, "order_hash": "0x" + arguments[2].hex()}
        return self._act("cancelByOrder", document, idempotency_key, arguments, content)

    # --- reading ---

    def get(self, document: Document) -> Order:
        """The order as the chain has it, read at one block.

        Raises:
            UnknownOrder: it is not open here.
        """
        order = self.accepted(document, None)
        if order.status is OrderState.NONE:
            raise UnknownOrder.from_arguments({"orderId": order.id})
        return order

    def list(
        self,
        *,
        status: OrderState | None = None,
        reference: str | bytes | None = None,
        created_after: int | None = None,
        participant: int | None = None,
    ) -> Iterator[OpenedOrder]:
        """Orders of a participant (the acting one by default) as buyer or seller, oldest first; pages itself.

        Args:
            reference: the order reference, text or 32 bytes.
            created_after: opened in a block after this time, unix seconds.
        """
        session = self._session
        who = session.participant if participant is None else participant
        wanted = None if reference is None else reference_hash(reference)
        for event in session.events("OrderEscrow", "OrderOpened"):
            told = event.arguments
            if who not in (told["buyer"], told["seller"]) or wanted not in (None, told["orderReference"]):
                continue
            if created_after is not None and session.connection.block(event.block).timestamp <= created_after:
                continue
            found = self._opened(event.arguments, event.block)
            if status is None or found.status is status:
                yield found

    def order_id(self, document: Document) -> str:
        """The id of the order that these terms are, ``0x…``."""
        return "0x" + self._terms(document).id.hex()

    # --- inside ---

    def _opened(self, told: Mapping[str, Any], block: int) -> OpenedOrder:
        states = {
            _STATES[self._session.call("OrderEscrow", "stateOf", told["orderId"], index)]
            for index in range(told["milestones"])
        }
        return OpenedOrder(
            id="0x" + told["orderId"].hex(),
            buyer=told["buyer"],
            seller=told["seller"],
            reference="0x" + told["orderReference"].hex(),
            currency=self._session.record.currency_of(told["token"]),
            status=states.pop() if len(states) == 1 else OrderState.MIXED,
            opened_at_block=block,
        )

    def _milestone(self, terms: OrderTerms, index: int, block: int) -> MilestoneState:
        session = self._session
        seen = session.call("OrderEscrow", "milestoneOf", terms.id, index, block=block)
        amounts = (0, 0, 0, 0)  # of an order that is not open yet; asked for, the contract refuses
        if _STATES[seen["state"]] is not OrderState.NONE:
            try:
                amounts = session.call("OrderEscrow", "amountsOf", terms.to_message(), index, block=block)
            except UnknownOrder:
                # Anvil may answer from the block that it is making: what the first question saw opens after this one.
                seen = {**seen, "state": 0, "payer": ZERO_ADDRESS, "lastSeq": 0, "lastStatus": 0}
        funded, held, released, refunded = (session.money(minor, terms.token) for minor in amounts)
        return MilestoneState(
            state=_STATES[seen["state"]],
            amount=session.money(terms.milestones[index].amount, terms.token),
            funded=funded,
            held=held,
            released=released,
            refunded=refunded,
            payer=seen["payer"] if seen["payer"] != ZERO_ADDRESS else "",
            last_seq=seen["lastSeq"],
            last_status=seen["lastStatus"],
        )

    def _terms(self, document: Document) -> OrderTerms:
        session = self._session
        document.require("order", session.record.chain_id, session.address("OrderEscrow"))
        return OrderTerms.from_body(document.body)

    def _role(self, terms: OrderTerms) -> str:
        wallets = self._session.call("ParticipantRegistry", "currentWallets", terms.buyer, terms.seller)
        for role, wallet in zip((BUYER, SELLER), wallets, strict=True):
            if wallet == self._session.wallet:
                return role
        raise NotParty.from_arguments({"orderId": "0x" + terms.id.hex(), "caller": self._session.wallet})

    def _sign(self, document: Document, terms: OrderTerms) -> Document:
        signature = self._session.sign("OrderEscrow", "Terms", terms.to_message())
        return document.signed(self._role(terms), signature)

    def _check_signatures(
        self, document: Document, primary: str, message: Mapping[str, Any], terms: OrderTerms
    ) -> None:
        wallets = self._session.call("ParticipantRegistry", "currentWallets", terms.buyer, terms.seller)
        digest = TypedMessage(self._session.domain("OrderEscrow"), primary, message).digest
        for role, wallet in zip((BUYER, SELLER), wallets, strict=True):
            if role in document.signatures:
                self._session.require_signed_by(wallet, digest, document.signature(role))

    def _signatures(self, document: Document, terms: OrderTerms) -> tuple[bytes, bytes]:
        """Both parties' signatures; the acting wallet's own may be missing."""
        wallets = self._session.call("ParticipantRegistry", "currentWallets", terms.buyer, terms.seller)
        found = []
        for role, wallet in zip((BUYER, SELLER), wallets, strict=True):
            own = role not in document.signatures and wallet == self._session.wallet
            found.append(b"" if own else document.signature(role))
        return found[0], found[1]

    def _hold(self, document: Document, terms: OrderTerms, milestone: int, amount: int, key: str, what: str) -> Order:
        session = self._session
        currency = session.record.currency_of(terms.token)
        opened = session.call("OrderEscrow", "stateOf", terms.id, 0) != 0
        signatures = (b"", b"") if opened else self._signatures(document, terms)
        if not opened:
            self._check_signatures(document, "Terms", terms.to_message(), terms)
        parameters = [session.codec("OrderEscrow").parameter("fund", "terms"), _INDEX, _SIGNATURE, _SIGNATURE]
        data = encode_parameters(parameters, (terms.to_message(), milestone, *signatures))
        arguments = (session.address("OrderEscrow"), amount, hold_reference(terms.id, milestone), data)
        content = {"milestone": milestone, "what": what}
        return self._act("holdAndCall", document, key, arguments, content, currency)

    def _side_document(self, kind: str, primary: str, terms: OrderTerms, message: Mapping[str, Any]) -> Document:
        session = self._session
        body = {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in message.items()}
        body |= {name: str(body[name]) for name in ("sellerAmount", "unpaid", "nonce") if name in body}
        document = Document(kind, session.record.chain_id, session.address("OrderEscrow"), body)
        return document.signed(self._role(terms), session.sign("OrderEscrow", primary, message))

    def _side_message(self, side: Document, terms: OrderTerms, kind: str) -> dict[str, Any]:
        session = self._session
        side.require(kind, session.record.chain_id, session.address("OrderEscrow"))
        if set(side.body) != _SIDES.get(kind):
            raise MalformedDocument(f"A {kind} is no side document, or has missing or unknown members.", kind=kind)
        try:
            message = {**side.body, "orderId": bytes.fromhex(side.body["orderId"][2:])}
            message |= {
                name: whole_number(message[name]) for name in ("sellerAmount", "unpaid", "nonce") if name in message
            }
            struct_hash(kind.capitalize(), message)  # every member is of its type
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedDocument(f"The {side.kind} is malformed: {error!r}.") from error
        if message["orderId"] != terms.id:
            raise DocumentsDiffer(f"The {side.kind} is about another order.", order_id=side.body["orderId"])
        return message

    def _simple(self, function: str, document: Document, milestone: int, key: str) -> Order:
        arguments = (self._terms(document).to_message(), milestone)
        return self._act(function, document, key, arguments, {"milestone": milestone})

    def _attesting(self, key: str, asked: ToAttest) -> tuple[str, Document, str, tuple[Any, ...], Mapping[str, Any]]:
        """What ``_act`` takes."""
        arguments = self._attestations.call_arguments(asked.order, asked.attestation)
        function = "attestAndRelease" if asked.release else "attest"
        return function, asked.order, key, arguments, {name: asked.attestation.body[name] for name in CONTENT}

    def _act(
        self,
        function: str,
        document: Document,
        key: str,
        arguments: tuple[Any, ...],
        content: Mapping[str, Any],
        contract: str = "OrderEscrow",
    ) -> Order:
        """Sends one call. ``content`` is what the key stands for: never signatures, which may be renewed."""
        submission = self._session.submit(**self._call(function, document, key, arguments, content, contract))
        return self.accepted(document, Act.of(self._session, submission))

    def _call(
        self,
        function: str,
        document: Document,
        key: str,
        arguments: tuple[Any, ...],
        content: Mapping[str, Any],
        contract: str = "OrderEscrow",
    ) -> dict[str, Any]:
        """What ``Session.submit`` takes."""
        order_id = "0x" + self._terms(document).id.hex()
        return {
            "kind": f"escrow.{function}",
            "key": key,
            "content": {"order": order_id, **content},
            "contract": contract,
            "function": function,
            "arguments": arguments,
            "reference": order_id,
        }

    def accepted(self, document: Document, act: Act | None) -> Order:
        """The order as it is now, ``NONE`` where the call that opens it is accepted and not on the chain yet."""
        terms = self._terms(document)
        block = self._session.connection.head().number
        milestones = tuple(self._milestone(terms, index, block) for index in range(len(terms.milestones)))
        states = {milestone.state for milestone in milestones}
        total = sum(milestone.amount for milestone in terms.milestones)
        return Order(
            id="0x" + terms.id.hex(),
            status=states.pop() if len(states) == 1 else OrderState.MIXED,
            reference="0x" + terms.order_reference.hex(),
            amount=self._session.money(total, terms.token),
            milestones=milestones,
            document=document,
            act=act,
            noun=self,
        )
