"""Who may take part: onboarding, limits, stops, wallets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from orders import DAY, key, usd

from pyjpm import Document, Kind, LocalSigner, Money, Platform, identity_hash
from pyjpm.errors.deployment import NotFound, ReferenceConflict
from pyjpm.errors.documents import DocumentForElsewhere, MalformedDocument, SignatureNotOf
from pyjpm.errors.openzeppelin import AccessManagerNotScheduled, MissingRole
from pyjpm.errors.refusals import (
    CallerStopped,
    DailyLimitExceeded,
    PayeeFrozen,
    PayerFrozen,
    PayerSuspended,
    PayerWalletLost,
    PayerWalletSuspended,
    TokenPaused,
)
from pyjpm.errors.registry import KycExpiryInPast
from pyjpm.errors.shared_contracts import SignatureExpired

SALT = b"salt of the tests"


def onboard(bank: Platform, link: Document, **more: Any) -> Any:
    facts = {"kind": Kind.CORPORATE, "jurisdiction": 840, "kyc_expiry": bank.session.now() + 100 * DAY, **more}
    return bank.participants.onboard(link, idempotency_key=key("onboard"), **facts)


def test_onboarding_is_found_again(bank: Platform) -> None:
    company = bank.acting(LocalSigner.generate())
    link = company.participants.wallet_link(identity_hash({"lei": key("lei")}, SALT))
    participant = onboard(bank, link).wait().participant
    assert onboard(bank, link).participant == participant
    found = bank.participants.get(participant)
    assert (found.wallet, found.status, found.kind) == (company.session.wallet, "ACTIVE", Kind.CORPORATE)
    assert bank.participants.get(company.session.wallet) == found
    assert found in list(bank.participants.list(status="ACTIVE"))
    assert json.loads(json.dumps(found.to_dict()))["kind"] == "CORPORATE"


def test_bad_links_are_refused(bank: Platform, clock: Any) -> None:
    company = bank.acting(LocalSigner.generate())
    identity = identity_hash({"lei": key("lei")}, SALT)
    link = company.participants.wallet_link(identity)
    data = json.loads(link.to_json())

    def changed(**parts: Any) -> Document:
        return Document.from_json(json.dumps({**data, **parts}))

    other = {**data["body"], "wallet": LocalSigner.generate().address}
    with pytest.raises(SignatureNotOf):
        onboard(bank, changed(body=other))
    with pytest.raises(DocumentForElsewhere):
        onboard(bank, changed(chain_id=1))
    with pytest.raises(MalformedDocument):
        onboard(bank, changed(body={}))
    with pytest.raises(KycExpiryInPast):
        onboard(bank, link, kyc_expiry=1)
    short = company.participants.wallet_link(identity, valid_for=10)
    clock.advance(100)
    with pytest.raises(SignatureExpired):
        onboard(bank, short)
    onboard(bank, link).wait()
    second = bank.acting(LocalSigner.generate()).participants.wallet_link(identity)
    with pytest.raises(ReferenceConflict):
        onboard(bank, second)
    with pytest.raises(NotFound):
        bank.participants.get(9_999)


def test_without_a_limit_nothing_moves(bank: Platform, buyer: Platform, seller: Platform) -> None:
    zero = Money.zero("USD")
    bank.participants.set_daily_limit(buyer.session.participant, zero, idempotency_key=key("zero")).wait()
    with pytest.raises(DailyLimitExceeded):
        buyer.payments.create(seller.session.wallet, Money("0.01", "USD"), idempotency_key="zero")


def test_stops_bite_at_once_and_end(bank: Platform, buyer: Platform, seller: Platform) -> None:
    who, amount = buyer.session.participant, Money("1.00", "USD")
    bank.participants.freeze(who, order="order", idempotency_key=key("f")).wait()
    with pytest.raises(PayerFrozen):
        buyer.payments.create(seller.session.wallet, amount, idempotency_key="a")
    with pytest.raises(PayeeFrozen):
        bank.deposits.mint(who, amount, deposit_reference=key("d"), idempotency_key=key("d"))
    bank.participants.unfreeze(who, order="order", idempotency_key=key("u")).wait()
    bank.participants.suspend(who, reason="reason", idempotency_key=key("s")).wait()
    with pytest.raises(PayerSuspended):
        buyer.payments.create(seller.session.wallet, amount, idempotency_key="a")
    bank.participants.reinstate(who, reason="reason", idempotency_key=key("r")).wait()
    bank.participants.suspend_wallet(buyer.session.wallet, reason="stolen", idempotency_key=key("w")).wait()
    with pytest.raises(PayerWalletSuspended):
        buyer.payments.create(seller.session.wallet, amount, idempotency_key="a")
    bank.participants.reinstate_wallet(buyer.session.wallet, reason="found", idempotency_key=key("x")).wait()
    buyer.payments.create(seller.session.wallet, amount, idempotency_key="a").wait()
    assert usd(bank, seller) == 100


def test_a_stopped_spender_moves_nobodys_money(bank: Platform, buyer: Platform, seller: Platform) -> None:
    spender = seller
    token = bank.session.codec("USD")
    session = buyer.session
    approve = session.operation(
        kind="test",
        key="approve",
        content={},
        contract="USD",
        function="approve",
        arguments=(spender.session.wallet, 1_000),
    )
    session.sender.wait(session.sender.submit(session.signer, approve).id, 60)
    bank.participants.freeze(spender.session.participant, order="order", idempotency_key=key("f")).wait()
    data = token.encode("transferFrom", session.wallet, spender.session.wallet, 1_000)
    with pytest.raises(CallerStopped):
        spender.session.call(
            "USD", "transferFrom", session.wallet, spender.session.wallet, 1_000, sender=spender.session.wallet
        )
    assert data[:4] == token.selector("transferFrom")


def test_a_lost_wallet_is_recovered_with_everything(bank: Platform, buyer: Platform, seller: Platform) -> None:
    participant, lost = buyer.session.participant, buyer.session.wallet
    before = usd(bank, buyer)
    successor = bank.acting(LocalSigner.generate())
    link = successor.participants.wallet_link(bytes.fromhex(bank.participants.get(participant).identity_hash[2:]))
    bank.participants.link_wallet(participant, link, idempotency_key=key("link")).wait()
    paid = buyer.payments.create(seller.session.wallet, Money("1.00", "USD"), idempotency_key="before").wait()
    bank.participants.recover_wallet(
        lost, successor.session.wallet, order="order 9", idempotency_key=key("recover")
    ).wait()
    assert (usd(bank, buyer), usd(bank, successor)) == (0, before - 100)
    assert bank.participants.get(participant).wallet == successor.session.wallet
    with pytest.raises(PayerWalletLost):
        buyer.payments.create(seller.session.wallet, Money("1.00", "USD"), idempotency_key="after")
    # The lock survives the wallet: the same key, from the successor, is the same payment.
    again = successor.payments.create(seller.session.wallet, Money("1.00", "USD"), idempotency_key="before")
    assert again.tx_hash == paid.tx_hash
    assert usd(bank, seller) == 100


def test_the_current_wallet_hands_over(bank: Platform, buyer: Platform) -> None:
    participant = buyer.session.participant
    second = bank.acting(LocalSigner.generate())
    identity = bytes.fromhex(bank.participants.get(participant).identity_hash[2:])
    bank.participants.link_wallet(
        participant, second.participants.wallet_link(identity), idempotency_key=key("link")
    ).wait()
    change = Document.from_json(buyer.participants.wallet_change(second.session.wallet).to_json())
    bank.participants.change_wallet(change, idempotency_key=key("change")).wait()
    assert bank.participants.get(participant).wallet == second.session.wallet
    bank.participants.unlink_wallet(buyer.session.wallet, idempotency_key=key("unlink")).wait()


def test_a_paused_token_moves_nothing(bank: Platform, buyer: Platform, seller: Platform) -> None:
    bank.governance.pause("USD", idempotency_key=key("pause")).wait()
    try:
        with pytest.raises(TokenPaused):
            buyer.payments.create(seller.session.wallet, Money("1.00", "USD"), idempotency_key="paused")
    finally:
        bank.governance.unpause("USD", idempotency_key=key("unpause")).wait()
    assert usd(bank, seller) == 0


def test_without_the_role_nothing_is_done(bank: Platform, buyer: Platform, seller: Platform) -> None:
    with pytest.raises(MissingRole):
        buyer.participants.freeze(seller.session.participant, order="mine", idempotency_key="mine")
    assert not bank.participants.get(seller.session.participant).frozen


def test_a_delayed_role_announces_its_acts(bank: Platform, buyer: Platform, clock: Any) -> None:
    officer = bank.acting(LocalSigner.generate())
    bank.governance.grant("RESOLUTION", officer.session.wallet, delay=DAY, idempotency_key=key("grant")).wait()
    who = buyer.session.participant
    bank.participants.freeze(who, order="order", idempotency_key=key("freeze")).wait()
    with pytest.raises(AccessManagerNotScheduled):
        officer.participants.unfreeze(who, order="order", idempotency_key="at once")
    from pyjpm.session import reference_hash

    officer.governance.schedule(
        "ParticipantRegistry", "unfreeze", who, reference_hash("order"), idempotency_key="announce"
    ).wait()
    clock.advance(DAY + 1)
    officer.participants.unfreeze(who, order="order", idempotency_key="in time").wait()
    assert not bank.participants.get(who).frozen
