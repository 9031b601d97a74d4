"""Participants: the institutions that the bank has admitted, their wallets, limits and stops.

Nothing personal goes on chain: an identity is a salted hash that only the bank and the institution can recompute.
Stopping acts bite in the same block. Loosening ones need the delayed roles; where a delay is set, schedule the act
first (``platform.governance.schedule``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.acts import Act
from pyjpm.contracts.eip712 import struct_hash
from pyjpm.documents import Document
from pyjpm.errors.deployment import NotFound
from pyjpm.money import Money
from pyjpm.registration import Kind as Kind
from pyjpm.registration import Onboarding as Onboarding
from pyjpm.registration import Profile, act, link_parts, register
from pyjpm.restrictions import Flags
from pyjpm.session import Session, reference_hash

STATES = ("NONE", "ACTIVE", "SUSPENDED", "CLOSED")


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant as the registry has it. ``kyc_expiry`` in unix seconds, ``jurisdiction`` ISO 3166-1 numeric.

    ``status`` and ``frozen`` are what the bank and compliance decided; ``flags`` say whether its sponsor (0: none)
    suspended it.
    """

    id: int
    kind: Kind
    status: str
    frozen: bool
    jurisdiction: int
    kyc_expiry: int
    wallet: str
    identity_hash: str
    encryption_key: str
    sponsor: int
    flags: Flags

    def to_dict(self) -> dict[str, Any]:
        """The participant as JSON-able data."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "kind": self.kind.name,
            "flags": [flag.name for flag in self.flags],
        }


def identity_hash(identifiers: Mapping[str, str], salt: bytes) -> bytes:
    """The salted hash under which an institution is registered, 32 bytes.

    Args:
        identifiers: outside identifiers, such as ``{"lei": "…", "bic": "…"}``.
        salt: at least 16 random bytes, kept by the bank and told to the institution.
    """
    if len(salt) < 16:
        raise ValueError("The salt needs at least 16 bytes.")
    return keccak(salt + json.dumps(dict(identifiers), sort_keys=True, separators=(",", ":")).encode())


class Participants:
    """``platform.participants``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- onboarding ---

    def wallet_link(self, identity: bytes, *, valid_for: int = 7 * 86_400) -> Document:
        """The acting wallet's own word that it belongs to an identity: what the bank needs to onboard or link it.

        Args:
            identity: see :func:`identity_hash`.
            valid_for: seconds of chain time.
        """
        session = self._session
        message = {"identityHash": identity, "wallet": session.wallet, "deadline": session.now() + valid_for}
        signature = session.sign("ParticipantRegistry", "LinkWallet", message)
        body = {**message, "identityHash": "0x" + identity.hex()}
        document = Document("wallet-link", session.record.chain_id, session.address("ParticipantRegistry"), body)
        return document.signed("wallet", signature)

    def onboard(
        self,
        link: Document,
        *,
        kind: Kind,
        jurisdiction: int,
        kyc_expiry: int,
        idempotency_key: str,
        questionnaire_hash: bytes = bytes(32),
        policy_hash: bytes = bytes(32),
        encryption_key: bytes = bytes(32),
    ) -> Onboarding:
        """Admits an institution with its first wallet (onboarder role). Daily limits start at zero, which denies.

        Args:
            link: from the institution's :meth:`wallet_link`.
            jurisdiction: ISO 3166-1 numeric.
            kyc_expiry: last second in date, unix seconds.

        Raises:
            SignatureNotOf, DocumentForElsewhere, MalformedDocument: the link is not usable.
            IdentityAlreadyRegistered is adopted if it is this very wallet, else ReferenceConflict.
        """
        profile = Profile(kind, jurisdiction, kyc_expiry, questionnaire_hash, policy_hash, encryption_key)
        return register(self._session, "participants.onboard", "register", link, profile, idempotency_key)

    def link_wallet(self, participant: int, link: Document, *, idempotency_key: str) -> Act:
        """Links a further wallet, by its own :meth:`wallet_link` (onboarder role)."""
        wallet, _, deadline, signature = link_parts(self._session, link)
        return self._act("linkWallet", idempotency_key, participant, wallet, deadline, signature)

    def unlink_wallet(self, wallet: str, *, idempotency_key: str) -> Act:
        """Retires a wallet that is not the current one (onboarder role)."""
        return self._act("unlinkWallet", idempotency_key, to_checksum_address(wallet))

    def renew_kyc(
        self, participant: int, *, kyc_expiry: int, idempotency_key: str, questionnaire_hash: bytes = bytes(32)
    ) -> Act:
        """A new KYC term, unix seconds (onboarder role)."""
        return self._act("renewKyc", idempotency_key, participant, kyc_expiry, questionnaire_hash)

    def set_daily_limit(self, participant: int, limit: Money, *, idempotency_key: str) -> Act:
        """What the participant may move a UTC day in this currency (limiter role, delayed); zero denies."""
        return self._limit("setDailyLimit", participant, limit, idempotency_key)

    def decrease_daily_limit(self, participant: int, limit: Money, *, idempotency_key: str) -> Act:
        """Lowers a limit at once (compliance role)."""
        return self._limit("decreaseDailyLimit", participant, limit, idempotency_key)

    def daily_limit(self, participant: int, *, currency: str) -> tuple[Money, Money]:
        """The limit and what is spent of it today (UTC, chain time)."""
        limit, spent = self._session.call(currency, "dailyLimit", participant)
        return Money.from_minor(limit, currency), Money.from_minor(spent, currency)

    def close(self, participant: int, *, idempotency_key: str) -> Act:
        """Ends a participant for good (onboarder role)."""
        return self._act("close", idempotency_key, participant)

    # --- the participant itself ---

    def wallet_change(self, to: str, *, valid_for: int = 7 * 86_400) -> Document:
        """The current wallet's word that another linked wallet of the participant takes over."""
        session = self._session
        message = {
            "participant": session.participant,
            "from": session.wallet,
            "to": to_checksum_address(to),
            "nonce": session.call("ParticipantRegistry", "participantOf", session.participant)["nonce"],
            "deadline": session.now() + valid_for,
        }
        signature = session.sign("ParticipantRegistry", "ChangeCurrentWallet", message)
        address = session.address("ParticipantRegistry")
        return Document("wallet-change", session.record.chain_id, address, message).signed("wallet", signature)

    def change_wallet(self, change: Document, *, idempotency_key: str) -> Act:
        """Carries a :meth:`wallet_change` out; anyone may. Raises MalformedDocument, DocumentForElsewhere."""
        session = self._session
        change.require("wallet-change", session.record.chain_id, session.address("ParticipantRegistry"))
        body = change.body
        struct_hash("ChangeCurrentWallet", body)  # every member is there, and of its type
        return self._act(
            "changeCurrentWallet",
            idempotency_key,
            body["participant"],
            body["to"],
            body["deadline"],
            change.signature("wallet"),
        )

    # --- stopping and loosening ---

    def freeze(self, participant: int, *, order: str | bytes, idempotency_key: str) -> Act:
        """Stops a participant at once (compliance role). ``order``: the compliance order, text or its 32-byte hash."""
        return self._act("freeze", idempotency_key, participant, reference_hash(order))

    def unfreeze(self, participant: int, *, order: str | bytes, idempotency_key: str) -> Act:
        """Lifts a freeze (resolution role, delayed)."""
        return self._act("unfreeze", idempotency_key, participant, reference_hash(order))

    def suspend(self, participant: int, *, reason: str | bytes, idempotency_key: str) -> Act:
        """Suspends a participant at once (compliance role)."""
        return self._act("suspend", idempotency_key, participant, reference_hash(reason))

    def reinstate(self, participant: int, *, reason: str | bytes, idempotency_key: str) -> Act:
        """Lifts a suspension (resolution role, delayed)."""
        return self._act("reinstate", idempotency_key, participant, reference_hash(reason))

    def suspend_wallet(self, wallet: str, *, reason: str | bytes, idempotency_key: str) -> Act:
        """Stops one wallet at once (compliance role)."""
        return self._act("suspendWallet", idempotency_key, to_checksum_address(wallet), reference_hash(reason))

    def reinstate_wallet(self, wallet: str, *, reason: str | bytes, idempotency_key: str) -> Act:
        """Lifts a wallet's suspension (resolution role, delayed)."""
        return self._act("reinstateWallet", idempotency_key, to_checksum_address(wallet), reference_hash(reason))

    def recover_wallet(self, lost: str, successor: str, *, order: str | bytes, idempotency_key: str) -> Act:
        """Declares a wallet lost and moves all it has, holds included, to a linked wallet of the same participant
        (resolution role, delayed)."""
        wallets = (to_checksum_address(lost), to_checksum_address(successor))
        return self._act("recoverWallet", idempotency_key, *wallets, reference_hash(order))

    # --- reading ---

    def get(self, who: int | str) -> Participant:
        """A participant by id, or by one of its wallets.

        Raises:
            NotFound: there is none.
        """
        session = self._session
        participant = session.participant_of(who) if isinstance(who, str) else who
        if not 0 < participant <= session.call("ParticipantRegistry", "participantCount"):
            raise NotFound(f"There is no participant {who}.", participant=who)
        return self._read(participant)

    def list(self, *, status: str | None = None) -> Iterator[Participant]:
        """All participants in order of admission; pages itself. ``status`` as in :data:`STATES`."""
        participant = 0
        while participant < self._session.call("ParticipantRegistry", "participantCount"):
            participant += 1
            found = self._read(participant)
            if status is None or found.status == status:
                yield found

    def _read(self, participant: int) -> Participant:
        found = self._session.call("ParticipantRegistry", "participantOf", participant)
        return Participant(
            id=participant,
            kind=Kind(found["kind"]),
            status=STATES[found["status"]],
            frozen=found["frozen"],
            jurisdiction=found["jurisdiction"],
            kyc_expiry=found["kycExpiry"],
            wallet=found["wallet"],
            identity_hash="0x" + found["identityHash"].hex(),
            encryption_key="0x" + found["encryptionKey"].hex(),
            sponsor=found["sponsor"],
            flags=Flags(found["flags"]),
        )

    def _limit(self, function: str, participant: int, limit: Money, key: str) -> Act:
        submission = self._session.submit(
            kind=f"participants.{function}",
            key=key,
            content={"participant": participant, "limit": limit.minor, "currency": limit.currency},
            contract=limit.currency,
            function=function,
            arguments=(participant, limit.minor),
            reference=str(participant),
        )
        return Act.of(self._session, submission)

    def _act(self, function: str, key: str, *arguments: Any) -> Act:
        return act(self._session, f"participants.{function}", function, key, *arguments)
