"""Witnesses of the plain kinds: an event that tells of the operation, and state that is as the operation wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyjpm.chain.values import Log
from pyjpm.contracts.codec import Event
from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import absent, applied, conflict, emits, unknown
from pyjpm.witnessing.questions import Plan, View, newest
from pyjpm.witnessing.subject import Subject

Read = Callable[[Subject], Plan[Verdict]]


@dataclass(frozen=True, slots=True)
class Told:
    """The event that tells of an operation.

    Attributes:
        event: its name.
        key: name of the indexed argument that it is looked for by; empty where there is none.
        place: of that argument among the indexed ones, from 1; 0 where there is none.
        named: what else names the operation: the event's arguments by the call's.
        content: what must be the same under that name.
    """

    event: str
    key: str = ""
    place: int = 1
    named: Callable[[Subject], dict[str, Any]] = lambda subject: {}
    content: Callable[[Subject], dict[str, Any]] = lambda subject: {}

    def name_of(self, subject: Subject) -> dict[str, Any]:
        """The arguments that name the operation."""
        key = {self.key: subject[self.key]} if self.key else {}
        return {**key, **self.named(subject)}

    def all_of(self, subject: Subject) -> dict[str, Any]:
        """Every argument that the event of exactly this call has."""
        return {**self.name_of(subject), **self.content(subject)}

    def find(self, subject: Subject, told: dict[str, Any]) -> Plan[Event | None]:
        """The newest event with these arguments, the key among them."""
        place, value = (self.place, word(told[self.key])) if self.key else (0, b"")
        return newest(subject.address, subject.artifact, self.event, place, value, lambda each: agrees(each, told))


def agrees(event: Event, told: dict[str, Any]) -> bool:
    """Whether an event has these arguments."""
    return all(event.arguments[name] == value for name, value in told.items())


def word(value: Any) -> bytes:
    """A value as a topic has it."""
    if isinstance(value, bytes):
        return value.ljust(32, b"\0")
    if isinstance(value, str):
        return bytes.fromhex(value[2:]).rjust(32, b"\0")
    return int(value).to_bytes(32, "big")


def plain(arguments: dict[str, Any]) -> dict[str, Any]:
    """An event's arguments for people."""
    return {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in arguments.items()}


def by_event(
    told: Told,
    views: Callable[[Subject], list[View]] | None = None,
    never: Callable[[list[Any]], bool] = lambda seen: False,
) -> Read:
    """APPLIED where the event tells of this very operation, CONFLICT where one of its name says something else.

    ``never``: the views show that it never happened. A log is searched to its beginning for what is not in it, which
    takes minutes once a chain is years old.
    """

    def read(subject: Subject) -> Plan[Verdict]:
        if views is not None:
            seen = yield views(subject)
            if never(seen):
                return absent()
        event = yield from told.find(subject, told.all_of(subject))
        if event is not None:
            return applied(event)
        other = (yield from told.find(subject, told.name_of(subject))) if told.content(subject) else None
        return absent() if other is None else conflict(other, found=plain(other.arguments))

    return read


def by_state(
    views: Callable[[Subject], list[View]],
    holds: Callable[[Subject, list[Any]], bool],
    told: Told | None = None,
) -> Read:
    """APPLIED where the views say that it is so, and the newest event about it is not of another operation."""

    def read(subject: Subject) -> Plan[Verdict]:
        answers = yield views(subject)
        if any(answer is None for answer in answers):
            return unknown("a view did not answer")
        if not holds(subject, answers):
            return absent()
        if told is None:
            return applied()
        event = yield from told.find(subject, told.name_of(subject))
        if event is None:
            return absent()  # so from the beginning: nobody made it so
        if agrees(event, told.content(subject)):
            return applied(event)
        return absent(found=plain(event.arguments))

    return read


def tells(told: Told) -> Callable[[Subject, Sequence[Log]], bool]:
    """Whether a receipt has the event of exactly this call."""
    return lambda subject, logs: emits(subject, logs, told.event, **told.all_of(subject))


def own(function: str, *names: str) -> Callable[[Subject], list[View]]:
    """One view of the called contract, of these arguments of the call."""
    return lambda subject: [View(subject.address, subject.artifact, function, tuple(subject[name] for name in names))]


def agrees_on(*names: str) -> Callable[[Subject], dict[str, Any]]:
    """The arguments that event and call have under the same names."""
    return lambda subject: {name: subject[name] for name in names}
