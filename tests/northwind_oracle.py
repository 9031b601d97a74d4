"""What Northwind must come to, worked out from its CSV alone.

The judge of the replay: it shares no code with pyjpm, reads the file with the csv module and reckons in Decimal,
straight from the rules in words. Run it to see the figures: ``python tests/northwind_oracle.py``.

* Germany and USA, goods first: the whole amount is owed when SHIPPED.
* Brazil, Venezuela, Argentina and Mexico, pay first: the whole amount is put up in advance.
* Everybody else: 30 % in advance, rounded down to the cent, and the rest owed when SHIPPED.
* Shipped on or before required_date releases everything. Later, or not at all by the end of 1998-06-30 (after the last
  required_date), what was put up goes back (refunded) and what was to be owed is cancelled.
* An order counts once: under the state that all its milestones share, else as mixed.
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, field
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

ORDERS = Path(__file__).parent.parent / "examples" / "northwind" / "orders.csv"
GOODS_FIRST = {"Germany", "USA"}
PAY_FIRST = {"Brazil", "Venezuela", "Argentina", "Mexico"}
CENT = Decimal("0.01")
NOTHING = Decimal("0.00")


@dataclass
class Customer:
    """One buyer's sums in cents: of all orders, put up in advance, and by final state of the milestones."""

    orders: int = 0
    ordered: int = 0
    prefunded: int = 0
    released: int = 0
    refunded: int = 0
    cancelled: int = 0


@dataclass
class Expected:
    """The figures of the whole file, in USD."""

    orders: int = 0
    released_orders: int = 0
    released: Decimal = NOTHING
    refunded_orders: int = 0
    refunded: Decimal = NOTHING
    cancelled_orders: int = 0
    cancelled: Decimal = NOTHING
    mixed_orders: int = 0
    customers: dict[str, Customer] = field(default_factory=dict)


def northwind(path: Path = ORDERS) -> Expected:
    """The expected figures of an order file with Northwind's columns."""
    expected = Expected()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            _count(row, expected)
    return expected


def _count(row: dict[str, str], expected: Expected) -> None:
    amount = Decimal(row["amount_usd"])
    if row["ship_country"] in GOODS_FIRST:
        advance = NOTHING
    elif row["ship_country"] in PAY_FIRST:
        advance = amount
    else:
        advance = (amount * 30 / 100).quantize(CENT, rounding=ROUND_DOWN)
    owed = amount - advance
    # ISO dates compare as text
    in_time = row["shipped_date"] != "" and row["shipped_date"] <= row["required_date"]
    released = amount if in_time else NOTHING
    refunded = NOTHING if in_time else advance
    cancelled = NOTHING if in_time else owed

    expected.orders += 1
    expected.released += released
    expected.refunded += refunded
    expected.cancelled += cancelled
    states = [state for state, part in zip("rfc", (released, refunded, cancelled), strict=True) if part > 0]
    expected.released_orders += states == ["r"]
    expected.refunded_orders += states == ["f"]
    expected.cancelled_orders += states == ["c"]
    expected.mixed_orders += len(states) > 1

    customer = expected.customers.setdefault(row["customer_id"], Customer())
    customer.orders += 1
    customer.ordered += int(amount * 100)
    customer.prefunded += int(advance * 100)
    customer.released += int(released * 100)
    customer.refunded += int(refunded * 100)
    customer.cancelled += int(cancelled * 100)


if __name__ == "__main__":
    print(json.dumps(asdict(northwind()), indent=2, default=str))
