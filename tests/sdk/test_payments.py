"""Payments on the chain: once per key, refused as the rules say, found again after a loss."""

from __future__ import annotations

from typing import Any

import pytest
from orders import key

from pyjpm import LocalSigner, Money, PaymentOrder, Platform, Status
from pyjpm.errors.deployment import InvalidRequest, NotOnboarded, ReferenceConflict
from pyjpm.errors.money import AmountNotPositive, TooManyDecimals
from pyjpm.errors.outbox import ReferenceVoided
from pyjpm.errors.refusals import DailyLimitExceeded, InsufficientAvailable, PayeeUnknown
from pyjpm.errors.sending import IdempotencyConflict

USD = "USD"


def balance(platform: Platform, who: Platform) -> int:
    """Minor units of USD, read from the chain past every layer of ours."""
    return int(platform.contract(USD).functions.balanceOf(who.session.wallet).call())


def test_a_payment_moves_exactly_its_amount(bank: Platform, buyer: Platform, seller: Platform) -> None:
    before = balance(bank, buyer)
    payment = buyer.payments.create(
        seller.session.participant, Money("125.50", USD), idempotency_key="invoice 1", remittance=b"invoice 1"
    )
    done = payment.wait()
    assert done.status is Status.FINAL
    assert balance(bank, buyer) == before - 12_550
    assert balance(bank, seller) == 12_550
    assert buyer.payments.reference_state(done.reference, currency=USD) == "PAID"


def test_the_same_key_and_content_is_the_same_payment(bank: Platform, buyer: Platform, seller: Platform) -> None:
    amount = Money("10.00", USD)
    first = buyer.payments.create(seller.session.wallet, amount, idempotency_key="again").wait()
    second = buyer.payments.create(seller.session.wallet, amount, idempotency_key="again").wait()
    assert (first.id, first.tx_hash) == (second.id, second.tx_hash)
    assert balance(bank, seller) == 1_000


def test_the_same_key_with_other_content_is_refused(bank: Platform, buyer: Platform, seller: Platform) -> None:
    buyer.payments.create(seller.session.wallet, Money("10.00", USD), idempotency_key="key").wait()
    with pytest.raises(IdempotencyConflict) as caught:
        buyer.payments.create(seller.session.wallet, Money("11.00", USD), idempotency_key="key")
    assert caught.value.code == "IDEMPOTENCY_CONFLICT"
    assert balance(bank, seller) == 1_000


def moved_to_another_wallet(bank: Platform, who: Platform) -> Platform:
    """The same participant, whose current wallet is another one now."""
    participant, other = who.session.participant, bank.acting(LocalSigner.generate())
    identity = bytes.fromhex(bank.participants.get(participant).identity_hash[2:])
    link = other.participants.wallet_link(identity)
    bank.participants.link_wallet(participant, link, idempotency_key=key("link")).wait()
    change = who.participants.wallet_change(other.session.wallet)
    bank.participants.change_wallet(change, idempotency_key=key("change")).wait()
    return other


def test_a_payee_that_has_another_wallet_by_now_is_not_paid_again(
    bank: Platform, buyer: Platform, seller: Platform
) -> None:
    """Whoever lost the answer repeats the call: told that its key is taken, it would pay under another."""
    payee, amount = seller.session.participant, Money("10.00", USD)
    orders = {name: PaymentOrder(payee, amount) for name in ("many 1", "many 2")}
    batch = [PaymentOrder(payee, amount), PaymentOrder(payee, amount, b"two")]
    paid = buyer.payments.create(payee, amount, idempotency_key="one").wait()
    many = [each.wait() for each in buyer.payments.create_many(orders)]
    together = buyer.payments.create_batch(batch, idempotency_key="batch").wait()
    other = moved_to_another_wallet(bank, seller)
    assert buyer.payments.create(payee, amount, idempotency_key="one").id == paid.id
    more = {**orders, "many 3": PaymentOrder(payee, amount)}
    again = [each.wait() for each in buyer.payments.create_many(more)]
    assert [each.id for each in again[:2]] == [each.id for each in many]
    said = buyer.payments.create_batch(batch, idempotency_key="batch").payments
    assert [each.id for each in said] == [each.id for each in together.payments]
    for to in (other.session.wallet, buyer.session.participant):
        with pytest.raises(IdempotencyConflict):
            buyer.payments.create(to, amount, idempotency_key="one")
    assert (balance(bank, seller), balance(bank, other)) == (5_000, 1_000)


def client_with_lost_journal(bank: Platform, signer: LocalSigner, tmp_path: Any) -> Platform:
    """The same company after a disaster: its key is there, its journal is gone."""
    return Platform.connect(bank.connection, bank.record, signer=signer, journal=tmp_path / "new.sqlite")


def test_a_payment_is_adopted_when_the_journal_is_lost(
    bank: Platform, buyer: Platform, seller: Platform, tmp_path: Any
) -> None:
    signer = buyer.session.signer
    paid = buyer.payments.create(seller.session.wallet, Money("10.00", USD), idempotency_key="lost").wait()
    with client_with_lost_journal(bank, signer, tmp_path) as again:
        adopted = again.payments.create(seller.session.wallet, Money("10.00", USD), idempotency_key="lost")
        assert (adopted.status, adopted.tx_hash) == (Status.FINAL, paid.tx_hash)
        with pytest.raises(IdempotencyConflict):
            again.payments.create(seller.session.wallet, Money("10.01", USD), idempotency_key="lost")
    with client_with_lost_journal(bank, signer, tmp_path / "other") as again, pytest.raises(ReferenceConflict):
        again.payments.create(seller.session.wallet, Money("10.01", USD), idempotency_key="lost")
    assert balance(bank, seller) == 1_000


def test_a_batch_pays_all(bank: Platform, buyer: Platform, seller: Platform) -> None:
    orders = [PaymentOrder(seller.session.wallet, Money.from_minor(minor, USD)) for minor in (100, 250, 1)]
    batch = buyer.payments.create_batch(orders, idempotency_key="payroll").wait()
    assert balance(bank, seller) == 351
    assert [buyer.payments.reference_state(each, currency=USD) for each in batch.references] == ["PAID"] * 3
    assert batch.total == Money("3.51", USD)


def test_a_batch_that_cannot_be_paid_in_full_pays_nothing(bank: Platform, buyer: Platform, seller: Platform) -> None:
    orders = [PaymentOrder(seller.session.wallet, Money(text, USD)) for text in ("99999.00", "2.00")]
    with pytest.raises(InsufficientAvailable):
        buyer.payments.create_batch(orders, idempotency_key="too much")
    assert balance(bank, seller) == 0


def test_a_voided_reference_can_never_be_paid(bank: Platform, buyer: Platform, seller: Platform) -> None:
    from pyjpm.sending import payment_reference

    reference = "0x" + payment_reference(buyer.session.participant, "never").hex()
    buyer.payments.void(reference, currency=USD, idempotency_key="void").wait()
    assert buyer.payments.reference_state(reference, currency=USD) == "VOIDED"
    with pytest.raises(ReferenceVoided):
        buyer.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key="never")
    assert balance(bank, seller) == 0


@pytest.mark.parametrize("amount", ["0", "-1.00"])
def test_nothing_or_less_is_no_payment(buyer: Platform, seller: Platform, amount: str) -> None:
    with pytest.raises(AmountNotPositive):
        buyer.payments.create(seller.session.wallet, Money(amount, USD), idempotency_key="none")


def test_too_many_decimals_are_refused(buyer: Platform) -> None:
    with pytest.raises(TooManyDecimals):
        Money("1.001", USD)


def test_unknown_parties_are_refused(bank: Platform, buyer: Platform) -> None:
    stranger = LocalSigner.generate()
    with pytest.raises(PayeeUnknown):
        buyer.payments.create(stranger.address, Money("1.00", USD), idempotency_key="stranger")
    with pytest.raises(NotOnboarded):
        buyer.payments.create(4_000_000, Money("1.00", USD), idempotency_key="nobody")
    with pytest.raises(NotOnboarded):
        bank.acting(stranger).payments.create(buyer.session.wallet, Money("1.00", USD), idempotency_key="mine")
    with pytest.raises(InvalidRequest):
        buyer.payments.create("0x12", Money("1.00", USD), idempotency_key="malformed")


def test_more_than_available_is_refused_and_leaves_nothing(bank: Platform, buyer: Platform, seller: Platform) -> None:
    nonce = bank.connection.transaction_count(buyer.session.wallet)
    with pytest.raises(InsufficientAvailable) as caught:
        buyer.payments.create(seller.session.wallet, Money("100000.01", USD), idempotency_key="too much")
    assert (caught.value.details["has"], caught.value.details["needs"]) == (10_000_000, 10_000_001)
    assert list(buyer.payments.list()) == []
    assert bank.connection.transaction_count(buyer.session.wallet) == nonce


def test_the_daily_limit_holds(bank: Platform, buyer: Platform, seller: Platform, clock: Any) -> None:
    participant = buyer.session.participant
    bank.participants.set_daily_limit(participant, Money("50.00", USD), idempotency_key=f"low {participant}").wait()
    buyer.payments.create(seller.session.wallet, Money("50.00", USD), idempotency_key="all of today").wait()
    with pytest.raises(DailyLimitExceeded):
        buyer.payments.create(seller.session.wallet, Money("0.01", USD), idempotency_key="one cent more")
    clock.advance(86_400)
    buyer.payments.create(seller.session.wallet, Money("0.01", USD), idempotency_key="tomorrow").wait()
    assert balance(bank, seller) == 5_001


def test_check_says_what_a_payment_would_do(bank: Platform, buyer: Platform, seller: Platform) -> None:
    assert buyer.payments.check(seller.session.wallet, Money("1.00", USD)) == 0
    assert buyer.payments.check(seller.session.wallet, Money("100000.01", USD)) == InsufficientAvailable.reason


def test_lists_filter(buyer: Platform, seller: Platform) -> None:
    made = [
        buyer.payments.create(seller.session.wallet, Money.from_minor(minor, USD), idempotency_key=f"list {minor}")
        for minor in (1, 2, 3)
    ]
    for payment in made:
        payment.wait()
    assert [each.amount.minor for each in buyer.payments.list(status=Status.FINAL)] == [1, 2, 3]
    assert [each.id for each in buyer.payments.list(reference=made[1].reference)] == [made[1].id]
    assert list(buyer.payments.list(created_after=10**11)) == []


def test_a_payment_is_plain_data(buyer: Platform, seller: Platform) -> None:
    import dataclasses
    import json

    payment = buyer.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key="plain")
    assert json.loads(json.dumps(payment.to_dict()))["amount"]["minor"] == 100
    with pytest.raises(dataclasses.FrozenInstanceError):
        payment.status = Status.FINAL  # type: ignore[misc]


def test_many_payments_are_accepted_together_and_are_payments_of_their_own(
    bank: Platform, buyer: Platform, seller: Platform
) -> None:
    orders = {
        f"many {minor}": PaymentOrder(seller.session.wallet, Money.from_minor(minor, USD), b"for %d" % minor)
        for minor in (1, 2, 3)
    }
    made = buyer.payments.create_many(orders)
    assert [payment.wait().amount.minor for payment in made] == [1, 2, 3]
    assert balance(bank, seller) == 6
    # Each under its own key: singly it is the same payment, and together again they are.
    alone = buyer.payments.create(
        seller.session.wallet, Money.from_minor(2, USD), idempotency_key="many 2", remittance=b"for 2"
    )
    assert alone.id == made[1].id
    assert [payment.id for payment in buyer.payments.create_many(orders)] == [payment.id for payment in made]
    assert balance(bank, seller) == 6


def test_of_many_payments_none_is_accepted_where_one_is_refused(buyer: Platform, seller: Platform) -> None:
    orders = {
        "well": PaymentOrder(seller.session.wallet, Money("1.00", USD)),
        "too much": PaymentOrder(seller.session.wallet, Money("100000.01", USD)),
    }
    with pytest.raises(InsufficientAvailable):
        buyer.payments.create_many(orders)
    assert list(buyer.payments.list()) == []
