"""Names of rows: 128 bits, in hex.

Decisions that govern this module:

* They begin with the time, so that rows made together lie together in every index: of names that are random throughout,
  each would touch a page of its own, and a page is what a commit writes.
* Nothing is read from the time: a clock that jumps costs speed, no more. 80 random bits keep names apart, those of a
  database that was put back too.
"""

from __future__ import annotations

import secrets
import time
from typing import Final

_RANDOM: Final = 20  # hex digits


def new_id() -> str:
    """A name that nothing else has, above those made in earlier milliseconds."""
    return new_ids(1)[0]


def new_ids(count: int) -> list[str]:
    """So many of them, for one question to the operating system: at each, other threads take their turn."""
    now = f"{int(time.time() * 1_000) & 0xFFFFFFFFFFFF:012x}"
    random = secrets.token_hex(count * _RANDOM // 2)
    return [now + random[start : start + _RANDOM] for start in range(0, len(random), _RANDOM)]
