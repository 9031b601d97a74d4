"""A group's accounts over all currencies at one moment."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pyjpm.errors.treasury import RateMissing
from pyjpm.ledger import Ledger
from pyjpm.money import Money
from pyjpm.session import Moment
from pyjpm.treasury.assumptions import Assumptions
from pyjpm.treasury.group import Group


@dataclass(frozen=True, slots=True)
class Position:
    """One member's money in one currency. ``balance`` is ``available``, ``held`` and ``frozen`` together."""

    member: str
    participant: int
    balance: Money
    available: Money
    held: Money
    frozen: Money

    def to_dict(self) -> dict[str, Any]:
        """The position as JSON-able data."""
        amounts = {name: str(getattr(self, name).amount) for name in ("balance", "available", "held", "frozen")}
        return {
            "member": self.member,
            "participant": self.participant,
            "currency": self.balance.currency,
            **amounts,
        }


@dataclass(frozen=True, slots=True)
class GroupView:
    """All accounts of a group.

    Attributes:
        block: at whose end.
        positions: by member and currency.
        totals: by currency, of the group.
        in_base: all of it by the assumed rates; None where one is missing.
    """

    group: str
    block: int
    positions: tuple[Position, ...]
    totals: tuple[Money, ...]
    in_base: Money | None

    def to_dict(self) -> dict[str, Any]:
        """The view as JSON-able data."""
        return {
            "group": self.group,
            "block": self.block,
            "positions": [each.to_dict() for each in self.positions],
            "totals": [each.to_dict() for each in self.totals],
            "assumed": {"in_base": None if self.in_base is None else self.in_base.to_dict()},
        }


def view(
    ledger: Ledger,
    group: Group,
    assumptions: Assumptions,
    *,
    at_block: int | None = None,
    at_time: Moment | None = None,
) -> GroupView:
    """The group's accounts: now, or at the end of a block or moment.

    Raises:
        LedgerBehind, InvalidPeriod
    """
    positions, totals, block = [], defaultdict[str, int](int), 0
    for member in group.member:
        for each in ledger.balances(member.participant, at_block=at_block, at_time=at_time):
            block = each.block
            totals[each.currency] += each.balance
            amounts = (each.balance, each.available, each.held, each.frozen)
            positions.append(
                Position(
                    member.name, member.participant, *(Money.from_minor(amount, each.currency) for amount in amounts)
                )
            )
    try:
        in_base = assumptions.money(
            sum((assumptions.in_base(minor, currency) for currency, minor in totals.items()), start=_ZERO)
        )
    except RateMissing:
        in_base = None
    return GroupView(
        group.name,
        block or ledger.block,
        tuple(positions),
        tuple(Money.from_minor(minor, currency) for currency, minor in sorted(totals.items())),
        in_base,
    )


_ZERO = Assumptions().in_base(0, "USD")
