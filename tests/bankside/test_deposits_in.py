"""Credits of the bank's account become tokens, once each; what fits nobody waits for somebody."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bank_messages import CLIENT_IBAN, STRANGER_IBAN, VIRTUAL_IBAN, Entry, notice
from eth_utils.crypto import keccak
from house import House, settle

from pyjpm import Money
from pyjpm.bank import BankSide, EntryState
from pyjpm.errors.bank import AccountUnknown, EntryNotInSuspense, EntryUnknown
from pyjpm.errors.iso20022 import DuplicateMessage, MalformedMessage, MessageRefused, MessageUnexpected
from pyjpm.errors.outbox import ReasonMissing
from pyjpm.testing import new_company

_numbers = itertools.count(1)


@pytest.fixture
def ref() -> str:
    """A reference that no other test of this chain has used."""
    return f"DEP-{next(_numbers)}-{id(object())}"


def states(side: BankSide) -> list[str]:
    return [each.state.value for each in side.entries()]


def minted(house: House, reference: str) -> bool:
    return bool(house.bank.contract("USD").functions.mintedFor(keccak(text=reference)).call())


def test_a_credit_is_minted_once_under_the_banks_reference(side: BankSide, house: House, ref: str) -> None:
    data = notice("M-1", Entry(ref, "1250.75"))
    taken = side.take(data)
    assert (taken.kind, taken.problems, len(taken.entries)) == ("camt.054", (), 1)
    settle(side, house)
    assert states(side) == ["DONE"]
    assert minted(house, ref)
    assert house.balance() == 125_075
    (entry,) = side.entries()
    assert (entry.participant, entry.amount) == (house.participant, Money("1250.75", "USD"))
    # The same notice, another notice and the day's statement name the same entry.
    side.take(data)
    side.take(notice("M-2", Entry(ref, "1250.75", number="9")))
    side.take(notice("S-1", Entry(ref, "1250.75"), kind="camt.053"))
    settle(side, house)
    assert (house.balance(), len(side.entries())) == (125_075, 1)


def test_a_book_that_was_lost_mints_nothing_again(side: BankSide, house: House, ref: str) -> None:
    side.take(notice("M-1", Entry(ref, "10.00")))
    settle(side, house)
    house.where = None
    with house.open() as fresh:
        fresh.take(notice("M-1", Entry(ref, "10.00")))
        settle(fresh, house)
        assert states(fresh) == ["DONE"]
    assert house.balance() == 1_000


def test_what_is_merely_announced_is_no_money(side: BankSide, house: House, ref: str) -> None:
    taken = side.take(notice("M-1", Entry(ref, "10.00", status="PDNG")))
    assert (taken.entries, taken.ignored, side.entries()) == ((), 1, [])
    side.take(notice("M-2", Entry(ref, "10.00")))
    settle(side, house)
    assert house.balance() == 1_000


def test_money_for_an_account_of_its_own_is_that_clients(side: BankSide, house: House, ref: str) -> None:
    side.take(
        notice(
            "M-1",
            Entry(ref, "10.00", debtor_iban=STRANGER_IBAN, creditor_iban=VIRTUAL_IBAN),
            # Sent to an account that is nobody's: not guessed by who sent it.
            Entry(ref + "b", "20.00", creditor_iban=STRANGER_IBAN, number="2"),
        )
    )
    settle(side, house)
    assert house.balance() == 1_000
    assert [each.reason_code for each in side.suspense.list()] == ["UNMATCHED"]


def test_one_reference_with_two_amounts_is_told_and_changes_nothing(side: BankSide, house: House, ref: str) -> None:
    side.take(notice("M-1", Entry(ref, "10.00")))
    taken = side.take(notice("M-2", Entry(ref, "11.00")))
    assert [each["code"] for each in taken.problems] == ["REFERENCE_USED"]
    assert taken.problems[0]["path"].endswith("/Ntfctn/Ntry")
    settle(side, house)
    assert house.balance() == 1_000


def test_the_good_entries_go_on_beside_a_wrong_one(side: BankSide, house: House, ref: str) -> None:
    wrong = Entry(ref + "x", "10.005", number="2")
    other = Entry(ref + "y", "10.00", currency="EUR", number="3")
    taken = side.take(notice("M-1", Entry(ref, "10.00"), wrong, other, Entry(ref + "z", "5.00", number="4")))
    assert [each["code"] for each in taken.problems] == ["AM12", "AM03"]
    settle(side, house)
    assert (house.balance(), len(side.entries())) == (1_500, 2)


def test_a_batch_is_taken_apart(side: BankSide, house: House, ref: str) -> None:
    data = notice("M-1", Entry(ref, "10.00")).decode()
    start, end = data.index("<TxDtls>"), data.index("</TxDtls>") + len("</TxDtls>")
    part = data[start:end]
    parts = part.replace("10.00", "4.00") + part.replace("10.00", "6.00").replace(
        "GB82WEST12345698765432", STRANGER_IBAN
    )
    side.take((data[:start] + parts + data[end:]).encode())
    settle(side, house)
    assert house.balance() == 400
    found = {each.reference: each.state.value for each in side.entries()}
    assert found == {f"{ref}/1": "DONE", f"{ref}/2": "SUSPENSE"}
    assert (minted(house, f"{ref}/1"), minted(house, ref)) == (True, False)


def batch(whole: Entry, *parts: tuple[str, bool, str | None, str]) -> bytes:
    """A notice of one entry made of (amount, credit, the bank's reference, debtor's IBAN)."""
    data = notice(f"M-{whole.reference}", whole).decode()
    start, end = data.index("<TxDtls>"), data.index("</TxDtls>") + len("</TxDtls>")
    details = ""
    for amount, credit, reference, iban in parts:
        part = data[start:end].replace(f">{whole.amount}<", f">{amount}<").replace(CLIENT_IBAN, iban)
        if not credit:
            part = part.replace("CRDT", "DBIT")
        if reference is not None:
            part = part.replace("<EndToEndId>", f"<AcctSvcrRef>{reference}</AcctSvcrRef><EndToEndId>")
        details += part
    return (data[:start] + details + data[end:]).encode()


def test_charges_taken_off_a_batch_are_a_debit_and_never_minted(side: BankSide, house: House, ref: str) -> None:
    side.take(batch(Entry(ref, "90.00"), ("100.00", True, None, CLIENT_IBAN), ("10.00", False, None, CLIENT_IBAN)))
    settle(side, house)
    assert house.balance() == 10_000
    found = {each.reference: (each.credit, each.state.value, each.reason_code) for each in side.entries()}
    assert found == {f"{ref}/1": (True, "DONE", ""), f"{ref}/2": (False, "SUSPENSE", "UNKNOWN_DEBIT")}


def test_parts_of_a_batch_that_the_bank_gives_one_reference_are_all_minted(
    side: BankSide, house: House, ref: str
) -> None:
    both = (("5.00", True, ref, CLIENT_IBAN), ("5.00", True, ref, CLIENT_IBAN))
    taken = side.take(batch(Entry(ref, "10.00"), *both))
    settle(side, house)
    assert (taken.problems, house.balance()) == ((), 1_000)
    # Nameless, they are two that wait for somebody.
    side.take(batch(Entry(None, "7.00"), ("3.50", True, None, CLIENT_IBAN), ("3.50", True, None, CLIENT_IBAN)))
    assert [each.reason_code for each in side.suspense.list()] == ["NO_REFERENCE"] * 2


def test_what_stands_for_no_reference_is_none(side: BankSide, house: House) -> None:
    for name in ("NOTPROVIDED", "NONREF"):
        side.take(notice(f"M-{name}", Entry(name, "5.00"), Entry(name, "5.00", number="2")))
    settle(side, house)
    assert [each.reason_code for each in side.suspense.list()] == ["NO_REFERENCE"] * 4
    assert house.balance() == 0


def test_two_entries_of_one_report_under_one_reference_are_told(side: BankSide, house: House, ref: str) -> None:
    taken = side.take(notice("M-1", Entry(ref, "5.00"), Entry(ref, "5.00", number="2")))
    assert [each["code"] for each in taken.problems] == ["REFERENCE_USED"]
    settle(side, house)
    assert house.balance() == 500


# --- suspense --------------------------------------------------------------------------------------------------------


def test_an_unmatched_credit_is_assigned_by_somebody_once(side: BankSide, house: House, ref: str) -> None:
    side.take(notice("M-1", Entry(ref, "10.00", debtor_iban=STRANGER_IBAN)))
    settle(side, house)
    (waiting,) = side.suspense.list()
    assert (waiting.reason_code, minted(house, ref)) == ("UNMATCHED", False)
    for who, reason in (("", "contract"), ("ops", " ")):
        with pytest.raises(ReasonMissing):
            side.suspense.assign(ref, house.participant, who=who, reason=reason)
    side.suspense.assign(ref, house.participant, who="ops", reason="letter of the client")
    settle(side, house)
    assert (house.balance(), states(side), side.suspense.list()) == (1_000, ["DONE"], [])
    other = new_company(house.bank).session.participant
    for again in (
        lambda: side.suspense.assign(ref, other, who="ops", reason="other"),
        lambda: side.suspense.send_back(ref, who="ops", reason="other"),
    ):
        with pytest.raises(EntryNotInSuspense):
            again()
    told = side.decisions()
    assert [(each["who"], each["act"], each["reason"]) for each in told] == [
        ("ops", f"assign to {house.participant}", "letter of the client")
    ]
    with pytest.raises(EntryUnknown):
        side.suspense.assign("nothing", other, who="ops", reason="other")


def test_an_unmatched_credit_is_sent_back_once_and_never_minted(side: BankSide, house: House, ref: str) -> None:
    side.take(notice("M-1", Entry(ref, "10.00", debtor_iban=STRANGER_IBAN)))
    sent = side.suspense.send_back(ref, who="ops", reason="nobody we know")
    assert sent.state is EntryState.RETURNING
    assert house.orders() == [sent.payout]
    assert STRANGER_IBAN.encode() in house.order(sent.payout or "")
    settle(side, house)
    assert side.entry(ref).state is EntryState.RETURNING
    side.take(notice("M-2", Entry("D-" + ref, "10.00", credit=False, end_to_end_id=sent.payout or "")))
    settle(side, house)
    assert side.entry(ref).state is EntryState.RETURNED
    assert (house.orders(), minted(house, ref)) == ([sent.payout], False)


def test_a_credit_without_a_reference_is_minted_by_nobody(side: BankSide, house: House) -> None:
    side.take(notice("M-1", Entry(None, "10.00")))
    settle(side, house)
    (waiting,) = side.suspense.list()
    assert waiting.reason_code == "NO_REFERENCE"
    with pytest.raises(EntryNotInSuspense):
        side.suspense.assign(waiting.id, house.participant, who="ops", reason="looks right")
    side.suspense.close(waiting.id, who="ops", reason="came again under a reference")
    assert (side.suspense.list(), house.balance()) == ([], 0)


def test_what_the_chain_refuses_for_good_goes_to_suspense_with_its_code(side: BankSide, house: House, ref: str) -> None:
    house.bank.participants.suspend(house.participant, reason="kyc", idempotency_key=f"suspend {ref}").wait()
    side.take(notice("M-1", Entry(ref, "10.00")))
    settle(side, house)
    assert [each.reason_code for each in side.suspense.list()] == ["PAYEE_SUSPENDED"]
    house.bank.participants.reinstate(house.participant, reason="done", idempotency_key=f"back {ref}").wait()
    side.suspense.assign(ref, house.participant, who="ops", reason="reinstated")
    settle(side, house)
    assert house.balance() == 1_000


def test_what_passes_by_itself_is_waited_for(side: BankSide, house: House, ref: str) -> None:
    house.bank.governance.pause("USD", idempotency_key=f"pause {ref}").wait()
    try:
        side.take(notice("M-1", Entry(ref, "10.00")))
        side.carry_on()
        assert [(each.state.value, each.reason_code) for each in side.entries()] == [("WAITING", "TOKEN_PAUSED")]
    finally:
        house.bank.governance.unpause("USD", idempotency_key=f"unpause {ref}").wait()
    settle(side, house)
    assert (states(side), house.balance()) == (["DONE"], 1_000)


# --- messages --------------------------------------------------------------------------------------------------------


def test_a_message_that_cannot_be_taken_changes_nothing(side: BankSide, house: House, ref: str) -> None:
    good = notice("M-1", Entry(ref, "10.00"))
    for data, error in (
        (good[:-9], MalformedMessage),
        (notice("M-1", Entry(ref, "10.00"), iban=STRANGER_IBAN), AccountUnknown),
        (notice("M-1", Entry(ref, "10.00"), currency="EUR"), AccountUnknown),
        (good.replace(b"<MsgId>M-1</MsgId>", b""), MalformedMessage),
        (
            good.replace(b"camt.054", b"pain.001").replace(b"BkToCstmrDbtCdtNtfctn", b"CstmrCdtTrfInitn"),
            MessageUnexpected,
        ),
    ):
        with pytest.raises(error):
            side.take(data)
    # A statement whose entries do not lead to its closing balance is no ground to mint on.
    wrong = notice("S-9", Entry(ref, "10.00"), kind="camt.053").replace(b"<Cd>ITBD</Cd>", b"<Cd>OPBD</Cd>", 1)
    start, end = wrong.index(b"<Bal>"), wrong.index(b"</Bal>") + len(b"</Bal>")
    closing = wrong[start:end].replace(b"OPBD", b"CLBD")
    with pytest.raises(MessageRefused) as caught:
        side.take(wrong[:end] + closing + wrong[end:])
    assert [each["code"] for each in caught.value.details["problems"]] == ["AM10"]
    assert side.entries() == []
    side.take(good)
    with pytest.raises(DuplicateMessage):
        side.take(notice("M-1", Entry(ref + "b", "10.00")))
    settle(side, house)
    assert (len(side.entries()), house.balance()) == (1, 1_000)


def test_a_fault_on_the_way_is_gone_on_with(
    side: BankSide, house: House, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mint = house.bank.deposits.mint
    calls: list[str] = []

    def dies(*arguments: Any, **options: Any) -> Any:
        calls.append(options["idempotency_key"])
        made = mint(*arguments, **options)
        if len(calls) == 1:
            raise KeyboardInterrupt  # killed between the chain and the book
        return made

    monkeypatch.setattr(house.bank.deposits, "mint", dies)
    with pytest.raises(KeyboardInterrupt):
        side.take(notice("M-1", Entry(ref, "10.00"), Entry(ref + "b", "5.00", number="2")))
    # Whoever asks it back now must look on the chain first.
    assert sorted(states(side)) == ["RECEIVED", "SENT"]
    side.close()
    with house.open() as again:
        settle(again, house)
        assert states(again) == ["DONE", "DONE"]
    assert house.balance() == 1_500


def test_two_that_take_the_same_notice_at_once_mint_once(house: House, ref: str) -> None:
    data = notice("M-1", *(Entry(f"{ref}-{n}", "1.00", number=str(n)) for n in range(5)))

    def take(_: int) -> None:
        with house.open() as side:
            side.take(data)
            settle(side, house)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(take, range(3)))
    with house.open() as side:
        settle(side, house)
        assert states(side) == ["DONE"] * 5
    assert house.balance() == 500
