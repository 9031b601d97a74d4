"""What is asked for (Operation) and what is known of it (Submission).

Everything that could keep an operation from ever being mined is refused here, before a nonce is bound to it: a nonce
whose transaction no node takes would block its wallet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from pyjpm.chain.values import check_address
from pyjpm.errors.sending import InvalidIdempotencyKey, InvalidOperation

_KEY_LENGTH: Final = 255
_INITCODE_LENGTH: Final = 49_152  # EIP-3860


@dataclass(frozen=True, slots=True)
class Operation:
    """One state-changing call.

    Attributes:
        key: idempotency key, unique per owner, never expires; 1 to 255 characters.
        kind: what it is, such as ``payments.pay``.
        content: canonical business content: text, integers, booleans, None, lists and mappings of them. Two requests
            with one key are the same request if and only if kind and content are equal.
        to: address called; None for a contract creation.
        data: calldata, or the creation code.
        gas: gas limit; a fixed ceiling of the function, not an estimate.
        reference: what ``Journal.list(reference=)`` filters on.
        owner: whose keys these are, such as ``participant 7``; None: the wallet's own. The same key of the same owner
            is the same operation, whichever of its wallets sends it.
        sealed: its remittance was encrypted, with other bytes each time: a payment that differs by their hash only is
            the same.
        not_before, not_after: unix seconds between which it may be signed; None is no bound.
    """

    key: str
    kind: str
    content: Mapping[str, Any]
    to: str | None
    data: bytes
    gas: int
    reference: str | None = None
    owner: str | None = None
    sealed: bool = False
    not_before: int | None = None
    not_after: int | None = None

    def checked_to(self, block_gas_limit: int) -> str | None:
        """The checksummed recipient of an operation that can be mined.

        Raises InvalidIdempotencyKey, InvalidOperation, InvalidAddress.
        """
        if not isinstance(self.key, str) or not 1 <= len(self.key) <= _KEY_LENGTH or not _encodable(self.key):
            raise InvalidIdempotencyKey(f"{self.key!r} is not an idempotency key.", kind=self.kind)
        if not self.kind:
            raise self._invalid("kind", "has no kind")
        if self.to is None and len(self.data) > _INITCODE_LENGTH:
            raise self._invalid("data", f"creates a contract by more than {_INITCODE_LENGTH} bytes")
        least = intrinsic_gas(self.to, self.data)
        if not least <= self.gas <= block_gas_limit:
            raise self._invalid(
                "gas",
                f"has a gas limit of {self.gas}; it must be {least} (its calldata) to {block_gas_limit} (a block)",
            )
        return None if self.to is None else check_address(self.to)

    def _invalid(self, member: str, problem: str) -> InvalidOperation:
        return InvalidOperation(f"Operation {self.key!r} {problem}.", key=self.key, kind=self.kind, field=member)


def intrinsic_gas(to: str | None, data: bytes) -> int:
    """Gas that a transaction costs before it runs (cancun rules): below it nodes refuse the bytes."""
    zeros = data.count(0)
    gas = 21_000 + 4 * zeros + 16 * (len(data) - zeros)
    return gas if to is not None else gas + 32_000 + 2 * ((len(data) + 31) // 32)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class SubmissionState(StrEnum):
    """How far a submission is. FINAL, SUPERSEDED and the negative ones are answers; all before mean unknown."""

    RECEIVED = "RECEIVED"
    """Stored; waits for its approval, or for a nonce."""
    SCHEDULED = "SCHEDULED"
    """Stored; its value date has not come."""
    APPROVED = "APPROVED"
    """Approved by whom the policy asks; waits for a nonce."""
    RESERVED = "RESERVED"
    """A nonce is bound to it, not signed yet."""
    SIGNED = "SIGNED"
    """Its bytes are stored; no node has taken them yet, as far as we know."""
    BROADCAST = "BROADCAST"
    """A node said that it has the bytes, which proves nothing."""
    QUARANTINED = "QUARANTINED"
    """Somebody else used its nonce and its reference is unspent: ends only by a final void, or proof of payment."""
    VOIDING = "VOIDING"
    """Its reference is being voided; until that is final it may still be paid."""
    DOUBTED = "DOUBTED"
    """It had failed, by a database that turned out to be older than the world: the chain is asked again."""
    FINAL = "FINAL"
    """Mined, with its effect; or found on the chain as it was asked for."""
    SUPERSEDED = "SUPERSEDED"
    """Mined without its effect: what it said was out of date by then."""
    REVERTED = "REVERTED"
    """Mined and refused by the contract; may be submitted again under the same key."""
    REJECTED = "REJECTED"
    """Refused before it was mined, for good; may be submitted again under the same key."""
    EXPIRED = "EXPIRED"
    """Its last day passed before it was signed."""
    CANCELLED = "CANCELLED"
    """Withdrawn before it was signed."""
    VOIDED = "VOIDED"
    """Its reference was voided: nothing is ever paid under it."""
    CONFLICT = "CONFLICT"
    """The chain holds other content under its reference; the key is free for that content."""


WAITING: Final = (SubmissionState.RECEIVED, SubmissionState.SCHEDULED, SubmissionState.APPROVED)
"""Accepted, no nonce yet."""

LIVING: Final = (SubmissionState.RESERVED, SubmissionState.SIGNED, SubmissionState.BROADCAST)
"""A nonce is bound to it."""

UNSETTLED: Final = (SubmissionState.QUARANTINED, SubmissionState.VOIDING, SubmissionState.DOUBTED)
"""No transaction of ours can end it any more: only the contract's own word."""

OPEN: Final = (*WAITING, *LIVING, *UNSETTLED)
"""Without an answer."""

RETRIED: Final = (SubmissionState.REVERTED, SubmissionState.REJECTED)
"""Attempted again when they are submitted again."""

NEGATIVE: Final = (*RETRIED, SubmissionState.EXPIRED, SubmissionState.CANCELLED, SubmissionState.VOIDED)
"""It did not happen: whoever is told so may pay in another way."""


class AttemptKind(StrEnum):
    """What a transaction of ours is for."""

    CALL = "call"
    """What was asked for."""
    CANCEL = "cancel"
    """A self-transfer of nothing, that uses up a nonce."""


class AttemptState(StrEnum):
    """How far one transaction is."""

    RESERVED = "RESERVED"
    SIGNED = "SIGNED"
    BROADCAST = "BROADCAST"
    FINAL = "FINAL"
    REVERTED = "REVERTED"
    DEAD = "DEAD"
    """Never signed, or another transaction used its nonce: it cannot be mined any more."""


ALIVE: Final = (AttemptState.RESERVED, AttemptState.SIGNED, AttemptState.BROADCAST)


@dataclass(frozen=True, slots=True)
class Submission:
    """What the journal knows of an operation.

    Attributes:
        id: made at acceptance, of no meaning.
        wallet: checksummed address that signs.
        owner: whose key it is.
        key: of the operation; None where the chain holds other content under its reference (CONFLICT).
        kind, content, request_sha256, reference: of the operation.
        state: see SubmissionState.
        nonce: of the newest attempt; None before the first.
        tx_hash: 0x-hex, of the newest attempt once signed, or of the transaction that brought it about.
        block_number, gas_used, contract_address: once mined; ``gas_used`` is None where it was seen with many others,
            by what its block's events tell and not by its receipt.
        created_at: seconds since 1970 (UTC) by this machine's clock.
        not_before: unix seconds before which it is not signed.
        error: why it reverted, was rejected or waits for somebody (``PyjpmError.to_dict``); None otherwise.
    """

    id: str
    wallet: str
    owner: str
    key: str | None
    kind: str
    content: dict[str, Any] = field(repr=False)
    request_sha256: str = field(repr=False)
    reference: str | None
    state: SubmissionState
    nonce: int | None
    tx_hash: str | None
    block_number: int | None
    gas_used: int | None
    contract_address: str | None
    created_at: int
    not_before: int | None
    error: dict[str, Any] | None

    @property
    def is_pending(self) -> bool:
        """Whether its outcome is still unknown."""
        return self.state in OPEN

    def to_dict(self) -> dict[str, Any]:
        """All attributes as JSON-able data."""
        return {**asdict(self), "state": self.state.value}
