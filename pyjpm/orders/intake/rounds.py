"""Which events are carried on together: of each order one at a time, its lower revisions first.

So each step is asked for once for many events, and still each event of an order finds the one before it sent, as if
they had been carried on one after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from pyjpm.orders.intake.book import Name


def rounds(rows: Sequence[Row[Any]], chain_orders: Mapping[Name, str]) -> list[list[Row[Any]]]:
    """The events in rounds, each in the order given. ``chain_orders``: two names may be one order on the chain."""
    found: list[list[Row[Any]]] = []
    turns: dict[str | Name, int] = defaultdict(int)
    for row in rows:
        name = (row.source, row.order_id)
        order = chain_orders.get(name, name)
        if turns[order] == len(found):
            found.append([])
        found[turns[order]].append(row)
        turns[order] += 1
    return found
