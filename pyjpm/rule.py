"""What a standing rule looks like at one moment, and what it would do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pyjpm.errors.base import PyjpmError
from pyjpm.money import Money


class RuleState(StrEnum):
    """State of a rule, in the contract's order."""

    NONE = "NONE"
    ARMED = "ARMED"
    PAUSED = "PAUSED"
    CANCELLED = "CANCELLED"


class MandateStatus(StrEnum):
    """Status of a mandate, in the token's order."""

    NONE = "NONE"
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRule:
    """A rule at one moment.

    Attributes:
        id: the EIP-712 hash of its terms, ``0x…``.
        state: see :class:`RuleState`.
        round: of approvals; each pause starts a new one.
        approvers: who have approved by transaction in this round.
        next_period: no period before it is done any more; 0 where none was.
        mandate: whether the payer's mandate stands.
        left: what the mandate lets pass in its present period.
    """

    id: str
    state: RuleState
    round: int
    approvers: tuple[str, ...]
    next_period: int
    mandate: MandateStatus
    left: Money

    def to_dict(self) -> dict[str, Any]:
        """The rule as JSON-able data."""
        return {
            "id": self.id,
            "state": self.state,
            "round": self.round,
            "approvers": list(self.approvers),
            "next_period": self.next_period,
            "mandate": self.mandate,
            "left": self.left.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMove:
    """One payment of a rule. ``reference`` is the payment reference it spends, ``0x…``."""

    to: str
    amount: Money
    reference: str

    def to_dict(self) -> dict[str, Any]:
        """The move as JSON-able data."""
        return {"to": self.to, "amount": self.amount.to_dict(), "reference": self.reference}


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePreview:
    """What executing a period would do now.

    Attributes:
        period: the contract's number of the period.
        due_at: unix seconds.
        nodes: the answer of each node of the trigger, in its order; ``met`` is the trigger's.
        moves: what would be paid, as far as amounts and payees are known.
        problem: why nothing would be paid; None where all of ``moves`` would.
    """

    period: int
    due_at: int
    nodes: tuple[bool, ...]
    met: bool
    moves: tuple[RuleMove, ...]
    problem: PyjpmError | None

    @property
    def pays(self) -> bool:
        """Whether execution would succeed now."""
        return self.problem is None

    def to_dict(self) -> dict[str, Any]:
        """The preview as JSON-able data."""
        return {
            "period": self.period,
            "due_at": self.due_at,
            "nodes": list(self.nodes),
            "met": self.met,
            "moves": [move.to_dict() for move in self.moves],
            "problem": None if self.problem is None else {"code": self.problem.code, "message": str(self.problem)},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRule:
    """Whether a rule is due: armed, its second has come, its trigger is true."""

    id: str
    due: bool
    period: int
    due_at: int

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON-able data."""
        return {"id": self.id, "due": self.due, "period": self.period, "due_at": self.due_at}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleExecution:
    """One period that was done.

    Attributes:
        payments: how many payees were paid; the rest was voided or paid before.
        amount: of all of them together.
        block, tx: where.
    """

    period: int
    payments: int
    amount: Money
    block: int
    tx: str

    def to_dict(self) -> dict[str, Any]:
        """The execution as JSON-able data."""
        return {
            "period": self.period,
            "payments": self.payments,
            "amount": self.amount.to_dict(),
            "block": self.block,
            "tx": self.tx,
        }
