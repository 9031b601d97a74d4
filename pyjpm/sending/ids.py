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


def new_id() -> str:
    """A name that nothing else has, above those made in earlier milliseconds."""
    return f"{int(time.time() * 1_000) & 0xFFFFFFFFFFFF:012x}{secrets.token_hex(10)}"
