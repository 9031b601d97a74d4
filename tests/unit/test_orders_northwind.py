"""The example's queue, run by the rules in memory, comes to what the CSV says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

from pyjpm.orders import EventKind, MilestoneMode, load_mapping, open_queue

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "northwind"


def test_northwind_events_come_to_what_the_csv_says(tmp_path: Path) -> None:
    # a process of its own: the judge shares nothing with what it judges
    judge = subprocess.run(
        [sys.executable, ROOT / "tests" / "northwind_oracle.py"], capture_output=True, text=True, check=True
    )
    expected = json.loads(judge.stdout)
    states: dict[tuple[str, int], str] = {}
    final: Counter[str] = Counter()
    customers: dict[str, Counter[str]] = defaultdict(Counter)
    with open_queue(EXAMPLE / "orders.csv", load_mapping(EXAMPLE / "mapping.toml"), tmp_path / "queue") as queue:
        assert queue.counts() == {"orders": 830, "events": 2883, "pending": 2883, "unusable": 0, "parties": 90}
        for event in (event for group in queue.groups() for event in group.events):
            if event.kind is EventKind.END:
                assert event.at == 899251199  # 1998-06-30T23:59:59Z
                continue
            order = queue.order(event.order)
            for index, milestone in enumerate(order.milestones):
                key = (order.id, index)
                prefunded = milestone.mode is MilestoneMode.PREFUND
                if event.kind is EventKind.OPEN:
                    states[key] = "live"
                elif event.kind is EventKind.STATUS and event.payload["at"] <= milestone.attest_by:
                    assert event.payload["number"] == milestone.required
                    states[key] = "released"
                elif event.kind is EventKind.DEADLINE and event.payload["milestone"] == index:
                    assert event.at == order.attest_end(index) + 1
                    if states[key] == "live":
                        states[key] = "refunded" if prefunded else "cancelled"
        for order in queue.orders():
            mine = customers[order.buyer]
            mine["orders"] += 1
            mine["ordered"] += order.amount.minor
            assert sum(milestone.amount_minor for milestone in order.milestones) == order.amount.minor
            for index, milestone in enumerate(order.milestones):
                mine["prefunded"] += milestone.amount_minor if milestone.mode is MilestoneMode.PREFUND else 0
                mine[states[order.id, index]] += milestone.amount_minor
                final[states[order.id, index]] += milestone.amount_minor
            ends = {states[order.id, index] for index in range(len(order.milestones))}
            final[f"{ends.pop()}_orders" if len(ends) == 1 else "mixed_orders"] += 1

    assert "live" not in final
    for state in ("released", "refunded", "cancelled"):
        assert Decimal(final[state]) / 100 == Decimal(expected[state])
        assert final[f"{state}_orders"] == expected[f"{state}_orders"]
    assert final["mixed_orders"] == expected["mixed_orders"]
    judged = {buyer: Counter(sums) for buyer, sums in expected["customers"].items()}
    assert judged == customers  # counters: a sum that is absent is zero


def test_the_figures_of_the_example_are_frozen() -> None:
    """So that neither the example nor its judge changes unseen."""
    judge = subprocess.run(
        [sys.executable, ROOT / "tests" / "northwind_oracle.py"], capture_output=True, text=True, check=True
    )
    figures = json.loads(judge.stdout)
    del figures["customers"]
    assert figures == {
        "orders": 830,
        "released_orders": 772,
        "released": "1173320.16",
        "refunded_orders": 14,
        "refunded": "26306.90",
        "cancelled_orders": 16,
        "cancelled": "66166.16",
        "mixed_orders": 28,
    }
