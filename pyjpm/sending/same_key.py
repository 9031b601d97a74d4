"""Calls that ask for the same key are answered one after the other: what the first stored, the next one finds.

Decisions that govern this module:

* A client that hears nothing asks again while its first call is still on its way through here. Were the second told
  "no" (the token is paused for a moment), and the first accepted after that, the client would have paid by another key.
* A call gets all of its keys or waits without any, and has nothing else of a sender's by then that others wait for: no
  two calls ever wait for one another, and who repeats a call that hangs holds up nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class SameKey:
    """Safe to use from any number of threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked: set[tuple[str, str]] = set()

    @contextmanager
    def alone(self, keys: Iterable[tuple[str, str]]) -> Iterator[None]:
        """While inside, nobody else is with any of these keys: pairs of whose it is and the key."""
        mine = set(keys)
        with self._changed:
            self._changed.wait_for(lambda: self._asked.isdisjoint(mine))
            self._asked |= mine
        try:
            yield
        finally:
            with self._changed:
                self._asked -= mine
                self._changed.notify_all()
