"""JSON from outside, such as another company or another process sends, read so that its depth does no harm.

Libraries of ours raise Python's recursion limit far above what the interpreter's stack holds, so that :mod:`json` alone
would not refuse what is nested too deeply but crash. Only ``orjson`` bounds the depth, and only ``json`` keeps how
numbers are written: so both read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson


def read_json(text: str | bytes, *, parse_float: Callable[[str], Any] = float) -> Any:
    """The value of a JSON text.

    Args:
        parse_float: makes something of a number that is not whole, as it is written.

    Raises:
        ValueError: it is no JSON (RFC 8259), or nested more than 1,024 deep.
    """
    orjson.loads(text)
    try:
        return json.loads(text, parse_float=parse_float)
    except RecursionError:  # where nobody raised the limit
        raise ValueError("nested too deeply") from None
