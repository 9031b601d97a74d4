"""Time that passes only when somebody waits.

Decisions that govern this module:

* Whoever drives the chain waits through this clock. Waiting is what makes blocks, gossip, restarts and the ends of
  faults happen, in the order of their times and, at one time, in the order in which they were arranged: no threads, no
  real sleep, the same history every time.
* ``time()`` is the machine's wall clock and may be set back; ``monotonic()`` and the chain's own time never are.
"""

from __future__ import annotations

import contextlib
import heapq
import sys
import time as _real_time
from collections.abc import Callable, Iterator
from typing import Any

EPOCH = 1_790_000_000  # seconds since 1970 at monotonic() 0


class VirtualClock:
    """``monotonic()``, ``time()`` and ``sleep(seconds)`` as the ``time`` module has them, and ``at`` to arrange."""

    def __init__(self, epoch: float = EPOCH) -> None:
        self.epoch = epoch
        self._now = 0.0
        self._skew = 0.0
        self._arranged: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._now

    def time(self) -> float:
        """Seconds since 1970 as this machine believes."""
        return self.epoch + self._now + self._skew

    def true_time(self) -> float:
        """Seconds since 1970 as the chain's validators have it."""
        return self.epoch + self._now

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back where negative."""
        self._skew += seconds

    def set_right(self) -> None:
        """The wall clock shows the true time again."""
        self._skew = 0.0

    def at(self, when: float, act: Callable[..., None], *arguments: Any) -> None:
        """Have ``act`` called once ``monotonic()`` reaches ``when``; at once passed times come with the next wait."""
        self._count += 1
        heapq.heappush(self._arranged, (max(when, self._now), self._count, act, arguments))

    def sleep(self, seconds: float) -> None:
        """Let time pass, and everything happen that is arranged until then."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        until = self._now + seconds
        arranged = self._arranged
        while arranged and arranged[0][0] <= until:
            when, _, act, arguments = heapq.heappop(arranged)
            self._now = max(self._now, when)
            act(*arguments)
        self._now = max(self._now, until)

    @contextlib.contextmanager
    def driving(self, package: str = "pyjpm") -> Iterator[None]:
        """While inside, the loaded modules of ``package`` that know the ``time`` module have this clock instead."""
        found = [
            module
            for name, module in list(sys.modules.items())
            if name.split(".", 1)[0] == package and vars(module).get("time") is _real_time
        ]
        for module in found:
            vars(module)["time"] = self
        try:
            yield
        finally:
            for module in found:
                vars(module)["time"] = _real_time
