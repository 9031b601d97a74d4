"""What the chain itself says about an operation: has its effect happened, whoever sent it?

Decisions that govern this module:

* A receipt tells what became of a transaction, a witness tells what became of the *operation*: it is read from the
  contract's own lock (a spent reference, an id, an index), so that it also knows what lost bytes did.
* A witness never guesses. What it cannot read is UNKNOWN, and nothing is concluded from that.
* Sending knows no contract: who knows them gives a Witness to the Sender.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from pyjpm.chain.connection import Connection
from pyjpm.chain.values import Log


class Effect(StrEnum):
    """What a witness found."""

    APPLIED = "APPLIED"
    """The effect is there, with exactly this operation's content."""
    ABSENT = "ABSENT"
    """The effect is not there, and may still come."""
    CONFLICT = "CONFLICT"
    """Something else is there under the operation's name: this operation can never happen."""
    VOIDED = "VOIDED"
    """Its name was voided: this operation can never happen."""
    UNKNOWN = "UNKNOWN"
    """It could not be read, or has no name on the chain."""


class Call(NamedTuple):
    """One operation as it stands on the chain's side.

    Attributes:
        wallet: who sends it, checksummed.
        to: address called; None for a contract creation.
        data: calldata, or creation code.
        kind: the operation's, such as ``payments.pay``.
    """

    wallet: str
    to: str | None
    data: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a witness says.

    Attributes:
        effect: see Effect.
        tx_hash: the transaction that brought the effect about, where that was found.
        block: its block's height, where that was found.
        detail: for people and logs: what was found under the name.
    """

    effect: Effect
    tx_hash: str | None = None
    block: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


class Witness(Protocol):
    """Reads from the chain what became of operations."""

    def read(self, calls: Sequence[Call], *, connection: Connection, at: int) -> list[Verdict]:
        """One verdict for each call, at the end of block ``at``, in few requests. Raises transport faults only."""
        ...

    def has_effect(self, call: Call, logs: Sequence[Log]) -> bool:
        """Whether the events of a successful receipt hold the call's own effect."""
        ...

    def topics(self, calls: Sequence[Call]) -> Sequence[bytes]:
        """The first topics of the events that ``has_effect`` looks for, over all these calls; none: it may be any."""
        ...

    def is_named(self, call: Call) -> bool:
        """Whether the chain keeps the operation's name, so that APPLIED before it was sent means: done already."""
        ...

    def references(self, call: Call) -> frozenset[bytes]:
        """The names that the contracts spend by this call (32 bytes each); none for calls that spend none."""
        ...


def is_absent(witness: Witness, call: Call, verdict: Verdict) -> bool:
    """Whether a call's effect is known not to be there. What has no name on the chain has nothing but its receipt."""
    return verdict.effect is Effect.ABSENT or (verdict.effect is Effect.UNKNOWN and not witness.is_named(call))


class NoWitness:
    """For calls to contracts that nobody described: a successful receipt is their effect, and nothing else is known."""

    def read(self, calls: Sequence[Call], *, connection: Connection, at: int) -> list[Verdict]:
        """UNKNOWN for each."""
        return [Verdict(Effect.UNKNOWN) for _ in calls]

    def has_effect(self, call: Call, logs: Sequence[Log]) -> bool:
        """True: success is all there is to see."""
        return True

    def topics(self, calls: Sequence[Call]) -> Sequence[bytes]:
        """None: any event says that it succeeded."""
        return ()

    def is_named(self, call: Call) -> bool:
        """False."""
        return False

    def references(self, call: Call) -> frozenset[bytes]:
        """None."""
        return frozenset()
