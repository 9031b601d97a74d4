"""The chain's blocks and events in order, each at least once, over reorganisations.

Decisions that govern this module:

* A step is consumed when it is accepted, not when it is handed out. Who stores its effect and its place in one
  transaction, and accepts it afterwards, loses nothing and repeats nothing, whatever dies in between.
* Each block has to be the child of the last one consumed. Where it is not, the stream walks back to the newest block
  that both know, and says so (``Back``) before it goes forward again. It remembers so many blocks; what replaces more
  of them is an error, never a guess.
* Only views at or above the highest head ever seen are used: a node that lags or went back makes nobody undo anything.
* Faults that pass (a node down, a block not there yet) make it wait, not fail.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from pyjpm.chain.blocks import SeenBlock, block_view, block_views
from pyjpm.chain.connection import Connection
from pyjpm.chain.logs import Topics
from pyjpm.chain.nodes import Nodes, View
from pyjpm.chain.values import Log
from pyjpm.chain.watch import HeadWatch
from pyjpm.errors.chain import (
    BlockNotAvailable,
    ChainError,
    HeadNotServed,
    HostNotAllowed,
    NodeBadAnswer,
    NodeError,
    NodeUnauthorized,
    TransportFault,
)
from pyjpm.errors.seeing import ChainMoved, NodesDisagree, ReorgTooDeep, ViewBehind

WHOLE: Final = 2**31 - 1
"""As a log index: all of the block."""

PAGE_BLOCKS: Final = 100
DEPTH: Final = 64
_PASSING: Final = (
    ViewBehind,
    NodesDisagree,
    ChainMoved,
    BlockNotAvailable,
    HeadNotServed,
    TransportFault,
    NodeBadAnswer,
    NodeError,
    NodeUnauthorized,
    HostNotAllowed,
)

log = logging.getLogger("pyjpm.chain")


class Place(NamedTuple):
    """How far a consumer has come: all of it up to and with event ``log_index`` of ``block`` (WHOLE: the whole block).

    ``hash`` is empty for the place before the first block that is read. ``highest_head`` is the highest head known of.
    """

    block: int
    hash: str
    log_index: int
    highest_head: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place, and the hashes by which the way back from it is found: of blocks consumed as a whole, by height."""

    place: Place
    known: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def before(cls, first_block: int) -> Cursor:
        """Where who starts with ``first_block`` has come."""
        place = Place(first_block - 1, "", WHOLE, 0)
        return cls(place, {place.block: ""})

    def after(self, step: Step, depth: int) -> Cursor:
        """The cursor once a step is consumed, remembering ``depth`` blocks before its last."""
        place = step.place
        known = {number: name for number, name in self.known.items() if number < place.block}
        if place.log_index == WHOLE:
            known[place.block] = place.hash
        return Cursor(place, {number: known[number] for number in sorted(known)[-(depth + 1) :]})


@dataclass(frozen=True, slots=True)
class Forward:
    """The next block. ``events`` are those not consumed yet; ``place`` is where their consumer has come then."""

    block: SeenBlock
    events: tuple[Log, ...]
    place: Place

    def upto(self, event: Log) -> Forward:
        """The part of this step up to and with an event, for who stores less than a block at a time."""
        events = tuple(each for each in self.events if each.log_index <= event.log_index)
        return replace(self, events=events, place=self.place._replace(log_index=event.log_index))


@dataclass(frozen=True, slots=True)
class Back:
    """Everything above ``to_block`` is no longer on the chain: undo it."""

    to_block: int
    place: Place


Step = Forward | Back


class EventStream:
    """Blocks and events after a cursor. One thread at a time, but ``stop`` from any.

    Args:
        nodes: what it is read from.
        cursor: where its consumer has come.
        addresses, topics: which events; empty is all.
        watch: what new blocks are waited for by; None polls.
        page_blocks: how many blocks ``poll`` hands out at most.
        depth: how many blocks may be replaced.

    Attributes:
        cursor: the place accepted last.
        fault: what hinders it now, None where nothing does.
    """

    def __init__(
        self,
        nodes: Nodes,
        cursor: Cursor,
        *,
        addresses: Sequence[str | bytes] = (),
        topics: Topics = (),
        watch: HeadWatch | None = None,
        page_blocks: int = PAGE_BLOCKS,
        depth: int = DEPTH,
    ) -> None:
        if page_blocks < 1 or depth < 1:
            raise ValueError("page_blocks and depth are at least 1")
        self.cursor = cursor
        self.fault: ChainError | None = None
        self._nodes = nodes
        self._addresses = addresses
        self._topics = topics
        self._watch = watch or HeadWatch(nodes, subscribe=False)
        self._page = page_blocks
        self._depth = depth
        self._head = 0
        self._stopped = False

    def __iter__(self) -> Iterator[Step]:
        """Steps without end, waiting for each; a step is accepted when the next is asked for. Ends after ``stop``.

        Raises ReorgTooDeep. An error of the consumer's leaves its step unaccepted: it comes again.
        """
        while not self._stopped:
            steps = self.poll()
            for step in steps:
                yield step
                self.accept(step)
                if self._stopped:
                    return
            if not steps:
                self._watch.wait(self._head)

    def stop(self) -> None:
        """End the iteration after the present step."""
        self._stopped = True
        self._watch.wake()

    def poll(self) -> list[Step]:
        """What there is now, without waiting; empty where there is nothing, or where ``fault`` hinders it.

        Nothing is accepted by this. A Back comes alone. Raises ReorgTooDeep.
        """
        try:
            steps = self._steps()
        except _PASSING as fault:
            if self.fault is None or self.fault.code != fault.code:
                log.warning("events are not read on from block %d: %s", self.cursor.place.block, fault.code)
            self.fault = fault
            return []
        self.fault = None
        return steps

    def accept(self, step: Step) -> None:
        """The effect of a step is stored: go on from there. Steps are accepted in the order they were handed out."""
        self.cursor = self.cursor.after(step, self._depth)

    def _steps(self) -> list[Step]:
        place = self.cursor.place
        view = self._nodes.best(place.highest_head)
        self._head = view.number
        highest = max(place.highest_head, view.number)
        if place.log_index != WHOLE:
            return [self._rest_of_block(view, highest)]
        last = min(view.number, place.block + self._page)
        if last <= place.block:
            return [] if place.hash in ("", view.hash) else [self._back(view, highest)]
        seen = self._read(view.connection, place.block + 1, last)
        if place.hash not in ("", seen[0].parent_hash):
            return [self._back(view, highest)]
        return [Forward(each, each.logs, Place(each.number, each.hash, WHOLE, highest)) for each in seen]

    def _read(self, connection: Connection, first: int, last: int) -> list[SeenBlock]:
        if first == last:
            return [block_view(connection, first, addresses=self._addresses, topics=self._topics)]
        return block_views(connection, first, last, addresses=self._addresses, topics=self._topics)

    def _rest_of_block(self, view: View, highest: int) -> Step:
        place = self.cursor.place
        if view.connection.block(place.block).hash != place.hash:
            return self._back(view, highest)
        seen = block_view(view.connection, place.hash, addresses=self._addresses, topics=self._topics)
        rest = tuple(each for each in seen.logs if each.log_index > place.log_index)
        return Forward(seen, rest, Place(seen.number, seen.hash, WHOLE, highest))

    def _back(self, view: View, highest: int) -> Back:
        place, known = self.cursor.place, self.cursor.known
        compared = 0
        for number in sorted((number for number in known if number < place.block), reverse=True):
            compared += 1
            name = known[number]
            if name == "" or view.connection.block(number).hash == name:
                log.warning("blocks %d to %d were replaced", number + 1, place.block)
                return Back(number, Place(number, name, WHOLE, highest))
        raise ReorgTooDeep(
            f"The chain left the one we know more than {compared} blocks before block {place.block}.",
            block=place.block,
            depth=compared,
        )
