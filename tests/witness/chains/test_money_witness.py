"""Deposits, redemptions, settings, orders of compliance, holds and mandates: as the chain knows them."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak
from sdk.orders import agreed, milestone, new_attesters
from seen import call_of, key, logs_of, said, say, send
from watching import Watch

from pyjpm import LocalSigner, Mode, Money, Platform
from pyjpm.sending import payment_reference
from pyjpm.sending.witness import Effect
from pyjpm.testing import new_company
from pyjpm.witnessing import ContractWitness, compliance, deposits, settings

USD, EUR = "USD", "EUR"
ORDER = keccak(text="order")


def request(who: Platform, minor: int, name: str, currency: str = USD, payout: bytes = b"\1" * 32) -> Any:
    """What ``deposits.request_redemption`` sends."""
    reference = payment_reference(who.session.participant, name)
    return call_of(who, currency, "requestRedemption", minor, reference, payout)


def test_the_platform_stands_on_the_chain_that_was_asked_for(chain: Any, bank: Platform) -> None:
    assert bank.connection.genesis_hash == chain.connection().genesis_hash


def test_deposits_and_redemptions_happen_once(watch: Watch, bank: Platform, buyer: Platform, seller: Platform) -> None:
    bank.deposits.mint(seller.session.wallet, Money("1.00", USD), deposit_reference=key(), idempotency_key=key()).wait()
    references = []
    for name in ("settled", "returned"):
        redemption = buyer.deposits.request_redemption(Money("2.00", USD), payout=b"\1" * 32, idempotency_key=name)
        references.append(redemption.wait().reference)
    who = buyer.session.participant
    for reference in references:
        bank.deposits.instruct_redemption(who, reference, currency=USD, idempotency_key=key()).wait()
    bank.deposits.settle_redemption(
        who, references[0], currency=USD, fiat_reference="wire", idempotency_key=key()
    ).wait()
    bank.deposits.return_redemption(who, references[1], currency=USD, evidence=b"\2" * 32, idempotency_key=key()).wait()
    assert not watch.unseen(deposits)


def test_a_deposit_minted_otherwise_is_a_conflict(witness: ContractWitness, bank: Platform, seller: Platform) -> None:
    name = keccak(text=key("deposit"))
    tx = send(bank, USD, "mint", name, seller.session.wallet, 100)
    other = new_company(bank)
    same, more, elsewhere, in_eur = said(
        witness,
        bank,
        call_of(bank, USD, "mint", name, seller.session.wallet, 100),
        call_of(bank, USD, "mint", name, seller.session.wallet, 101),
        call_of(bank, USD, "mint", name, other.session.wallet, 100),
        call_of(bank, EUR, "mint", name, seller.session.wallet, 100),
    )
    assert (same.effect, same.tx_hash) == (Effect.APPLIED, tx)
    assert [each.effect for each in (more, elsewhere, in_eur)] == [Effect.CONFLICT, Effect.CONFLICT, Effect.ABSENT]
    assert (more.detail["found"]["amount"], more.detail["asked"]["amount"]) == (100, 101)


def test_a_redemption_requested_otherwise_is_a_conflict(witness: ContractWitness, buyer: Platform) -> None:
    done = buyer.deposits.request_redemption(Money("2.00", USD), payout=b"\1" * 32, idempotency_key="redeem").wait()
    same, more, otherwise, in_eur = said(
        witness,
        buyer,
        request(buyer, 200, "redeem"),
        request(buyer, 201, "redeem"),
        request(buyer, 200, "redeem", payout=b"\2" * 32),
        request(buyer, 200, "redeem", currency=EUR),
    )
    assert (same.effect, same.tx_hash) == (Effect.APPLIED, done.tx_hash)
    assert {each.effect for each in (more, otherwise, in_eur)} == {Effect.CONFLICT}
    assert (in_eur.detail["state"], in_eur.detail["found"]["currency"]) == ("NONE", USD)


def test_a_redemption_ends_in_one_way(witness: ContractWitness, bank: Platform, buyer: Platform) -> None:
    done = buyer.deposits.request_redemption(Money("2.00", USD), payout=b"\1" * 32, idempotency_key="end").wait()
    name = (buyer.session.participant, bytes.fromhex(done.reference[2:]))
    instruct = call_of(bank, USD, "instructRedemption", *name)
    settle, settle_other = (call_of(bank, USD, "settleRedemption", *name, keccak(text=wire)) for wire in ("one", "two"))
    give_back = call_of(bank, USD, "returnRedemption", *name, b"\3" * 32)
    assert {each.effect for each in said(witness, bank, instruct, settle, give_back)} == {Effect.ABSENT}
    send(bank, USD, "instructRedemption", *name)
    tx = send(bank, USD, "settleRedemption", *name, keccak(text="one"))
    verdicts = said(witness, bank, instruct, settle, settle_other, give_back)
    assert [each.effect for each in verdicts] == [Effect.APPLIED, Effect.APPLIED, Effect.CONFLICT, Effect.CONFLICT]
    assert verdicts[1].tx_hash == tx


def test_settings_are_seen(watch: Watch, bank: Platform) -> None:
    company, notary = new_company(bank), bank.session.address(USD)
    who, issuer = company.session.participant, LocalSigner.generate().address
    limits = [("setDailyLimit", 500), ("decreaseDailyLimit", 400)]
    for function, limit in limits:
        send(bank, EUR, function, who, limit)
    send(bank, EUR, "setMintCeiling", issuer, 77)
    send(bank, EUR, "setMintRate", issuer, 77, 3_600)
    send(bank, EUR, "setSponsorCeiling", who, 10_000)
    send(bank, EUR, "setRetailTier", 10_000, 20_000)
    reserve = bank.session.call(EUR, "reserve")
    send(bank, EUR, "setReserve", "0x" + 40 * "0")
    send(bank, EUR, "setReserve", reserve)
    for function in ("registerNotary", "runOffNotary", "resumeNotary", "stopNotary"):
        send(bank, EUR, function, notary)
    send(bank, EUR, "pause")
    send(bank, EUR, "unpause")
    # By a sponsor about its customer: seen with the sponsors.
    assert watch.unseen(settings) == {"setCustomerLimit(participant,limit)"}


def test_what_is_set_back_is_absent_again(witness: ContractWitness, bank: Platform) -> None:
    """So a setting is never adopted before it is sent: others may be on their way."""
    who = new_company(bank).session.participant
    low = call_of(bank, USD, "setDailyLimit", who, 50)
    tx = send(bank, USD, "setDailyLimit", who, 50)
    assert (say(witness, bank, low).effect, say(witness, bank, low).tx_hash) == (Effect.APPLIED, tx)
    send(bank, USD, "setDailyLimit", who, 100)
    assert say(witness, bank, low).effect is Effect.ABSENT
    assert not witness.is_named(low)
    assert witness.references(low) == frozenset()
    never = call_of(bank, USD, "unpause")
    assert say(witness, bank, never).effect is Effect.ABSENT


def test_orders_of_compliance_are_done_once(watch: Watch, bank: Platform, buyer: Platform, seller: Platform) -> None:
    wallet, token = buyer.session.wallet, bank.session.address(USD)
    send(bank, USD, "freezeAmount", wallet, 1_000, ORDER)
    send(bank, USD, "unfreezeAmount", wallet, 400, ORDER)
    send(bank, USD, "seize", wallet, seller.session.wallet, 300, 300, ORDER)
    # Held by a notary that is stopped then.
    notary = bank.session.address("Settlement")
    legs = [buyer.settlement.cash(wallet, seller.session.wallet, Money("1.00", USD))]
    trade = buyer.settlement.propose(legs, trade_reference=key())
    _hold_for_trade(buyer, trade, 100)
    send(bank, USD, "stopNotary", notary)
    send(bank, USD, "rescueHold", notary, wallet, 100, ORDER)
    send(bank, USD, "resumeNotary", notary)
    assert not watch.unseen(compliance)
    assert token != notary


def test_another_freeze_is_told_from_the_first(witness: ContractWitness, bank: Platform, buyer: Platform) -> None:
    wallet = buyer.session.wallet
    tx = send(bank, USD, "freezeAmount", wallet, 1_000, ORDER)
    same, more, other_order, other_wallet = said(
        witness,
        bank,
        call_of(bank, USD, "freezeAmount", wallet, 1_000, ORDER),
        call_of(bank, USD, "freezeAmount", wallet, 2_000, ORDER),
        call_of(bank, USD, "freezeAmount", wallet, 1_000, keccak(text="another order")),
        call_of(bank, USD, "freezeAmount", bank.session.address("Settlement"), 1_000, ORDER),
    )
    assert (same.effect, same.tx_hash) == (Effect.APPLIED, tx)
    assert {each.effect for each in (more, other_order, other_wallet)} == {Effect.ABSENT}
    assert [each["amount"] for each in more.detail["by_the_same_order"]] == [1_000]
    assert other_order.detail["by_the_same_order"] == []
    assert witness.references(call_of(bank, USD, "freezeAmount", wallet, 1_000, ORDER)) != witness.references(
        call_of(bank, USD, "freezeAmount", wallet, 2_000, ORDER)
    )


def test_an_order_that_ended_a_hold_is_not_its_freeze(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform
) -> None:
    """Ending a held milestone freezes as much by the same order; a freeze of that sum is another act."""
    order = agreed(buyer, seller, new_attesters(bank), milestone(bank, Mode.PREFUND, "10.00"))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    bank.escrow.cancel_by_order(order, 0, order="order", idempotency_key=key()).wait()
    freeze = call_of(bank, USD, "freezeAmount", buyer.session.wallet, 1_000, ORDER)
    assert say(witness, bank, freeze).effect is Effect.ABSENT
    tx = send(bank, USD, "freezeAmount", buyer.session.wallet, 1_000, ORDER)
    assert say(witness, bank, freeze).tx_hash == tx


def test_a_freeze_of_a_wallet_that_was_lost_is_found(witness: ContractWitness, bank: Platform, buyer: Platform) -> None:
    lost, participant = buyer.session.wallet, buyer.session.participant
    before = call_of(bank, USD, "freezeAmount", lost, 10, keccak(text="before"))
    after = call_of(bank, USD, "freezeAmount", lost, 10, keccak(text="after"))
    txs = [send(bank, USD, "freezeAmount", lost, 10, keccak(text="before"))]
    successor = bank.acting(LocalSigner.generate())
    identity = bytes.fromhex(bank.participants.get(participant).identity_hash[2:])
    link = successor.participants.wallet_link(identity)
    bank.participants.link_wallet(participant, link, idempotency_key=key()).wait()
    bank.participants.recover_wallet(lost, successor.session.wallet, order="lost", idempotency_key=key()).wait()
    txs.append(send(bank, USD, "freezeAmount", lost, 10, keccak(text="after")))
    verdicts = said(witness, bank, before, after)
    assert [(each.effect, each.tx_hash) for each in verdicts] == [(Effect.APPLIED, tx) for tx in txs]
    assert witness.has_effect(after, logs_of(bank, txs[1]))
    assert not witness.has_effect(before, logs_of(bank, txs[1]))


def test_a_consent_called_off_and_one_used(watch: Watch, witness: ContractWitness, buyer: Platform) -> None:
    send(buyer, USD, "cancelConsent", 77)
    assert ("DepositToken", "cancelConsent") in watch.rows
    assert say(witness, buyer, call_of(buyer, USD, "cancelConsent", 78)).effect is Effect.ABSENT


def test_mandates(watch: Watch, witness: ContractWitness, bank: Platform, buyer: Platform) -> None:
    now = buyer.session.now()
    mandate = {
        "payer": buyer.session.wallet,
        "notary": bank.session.address("PaymentRules"),
        "ruleId": b"\1" * 32,
        "capPerPayment": 100,
        "capPerPeriod": 100,
        "period": 86_400,
        "start": now,
        "end": now + 86_400,
    }
    number = buyer.session.call(USD, "mandateId", mandate)
    revoke = call_of(buyer, USD, "revokeMandate", number)
    assert say(witness, buyer, revoke).effect is Effect.ABSENT
    send(buyer, USD, "registerMandate", mandate)
    send(buyer, USD, "revokeMandate", number)
    given = say(witness, buyer, call_of(buyer, USD, "registerMandate", mandate))
    assert (given.effect, given.detail["state"]) == (Effect.APPLIED, "REVOKED")
    # A signature that was called off can never be used.
    other = {**mandate, "ruleId": b"\2" * 32}
    signed = call_of(buyer, USD, "registerMandateBySignature", other, 91, now + 3_600, b"\0" * 65)
    assert say(witness, buyer, signed).effect is Effect.ABSENT
    send(buyer, USD, "cancelConsent", 91)
    assert say(witness, buyer, signed).effect is Effect.VOIDED
    assert witness.references(signed) == {buyer.session.call(USD, "mandateId", other)}
    assert {("DepositToken", "registerMandate"), ("DepositToken", "revokeMandate")} <= watch.rows


def test_before_there_was_a_platform_nothing_is_known(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform
) -> None:
    wallet, who = seller.session.wallet, buyer.session.participant
    calls = [
        call_of(buyer, USD, "pay", wallet, 1, b"\1" * 32, b""),
        call_of(bank, USD, "mint", b"\1" * 32, wallet, 1),
        request(buyer, 1, "nothing"),
        call_of(bank, USD, "settleRedemption", who, b"\1" * 32, b"\2" * 32),
        call_of(bank, USD, "setDailyLimit", who, 1),
        call_of(buyer, USD, "voidReference", who, b"\1" * 32),
        call_of(buyer, USD, "cancelConsent", 1),
        call_of(bank, "ParticipantRegistry", "freeze", who, b"\1" * 32),
        call_of(bank, "ParticipantRegistry", "registerAsset", wallet, False),
        call_of(bank, "Governance", "setRoleAdmin", 1, 2),
    ]
    verdicts = witness.read(calls, connection=bank.connection, at=0)
    assert {each.effect for each in verdicts} == {Effect.UNKNOWN}
    # A node that keeps the last states only does not have that block at all.
    assert {each.detail["reason"] for each in verdicts} <= {"a view did not answer", "BLOCK_NOT_AVAILABLE"}


@pytest.mark.parametrize("function", ["transfer", "approve"])
def test_what_has_no_name_is_unknown(
    witness: ContractWitness, buyer: Platform, seller: Platform, function: str
) -> None:
    call = call_of(buyer, USD, function, seller.session.wallet, 5)
    verdict = say(witness, buyer, call)
    assert verdict.effect is Effect.UNKNOWN
    assert "the SDK never sends it" in verdict.detail["reason"]
    assert not witness.is_named(call)
    assert witness.has_effect(call, ())


def _hold_for_trade(payer: Platform, document: Any, minor: int) -> None:
    """Holds the payer's cash for a trade by its own call."""
    from pyjpm.contracts.codec import encode_parameters
    from pyjpm.terms import TradeTerms

    terms = TradeTerms.from_body(document.body)
    session = payer.session
    data = encode_parameters([session.codec("Settlement").parameter("settle", "trade")], [terms.to_message()])
    send(payer, USD, "holdAndCall", session.address("Settlement"), minor, terms.id, data)
