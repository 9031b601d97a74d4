"""What a run of the tests left behind: processes, sockets with them, and temporary files.

Every process of the run inherits a mark in its environment; one that still has it when the run is over was left behind,
whoever its parent is by then. Temporary files go into a folder of the run's own; what is there at the end was left
behind, but for what pytest keeps of a test on purpose.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

MARK = "PYJPM_TEST_RUN"
GRACE = 5.0  # seconds in which what was told to end may end


class Leftovers:
    """Begins when made, before anything is started."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(8)
        self._folder = Path(tempfile.mkdtemp(prefix="pj-", dir="/tmp"))  # short: a socket's path has 107 characters
        os.environ[MARK] = self._mark
        os.environ["TMPDIR"] = str(self._folder)

    def found(self) -> list[str]:
        """What is left, in words; the folder is taken away."""
        ends = time.monotonic() + GRACE
        while (processes := self._processes()) and time.monotonic() < ends:
            time.sleep(0.2)
        files = [each.name for each in self._folder.iterdir() if not each.name.startswith("pytest-of-")]
        shutil.rmtree(self._folder)
        return [f"process {each}" for each in processes] + [f"file {each}" for each in sorted(files)]

    def _processes(self) -> list[str]:
        left = []
        for folder in Path("/proc").glob("[0-9]*"):
            if int(folder.name) == os.getpid():
                continue
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it ended meanwhile, or is another user's
            if f"{MARK}={self._mark}".encode() in environment and command:
                left.append(f"{folder.name}: {command[:200]}")
        return left
