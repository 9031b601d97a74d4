"""A recall as it is in the book: what it is about, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row

from pyjpm.money import Money


class RecallState(StrEnum):
    """How far a recall is."""

    RECEIVED = "RECEIVED"
    """In the book; its deposit is not yet minted for good."""
    UNMATCHED = "UNMATCHED"
    """It names no deposit here, or not exactly one."""
    TOO_LATE = "TOO_LATE"
    """The deposit went back already."""
    DUPLICATE = "DUPLICATE"
    """Another recall of the same deposit is open, or has taken it back; see its reason."""
    HELD = "HELD"
    """The deposit never became tokens, and will not."""
    FREEZING = "FREEZING"
    FROZEN = "FROZEN"
    """The amount is frozen; somebody decides."""
    SHORTFALL = "SHORTFALL"
    """The amount is frozen, and not all of it is there."""
    SEIZING = "SEIZING"
    REDEEMING = "REDEEMING"
    REVERSING = "REVERSING"
    """The tokens are the bank's, and are being redeemed and paid back."""
    REVERSED = "REVERSED"
    LIFTING = "LIFTING"
    LIFTED = "LIFTED"
    """The depositor keeps it."""
    STUCK = "STUCK"
    """The chain refuses a step; see its reason. Before its return was ordered it is decided again."""


WITHOUT_EFFECT: Final = (
    RecallState.UNMATCHED,
    RecallState.TOO_LATE,
    RecallState.DUPLICATE,
    RecallState.LIFTING,
    RecallState.LIFTED,
)
"""They take no deposit: another recall of the same one stands for itself."""
DECIDABLE: Final = (RecallState.HELD, RecallState.FROZEN, RecallState.SHORTFALL)
ENDED: Final = (
    RecallState.UNMATCHED,
    RecallState.TOO_LATE,
    RecallState.DUPLICATE,
    RecallState.REVERSED,
    RecallState.LIFTED,
    *DECIDABLE,
    RecallState.STUCK,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecall:
    """A recall. ``recall_id`` is the asker's name of it, ``id`` ours; ``payout`` that of its return, from when the
    tokens are the bank's; ``taken_by`` the bank's entry that took it."""

    id: str
    recall_id: str
    entry: str | None
    participant: int | None
    amount: Money | None
    code: str
    state: RecallState
    payout: str | None
    taken_by: str | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The recall as JSON-able data."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "amount"}
        amount = None if self.amount is None else self.amount.to_dict()
        return {**plain, "amount": amount, "state": self.state.value}


def stored_recall(row: Row[Any]) -> StoredRecall:
    """A recall out of its row."""
    return StoredRecall(
        id=row.id,
        recall_id=row.recall_id,
        entry=row.entry,
        participant=row.participant,
        amount=None if row.amount is None else Money.from_minor(int(row.amount), row.currency),
        code=row.code,
        state=RecallState(row.state),
        payout=row.payout,
        taken_by=row.taken_by,
        reason=row.reason,
    )
