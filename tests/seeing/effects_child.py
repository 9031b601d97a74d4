"""What a process does that pays out once, starting over each time it is started; it kills itself at a point."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bank import BankByHttp
from seeing_support import CHAIN_ID, GENESIS

from pyjpm.sending.database import Database
from pyjpm.sending.effects import Effects, EffectState

# Where to die: before or after a step.
POINTS: dict[str, tuple[type, str, str]] = {
    "before-the-intent": (Effects, "_intend", "before"),
    "within-the-intents-transaction": (Effects, "_intend", "after"),
    "after-the-intent": (Effects, "intend", "after"),
    "before-the-claim": (Effects, "_set", "before"),
    "after-the-claim": (Effects, "_set", "after"),
    "after-asking": (BankByHttp, "find", "after"),
    "before-telling": (BankByHttp, "send", "before"),
    "after-telling": (BankByHttp, "send", "after"),
    "before-storing-the-outcome": (Effects, "_settled", "before"),
    "after-storing-the-outcome": (Effects, "_settled", "after"),
}
CONTENT = {"amount": 12_500_00, "currency": "USD", "iban": "GB33BUKB20201555555555"}


def pay(journal: str | Path, port: int, reference: str, *, patience: float, point: str = "") -> None:
    if point:
        die_at(*POINTS[point])
    database = Database(journal, genesis_hash=GENESIS, chain_id=CHAIN_ID)
    effects = Effects(database, patience=patience)
    effects.intend(reference, "payout", CONTENT)
    bank = BankByHttp(port)
    while effects.carry_out(reference, bank).state is not EffectState.CONFIRMED:
        time.sleep(0.02)
    database.close()


def die_at(owner: type, name: str, when: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)
