"""How a script of ours ends: its result as JSON or as lines, an error as one line, never a traceback."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pyjpm.cli import one_line
from pyjpm.errors.base import PyjpmError


def finish(work: Callable[[], Mapping[str, Any]], *, as_json: bool) -> Mapping[str, Any]:
    """Does a script's work and prints what it did; an error of ours ends the process with 1 and one line."""
    try:
        done = work()
    except PyjpmError as error:
        print(one_line(error), file=sys.stderr)
        raise SystemExit(1) from None
    if as_json:
        print(json.dumps(done, indent=1, sort_keys=True))
    else:
        for name, value in done.items():
            print(f"{name:18} {value}")
    return done
