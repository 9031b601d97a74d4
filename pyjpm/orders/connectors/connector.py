"""What a connector is: something that is polled for order events, and says from where to go on.

Decisions that govern this module:

* A connector reads and remembers nothing: the cursor that it hands out is stored in the transaction that stores its
  events, and given back to it. So a connector may be killed at any point, and may hand out an event again: events are
  stored once by (source, order, milestone, seq).
* A connector tells what its source says, in the source's words. What a status means is the mapping's business.
* ``seq`` is the source's own revision or timestamp, never a counter of the connector: the same thing read twice is the
  same event, and of two the one with the higher seq is the newer, whichever came first.
* What cannot be read is a :class:`Problem` with its place, beside the events that can.
* A source that is down or slow raises ``SourceUnavailable`` (:mod:`pyjpm.errors.intake`): it is asked again later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

CURRENCY: Final = "currency"
"""In an event's ``extra``: of its ``accepted``, as the source names it."""


def printable(text: str) -> str:
    """A source's text as a database and a terminal take it: whatever is not printable is written as an escape."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """One status of one order, or of a part of it, as its source tells it.

    Attributes:
        source: which system says so; together with the rest of the key it names the event.
        order: the source's own id of the order.
        milestone: what the source calls the part of the order that this is about; empty where it names none.
        seq: the source's revision or timestamp, 1 to 2**48 - 1.
        status: in the source's words.
        accepted: of a partial delivery, what was accepted so far, cumulative, in minor units of the order's currency;
            None for all of it.
        complete: whether nothing more will come.
        document: what proves it, such as a delivery note; its hash goes on the chain. None for none.
        at: when the status was reached, unix seconds.
        extra: whatever else a script may want to know. ``place`` says where in the source this stands, such as
            ``orders.csv:17``; ``currency`` in which currency ``accepted`` is: where it is told, it must be the
            order's. Not part of what the event says: a repeat may differ in it.
    """

    source: str
    order: str
    milestone: str = ""
    seq: int
    status: str
    accepted: int | None = None
    complete: bool = True
    document: bytes | None = None
    at: int
    extra: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    @property
    def place(self) -> str:
        """Where in the source this stands, printable."""
        return printable(self.extra.get("place") or f"{self.source}/{self.order}/{self.milestone}/{self.seq}")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the source that is no event: where it stands, and what is wrong with it."""

    place: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a poll brought.

    Attributes:
        cursor: from where to go on; what it says is the connector's own business. None: from the beginning.
        more: whether another poll would bring something at once.
        problems: what could not be read; reported, and passed over.
    """

    events: tuple[StatusEvent, ...] = ()
    cursor: str | None
    more: bool = False
    problems: tuple[Problem, ...] = ()


class Connector(Protocol):
    """Something that can be polled. ``name`` is its cursor's name: two of one source never share one."""

    name: str

    def poll(self, cursor: str | None) -> Batch:
        """What came after ``cursor``; an empty batch where nothing did. Changes nothing at the source.

        Raises:
            SourceUnavailable: the source is down, slow, or refuses us for now.
        """
        ...
