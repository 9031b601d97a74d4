"""Order logs: what an ERP says becomes events, in order, on disk.

``load_mapping`` reads what a log's columns mean, ``open_queue`` reads the log into an :class:`OrderQueue`, and whoever
executes a replay takes events from the queue and marks what became of them.
"""

from __future__ import annotations

from pyjpm.orders.events import (
    EventKind,
    MilestoneMode,
    OrderEvent,
    OrderMilestone,
    OrderRecord,
    Party,
    RowReason,
    UnusableRow,
)
from pyjpm.orders.filling import fingerprint, open_queue
from pyjpm.orders.mapping import OrderMapping, load_mapping
from pyjpm.orders.queue import DONE, EventGroup, EventOutcome, OrderQueue

__all__ = [
    "DONE",
    "EventGroup",
    "EventKind",
    "EventOutcome",
    "MilestoneMode",
    "OrderEvent",
    "OrderMapping",
    "OrderMilestone",
    "OrderQueue",
    "OrderRecord",
    "Party",
    "RowReason",
    "UnusableRow",
    "fingerprint",
    "load_mapping",
    "open_queue",
]
