"""Trades: all legs or none, in one transaction, by documents that the parties exchange."""

from __future__ import annotations

import json
from typing import Any

import pytest
from orders import DAY, key, usd

from pyjpm import Document, Money, Platform, TradeState
from pyjpm.assets import TITLES, UNITS
from pyjpm.errors.documents import DocumentsDiffer, MalformedDocument, SignatureNotOf
from pyjpm.errors.refusals import PayeeFrozen
from pyjpm.errors.settlement import LotOutOfTurn, NotAffirmed, NotTradeParty, PartyRefused, TradeExpired, TradeNotLive

DEPOSIT = 10_000_000


@pytest.fixture(scope="module")
def titles(bank: Platform) -> str:
    return bank.assets.deploy(TITLES, "Bills of lading", "EBL", idempotency_key="titles")


@pytest.fixture(scope="module")
def units(bank: Platform) -> str:
    return bank.assets.deploy(UNITS, "Copper", "CU", idempotency_key="units")


def eur(platform: Platform, who: Platform) -> int:
    return int(platform.contract("EUR").functions.balanceOf(who.session.wallet).call())


def transfers(bank: Platform, tx: str) -> int:
    receipt = bank.connection.receipt(tx)
    assert receipt is not None
    transfer = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
    return sum(log.topics[0] == transfer for log in receipt.logs)


def title_trade(bank: Platform, buyer: Platform, seller: Platform, titles: str, number: int, **more: Any) -> Document:
    issued = bank.assets.issue_title(
        titles, seller.session.wallet, number, document=f"paper {number}", idempotency_key=key("title")
    )
    issued.wait()
    seller.settlement.allow_title(titles, number, idempotency_key=key("allow")).wait()
    legs = [
        seller.settlement.title(titles, number, seller.session.wallet, buyer.session.wallet),
        seller.settlement.cash(buyer.session.participant, seller.session.participant, Money("500.00", "USD")),
    ]
    return seller.settlement.propose(legs, trade_reference=f"trade {number}", **more)


def test_delivery_versus_payment_in_one_transaction(
    bank: Platform, buyer: Platform, seller: Platform, titles: str
) -> None:
    proposed = title_trade(bank, buyer, seller, titles, 1)
    affirmed = [Document.from_json(party.settlement.affirm(proposed).to_json()) for party in (seller, buyer)]
    document = bank.settlement.collect(affirmed)
    trade = bank.settlement.settle(document, idempotency_key=key("settle")).wait()
    assert trade.status is TradeState.SETTLED
    assert bank.assets.owner_of_title(titles, 1) == buyer.session.wallet
    assert (usd(bank, buyer), usd(bank, seller)) == (DEPOSIT - 50_000, 50_000)
    assert trade.act is not None
    assert trade.act.tx_hash is not None
    assert transfers(bank, trade.act.tx_hash) == 2
    assert json.loads(json.dumps(trade.to_dict()))["status"] == "SETTLED"


def test_payment_versus_payment_in_one_transaction(bank: Platform, buyer: Platform) -> None:
    from pyjpm.testing import new_company

    dealer = new_company(bank, deposit="1000.00")
    legs = [
        buyer.settlement.cash(buyer.session.wallet, dealer.session.wallet, Money("100.00", "USD")),
        buyer.settlement.cash(dealer.session.wallet, buyer.session.wallet, Money("92.00", "EUR")),
    ]
    document = buyer.settlement.propose(legs, trade_reference="fx")
    document = dealer.settlement.affirm(buyer.settlement.affirm(document))
    trade = dealer.settlement.settle(document, idempotency_key="fx").wait()
    assert trade.status is TradeState.SETTLED
    assert (usd(bank, buyer), eur(bank, buyer)) == (DEPOSIT - 10_000, DEPOSIT + 9_200)
    assert (usd(bank, dealer), eur(bank, dealer)) == (110_000, 90_800)
    assert [str(money) for money in trade.amount] == ["USD 100.00", "EUR 92.00"]


def test_settling_twice_moves_once(bank: Platform, buyer: Platform, seller: Platform, titles: str) -> None:
    document = buyer.settlement.affirm(seller.settlement.affirm(title_trade(bank, buyer, seller, titles, 2)))
    first = bank.settlement.settle(document, idempotency_key=key("one")).wait()
    second = bank.settlement.settle(document, idempotency_key=key("two")).wait()
    assert first.act is not None
    assert second.act is not None
    assert (second.act.id, second.act.tx_hash) != (first.act.id, None)
    assert second.act.tx_hash == first.act.tx_hash  # adopted: the trade was settled, and nothing was sent
    assert usd(bank, seller) == 50_000


def test_without_every_affirmation_nothing_moves(
    bank: Platform, buyer: Platform, seller: Platform, titles: str
) -> None:
    document = buyer.settlement.affirm(title_trade(bank, buyer, seller, titles, 3))
    with pytest.raises(NotAffirmed):
        bank.settlement.settle(document, idempotency_key=key("half"))
    assert bank.assets.owner_of_title(titles, 3) == seller.session.wallet
    assert usd(bank, buyer) == DEPOSIT


def test_a_blocked_party_reverts_the_whole_and_the_trade_stays_live(
    bank: Platform, buyer: Platform, seller: Platform, titles: str
) -> None:
    document = buyer.settlement.affirm(seller.settlement.affirm(title_trade(bank, buyer, seller, titles, 4)))
    blocked = seller.session.participant
    bank.participants.freeze(blocked, order="order", idempotency_key=key("freeze")).wait()
    with pytest.raises((PartyRefused, PayeeFrozen)):
        bank.settlement.settle(document, idempotency_key=key("blocked"))
    assert usd(bank, buyer) == DEPOSIT
    bank.participants.unfreeze(blocked, order="order", idempotency_key=key("unfreeze")).wait()
    assert bank.settlement.settle(document, idempotency_key=key("later")).wait().status is TradeState.SETTLED


def test_an_expired_trade_is_dead(bank: Platform, buyer: Platform, seller: Platform, titles: str, clock: Any) -> None:
    document = title_trade(bank, buyer, seller, titles, 5, expiry=bank.session.now() + DAY)
    document = buyer.settlement.affirm(seller.settlement.affirm(document))
    clock.advance(DAY + 60)
    with pytest.raises(TradeExpired):
        bank.settlement.settle(document, idempotency_key=key("late"))
    assert usd(bank, buyer) == DEPOSIT


def test_a_cancelled_trade_is_dead(bank: Platform, buyer: Platform, seller: Platform, titles: str) -> None:
    document = buyer.settlement.affirm(seller.settlement.affirm(title_trade(bank, buyer, seller, titles, 6)))
    assert buyer.settlement.cancel(document, idempotency_key="cancel").wait().status is TradeState.CANCELLED
    with pytest.raises(TradeNotLive):
        bank.settlement.settle(document, idempotency_key=key("cancelled"))
    assert usd(bank, buyer) == DEPOSIT


def test_lots_settle_in_turn(bank: Platform, buyer: Platform, seller: Platform, units: str) -> None:
    bank.assets.issue_units(units, seller.session.wallet, 100, idempotency_key=key("issue")).wait()
    seller.settlement.allow_units(units, 100, idempotency_key="allow").wait()
    legs = [
        seller.settlement.units(units, 100, seller.session.wallet, buyer.session.wallet),
        seller.settlement.cash(buyer.session.wallet, seller.session.wallet, Money("10.00", "USD")),
    ]
    proposed = seller.settlement.propose(legs, trade_reference="lots", agent=seller.session.wallet, lots=3)
    document = buyer.settlement.affirm(seller.settlement.affirm(proposed))
    seller.settlement.settle_lots(document, first_lot=0, count=1, idempotency_key="lot 0").wait()
    assert (bank.assets.units_of(units, buyer.session.wallet), usd(bank, seller)) == (33, 333)
    seller.settlement.settle_lots(document, first_lot=0, count=1, idempotency_key="lot 0 again").wait()
    assert usd(bank, seller) == 333
    with pytest.raises(LotOutOfTurn):
        seller.settlement.settle_lots(document, first_lot=0, count=2, idempotency_key="other lots")
    assert bank.settlement.settle(document, idempotency_key=key("rest")).wait().status is TradeState.SETTLED
    assert (bank.assets.units_of(units, buyer.session.wallet), usd(bank, seller)) == (100, 1_000)


def test_trade_documents_are_not_trusted(bank: Platform, buyer: Platform, seller: Platform, titles: str) -> None:
    document = buyer.settlement.affirm(seller.settlement.affirm(title_trade(bank, buyer, seller, titles, 7)))
    data = json.loads(document.to_json())
    cheaper = [data["body"]["legs"][0], {**data["body"]["legs"][1], "amount": "1"}]
    tampered = Document.from_json(json.dumps({**data, "body": {**data["body"], "legs": cheaper}}))
    with pytest.raises(SignatureNotOf):
        bank.settlement.settle(tampered, idempotency_key=key("tampered"))
    with pytest.raises(MalformedDocument):
        bank.settlement.get(Document.from_json(json.dumps({**data, "body": {"legs": []}})))
    with pytest.raises(NotTradeParty):
        bank.settlement.affirm(document)
    with pytest.raises(DocumentsDiffer):
        bank.settlement.collect([document, tampered])
    assert bank.settlement.get(document).status is TradeState.NONE


def test_settlements_are_listed(bank: Platform, buyer: Platform, seller: Platform, titles: str) -> None:
    document = buyer.settlement.affirm(seller.settlement.affirm(title_trade(bank, buyer, seller, titles, 8)))
    trade = bank.settlement.settle(document, idempotency_key=key("listed")).wait()
    assert [each.id for each in bank.settlement.list(reference="trade 8")] == [trade.id]
    assert list(bank.settlement.list(reference="trade 8", created_after=bank.session.now())) == []
