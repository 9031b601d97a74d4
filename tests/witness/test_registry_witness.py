"""Participants, wallets and sponsors as the chain knows them."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak
from seen import call_of, key, said, say, send
from watching import Watch

from pyjpm import Flags, Kind, LocalSigner, Money, Platform, identity_hash
from pyjpm.sending.witness import Effect
from pyjpm.testing import new_company
from pyjpm.witnessing import ContractWitness, registry, settings

REGISTRY = "ParticipantRegistry"
DAY = 86_400
SALT = b"salt of the tests"


def identity_of(bank: Platform, who: Platform) -> bytes:
    return bytes.fromhex(bank.participants.get(who.session.participant).identity_hash[2:])


def linked(bank: Platform, who: Platform) -> Platform:
    """The same participant with another wallet."""
    other = bank.acting(LocalSigner.generate())
    link = other.participants.wallet_link(identity_of(bank, who))
    bank.participants.link_wallet(who.session.participant, link, idempotency_key=key()).wait()
    return other


def registration(bank: Platform, who: Platform, name: bytes, **more: Any) -> Any:
    profile = {
        "kind": int(Kind.CORPORATE),
        "jurisdiction": 840,
        "kycExpiry": bank.session.now() + 900 * DAY,
        "identityHash": name,
        "questionnaireHash": bytes(32),
        "policyHash": bytes(32),
        "encryptionKey": bytes(32),
        **more,
    }
    return call_of(bank, REGISTRY, "register", profile, who.session.wallet, 2**33, b"\0" * 65)


def test_every_act_of_the_registry_is_seen(watch: Watch, bank: Platform) -> None:
    # The bank about its participants.
    company = new_company(bank)
    who, first = company.session.participant, company.session.wallet
    bank.participants.renew_kyc(who, kyc_expiry=bank.session.now() + 50 * DAY, idempotency_key=key()).wait()
    send(bank, REGISTRY, "updateProfile", who, b"\1" * 32, b"\2" * 32)
    second, third = linked(bank, company), linked(bank, company)
    bank.participants.unlink_wallet(third.session.wallet, idempotency_key=key()).wait()
    change = company.participants.wallet_change(second.session.wallet)
    bank.participants.change_wallet(change, idempotency_key=key()).wait()
    for act, undo, facts in (
        (bank.participants.freeze, bank.participants.unfreeze, {"order": "order"}),
        (bank.participants.suspend, bank.participants.reinstate, {"reason": "reason"}),
    ):
        act(who, idempotency_key=key(), **facts).wait()
        undo(who, idempotency_key=key(), **facts).wait()
    bank.participants.suspend_wallet(first, reason="reason", idempotency_key=key()).wait()
    bank.participants.reinstate_wallet(first, reason="reason", idempotency_key=key()).wait()
    bank.participants.recover_wallet(first, second.session.wallet, order="order", idempotency_key=key()).wait()
    bank.restrictions.add_flags(who, Flags.PAIR_RULES, idempotency_key=key()).wait()
    bank.restrictions.remove_flags(who, Flags.PAIR_RULES, idempotency_key=key()).wait()
    bank.restrictions.permit_pair(40, 56, idempotency_key=key()).wait()
    bank.restrictions.forbid_pair(40, 56, idempotency_key=key()).wait()
    bank.participants.close(who, idempotency_key=key()).wait()
    bank.assets.deploy("UnitToken", "Copper", "CU", idempotency_key=key())
    # A sponsor about its customers.
    sponsor = bank.acting(LocalSigner.generate())
    link = sponsor.participants.wallet_link(identity_hash({"n": sponsor.session.wallet}, SALT))
    facts = {"jurisdiction": 840, "kyc_expiry": bank.session.now() + 900 * DAY}
    bank.participants.onboard(link, kind=Kind.BANK, idempotency_key=key(), **facts).wait()
    bank.sponsors.grant(
        sponsor.session.participant, quota=2, longest_kyc=900 * DAY, jurisdictions=[840, 276], idempotency_key=key()
    ).wait()
    bank.sponsors.set_ceiling(sponsor.session.participant, Money("9.00", "USD"), idempotency_key=key()).wait()
    client = bank.acting(LocalSigner.generate())
    link = client.participants.wallet_link(identity_hash({"n": client.session.wallet}, SALT))
    facts["kyc_expiry"] -= DAY
    sponsor.sponsors.onboard(link, kind=Kind.CORPORATE, idempotency_key=key(), **facts).wait()
    customer = client.session.participant
    other = bank.acting(LocalSigner.generate())
    link = other.participants.wallet_link(identity_of(bank, client))
    sponsor.sponsors.link_wallet(customer, link, idempotency_key=key()).wait()
    sponsor.sponsors.unlink_wallet(other.session.wallet, idempotency_key=key()).wait()
    sponsor.sponsors.renew_kyc(customer, kyc_expiry=bank.session.now() + 9 * DAY, idempotency_key=key()).wait()
    sponsor.sponsors.set_daily_limit(customer, Money("8.00", "USD"), idempotency_key=key()).wait()
    sponsor.sponsors.suspend(customer, reason="reason", idempotency_key=key()).wait()
    sponsor.sponsors.reinstate(customer, reason="reason", idempotency_key=key()).wait()
    sponsor.sponsors.close(customer, idempotency_key=key()).wait()
    assert not watch.unseen(registry)
    assert "setCustomerLimit(participant,limit)" not in watch.unseen(settings)


def test_an_identity_is_registered_once(witness: ContractWitness, bank: Platform) -> None:
    name, company, other = keccak(text=key("identity")), *(bank.acting(LocalSigner.generate()) for _ in range(2))
    expiry = bank.session.now() + 900 * DAY
    ours = registration(bank, company, name, kycExpiry=expiry)
    assert say(witness, bank, ours).effect is Effect.ABSENT
    link = company.participants.wallet_link(name)
    done = bank.participants.onboard(
        link, kind=Kind.CORPORATE, jurisdiction=840, kyc_expiry=expiry, idempotency_key=key()
    ).wait()
    same, expires, elsewhere, wallet, new_identity = said(
        witness,
        bank,
        ours,
        registration(bank, company, name, kycExpiry=expiry + 1),
        registration(bank, company, name, kycExpiry=expiry, jurisdiction=276),
        registration(bank, other, name, kycExpiry=expiry),
        registration(bank, company, keccak(text="another identity"), kycExpiry=expiry),
    )
    assert (same.effect, same.tx_hash) == (Effect.APPLIED, done.tx_hash)
    assert same.detail["participant"] == company.session.participant
    assert {each.effect for each in (expires, elsewhere, wallet, new_identity)} == {Effect.CONFLICT}
    assert witness.references(ours) == {name}
    # Renewed since, it is still the registration that was asked for.
    bank.participants.renew_kyc(company.session.participant, kyc_expiry=expiry + DAY, idempotency_key=key()).wait()
    assert say(witness, bank, ours).effect is Effect.APPLIED


def test_stops_by_their_order(witness: ContractWitness, bank: Platform) -> None:
    who = new_company(bank).session.participant
    freeze, other = (call_of(bank, REGISTRY, "freeze", who, keccak(text=name)) for name in ("one", "two"))
    unfreeze = call_of(bank, REGISTRY, "unfreeze", who, keccak(text="one"))
    assert {each.effect for each in said(witness, bank, freeze, other, unfreeze)} == {Effect.ABSENT}
    tx = send(bank, REGISTRY, "freeze", who, keccak(text="one"))
    mine, theirs, lifted = said(witness, bank, freeze, other, unfreeze)
    assert (mine.effect, mine.tx_hash) == (Effect.APPLIED, tx)
    assert (theirs.effect, theirs.detail["found"]["orderHash"]) == (Effect.ABSENT, "0x" + keccak(text="one").hex())
    assert lifted.effect is Effect.ABSENT
    lift = send(bank, REGISTRY, "unfreeze", who, keccak(text="one"))
    again, lifted = said(witness, bank, freeze, unfreeze)
    assert (again.effect, lifted.effect, lifted.tx_hash) == (Effect.ABSENT, Effect.APPLIED, lift)
    # Stopping again under the same order is another act, and is never taken for the first.
    assert not witness.is_named(freeze)


def test_a_wallet_is_of_one_participant_and_lost_to_one_successor(witness: ContractWitness, bank: Platform) -> None:
    company, stranger = new_company(bank), new_company(bank)
    who, lost = company.session.participant, company.session.wallet
    second, third = linked(bank, company), linked(bank, company)
    links = [
        call_of(bank, REGISTRY, "linkWallet", each, second.session.wallet, 2**33, b"\0" * 65)
        for each in (who, stranger.session.participant)
    ]
    assert [each.effect for each in said(witness, bank, *links)] == [Effect.APPLIED, Effect.CONFLICT]
    recoveries = [
        call_of(bank, REGISTRY, "recoverWallet", lost, to.session.wallet, keccak(text=order))
        for to, order in ((second, "order"), (second, "another"), (third, "order"))
    ]
    assert {each.effect for each in said(witness, bank, *recoveries)} == {Effect.ABSENT}
    tx = send(bank, REGISTRY, "recoverWallet", lost, second.session.wallet, keccak(text="order"))
    verdicts = said(witness, bank, *recoveries)
    assert [each.effect for each in verdicts] == [Effect.APPLIED, Effect.CONFLICT, Effect.CONFLICT]
    assert {each.tx_hash for each in verdicts} == {tx}
    # The lost wallet was linked once, and is not current any more.
    link = call_of(bank, REGISTRY, "linkWallet", who, lost, 2**33, b"\0" * 65)
    assert say(witness, bank, link).detail["state"] == "LOST"


def test_a_token_is_registered_as_what_it_is(witness: ContractWitness, bank: Platform) -> None:
    token = bank.session.address("USD")
    calls = [call_of(bank, REGISTRY, "registerAsset", token, cash) for cash in (True, False)]
    other = call_of(bank, REGISTRY, "registerAsset", bank.session.address("Reserve"), False)
    verdicts = said(witness, bank, *calls, other)
    assert [each.effect for each in verdicts] == [Effect.APPLIED, Effect.CONFLICT, Effect.ABSENT]


@pytest.mark.parametrize("function", ["unlinkWallet", "suspendWallet"])
def test_wallets_of_nobody(witness: ContractWitness, bank: Platform, function: str) -> None:
    arguments = (LocalSigner.generate().address, *((b"\1" * 32,) if function == "suspendWallet" else ()))
    assert say(witness, bank, call_of(bank, REGISTRY, function, *arguments)).effect is Effect.ABSENT
