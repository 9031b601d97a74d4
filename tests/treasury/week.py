"""One week of a group, to the second, on a chain of its own: what the tests of the treasury reckon up by hand.

The group is Acme (100,000.00 of USD and EUR), Bolt and Core (nothing); a dealer is outside of it. The first of March
2027 is a Monday, times are UTC.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sdk.orders import agreed, milestone, new_attesters

from pyjpm import Document, Mode, Money, Platform
from pyjpm.chain import DevClock
from pyjpm.terms import OrderTerms
from pyjpm.testing import new_company
from pyjpm.treasury import Group, Member, Payable, propose_netting


def at(day: int, hour: int = 0) -> int:
    """A second of March 2027: the first is a Monday."""
    return int(datetime(2027, 3, day, hour, tzinfo=UTC).timestamp())


def usd(amount: str) -> Money:
    return Money(amount, "USD")


@dataclass
class Week:
    """Who there is, and what names what."""

    bank: Platform
    acme: Platform
    bolt: Platform
    core: Platform
    dealer: Platform
    group: Group
    orders: dict[str, str]


def affirmed(document: Document, *parties: Platform) -> Document:
    signed = [Document.from_json(each.settlement.affirm(document).to_json()) for each in parties]
    return parties[0].settlement.collect(signed)


def play(bank: Platform) -> Week:
    clock = DevClock(bank.connection)
    acme, dealer = (new_company(bank, deposit="100000.00") for _ in range(2))
    bolt, core = new_company(bank), new_company(bank)
    attesters = new_attesters(bank)
    people = (acme, bolt, core)
    a, b, c = (each.session.participant for each in people)
    group = Group(
        name="Acme group",
        member=[Member(name=name, participant=who) for name, who in (("Acme", a), ("Bolt", b), ("Core", c))],
    )

    def on(day: int, hour: int, act: Callable[[], Any]) -> Any:
        clock.set_next(at(day, hour))
        return act().wait()

    def pay(payer: Platform, payee: Platform, amount: str) -> Callable[[], Any]:
        key = f"pay {amount}"
        return lambda: payer.payments.create(payee.session.participant, usd(amount), idempotency_key=key)

    on(1, 10, pay(acme, bolt, "1000.00"))
    on(1, 12, pay(acme, dealer, "500.00"))

    debts = [("1", a, b, "300.00"), ("2", b, c, "300.00"), ("3", c, a, "300.00"), ("4", a, b, "100.00")]
    payables = [Payable(name, debtor, creditor, usd(amount)) for name, debtor, creditor, amount in debts]
    (netting,) = propose_netting(bank, group, payables, expiry=at(9))
    by_wallet = {each.session.wallet: each for each in people}
    trades = []
    for each in netting.documents:
        wallets = {leg[side] for leg in each.body["legs"] for side in ("from", "to")}
        trades.append(affirmed(each, *(by_wallet[wallet] for wallet in sorted(wallets))))
    on(2, 10, lambda: bank.settlement.settle_net(trades, idempotency_key="net"))

    quote = dealer.settlement.quote("EUR/USD", Money("200.00", "EUR"), at(3), price="1.085", client=a)
    exchange = affirmed(acme.settlement.propose_quoted(quote), acme, dealer)
    on(2, 12, lambda: bank.settlement.settle(exchange, idempotency_key="exchange"))

    made = {
        name: agreed(acme, bolt, attesters, milestone(bank, Mode.PREFUND, amount))
        for name, amount in (("kept", "2000.00"), ("changed", "100.00"), ("open", "100.00"))
    }
    orders = {name: "0x" + OrderTerms.from_body(each.body).id.hex() for name, each in made.items()}
    on(3, 10, lambda: acme.escrow.fund(made["kept"], idempotency_key="fund kept"))
    on(3, 11, lambda: acme.escrow.fund(made["changed"], idempotency_key="fund changed"))
    clock.advance(60)
    terms = OrderTerms.from_body(made["changed"].body)
    cheaper = (dataclasses.replace(terms.milestones[0], amount=usd("40.00").minor),)
    proposed = acme.amendments.propose(made["changed"], milestones=cheaper)
    both = bolt.amendments.countersign(made["changed"], proposed)
    on(4, 11, lambda: bank.amendments.carry_out(made["changed"], both, idempotency_key="amend"))
    after = bank.amendments.order_of(both)
    orders["after"] = "0x" + OrderTerms.from_body(after.body).id.hex()
    for name, document, hour in (("kept", made["kept"], 10), ("after", after, 11)):
        clock.set_next(at(5, hour) - 60)
        clock.mine()
        word = attesters.attest(document)
        on(5, hour, lambda: bank.escrow.attest(document, word, idempotency_key=f"ship {name}"))  # noqa: B023
    on(5, 12, lambda: acme.escrow.fund(made["open"], idempotency_key="fund open"))
    on(6, 10, pay(bolt, core, "50.00"))
    clock.set_next(at(9, 12))
    clock.mine()
    return Week(bank, acme, bolt, core, dealer, group, orders)
