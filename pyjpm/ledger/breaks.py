"""Breaks: what does not agree between ledger, chain and bank, each by its kind, with where it is and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final


class BreakKind(StrEnum):
    """What kind of break it is."""

    # ledger and chain
    EVENT_MISSED = "EVENT_MISSED"
    """An event that the ledger never saw."""
    LEDGER_ROW_MISSING = "LEDGER_ROW_MISSING"
    LEDGER_ROW_ALTERED = "LEDGER_ROW_ALTERED"
    LEDGER_ROW_UNKNOWN = "LEDGER_ROW_UNKNOWN"
    """A row that no event stands behind."""
    LEDGER_TOTAL_DIFFERS = "LEDGER_TOTAL_DIFFERS"
    BLOCK_REPLACED = "BLOCK_REPLACED"
    REMITTANCE_MISMATCH = "REMITTANCE_MISMATCH"
    # chain and chain
    EVENTS_INCONSISTENT = "EVENTS_INCONSISTENT"
    FIGURE_DIFFERS = "FIGURE_DIFFERS"
    """A contract answers another figure than its events add up to."""
    ORDER_STATE_DIFFERS = "ORDER_STATE_DIFFERS"
    TRADE_STATE_DIFFERS = "TRADE_STATE_DIFFERS"
    RESERVE_SHORT = "RESERVE_SHORT"
    """Less is attested than was issued."""
    # chain and bank
    MINT_WITHOUT_DEPOSIT = "MINT_WITHOUT_DEPOSIT"
    DEPOSIT_NOT_MINTED = "DEPOSIT_NOT_MINTED"
    DEPOSIT_CREDITED_TWICE = "DEPOSIT_CREDITED_TWICE"
    DEPOSIT_AMOUNT_DIFFERS = "DEPOSIT_AMOUNT_DIFFERS"
    PAID_NOT_BURNED = "PAID_NOT_BURNED"
    """Fiat left, and the tokens are still there."""
    PAID_AND_RETURNED = "PAID_AND_RETURNED"
    """Fiat left, and the tokens were given back."""
    BURNED_NOT_PAID = "BURNED_NOT_PAID"
    PAID_TWICE = "PAID_TWICE"
    PAYOUT_AMOUNT_DIFFERS = "PAYOUT_AMOUNT_DIFFERS"
    UNKNOWN_BANK_ENTRY = "UNKNOWN_BANK_ENTRY"
    NOT_ON_STATEMENT = "NOT_ON_STATEMENT"
    """The bank's file has a deposit or payout that its statement has not, or has otherwise, or less often."""


_SYNC_ANEW: Final = "Make the ledger anew from the first block (drop its tables, sync), and find out who wrote to it."

REMEDIES: Final[dict[BreakKind, str]] = {
    BreakKind.EVENT_MISSED: "A node left it out. Make the ledger anew from a trusted node; look at the one it was read "
    "from.",
    BreakKind.LEDGER_ROW_MISSING: _SYNC_ANEW,
    BreakKind.LEDGER_ROW_ALTERED: _SYNC_ANEW,
    BreakKind.LEDGER_ROW_UNKNOWN: _SYNC_ANEW,
    BreakKind.LEDGER_TOTAL_DIFFERS: _SYNC_ANEW,
    BreakKind.BLOCK_REPLACED: "Sync: the chain took blocks back. If it stays, the ledger is of another chain.",
    BreakKind.REMITTANCE_MISMATCH: "Do not book on this remittance; read it again from the payment's transaction.",
    BreakKind.EVENTS_INCONSISTENT: "Ask another node: events are missing from what this one shows.",
    BreakKind.FIGURE_DIFFERS: "Ask another node; if it says the same, stop minting and call whoever answers for the "
    "contracts.",
    BreakKind.ORDER_STATE_DIFFERS: "Ask another node: events of the order are missing from what this one shows.",
    BreakKind.TRADE_STATE_DIFFERS: "Ask another node: events of the trade are missing from what this one shows.",
    BreakKind.RESERVE_SHORT: "Have the auditors attest again; nothing can be minted until they do.",
    BreakKind.MINT_WITHOUT_DEPOSIT: "Find the deposit. If there is none, have compliance freeze the amount and correct "
    "the mint.",
    BreakKind.DEPOSIT_NOT_MINTED: "Mint it under its reference, or send the money back.",
    BreakKind.DEPOSIT_CREDITED_TWICE: "Have the bank reverse the second credit; mint nothing for it.",
    BreakKind.DEPOSIT_AMOUNT_DIFFERS: "Correct the difference with a deposit or payout of its own.",
    BreakKind.PAID_NOT_BURNED: "Settle the redemption with this payout's reference, or recall the payout.",
    BreakKind.PAID_AND_RETURNED: "Recall the payout, or have the amount frozen and redeemed again.",
    BreakKind.BURNED_NOT_PAID: "Pay it out now, under the fiat reference of the redemption.",
    BreakKind.PAID_TWICE: "Recall the second payout.",
    BreakKind.PAYOUT_AMOUNT_DIFFERS: "Pay or recall the difference.",
    BreakKind.UNKNOWN_BANK_ENTRY: "Ask the bank what it is; put it to suspense until then.",
    BreakKind.NOT_ON_STATEMENT: "Ask for the statement of that day; if the entry is not on it, the file is wrong.",
}


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that does not agree.

    Attributes:
        what: a sentence.
        where: a table's row, a contract's figure, or an entry of the bank.
        block, day: when it happened, where that can be said (UTC).
        currency: of the amounts; ``expected`` and ``found`` are minor units where it is named.
        expected: what chain (or, of what only the bank has, the bank) says.
        found: what the other one says; None for nothing.
    """

    kind: BreakKind
    what: str
    where: str
    block: int | None = None
    day: date | None = None
    currency: str | None = None
    expected: int | str | None = None
    found: int | str | None = None

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.kind]

    def to_dict(self) -> dict[str, Any]:
        """The break as JSON-able data."""
        plain = {**asdict(self), "day": None if self.day is None else self.day.isoformat()}
        return {**plain, "kind": self.kind.value, "remedy": self.remedy}
