"""Calls that come while others of their kind are carried out are carried out together: one commit for all of them.

A call by itself costs a dozen milliseconds, nearly all of which is spent once however many it is for: questions to the
chain, transactions of the database, writes of the signer's mark.

Decisions that govern this module:

* A call alone goes at once, and no call waits for company: a group is who came while the groups before it were busy.
* Only calls that would wait for one another anyway share a group (the caller says which: those of one wallet), so that
  nobody is held up by another's device. A call from inside a group, by its own thread, waits for nobody.
* Each call is told its own answer, or none: it is then made by itself, in its own thread, as if there had been no
  group. So whoever uses this must be able to ask for the same thing twice.
* Whatever interrupts a thread, also a signal's handler between any two steps, nobody waits for it afterwards: what is
  to be undone is written down in single assignments, and undoing it twice is undoing it once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from pyjpm.sending.turn import Turn

_MOST: Final = 500  # calls in one group, so that nobody waits for thousands
_AT_ONCE: Final = 2  # groups of one kind: one is sent while the next is accepted

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class _Call(Generic[T, R]):
    item: T
    leads: bool = False
    led: list[_Call[T, R]] = field(default_factory=list)
    next_leader: _Call[T, R] | None = None
    has_left: bool = False
    result: R | Exception | None = None
    turn: Turn = field(default_factory=Turn)

    def answer(self, alone: Callable[[], R]) -> R:
        """What its group said of it, or what it meets by itself where that said nothing."""
        if isinstance(self.result, Exception):
            raise self.result
        return alone() if self.result is None else self.result


@dataclass(slots=True)
class _Queue(Generic[T, R]):
    leaders: int = 0
    waiting: list[_Call[T, R]] = field(default_factory=list)


class GroupCommit(Generic[T, R]):
    """Safe to use from any number of threads, which is what it is for."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._queues: dict[Hashable, _Queue[T, R]] = {}
        self._mine = threading.local()

    def do(
        self,
        kind: Hashable,
        item: T,
        *,
        alone: Callable[[], R],
        together: Callable[[Sequence[T]], Sequence[R | Exception | None]],
    ) -> R:
        """What ``alone`` returns or raises, or what ``together`` says of this item.

        Args:
            kind: calls of one kind may share a group.
            together: carries out several, and says of each what is returned or raised; None, or where it raises itself:
                it is done ``alone``.
        """
        if getattr(self._mine, "is_inside", False):
            return alone()  # whoever leads here would be waited for by the group that its thread is in
        call: _Call[T, R] = _Call(item)
        try:
            self._mine.is_inside = True
            self._enter(kind, call)
            if call.leads:
                self._take_along(kind, call)
                if not call.led:
                    return alone()
                _carry_out([call, *call.led], together)
        finally:
            try:
                self._leave(kind, call)
            except BaseException:  # it was interrupted there
                self._leave(kind, call)
                raise
        return call.answer(alone)

    def _enter(self, kind: Hashable, call: _Call[T, R]) -> None:
        """Returns once the call leads a group or was carried out."""
        with self._mutex:
            queue = self._queues.setdefault(kind, _Queue())
            if queue.leaders < _AT_ONCE:
                queue.leaders, call.leads = queue.leaders + 1, True
                return
            queue.waiting.append(call)
        call.turn.wait()

    def _take_along(self, kind: Hashable, call: _Call[T, R]) -> None:
        with self._mutex:
            queue = self._queues[kind]
            call.led, queue.waiting = queue.waiting[: _MOST - 1], queue.waiting[_MOST - 1 :]

    def _leave(self, kind: Hashable, call: _Call[T, R]) -> None:
        """The next group is led by who waited longest: nobody serves others for longer than one group."""
        self._mine.is_inside = False
        with self._mutex:
            queue = self._queues.get(kind)
            if queue is not None and not call.has_left:
                waiting = [each for each in queue.waiting if each is not call]
                if not call.leads:
                    queue.waiting, call.has_left = waiting, True
                elif waiting:
                    call.next_leader, queue.waiting = waiting[0], waiting[1:]
                    waiting[0].leads, call.has_left = True, True
                else:
                    queue.leaders, call.has_left = queue.leaders - 1, True
                if not queue.leaders and not queue.waiting:
                    self._queues.pop(kind, None)
        for each in call.led if call.next_leader is None else [*call.led, call.next_leader]:
            each.turn.come()


def _carry_out(group: Sequence[_Call[T, R]], together: Callable[[Sequence[T]], Sequence[R | Exception | None]]) -> None:
    try:
        results = together([each.item for each in group])
    except Exception:  # each meets its own reason by itself
        return
    for each, result in zip(group, results, strict=True):
        each.result = result
