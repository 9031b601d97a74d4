"""The time by which sending waits: the machine's, or one that a test moves."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the standard library's ``time`` module offers, which is the ordinary clock."""

    def monotonic(self) -> float:
        """Seconds that never go back, from some start."""
        ...

    def time(self) -> float:
        """Seconds since 1970 (UTC); may jump."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


class MachineClock:
    """This machine's time."""

    def monotonic(self) -> float:
        """See Clock."""
        return time.monotonic()

    def time(self) -> float:
        """See Clock."""
        return time.time()

    def sleep(self, seconds: float, /) -> None:
        """See Clock."""
        time.sleep(seconds)
