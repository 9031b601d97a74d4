"""What a run costs: seconds of a processor, of this process and of the node.

Ratios of speeds hang on how many processors there are and on where blocks fall; this is what is to be saved.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Cost:
    """Milliseconds of a processor for each payment; ``node``: None where the system does not tell."""

    ours: float = 0.0
    node: float | None = None


@contextmanager
def measured(node: int, payments: int) -> Iterator[Cost]:
    """The cost of what is done inside, complete at its end. ``node``: the node's process."""
    cost = Cost()
    ours, theirs = time.process_time(), _seconds_of(node)
    yield cost
    cost.ours = round((time.process_time() - ours) / payments * 1_000, 4)
    ended = _seconds_of(node)
    if theirs is not None and ended is not None:
        cost.node = round((ended - theirs) / payments * 1_000, 4)


def _seconds_of(process: int) -> float | None:
    """What a process used, all its threads together; of Linux only."""
    try:
        told = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    # The second field is the program's name, which may have anything in it.
    user, system = told.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
