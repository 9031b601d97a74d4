"""Many trades at once: each party gives and gets its net, all trades settle or none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from orders import key, usd

from pyjpm import Document, LegKind, Money, NetPosition, Platform, TradeState
from pyjpm.assets import TITLES, UNITS
from pyjpm.errors.refusals import InsufficientAvailable, PayeeFrozen
from pyjpm.errors.sending import IdempotencyConflict
from pyjpm.errors.settlement import NotAffirmed, TradeNotLive, WrongNumberOfTrades
from pyjpm.ledger import compare, read_events
from pyjpm.testing import new_company


@pytest.fixture(scope="module")
def titles(bank: Platform) -> str:
    return bank.assets.deploy(TITLES, "Warehouse warrants", "WW", idempotency_key="net titles")


@pytest.fixture(scope="module")
def units(bank: Platform) -> str:
    return bank.assets.deploy(UNITS, "Nickel", "NI", idempotency_key="net units")


@pytest.fixture
def ring(bank: Platform) -> list[Platform]:
    """Four companies without money."""
    return [new_company(bank) for _ in range(4)]


def affirmed(document: Document, *parties: Platform) -> Document:
    """Collected from documents that travelled as JSON."""
    signed = [Document.from_json(party.settlement.affirm(document).to_json()) for party in parties]
    return parties[0].settlement.collect(signed)


def owes(payer: Platform, payee: Platform, amount: str, currency: str = "USD", **more: Any) -> Document:
    leg = payer.settlement.cash(payer.session.wallet, payee.session.wallet, Money(amount, currency))
    return affirmed(payer.settlement.propose([leg], trade_reference=key("debt"), **more), payer, payee)


def around(ring: list[Platform], amount: str = "100.00") -> list[Document]:
    return [owes(payer, payee, amount) for payer, payee in zip(ring, ring[1:] + ring[:1], strict=True)]


def told(bank: Platform, tx: str, currency: str = "USD") -> dict[str, tuple[int, int]]:
    """Wallet -> (paid, received) as the chain's events say."""
    events = [event for event in bank.session.events(currency, "NetSettled") if event.tx == tx]
    return {event.arguments["wallet"]: (event.arguments["paid"], event.arguments["received"]) for event in events}


def cash_of(positions: tuple[NetPosition, ...], token: str) -> dict[str, tuple[int, int]]:
    return {
        each.wallet: (each.paid, each.received)
        for each in positions
        if each.kind is LegKind.CASH and each.token == token
    }


def test_a_ring_of_four_without_money_settles(bank: Platform, ring: list[Platform]) -> None:
    documents = around(ring)
    with pytest.raises(InsufficientAvailable):
        bank.settlement.settle(documents[0], idempotency_key=key("alone"))
    preview = bank.settlement.net_positions(documents)
    assert [position.net for position in preview] == [0, 0, 0, 0]
    net = bank.settlement.settle_net(documents, idempotency_key="ring").wait()
    assert [trade.status for trade in net.trades] == [TradeState.SETTLED] * 4
    assert net.positions == preview
    assert net.act.tx_hash is not None
    assert told(bank, net.act.tx_hash) == cash_of(preview, bank.session.address("USD"))
    assert [usd(bank, party) for party in ring] == [0, 0, 0, 0]
    assert [bank.settlement.get(document).status for document in documents] == [TradeState.SETTLED] * 4
    assert json.loads(json.dumps(net.to_dict()))["trades"][3]["status"] == "SETTLED"
    again = bank.settlement.settle_net(documents, idempotency_key="ring")
    assert again.act.id == net.act.id
    with pytest.raises(IdempotencyConflict):
        bank.settlement.settle_net(documents[:2], idempotency_key="ring")


def test_titles_units_and_two_currencies_by_their_nets(
    bank: Platform, ring: list[Platform], titles: str, units: str
) -> None:
    """A warrant goes from hand to hand, against dollars and nickel; positions foretold are those of the chain."""
    first, second, third, fourth = ring
    bank.assets.issue_title(titles, first.session.wallet, 70, document="warrant", idempotency_key=key("t")).wait()
    first.settlement.allow_title(titles, 70, idempotency_key=key("a")).wait()
    bank.assets.issue_units(units, third.session.wallet, 10, idempotency_key=key("u")).wait()
    third.settlement.allow_units(units, 10, idempotency_key=key("a")).wait()
    bank.deposits.mint(
        third.session.participant, Money("30.00", "USD"), deposit_reference=key("d"), idempotency_key=key("mint")
    ).wait()
    bank.deposits.mint(
        fourth.session.participant, Money("5.00", "EUR"), deposit_reference=key("d"), idempotency_key=key("mint")
    ).wait()

    def sale(seller: Platform, buyer: Platform, price: str) -> Document:
        legs = [
            seller.settlement.title(titles, 70, seller.session.wallet, buyer.session.wallet),
            buyer.settlement.cash(buyer.session.wallet, seller.session.wallet, Money(price, "USD")),
        ]
        return affirmed(seller.settlement.propose(legs, trade_reference=key("sale")), seller, buyer)

    legs = [
        third.settlement.units(units, 10, third.session.wallet, fourth.session.wallet),
        third.settlement.cash(fourth.session.wallet, third.session.wallet, Money("5.00", "EUR")),
    ]
    nickel = affirmed(third.settlement.propose(legs, trade_reference=key("nickel")), third, fourth)
    documents = [sale(first, second, "100.00"), sale(second, third, "110.00"), owes(first, third, "80.00"), nickel]
    preview = bank.settlement.net_positions(documents)
    warrants = {each.wallet: each.net for each in preview if each.token == titles}
    assert warrants == {first.session.wallet: -1, second.session.wallet: 0, third.session.wallet: 1}
    net = bank.settlement.settle_net(documents, idempotency_key=key("net")).wait()
    assert bank.assets.owner_of_title(titles, 70) == third.session.wallet
    assert bank.assets.units_of(units, fourth.session.wallet) == 10
    assert [usd(bank, party) for party in ring] == [2_000, 1_000, 0, 0]
    tx = net.act.tx_hash
    assert tx is not None
    for currency in ("USD", "EUR"):
        assert told(bank, tx, currency) == cash_of(preview, bank.session.address(currency))


def test_the_events_of_nets_rebuild_the_books(bank: Platform, buyer: Platform, ring: list[Platform]) -> None:
    documents = [owes(buyer, ring[0], "70.00"), *around(ring, "20.00"), owes(ring[0], buyer, "15.00")]
    bank.settlement.settle_net(documents, idempotency_key=key("books")).wait()
    assert usd(bank, ring[0]) == 5_500
    block = bank.connection.head().number
    outcome = compare(bank.session, read_events(bank.session, to_block=block), block=block)
    assert outcome.matches, outcome.differences


def test_a_blocked_party_reverts_all_and_every_trade_stays_live(bank: Platform, ring: list[Platform]) -> None:
    documents = around(ring)
    blocked = ring[2].session.participant
    bank.participants.freeze(blocked, order="order", idempotency_key=key("freeze")).wait()
    with pytest.raises(PayeeFrozen):
        bank.settlement.settle_net(documents, idempotency_key=key("blocked"))
    assert {bank.settlement.get(document).status for document in documents} == {TradeState.NONE}
    bank.participants.unfreeze(blocked, order="order", idempotency_key=key("unfreeze")).wait()
    net = bank.settlement.settle_net(documents, idempotency_key=key("later")).wait()
    assert {trade.status for trade in net.trades} == {TradeState.SETTLED}


def test_what_cannot_be_a_net(bank: Platform, ring: list[Platform]) -> None:
    documents = around(ring)
    with pytest.raises(WrongNumberOfTrades):
        bank.settlement.settle_net([], idempotency_key=key("none"))
    with pytest.raises(TradeNotLive):
        bank.settlement.settle_net([documents[0], documents[0]], idempotency_key=key("twice"))
    with pytest.raises(InsufficientAvailable):
        bank.settlement.settle_net(documents[:3], idempotency_key=key("open ring"))
    leg = ring[0].settlement.cash(ring[0].session.wallet, ring[1].session.wallet, Money("1.00", "USD"))
    half = ring[0].settlement.affirm(ring[0].settlement.propose([leg], trade_reference=key("half")))
    with pytest.raises(NotAffirmed):
        bank.settlement.settle_net([*documents, half], idempotency_key=key("half"))


def test_the_rest_of_a_trade_in_lots_and_assets_gross(
    bank: Platform, buyer: Platform, seller: Platform, units: str
) -> None:
    bank.assets.issue_units(units, seller.session.wallet, 100, idempotency_key=key("issue")).wait()
    seller.settlement.allow_units(units, 100, idempotency_key=key("allow")).wait()
    legs = [
        seller.settlement.units(units, 100, seller.session.wallet, buyer.session.wallet),
        seller.settlement.cash(buyer.session.wallet, seller.session.wallet, Money("10.00", "USD")),
    ]
    proposed = seller.settlement.propose(legs, trade_reference=key("lots"), agent=seller.session.wallet, lots=3)
    document = affirmed(proposed, seller, buyer)
    seller.settlement.settle_lots(document, first_lot=0, count=1, idempotency_key=key("lot")).wait()
    documents = [document, owes(seller, buyer, "2.00")]
    positions = bank.settlement.net_positions(documents)
    assert {(each.wallet, each.net) for each in positions if each.kind is LegKind.CASH} == {
        (buyer.session.wallet, -467),
        (seller.session.wallet, 467),
    }
    before = usd(bank, seller)
    bank.settlement.settle_net(documents, assets_gross=True, idempotency_key=key("rest")).wait()
    assert (bank.assets.units_of(units, buyer.session.wallet), usd(bank, seller) - before) == (100, 467)
