"""After a replay: every milestone's figures read back from the chain at one block, and what they add up to.

Amounts count milestones by their final state: released is what sellers got, refunded is what came back from holds,
cancelled is what was never funded. An order counts once, under the state that all its milestones share, else as mixed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from pyjpm.ledger import Comparison, compare, read_events
from pyjpm.money import Money
from pyjpm.order import OrderState
from pyjpm.orders.events import OrderRecord
from pyjpm.session import Session
from pyjpm.terms import OrderTerms

_STATES: Final = tuple(OrderState)


@dataclass(slots=True)
class Totals:
    """One currency's figures, in minor units."""

    released: int = 0
    refunded: int = 0
    cancelled: int = 0
    live: int = 0
    supply: int = 0
    available: int = 0

    def to_dict(self, currency: str) -> dict[str, str]:
        """Major units as decimal text, by name."""
        return {name: str(Money.from_minor(getattr(self, name), currency).amount) for name in self.__slots__}


@dataclass(slots=True)
class Reconciliation:
    """What the chain says about all orders of a log, at one block."""

    block: int
    orders: Counter[str] = field(default_factory=Counter)
    totals: dict[str, Totals] = field(default_factory=lambda: defaultdict(Totals))
    unequal: list[str] = field(default_factory=list)
    """Orders of which released + refunded + held is not what was funded (E1); empty."""
    comparison: Comparison | None = None

    @property
    def events_match_chain(self) -> bool:
        """Whether a replay of all events gives what the contracts answer."""
        return self.comparison is not None and self.comparison.matches

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: counts by state, and figures at the top level where there is one currency only."""
        figures = {currency: totals.to_dict(currency) for currency, totals in sorted(self.totals.items())}
        return {
            "block": self.block,
            "orders": self.orders.total(),
            **{f"{state}_orders": self.orders[state] for state in ("released", "refunded", "cancelled", "mixed")},
            "live_orders": self.orders["live"],
            "unopened_orders": self.orders["none"],
            **(next(iter(figures.values())) if len(figures) == 1 else {}),
            "currencies": figures,
            "unequal_orders": self.unequal,
            "events_match_chain": self.events_match_chain,
        }


def reconcile(
    session: Session,
    orders: Iterable[OrderRecord],
    terms_of: Callable[[OrderRecord], OrderTerms],
    wallets: Iterable[str],
    currencies: Iterable[str],
    progress: Callable[[int], None] = lambda done: None,
) -> Reconciliation:
    """Reads every order back and compares events with the chain.

    Args:
        orders: of the log.
        terms_of: the terms that were signed for an order.
        wallets: whose available balances to add up.
        currencies: of the log.
    """
    block = session.connection.head().number
    found = Reconciliation(block)
    for done, order in enumerate(orders, 1):
        _add_order(session, found, order, terms_of(order))
        progress(done)
    known = list(wallets)
    for currency in currencies:
        totals = found.totals[currency]
        totals.supply = session.call(currency, "totalSupply", block=block)
        totals.available = sum(session.call(currency, "available", wallet, block=block) for wallet in known)
    found.comparison = compare(session, read_events(session, to_block=block), block=block)
    return found


def _add_order(session: Session, found: Reconciliation, order: OrderRecord, terms: OrderTerms) -> None:
    totals, states = found.totals[order.amount.currency], set()
    message = terms.to_message()
    for index, milestone in enumerate(terms.milestones):
        state = _STATES[session.call("OrderEscrow", "stateOf", terms.id, index, block=found.block)]
        states.add(state)
        if state is OrderState.NONE:
            continue
        amounts = session.call("OrderEscrow", "amountsOf", message, index, block=found.block)
        funded, held, released, refunded = amounts
        if funded != held + released + refunded:
            found.unequal.append(order.id)
        totals.released += released
        totals.refunded += refunded
        unpaid = milestone.amount - released - refunded
        if state is OrderState.CANCELLED:
            totals.cancelled += unpaid
        elif state not in (OrderState.RELEASED, OrderState.REFUNDED):
            totals.live += unpaid
    found.orders[_word(states)] += 1


def _word(states: set[OrderState]) -> str:
    if len(states) > 1:
        return "mixed"
    (state,) = states
    ended = {OrderState.RELEASED, OrderState.REFUNDED, OrderState.CANCELLED, OrderState.NONE}
    return state.lower() if state in ended else "live"
