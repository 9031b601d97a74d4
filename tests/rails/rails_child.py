"""What a process does with one payment, from whatever it finds; it kills itself at a step.

Every step is instrumented at once, and counted: to die at step 0, 1, 2 … until the payment is through leaves none out.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rails.rails_support import IBAN, Plain, Table, instruction

from pyjpm import LocalSigner, Platform
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.rails import RailNotChangeable
from pyjpm.payments import Payments
from pyjpm.rails import FolderGateway, Rails, RailStatus, gateway, parse_rulebook
from pyjpm.rails.lock import TokenLock
from pyjpm.rails.store import Choices
from pyjpm.sending.acceptance import Acceptance
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.decisions import Decisions
from pyjpm.sending.effects import Effects
from pyjpm.sending.outcomes import Outcomes
from pyjpm.sending.outside import Answer, Refused

STEPS: Final[tuple[tuple[Any, str], ...]] = (
    (Choices, "choose"),
    (Choices, "advance"),
    (Choices, "record"),
    (Choices, "hold"),
    (Choices, "end"),
    (TokenLock, "close"),
    (TokenLock, "_void"),
    (TokenLock, "_withdraw"),
    (Decisions, "void"),
    (Payments, "create"),
    (Acceptance, "accept"),
    (Attempts, "commit_bytes"),
    (Attempts, "mark_broadcast"),
    (Outcomes, "write"),
    (Effects, "_intend"),
    (Effects, "_set"),
    (Effects, "_settled"),
    (FolderGateway, "find"),
    (FolderGateway, "send"),
    (gateway, "_write"),
    (gateway, "_sync"),
)


class Refusing(FolderGateway):
    """A hub that refuses whatever it is given."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._refuses = folder / "refused"

    def send(self, reference: str, content: Any) -> Answer | None:
        (self._refuses / f"{reference.removeprefix('swift/')}.xml").write_text(content["text"])
        return Refused("no")


@dataclass
class Job:
    """One payment and what its client does about it."""

    url: str
    record: Any
    signer: LocalSigner
    journal: str | Path
    folder: Path
    payee: int
    rules: str
    key: str
    amount: str
    changes: bool
    refuses: bool

    def opened(self) -> tuple[Platform, Rails]:
        platform = Platform.connect(self.url, self.record, signer=self.signer, journal=self.journal, timeout=30)
        made = Rails(
            platform,
            parse_rulebook(self.rules.encode()),
            directory=Table({f"IBAN:{IBAN}": self.payee}),
            gateway=(Refusing if self.refuses else FolderGateway)(self.folder),
            maker=Plain(),
            patience=0.02,
        )
        return platform, made

    def run(self, *, die_at: int | None, asks: bool) -> None:
        """Go on with what is stored; where the client still ``asks``, ask as it would until there is an end."""
        if die_at is not None:
            die_at_step(die_at)
        platform, made = self.opened()
        made.resume()
        if asks:
            self._ask(made)
        try:
            made.wait(self.key)
        except PyjpmError:
            # Not stored yet, or refused by the chain in a story that goes on after that.
            if asks:
                raise
        platform.close()

    def _ask(self, made: Rails) -> None:
        try:
            made.pay(instruction(self.amount), idempotency_key=self.key)
        except PyjpmError:
            assert self.changes
        # Once: what was changed already has its trail.
        while self.changes and not made.get(self.key).moves:
            try:
                made.change(self.key, who="ada", reason="try the other one")
            except RailNotChangeable:
                if made.wait(self.key).status is not RailStatus.FAILED:
                    break


def die_at_step(number: int) -> None:
    passed = 0

    def step() -> None:
        nonlocal passed
        if passed == number:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    def stepping(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            step()
            result = original(*args, **kwargs)
            step()
            return result

        return call

    for owner, name in STEPS:
        setattr(owner, name, stepping(getattr(owner, name)))
