"""Exchanges on a dealer's signed quote: exactly as quoted, once, and not a second later, here and on chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from orders import key, usd

from pyjpm import Document, Money, Platform, TradeState
from pyjpm.chain import DevClock
from pyjpm.errors.documents import DocumentForElsewhere, MalformedDocument, SignatureMissing, SignatureNotOf
from pyjpm.errors.quotes import InvalidQuote, QuoteExpired, QuoteSpent, TradeOutsideQuote
from pyjpm.errors.settlement import TradeExpired
from pyjpm.testing import new_company

DEPOSIT = 10_000_000
EUR_1000 = Money("1000.00", "EUR")


@pytest.fixture
def dealer(bank: Platform) -> Platform:
    return new_company(bank, deposit="100000.00")


def quoted(dealer: Platform, client: Platform, **more: Any) -> Document:
    facts = {"price": "1.0850", "client": client.session.participant, **more}
    until = facts.pop("valid_until", dealer.session.now() + 600)
    quote = dealer.settlement.quote("EUR/USD", facts.pop("amount", EUR_1000), until, **facts)
    return Document.from_json(quote.to_json())


def affirmed(trade: Document, *parties: Platform) -> Document:
    """By each in a process of its own: the documents travel as JSON."""
    signed = [Document.from_json(each.settlement.affirm(trade).to_json()) for each in parties]
    return parties[0].settlement.collect(signed)


def test_an_exchange_goes_exactly_as_quoted(bank: Platform, dealer: Platform, buyer: Platform) -> None:
    quote = quoted(dealer, buyer)
    read = buyer.settlement.read_quote(quote)
    assert (read.sold, read.bought) == (EUR_1000, Money("1085.00", "USD"))
    trade = affirmed(buyer.settlement.propose_quoted(quote), buyer, dealer)
    assert buyer.settlement.read_quote(trade) == read
    done = bank.settlement.settle(trade, idempotency_key=key("quoted")).wait()
    assert done.status is TradeState.SETTLED
    assert done.reference == "0x" + read.digest(bank.session).hex()
    assert usd(bank, dealer) - DEPOSIT == Money("1085.00", "USD").minor == DEPOSIT - usd(bank, buyer)
    assert [each.id for each in bank.settlement.list(reference=read.digest(bank.session))] == [done.id]


@pytest.mark.parametrize(
    ("amount", "sells", "sold", "bought"),
    [
        ("EUR 0.01", None, "EUR 0.01", "USD 0.01"),
        ("EUR 3.33", "USD", "USD 3.61", "EUR 3.33"),
        ("USD 100.00", None, "EUR 92.17", "USD 100.00"),
        ("USD 100.00", "USD", "USD 100.00", "EUR 92.17"),
        ("EUR 0.10", "EUR", "EUR 0.10", "USD 0.11"),  # 10.85 cents
    ],
)
def test_the_other_side_follows_from_the_price(
    dealer: Platform, buyer: Platform, amount: str, sells: str | None, sold: str, bought: str
) -> None:
    read = dealer.settlement.read_quote(quoted(dealer, buyer, amount=Money.parse(amount), sells=sells))
    assert (str(read.sold), str(read.bought)) == (sold, bought)


def test_after_its_deadline_it_is_refused_here_and_on_chain(
    bank: Platform, dealer: Platform, buyer: Platform, clock: DevClock
) -> None:
    quote = quoted(dealer, buyer)
    trade = affirmed(buyer.settlement.propose_quoted(quote), buyer, dealer)
    other = affirmed(
        buyer.settlement.propose_quoted(quoted(dealer, buyer), expiry=bank.session.now() + 300), buyer, dealer
    )
    clock.advance(601)
    for late in (trade, other):
        with pytest.raises(QuoteExpired):
            bank.settlement.settle(late, idempotency_key=key("late"))
        with pytest.raises(QuoteExpired):
            bank.settlement.settle_net([late], idempotency_key=key("late"))
        # Whoever takes the quote off the document meets the contract.
        stripped = {who: part for who, part in late.attachments.items() if who != "quote"}
        with pytest.raises(TradeExpired):
            bank.settlement.settle(replace(late, attachments=stripped), idempotency_key=key("late"))
    with pytest.raises(QuoteExpired):
        buyer.settlement.propose_quoted(quote)
    with pytest.raises(QuoteExpired):
        dealer.settlement.affirm(trade)
    assert usd(bank, buyer) == DEPOSIT


def test_settled_in_time_it_is_told_again_after_the_deadline(
    bank: Platform, dealer: Platform, buyer: Platform, clock: DevClock
) -> None:
    trade = affirmed(buyer.settlement.propose_quoted(quoted(dealer, buyer)), buyer, dealer)
    name = key("told again")
    first = bank.settlement.settle(trade, idempotency_key=name).wait()
    clock.advance(601)
    again = bank.settlement.settle(trade, idempotency_key=name)
    assert again.status is TradeState.SETTLED
    assert first.act is not None
    assert again.act is not None
    assert again.act.id == first.act.id


def test_what_another_settled_in_time_is_not_called_expired(
    bank: Platform, dealer: Platform, buyer: Platform, clock: DevClock
) -> None:
    """QUOTE_EXPIRED says that nothing moved, and asks for another quote: the exchange would be made twice."""
    trade = affirmed(buyer.settlement.propose_quoted(quoted(dealer, buyer)), buyer, dealer)
    bank.settlement.settle(trade, idempotency_key=key("first")).wait()
    clock.advance(601)
    told = buyer.settlement.settle(trade, idempotency_key=key("late"))
    assert told.status is TradeState.SETTLED
    (netted,) = buyer.settlement.settle_net([trade], idempotency_key=key("late")).trades
    assert netted.status is TradeState.SETTLED
    assert DEPOSIT - usd(bank, buyer) == Money("1085.00", "USD").minor


def test_one_quote_one_trade(bank: Platform, dealer: Platform, buyer: Platform) -> None:
    quote = quoted(dealer, buyer)
    until = dealer.settlement.read_quote(quote).valid_until
    trades = [buyer.settlement.propose_quoted(quote, expiry=until - number) for number in (0, 1)]
    both = [affirmed(trade, buyer, dealer) for trade in trades]
    bank.settlement.settle(both[0], idempotency_key=key("first")).wait()
    with pytest.raises(QuoteSpent):
        bank.settlement.settle(both[1], idempotency_key=key("second"))
    with pytest.raises(QuoteSpent):
        dealer.settlement.affirm(trades[1])
    with pytest.raises(QuoteSpent):
        buyer.settlement.propose_quoted(quote, expiry=until - 2)
    assert DEPOSIT - usd(bank, buyer) == Money("1085.00", "USD").minor


def test_a_trade_that_is_not_what_was_quoted_is_not_affirmed(bank: Platform, dealer: Platform, buyer: Platform) -> None:
    quote = quoted(dealer, buyer)
    trade = buyer.settlement.propose_quoted(quote)
    until, [sold, bought] = trade.body["expiry"], trade.body["legs"]
    cheaper = {**bought, "amount": "100000"}
    for field, body in (
        ("legs", {**trade.body, "legs": [sold, cheaper]}),
        ("legs", {**trade.body, "legs": [sold]}),
        ("legs", {**trade.body, "legs": [sold, bought, bought]}),
        ("tradeReference", {**trade.body, "tradeReference": "0x" + 64 * "1"}),
        ("lots", {**trade.body, "lots": 2}),
        ("expiry", {**trade.body, "expiry": until + 1}),
    ):
        forged = replace(trade, body=body)
        for refuse in (dealer.settlement.affirm, buyer.settlement.affirm):
            with pytest.raises(TradeOutsideQuote) as refused:
                refuse(forged)
            assert refused.value.details["field"] == field
        with pytest.raises(TradeOutsideQuote):
            bank.settlement.settle(forged, idempotency_key=key("forged"))
    with pytest.raises(TradeOutsideQuote):
        buyer.settlement.propose_quoted(quote, expiry=until + 1)


def test_a_quote_is_its_dealers_word_and_nobody_elses(dealer: Platform, buyer: Platform, seller: Platform) -> None:
    quote = quoted(dealer, buyer)
    with pytest.raises(SignatureNotOf):
        buyer.settlement.propose_quoted(replace(quote, body={**quote.body, "boughtAmount": "1"}))
    by_another = replace(
        quote, signatures={dealer.session.wallet: next(iter(quoted(seller, buyer).signatures.values()))}
    )
    with pytest.raises(SignatureNotOf):
        buyer.settlement.read_quote(by_another)
    with pytest.raises(SignatureMissing):
        buyer.settlement.read_quote(replace(quote, signatures={}))
    with pytest.raises(DocumentForElsewhere):
        buyer.settlement.read_quote(replace(quote, chain_id=1))
    with pytest.raises(DocumentForElsewhere):
        buyer.settlement.read_quote(replace(quote, contract=dealer.session.address("OrderEscrow")))
    for body in (
        {**quote.body, "more": 1},
        {**quote.body, "soldAmount": 100000},
        {**quote.body, "dealer": "nobody"},
        {**quote.body, "validUntil": "soon"},
        {name: value for name, value in quote.body.items() if name != "client"},
    ):
        with pytest.raises(MalformedDocument):
            buyer.settlement.read_quote(replace(quote, body=body))
    trade = buyer.settlement.propose_quoted(quote)
    with pytest.raises(MalformedDocument):
        buyer.settlement.affirm(replace(trade, attachments={"quote": {"kind": "quote"}}))


def test_what_cannot_be_quoted(dealer: Platform, buyer: Platform) -> None:
    now, client = dealer.session.now(), buyer.session.participant
    for pair, amount, until, price, sells, field in (
        ("EURUSD", EUR_1000, now + 60, "1.08", None, "pair"),
        ("EUR/EUR", EUR_1000, now + 60, "1.08", None, "pair"),
        ("EUR/JPY", EUR_1000, now + 60, "1.08", None, "pair"),
        ("EUR/USD", Money("1", "GBP"), now + 60, "1.08", None, "amount"),
        ("EUR/USD", Money("0.01", "EUR"), now + 60, "0.001", None, "amount"),
        ("EUR/USD", EUR_1000, now, "1.08", None, "valid_until"),
        ("EUR/USD", EUR_1000, now + 60, 1.08, None, "price"),
        ("EUR/USD", EUR_1000, now + 60, "-1.08", None, "price"),
        ("EUR/USD", EUR_1000, now + 60, "NaN", None, "price"),
        ("EUR/USD", EUR_1000, now + 60, "much", None, "price"),
        ("EUR/USD", EUR_1000, now + 60, "1.08", "GBP", "sells"),
    ):
        price_given: Any = price
        with pytest.raises(InvalidQuote) as refused:
            dealer.settlement.quote(pair, amount, until, price=price_given, client=client, sells=sells)
        assert refused.value.details["field"] == field
    with pytest.raises(InvalidQuote) as itself:
        dealer.settlement.quote("EUR/USD", EUR_1000, now + 60, price="1.08", client=dealer.session.participant)
    assert itself.value.details["field"] == "client"
