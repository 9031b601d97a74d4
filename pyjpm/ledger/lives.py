"""The lives of orders, trades, deposits and redemptions, as their events tell them.

Decisions that govern this module:

* The rules by which events add up to a milestone's state stand in ``IOrderBook``: every change of state is told by
  ``MilestoneStateChanged``, but for the opening, the funding of an open milestone, and the one release that ends a
  milestone which is neither partial nor decided.
* Amounts are minor units.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from pyjpm.ledger import tables
from pyjpm.ledger.matching import Mint, Payout
from pyjpm.money import Money
from pyjpm.order import OrderState
from pyjpm.trade import TradeState

_ORDER_STATES: Final = tuple(OrderState)


class Told(NamedTuple):
    """An event as the ledger keeps it. ``at`` in unix seconds, ``detail`` its further arguments."""

    block: int
    log_index: int
    tx_hash: str
    contract: str
    name: str
    subject: str | None
    number: int | None
    amount: int | None
    detail: dict[str, Any]
    at: int


@dataclass(slots=True)
class MilestoneLife:
    """One milestone. ``refunded`` went back before it was released, ``credited`` afterwards."""

    state: OrderState = OrderState.OPEN
    payer: str = ""
    funded: int = 0
    released: int = 0
    refunded: int = 0
    credited: int = 0
    last_status: int = 0


@dataclass(slots=True)
class OrderLife:
    """One order: who, what, how far, and every event of it in order."""

    id: str
    buyer: int
    seller: int
    currency: str
    reference: str
    opened_at: int
    milestones: list[MilestoneLife]
    events: list[Told] = field(default_factory=list, repr=False)
    amended_to: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The order as JSON-able data: amounts in major units."""
        parts = []
        for part in self.milestones:
            amounts = {
                name: str(Money.from_minor(getattr(part, name), self.currency).amount)
                for name in ("funded", "released", "refunded", "credited")
            }
            parts.append({"state": part.state.value, "payer": part.payer, **amounts, "last_status": part.last_status})
        plain = {
            name: getattr(self, name)
            for name in ("id", "buyer", "seller", "currency", "reference", "opened_at", "amended_to")
        }
        return {**plain, "milestones": parts, "events": [(each.block, each.name, each.number) for each in self.events]}


@dataclass(slots=True)
class TradeLife:
    """One trade and every event of it in order."""

    id: str
    state: TradeState = TradeState.NONE
    reference: str | None = None
    matched: bool = False
    lots: int = 0
    events: list[Told] = field(default_factory=list, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The trade as JSON-able data."""
        return {
            "id": self.id,
            "state": self.state.value,
            "reference": self.reference,
            "matched": self.matched,
            "lots": self.lots,
            "events": [(each.block, each.name) for each in self.events],
        }


def told(connection: Connection, *names: str, subject: str | None = None, contract: str | None = None) -> list[Told]:
    """Events by name, subject or contract, in the order of the chain."""
    events, blocks = tables.event, tables.block
    query = select(events, blocks.c.at).join(blocks, blocks.c.number == events.c.block)
    if names:
        query = query.where(events.c.name.in_(names))
    if subject is not None:
        query = query.where(events.c.subject == subject)
    if contract is not None:
        query = query.where(events.c.contract == contract)
    rows = connection.execute(query.order_by(events.c.block, events.c.log_index))
    return [told_by(row[:9], row.at) for row in rows]


def told_by(row: Sequence[Any], at: int) -> Told:
    """A row of ``ledger_event`` as what it tells."""
    return Told._make((*row[:8], json.loads(row[8]), at))


def orders_of(events: Iterable[Told], currencies: dict[str, str]) -> dict[str, OrderLife]:
    """Orders by id; ``currencies`` by lower-case token address."""
    orders: dict[str, OrderLife] = {}
    for each in events:
        if each.subject is None or each.contract != "OrderEscrow":
            continue
        if each.name == "OrderOpened":
            detail = each.detail
            orders[each.subject] = OrderLife(
                each.subject,
                int(detail["buyer"]),
                int(detail["seller"]),
                currencies.get(detail["token"].lower(), ""),
                detail["orderReference"],
                each.at,
                [MilestoneLife() for _ in range(int(detail["milestones"]))],
            )
        order = orders.get(each.subject)
        if order is not None:
            order.events.append(each)
            _live(order, each)
    return orders


def _live(order: OrderLife, each: Told) -> None:
    if each.name == "OrderAmended":
        order.amended_to = each.detail["next"]
        return
    if each.number is None or each.number >= len(order.milestones):
        return
    part, amount = order.milestones[each.number], each.amount or 0
    match each.name:
        case "MilestoneFunded":
            part.funded += amount
            part.payer = each.detail["payer"]
            if part.state is OrderState.OPEN:
                part.state = OrderState.FUNDED
        case "MilestoneReleased":
            part.released += amount
            if part.released + part.refunded == part.funded:
                part.state = OrderState.RELEASED
        case "MilestoneRefunded":
            part.refunded += amount
        case "MilestoneCarried":
            part.funded -= amount
        case "ReleasedRefunded":
            part.credited += amount
        case "StatusAttested":
            part.last_status = int(each.detail["status"])
        case "MilestoneStateChanged":
            part.state = _ORDER_STATES[int(each.detail["to"])]


def trades_of(events: Iterable[Told]) -> dict[str, TradeLife]:
    """Trades by id."""
    trades: dict[str, TradeLife] = {}
    for each in events:
        if each.subject is None or each.contract != "Settlement" or not each.name.startswith(("Trade", "Cash")):
            continue
        trade = trades.setdefault(each.subject, TradeLife(each.subject))
        trade.events.append(each)
        match each.name:
            case "TradeAffirmed":
                trade.state = TradeState.AFFIRMED
                trade.reference = each.detail["tradeReference"]
                trade.matched = trade.matched or each.detail["matched"]
            case "TradeSettled":
                trade.reference = each.detail["tradeReference"]
                trade.lots += int(each.detail["lots"])
                if each.detail["complete"]:
                    trade.state, trade.matched = TradeState.SETTLED, True
            case "TradeCancelled":
                trade.state = TradeState.CANCELLED
    return trades


def mints_of(events: Iterable[Told]) -> list[Mint]:
    """Every mint."""
    return [
        Mint(each.subject or "", each.contract, each.amount or 0, each.block, each.at)
        for each in events
        if each.name == "DepositMinted"
    ]


def payouts_of(events: Iterable[Told]) -> list[Payout]:
    """Every redemption as it stands; block and time are those of its last step."""
    found: dict[tuple[str, int, str], Payout] = {}
    for each in events:
        if not each.name.startswith("Redemption"):
            continue
        subject, participant = each.subject or "", each.number or 0
        name = (each.contract, participant, subject)
        payout = found.setdefault(
            name, Payout(subject, participant, each.contract, each.amount or 0, each.block, each.at)
        )
        payout.state, payout.block, payout.at = each.name.removeprefix("Redemption").upper(), each.block, each.at
        payout.amount = payout.amount if each.amount is None else each.amount
        payout.fiat_reference = each.detail.get("fiatReference", "")
    return list(found.values())
