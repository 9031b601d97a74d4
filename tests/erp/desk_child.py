"""The example's desk as processes that may die: this one has imported everything and opened nothing, and forks them.

Takes one JSON array a line, the points at which the next desk kills itself; answers with that desk's process id, and,
once it has ended, with its return code (negative: the signal). What desks print goes to ``DESK_LOG``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from lifeline import dies_with_its_parent

from pyjpm.amendments import Amendments
from pyjpm.escrow import Escrow
from pyjpm.orders.connectors.tryton import TrytonConnector
from pyjpm.orders.connectors.tryton_books import TrytonSettlements
from pyjpm.orders.intake import Intake, OrderBook
from pyjpm.sending.effects import Effects

DESK = Path(__file__).resolve().parents[2] / "examples" / "tryton" / "desk.py"
POINTS: dict[str, tuple[type, str, str]] = {
    "after-polling": (TrytonConnector, "poll", "after"),
    "after-storing-events": (Intake, "poll", "after"),
    "after-binding": (OrderBook, "bind", "after"),
    "after-funding": (Escrow, "fund", "after"),
    "before-attesting": (Escrow, "attest", "before"),
    "after-attesting": (Escrow, "attest", "after"),
    "after-intending": (Effects, "intend", "after"),
    "after-claiming": (Effects, "_set", "after"),
    "after-telling": (TrytonSettlements, "send", "after"),
    "before-crediting": (Amendments, "credit", "before"),
    "after-crediting": (Amendments, "credit", "after"),
}


def die_at(owner: type, name: str, when: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def load_desk() -> ModuleType:
    spec = importlib.util.spec_from_file_location("desk", DESK)
    assert spec is not None
    assert spec.loader is not None
    desk = importlib.util.module_from_spec(spec)
    sys.modules["desk"] = desk
    spec.loader.exec_module(desk)
    return desk


def live(desk: ModuleType, points: list[str]) -> None:
    """One desk's life; does not return."""
    status = 1
    try:
        dies_with_its_parent()
        log = os.open(os.environ["DESK_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for point in points:
            die_at(*POINTS[point])
        desk.main()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def main() -> None:
    dies_with_its_parent()
    desk = load_desk()
    for line in sys.stdin:
        points = json.loads(line)
        child = os.fork()
        if child == 0:
            live(desk, points)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
