"""What calls take off their payers: as much as the chain takes, and never less."""

from __future__ import annotations

from typing import Any

import pytest
from sdk.orders import DAY, Attesters, agreed, milestone, new_attesters
from seen import call_of, key, send
from watching import Watch

from pyjpm import LocalSigner, Mode, Money, Platform, Schedule
from pyjpm.chain import DevClock
from pyjpm.sending import payment_reference
from pyjpm.sending.witness import Call
from pyjpm.terms import OrderTerms, TradeTerms
from pyjpm.testing import new_company
from pyjpm.witnessing import Available, ContractFunds

USD, EUR = "USD", "EUR"


@pytest.fixture(scope="session")
def funds(platform: Platform) -> ContractFunds:
    return ContractFunds(platform.record)


@pytest.fixture(scope="session")
def attesters(bank: Platform) -> Attesters:
    return new_attesters(bank)


def free(funds: ContractFunds, who: Platform, currency: str = USD) -> Available:
    connection = who.session.connection
    asked = [(who.session.wallet, who.session.address(currency))]
    (found,) = funds.read(asked, connection=connection, at=connection.head().number)
    return found


def taken(funds: ContractFunds, call: Call, currency: str, who: Platform) -> int:
    return funds.own_debits(call).get(who.session.address(currency), 0)


def test_the_money_that_a_call_takes_is_what_it_is_counted_for(
    watch: Watch, funds: ContractFunds, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    """Every way in which a client's own call takes its money: counted before, and gone after."""
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, "7.00"))
    owed = agreed(buyer, seller, attesters, milestone(bank, Mode.ON_ATTEST, "3.00"))
    bank.escrow.open(owed, idempotency_key=key()).wait()
    bank.escrow.attest(owed, attesters.attest(owed), idempotency_key=key()).wait()
    other = seller.session.wallet
    acts = {
        500: lambda: buyer.payments.create(other, Money("5.00", USD), idempotency_key="pay"),
        900: lambda: buyer.deposits.request_redemption(Money("9.00", USD), payout=b"\1" * 32, idempotency_key="redeem"),
        700: lambda: buyer.escrow.fund(order, idempotency_key="fund"),
        300: lambda: buyer.escrow.pay(owed, idempotency_key="owed"),
    }
    for minor, act in acts.items():
        before = free(funds, buyer)
        act()
        after = free(funds, buyer)
        assert taken(funds, watch.last, USD, buyer) == minor == before.balance - after.balance
        assert before.limit - after.limit == minor
        assert taken(funds, watch.last, EUR, buyer) == 0
    lines = [{"to": other, "amount": minor, "ref": bytes([minor]) * 32, "remittance": b""} for minor in (100, 250)]
    assert taken(funds, call_of(buyer, USD, "payBatch", lines), USD, buyer) == 350


def test_what_another_brings_counts_for_its_payer(
    watch: Watch, funds: ContractFunds, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    usd = bank.session.address(USD)
    document = buyer.payments.authorize(seller.session.wallet, Money("5.00", USD), idempotency_key="authorized")
    seller.payments.submit_authorization(document, idempotency_key="bring").wait()
    assert [(each.wallet, each.token, each.amount) for each in funds.debits(watch.last)] == [
        (buyer.session.wallet, usd, 500)
    ]
    assert funds.own_debits(watch.last) == {}
    # A consent in a trade counts with all that its payer pays; cash that comes in counts in a net only.
    dealer = new_company(bank, deposit="1000.00")
    legs = [
        buyer.settlement.cash(buyer.session.wallet, dealer.session.wallet, Money("2.00", USD)),
        buyer.settlement.cash(buyer.session.wallet, dealer.session.wallet, Money("3.00", USD)),
        buyer.settlement.cash(dealer.session.wallet, buyer.session.wallet, Money("4.00", USD)),
    ]
    trade = buyer.settlement.propose(legs, trade_reference=key())
    terms = TradeTerms.from_body(trade.body).to_message()
    consent = {"payer": buyer.session.wallet, "token": usd, "nonce": 1, "deadline": 2, "signature": b""}
    settle = call_of(buyer, "Settlement", "settle", terms, [], [consent])
    net = call_of(buyer, "Settlement", "settleNet", [{"trade": terms, "affirmations": [], "consents": [consent]}], True)
    assert taken(funds, settle, USD, buyer) == 500
    assert taken(funds, net, USD, buyer) == 100
    assert funds.own_debits(call_of(bank, "Settlement", "settle", terms, [], [consent])) == {}
    # What is unknown counts with the most that it can be.
    order = agreed(
        buyer, seller, attesters, milestone(bank, Mode.PREFUND, "7.00"), milestone(bank, Mode.PREFUND, "6.00")
    )
    terms = OrderTerms.from_body(order.body).to_message()
    part = {"payer": buyer.session.wallet, "nonce": 1, "deadline": 2, "signature": b""}
    counted = {
        "fund": (call_of(buyer, "OrderEscrow", "fund", terms, 1, part), 600),
        "amend": (call_of(buyer, "OrderEscrow", "amend", terms, terms, 2, b"", b"", [part]), 700),
        "credit": (call_of(buyer, "OrderEscrow", "refundReleased", terms, 0, 50, b"\1" * 32, part), 50),
    }
    assert {name: taken(funds, call, USD, buyer) for name, (call, _) in counted.items()} == {
        name: minor for name, (_, minor) in counted.items()
    }


def test_a_rule_counts_for_its_payer(funds: ContractFunds, bank: Platform, buyer: Platform, seller: Platform) -> None:
    from pyjpm import RuleTerms

    start = buyer.session.now()
    facts: dict[str, Any] = {"start": start, "end": start + 10**6, "rule_reference": "rule"}
    to = seller.session.participant
    for action, more, minor in (
        (buyer.rules.pay(Money("1.25", USD), to), {}, 125),
        (buyer.rules.sweep_above(Money("1.00", USD), to), {"cap_per_payment": Money("8.00", USD)}, 800),
    ):
        caps = {**more, "cap_per_period": Money("9.00", USD)}
        document = buyer.rules.propose(action, Schedule.interval(86_400), **facts, **caps)
        call = call_of(buyer, "PaymentRules", "execute", RuleTerms.from_body(document.body).to_message(), 0)
        assert taken(funds, call, USD, buyer) == minor


def test_what_takes_nothing_counts_nothing(funds: ContractFunds, bank: Platform, buyer: Platform) -> None:
    for call in (
        call_of(bank, USD, "mint", b"\1" * 32, buyer.session.wallet, 5),
        call_of(buyer, USD, "voidReference", buyer.session.participant, b"\1" * 32),
        Call(buyer.session.wallet, None, b"\1", "creation"),
        Call(buyer.session.wallet, bank.session.address(USD), b"\1\2\3\4", "foreign"),
    ):
        assert funds.debits(call) == ()


def test_a_cleared_payment_counts_as_the_payment(funds: ContractFunds, buyer: Platform, seller: Platform) -> None:
    reference = payment_reference(buyer.session.participant, "cleared")
    inside = call_of(buyer, USD, "pay", seller.session.wallet, 77, reference, b"")
    outside = call_of(buyer, USD, "cleared", inside.data, 2**40, b"")
    assert funds.own_debits(outside) == funds.own_debits(inside) == {buyer.session.address(USD): 77}


def test_what_is_free_is_the_least_of_money_and_limit(
    funds: ContractFunds, bank: Platform, buyer: Platform, seller: Platform, clock: DevClock
) -> None:
    clock.advance(DAY - clock.now() % DAY)  # a day begins, so that all of this is within one
    assert free(funds, buyer) == Available(10_000_000, 100_000_000)
    assert free(funds, seller).balance == 0
    send(bank, USD, "freezeAmount", buyer.session.wallet, 1_000_000, b"\1" * 32)
    bank.participants.set_daily_limit(buyer.session.participant, Money("50.00", USD), idempotency_key=key()).wait()
    buyer.payments.create(seller.session.wallet, Money("20.00", USD), idempotency_key="twenty").wait()
    assert free(funds, buyer) == Available(10_000_000 - 1_000_000 - 2_000, 3_000)
    connection = bank.connection
    at = connection.head().number
    assert funds.available(buyer.session.wallet, bank.session.address(USD), connection=connection, at=at) == 3_000
    # A limit lowered below what was spent leaves nothing, and a wallet of nobody may pay nothing.
    bank.participants.decrease_daily_limit(buyer.session.participant, Money("1.00", USD), idempotency_key=key()).wait()
    assert free(funds, buyer).least == 0
    nobody = bank.acting(LocalSigner.generate())
    assert free(funds, nobody) == Available(0, 0)


def test_a_retail_customers_tier_bounds_its_limit(funds: ContractFunds, bank: Platform) -> None:
    from pyjpm import Kind, identity_hash

    client = bank.acting(LocalSigner.generate())
    link = client.participants.wallet_link(identity_hash({"n": client.session.wallet}, b"salt of the tests"))
    bank.participants.onboard(
        link, kind=Kind.RETAIL, jurisdiction=840, kyc_expiry=bank.session.now() + 10**7, idempotency_key=key()
    ).wait()
    wide, narrow = Money("500.00", USD), Money("2.00", USD)
    bank.restrictions.set_retail_tier(wide, wide, idempotency_key=key()).wait()
    bank.participants.set_daily_limit(client.session.participant, wide, idempotency_key=key()).wait()
    assert free(funds, client).limit == 50_000
    bank.restrictions.set_retail_tier(narrow, wide, idempotency_key=key()).wait()
    assert free(funds, client).limit == 200
