"""What a group saved on its bank money in a period, and its working capital; with every assumption in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyjpm.errors.deployment import InvalidRequest
from pyjpm.ledger import Ledger
from pyjpm.session import Moment, unix_seconds
from pyjpm.treasury.assumptions import Assumptions
from pyjpm.treasury.flows import Period, flows
from pyjpm.treasury.group import Group
from pyjpm.treasury.idle import IdleMoney, idle_money
from pyjpm.treasury.orders import OrderDays, order_days
from pyjpm.treasury.savings import Savings, savings
from pyjpm.treasury.view import GroupView, view


@dataclass(frozen=True, slots=True)
class TreasuryReport:
    """One period of a group. ``accounts`` are at its end."""

    group: Group
    period: Period
    assumptions: Assumptions
    accounts: GroupView
    saved: Savings
    orders: tuple[OrderDays, ...]
    idle: tuple[IdleMoney, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-able data. What stands under ``assumed`` rests on the assumptions, all else does not."""
        return {
            "group": self.group.name,
            "members": {str(each.participant): each.name for each in self.group.member},
            "since": _text(self.period.since),
            "until": _text(self.period.until),
            "assumptions": self.assumptions.to_dict(),
            "accounts": self.accounts.to_dict(),
            "saved": self.saved.to_dict(),
            "working_capital": {
                "orders": [each.to_dict() for each in self.orders],
                "idle": [each.to_dict() for each in self.idle],
            },
        }


def report(ledger: Ledger, group: Group, assumptions: Assumptions, *, since: Moment, until: Moment) -> TreasuryReport:
    """A group's report, from ``since`` (included) to ``until`` (not included), out of a ledger that is synced so far.

    Raises:
        RateMissing: the assumptions name no rate of a currency that was used.
        InvalidRequest: the period ends before it begins, or a time has no zone.
        LedgerReadsOnly: the ledger was opened without its platform.
    """
    first, last = unix_seconds(since), unix_seconds(until)
    if first is None or last is None or first >= last:
        raise InvalidRequest("The period ends before it begins.")
    period, members = Period(first, last), group.participants
    found = flows(ledger, members, period)
    return TreasuryReport(
        group=group,
        period=period,
        assumptions=assumptions,
        accounts=view(ledger, group, assumptions, at_time=last - 1),
        saved=savings(found, members, assumptions),
        orders=order_days(ledger, members, period, assumptions),
        idle=idle_money(ledger, members, period, found.flows, assumptions),
    )


def _text(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
