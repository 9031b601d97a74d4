"""Payments: bank money from one participant to another, once per idempotency key, for ever.

The reference on chain is a pure function of participant and key, so a retry after any loss meets its own reference; the
contract spends it once per participant. Remittance travels with the payment: its bytes in the calldata, their hash in
the event. A ``Remittance`` is sealed to the keys that payee and payer publish in the registry; once sealed, the bytes
are kept with the payment's idempotency key.

A payment may also be signed here and submitted by somebody else (``authorize``). Participants that need the bank's
clearance give it with the payment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyjpm.acts import Act
from pyjpm.authorization import AUTHORIZATIONS, read_authorization
from pyjpm.clearance import clearance_of, read, ride, to_plain
from pyjpm.contracts.decoding import PATHS
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.documents import Document
from pyjpm.errors.clearances import ClearanceForOther
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.hashing import keccak256
from pyjpm.money import Money
from pyjpm.payment import Payment, PaymentBatch, PaymentOrder
from pyjpm.remittance import Remittance
from pyjpm.sending import Operation, batch_reference, payment_reference
from pyjpm.session import Moment, Session
from pyjpm.status import Status

REFERENCE_STATES = ("UNSPENT", "PAID", "VOIDED")
MOST_IN_A_BATCH = 500


class Payments:
    """``platform.payments``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self,
        to: int | str,
        amount: Money,
        *,
        idempotency_key: str,
        remittance: bytes | Remittance = b"",
        clearance: Document | None = None,
        readers: Sequence[bytes] = (),
        not_before: Moment | None = None,
        not_after: Moment | None = None,
    ) -> Payment:
        """Pays from the acting wallet.

        Args:
            to: participant id (its current wallet when the key is first used) or wallet address.
            amount: more than zero.
            idempotency_key: names this payment for ever; the same key with the same content is the same payment.
            remittance: what the payment is for: opaque bytes, or a ``Remittance``, which only payee, payer and
                ``readers`` can open.
            clearance: the bank's, of ``clearances.request`` with the same arguments; for participants that need one.
            readers: further public keys that a ``Remittance`` is sealed to, such as the bank's where law asks.
            not_before: its value date: it waits until then (unix seconds, or a datetime with its time zone).
            not_after: it is not signed later, and expires.

        Raises:
            IdempotencyConflict: the key was used for other content.
            ReferenceConflict: the chain has other content under the key's reference.
            ReferenceVoided: the key's reference was voided.
            Refusal: the rules refuse it, see :mod:`pyjpm.errors.refusals`.
            ClearanceForOther: the clearance is of something else.
            NoEncryptionKey: payee or payer has published no key to seal to.
            AmountNotPositive, CurrencyNotDeployed, NotOnboarded
        """
        session, currency = self._session, amount.require_positive().currency
        reference = payment_reference(session.participant, idempotency_key)
        payee = self._payees({idempotency_key: to})[idempotency_key]
        carried, said = self._carried(remittance, payee, idempotency_key, readers)
        content = {
            "to": payee,
            "amount": amount.minor,
            "currency": currency,
            "remittance_hash": "0x" + keccak256(carried).hex(),
            **said,
        }
        function, arguments = "pay", (payee, amount.minor, reference, carried)
        if clearance is not None:
            function, arguments = "cleared", self._with_clearance(clearance, currency, arguments)
        submission = session.submit(
            kind="payments.pay",
            key=idempotency_key,
            content=content,
            contract=currency,
            function=function,
            arguments=arguments,
            reference="0x" + reference.hex(),
            sealed=bool(said),
            not_before=not_before,
            not_after=not_after,
        )
        return Payment.of(session, submission)

    def seal(self, to: int | str, remittance: Remittance, *, readers: Sequence[bytes] = ()) -> bytes:
        """A remittance readable by the payee, the acting payer and ``readers`` alone: bytes for ``create``, a batch, or
        a request of a clearance.

        Raises:
            NoEncryptionKey: payee or payer has published no key.
        """
        session = self._session
        parties = [session.participant_of(session.wallet_of(to)), session.participant]
        keys = [session.call("ParticipantRegistry", "participantOf", party)["encryptionKey"] for party in parties]
        return remittance.seal([*keys, *readers])

    def authorize(
        self,
        to: int | str,
        amount: Money,
        *,
        idempotency_key: str,
        remittance: bytes = b"",
        valid_after: int = 0,
        valid_before: int | None = None,
        receive: bool = False,
    ) -> Document:
        """Signs a payment that somebody else submits (EIP-3009). The key's reference is in it, so that it pays once,
        whether it is submitted or paid with ``create``.

        Args:
            remittance: its bytes; they are in the document.
            valid_after, valid_before: it serves strictly between these, unix seconds; a day from now by default.
            receive: only the payee may submit it.
        """
        session, currency = self._session, amount.require_positive().currency
        message = {
            "from": session.wallet,
            "to": session.wallet_of(to),
            "value": amount.minor,
            "validAfter": valid_after,
            "validBefore": session.now() + 86_400 if valid_before is None else valid_before,
            "nonce": session.next_nonce().to_bytes(32, "big"),
            "ref": payment_reference(session.participant, idempotency_key),
            "remittanceHash": keccak256(remittance),
        }
        body = {
            "type": AUTHORIZATIONS[receive],
            "currency": currency,
            "message": to_plain(message),
            "remittance": "0x" + remittance.hex(),
        }
        document = Document("authorization", session.record.chain_id, session.address(currency), body)
        return document.signed(session.wallet, session.sign(currency, AUTHORIZATIONS[receive], message))

    def submit_authorization(
        self, document: Document, *, idempotency_key: str, clearance: Document | None = None
    ) -> Payment:
        """Submits what another has authorized; the acting wallet must be in good standing, or an operator.

        Args:
            clearance: the bank's, where the payer needs one (``clearances.request_word``).

        Raises:
            MalformedDocument, DocumentForElsewhere, SignatureNotOf: it is not what its payer signed.
            AuthorizationSpent, AlreadyPaid, AuthorizationExpired and the like; Refusal
        """
        session = self._session
        currency, primary, message, remittance = read_authorization(session, document)
        payer = message["from"]
        signature = document.signature(payer)
        session.require_signed_by(payer, TypedMessage(session.domain(currency), primary, message).digest, signature)
        if clearance is not None:
            if read(session, clearance).digest != TypedMessage(session.domain(currency), primary, message).digest:
                raise ClearanceForOther("The clearance is of another authorization.", payer=payer)
            signature = ride(signature, clearance)
        function = "receiveWithAuthorization" if primary == AUTHORIZATIONS[True] else "transferWithAuthorization"
        members = [message[name] for name in ("from", "to", "value", "validAfter", "validBefore", "nonce", "ref")]
        content = {
            "payer": payer,
            "to": message["to"],
            "amount": message["value"],
            "currency": currency,
            "nonce": "0x" + message["nonce"].hex(),
            "remittance_hash": "0x" + message["remittanceHash"].hex(),
        }
        submission = session.submit(
            kind="payments.authorized",
            key=idempotency_key,
            content=content,
            contract=currency,
            function=function,
            arguments=(*members, remittance, signature),
            reference="0x" + message["ref"].hex(),
        )
        return Payment.of(session, submission)

    def cancel_authorization(self, document: Document, *, idempotency_key: str) -> Act:
        """Makes an authorization of the acting wallet void. Its reference stays free: the payment may still be made
        with ``create``, and ``void`` spends the reference too."""
        session = self._session
        currency, _, message, _ = read_authorization(session, document)
        submission = session.submit(
            kind="payments.cancel_authorization",
            key=idempotency_key,
            content={"currency": currency, "authorizer": message["from"], "nonce": "0x" + message["nonce"].hex()},
            contract=currency,
            function="cancelAuthorization",
            arguments=(message["from"], message["nonce"], b""),
            reference="0x" + message["ref"].hex(),
        )
        return Act.of(session, submission)

    def create_batch(self, payments: Sequence[PaymentOrder], *, idempotency_key: str) -> PaymentBatch:
        """Pays up to 500 in one currency from the acting wallet, by one transaction.

        An error of the rules means that none is paid: it is raised only where nothing of the batch ever happened.
        Asked for again after some of it did, the batch is returned, those payments as they are and the refused ones
        ``REJECTED``. Accepted, each keeps its own state: if the transaction fails after all, because one payment is
        not allowed any more, each payment is tried by itself. References follow from the key and each payment's place,
        so that the batch meets its own references again.

        Raises:
            InvalidRequest: none, too many, or more than one currency; else as :meth:`create`.
        """
        session = self._session
        currencies = {payment.amount.require_positive().currency for payment in payments}
        if not 0 < len(payments) <= MOST_IN_A_BATCH or len(currencies) != 1:
            raise InvalidRequest(f"A batch has 1 to {MOST_IN_A_BATCH} payments in one currency.", count=len(payments))
        (currency,) = currencies
        keys = [f"{idempotency_key}#{position}" for position in range(len(payments))]
        payees = self._payees({key: payment.to for key, payment in zip(keys, payments, strict=True)})
        items: list[dict[str, Any]] = [
            {
                "to": payees[keys[position]],
                "amount": payment.amount.minor,
                "ref": batch_reference(session.participant, idempotency_key, position),
                "remittance": payment.remittance,
            }
            for position, payment in enumerate(payments)
        ]
        together = session.operation(
            kind="payments.batch",
            key=idempotency_key,
            content={},
            contract=currency,
            function="payBatch",
            arguments=(items,),
        )
        singly = [
            session.operation(
                kind="payments.pay",
                key=keys[position],
                content={
                    "to": item["to"],
                    "amount": item["amount"],
                    "currency": currency,
                    "remittance_hash": "0x" + keccak256(item["remittance"]).hex(),
                    "batch": idempotency_key,
                    "position": position,
                    "count": len(items),
                },
                contract=currency,
                function="pay",
                arguments=(item["to"], item["amount"], item["ref"], item["remittance"]),
                reference="0x" + item["ref"].hex(),
            )
            for position, item in enumerate(items)
        ]
        accepted = session.sender.submit_together(session.signer, together, singly)
        return PaymentBatch(idempotency_key, tuple(Payment.of(session, each) for each in accepted))

    def create_many(self, orders: Mapping[str, PaymentOrder], *, simulate: bool = True) -> list[Payment]:
        """Pays many, each by itself: as :meth:`create` for each, at a fraction of the cost.

        Each is a payment of its own under its own key, with its own outcome: one that the chain refuses takes no other
        with it. They are stored together, all or none.

        Args:
            orders: by idempotency key, in the order in which they are paid.
            simulate: refuse all of them now if one would be refused on the present state, each by itself; where some
                of them happened before, only what is refused ends ``REJECTED``. Without it whatever the rules refuse
                costs its nonce, and ends ``REVERTED``.

        Raises as :meth:`create`.
        """
        session = self._session
        sent = session.sender.submit_many(session.signer, self.prepare(orders), simulate=simulate)
        return [Payment.of(session, each) for each in sent]

    def prepare(self, orders: Mapping[str, PaymentOrder]) -> list[Operation]:
        """What :meth:`create_many` sends, for whoever sends for many wallets at once (``Sender.submit_batches``)."""
        participant = self._session.participant
        payees = self._payees({key: order.to for key, order in orders.items()})
        return [
            self._operation(
                key,
                payees[key],
                order.amount.require_positive(),
                payment_reference(participant, key),
                order.remittance,
            )
            for key, order in orders.items()
        ]

    def _operation(self, key: str, payee: str, amount: Money, reference: bytes, remittance: bytes) -> Operation:
        return self._session.operation(
            kind="payments.pay",
            key=key,
            content={
                "to": payee,
                "amount": amount.minor,
                "currency": amount.currency,
                "remittance_hash": "0x" + keccak256(remittance).hex(),
            },
            contract=amount.currency,
            function="pay",
            arguments=(payee, amount.minor, reference, remittance),
            reference="0x" + reference.hex(),
        )

    def get(self, payment_id: str) -> Payment:
        """One of this client's payments as it is now; raises ``NotFound``."""
        return Payment.of(self._session, self._session.submission(payment_id)).refresh()

    def list(
        self, *, status: Status | None = None, reference: str | None = None, created_after: int | None = None
    ) -> Iterator[Payment]:
        """This wallet's payments, oldest first; pages itself. ``created_after`` in unix seconds."""
        for submission in self._session.submissions(
            "payments.pay", status=status, reference=reference, created_after=created_after
        ):
            yield Payment.of(self._session, submission)

    def void(self, reference: str, *, currency: str, idempotency_key: str, participant: int | None = None) -> Act:
        """Spends a reference without paying, so that nothing can ever be paid under it.

        Args:
            reference: the 32 bytes as ``0x…``.
            participant: whose; the acting one by default. The bank may void for others.

        Raises:
            AlreadyPaid: it is spent already.
        """
        whose = self._session.participant if participant is None else participant
        submission = self._session.submit(
            kind="payments.void",
            key=idempotency_key,
            content={"participant": whose, "reference": reference, "currency": currency},
            contract=currency,
            function="voidReference",
            arguments=(whose, bytes.fromhex(reference.removeprefix("0x"))),
            reference=reference,
        )
        return Act.of(self._session, submission)

    def reference_state(self, reference: str, *, currency: str, participant: int | None = None) -> str:
        """``UNSPENT``, ``PAID`` or ``VOIDED``, read from the chain."""
        whose = self._session.participant if participant is None else participant
        state = self._session.call(
            currency, "referenceState(uint32,bytes32)", whose, bytes.fromhex(reference.removeprefix("0x"))
        )
        return REFERENCE_STATES[state]

    def check(self, to: int | str, amount: Money, *, sender: int | str | None = None) -> int:
        """What the rules say to a payment now: 0, or the contracts' ``Reason`` (see :mod:`pyjpm.errors.refusals`)."""
        session = self._session
        payer = session.wallet if sender is None else session.wallet_of(sender)
        return int(
            session.call(
                amount.currency, "check", PATHS.index("TRANSFER"), payer, payer, session.wallet_of(to), amount.minor
            )
        )

    def _payees(self, asked: Mapping[str, int | str]) -> dict[str, str]:
        """The wallet that is paid under each key. A participant that had another one when the key was first used is
        paid there: else the call, asked for again, would be another one, and be made again under another key."""
        session = self._session
        current = {to: session.wallet_of(to) for to in set(asked.values())}
        named = [key for key, to in asked.items() if isinstance(to, int)]
        earlier = session.journal.find_many(session.wallet, named) if named else {}
        chosen = {key: current[to] for key, to in asked.items()}
        for key, submission in earlier.items():
            wallet = submission.content.get("to", chosen[key])
            if wallet != chosen[key] and session.participant_of(wallet) == asked[key]:
                chosen[key] = wallet
        return chosen

    def _carried(
        self, remittance: bytes | Remittance, payee: str, key: str, readers: Sequence[bytes]
    ) -> tuple[bytes, dict[str, str]]:
        """The bytes that travel with a payment, and what its content says of them. Sealing gives other bytes each time,
        so those of an earlier call under the key are taken again."""
        if isinstance(remittance, bytes):
            return remittance, {}
        plain = "0x" + keccak256(remittance.to_bytes()).hex()
        earlier = self._session.journal.find(self._session.wallet, key)
        if earlier is not None and earlier.content.get("remittance_plain") == plain:
            sealed = bytes.fromhex(earlier.content["remittance"][2:])
        else:
            sealed = self.seal(payee, remittance, readers=readers)
        return sealed, {"remittance": "0x" + sealed.hex(), "remittance_plain": plain}

    def _with_clearance(self, clearance: Document, currency: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        call = self._session.codec(currency).encode("pay", *arguments)
        request = read(self._session, clearance)
        if (request.digest, request.payer) != (keccak256(call), self._session.wallet):
            raise ClearanceForOther("The clearance is of another payment.", payer=request.payer)
        return (call, *clearance_of(clearance))
