"""Each decision: what it does, in which states it is refused, and the trail that it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from overtaking import overtake
from sqlalchemy import update

from pyjpm import Money, Platform
from pyjpm.custody import LocalSigner
from pyjpm.errors.outbox import NotDecidable, OperationCancelled, ReasonMissing
from pyjpm.payment import Payment
from pyjpm.sending import SubmissionState as State
from pyjpm.sending.lanes import LaneState
from pyjpm.sending.operation import AttemptKind
from pyjpm.sending.tables import payment
from pyjpm.sending.trail import Trail

WORD = {"who": "Ada", "reason": "the customer called"}
Paused = Callable[[], None]


def pay(payer: Platform, seller: Platform, key: str, amount: str = "10.00", **options: Any) -> Payment:
    return payer.payments.create(seller.session.wallet, Money(amount, "USD"), idempotency_key=key, **options)


def balance(who: Platform) -> str:
    return str(who.deposits.balance(currency="USD").balance.amount)


def carry_on(platform: Platform, submission: str, until: State, mine: Paused | None = None) -> None:
    deadline = time.monotonic() + 20
    while platform.session.journal.get(submission).state is not until:
        assert time.monotonic() < deadline, platform.session.journal.get(submission)
        platform.session.sender.carry_on()
        if mine is not None:
            mine()


# --- cancel ----------------------------------------------------------------------------------------------------------


def test_what_waits_for_its_value_date_is_cancelled_for_good(payer: Platform, seller: Platform) -> None:
    later = pay(payer, seller, "rent", not_before=int(time.time()) + 3600)
    cancelled = payer.outbox.decisions.cancel(later.id, **WORD)
    assert cancelled.state is State.CANCELLED
    with pytest.raises(OperationCancelled):
        later.wait(5)
    (row,) = payer.session.journal.trail.of(later.id)
    assert (row.who, row.act, row.reason, row.outcome) == ("Ada", "cancel", WORD["reason"], "CANCELLED")
    again = pay(payer, seller, "rent", not_before=int(time.time()) + 3600)
    assert again.id == later.id, "its key still names it"
    assert balance(seller) == "0.00"


@pytest.mark.parametrize("missing", ["who", "reason"])
def test_a_decision_without_name_or_reason_is_none(payer: Platform, seller: Platform, missing: str) -> None:
    later = pay(payer, seller, "rent", not_before=int(time.time()) + 3600)
    with pytest.raises(ReasonMissing):
        payer.outbox.decisions.cancel(later.id, **{**WORD, missing: " "})
    assert payer.session.journal.get(later.id).state is State.SCHEDULED
    assert payer.session.journal.trail.of() == []


def test_what_has_a_nonce_or_an_answer_is_not_cancelled(payer: Platform, seller: Platform, paused: Paused) -> None:
    sent = pay(payer, seller, "sent")
    with pytest.raises(NotDecidable, match="voided"):
        payer.outbox.decisions.cancel(sent.id, **WORD)
    paused()
    sent.wait(20)
    for decide in (payer.outbox.decisions.cancel, payer.outbox.decisions.retry, payer.outbox.void):
        with pytest.raises(NotDecidable, match="FINAL"):
            decide(sent.id, **WORD)
    assert payer.session.journal.trail.of() == []


def test_what_was_paid_elsewhere_meanwhile_is_not_cancelled(payer: Platform, seller: Platform, bank: Platform) -> None:
    """Another outbox of the same participant pays the same key: the chain's word counts, not this journal's."""
    later = pay(payer, seller, "twice", not_before=int(time.time()) + 3600)
    pay(bank.acting(payer.session.signer), seller, "twice").wait(20)
    with pytest.raises(NotDecidable, match="APPLIED"):
        payer.outbox.decisions.cancel(later.id, **WORD)
    assert payer.session.journal.get(later.id).state is State.SCHEDULED


def test_what_is_another_wallets_by_now_is_not_cancelled(
    payer: Platform, seller: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lane alone would be locked, and whoever serves the other wallet may be numbering the payment."""
    later = pay(payer, seller, "rent", not_before=int(time.time()) + 3600)
    journal, other = payer.session.journal, LocalSigner.generate().address

    def moved() -> None:
        journal.lanes.take(other, chain_nonce=0, known_to=0)
        with journal.lanes.writing([other]) as connection:
            connection.execute(update(payment).where(payment.c.id == later.id).values(wallet=other))

    overtake(monkeypatch, Trail, "deciding", moved)
    with pytest.raises(NotDecidable, match="meanwhile"):
        payer.outbox.decisions.cancel(later.id, **WORD)
    assert journal.get(later.id).state is State.SCHEDULED
    assert journal.trail.of() == []


# --- void ------------------------------------------------------------------------------------------------------------


def test_a_void_loses_to_the_payment_that_is_mined_first(payer: Platform, seller: Platform, paused: Paused) -> None:
    sent = pay(payer, seller, "race")
    payment, void = payer.outbox.void(sent.id, **WORD)
    assert (payment.state, void.state) == (State.VOIDING, State.APPROVED)
    carry_on(payer, sent.id, State.FINAL, paused)
    assert balance(seller) == "10.00"
    carry_on(payer, void.id, State.CONFLICT, paused)
    assert payer.payments.reference_state(sent.reference, currency="USD") == "PAID"


def test_a_void_that_wins_is_voided_and_nothing_is_ever_paid(
    payer: Platform, seller: Platform, bank: Platform, paused: Paused
) -> None:
    """The payment is dropped by its node, the bank voids in another lane, and only then the payment's bytes come."""
    desk = LocalSigner.generate()  # a bank's key that no other outbox uses
    granted = bank.governance.grant("ISSUER", desk.address, idempotency_key=f"desk {desk.address}")
    paused()
    granted.wait(20)
    sent = pay(payer, seller, "dropped")
    payer.connection.development_request("anvil_dropTransaction", sent.tx_hash)
    _, void = payer.outbox.void(sent.id, **WORD, wallet=desk.address)
    payer.session.sender.serve(desk)
    while payer.session.journal.get(void.id).tx_hash is None:
        payer.session.sender.carry_on()
    payer.connection.development_request("anvil_dropTransaction", sent.tx_hash)
    paused()
    carry_on(payer, sent.id, State.VOIDED, paused)
    assert payer.payments.reference_state(sent.reference, currency="USD") == "VOIDED"
    carry_on(payer, void.id, State.FINAL, paused)
    assert balance(seller) == "0.00"
    pay(payer, seller, "after").refresh()
    paused()
    assert balance(seller) == "10.00", "the lane goes on"


def test_a_void_cancels_the_nonce_that_its_payment_has_by_now(
    payer: Platform, seller: Platform, bank: Platform, paused: Paused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its look and its commit the payment reverts, and is asked for again: on another nonce."""
    journal, wallet = payer.session.journal, payer.session.wallet
    limit, participant = bank.participants.set_daily_limit, payer.session.participant_of(wallet)
    sent = pay(payer, seller, "again")

    def asked_again() -> None:
        stop = limit(participant, Money("0.00", "USD"), idempotency_key=f"none {sent.id}")
        payer.connection.development_request("anvil_dropTransaction", sent.tx_hash)
        paused()
        stop.wait(20)
        carry_on(payer, sent.id, State.REVERTED, paused)
        allow = limit(participant, Money("100.00", "USD"), idempotency_key=f"some {sent.id}")
        paused()
        allow.wait(20)
        assert pay(payer, seller, "again").id == sent.id
        assert (journal.get(sent.id).state, journal.get(sent.id).nonce) == (State.BROADCAST, 1)

    overtake(monkeypatch, Trail, "deciding", asked_again)
    payer.outbox.void(sent.id, **WORD)
    assert [each.kind for each in journal.attempts.at(wallet, 0)] == [AttemptKind.CALL]
    assert [each.kind for each in journal.attempts.at(wallet, 1)] == [AttemptKind.CALL, AttemptKind.CANCEL]
    while journal.get(sent.id).is_pending:
        payer.session.sender.carry_on()
        paused()
    paid = journal.get(sent.id).state is State.FINAL
    assert balance(seller) == ("10.00" if paid else "0.00")
    assert journal.lanes.read(wallet).state is LaneState.OK  # type: ignore[union-attr]
    assert "FOREIGN_NONCE" not in {each.code for each in journal.alarms.list()}


def test_only_payments_are_voided(payer: Platform, paused: Paused) -> None:
    reference = "0x" + 32 * "ab"
    void = payer.payments.void(reference, currency="USD", idempotency_key="nothing")
    with pytest.raises(NotDecidable, match="only payments"):
        payer.outbox.void(void.id, **WORD)


# --- retry -----------------------------------------------------------------------------------------------------------


def test_what_reverted_is_retried_once_it_is_allowed(
    payer: Platform, seller: Platform, bank: Platform, paused: Paused
) -> None:
    wallet = payer.session.participant_of(payer.session.wallet)
    sent = pay(payer, seller, "limit")
    stop = bank.participants.set_daily_limit(wallet, Money("0.00", "USD"), idempotency_key=f"none {sent.id}")
    payer.connection.development_request("anvil_dropTransaction", sent.tx_hash)
    paused()
    stop.wait(20)
    carry_on(payer, sent.id, State.REVERTED, paused)
    allow = bank.participants.set_daily_limit(wallet, Money("100.00", "USD"), idempotency_key=f"some {sent.id}")
    paused()
    allow.wait(20)
    assert payer.outbox.decisions.retry(sent.id, **WORD).state is State.APPROVED
    carry_on(payer, sent.id, State.FINAL, paused)
    assert balance(seller) == "10.00"
    assert [row.act for row in payer.session.journal.trail.of(sent.id)] == ["retry"]
    life = payer.outbox.overview.show(sent.id)
    assert [(each["state"], each["kind"]) for each in life["attempts"]] == [("REVERTED", "call"), ("FINAL", "call")]


# --- reopen ----------------------------------------------------------------------------------------------------------


def test_a_halted_wallet_sends_again_once_somebody_said_whose_it_was(
    payer: Platform, seller: Platform, bank: Platform, paused: Paused
) -> None:
    """The same key in another outbox uses the nonce for another payment: foreign to this one."""
    wallet = payer.session.wallet
    with pytest.raises(NotDecidable, match="not halted"):
        payer.outbox.decisions.reopen(wallet, **WORD, highest_nonce=None)
    sent = pay(payer, seller, "mine")
    payer.connection.development_request("anvil_dropTransaction", sent.tx_hash)
    other = pay(bank.acting(payer.session.signer), seller, "theirs", "1.00")
    assert other.tx_hash != sent.tx_hash
    paused()
    other.wait(20)
    carry_on(payer, sent.id, State.QUARANTINED, paused)
    (lane,) = payer.outbox.overview.lanes(now=int(time.time()))
    assert (lane["state"], lane["unsettled"]) == ("HALTED", 1)
    assert {each.code for each in payer.session.journal.alarms.list()} == {"FOREIGN_NONCE"}

    reopened = payer.outbox.decisions.reopen(wallet, **WORD, highest_nonce=0)
    assert reopened.state == "RECOVERING"
    payer.outbox.void(sent.id, **WORD)
    carry_on(payer, sent.id, State.VOIDED, paused)
    assert payer.session.journal.alarms.list() == []
    assert [row.act for row in payer.session.journal.trail.of()] == ["reopen", "void"]
    pay(payer, seller, "after")
    paused()
    assert balance(seller) == "11.00"
