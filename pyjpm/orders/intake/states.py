"""How far an event is, and what is told about it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final


class EventState(StrEnum):
    """How far an event is."""

    RECEIVED = "RECEIVED"
    """Stored; nothing was done about it yet."""
    UNMAPPED = "UNMAPPED"
    """The mapping names no status or no milestone for it, or it is priced in a currency that is not the order's: looked
    at again once the mapping or the order book has changed."""
    IGNORED = "IGNORED"
    """The mapping, a script or an operator says that it is no business of payments."""
    WAITING = "WAITING"
    """Something is missing: its order, its funding, signatures, the chain; ``code`` says what. Tried again."""
    HELD = "HELD"
    """A script holds it, it says less than the terms know, or a restored journal did not send it: somebody decides."""
    SUBMITTED = "SUBMITTED"
    """Attested, and in the outbox or about to be."""
    DONE = "DONE"
    """On the chain, with its effect."""
    OUTDATED = "OUTDATED"
    """On the chain, or not needed there: a later event counted before it, or the milestone was over."""
    REFUSED = "REFUSED"
    """The chain refuses it for good; ``code`` says why."""
    CONFLICT = "CONFLICT"
    """Only of a receipt: the source said something else under the same name before. What was stored first stands."""
    INVALID = "INVALID"
    """Only of a receipt: not usable as an event, and not stored as one."""


OPEN_STATES: Final = (EventState.RECEIVED, EventState.WAITING)
"""Carried on by themselves."""

DECIDABLE: Final = (EventState.RECEIVED, EventState.WAITING, EventState.HELD, EventState.REFUSED, EventState.IGNORED)
"""An operator may decide about it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """An event as it is now.

    Attributes:
        place: where in the source it stands.
        state: see :class:`EventState`.
        new: whether it was stored by this call; False for one that was there before.
        code: why it waits, is held or was refused; empty otherwise.
        detail: the same in words.
        means: the status that it means by the mapping, empty where there is none.
        index: of the milestone on the chain, None where there is none.
        submission, tx_hash, block: of its attestation, once there is one.
    """

    source: str
    order: str
    milestone: str
    seq: int
    status: str
    place: str
    state: EventState
    new: bool = False
    code: str = ""
    detail: str = ""
    means: str = ""
    index: int | None = None
    submission: str | None = None
    tx_hash: str | None = None
    block: int | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What names the event: source, order, milestone, seq."""
        return self.source, self.order, self.milestone, self.seq

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {part.name: getattr(self, part.name) for part in fields(self)} | {"state": self.state.value}
