"""Acts on a compliance order, witnessed by the order's hash.

The token keeps no list of orders: it would freeze or seize again. So these are looked for in the log before anything is
sent, and one order does the same thing to the same wallet once; a second time needs an order name of its own.
What is asked of a lost wallet happens to its successor, so the log of both is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from pyjpm.chain.values import Log
from pyjpm.contracts.codec import Event
from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import Described, Known, absent, applied, events_in, named
from pyjpm.witnessing.questions import Plan, View, newest
from pyjpm.witnessing.subject import REGISTRY, TOKEN, Subject
from pyjpm.witnessing.telling import Told, agrees, plain, word

_NOBODY: Final = "0x" + 40 * "0"
# Successors of successors; the contracts themselves follow without a bound, but nobody loses so many.
_MOST_SUCCESSORS: Final = 16

_FROZEN: Final = Told(
    "AmountFrozen",
    "wallet",
    1,
    content=lambda subject: {"amount": subject["amount"], "orderHash": subject["orderHash"]},
)
_UNFROZEN: Final = replace(_FROZEN, event="AmountUnfrozen")
_SEIZED: Final = Told(
    "Seized",
    "from",
    1,
    content=lambda subject: {"to": subject["to"], "amount": subject["amount"], "orderHash": subject["orderHash"]},
)
_RESCUED: Final = Told(
    "HoldRescued",
    "payer",
    2,
    named=lambda subject: {"notary": subject["notary"]},
    content=lambda subject: {"amount": subject["amount"], "orderHash": subject["orderHash"]},
)


def _successors(subject: Subject, wallet: str) -> Plan[list[str]]:
    """A wallet and those that took its place, in order."""
    found = [wallet]
    while len(found) < _MOST_SUCCESSORS:
        (successor,) = yield [View(subject.book.registry, REGISTRY, "successorOf", (found[-1],))]
        if successor is None or successor == _NOBODY:
            return found
        found.append(successor)
    return found


def _by_order(told: Told) -> Callable[[Subject], Plan[Verdict]]:
    def read(subject: Subject) -> Plan[Verdict]:
        others: list[Event] = []
        wanted = {**told.named(subject), **told.content(subject)}
        order = {"orderHash": subject["orderHash"], **told.named(subject)}
        for wallet in (yield from _successors(subject, subject[told.key])):
            event = yield from _found(subject, told, wallet, wanted)
            if event is not None:
                return applied(event)
            other = yield from _found(subject, told, wallet, order)
            others += [] if other is None else [other]
        # One order may do several things, so another content is no conflict; it is shown to whoever asks.
        return absent(by_the_same_order=[plain(each.arguments) for each in others])

    return read


def _found(subject: Subject, told: Told, wallet: str, wanted: dict[str, Any]) -> Plan[Event | None]:
    ended: set[str] = set()
    if told is _FROZEN:
        ended = yield from _ended_by_order(subject, wallet)
    return (
        yield from newest(
            subject.address,
            TOKEN,
            told.event,
            told.place,
            word(wallet),
            lambda each: agrees(each, wanted) and each.tx not in ended,
        )
    )


def _ended_by_order(subject: Subject, wallet: str) -> Plan[set[str]]:
    """Transactions that ended a hold by this order: they freeze as much, which is not this freeze."""
    found: set[str] = set()

    def remember(event: Event) -> bool:
        if event.arguments["orderHash"] == subject["orderHash"]:
            found.add(event.tx)
        return False

    yield from newest(subject.address, TOKEN, "HoldCancelledByOrder", 2, word(wallet), remember)
    return found


def _tells(told: Told) -> Callable[[Subject, Sequence[Log]], bool]:
    """Without the wallet: the event's is a successor where the one that was named is lost."""

    def effect(subject: Subject, logs: Sequence[Log]) -> bool:
        wanted = {**told.named(subject), **told.content(subject)}
        return any(agrees(event, wanted) for event in events_in(subject, logs, told.event))

    return effect


def _names(told: Told) -> Callable[[Subject], list[bytes]]:
    return lambda subject: [
        named(subject.function, *(f"{name}={value!r}" for name, value in told.all_of(subject).items()))
    ]


def _row(face: str, told: Told, again: str) -> Described:
    return Described(
        TOKEN, face, Known.EVENT, "order hash, wallet and amount", again, _by_order(told), _tells(told), _names(told)
    )


DESCRIBED: Final = (
    _row("freezeAmount(wallet,amount,orderHash)", _FROZEN, "freezes as much again"),
    _row("unfreezeAmount(wallet,amount,orderHash)", _UNFROZEN, "unfreezes as much again, if it is frozen"),
    _row("seize(from,to,amount,frozenReleased,orderHash)", _SEIZED, "takes as much again, if it is there"),
    _row("rescueHold(notary,payer,amount,orderHash)", _RESCUED, "gives back as much again, if it is held"),
)
