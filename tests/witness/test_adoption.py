"""What a client is told that lost its journal: its operations are found on the chain, and none is done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from seen import key

from pyjpm import LocalSigner, Money, PaymentOrder, Platform, Status
from pyjpm.acts import Act
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.token import AlreadyPaused

USD, EUR = "USD", "EUR"
ONE = Money("1.00", USD)


@pytest.fixture
def again(bank: Platform, tmp_path: Path) -> Iterator[Callable[[Platform], Platform]]:
    """The same company after a disaster: its key is there, its journal is gone."""
    opened = []

    def lose(who: Platform) -> Platform:
        journal = tmp_path / f"{len(opened)}.sqlite"
        opened.append(Platform.connect(bank.connection, bank.record, signer=who.session.signer, journal=journal))
        return opened[-1]

    yield lose
    for platform in opened:
        platform.close()


def nonce(who: Platform) -> int:
    return who.session.connection.transaction_count(who.session.wallet)


def test_every_kind_is_adopted_and_nothing_is_sent(
    again: Callable[[Platform], Platform], bank: Platform, buyer: Platform, seller: Platform
) -> None:
    wallet, name, order = seller.session.wallet, key("deposit"), key("order")
    orders = [PaymentOrder(wallet, Money.from_minor(minor, USD)) for minor in (1, 2)]

    def acts(client: Platform, office: Platform) -> list[Act]:
        return [
            client.payments.create(wallet, ONE, idempotency_key="pay", remittance=b"invoice"),
            client.payments.create_batch(orders, idempotency_key="batch"),
            client.deposits.request_redemption(ONE, payout=b"\1" * 32, idempotency_key="redeem"),
            office.deposits.mint(wallet, ONE, deposit_reference=name, idempotency_key=name),
            office.governance.freeze_amount(wallet, ONE, order=order, idempotency_key=order),
        ]

    first = [act.wait() for act in acts(buyer, bank)]
    client, office = again(buyer), again(bank)
    before = nonce(buyer), nonce(bank)
    found = acts(client, office)
    assert [(each.status, each.tx_hash) for each in found] == [(Status.FINAL, each.tx_hash) for each in first]
    assert (nonce(buyer), nonce(bank)) == before
    assert bank.deposits.balance(wallet, currency=USD).frozen == ONE


def test_other_content_under_a_lost_key_is_refused(
    again: Callable[[Platform], Platform], bank: Platform, buyer: Platform, seller: Platform
) -> None:
    wallet = seller.session.wallet
    buyer.payments.create(wallet, ONE, idempotency_key="lost").wait()
    client, before = again(buyer), nonce(buyer)
    for amount in (Money("1.01", USD), Money("1.00", EUR)):
        with pytest.raises(ReferenceConflict):
            client.payments.create(wallet, amount, idempotency_key="lost")
    assert nonce(buyer) == before
    assert bank.deposits.balance(wallet, currency=EUR).balance == Money.zero(EUR)
    adopted = client.payments.create(wallet, ONE, idempotency_key="lost")
    assert adopted.status is Status.FINAL


def test_of_a_batch_that_was_paid_in_part_the_rest_is_paid(
    again: Callable[[Platform], Platform], bank: Platform, buyer: Platform, seller: Platform
) -> None:
    wallet = seller.session.wallet
    orders = [PaymentOrder(wallet, Money.from_minor(minor, USD)) for minor in (1, 2, 3)]
    buyer.payments.create_batch(orders[:2], idempotency_key="part").wait()
    again(buyer).payments.create_batch(orders, idempotency_key="part").wait()
    assert bank.deposits.balance(wallet, currency=USD).balance.minor == 6


def test_a_setting_is_set_again_and_never_taken_for_done(bank: Platform) -> None:
    """Fifty, a hundred, fifty: the last word counts, though the state was once as it says."""
    from pyjpm.testing import new_company

    who = new_company(bank).session.participant
    for minor in (5_000, 10_000, 5_000):
        limit = Money.from_minor(minor, USD)
        bank.participants.set_daily_limit(who, limit, idempotency_key=key("limit")).wait()
        assert bank.participants.daily_limit(who, currency=USD)[0] == limit
    pending = [
        bank.participants.set_daily_limit(who, Money.from_minor(minor, USD), idempotency_key=key("limit"))
        for minor in (10_000, 5_000)
    ]
    assert len({act.wait().tx_hash for act in pending}) == 2
    assert bank.participants.daily_limit(who, currency=USD)[0] == Money("50.00", USD)


def test_a_state_that_has_no_name_is_the_contracts_to_answer(bank: Platform) -> None:
    """The pause that stands may be lifted by what is on its way: it is not taken for the one that was asked for."""
    first = bank.governance.pause(EUR, idempotency_key=key("pause")).wait()
    with pytest.raises(AlreadyPaused):
        bank.governance.pause(EUR, idempotency_key=key("pause"))
    bank.governance.unpause(EUR, idempotency_key=key("unpause")).wait()
    third = bank.governance.pause(EUR, idempotency_key=key("pause")).wait()
    assert third.tx_hash not in (None, first.tx_hash)
    bank.governance.unpause(EUR, idempotency_key=key("unpause")).wait()


def test_a_wallet_that_took_over_finds_what_the_lost_one_paid(
    again: Callable[[Platform], Platform], bank: Platform, buyer: Platform, seller: Platform
) -> None:
    participant, lost = buyer.session.participant, buyer.session.wallet
    paid = buyer.payments.create(seller.session.wallet, ONE, idempotency_key="before").wait()
    successor = bank.acting(LocalSigner.generate())
    identity = bytes.fromhex(bank.participants.get(participant).identity_hash[2:])
    link = successor.participants.wallet_link(identity)
    bank.participants.link_wallet(participant, link, idempotency_key=key()).wait()
    bank.participants.recover_wallet(lost, successor.session.wallet, order="o", idempotency_key=key()).wait()
    found = again(successor).payments.create(seller.session.wallet, ONE, idempotency_key="before")
    assert (found.status, found.tx_hash) == (Status.FINAL, paid.tx_hash)
    assert bank.deposits.balance(seller.session.wallet, currency=USD).balance == ONE
