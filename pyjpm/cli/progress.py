"""One line that says how far long work has come: rewritten in place on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

_ON_TERMINAL = 0.1
_ELSEWHERE = 5.0


class ProgressLine:
    """Progress on standard error. Use it in a ``with`` statement, so that the line ends."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        self._shown_at = 0.0
        self._what = ""
        self._open = False

    def step(self, what: str) -> None:
        """Says what is being done, without a measure."""
        self.update(what, 0, 0)

    def update(self, what: str, done: int, of: int) -> None:
        """Says how much of something is done; 0 ``of`` where that is not known."""
        now = time.monotonic()
        finished = bool(of) and done >= of
        pause = _ON_TERMINAL if self._terminal else _ELSEWHERE
        if what == self._what and not finished and now - self._shown_at < pause:
            return
        if what != self._what:
            self._end_line()
        self._what, self._shown_at = what, now
        measure = f" {done:,} of {of:,} ({100 * done // of} %)" if of else f" {done:,}" if done else ""
        text = f"{now - self._started:6.1f} s  {what}{measure}"
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            self._open = True
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def _end_line(self) -> None:
        if self._open:
            sys.stderr.write("\n")
            self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_line()
