"""A process that does not outlive who started it."""

from __future__ import annotations

import ctypes
import signal
import sys


def dies_with_its_parent() -> None:
    """So that nothing is left where the tests themselves are killed. For the new process to call; on Linux."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
