"""What the tests of the intake share: a world of an ERP's orders, each bound to an order on the chain."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from sdk.orders import Attesters, agreed, key, milestone, usd

from pyjpm import Document, Mode, Platform
from pyjpm.order import MilestoneState
from pyjpm.orders.intake import Intake, IntakeMapping, StatusEvent, Triggers

MAPPING = IntakeMapping.model_validate(
    {
        "statuses": {"SHIPPED": 1, "DELIVERED": 2, "DAMAGED": 9},
        "rule": [
            {"status": "done", "means": "SHIPPED"},
            {"status": "delivered", "means": "DELIVERED", "milestone": 0},
            {"status": ["broken", "lost"], "means": "DAMAGED"},
            {"status": "draft", "ignore": True},
        ],
    }
)
HUNDRED = 100_00
ATTESTER_KEYS = [keccak(text=f"attester {number} of the intake's tests") for number in range(3)]
_numbers = itertools.count(1)


class Clock:
    """The machine's clock, moved by the test."""

    def __init__(self, at: float) -> None:
        self.at = at

    def monotonic(self) -> float:
        return self.at

    def time(self) -> float:
        return self.at

    def sleep(self, seconds: float, /) -> None:
        self.at += seconds


@dataclass
class World:
    """An ERP called ``source``, and whoever takes its events in."""

    rpc: str
    bank: Platform
    buyer: Platform
    seller: Platform
    attesters: Attesters
    database: str | Path
    source: str
    opened: list[Intake] = field(default_factory=list)

    def intake(self, triggers: Triggers | None = None, **options: Any) -> Intake:
        """A new process' intake over the same database."""
        more = {} if triggers is None else {"triggers": triggers}
        given = {"mapping": MAPPING, "attesters": self.attesters.signers, **more, **options}
        made = Intake(self.bank, self.database, **given)
        self.opened.append(made)
        return made

    def agreed(self, mode: Mode = Mode.PREFUND, amount: str = "100.00", **more: Any) -> Document:
        """An order that both parties signed, not on the chain yet."""
        terms = {name: more.pop(name) for name in ("negative_statuses", "submit_grace") if name in more}
        return agreed(self.buyer, self.seller, self.attesters, milestone(self.bank, mode, amount, **more), **terms)

    def funded(self, amount: str = "100.00", **more: Any) -> Document:
        """An order that is open and funded."""
        document = self.agreed(Mode.PREFUND, amount, **more)
        self.fund(document)
        return document

    def fund(self, document: Document) -> None:
        """The buyer opens and funds the first milestone."""
        self.buyer.escrow.fund(document, idempotency_key=key("fund")).wait()

    def bound(self, intake: Intake, document: Document, **options: Any) -> str:
        """The ERP's id of an order, bound to this one."""
        order = f"SO{next(_numbers):05}"
        intake.book.bind(self.source, order, document, **options)
        return order

    def event(self, order: str, status: str = "done", *, seq: int = 1, **more: Any) -> StatusEvent:
        """What the ERP says, a moment ago by the chain's clock unless ``at`` is given."""
        said = {"at": self.bank.session.now(), **more}
        return StatusEvent(source=self.source, order=order, seq=seq, status=status, **said)

    def milestone(self, document: Document, index: int = 0) -> MilestoneState:
        """A milestone as the chain has it."""
        return self.bank.escrow.get(document).milestones[index]

    def paid(self) -> int:
        """What the seller has, in minor units, read past every layer of ours."""
        return usd(self.bank, self.seller)

    def attested(self, document: Document) -> list[int]:
        """The seq of every attestation of an order that the chain took, in its order."""
        order_id = bytes.fromhex(self.bank.escrow.order_id(document)[2:])
        found = []
        for name in ("StatusAttested", "AttestationIgnored"):
            found += [
                (event.block, event.arguments["seq"])
                for event in self.bank.session.events("OrderEscrow", name, order_id)
            ]
        return [seq for _, seq in sorted(found)]

    def close(self) -> None:
        """Every intake given back."""
        for intake in self.opened:
            intake.close()
