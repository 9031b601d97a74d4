"""What is said of one state-changing function: how an operation of it is named on chain, and who can witness it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from eth_utils.crypto import keccak

from pyjpm.chain.values import Log
from pyjpm.contracts.codec import Event, codec
from pyjpm.sending.witness import Effect, Verdict
from pyjpm.witnessing.questions import Plan
from pyjpm.witnessing.subject import Subject


class Known(StrEnum):
    """What keeps an operation's name on chain."""

    LOCK = "lock"
    """The contract, for ever: it refuses the name a second time."""
    EVENT = "event"
    """Only the events: the contract would do it again, so whoever repeats must look first."""
    STATE = "state"
    """Nothing, and nothing needs to: the same call again leaves the same state, or is refused."""
    NOTHING = "nothing"
    """Nothing; the function's row says why a repetition does no harm, or why nobody of ours sends it."""


@dataclass(frozen=True, slots=True)
class Described:
    """One function of one contract.

    Attributes:
        artifact: the contract.
        face: name and parameters in their order, ``pay(to,amount,ref,remittance)``; the ABI leaves many unnamed.
        known: what keeps its operations' names.
        name: the operation id, in words.
        again: what a second execution does, in words.
        read: the witness; None where none is needed or possible.
        effect: whether the events of a successful receipt hold the effect; None: success is all there is to see.
        names: what the operation spends, 32 bytes each.
        events: the only ones that ``effect`` looks for; none: it may look for any.
    """

    artifact: str
    face: str
    known: Known
    name: str
    again: str
    read: Callable[[Subject], Plan[Verdict]] | None = None
    effect: Callable[[Subject, Sequence[Log]], bool] | None = None
    names: Callable[[Subject], Iterable[bytes]] | None = None
    events: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """The bare name."""
        return self.face.partition("(")[0]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        inside = self.face.partition("(")[2].rstrip(")")
        return tuple(inside.split(",")) if inside else ()


def applied(event: Event | None = None, **detail: object) -> Verdict:
    """The effect is there; ``event`` says where it came from."""
    if event is None:
        return Verdict(Effect.APPLIED, detail=detail)
    return Verdict(Effect.APPLIED, tx_hash=event.tx, block=event.block, detail=detail)


def absent(**detail: object) -> Verdict:
    """The effect is not there and may still come."""
    return Verdict(Effect.ABSENT, detail=detail)


def conflict(event: Event | None = None, **detail: object) -> Verdict:
    """Something else is there under the name."""
    if event is None:
        return Verdict(Effect.CONFLICT, detail=detail)
    return Verdict(Effect.CONFLICT, tx_hash=event.tx, block=event.block, detail=detail)


def voided(**detail: object) -> Verdict:
    """The name was voided."""
    return Verdict(Effect.VOIDED, detail=detail)


def unknown(reason: str, **detail: object) -> Verdict:
    """It could not be read."""
    return Verdict(Effect.UNKNOWN, detail={"reason": reason, **detail})


def emits(subject: Subject, logs: Sequence[Log], name: str, **told: object) -> bool:
    """Whether the contract of a call tells this event with these arguments."""
    return any(
        all(event.arguments[argument] == value for argument, value in told.items())
        for event in events_in(subject, logs, name)
    )


def events_in(subject: Subject, logs: Sequence[Log], name: str) -> list[Event]:
    """The events of a kind that the contract of a call tells, in order."""
    coder = codec(subject.artifact)
    topic = coder.topic(name)
    mine = (log for log in logs if log.address == subject.address and log.topics and log.topics[0] == topic)
    return [event for event in map(coder.decode_log, mine) if event is not None]


def named(*parts: object) -> bytes:
    """A name of 32 bytes for what has none of its own, out of what makes the operation id."""
    return keccak(text="\x1f".join("0x" + part.hex() if isinstance(part, bytes) else str(part) for part in parts))
