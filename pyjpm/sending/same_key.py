"""Calls that ask for the same key are answered one after the other: what the first stored, the next one finds.

Decisions that govern this module:

* A client that hears nothing asks again while its first call is still on its way through here. Were the second told
  "no" (the token is paused for a moment), and the first accepted after that, the client would have paid by another key.
* A call gets all of its keys or waits without any, and has nothing else of a sender's by then that others wait for: no
  two calls ever wait for one another, and who repeats a call that hangs holds up nobody.
* A thread does not wait for itself, and whatever interrupts it, it leaves no key behind.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyjpm.sending.turn import Turn


@dataclass(slots=True, eq=False)
class _Call:
    thread: int = field(default_factory=threading.get_ident)
    waiting: list[Turn] = field(default_factory=list)


class SameKey:
    """Safe to use from any number of threads."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._asked: dict[tuple[str, str], _Call] = {}

    @contextmanager
    def alone(self, keys: Iterable[tuple[str, str]]) -> Iterator[None]:
        """While inside, no other thread is with any of these keys: pairs of whose it is and the key."""
        wanted, call = set(keys), _Call()
        try:
            while (turn := self._take(wanted, call)) is not None:
                turn.wait()
            yield
        finally:
            try:
                self._give_back(wanted, call)
            except BaseException:  # it was interrupted there
                self._give_back(wanted, call)
                raise

    def _take(self, wanted: set[tuple[str, str]], call: _Call) -> Turn | None:
        """None: it has all of them. Otherwise when to try again."""
        with self._mutex:
            there = wanted & self._asked.keys()
            for key in there:
                if self._asked[key].thread != call.thread:
                    turn = Turn()
                    self._asked[key].waiting.append(turn)
                    return turn
            self._asked.update(dict.fromkeys(wanted - there, call))
        return None

    def _give_back(self, wanted: set[tuple[str, str]], call: _Call) -> None:
        with self._mutex:
            for key in wanted & self._asked.keys():
                if self._asked[key] is call:
                    del self._asked[key]
        for turn in call.waiting:
            turn.come()
