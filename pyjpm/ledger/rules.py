"""What each event of a deposit token does to the accounts: the one place where that is said.

Decisions that govern this module:

* A wallet has three kinds of accounts in a currency: ``AVAILABLE``, ``HELD`` (one for each notary) and ``FROZEN``; what
  it owns is their sum. ``ISSUED`` stands against all of them: what is minted comes out of it, what is burned goes back.
* A move has two ends, out of one account and into another. So every posting sums to zero, and all accounts together do.
* Only ``Transfer`` moves money between wallets; every other event moves it between the accounts of one. So a balance
  is right whatever becomes of holds and freezes.
* More may be frozen than is there: then ``AVAILABLE`` is below zero, and is shown as nothing available.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Bucket(StrEnum):
    """The kinds of accounts."""

    AVAILABLE = "AVAILABLE"
    HELD = "HELD"
    FROZEN = "FROZEN"
    ISSUED = "ISSUED"


OWN_HOLD: Final = "(token)"
"""In the place of a notary's argument: the token that emitted the event, which holds for redemptions."""


class End(NamedTuple):
    """One end of a move. ``wallet`` and ``notary`` name the event's arguments."""

    bucket: Bucket
    wallet: str
    notary: str = ""


class Move(NamedTuple):
    """What one event moves. ``amount`` names the event's argument."""

    amount: str
    out: End
    into: End


def _back(notary: str, payer: str) -> tuple[Move, ...]:
    return (Move("amount", End(Bucket.HELD, payer, notary), End(Bucket.AVAILABLE, payer)),)


MOVES: Final[dict[str, tuple[Move, ...]]] = {
    "Transfer": (Move("value", End(Bucket.AVAILABLE, "from"), End(Bucket.AVAILABLE, "to")),),
    "Held": (Move("amount", End(Bucket.AVAILABLE, "payer"), End(Bucket.HELD, "payer", "notary")),),
    "HoldExecuted": _back("notary", "payer"),
    "HoldReleased": _back("notary", "payer"),
    "HoldNetted": _back("notary", "payer"),
    "HoldCancelledByOrder": _back("notary", "payer"),
    "HoldRescued": _back("notary", "payer"),
    "RedemptionSettled": _back(OWN_HOLD, "wallet"),
    "HoldMoved": (
        Move("amount", End(Bucket.HELD, "lost", "notary"), End(Bucket.AVAILABLE, "lost")),
        Move("amount", End(Bucket.AVAILABLE, "successor"), End(Bucket.HELD, "successor", "notary")),
    ),
    "AmountFrozen": (Move("amount", End(Bucket.AVAILABLE, "wallet"), End(Bucket.FROZEN, "wallet")),),
    "AmountUnfrozen": (Move("amount", End(Bucket.FROZEN, "wallet"), End(Bucket.AVAILABLE, "wallet")),),
    "Seized": (Move("frozenReleased", End(Bucket.FROZEN, "from"), End(Bucket.AVAILABLE, "from")),),
    "Recovered": (
        Move("frozen", End(Bucket.FROZEN, "lost"), End(Bucket.AVAILABLE, "lost")),
        Move("frozen", End(Bucket.AVAILABLE, "successor"), End(Bucket.FROZEN, "successor")),
    ),
}
"""By the event's name. A ``Transfer`` from or to the zero address has ``ISSUED`` at that end."""


class Kind(StrEnum):
    """What a posting is. Those of one wallet's accounts are called after their event."""

    PAYMENT = "PAYMENT"
    TRANSFER = "TRANSFER"
    """A plain ERC-20 transfer: without a reference."""
    MINT = "MINT"
    REDEMPTION = "REDEMPTION"
    ESCROW = "ESCROW"
    TRADE = "TRADE"
    RULE = "RULE"
    """A standing instruction, by mandate or consent."""
    HOLD_PAID = "HOLD_PAID"
    """Out of a hold of another notary."""
    NET = "NET"
    """What was left of a net."""
    SEIZED = "SEIZED"
    RECOVERED = "RECOVERED"
    HELD = "HELD"
    HOLD_EXECUTED = "HOLD_EXECUTED"
    HOLD_RELEASED = "HOLD_RELEASED"
    HOLD_NETTED = "HOLD_NETTED"
    HOLD_CANCELLED = "HOLD_CANCELLED"
    HOLD_RESCUED = "HOLD_RESCUED"
    HOLD_MOVED = "HOLD_MOVED"
    REDEMPTION_BURNED = "REDEMPTION_BURNED"
    FROZEN = "FROZEN"
    UNFROZEN = "UNFROZEN"


WITHIN: Final[dict[str, Kind]] = {
    "Held": Kind.HELD,
    "HoldExecuted": Kind.HOLD_EXECUTED,
    "HoldReleased": Kind.HOLD_RELEASED,
    "HoldNetted": Kind.HOLD_NETTED,
    "HoldCancelledByOrder": Kind.HOLD_CANCELLED,
    "HoldRescued": Kind.HOLD_RESCUED,
    "RedemptionSettled": Kind.REDEMPTION_BURNED,
    "HoldMoved": Kind.HOLD_MOVED,
    "AmountFrozen": Kind.FROZEN,
    "AmountUnfrozen": Kind.UNFROZEN,
    "Seized": Kind.UNFROZEN,
    "Recovered": Kind.UNFROZEN,
}
"""What the postings of an event are, but for ``Transfer``."""

EXPLAINS: Final[dict[str, Kind]] = {
    "Paid": Kind.PAYMENT,
    "DepositMinted": Kind.MINT,
    "RedemptionSettled": Kind.REDEMPTION,
    "HoldExecuted": Kind.HOLD_PAID,
    "Seized": Kind.SEIZED,
    "Recovered": Kind.RECOVERED,
    "HoldMoved": Kind.RECOVERED,
}
"""What a ``Transfer`` is that stands right after such an event of the same contract, in the same transaction."""

NOTARIES: Final[dict[str, Kind]] = {
    "OrderEscrow": Kind.ESCROW,
    "Settlement": Kind.TRADE,
    "PaymentRules": Kind.RULE,
}
"""What a ``Transfer`` out of a hold is, by the notary's name in the deployment record."""

NOT_CHARGED: Final = frozenset(EXPLAINS) - {"Paid"}
"""Events after which a ``Transfer`` is not charged to the payer's limit."""
