"""After a replay: every milestone's figures read back from the chain at one block, and what they add up to.

Amounts count milestones by their final state: released is what sellers got, refunded is what came back from holds,
cancelled is what was never funded. An order counts once, under the state that all its milestones share, else as mixed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from pyjpm.ledger import Comparison, compare, read_events
from pyjpm.money import Money
from pyjpm.order import OrderState
from pyjpm.orders.events import OrderRecord
from pyjpm.session import Session
from pyjpm.terms import OrderTerms

_STATES: Final = tuple(OrderState)
_AT_ONCE: Final = 100


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
    done, waiting = 0, iter(orders)
    while part := [(order, terms_of(order)) for order in islice(waiting, _AT_ONCE)]:
        _add_orders(session, found, part)
        done += len(part)
        progress(done)
    known = list(wallets)
    for currency in currencies:
        totals = found.totals[currency]
        totals.supply = session.call(currency, "totalSupply", block=block)
        totals.available = sum(session.calls([(currency, "available", (wallet,)) for wallet in known], block=block))
    found.comparison = compare(session, read_events(session, to_block=block), block=block)
    return found


def _add_orders(session: Session, found: Reconciliation, orders: Sequence[tuple[OrderRecord, OrderTerms]]) -> None:
    places = [(terms, index) for _, terms in orders for index in range(len(terms.milestones))]
    asked = [("OrderEscrow", "stateOf", (terms.id, index)) for terms, index in places]
    states = [_STATES[state] for state in session.calls(asked, block=found.block)]
    opened = [place for place, state in zip(places, states, strict=True) if state is not OrderState.NONE]
    messages = {terms.id: terms.to_message() for terms, _ in opened}
    owed = [("OrderEscrow", "amountsOf", (messages[terms.id], index)) for terms, index in opened]
    amounts = iter(session.calls(owed, block=found.block))
    each_state = iter(states)
    for order, terms in orders:
        _add_order(found, order, terms, [next(each_state) for _ in terms.milestones], amounts)


def _add_order(
    found: Reconciliation,
    order: OrderRecord,
    terms: OrderTerms,
    states: Sequence[OrderState],
    amounts: Iterator[tuple[int, int, int, int]],
) -> None:
    """Adds an order; ``amounts`` gives the next opened milestone's."""
    totals = found.totals[order.amount.currency]
    for milestone, state in zip(terms.milestones, states, strict=True):
        if state is OrderState.NONE:
            continue
        funded, held, released, refunded = next(amounts)
        if funded != held + released + refunded:
            found.unequal.append(order.id)
        totals.released += released
        totals.refunded += refunded
        unpaid = milestone.amount - released - refunded
        if state is OrderState.CANCELLED:
            totals.cancelled += unpaid
        elif state not in (OrderState.RELEASED, OrderState.REFUNDED):
            totals.live += unpaid
    found.orders[_word(set(states))] += 1


def _word(states: set[OrderState]) -> str:
    if len(states) > 1:
        return "mixed"
    (state,) = states
    ended = {OrderState.RELEASED, OrderState.REFUNDED, OrderState.CANCELLED, OrderState.NONE}
    return state.lower() if state in ended else "live"
