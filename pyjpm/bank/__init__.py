"""The bank side: deposits into tokens, redemptions into payouts, recalls and returns. See docs/bank.md."""

from __future__ import annotations

from pyjpm.bank.channel import FileChannel
from pyjpm.bank.desk import ReserveAccount
from pyjpm.bank.details import PayoutDetails
from pyjpm.bank.entries import EntryState, StoredEntry
from pyjpm.bank.payout import PayoutState, StoredPayout
from pyjpm.bank.payouts import Payouts
from pyjpm.bank.recall import RecallState, StoredRecall
from pyjpm.bank.recalls import Recalls
from pyjpm.bank.side import BankSide, Taken
from pyjpm.bank.suspense import Suspense

__all__ = [
    "BankSide",
    "EntryState",
    "FileChannel",
    "PayoutDetails",
    "PayoutState",
    "Payouts",
    "RecallState",
    "Recalls",
    "ReserveAccount",
    "StoredEntry",
    "StoredPayout",
    "StoredRecall",
    "Suspense",
    "Taken",
]
