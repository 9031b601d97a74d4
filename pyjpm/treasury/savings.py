"""What was saved against settling the same flows one by one through correspondent banks.

Decisions that govern this module:

* Counts, amounts and times are the chain's. Fees, days in transit, spreads, rates and the price of money are assumed,
  and stand in the report beside what they lead to.
* A flow is one bank transfer. What nets avoided is counted apart: legs netted, less the movements left of them.
* An exchange is two flows of one trade in two currencies between the same two, in opposite directions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyjpm.money import Money
from pyjpm.treasury.assumptions import Assumptions
from pyjpm.treasury.flows import Flow, Flows


@dataclass(frozen=True, slots=True)
class CurrencySavings:
    """One currency's part.

    Attributes:
        transfers: bank transfers that the flows would have been.
        amount: of them.
        amount_days: what would have been on its way: amounts times calendar days, in major units.
        fees, funding: what both would have cost, in the base currency.
    """

    amount: Money
    transfers: int
    amount_days: Decimal
    fees: Money
    funding: Money

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "currency": self.amount.currency,
            "transfers": self.transfers,
            "amount": str(self.amount.amount),
            "assumed": {
                "amount_days_in_transit": str(self.amount_days),
                "fees": self.fees.to_dict(),
                "funding": self.funding.to_dict(),
            },
        }


@dataclass(frozen=True, slots=True)
class Savings:
    """All of it.

    Attributes:
        transfers: bank transfers that the flows would have been; of them ``internal`` within the group.
        movements: on chain.
        legs_netted, left_of_nets: what went into nets, and what was left of them.
        exchanges: how many; ``exchanged``: what was bought in them, by currency.
        longest_days: the longest that one of the transfers would have been on its way, calendar days.
        spread: what the exchanges would have cost beside the middle rate.
    """

    transfers: int
    internal: int
    movements: int
    legs_netted: int
    left_of_nets: int
    by_currency: tuple[CurrencySavings, ...]
    exchanges: int
    exchanged: tuple[Money, ...]
    longest_days: int
    fees: Money
    funding: Money
    spread: Money

    @property
    def total(self) -> Money:
        """What all of it would have cost."""
        return self.fees + self.funding + self.spread

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "transfers_by_correspondents": self.transfers,
            "of_them_within_the_group": self.internal,
            "movements_on_chain": self.movements,
            "transfers_avoided_by_netting": self.legs_netted - self.left_of_nets,
            "legs_netted": self.legs_netted,
            "left_of_nets": self.left_of_nets,
            "exchanges": self.exchanges,
            "exchanged": [each.to_dict() for each in self.exchanged],
            "by_currency": [each.to_dict() for each in self.by_currency],
            "assumed": {
                "longest_days_in_transit": self.longest_days,
                "fees": self.fees.to_dict(),
                "funding": self.funding.to_dict(),
                "spread": self.spread.to_dict(),
                "total": self.total.to_dict(),
            },
        }


def savings(found: Flows, participants: frozenset[int], assumptions: Assumptions) -> Savings:
    """What the flows would have been, and cost, one by one through correspondent banks.

    Raises:
        RateMissing
    """
    by_currency = [
        _of_currency(currency, [flow for flow in found.flows if flow.currency == currency], assumptions)
        for currency in sorted({flow.currency for flow in found.flows})
    ]
    bought = _exchanges(found.flows, participants)
    exchanged: dict[str, int] = defaultdict(int)
    spread = Decimal(0)
    for flow in bought:
        exchanged[flow.currency] += flow.amount
        spread += assumptions.in_base(flow.amount, flow.currency) * assumptions.spread_bps(flow.currency) / 10_000
    nothing = Money.zero(assumptions.base)
    return Savings(
        transfers=len(found.flows),
        internal=sum(flow.payer in participants and flow.payee in participants for flow in found.flows),
        movements=found.movements,
        legs_netted=sum(flow.netted for flow in found.flows),
        left_of_nets=found.left_of_nets,
        by_currency=tuple(by_currency),
        exchanges=len(bought),
        exchanged=tuple(Money.from_minor(minor, currency) for currency, minor in sorted(exchanged.items())),
        longest_days=max(
            (assumptions.days_after(flow.at, assumptions.days(flow.currency)) for flow in found.flows), default=0
        ),
        fees=sum((each.fees for each in by_currency), start=nothing),
        funding=sum((each.funding for each in by_currency), start=nothing),
        spread=assumptions.money(spread),
    )


def _of_currency(currency: str, flows: Sequence[Flow], assumptions: Assumptions) -> CurrencySavings:
    minor_days = sum(flow.amount * assumptions.days_after(flow.at, assumptions.days(currency)) for flow in flows)
    amount = Money.from_minor(sum(flow.amount for flow in flows), currency)
    return CurrencySavings(
        amount=amount,
        transfers=len(flows),
        amount_days=Money.from_minor(minor_days, currency).amount,
        fees=assumptions.money(assumptions.fee(currency) * len(flows)),
        funding=assumptions.money(assumptions.cost_of(assumptions.in_base(minor_days, currency))),
    )


def _exchanges(flows: Sequence[Flow], participants: frozenset[int]) -> list[Flow]:
    """What the group bought in each exchange; the second side of one within it."""
    by_trade: dict[tuple[str, str], list[Flow]] = defaultdict(list)
    for flow in flows:
        if flow.reference is not None:
            by_trade[flow.tx_hash, flow.reference].append(flow)
    found = []
    for legs in by_trade.values():
        if len(legs) != 2:
            continue
        one, other = legs
        opposite = (one.payer, one.payee) == (other.payee, other.payer)
        if opposite and one.currency != other.currency:
            found.append(other if other.payee in participants else one)
    return found
