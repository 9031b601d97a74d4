"""A payout as it is in the book: what it is for, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row

from pyjpm.money import Money

REDEMPTION: Final = "redemption"
REVERSAL: Final = "reversal"
TAKEN: Final = "taken"
UNMINTED: Final = "unminted"
ON_CHAIN: Final = (REDEMPTION, REVERSAL, TAKEN)


class PayoutState(StrEnum):
    """How far a payout is."""

    ACCEPTED = "ACCEPTED"
    """In the book; nothing was done."""
    INSTRUCTING = "INSTRUCTING"
    """The chain is told that the payout is ordered."""
    TELLING = "TELLING"
    """The bank is told; it may have been."""
    TOLD = "TOLD"
    """The bank has the order; its account does not show it yet."""
    SETTLING = "SETTLING"
    """The bank has paid; the tokens are being burned."""
    SETTLED = "SETTLED"
    """Paid, and burned."""
    REFUSED = "REFUSED"
    """The bank will not pay it, or sent it back before it was settled."""
    RETURNING = "RETURNING"
    """The client is given its tokens back."""
    RETURNED = "RETURNED"
    """The client has its tokens."""
    MINTING = "MINTING"
    """It came back after it was settled, and is being minted again."""
    MINTED = "MINTED"
    """It came back after it was settled, and the client has tokens for what came."""
    STUCK = "STUCK"
    """The chain refuses a step; see its reason. It is retried by somebody, once that is mended."""


OPEN: Final = frozenset(PayoutState) - {
    PayoutState.SETTLED,
    PayoutState.RETURNED,
    PayoutState.MINTED,
    PayoutState.STUCK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPayout:
    """A payout.

    Attributes:
        outside: its name outside: EndToEndId of the order, and of all that the bank says of it.
        uetr: of the order.
        kind: ``redemption`` of a client; ``reversal`` of a deposit; ``taken``, a reversal that the bank has debited
            already; ``unminted``, a deposit sent back before it became tokens.
        reference: of the redemption on the chain; None for ``unminted``.
        bank_reference: of the debit in the bank's account.
        came_back: what came back of it.
    """

    outside: str
    uetr: str
    kind: str
    participant: int | None
    reference: str | None
    amount: Money
    state: PayoutState
    bank_reference: str | None
    came_back: Money | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The payout as JSON-able data."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in ("amount", "came_back")}
        back = None if self.came_back is None else self.came_back.to_dict()
        return {**plain, "amount": self.amount.to_dict(), "came_back": back, "state": self.state.value}


def stored_payout(row: Row[Any]) -> StoredPayout:
    """A payout out of its row."""
    back = row.came_back
    return StoredPayout(
        outside=row.outside,
        uetr=row.uetr,
        kind=row.kind,
        participant=row.participant,
        reference=row.reference,
        amount=Money.from_minor(int(row.amount), row.currency),
        state=PayoutState(row.state),
        bank_reference=row.bank_reference,
        came_back=None if back is None else Money.from_minor(int(back), row.currency),
        reason=row.reason,
    )
