"""A payment as the rails hand it out: its one rail, why, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pyjpm.money import Money
from pyjpm.rails.rulebook import Rail
from pyjpm.rails.store import Move
from pyjpm.sending import Submission, SubmissionState
from pyjpm.sending.effects import Effect, EffectState
from pyjpm.sending.operation import NEGATIVE


class RailStatus(StrEnum):
    """How far a payment is on its rail."""

    ACCEPTED = "ACCEPTED"
    """Chosen and stored; it is on its way."""
    LOCKING = "LOCKING"
    """It goes by SWIFT; the chain has not confirmed yet that it can never go by token. No message exists."""
    PAID = "PAID"
    """The creditor has the tokens."""
    SENT = "SENT"
    """The gateway has the message."""
    FAILED = "FAILED"
    """This rail did not carry it: repeat it, or change the rail."""


def status_of_submission(submission: Submission) -> RailStatus:
    """How far a token payment is."""
    if submission.state is SubmissionState.FINAL:
        return RailStatus.PAID
    failed = submission.state in NEGATIVE or submission.state is SubmissionState.CONFLICT
    return RailStatus.FAILED if failed else RailStatus.ACCEPTED


def status_of_effect(effect: Effect) -> RailStatus:
    """How far a message is."""
    ended = {EffectState.CONFIRMED: RailStatus.SENT, EffectState.FAILED: RailStatus.FAILED}
    return ended.get(effect.state, RailStatus.ACCEPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RailPayment:
    """One payment at one moment.

    Attributes:
        key: its idempotency key.
        rail: the one that it takes; where a message is, TOKEN is closed for good, and the other way round.
        rule, why: which rule chose the rail, and what it looked at. The first choice: ``moves`` tells later ones.
        leg: how often it has begun anew, after the gateway had refused a message.
        reference: of the token payment (``0x…``), or the message's own.
        uetr: of the message; None by token.
        detail: what the outbox or the gateway said last.
    """

    key: str
    amount: Money
    rail: Rail
    status: RailStatus
    rule: str
    why: tuple[str, ...]
    leg: int
    reference: str
    uetr: str | None
    detail: str | None
    moves: tuple[Move, ...]

    def to_dict(self) -> dict[str, Any]:
        """The payment as JSON-able data."""
        return {
            "key": self.key,
            "amount": self.amount.to_dict(),
            "rail": self.rail.value,
            "status": self.status.value,
            "rule": self.rule,
            "why": list(self.why),
            "leg": self.leg,
            "reference": self.reference,
            "uetr": self.uetr,
            "detail": self.detail,
            "moves": [each.to_dict() for each in self.moves],
        }
