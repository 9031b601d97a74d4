"""Starts desks one after the other, and waits for their ends: the maker of desk_child.py."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHILD = Path(__file__).with_name("desk_child.py")


class Desks:
    """One desk at a time.

    Args:
        environment: of each of them.
        log: where they print.
    """

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        surroundings = {**os.environ, **environment, "DESK_LOG": str(log)}
        self._maker = subprocess.Popen(
            [sys.executable, str(CHILD)], env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._pid: int | None = None

    def start(self, *points: str) -> None:
        """A desk that kills itself at the first of these points that it gets to."""
        assert self._pid is None
        assert self._maker.stdin is not None
        self._maker.stdin.write(json.dumps(points).encode() + b"\n")
        self._maker.stdin.flush()
        self._pid = self._line(None)

    def running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._pid is not None and not self._readable(0)

    def ended(self, seconds: float) -> int | None:
        """Its return code, negative for a signal; None where it has not ended within so many seconds."""
        code = self._line(seconds)
        if code is not None:
            self._pid = None
        return code

    def end(self, number: signal.Signals, seconds: float = 30.0) -> int | None:
        """Sends it a signal and waits; None where that did not end it."""
        if self._pid is None:
            return None
        if self.running():
            os.kill(self._pid, number)
        return self.ended(seconds)

    def close(self) -> None:
        self.end(signal.SIGKILL)
        self._maker.communicate(timeout=30)

    def _readable(self, seconds: float | None) -> bool:
        return bool(select.select([self._maker.stdout], [], [], seconds)[0])

    def _line(self, seconds: float | None) -> int | None:
        assert self._maker.stdout is not None
        if not self._readable(seconds):
            return None
        line = b""
        # Byte by byte: what a buffer had read, select would not see.
        while not line.endswith(b"\n"):
            read = os.read(self._maker.stdout.fileno(), 1)
            assert read, "the maker of desks is gone"
            line += read
        return int(line)
