"""Deposits become money once, and go back; the bank's ceiling holds."""

from __future__ import annotations

from typing import Any

import pytest
from orders import key, usd

from pyjpm import Money, Platform, Status
from pyjpm.errors.deployment import CurrencyNotDeployed, InvalidRequest, ReferenceConflict
from pyjpm.errors.refusals import InsufficientAvailable, MintCeilingExceeded, NotIssuer
from pyjpm.errors.token import EvidenceMissing, RedemptionNotIn

USD = "USD"
DEPOSIT = 10_000_000


def supply(bank: Platform) -> int:
    return int(bank.contract(USD).functions.totalSupply().call())


def test_a_deposit_mints_once(bank: Platform, seller: Platform, tmp_path: Any) -> None:
    before = supply(bank)
    amount, name, wallet = Money("12.34", USD), key("deposit"), seller.session.wallet
    minted = bank.deposits.mint(wallet, amount, deposit_reference=name, idempotency_key=name).wait()
    again = bank.deposits.mint(wallet, amount, deposit_reference=name, idempotency_key=name).wait()
    other_key = bank.deposits.mint(wallet, amount, deposit_reference=name, idempotency_key=key("other"))
    assert (minted.id, other_key.status, other_key.tx_hash) == (again.id, Status.FINAL, minted.tx_hash)
    with pytest.raises(ReferenceConflict):
        bank.deposits.mint(wallet, Money("99.00", USD), deposit_reference=name, idempotency_key=key("more"))
    assert (usd(bank, seller), supply(bank)) == (1_234, before + 1_234)


def test_only_an_issuer_mints(buyer: Platform) -> None:
    with pytest.raises(NotIssuer):
        buyer.deposits.mint(buyer.session.wallet, Money("1.00", USD), deposit_reference="mine", idempotency_key="mine")


def test_the_ceiling_of_minting_holds(bank: Platform, seller: Platform) -> None:
    outstanding = bank.session.call(USD, "mintCeiling", bank.session.wallet)[1]
    low = Money.from_minor(outstanding + 100, USD)
    bank.governance.set_mint_ceiling(bank.session.wallet, low, idempotency_key=key("low")).wait()
    with pytest.raises(MintCeilingExceeded):
        bank.deposits.mint(
            seller.session.wallet, Money("1.01", USD), deposit_reference=key("x"), idempotency_key=key("x")
        )
    none = Money.zero(USD)
    bank.governance.set_mint_ceiling(bank.session.wallet, none, idempotency_key=key("none")).wait()
    with pytest.raises(MintCeilingExceeded):
        bank.deposits.mint(
            seller.session.wallet, Money("0.01", USD), deposit_reference=key("y"), idempotency_key=key("y")
        )
    high = Money.from_minor(2**87, USD)
    bank.governance.set_mint_ceiling(bank.session.wallet, high, idempotency_key=key("high")).wait()
    assert usd(bank, seller) == 0


def test_an_unknown_currency_has_no_token(bank: Platform, seller: Platform) -> None:
    with pytest.raises(CurrencyNotDeployed):
        bank.deposits.mint(
            seller.session.wallet, Money("1", "JPY"), deposit_reference=key("jpy"), idempotency_key=key("jpy")
        )


def test_a_redemption_settles(bank: Platform, buyer: Platform) -> None:
    before = supply(bank)
    redemption = buyer.deposits.request_redemption(
        Money("250.00", USD), payout=b"\1" * 32, idempotency_key="redeem"
    ).wait()
    who, reference = redemption.participant, redemption.reference
    balance = buyer.deposits.balance(currency=USD)
    assert (balance.held.minor, balance.available.minor) == (25_000, DEPOSIT - 25_000)
    with pytest.raises(RedemptionNotIn):
        bank.deposits.settle_redemption(
            who, reference, currency=USD, fiat_reference="wire", idempotency_key=key("early")
        )
    bank.deposits.instruct_redemption(who, reference, currency=USD, idempotency_key=key("instruct")).wait()
    with pytest.raises(EvidenceMissing):
        bank.deposits.return_redemption(who, reference, currency=USD, idempotency_key=key("return"), evidence=bytes(32))
    bank.deposits.settle_redemption(
        who, reference, currency=USD, fiat_reference="wire 1", idempotency_key=key("settle")
    ).wait()
    assert bank.deposits.redemption_state(who, reference, currency=USD) == "SETTLED"
    assert (usd(bank, buyer), supply(bank)) == (DEPOSIT - 25_000, before - 25_000)


def test_a_redemption_returns(bank: Platform, buyer: Platform) -> None:
    before = supply(bank)
    redemption = buyer.deposits.request_redemption(Money("250.00", USD), payout=b"\1" * 32, idempotency_key="r").wait()
    bank.deposits.return_redemption(
        redemption.participant, redemption.reference, currency=USD, idempotency_key=key("return")
    ).wait()
    assert (usd(bank, buyer), supply(bank)) == (DEPOSIT, before)
    assert buyer.deposits.balance(currency=USD).available.minor == DEPOSIT
    assert buyer.participants.daily_limit(redemption.participant, currency=USD)[1] == Money.zero(USD)


def test_a_frozen_amount_is_not_available(bank: Platform, buyer: Platform, seller: Platform) -> None:
    wallet = buyer.session.wallet
    amount = Money("99999.00", USD)
    bank.governance.freeze_amount(wallet, amount, order="order 5", idempotency_key=key("freeze")).wait()
    with pytest.raises(InsufficientAvailable):
        buyer.payments.create(seller.session.wallet, Money("1.01", USD), idempotency_key="too much")
    buyer.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key="the rest").wait()
    assert usd(bank, seller) == 100
    bank.governance.seize(
        wallet, seller.session.wallet, amount, order="order 6", idempotency_key=key("seize"), frozen_released=amount
    ).wait()
    assert (usd(bank, buyer), usd(bank, seller)) == (0, DEPOSIT)


def test_bad_payout_hashes_are_refused(buyer: Platform) -> None:
    with pytest.raises(InvalidRequest):
        buyer.deposits.request_redemption(Money("1.00", USD), payout=b"short", idempotency_key="short")
