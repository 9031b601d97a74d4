"""The ledger: what the events of a platform add up to, and whether that is what the chain and the bank say."""

from __future__ import annotations

from pyjpm.ledger.balances import LedgerBalance
from pyjpm.ledger.bank import BankEntry, read_bank_file
from pyjpm.ledger.breaks import Break, BreakKind
from pyjpm.ledger.comparison import Comparison, Difference, compare
from pyjpm.ledger.items import Item, OpenItem, OpenItems, Unapplied, read_items_file
from pyjpm.ledger.ledger import Ledger
from pyjpm.ledger.lives import MilestoneLife, OrderLife, Told, TradeLife
from pyjpm.ledger.payments import LedgerPayment
from pyjpm.ledger.projection import Projection, TokenBook, read_events
from pyjpm.ledger.reconciliation import Reconciliation
from pyjpm.ledger.rules import Bucket, Kind
from pyjpm.ledger.statements import Statement, StatementEntry
from pyjpm.ledger.syncing import Synced

__all__ = [
    "BankEntry",
    "Break",
    "BreakKind",
    "Bucket",
    "Comparison",
    "Difference",
    "Item",
    "Kind",
    "Ledger",
    "LedgerBalance",
    "LedgerPayment",
    "MilestoneLife",
    "OpenItem",
    "OpenItems",
    "OrderLife",
    "Projection",
    "Reconciliation",
    "Statement",
    "StatementEntry",
    "Synced",
    "TokenBook",
    "Told",
    "TradeLife",
    "Unapplied",
    "compare",
    "read_bank_file",
    "read_events",
    "read_items_file",
]
