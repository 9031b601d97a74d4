"""The example's desk as a process that kills itself at a point, the first time that it gets there.

desk_child.py [POINT]
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def main(*points: str) -> None:
    for point in points:
        die_at(*POINTS[point])
    spec = importlib.util.spec_from_file_location("desk", DESK)
    assert spec is not None
    assert spec.loader is not None
    desk = importlib.util.module_from_spec(spec)
    sys.modules["desk"] = desk
    spec.loader.exec_module(desk)
    desk.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
