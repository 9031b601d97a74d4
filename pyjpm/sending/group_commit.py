"""Calls that come while others of their kind are carried out are carried out together: one commit for all of them.

A call by itself costs a dozen milliseconds, nearly all of which is spent once however many it is for: questions to the
chain, transactions of the database, writes of the signer's mark.

Decisions that govern this module:

* A call alone goes at once, and no call waits for company: a group is who came while the groups before it were busy.
* Only calls that would wait for one another anyway share a group (the caller says which: those of one wallet), so that
  nobody is held up by another's device.
* Each call is told its own answer, or none: it is then made by itself, in its own thread, as if there had been no
  group. So whoever uses this must be able to ask for the same thing twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

_MOST: Final = 500  # calls in one group, so that nobody waits for thousands
_AT_ONCE: Final = 2  # groups of one kind: one is sent while the next is accepted

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class _Call(Generic[T, R]):
    item: T
    leads: bool = False
    result: R | Exception | None = None
    turn: threading.Event = field(default_factory=threading.Event)

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
        call: _Call[T, R] = _Call(item)
        queue = self._enter(kind, call)
        if call.leads:
            group = [call]
            try:
                group += self._others(queue)
                if len(group) == 1:
                    return alone()
                _carry_out(group, together)
            finally:
                self._hand_over(kind, queue)
                for each in group:
                    each.turn.set()
        return call.answer(alone)

    def _enter(self, kind: Hashable, call: _Call[T, R]) -> _Queue[T, R]:
        """Returns once the call leads a group or was carried out."""
        with self._mutex:
            queue = self._queues.setdefault(kind, _Queue())
            if queue.leaders < _AT_ONCE:
                queue.leaders += 1
                call.leads = True
                return queue
            queue.waiting.append(call)
        try:
            call.turn.wait()
        except BaseException:  # its thread was interrupted: nobody else may wait for it
            with self._mutex:
                if call in queue.waiting:
                    queue.waiting.remove(call)
            if call.leads:
                self._hand_over(kind, queue)
            raise
        return queue

    def _others(self, queue: _Queue[T, R]) -> list[_Call[T, R]]:
        with self._mutex:
            others = queue.waiting[: _MOST - 1]
            del queue.waiting[: _MOST - 1]
        return others

    def _hand_over(self, kind: Hashable, queue: _Queue[T, R]) -> None:
        """The next group is led by who waited longest: nobody serves others for longer than one group."""
        with self._mutex:
            if queue.waiting:
                call = queue.waiting.pop(0)
                call.leads = True
                call.turn.set()
                return
            queue.leaders -= 1
            if not queue.leaders:
                self._queues.pop(kind, None)


def _carry_out(group: Sequence[_Call[T, R]], together: Callable[[Sequence[T]], Sequence[R | Exception | None]]) -> None:
    try:
        results = together([each.item for each in group])
    except Exception:  # each meets its own reason by itself
        return
    for each, result in zip(group, results, strict=True):
        each.result = result
