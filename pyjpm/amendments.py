"""Orders that change, and money back after it was released.

One party proposes new terms in the place of an order's, the other countersigns, anyone carries it out with both
signatures. Where the buyer signs, its consents to what the new amounts lack ride along. What is held goes over by index
(see the contract's IOrderAmendments); nothing is paid out and in again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from pyjpm.acts import Act
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.documents import Document, whole_number
from pyjpm.errors.documents import DocumentsDiffer, MalformedDocument
from pyjpm.errors.escrow import NotParty
from pyjpm.escrow import BUYER, SELLER, Escrow
from pyjpm.money import Money
from pyjpm.order import Order, OrderState
from pyjpm.session import Session, reference_hash
from pyjpm.terms import Mode, OrderTerms, hold_reference

_WEEK = 7 * 86_400
_ENDED = frozenset({OrderState.RELEASED, OrderState.REFUNDED, OrderState.CANCELLED, OrderState.AMENDED})


class Amendments:
    """``platform.amendments``. Safe among threads."""

    def __init__(self, session: Session, escrow: Escrow) -> None:
        self._session = session
        self._escrow = escrow

    # --- amending ---

    def propose(self, document: Document, *, valid_for: int = _WEEK, **changes: Any) -> Document:
        """The acting party's word to put new terms in the place of an order's.

        Args:
            document: the order as it is.
            valid_for: seconds from now (chain time) in which the amendment may be carried out.
            changes: members of :class:`pyjpm.terms.OrderTerms` that become others; buyer, seller and token stay.

        Raises:
            NotParty: the acting wallet is neither buyer's nor seller's current one.
        """
        session, old = self._session, self._terms(document)
        deadline = session.now() + valid_for
        new = dataclasses.replace(old, **{"open_by": deadline, **changes})
        body = {"previous": "0x" + old.id.hex(), "deadline": deadline, "terms": new.to_body()}
        amendment = Document("amendment", session.record.chain_id, session.address("OrderEscrow"), body)
        return self._sign(document, amendment)

    def countersign(self, document: Document, amendment: Document) -> Document:
        """The amendment with the acting party's signature too, once what the other side signed has been checked.

        Raises:
            DocumentsDiffer: it is about another order.
            NotParty, SignatureNotOf, MalformedDocument, DocumentForElsewhere
        """
        self._check(document, amendment)
        return self._sign(document, amendment)

    def carry_out(self, document: Document, amendment: Document, *, idempotency_key: str) -> Order:
        """Ends the old order and opens the new one, in one transaction; anyone may, with both signatures.

        Returns:
            The new order; its ``document`` is what later calls take.

        Raises:
            NotAmendable: a milestone is accepted, due, disputed or decided, or part of it is owed.
            WrongConsents: the buyer did not consent to what the new amounts lack.
            SignatureMissing: a party has not signed.
        """
        session = self._session
        self._check(document, amendment)
        old, new = self._terms(document), self._new_terms(amendment)
        signatures = [self._signature(amendment, role, wallet) for role, wallet in self._parties(old)]
        arguments = (
            old.to_message(),
            new.to_message(),
            amendment.body["deadline"],
            *signatures,
            self._consents(amendment),
        )
        submission = session.submit(
            kind="amendments.carry_out",
            key=idempotency_key,
            content={"previous": "0x" + old.id.hex(), "next": "0x" + new.id.hex()},
            contract="OrderEscrow",
            function="amend",
            arguments=arguments,
            reference="0x" + new.id.hex(),
        )
        return self._escrow.accepted(self.order_of(amendment), Act.of(session, submission))

    def order_of(self, amendment: Document) -> Document:
        """The document of the new order; it opens by the amendment alone, so it carries no signatures."""
        terms = self._new_terms(amendment)
        return Document("order", amendment.chain_id, amendment.contract, terms.to_body())

    # --- credit notes ---

    def credit(
        self, document: Document, milestone: int, amount: Money, *, credit_note: str | bytes, idempotency_key: str
    ) -> Order:
        """The acting seller pays back of what was released, to the wallet that paid; each credit note once.

        Args:
            credit_note: its number, text (hashed) or 32 bytes.

        Raises:
            WrongCredit: more than was released less what was paid back before, or nothing.
            CreditNoteUsed: that note was paid.
            Refused: the token's rules refuse the payment.
        """
        session, terms, note = self._session, self._terms(document), reference_hash(credit_note)
        consent = {
            "payer": session.wallet,
            "notary": session.address("OrderEscrow"),
            "amount": amount.require_positive().minor,
            "ref": session.call("OrderEscrow", "creditReference", terms.id, milestone, note),
            "nonce": session.next_nonce(),
            "deadline": session.now() + _WEEK,
        }
        signed = session.sign(session.record.currency_of(terms.token), "Consent", consent)
        parts = {name: consent[name] for name in ("payer", "nonce", "deadline")} | {"signature": signed}
        submission = session.submit(
            kind="amendments.credit",
            key=idempotency_key,
            content={"order": "0x" + terms.id.hex(), "milestone": milestone, "note": "0x" + note.hex()}
            | {"amount": str(amount.minor)},
            contract="OrderEscrow",
            function="refundReleased",
            arguments=(terms.to_message(), milestone, amount.minor, note, parts),
            reference="0x" + note.hex(),
        )
        return self._escrow.accepted(document, Act.of(session, submission))

    def credited(self, document: Document, milestone: int = 0) -> Money:
        """What was paid back of a milestone after its release."""
        terms = self._terms(document)
        minor = self._session.call("OrderEscrow", "creditedOf", terms.id, milestone)
        return self._session.money(minor, terms.token)

    # --- inside ---

    def _terms(self, document: Document) -> OrderTerms:
        session = self._session
        document.require("order", session.record.chain_id, session.address("OrderEscrow"))
        return OrderTerms.from_body(document.body)

    def _new_terms(self, amendment: Document) -> OrderTerms:
        session = self._session
        amendment.require("amendment", session.record.chain_id, session.address("OrderEscrow"))
        body = amendment.body.get("terms")
        if not isinstance(body, Mapping):
            raise MalformedDocument("The amendment has no terms.")
        return OrderTerms.from_body(body)

    def _parties(self, terms: OrderTerms) -> Iterator[tuple[str, str]]:
        wallets = self._session.call("ParticipantRegistry", "currentWallets", terms.buyer, terms.seller)
        return zip((BUYER, SELLER), wallets, strict=True)

    def _message(self, amendment: Document) -> dict[str, Any]:
        try:
            previous, deadline = bytes.fromhex(amendment.body["previous"][2:]), amendment.body["deadline"]
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedDocument(f"The amendment is malformed: {error!r}.") from error
        if len(previous) != 32 or not isinstance(deadline, int):
            raise MalformedDocument("The amendment names no order, or no time.")
        return {"previous": previous, "next": self._new_terms(amendment).id, "deadline": deadline}

    def _check(self, document: Document, amendment: Document) -> None:
        terms, message = self._terms(document), self._message(amendment)
        if message["previous"] != terms.id:
            raise DocumentsDiffer("The amendment is about another order.", order_id="0x" + message["previous"].hex())
        digest = TypedMessage(self._session.domain("OrderEscrow"), "Amendment", message).digest
        for role, wallet in self._parties(terms):
            if role in amendment.signatures:
                self._session.require_signed_by(wallet, digest, amendment.signature(role))

    def _sign(self, document: Document, amendment: Document) -> Document:
        session, terms = self._session, self._terms(document)
        role = next((role for role, wallet in self._parties(terms) if wallet == session.wallet), None)
        if role is None:
            raise NotParty.from_arguments({"orderId": "0x" + terms.id.hex(), "caller": session.wallet})
        signature = session.sign("OrderEscrow", "Amendment", self._message(amendment))
        signed = amendment.signed(role, signature)
        return signed.attached(BUYER, self._lacking(document, amendment)) if role == BUYER else signed

    def _signature(self, amendment: Document, role: str, wallet: str) -> bytes:
        """Empty for the acting party that has not signed: its call is its word."""
        own = role not in amendment.signatures and wallet == self._session.wallet
        return b"" if own else amendment.signature(role)

    def _lacking(self, document: Document, amendment: Document) -> list[dict[str, Any]]:
        """The buyer's consents to what the new amounts lack, in the order of the milestones."""
        session, old, new = self._session, self._terms(document), self._new_terms(amendment)
        found = []
        for index, (was, seen) in enumerate(zip(old.milestones, self._escrow.get(document).milestones, strict=True)):
            then = new.milestones[index] if index < len(new.milestones) else None
            if then is None or seen.state in _ENDED or not seen.held.minor or then.mode is not Mode.PREFUND:
                continue
            if any((part.payer or old.buyer) != old.buyer for part in (was, then)) or then.amount <= seen.held.minor:
                continue
            consent = {
                "payer": session.wallet,
                "notary": session.address("OrderEscrow"),
                "amount": then.amount - seen.held.minor,
                "ref": hold_reference(new.id, index),
                "nonce": session.next_nonce(),
                "deadline": amendment.body["deadline"],
            }
            signature = session.sign(session.record.currency_of(new.token), "Consent", consent)
            found.append(
                {
                    "payer": session.wallet,
                    "nonce": str(consent["nonce"]),
                    "deadline": consent["deadline"],
                    "signature": "0x" + signature.hex(),
                }
            )
        return found

    def _consents(self, amendment: Document) -> list[dict[str, Any]]:
        try:
            return [
                {
                    "payer": part["payer"],
                    "nonce": whole_number(part["nonce"]),
                    "deadline": part["deadline"],
                    "signature": bytes.fromhex(part["signature"][2:]),
                }
                for part in amendment.attachments.get(BUYER, [])
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedDocument(f"A consent in the amendment is malformed: {error!r}.") from error
