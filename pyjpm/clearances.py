"""Clearances: the bank's word that a flagged participant's money may move, over exactly one call or signed word.

The payer asks (``request`` and the like), the bank's screener signs, the payer sends its payment with the signed
document. Payer and bank are two processes; the document travels by any channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pyjpm.acts import Act
from pyjpm.clearance import ClearanceRequest, clearance_of, read, request_call, request_word, ride
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.documents import Document
from pyjpm.errors.clearances import NotYetCleared
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.money import Money
from pyjpm.restrictions import Flags
from pyjpm.sending import payment_reference
from pyjpm.session import Session

_HOUR: Final = 3_600


class Clearances:
    """``platform.clearances``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def now(self) -> int:
        """The chain's time, unix seconds, by which deadlines go."""
        return self._session.now()

    def needed(self, participant: int | None = None) -> bool:
        """Whether the participant (the acting one by default) moves money only with clearances."""
        whose = self._session.participant if participant is None else participant
        return bool(self._session.call("ParticipantRegistry", "participantOf", whose)["flags"] & Flags.CLEARANCE)

    def request(
        self, to: int | str, amount: Money, *, idempotency_key: str, remittance: bytes = b"", valid_for: int = _HOUR
    ) -> Document:
        """Asks for the clearance of ``payments.create`` with the same arguments.

        Args:
            remittance: the bytes that will travel with it (seal a ``Remittance`` first, and pay with those bytes).
            valid_for: seconds of chain time in which it may be used.
        """
        session, currency = self._session, amount.require_positive().currency
        reference = payment_reference(session.participant, idempotency_key)
        return self.request_call(
            currency, "pay", session.wallet_of(to), amount.minor, reference, remittance, valid_for=valid_for
        )

    def request_call(self, currency: str, function: str, *arguments: Any, valid_for: int = _HOUR) -> Document:
        """Asks for the clearance of one call of the acting wallet: pay, payBatch, holdAndCall, requestRedemption or
        registerMandate of the currency's token."""
        session = self._session
        call = session.codec(currency).encode(function, *arguments)
        return request_call(session, currency, call, session.wallet, session.now() + valid_for)

    def request_word(
        self, currency: str, primary_type: str, message: Mapping[str, Any], *, valid_for: int = _HOUR
    ) -> Document:
        """Asks for the clearance of what the acting wallet signs: a Consent, an authorization, a RegisterMandate."""
        session = self._session
        return request_word(session, currency, primary_type, message, session.wallet, session.now() + valid_for)

    def read(self, document: Document) -> ClearanceRequest:
        """What a document asks to be cleared, read from the calldata or structure itself.

        Raises:
            MalformedDocument, DocumentForElsewhere
        """
        return read(self._session, document)

    def sign(self, document: Document) -> Document:
        """The document with the acting screener's clearance. Judges nothing: that comes before."""
        request = self.read(document)
        signature = self._session.sign(request.currency, "Clearance", request.message)
        return document.signed(self._session.wallet, signature)

    def verify(self, document: Document) -> ClearanceRequest:
        """What was cleared, if the document's signature is its signer's.

        Raises:
            NotYetCleared: nobody signed.
            SignatureNotOf: the signature is of another key or content.
        """
        request = self.read(document)
        if not document.signatures:
            raise NotYetCleared("Nobody has cleared this yet.", payer=request.payer)
        screener = next(iter(document.signatures))
        digest = TypedMessage(self._session.domain(request.currency), "Clearance", request.message).digest
        self._session.require_signed_by(screener, digest, document.signature(screener))
        return request

    def ride(self, signature: bytes, document: Document) -> bytes:
        """A signature of the payer with its clearance, as the contracts take it wherever the signature goes."""
        self.verify(document)
        return ride(signature, document)

    def send(self, document: Document, *, idempotency_key: str) -> Act:
        """Makes the cleared call, of another kind than a payment.

        Raises:
            InvalidRequest: it is a payment, which ``payments.create`` makes: under another name no rule of four eyes
                about payments would see it, and nobody could void it. Or it is a signed word, which ``ride`` takes.
            NotYetCleared, SignatureNotOf; MalformedDocument, DocumentForElsewhere
        """
        request = self.verify(document)
        if request.what == "pay" or "call" not in document.body:
            raise InvalidRequest(
                f"What was cleared is no call to be sent by itself: {request.what}.", what=request.what
            )
        call = bytes.fromhex(document.body["call"].removeprefix("0x"))
        submission = self._session.submit(
            kind="clearances.send",
            key=idempotency_key,
            content={"currency": request.currency, "digest": "0x" + request.digest.hex()},
            contract=request.currency,
            function="cleared",
            arguments=(call, *clearance_of(document)),
            reference=None if not request.outflows else request.outflows[0].reference,
        )
        return Act.of(self._session, submission)
