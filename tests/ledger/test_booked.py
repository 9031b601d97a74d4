"""What a bank's statement becomes for a reconciliation: booked payments, one by one, or nothing of it at all."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from pyjpm import Money
from pyjpm.errors.ledger import InvalidBankFile
from pyjpm.iso20022.booked import booked_entries
from pyjpm.iso20022.entries import AccountReport, BankEntry, Rejected, Transaction
from pyjpm.iso20022.parties import NO_ACCOUNT, NO_AGENT
from pyjpm.ledger import BankEntry as Booked

WHEN = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)


def entry(**more: Any) -> BankEntry:
    facts: dict[str, Any] = {
        "reference": "REF1",
        "bank_reference": "REF1",
        "amount": Money("30.00", "USD"),
        "credit": True,
        "reversal": False,
        "status": "BOOK",
        "booked": WHEN,
        "value": None,
        "code": "PMNT",
        "transactions": (),
        "line": 7,
        "path": "/Ntry[1]",
    }
    return BankEntry(**{**facts, **more})


def report(*entries: BankEntry, rejected: tuple[Rejected, ...] = ()) -> AccountReport:
    return AccountReport(
        id="S1",
        account=NO_ACCOUNT,
        servicer=NO_AGENT,
        currency="USD",
        balances={},
        entries=entries,
        rejected=rejected,
        problems=(),
    )


def test_an_entry_of_several_payments_is_several() -> None:
    parts = (
        Transaction(amount=Money("10.00", "USD"), credit=True, bank_reference="A", end_to_end_id="E1"),
        Transaction(amount=Money("20.00", "USD"), credit=True, end_to_end_id="E2"),
    )
    assert booked_entries(report(entry(transactions=parts))) == [
        Booked("A", 1_000, "USD", True, WHEN.date(), "E1"),
        Booked("REF1/2", 2_000, "USD", True, WHEN.date(), "E2"),
    ]
    nameless = booked_entries(report(entry(reference="", bank_reference=None, transactions=parts)))
    assert [each.reference for each in nameless] == ["A", "E2"]


def test_each_part_of_a_batch_has_its_own_side() -> None:
    parts = (
        Transaction(amount=Money("40.00", "USD"), credit=True, bank_reference="REF1"),
        Transaction(amount=Money("10.00", "USD"), credit=False, bank_reference="REF1"),
    )
    found = [
        (each.reference, each.amount_minor, each.credit) for each in booked_entries(report(entry(transactions=parts)))
    ]
    assert found == [("REF1/1", 4_000, True), ("REF1/2", 1_000, False)]


def test_a_batch_whose_parts_have_no_amounts_is_booked_once() -> None:
    parts = (Transaction(amount=None, credit=True), Transaction(amount=None, credit=True))
    found = booked_entries(report(entry(transactions=parts)))
    assert found == [Booked("REF1", 3_000, "USD", True, WHEN.date(), None)]


def test_one_payment_has_the_entrys_reference() -> None:
    part = Transaction(amount=None, credit=False, end_to_end_id="E1", bank_reference="other")
    found = booked_entries(report(entry(credit=False, transactions=(part,), booked=None, value=WHEN)))
    assert found == [Booked("REF1", 3_000, "USD", False, WHEN.date(), "E1")]


@pytest.mark.parametrize("nothing", ["NOTPROVIDED", "NONREF"])
def test_what_banks_write_for_no_name_is_none(nothing: str) -> None:
    parts = tuple(
        Transaction(amount=Money(amount, "USD"), credit=True, end_to_end_id=nothing, instruction_id=name)
        for amount, name in (("10.00", "I1"), ("12.00", None), ("8.00", None))
    )
    found = booked_entries(report(entry(reference="", bank_reference=None, transactions=parts)))
    assert found[0] == Booked("I1", 1_000, "USD", True, WHEN.date(), "I1")
    assert [each.end_to_end_id for each in found[1:]] == [None, None]
    assert len({each.reference for each in found}) == 3


def test_what_is_not_booked_is_left_out() -> None:
    assert booked_entries(report(entry(status="PDNG"), entry(status="INFO"))) == []


def test_a_statement_that_is_not_whole_is_refused() -> None:
    with pytest.raises(InvalidBankFile) as caught:
        booked_entries(report(entry(), rejected=(Rejected(line=9, path="/Ntry[2]", problems=()),)))
    assert caught.value.details["line"] == 9
    with pytest.raises(InvalidBankFile):
        booked_entries(report(entry(booked=None)))
