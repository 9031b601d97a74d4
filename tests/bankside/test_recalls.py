"""Deposits that are asked back: frozen at once, then reversed as a whole, or lifted; a shortfall is raised."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import pytest
from bank_messages import CLIENT_IBAN, STRANGER_IBAN, Entry, notice, rejection
from house import House, dollars, paused, settle, without_office

from pyjpm.bank import BankSide, EntryState, FileChannel, PayoutState, RecallState
from pyjpm.errors.bank import RecallNotOpen, RecallUnknown, Shortfall, TreasuryMissing
from pyjpm.errors.outbox import ReasonMissing
from pyjpm.errors.refusals import InsufficientAvailable
from pyjpm.iso20022 import Agent, Original, Recall, read_payment_file, read_returns, write_recalls
from pyjpm.testing import new_company

_numbers = itertools.count(1)


@pytest.fixture
def ref() -> str:
    return f"RC-{next(_numbers)}-{id(object())}"


def recalled(original: Original, *, recall_id: str = "CXL-1", message_id: str = "CAMT56-1") -> bytes:
    recall = Recall(recall_id=recall_id, original=original, reason="FRAD")
    return write_recalls(
        [recall], message_id=message_id, assigner=Agent(bic="NWBKGB2L"), assignee=Agent(bic="COBADEFF")
    )


def deposited(side: BankSide, house: House, ref: str, amount: str = "100.00", uetr: str | None = None) -> str:
    """A deposit that was minted; its UETR."""
    name = uetr or str(uuid.uuid4())
    side.take(notice(f"M-{uuid.uuid4().hex}", Entry(ref, amount, end_to_end_id="E2E-1", uetr=name)))
    settle(side, house)
    assert side.entry(ref).state is EntryState.DONE
    return name


def asked_back(side: BankSide, house: House, ref: str) -> str:
    """A deposit that was minted and is asked back by CXL-1; its UETR."""
    name = deposited(side, house, ref)
    side.take(recalled(Original(uetr=uuid.UUID(name))))
    settle(side, house)
    return name


def frozen(house: House) -> int:
    return house.client.deposits.balance(currency="USD").frozen.minor


def test_a_recalled_deposit_is_frozen_then_reversed_and_sent_back(side: BankSide, house: House, ref: str) -> None:
    name = deposited(side, house, ref)
    asked = recalled(Original(uetr=uuid.UUID(name), amount=dollars("100.00")))
    taken = side.take(asked)
    settle(side, house)
    (recall,) = side.recalls.list()
    assert (recall.id, recall.state, recall.code) == (taken.recalls[0], RecallState.FROZEN, "FRAD")
    assert (frozen(house), house.balance()) == (10_000, 10_000)
    with pytest.raises(InsufficientAvailable):
        house.client.payments.create(house.treasury.session.wallet, dollars("0.01"), idempotency_key=ref)
    # The same request again is the same recall.
    side.take(asked)
    settle(side, house)
    assert (len(side.recalls.list()), frozen(house)) == (1, 10_000)

    with pytest.raises(ReasonMissing):
        side.recalls.reverse("CXL-1", who="ops", reason="")
    side.recalls.reverse("CXL-1", who="ops", reason="fraud confirmed")
    settle(side, house)
    assert (house.balance(), frozen(house), house.balance(house.treasury)) == (0, 0, 10_000)
    payout = side.payouts.find(side.recalls.find("CXL-1").payout or "")
    assert (payout.state, payout.kind) == (PayoutState.TOLD, "reversal")
    (order,) = read_payment_file(house.order(payout.outside)).instructions
    assert (order.creditor_account.iban, order.amount) == (CLIENT_IBAN, dollars("100.00"))
    side.take(notice("D-1", Entry("DEB-1", "100.00", credit=False, end_to_end_id=payout.outside)))
    settle(side, house)
    assert side.recalls.find("CXL-1").state is RecallState.REVERSED
    assert (house.balance(house.treasury), house.orders()) == (0, [payout.outside])
    for decide in (side.recalls.reverse, side.recalls.lift):
        with pytest.raises(RecallNotOpen):
            decide("CXL-1", who="ops", reason="again")


def test_among_banks_it_goes_back_as_a_pacs_004(house: House, ref: str) -> None:
    channel = FileChannel(
        house.folder, message="pacs.008", instructing=Agent(bic="COBADEFF"), instructed=Agent(bic="NWBKGB2L")
    )
    with house.open(channel=channel) as side:
        name = deposited(side, house, ref)
        side.take(recalled(Original(uetr=uuid.UUID(name))))
        settle(side, house)
        side.recalls.reverse("CXL-1", who="ops", reason="fraud")
        settle(side, house)
        (outside,) = house.orders()
        (line,) = read_returns(house.order(outside)).lines
    assert line.item is not None
    assert (line.item.original.uetr, line.item.amount, line.item.reason) == (uuid.UUID(name), dollars("100.00"), "FRAD")


def test_what_is_lacking_is_a_shortfall_and_what_comes_is_caught(side: BankSide, house: House, ref: str) -> None:
    name = deposited(side, house, ref)
    house.client.payments.create(house.treasury.session.wallet, dollars("30.00"), idempotency_key=f"spent {ref}").wait()
    side.take(recalled(Original(uetr=uuid.UUID(name))))
    settle(side, house)
    for _ in range(2):
        with pytest.raises(Shortfall) as caught:
            side.recalls.reverse("CXL-1", who="ops", reason="fraud")
        assert (caught.value.details["wanted"], caught.value.details["there"]) == (10_000, 7_000)
    assert side.recalls.find("CXL-1").state is RecallState.SHORTFALL
    assert (house.balance(), frozen(house), house.orders()) == (7_000, 10_000, [])
    # A later deposit is caught by the freeze, and then it is whole.
    deposited(side, house, ref + "b", "30.00")
    assert house.client.deposits.balance(currency="USD").available.minor == 0
    side.recalls.reverse("CXL-1", who="ops", reason="there now")
    settle(side, house)
    assert (house.balance(), frozen(house), len(house.orders())) == (0, 0, 1)


def test_a_recall_that_is_refused_frees_the_money(side: BankSide, house: House, ref: str) -> None:
    asked_back(side, house, ref)
    side.recalls.lift("CXL-1", who="ops", reason="the depositor proved it is theirs")
    settle(side, house)
    assert side.recalls.find("CXL-1").state is RecallState.LIFTED
    assert (house.balance(), frozen(house)) == (10_000, 0)
    assert [each["act"] for each in side.decisions()] == ["lift"]


def test_a_deposit_that_is_no_tokens_yet_is_held_and_sent_back(side: BankSide, house: House, ref: str) -> None:
    name = str(uuid.uuid4())
    side.take(notice("M-1", Entry(ref, "10.00", uetr=name, debtor_iban=STRANGER_IBAN)))
    side.take(recalled(Original(uetr=uuid.UUID(name))))
    settle(side, house)
    assert side.recalls.find("CXL-1").state is RecallState.HELD
    assert side.entry(ref).state is EntryState.RECALLED
    side.recalls.reverse("CXL-1", who="ops", reason="fraud")
    settle(side, house)
    (outside,) = house.orders()
    side.take(notice("D-1", Entry("DEB-1", "10.00", credit=False, end_to_end_id=outside)))
    settle(side, house)
    assert (side.recalls.find("CXL-1").state, side.entry(ref).state) == (RecallState.REVERSED, EntryState.RETURNED)


def test_a_deposit_that_is_held_may_be_kept_after_all(side: BankSide, house: House, ref: str) -> None:
    name = str(uuid.uuid4())
    side.take(notice("M-1", Entry(ref, "10.00", uetr=name, debtor_iban=STRANGER_IBAN)))
    side.take(recalled(Original(uetr=uuid.UUID(name))))
    settle(side, house)
    side.recalls.lift("CXL-1", who="ops", reason="withdrawn")
    side.suspense.assign(ref, house.participant, who="ops", reason="theirs")
    settle(side, house)
    assert (side.entry(ref).state, house.balance()) == (EntryState.DONE, 1_000)


def test_money_that_the_bank_took_back_itself_is_redeemed_against_that_debit(
    side: BankSide, house: House, ref: str
) -> None:
    name = deposited(side, house, ref)
    supply = house.bank.deposits.supply("USD").minor
    side.take(notice("R-1", Entry("REV-" + ref, "100.00", credit=False, uetr=name, reversal=True)))
    settle(side, house)
    (recall,) = side.recalls.list()
    assert (recall.state, recall.taken_by, frozen(house)) == (RecallState.FROZEN, "REV-" + ref, 10_000)
    with pytest.raises(RecallNotOpen):
        side.recalls.lift(recall.id, who="ops", reason="too late: the money is gone")
    side.recalls.reverse(recall.id, who="ops", reason="reversed by the bank")
    settle(side, house)
    assert side.recalls.find(recall.id).state is RecallState.REVERSED
    # Nothing is paid a second time, and the tokens are gone.
    assert (house.orders(), house.balance(), house.balance(house.treasury)) == ([], 0, 0)
    assert house.bank.deposits.supply("USD").minor == supply - 10_000


def test_a_reversal_without_details_freezes_the_deposit_whose_name_it_has(
    side: BankSide, house: House, ref: str
) -> None:
    deposited(side, house, ref)
    data = notice("R-1", Entry(ref, "100.00", credit=False, reversal=True))
    start, end = data.index(b"<NtryDtls>"), data.index(b"</Ntry>")
    side.take(data[:start] + data[end:])
    settle(side, house)
    (recall,) = side.recalls.list()
    assert (recall.state, recall.taken_by, frozen(house)) == (RecallState.FROZEN, ref, 10_000)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("newest_first", [False, True])
def test_what_one_message_books_and_takes_back_never_becomes_tokens(
    side: BankSide, house: House, ref: str, newest_first: bool, restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [Entry(ref, "10.00"), Entry(ref, "10.00", credit=False, reversal=True, number="2")]
    with monkeypatch.context() as dying:
        if restarted:
            dying.setattr(BankSide, "_advance_entry", lambda side, name: None)
        side.take(notice("M-1", *(reversed(both) if newest_first else both)))
    settle(side, house)
    (recall,) = side.recalls.list()
    assert (recall.state, recall.taken_by, house.balance()) == (RecallState.HELD, ref, 0)
    side.recalls.reverse(recall.id, who="ops", reason="taken back at once")
    settle(side, house)
    assert side.recalls.find(recall.id).state is RecallState.REVERSED
    assert {each.state for each in side.entries()} == {EntryState.RETURNED, EntryState.DONE}
    assert (house.balance(), house.orders()) == (0, [])


def test_a_deposit_that_waits_is_not_minted_because_it_is_recalled(side: BankSide, house: House, ref: str) -> None:
    name = str(uuid.uuid4())
    house.bank.governance.pause("USD", idempotency_key=f"pause {ref}").wait()
    try:
        side.take(notice("M-1", Entry(ref, "10.00", uetr=name)))
    finally:
        house.bank.governance.unpause("USD", idempotency_key=f"unpause {ref}").wait()
    assert side.entry(ref).state is EntryState.WAITING
    side.take(recalled(Original(uetr=uuid.UUID(name))))
    settle(side, house)
    assert side.recalls.find("CXL-1").state is RecallState.HELD
    assert (side.entry(ref).state, house.balance()) == (EntryState.RECALLED, 0)


def test_a_deposit_that_is_recalled_while_it_is_minted_is_frozen_not_held(
    side: BankSide, house: House, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, mint, asked = str(uuid.uuid4()), house.bank.deposits.mint, []

    def slow(*arguments: Any, **options: Any) -> Any:
        if not asked:
            asked.append(True)
            with house.open() as other:
                other.take(recalled(Original(uetr=uuid.UUID(name))))
        return mint(*arguments, **options)

    monkeypatch.setattr(house.bank.deposits, "mint", slow)
    side.take(notice("M-1", Entry(ref, "10.00", uetr=name)))
    settle(side, house)
    assert side.recalls.find("CXL-1").state is RecallState.FROZEN
    assert (side.entry(ref).state, house.balance(), frozen(house)) == (EntryState.DONE, 1_000, 1_000)


def test_a_recall_that_names_no_deposit_or_two_freezes_nobody(side: BankSide, house: House, ref: str) -> None:
    name = deposited(side, house, ref)
    deposited(side, house, ref + "b")
    for number, original in enumerate(
        (
            Original(uetr=uuid.uuid4()),
            Original(end_to_end_id="E2E-1", amount=dollars("100.00")),  # both
            Original(end_to_end_id="E2E-1"),  # a name that payers choose, without the amount
            Original(uetr=uuid.UUID(name), amount=dollars("99.00")),
        )
    ):
        side.take(recalled(original, recall_id=f"CXL-{number}", message_id=f"CAMT56-{number}"))
    settle(side, house)
    assert {each.state for each in side.recalls.list()} == {RecallState.UNMATCHED}
    assert frozen(house) == 0
    with pytest.raises(RecallNotOpen):
        side.recalls.reverse("CXL-0", who="ops", reason="fraud")
    with pytest.raises(RecallUnknown):
        side.recalls.reverse("CXL-9", who="ops", reason="fraud")


def test_without_a_participant_of_its_own_the_bank_takes_nothing(house: House, ref: str) -> None:
    with house.open(treasury=None) as side:
        name = deposited(side, house, ref)
        side.take(recalled(Original(uetr=uuid.UUID(name))))
        settle(side, house)
        with pytest.raises(TreasuryMissing):
            side.recalls.reverse("CXL-1", who="ops", reason="fraud")
        assert side.recalls.find("CXL-1").state is RecallState.FROZEN
    other = new_company(house.bank)
    with house.open(treasury=other) as side:
        side.recalls.reverse("CXL-1", who="ops", reason="fraud")
        settle(side, house)
        assert house.balance(other) == 10_000


def test_a_recall_that_comes_after_the_money_went_back_is_too_late(side: BankSide, house: House, ref: str) -> None:
    name = str(uuid.uuid4())
    side.take(notice("M-1", Entry(ref, "10.00", uetr=name, debtor_iban=STRANGER_IBAN)))
    side.suspense.send_back(ref, who="ops", reason="nobody we know")
    side.take(recalled(Original(uetr=uuid.UUID(name))))
    settle(side, house)
    assert side.recalls.find("CXL-1").state is RecallState.TOO_LATE
    assert len(house.orders()) == 1


def test_a_deposit_that_is_asked_back_twice_goes_back_once(side: BankSide, house: House, ref: str) -> None:
    """By two requests with names of their own: the second changes nothing, before and after the first is decided."""
    name = deposited(side, house, ref)
    # The same account has as much again, which is not to be taken.
    deposited(side, house, ref + "b")
    original = Original(uetr=uuid.UUID(name))
    for number in (1, 2):
        side.take(recalled(original, recall_id=f"CXL-{number}", message_id=f"CAMT56-{number}"))
    settle(side, house)
    assert (side.recalls.find("CXL-2").state, frozen(house)) == (RecallState.DUPLICATE, 10_000)
    side.recalls.reverse("CXL-1", who="ops", reason="fraud confirmed")
    settle(side, house)
    side.take(recalled(original, recall_id="CXL-3", message_id="CAMT56-3"))
    settle(side, house)
    assert (side.recalls.find("CXL-3").state, frozen(house)) == (RecallState.DUPLICATE, 0)
    for later in ("CXL-2", "CXL-3"):
        with pytest.raises(RecallNotOpen):
            side.recalls.reverse(later, who="ops", reason="fraud confirmed")
    settle(side, house)
    assert (house.balance(), len(house.orders())) == (10_000, 1)


def test_a_recall_that_was_refused_may_be_asked_for_anew(side: BankSide, house: House, ref: str) -> None:
    name = asked_back(side, house, ref)
    side.recalls.lift("CXL-1", who="ops", reason="no ground is given")
    settle(side, house)
    side.take(recalled(Original(uetr=uuid.UUID(name)), recall_id="CXL-2", message_id="CAMT56-2"))
    settle(side, house)
    assert (side.recalls.find("CXL-2").state, frozen(house)) == (RecallState.FROZEN, 10_000)


def test_a_recall_that_got_stuck_before_anything_was_taken_is_decided_again(
    side: BankSide, house: House, ref: str
) -> None:
    """The bank's own participant is suspended, so that the chain takes nothing to it."""
    asked_back(side, house, ref)
    treasury = house.treasury.session.participant
    house.bank.participants.suspend(treasury, reason="by mistake", idempotency_key=f"suspend {ref}").wait()
    try:
        side.recalls.reverse("CXL-1", who="ops", reason="fraud confirmed")
        settle(side, house)
    finally:
        house.bank.participants.reinstate(treasury, reason="mended", idempotency_key=f"reinstate {ref}").wait()
    assert (side.recalls.find("CXL-1").state, house.balance()) == (RecallState.STUCK, 10_000)
    side.recalls.reverse("CXL-1", who="ops", reason="fraud confirmed")
    settle(side, house)
    assert (house.balance(), frozen(house), len(house.orders())) == (0, 0, 1)


def test_what_the_bank_takes_though_the_recall_was_refused_is_frozen_and_decided_anew(
    side: BankSide, house: House, ref: str
) -> None:
    """The money is gone: nobody may believe that it is there."""
    name = asked_back(side, house, ref)
    side.recalls.lift("CXL-1", who="ops", reason="the depositor proved it is theirs")
    settle(side, house)
    side.take(notice("R-1", Entry("REV-" + ref, "100.00", credit=False, uetr=name, reversal=True)))
    settle(side, house)
    (anew,) = side.recalls.list(RecallState.FROZEN)
    assert (anew.taken_by, frozen(house)) == ("REV-" + ref, 10_000)
    side.recalls.reverse(anew.id, who="ops", reason="the bank has taken it")
    settle(side, house)
    assert (side.recalls.find(anew.id).state, house.balance(), house.orders()) == (RecallState.REVERSED, 0, [])


@pytest.mark.parametrize("went_back", ["as tokens", "before it was tokens", "by an order that was refused"])
def test_what_the_bank_takes_though_it_went_back_already_goes_to_somebody(
    side: BankSide, house: House, ref: str, went_back: str
) -> None:
    """It was ordered to be paid back, and the bank took it itself."""
    if went_back != "before it was tokens":
        name = asked_back(side, house, ref)
        side.recalls.reverse("CXL-1", who="ops", reason="fraud confirmed")
    else:
        name = str(uuid.uuid4())
        side.take(notice("M-1", Entry(ref, "100.00", uetr=name, debtor_iban=STRANGER_IBAN)))
        side.suspense.send_back(ref, who="ops", reason="nobody we know")
    settle(side, house)
    (outside,) = house.orders()
    if went_back == "by an order that was refused":
        side.take(rejection(f"REJ-{ref}", outside))
        settle(side, house)
        assert side.recalls.find("CXL-1").state is RecallState.STUCK
        with pytest.raises(RecallNotOpen):
            side.recalls.reverse("CXL-1", who="ops", reason="again")
    side.take(notice("R-1", Entry("REV-" + ref, "100.00", credit=False, uetr=name, reversal=True)))
    settle(side, house)
    debit = side.entry("REV-" + ref)
    assert (debit.state, debit.reason_code) == (EntryState.SUSPENSE, "TAKEN_THOUGH_RETURNED")


@pytest.mark.parametrize("taken", [False, True], ids=["asked", "taken by the bank meanwhile"])
def test_a_recall_that_got_stuck_before_its_return_was_ordered_goes_on(
    side: BankSide, house: House, ref: str, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    """Seized, and then the currency is paused: the tokens are the bank's, and nobody was told to send anything back."""
    name = asked_back(side, house, ref)
    redeem = house.treasury.deposits.request_redemption

    def while_paused(*arguments: Any, **options: Any) -> Any:
        with paused(house):
            return redeem(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(house.treasury.deposits, "request_redemption", while_paused)
        side.recalls.reverse("CXL-1", who="ops", reason="fraud confirmed")
        settle(side, house)
    assert (side.recalls.find("CXL-1").state, house.balance(), house.orders()) == (RecallState.STUCK, 0, [])
    with pytest.raises(RecallNotOpen):
        side.recalls.lift("CXL-1", who="ops", reason="too late for that")
    if taken:
        side.take(notice("R-1", Entry("REV-" + ref, "100.00", credit=False, uetr=name, reversal=True)))
        settle(side, house)
    side.recalls.reverse("CXL-1", who="ops", reason="the currency moves again")
    settle(side, house)
    assert len(house.orders()) == (0 if taken else 1)
    assert side.recalls.find("CXL-1").state is (RecallState.REVERSED if taken else RecallState.REVERSING)
    assert house.balance(house.treasury) == (0 if taken else 10_000)


def test_a_recall_waits_for_its_return_that_is_stuck(side: BankSide, house: House, ref: str) -> None:
    asked_back(side, house, ref)
    side.recalls.reverse("CXL-1", who="ops", reason="fraud confirmed")
    settle(side, house)
    (outside,) = house.orders()
    with without_office(house):
        side.take(notice("D-1", Entry("DEB-" + ref, "100.00", credit=False, end_to_end_id=outside)))
        settle(side, house)
    assert side.payouts.find(outside).state is PayoutState.STUCK
    side.payouts.retry(outside, who="ops", reason="the key is an issuer's again")
    settle(side, house)
    assert side.recalls.find("CXL-1").state is RecallState.REVERSED


def test_what_the_bank_takes_while_it_is_sent_back_is_not_sent_too(
    side: BankSide, house: House, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bank's notice comes in between the redemption of what was seized and the order of its return."""
    name = asked_back(side, house, ref)
    redeem, asked = house.treasury.deposits.request_redemption, []

    def slow(*arguments: Any, **options: Any) -> Any:
        if not asked:
            asked.append(True)
            with house.open() as other:
                other.take(notice("R-1", Entry("REV-" + ref, "100.00", credit=False, uetr=name, reversal=True)))
        return redeem(*arguments, **options)

    monkeypatch.setattr(house.treasury.deposits, "request_redemption", slow)
    side.recalls.reverse("CXL-1", who="ops", reason="fraud confirmed")
    settle(side, house)
    assert (side.recalls.find("CXL-1").state, house.orders()) == (RecallState.REVERSED, [])
    assert (house.balance(), house.balance(house.treasury)) == (0, 0)
