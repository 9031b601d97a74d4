"""How long money stood for orders: from funded to released, and how long it would have at T+1, T+3.

Decisions that govern this module:

* Money of a milestone stands from the second in which it was funded to that in which it went: to the seller
  (released), or back to its payer. What is released in parts goes out in the order in which it came in.
* Carried over into amended terms it keeps the second in which it was first funded.
* At T+n the same money leaves its payer so many business days before it has to be there, and reaches the payee so many
  after it was released. What stands on chain stands in between.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Row, select

from pyjpm.ledger import Ledger, tables
from pyjpm.money import Money
from pyjpm.treasury.assumptions import DAY, Assumptions
from pyjpm.treasury.flows import Period

_TOLD: Final = (
    "OrderOpened",
    "MilestoneFunded",
    "MilestoneCarried",
    "MilestoneReleased",
    "MilestoneRefunded",
    "OrderAmended",
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One amount that stood for a milestone: minor units, from and to unix seconds; ``released`` or given back."""

    order: str
    milestone: int
    amount: int
    since: int
    until: int
    released: bool
    open: bool


@dataclass(slots=True)
class _Order:
    id: str
    reference: str
    buyer: int
    seller: int
    currency: str
    lots: defaultdict[int, deque[list[int]]] = field(default_factory=lambda: defaultdict(deque))
    """By milestone: [amount, since], the oldest first."""
    stood: list[Standing] = field(default_factory=list)

    def out(self, milestone: int, amount: int, at: int, *, released: bool) -> None:
        """So much went at this second. More than stands there was paid through in the same second."""
        lots = self.lots[milestone]
        while amount:
            if not lots:
                self.stood.append(Standing(self.id, milestone, amount, at, at, released, False))
                return
            lot = lots[0]
            taken = min(amount, lot[0])
            self.stood.append(Standing(self.id, milestone, taken, lot[1], at, released, False))
            lot[0] -= taken
            amount -= taken
            if not lot[0]:
                lots.popleft()


@dataclass(frozen=True, slots=True)
class OrderDays:
    """One order's money.

    Attributes:
        released, refunded, standing: of its money, at the end of the period.
        days: from funded to released, by amounts; None while nothing was released.
        amount_days: amounts times days that they stood, in major units.
        at_settle: the same at T+n, by n. It is assumed.
    """

    order: str
    reference: str
    buyer: int
    seller: int
    released: Money
    refunded: Money
    standing: Money
    days: Decimal | None
    amount_days: Decimal
    at_settle: dict[int, Decimal]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "order": self.order,
            "reference": self.reference,
            "buyer": self.buyer,
            "seller": self.seller,
            "currency": self.released.currency,
            "released": str(self.released.amount),
            "refunded": str(self.refunded.amount),
            "standing": str(self.standing.amount),
            "days_from_funded_to_released": None if self.days is None else str(self.days),
            "amount_days": str(self.amount_days),
            "assumed": {f"amount_days_at_t_plus_{n}": str(value) for n, value in self.at_settle.items()},
        }


def order_days(
    ledger: Ledger, participants: frozenset[int], period: Period, assumptions: Assumptions
) -> tuple[OrderDays, ...]:
    """Orders of any of these participants with money that stood in the period, in the order of their opening.

    What stood before or after the period counts with the days within it; what still stands, up to its end.
    """
    found = []
    for order in _orders(ledger, period.until):
        if order.buyer in participants or order.seller in participants:
            stood = [*order.stood, *_open(order, period.until)]
            within = [each for each in stood if each.until >= period.since and each.since < period.until]
            if within:
                found.append(_days(order, within, period, assumptions))
    return tuple(found)


def _orders(ledger: Ledger, until: int) -> Iterable[_Order]:
    event, block = tables.event, tables.block
    query = (
        select(event, block.c.at)
        .join(block, block.c.number == event.c.block)
        .where(event.c.contract == "OrderEscrow", event.c.name.in_(_TOLD), block.c.at < until)
        .order_by(event.c.block, event.c.log_index)
    )
    with ledger.store.reading() as connection:
        currencies = {address.lower(): currency for currency, address in _tokens(ledger).items()}
        rows = connection.execute(query).all()
    orders: dict[str, _Order] = {}
    amended: list[tuple[str, str, int]] = []
    for row in rows:
        if amended and row.tx_hash != amended[-1][1]:
            _give_back(orders, amended)
        _tell(row, orders, currencies, amended)
    _give_back(orders, amended)
    return orders.values()


def _tokens(ledger: Ledger) -> dict[str, str]:
    return {currency: deployed.address for currency, deployed in ledger.session.record.tokens.items()}


def _tell(
    row: Row[Any], orders: dict[str, _Order], currencies: dict[str, str], amended: list[tuple[str, str, int]]
) -> None:
    told, name = json.loads(row.detail), row.name
    if name == "OrderOpened":
        orders[row.subject] = _Order(
            row.subject, told["orderReference"], told["buyer"], told["seller"], currencies[told["token"].lower()]
        )
        return
    order = orders.get(row.subject)
    if order is None:
        return
    if name == "OrderAmended":
        if told["next"] not in orders:
            orders[told["next"]] = _Order(told["next"], order.reference, order.buyer, order.seller, order.currency)
        amended.append((row.subject, row.tx_hash, row.at))
        return
    amount = int(told["amount"]) if row.amount is None else row.amount
    if name == "MilestoneFunded":
        order.lots[row.number].append([amount, row.at])
    elif name == "MilestoneCarried":
        _carry(order, orders.get(told["next"]), row.number, amount)
    else:
        order.out(row.number, amount, row.at, released=name == "MilestoneReleased")


def _carry(order: _Order, following: _Order | None, milestone: int, amount: int) -> None:
    """Out of the old milestone, into the new one, where ``MilestoneFunded`` told it as new just before."""
    if following is None:
        return
    new, old = following.lots[milestone], order.lots[milestone]
    if new:
        new[-1][0] -= amount
        if not new[-1][0]:
            new.pop()
    while amount and old:
        taken = min(amount, old[0][0])
        new.append([taken, old[0][1]])
        old[0][0] -= taken
        amount -= taken
        if not old[0][0]:
            old.popleft()


def _give_back(orders: dict[str, _Order], amended: list[tuple[str, str, int]]) -> None:
    """What was not carried over went back with the amendment."""
    for previous, _, at in amended:
        order = orders[previous]
        for milestone, lots in order.lots.items():
            order.out(milestone, sum(amount for amount, _ in lots), at, released=False)
    amended.clear()


def _open(order: _Order, until: int) -> Iterable[Standing]:
    for milestone, lots in order.lots.items():
        for amount, since in lots:
            yield Standing(order.id, milestone, amount, since, until, False, True)


def _days(order: _Order, stood: Sequence[Standing], period: Period, assumptions: Assumptions) -> OrderDays:
    def total(chosen: Iterable[Standing]) -> Money:
        return Money.from_minor(sum(each.amount for each in chosen), order.currency)

    released = [each for each in stood if each.released]
    seconds = sum(each.amount * _within(each, period) for each in stood)
    weight = sum(each.amount for each in released)
    mean = sum(each.amount * (each.until - each.since) for each in released)
    return OrderDays(
        order=order.id,
        reference=order.reference,
        buyer=order.buyer,
        seller=order.seller,
        released=total(released),
        refunded=total(each for each in stood if not each.released and not each.open),
        standing=total(each for each in stood if each.open),
        days=_decimals(Decimal(mean) / weight / DAY) if weight else None,
        amount_days=major_days(seconds, order.currency),
        at_settle={
            n: major_days(
                seconds + DAY * sum(each.amount * _in_transit(each, n, assumptions) for each in stood), order.currency
            )
            for n in assumptions.settle
        },
    )


def _within(each: Standing, period: Period) -> int:
    return max(0, min(each.until, period.until) - max(each.since, period.since))


def _in_transit(each: Standing, n: int, assumptions: Assumptions) -> int:
    """Calendar days before it was funded and after it went, at T+n."""
    return assumptions.days_before(each.since, n) + (0 if each.open else assumptions.days_after(each.until, n))


def major_days(minor_seconds: int, currency: str) -> Decimal:
    """Minor units times seconds as major units times days, to two decimals."""
    return _decimals(Decimal(minor_seconds) / DAY * Money.from_minor(1, currency).amount)


def _decimals(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))
