"""What a wallet is asked to send, once it was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import OperationExpired, ReferenceVoided
from pyjpm.errors.sending import IdempotencyConflict
from pyjpm.sending.operation import NEGATIVE, RETRIED, Operation, Submission
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.reference import plain, sha256_of, written
from pyjpm.sending.witness import Verdict


class Request(NamedTuple):
    """An operation that was checked.

    Attributes:
        to: its checksummed recipient.
        said: what it says, in plain values.
        content: the same as canonical JSON.
        sha256: of what it says.
        owner: whose key it is.
        found: what the chain already shows under its name, if that ends it.
        refused: why it is not to be sent; it is stored as what that makes of it.
        doubtful: it would be refused, but nobody may be told so yet: it waits, and is asked about again.
        debits: minor units that it takes off its wallet while it is on its way, by token.
        needs_approval: it waits for somebody's word.
        simulate: it is simulated before it is numbered.
    """

    operation: Operation
    to: str | None
    said: dict[str, Any]
    content: str
    sha256: str
    owner: str
    found: Verdict | None = None
    refused: PyjpmError | None = None
    doubtful: bool = False
    debits: Mapping[str, int] = MappingProxyType({})
    needs_approval: bool = False
    simulate: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing about it was found, refused or doubted: it is to be sent."""
        return self.found is None and self.refused is None and not self.doubtful

    @classmethod
    def of(
        cls, operation: Operation, to: str | None, owner: str, *, needs_approval: bool = False, simulate: bool = False
    ) -> Self:
        """The request for a checked operation. Raises TypeError where its content has no canonical form."""
        said = plain(operation.content)
        content = written(said)
        return cls(
            operation,
            to,
            said,
            content,
            sha256_of(operation.kind, content),
            owner,
            needs_approval=needs_approval,
            simulate=simulate,
        )


@dataclass(frozen=True, slots=True)
class Carrier:
    """One call that does what many requests ask for, all or none: address, calldata, gas limit."""

    to: str
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one wallet is asked to send, in the order of its nonces.

    Attributes:
        carrier: takes all of them on one nonce, if all of them can leave now; None: each on its own.
    """

    wallet: str
    requests: Sequence[Request]
    carrier: Carrier | None = None


_REFUSED: Final[Mapping[type[PyjpmError], State]] = {
    ReferenceConflict: State.CONFLICT,
    ReferenceVoided: State.VOIDED,
    OperationExpired: State.EXPIRED,
}


def first_state(request: Request, now: int) -> State:
    """The state in which it is stored, before any nonce (``now``: unix seconds)."""
    if request.found is not None:
        return State.FINAL
    if request.refused is not None:
        return _REFUSED.get(type(request.refused), State.REJECTED)
    if request.needs_approval:
        return State.RECEIVED
    not_before = request.operation.not_before
    return State.SCHEDULED if not_before is not None and not_before > now else State.APPROVED


def keys_of(batch: Batch) -> list[str]:
    """Each key once, in order. Raises IdempotencyConflict where two requests share a key and do not agree."""
    said: dict[str, str] = {}
    for request in batch.requests:
        if said.setdefault(request.operation.key, request.sha256) != request.sha256:
            raise conflict(request, None)
    return list(said)


def conflict(request: Request, earlier: str | None) -> IdempotencyConflict:
    """That its key says something else already; ``earlier``: the submission that says it, None within one call."""
    operation = request.operation
    return IdempotencyConflict(
        f"The idempotency key {operation.key!r} was used for another request.",
        key=operation.key,
        kind=operation.kind,
        submission=earlier,
    )


def owners_of(batches: Sequence[Batch]) -> set[str]:
    """Whose requests these are."""
    return {request.owner for batch in batches for request in batch.requests}


def fresh_of(batches: Sequence[Batch], known: Sequence[Mapping[str, Submission]]) -> list[Batch]:
    """What is to be done of these: neither what was accepted before, unless it is attempted again, nor twice what is
    asked for twice, by the same owner or over the same wallet. The one call of a batch does all of it or none.

    Raises IdempotencyConflict where one key says two things.
    """
    first: dict[tuple[str, str], Request] = {}
    fresh = []
    for batch, found in zip(batches, known, strict=True):
        requests = []
        for request in batch.requests:
            key = request.operation.key
            earlier = first.setdefault((request.owner, key), request)
            same = (earlier, first.setdefault((batch.wallet, key), request))
            if any(each.sha256 != request.sha256 for each in same):
                raise conflict(request, None)
            before = found.get(key)
            if all(each is request for each in same) and (before is None or before.state in RETRIED):
                requests.append(request)
        if requests:
            carrier = batch.carrier if len(requests) == len(batch.requests) else None
            fresh.append(replace(batch, requests=requests, carrier=carrier))
    return fresh


def refusal_of_all(asked: Sequence[Batch], known: Sequence[Mapping[str, Submission]]) -> PyjpmError | None:
    """The first refusal, unless something that was asked for in the same call happened, or may have."""
    requests = [request for batch in asked for request in batch.requests]
    refusal = next((each.refused for each in requests if each.refused is not None), None)
    happened = any(each.state not in NEGATIVE for found in known for each in found.values())
    return None if happened or any(each.found or each.doubtful for each in requests) else refusal
