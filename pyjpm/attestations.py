"""Attestations: what M of the order's attesters sign about one milestone, and how their documents come together.

An attester signs in its own process with its own key. ``seq`` is the source's own revision or timestamp, never a
counter of ours; a status with a higher seq outdates the lower ones whatever the order of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_utils.address import to_checksum_address

from pyjpm.acts import Act
from pyjpm.contracts.eip712 import TypedMessage, struct_hash
from pyjpm.documents import Document, whole_number
from pyjpm.errors.documents import DocumentsDiffer, MalformedDocument
from pyjpm.session import Session
from pyjpm.terms import OrderTerms

CONTENT = ("orderId", "milestone", "seq", "status", "accepted", "complete", "attestedAt", "documentHash")
"""What an attestation says, apart from who signs it until when: two of one seq must agree in this."""

_MEMBERS = (*CONTENT, "setEpoch", "deadline")


class Attestations:
    """``platform.attestations``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- attester sets ---

    def create_set(self, attesters: Sequence[str], *, minimum: int, idempotency_key: str) -> Act:
        """Creates an attester set that the acting wallet's participant administers.

        Args:
            attesters: addresses of the attesters' keys.
            minimum: the set's fixed minimum size, and the most signatures that terms may ask for.
        """
        ordered = sorted((to_checksum_address(attester) for attester in attesters), key=lambda text: text.lower())
        return self._act("createSet", idempotency_key, minimum, ordered)

    def set_of(self, created: Act) -> int:
        """The id of the set that a final :meth:`create_set` made."""
        for event in self._session.events("AttesterSets", "AttesterSetCreated"):
            if event.tx == created.tx_hash:
                return int(event.arguments["setId"])
        raise DocumentsDiffer("That act created no attester set, or is not final.", id=created.id)

    def announce_attester(self, set_id: int, attester: str, *, idempotency_key: str) -> Act:
        """Announces a new attester, who may be added seven days later (the set's administrator)."""
        return self._act("announceAttester", idempotency_key, set_id, to_checksum_address(attester))

    def add_attester(self, set_id: int, attester: str, *, idempotency_key: str) -> Act:
        """Adds an announced attester after its seven days; anyone may. Starts a new epoch."""
        return self._act("addAttester", idempotency_key, set_id, to_checksum_address(attester))

    def remove_attester(self, set_id: int, attester: str, *, idempotency_key: str) -> Act:
        """Revokes a key at once and for good (the set's administrator). Starts a new epoch."""
        return self._act("removeAttester", idempotency_key, set_id, to_checksum_address(attester))

    def epoch(self, set_id: int) -> int:
        """The set's current epoch."""
        return int(self._session.call("AttesterSets", "attesterSet", set_id)["epoch"])

    # --- signing and collecting ---

    def sign(
        self,
        order: Document,
        milestone: int,
        *,
        status: int,
        seq: int,
        at: int,
        accepted: int = 0,
        complete: bool = False,
        document_hash: bytes = bytes(32),
        valid_for: int = 7 * 86_400,
        deadline: int | None = None,
        set_epoch: int | None = None,
    ) -> Document:
        """The acting key's attestation.

        Args:
            order: the order's document.
            status: 1..255 as the terms number them.
            seq: the source's revision or timestamp, 1 to below 2^48.
            at: when the status was reached, unix seconds.
            accepted: partial deliveries: cumulative minor units.
            complete: partial deliveries: nothing more will come.
            valid_for: seconds of chain time, where no ``deadline`` (unix seconds) is given. Attesters whose documents
                are to be collected give the same deadline.
            set_epoch: of the order's attester set, for who has read it just now; it is read where it is not given.
        """
        session = self._session
        terms = self._terms(order)
        message = {
            "orderId": terms.id,
            "milestone": milestone,
            "seq": seq,
            "status": status,
            "accepted": accepted,
            "complete": complete,
            "attestedAt": at,
            "documentHash": document_hash,
            "setEpoch": self.epoch(terms.attester_set) if set_epoch is None else set_epoch,
            "deadline": session.now() + valid_for if deadline is None else deadline,
        }
        signature = session.sign("OrderEscrow", "Attestation", message)
        body = {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in message.items()}
        body["accepted"] = str(accepted)
        document = Document("attestation", session.record.chain_id, session.address("OrderEscrow"), body)
        return document.signed(session.wallet, signature)

    def collect(self, documents: Sequence[Document]) -> Document:
        """One document with the signatures of all, each checked.

        Raises:
            DocumentsDiffer: they do not attest the same content with the same deadline.
            SignatureNotOf: a signature is not its signer's.
        """
        if not documents:
            raise DocumentsDiffer("There is nothing to collect.")
        collected = documents[0]
        message = self._message(collected)
        digest = TypedMessage(self._session.domain("OrderEscrow"), "Attestation", message).digest
        for document in documents:
            if self._message(document) != message:
                raise DocumentsDiffer("The documents attest different things.", bodies=[dict(document.body)])
            for signer in document.signatures:
                self._session.require_signed_by(signer, digest, document.signature(signer))
                collected = collected.signed(signer, document.signature(signer))
        return collected

    def call_arguments(self, order: Document, attestation: Document) -> tuple[Any, ...]:
        """What the escrow's attest functions take: terms, attestation, signatures ascending by signer.

        Raises:
            MalformedDocument, DocumentForElsewhere: of either document.
        """
        terms, message = self._terms(order).to_message(), self._message(attestation)
        return terms, message, attestation.packed_signatures()

    def _terms(self, order: Document) -> OrderTerms:
        session = self._session
        order.require("order", session.record.chain_id, session.address("OrderEscrow"))
        return OrderTerms.from_body(order.body)

    def _message(self, document: Document) -> dict[str, Any]:
        session = self._session
        document.require("attestation", session.record.chain_id, session.address("OrderEscrow"))
        return attestation_message(document.body)

    def _act(self, function: str, key: str, *arguments: Any) -> Act:
        submission = self._session.submit(
            kind=f"attestations.{function}",
            key=key,
            content={"arguments": list(arguments)},
            contract="AttesterSets",
            function=function,
            arguments=arguments,
        )
        return Act.of(self._session, submission)


def attestation_message(body: Mapping[str, Any]) -> dict[str, Any]:
    """The Solidity ``Attestation`` of a document body.

    Raises:
        MalformedDocument: members are missing, unknown or of the wrong form.
    """
    if set(body) != set(_MEMBERS):
        raise MalformedDocument("The attestation has missing or unknown members.", members=sorted(body))
    try:
        message = {
            **body,
            "orderId": bytes.fromhex(body["orderId"][2:]),
            "documentHash": bytes.fromhex(body["documentHash"][2:]),
            "accepted": whole_number(body["accepted"]),
        }
        struct_hash("Attestation", message)  # every member is of its type
        return message
    except (TypeError, ValueError) as error:
        raise MalformedDocument(f"The attestation is malformed: {error!r}.") from error
