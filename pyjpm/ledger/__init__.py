"""The ledger: what the events of a platform add up to, and whether that is what the chain says."""

from __future__ import annotations

from pyjpm.ledger.comparison import Comparison, Difference, compare
from pyjpm.ledger.projection import Projection, TokenBook, read_events

__all__ = ["Comparison", "Difference", "Projection", "TokenBook", "compare", "read_events"]
