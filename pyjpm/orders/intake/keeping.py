"""Signatures on their way into the database: many in one commit where signing is fast, each at once where it is slow.

A signature is asked for once, as devices may be slow and somebody may have to touch them. So what a device took its
time for is stored before it is asked for the next one; a key in this process signs several meanwhile, and a commit for
each would cost more than they do. Of those, what dies with the process is signed again, which is the same signature.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, NamedTuple, Self

from pyjpm.documents import Document

_SLOW: Final = 0.02  # seconds for one signature
_LONGEST: Final = 0.25  # seconds of signing that may be lost with a process


class Signed(NamedTuple):
    """What an attester signed about an event."""

    event_id: int
    attester: str
    document: Document


class Keeping:
    """Keeps signatures while it is open; all of them once it is closed, also by an error."""

    def __init__(self, store: Callable[[Sequence[Signed]], None]) -> None:
        self._store = store
        self._unstored: list[Signed] = []
        self._flushed = self._last = time.monotonic()

    def add(self, signed: Signed) -> None:
        """Keeps one that was just made."""
        self._unstored.append(signed)
        before, self._last = self._last, time.monotonic()
        if self._last - before >= _SLOW or self._last - self._flushed >= _LONGEST:
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()

    def _flush(self) -> None:
        if self._unstored:
            unstored, self._unstored = self._unstored, []
            self._store(unstored)
        self._flushed = self._last = time.monotonic()
