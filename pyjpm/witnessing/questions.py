"""What witnesses ask the chain, and how the questions of many go out together.

A witness is a generator: it yields the questions that it has next, gets their answers, and ends with its verdict.
All generators of one reading advance side by side, so that a round of five hundred payments is a few JSON-RPC batches
and one search of the log.

Decisions that govern this module:

* State is read at one block. Events are searched from that block backwards, for what is asked for is mostly recent.
* A question that has no answer (the contract reverts, or answers nothing) is answered by None, and the witness decides.
* A log that was not covered to its end is no answer: BlockNotAvailable, never "there is none".
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

from eth_abi.exceptions import DecodingError

from pyjpm.chain.connection import Connection
from pyjpm.chain.reading import LOG_PAGE_BLOCKS
from pyjpm.contracts.codec import Event, abi_type, codec
from pyjpm.errors.chain import BlockNotAvailable, ExecutionFailed, Reverted

# Alternatives for one topic in one request: nodes bound what a filter may hold.
_ALTERNATIVES: Final = 200
_WORD: Final = 32
# Each step back searches twice as many pages as the one before.
_MOST_PAGES: Final = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View:
    """What a view of a contract answers; decoded, or None. Equal where the calldata is.

    ``data``: the calldata, where it is known already.
    """

    address: str
    artifact: str
    function: str
    arguments: tuple[Any, ...] = field(default=(), compare=False)
    data: bytes = b""

    def __post_init__(self) -> None:
        if not self.data:
            object.__setattr__(self, "data", codec(self.artifact).encode(self.function, *self.arguments))


@dataclass(frozen=True, slots=True)
class Events:
    """The newest events of a kind that have this value in this indexed place (1 to 3); answered by ``Found``.

    Place 0 with an empty value: whatever they say. ``before``: only in blocks below that height.
    """

    address: str
    artifact: str
    event: str
    place: int
    value: bytes
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Some events, oldest first: the newest there are. Blocks below ``rest`` were not searched; None: all were."""

    events: tuple[Event, ...]
    rest: int | None


Question = View | Events
Plan = Generator[Sequence[Question], list[Any], T]


def carry_out(plans: Sequence[Plan[T]], connection: Connection, *, at: int, first_block: int) -> list[T]:
    """What each plan ends with. Raises transport faults, BlockNotAvailable."""
    both = together(plans)
    try:
        asked = next(both)
        while True:
            distinct = list(dict.fromkeys(asked))
            answers = _answers(distinct, connection, at, first_block)
            asked = both.send([answers[question] for question in asked])
    except StopIteration as end:
        results: list[T] = end.value
        return results


def together(plans: Sequence[Plan[T]]) -> Plan[list[T]]:
    """Several plans as one: each round asks what all of them ask next."""
    results: dict[int, T] = {}
    waiting: dict[int, Sequence[Question]] = {}

    def advance(place: int, answers: list[Any] | None) -> None:
        try:
            # The first step of a generator takes no answers.
            waiting[place] = next(plans[place]) if answers is None else plans[place].send(answers)
        except StopIteration as end:
            results[place] = end.value

    for place in range(len(plans)):
        advance(place, None)
    while waiting:
        asked = dict(waiting)
        waiting.clear()
        answers = iter((yield [question for questions in asked.values() for question in questions]))
        for place, questions in asked.items():
            advance(place, [next(answers) for _ in questions])
    return [results[place] for place in range(len(plans))]


def newest(
    address: str, artifact: str, event: str, place: int, value: bytes, accept: Callable[[Event], bool] = lambda _: True
) -> Plan[Event | None]:
    """The newest event of a kind with this value in that indexed place, of those that are accepted."""
    before: int | None = None
    while True:
        found: Found = (yield [Events(address, artifact, event, place, value, before)])[0]
        for each in reversed(found.events):
            if accept(each):
                return each
        if found.rest is None:
            return None
        before = found.rest


def _answers(asked: Sequence[Question], connection: Connection, at: int, first_block: int) -> dict[Question, Any]:
    views = [question for question in asked if isinstance(question, View)]
    answers: dict[Question, Any] = dict(zip(views, _read(views, connection, at), strict=True))
    groups: dict[tuple[str, str, str, int, int], list[Events]] = {}
    for question in asked:
        if isinstance(question, Events):
            end = at if question.before is None else min(at, question.before - 1)
            group = (question.address, question.artifact, question.event, question.place, end)
            groups.setdefault(group, []).append(question)
    for (address, artifact, event, place, end), members in groups.items():
        search = _Search(connection, address, artifact, event, place, first_block)
        for start in range(0, len(members), _ALTERNATIVES):
            part = members[start : start + _ALTERNATIVES]
            found = search.newest({question.value for question in part}, end)
            answers.update({question: found[question.value] for question in part})
    return answers


def _read(views: Sequence[View], connection: Connection, at: int) -> list[Any]:
    requests: list[tuple[str | bytes, bytes]] = [(view.address, view.data) for view in views]
    try:
        raw: Iterable[bytes | None] = connection.calls(requests, block=at)
    except (Reverted, ExecutionFailed):
        raw = [_one(connection, view, at) for view in views]
    return [_decoded(view, data) for view, data in zip(views, raw, strict=True)]


def _one(connection: Connection, view: View, at: int) -> bytes | None:
    try:
        return connection.call(view.address, view.data, block=at)
    except (Reverted, ExecutionFailed):
        return None


def _decoded(view: View, data: bytes | None) -> Any:
    if data is None:
        return None
    if len(data) == _WORD and _is_number(view.artifact, view.function):
        return int.from_bytes(data, "big")  # nearly all that is asked in numbers
    try:
        return codec(view.artifact).decode_output(view.function, data)
    except (DecodingError, OverflowError):
        return None


@cache
def _is_number(artifact: str, function: str) -> bool:
    """Whether a view answers one unsigned number."""
    outputs = codec(artifact).outputs(function)
    return len(outputs) == 1 and abi_type(outputs[0]).startswith("uint") and "[" not in abi_type(outputs[0])


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks for events of one kind, from a block backwards."""

    connection: Connection
    address: str
    artifact: str
    event: str
    place: int
    first_block: int

    def newest(self, values: set[bytes], end: int) -> dict[bytes, Found]:
        """For each value the events of the newest stretch of blocks that has any."""
        found: dict[bytes, Found] = {}
        wanted, pages = set(values), 1
        while wanted and end >= self.first_block:
            start = max(self.first_block, end - pages * LOG_PAGE_BLOCKS + 1)
            rest = start if start > self.first_block else None
            for value, events in self._between(wanted, start, end).items():
                found[value] = Found(tuple(events), rest)
            wanted -= found.keys()
            end, pages = start - 1, min(_MOST_PAGES, pages * 2)
        return found | {value: Found((), None) for value in wanted}

    def _between(self, values: set[bytes], start: int, end: int) -> dict[bytes, list[Event]]:
        decoder = codec(self.artifact)
        topics: list[Any] = [decoder.topic(self.event)]
        if self.place:
            topics += [*[None] * (self.place - 1), sorted(values)]
        logs = self.connection.logs([self.address], topics, from_block=start, to_block=end)
        if logs.to_block < end:
            raise BlockNotAvailable(f"The node's log ends at block {logs.to_block}.", block=end, head=logs.to_block)
        events: dict[bytes, list[Event]] = {}
        for log in logs:
            decoded = decoder.decode_log(log)
            if decoded is not None:
                events.setdefault(log.topics[self.place] if self.place else b"", []).append(decoded)
        return events
