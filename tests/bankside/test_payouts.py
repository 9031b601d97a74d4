"""Redemptions are paid once, burned when the bank has paid, given back when not; what comes back is minted."""

from __future__ import annotations

import datetime
import itertools
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bank_messages import CLIENT_IBAN, RESERVE_IBAN, Entry, notice, rejection
from house import House, dollars, settle, without_office
from judges import assert_valid

from pyjpm import Money
from pyjpm.bank import BankSide, FileChannel, PayoutDetails, PayoutState
from pyjpm.bank.details import payout_name
from pyjpm.bank.payouts import Payouts
from pyjpm.errors.bank import PayoutChannelMissing, PayoutMismatch, PayoutNotStuck, PayoutUnknown
from pyjpm.errors.outbox import ReasonMissing
from pyjpm.iso20022 import (
    Account,
    Agent,
    Original,
    Party,
    Return,
    read_payment_file,
    read_transfers,
    write_returns,
)
from pyjpm.sending.effects import Effects
from pyjpm.sending.outside import Absent, Answer, Found, Refused, Unknown

_numbers = itertools.count(1)
DETAILS = PayoutDetails.make(
    Party(name="Contoso", country="GB"), Account(iban=CLIENT_IBAN), Agent(bic="NWBKGB2L"), text="redemption"
)


def redeemed(house: House, amount: str = "40.00", deposit: str = "100.00", details: PayoutDetails = DETAILS) -> str:
    """The client has a deposit and has requested a redemption; its reference."""
    name = f"redeem {next(_numbers)} {house.participant}"
    house.bank.deposits.mint(
        house.participant, dollars(deposit), deposit_reference=name, idempotency_key=f"mint {name}"
    ).wait()
    return (
        house.client.deposits.request_redemption(dollars(amount), payout=details.hash, idempotency_key=name)
        .wait()
        .reference
    )


def state(house: House, reference: str) -> str:
    return house.bank.deposits.redemption_state(house.participant, reference, currency="USD")


def accepted(side: BankSide, house: House, amount: str = "40.00") -> tuple[str, str]:
    """(outside name, reference on chain) of a payout that the bank was told."""
    reference = redeemed(house, amount)
    outside = side.payouts.accept(house.participant, reference, DETAILS, currency="USD").outside
    settle(side, house)
    assert side.payouts.find(outside).state is PayoutState.TOLD
    return outside, reference


def returned(outside: str, amount: str, *, return_id: str = "RET-1", message_id: str | None = None) -> bytes:
    return write_returns(
        [
            Return(
                return_id=return_id,
                original=Original(end_to_end_id=outside),
                amount=dollars(amount),
                reason="AC04",
                settle_on=datetime.date(2026, 11, 30),
            )
        ],
        message_id=message_id or uuid.uuid4().hex,
        instructing=Agent(bic="NWBKGB2L"),
        instructed=Agent(bic="COBADEFF"),
    )


@pytest.mark.parametrize("how", ["reversal", "return"])
def test_what_came_back_of_no_payout_of_ours_is_minted_for_nobody_by_itself(
    side: BankSide, house: House, how: str
) -> None:
    """Such as a debit that the bank gave no name and took back: nothing has come in."""
    outside, _ = accepted(side, house)
    name = f"BACK-{outside[:12]}"
    back = notice("B-1", Entry(name, "40.00", reversal=how == "reversal", debtor_iban=None, creditor_iban=CLIENT_IBAN))
    if how == "return":
        back = back.replace(b"</TxDtls>", b"<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>")
    side.take(notice("D-1", Entry(f"DEB-{outside[:12]}", "40.00", credit=False)))
    side.take(back)
    settle(side, house)
    assert {each.reason_code for each in side.suspense.list()} == {"UNKNOWN_DEBIT", "UNKNOWN_RETURN"}
    assert house.balance() == 10_000
    # Whoever sees that it is a deposit after all says so.
    assert side.suspense.assign(name, house.participant, who="ops", reason="new money").participant
    settle(side, house)
    assert house.balance() == 14_000


def test_a_redemption_is_paid_once_and_burned_when_the_bank_has_paid(side: BankSide, house: House) -> None:
    reference = redeemed(house)
    # The chain is shared with other tests, whose redemptions are in other books.
    waiting = [each for each in side.payouts.waiting("USD") if each["participant"] == house.participant]
    assert waiting == [{"participant": house.participant, "reference": reference, "amount": 4_000}]
    payout = side.payouts.accept(house.participant, reference, DETAILS, currency="USD")
    assert side.payouts.accept(house.participant, reference, DETAILS, currency="USD").outside == payout.outside
    assert reference not in [each["reference"] for each in side.payouts.waiting("USD")]
    settle(side, house)
    assert (state(house, reference), house.orders()) == ("INSTRUCTED", [payout.outside])
    # The order, as the bank reads it.
    data = house.order(payout.outside)
    assert assert_valid(data) == "pain.001.001.09"
    (order,) = read_payment_file(data).instructions
    assert (order.end_to_end_id, order.amount, str(order.uetr)) == (payout.outside, dollars("40.00"), payout.uetr)
    assert (order.creditor_account.iban, order.debtor_account.iban) == (CLIENT_IBAN, RESERVE_IBAN)
    # Nothing is burned before the account shows the debit.
    assert house.balance() == 10_000
    side.take(notice("D-1", Entry("DEB-1", "40.00", credit=False, end_to_end_id=payout.outside)))
    settle(side, house)
    done = side.payouts.find(payout.outside)
    assert (done.state, done.bank_reference, state(house, reference)) == (PayoutState.SETTLED, "DEB-1", "SETTLED")
    assert (house.balance(), house.orders()) == (6_000, [payout.outside])
    # The statement of the day names the debit again.
    taken = side.take(
        notice("D-2", Entry("DEB-1", "40.00", credit=False, end_to_end_id=payout.outside), kind="camt.053")
    )
    assert (taken.problems, side.suspense.list()) == ((), [])


def test_where_we_are_a_bank_the_order_is_a_pacs_008(house: House) -> None:
    channel = FileChannel(
        house.folder, message="pacs.008", instructing=Agent(bic="COBADEFF"), instructed=Agent(bic="NWBKGB2L")
    )
    with house.open(channel=channel) as side:
        outside, _ = accepted(side, house)
        data = house.order(outside)
        assert assert_valid(data) == "pacs.008.001.08"
        (line,) = read_transfers(data).lines
        assert line.transfer is not None
        assert (line.transfer.end_to_end_id, line.transfer.amount) == (outside, dollars("40.00"))
        # Found by its UETR too, as a bank tells it.
        uetr = side.payouts.find(outside).uetr
        side.take(notice("D-1", Entry("DEB-1", "40.00", credit=False, uetr=uetr)))
        settle(side, house)
        assert side.payouts.find(outside).state is PayoutState.SETTLED


def test_only_the_details_that_were_agreed_are_paid_on(side: BankSide, house: House) -> None:
    reference = redeemed(house)
    other = replace(DETAILS, account=Account(iban=RESERVE_IBAN))
    with pytest.raises(PayoutMismatch):
        side.payouts.accept(house.participant, reference, other, currency="USD")
    with pytest.raises(PayoutUnknown):
        side.payouts.accept(house.participant, "0x" + "ab" * 32, DETAILS, currency="USD")
    for wrong in ({}, {**DETAILS.to_dict(), "version": 2}, {**DETAILS.to_dict(), "salt": "00"}):
        with pytest.raises(PayoutMismatch):
            PayoutDetails.from_dict(wrong)
    assert PayoutDetails.from_dict(DETAILS.to_dict()) == DETAILS
    assert (side.payouts.list(), house.orders()) == ([], [])


def test_without_a_way_to_the_bank_it_waits(house: House) -> None:
    reference = redeemed(house)
    with house.open(channel=None) as side:
        outside = side.payouts.accept(house.participant, reference, DETAILS, currency="USD").outside
        with pytest.raises(PayoutChannelMissing):
            settle(side, house)
        assert side.payouts.find(outside).state is PayoutState.TELLING
    with house.open() as side:
        settle(side, house)
        assert side.payouts.find(outside).state is PayoutState.TOLD


# --- what the bank refuses, and what comes back ----------------------------------------------------------------------


def test_what_the_bank_refuses_is_given_back(side: BankSide, house: House) -> None:
    outside, reference = accepted(side, house)
    taken = side.take(rejection("S-1", outside))
    assert taken.payouts == (outside,)
    settle(side, house)
    assert (side.payouts.find(outside).state, state(house, reference)) == (PayoutState.RETURNED, "RETURNED")
    assert "AC04" in side.payouts.find(outside).reason
    assert house.client.deposits.balance(currency="USD").available == dollars("100.00")
    # A debit for it after all is nobody's payout: somebody must look.
    side.take(notice("D-1", Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside)))
    assert [each.reason_code for each in side.suspense.list()] == ["PAID_THOUGH_REFUSED"]


def test_a_refusal_after_the_debit_is_told_and_changes_nothing(side: BankSide, house: House) -> None:
    outside, reference = accepted(side, house)
    side.take(notice("D-1", Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside)))
    taken = side.take(rejection("S-1", outside))
    assert [each["code"] for each in taken.problems] == ["REFUSED_THOUGH_PAID"]
    settle(side, house)
    assert state(house, reference) == "SETTLED"


def test_a_refusal_and_a_debit_at_the_same_moment_are_not_both_believed(side: BankSide, house: House) -> None:
    """Else its client had the tokens back, and the money too."""
    for number in range(10):
        outside, reference = accepted(side, house, f"{number + 1}.00")
        together = threading.Barrier(2)

        def said(what: Callable[[], str | None], together: threading.Barrier = together) -> str | None:
            together.wait()
            return what()

        with ThreadPoolExecutor(2) as threads:
            words = [
                lambda outside=outside: side.payouts.refused(outside, b"\x01" * 32, "AC04"),
                lambda outside=outside, number=number: side.payouts.debited(
                    outside, dollars(f"{number + 1}.00"), f"DEB-{number}"
                ),
            ]
            problems = list(threads.map(said, words))
        settle(side, house)
        ended = {"SETTLED": ["REFUSED_THOUGH_PAID", None], "RETURNED": [None, "PAID_THOUGH_REFUSED"]}
        assert problems == ended[state(house, reference)]


def stuck(side: BankSide, house: House, reference: str, outside: str, happens: Callable[[], Any]) -> None:
    """Something happens while the bank's key may not do it: nothing moves, and somebody must go on."""
    before, balance = state(house, reference), house.balance()
    with without_office(house):
        happens()
        settle(side, house)
    settle(side, house)
    found = side.payouts.find(outside)
    assert (found.state, "NOT_ISSUER" in found.reason) == (PayoutState.STUCK, True), found
    assert (state(house, reference), house.balance()) == (before, balance)
    with pytest.raises(ReasonMissing):
        side.payouts.retry(outside, who="ops", reason=" ")
    side.payouts.retry(outside, who="ops", reason="the key is an issuer's again")
    settle(side, house)
    with pytest.raises(PayoutNotStuck):
        side.payouts.retry(outside, who="ops", reason="once more")


def test_what_got_stuck_before_the_bank_was_told_is_told_once(side: BankSide, house: House) -> None:
    reference = redeemed(house)
    outside = payout_name(
        house.bank.session.record.chain_id, house.bank.session.address("USD"), house.participant, reference
    )
    stuck(
        side,
        house,
        reference,
        outside,
        lambda: side.payouts.accept(house.participant, reference, DETAILS, currency="USD"),
    )
    assert (side.payouts.find(outside).state, state(house, reference)) == (PayoutState.TOLD, "INSTRUCTED")
    assert house.orders() == [outside]


def test_what_got_stuck_after_the_bank_had_paid_is_burned(side: BankSide, house: House) -> None:
    outside, reference = accepted(side, house)
    debit = notice("D-1", Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside))
    stuck(side, house, reference, outside, lambda: side.take(debit))
    assert (side.payouts.find(outside).state, state(house, reference)) == (PayoutState.SETTLED, "SETTLED")
    assert (house.balance(), house.orders()) == (6_000, [outside])


def test_what_got_stuck_on_its_way_back_is_given_back(side: BankSide, house: House) -> None:
    outside, reference = accepted(side, house)
    stuck(side, house, reference, outside, lambda: side.take(rejection("S-1", outside)))
    assert (side.payouts.find(outside).state, state(house, reference)) == (PayoutState.RETURNED, "RETURNED")
    assert house.balance() == 10_000


def test_what_got_stuck_on_its_way_back_and_was_paid_after_all_is_burned(side: BankSide, house: House) -> None:
    """The debit is there when somebody goes on: its client does not get the tokens too."""
    outside, reference = accepted(side, house)
    debit = notice("D-1", Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside))

    def refused_and_paid() -> None:
        side.take(rejection("S-1", outside))
        settle(side, house)
        side.take(debit)

    stuck(side, house, reference, outside, refused_and_paid)
    assert (side.payouts.find(outside).state, state(house, reference)) == (PayoutState.SETTLED, "SETTLED")
    assert house.balance() == 6_000


def test_what_came_back_and_got_stuck_is_minted_once(side: BankSide, house: House) -> None:
    outside, reference = accepted(side, house)
    side.take(notice("D-1", Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside)))
    settle(side, house)
    stuck(side, house, reference, outside, lambda: side.take(returned(outside, "40.00")))
    assert side.payouts.find(outside).state is PayoutState.MINTED
    assert (house.balance(), state(house, reference)) == (10_000, "SETTLED")


def test_what_the_channel_refuses_is_given_back(house: House) -> None:
    class Refuses:
        def find(self, reference: str) -> Answer:
            return Refused("account closed")

        def send(self, reference: str, content: Any) -> Answer:
            raise AssertionError("it was asked first, and has refused")

    reference = redeemed(house)
    with house.open(channel=Refuses()) as side:
        outside = side.payouts.accept(house.participant, reference, DETAILS, currency="USD").outside
        settle(side, house)
        assert side.payouts.find(outside).state is PayoutState.RETURNED
    assert state(house, reference) == "RETURNED"


@pytest.mark.parametrize("amount", ["40.00", "38.50"])
def test_a_return_after_settlement_is_minted_once_under_the_original_name(
    side: BankSide, house: House, amount: str
) -> None:
    outside, _ = accepted(side, house)
    side.take(notice("D-1", Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside)))
    settle(side, house)
    assert house.balance() == 6_000
    side.take(returned(outside, amount))
    settle(side, house)
    back = dollars(amount)
    found = side.payouts.find(outside)
    assert (found.state, found.came_back) == (PayoutState.MINTED, back)
    assert house.balance() == 6_000 + back.minor
    # The same return again, by the account's notice, and once more by a message of its own.
    side.take(notice("C-1", Entry("CRE-1", amount, end_to_end_id=outside)))
    side.take(returned(outside, amount, return_id="RET-2", message_id="PACS4-2"))
    settle(side, house)
    assert (house.balance(), side.suspense.list()) == (6_000 + back.minor, [])
    # Of another amount it is told.
    taken = side.take(returned(outside, "1.00", message_id="PACS4-3"))
    assert [each["code"] for each in taken.problems] == ["RETURNED_TWICE"]
    assert house.balance() == 6_000 + back.minor


def test_a_return_before_settlement_gives_the_tokens_back(side: BankSide, house: House) -> None:
    outside, reference = accepted(side, house)
    side.take(returned(outside, "40.00"))
    settle(side, house)
    assert (side.payouts.find(outside).state, state(house, reference)) == (PayoutState.RETURNED, "RETURNED")
    # The account then shows both, and neither is anybody's problem.
    side.take(
        notice(
            "D-1",
            Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside),
            Entry("CRE-1", "40.00", end_to_end_id=outside, number="2"),
        )
    )
    settle(side, house)
    assert (house.balance(), side.suspense.list()) == (10_000, [])


def test_a_part_that_comes_back_before_the_debit_is_seen_burns_all_and_mints_the_part(
    side: BankSide, house: House
) -> None:
    outside, reference = accepted(side, house)
    side.take(returned(outside, "38.50"))
    settle(side, house)
    assert (state(house, reference), house.balance()) == ("SETTLED", 6_000 + 3_850)
    side.take(notice("D-1", Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside)))
    settle(side, house)
    assert (house.balance(), side.suspense.list()) == (9_850, [])


@pytest.mark.parametrize("amount", ["40.01", "1000.00"])
def test_more_than_was_paid_does_not_come_back(side: BankSide, house: House, amount: str) -> None:
    outside, _ = accepted(side, house)
    side.take(notice("D-1", Entry("DEB-1", "40.00", credit=False, end_to_end_id=outside)))
    taken = side.take(returned(outside, amount))
    assert [each["code"] for each in taken.problems] == ["RETURN_DIFFERS"]
    side.take(notice("C-1", Entry("CRE-1", amount, end_to_end_id=outside)))
    settle(side, house)
    assert ([each.reason_code for each in side.suspense.list()], house.balance()) == (["RETURN_DIFFERS"], 6_000)


def test_debits_that_are_no_payouts_are_told(side: BankSide, house: House) -> None:
    outside, reference = accepted(side, house)
    side.take(
        notice(
            "D-1",
            Entry("DEB-1", "39.99", credit=False, end_to_end_id=outside),
            Entry("DEB-2", "5.00", credit=False, number="2"),
            Entry("DEB-3", "40.00", credit=False, end_to_end_id=outside, number="3"),
            Entry("DEB-4", "40.00", credit=False, end_to_end_id=outside, number="4"),
        )
    )
    settle(side, house)
    found = {each.reference: each.reason_code for each in side.suspense.list()}
    assert found == {"DEB-1": "AMOUNT_DIFFERS", "DEB-2": "UNKNOWN_DEBIT", "DEB-4": "PAID_TWICE"}
    assert (state(house, reference), house.balance()) == ("SETTLED", 6_000)
    taken = side.take(returned("nobody's", "1.00"))
    assert [each["code"] for each in taken.problems] == ["UNKNOWN_PAYOUT"]


# --- whatever dies ---------------------------------------------------------------------------------------------------


class Bank:
    """The other side, which books whatever it is told, and may die on either side of booking it."""

    def __init__(self) -> None:
        self.booked: list[str] = []
        self.dies: str | None = None

    def find(self, reference: str) -> Answer:
        return Found() if reference in self.booked else Absent()

    def send(self, reference: str, content: Any) -> Answer:
        if self.dies == "before":
            self.dies = None
            raise KeyboardInterrupt
        self.booked.append(reference)
        if self.dies == "after":
            self.dies = None
            raise KeyboardInterrupt
        return Unknown("no answer")


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_payout_is_told_once_wherever_the_call_died(house: House, dies: str) -> None:
    reference, bank = redeemed(house), Bank()

    def opened() -> BankSide:
        return house.open(channel=bank, effects=Effects(house.bank.session.journal.database, patience=0.05))

    with opened() as side:
        outside = side.payouts.accept(house.participant, reference, DETAILS, currency="USD").outside
        bank.dies = dies
        with pytest.raises(KeyboardInterrupt):
            settle(side, house)
    with opened() as side:
        for _ in range(200):
            if side.payouts.advance(outside).state is PayoutState.TOLD:
                break
            time.sleep(0.01)
        assert side.payouts.find(outside).state is PayoutState.TOLD
    assert bank.booked == [outside]


def test_it_dies_at_every_step_and_still_pays_and_burns_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    moved, dying = Payouts._moved, {"at": 0, "after": False}

    def dies(self: Payouts, row: Any, after: PayoutState, **values: Any) -> bool:
        if dying["at"] == 1 and not dying["after"]:
            dying["at"] = 0
            raise KeyboardInterrupt
        done = moved(self, row, after, **values)
        if dying["at"] == 1:
            dying["at"] = 0
            raise KeyboardInterrupt
        dying["at"] = max(0, dying["at"] - 1)
        return done

    monkeypatch.setattr(Payouts, "_moved", dies)
    died = 0
    for at, after in itertools.product(range(1, 6), (False, True)):
        reference, before = redeemed(house), house.balance()
        dying |= {"at": at, "after": after}
        outside: str | None = None
        for _ in range(6):
            try:
                with house.open() as side:
                    outside = side.payouts.accept(house.participant, reference, DETAILS, currency="USD").outside
                    settle(side, house)
                    debit = Entry(f"D{outside}", "40.00", credit=False, end_to_end_id=outside)
                    side.take(notice(f"D-{outside[:20]}", debit))
                    settle(side, house)
                    if side.payouts.find(outside).state is PayoutState.SETTLED:
                        break
            except KeyboardInterrupt:
                died += 1
        with house.open() as side:
            assert state(house, reference) == "SETTLED", (at, after, side.payouts.find(outside or ""), side.entries())
        assert house.balance() == before - 4_000
        assert house.orders().count(outside or "") == 1
    assert died >= 8


def test_a_lost_book_finds_the_order_that_left(side: BankSide, house: House) -> None:
    outside, reference = accepted(side, house)
    before = house.order(outside)
    (house.folder / "outgoing" / f"{outside}.xml").rename(house.folder / "taken" / f"{outside}.xml")
    house.where = None
    with house.open() as fresh:
        assert fresh.payouts.accept(house.participant, reference, DETAILS, currency="USD").outside == outside
        settle(fresh, house)
        assert fresh.payouts.find(outside).state is PayoutState.TOLD
    assert house.orders() == [outside]
    assert (house.folder / "taken" / f"{outside}.xml").read_bytes() == before


def test_the_channel_replaces_nothing(tmp_path: Path, house: House) -> None:
    channel = FileChannel(tmp_path)
    content = {
        "order": "credit transfer",
        "uetr": str(uuid.uuid4()),
        "amount": "1",
        "currency": "USD",
        "day": "2026-11-29",
        "created": 1_795_953_600,
        "debtor": DETAILS.to_dict()["creditor"],
        "debtor_account": {"iban": RESERVE_IBAN, "number": None},
        "debtor_agent": DETAILS.to_dict()["agent"],
        "creditor": DETAILS.to_dict()["creditor"],
        "creditor_account": {"iban": CLIENT_IBAN, "number": None},
        "creditor_agent": DETAILS.to_dict()["agent"],
        "text": "",
        "original": None,
    }
    assert isinstance(channel.find("REF"), Absent)
    channel.send("REF", content)
    first = (tmp_path / "outgoing" / "REF.xml").read_bytes()
    channel.send("REF", {**content, "amount": "2"})
    assert (tmp_path / "outgoing" / "REF.xml").read_bytes() == first
    assert sorted(path.name for path in (tmp_path / "outgoing").iterdir()) == ["REF.xml"]
    assert Money.from_minor(1, "USD") == read_payment_file(first).instructions[0].amount
