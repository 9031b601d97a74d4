"""How institutions and wallets are brought to the registry, whoever brings them: the bank or a sponsor.

``participants`` and ``sponsors`` say who may; this says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from eth_utils.address import to_checksum_address

from pyjpm.acts import Act
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.documents import Document
from pyjpm.errors.deployment import NotFound, ReferenceConflict
from pyjpm.errors.documents import MalformedDocument
from pyjpm.errors.registry import IdentityAlreadyRegistered
from pyjpm.session import Session
from pyjpm.status import Status

REGISTRY: Final = "ParticipantRegistry"


class Kind(IntEnum):
    """What a participant is."""

    BANK = 1
    CORPORATE = 2
    RETAIL = 3
    SYSTEM = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding(Act):
    """The registration of a participant. ``reference`` is its identity hash."""

    wallet: str

    @classmethod
    def _own(cls, session: Session, content: Mapping[str, Any]) -> dict[str, Any]:
        return {"wallet": content["wallet"]}

    @property
    def participant(self) -> int:
        """The participant's id, once final.

        Raises:
            NotFound: not on the chain yet.
        """
        found: int = self.session.call(REGISTRY, "participantByIdentity", bytes.fromhex(self.reference[2:]))
        if not found:
            raise NotFound("The participant is not on the chain yet.", identity_hash=self.reference)
        return found


@dataclass(frozen=True, slots=True)
class Profile:
    """What onboarding establishes. ``jurisdiction`` ISO 3166-1 numeric, ``kyc_expiry`` the last second in date."""

    kind: Kind
    jurisdiction: int
    kyc_expiry: int
    questionnaire_hash: bytes = bytes(32)
    policy_hash: bytes = bytes(32)
    encryption_key: bytes = bytes(32)


def register(session: Session, label: str, function: str, link: Document, profile: Profile, key: str) -> Onboarding:
    """Sends a registration, or adopts the one that the chain has of this very wallet.

    Args:
        label: kind of the operation in the journal.
        function: of the registry.

    Raises:
        SignatureNotOf, DocumentForElsewhere, MalformedDocument: the link is not usable.
        ReferenceConflict: the identity is registered with another wallet.
    """
    wallet, identity, deadline, signature = link_parts(session, link)
    encoded = {
        "kind": int(profile.kind),
        "jurisdiction": profile.jurisdiction,
        "kycExpiry": profile.kyc_expiry,
        "identityHash": identity,
        "questionnaireHash": profile.questionnaire_hash,
        "policyHash": profile.policy_hash,
        "encryptionKey": profile.encryption_key,
    }
    try:
        submission = session.submit(
            kind=label,
            key=key,
            content={"wallet": wallet, **hexed(encoded)},
            contract=REGISTRY,
            function=function,
            arguments=(encoded, wallet, deadline, signature),
            reference="0x" + identity.hex(),
        )
    except IdentityAlreadyRegistered as error:
        if session.call(REGISTRY, "currentWallet", error.details["participant"]) != wallet:
            raise ReferenceConflict("The identity is registered with another wallet.", **error.details) from error
        return _registered(session, label, wallet, identity)
    return Onboarding.of(session, submission)


def act(session: Session, label: str, function: str, key: str, *arguments: Any, contract: str = REGISTRY) -> Act:
    """Sends one call; its reference is the first argument."""
    submission = session.submit(
        kind=label,
        key=key,
        content={"arguments": [hexed({"": part})[""] for part in arguments]},
        contract=contract,
        function=function,
        arguments=arguments,
        reference=str(arguments[0]),
    )
    return Act.of(session, submission)


def link_parts(session: Session, link: Document) -> tuple[str, bytes, int, bytes]:
    """Wallet, identity hash, deadline and signature of a wallet link that really is the wallet's."""
    link.require("wallet-link", session.record.chain_id, session.address(REGISTRY))
    try:
        wallet = to_checksum_address(link.body["wallet"])
        identity = bytes.fromhex(link.body["identityHash"].removeprefix("0x"))
        deadline = int(link.body["deadline"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedDocument(f"The wallet link is malformed: {error!r}.") from error
    signature = link.signature("wallet")
    message = {"identityHash": identity, "wallet": wallet, "deadline": deadline}
    digest = TypedMessage(session.domain(REGISTRY), "LinkWallet", message).digest
    session.require_signed_by(wallet, digest, signature)
    return wallet, identity, deadline, signature


def hexed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as JSON has them."""
    return {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in values.items()}


def _registered(session: Session, label: str, wallet: str, identity: bytes) -> Onboarding:
    """The onboarding that the chain already has."""
    for event in session.events(REGISTRY, "ParticipantRegistered", None, identity):
        return Onboarding(
            id=event.tx,
            kind=label,
            status=Status.FINAL,
            reference="0x" + identity.hex(),
            tx_hash=event.tx,
            block=event.block,
            session=session,
            wallet=wallet,
        )
    raise NotFound("The identity is not on the chain.", identity_hash="0x" + identity.hex())
