"""The messages that leave: judged by schemas that we did not write, and read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from judges import assert_valid
from rails.rails_support import IBAN, creditor, instruction

from pyjpm import Money
from pyjpm.errors.iso20022 import Iso20022Error
from pyjpm.iso20022 import read_mt103, read_transfers
from pyjpm.rails import Mt103, Pacs008, Transfer

UETR = "eb6305c9-1f7f-49de-aed0-16487c27b42d"
ASKED = instruction()
TRANSFER = Transfer(
    reference="ABCDEFGHIJKLMNOP",
    uetr=UETR,
    end_to_end_id="E2E-1",
    created_at=1_796_040_000,
    settlement=date(2026, 11, 30),
    amount=Money("125.00", "USD"),
    debtor=ASKED.debtor,
    creditor=replace(ASKED.creditor, street="Hauptstr. 1", town="Köln"),
    remittance="invoice 4711",
    charges="SHAR",
    purpose="SUPP",
)


@pytest.mark.parametrize("scheme", ["IBAN", "BIC", "LEI", "CUSTOMER", "ACCOUNT"])
def test_a_pacs_008_is_valid_and_says_what_was_asked(scheme: str) -> None:
    identifier = {"IBAN": IBAN, "BIC": "COBADEFF", "LEI": "7LTWFZYICNSX8D621K86"}.get(scheme, "4711")
    payee = replace(TRANSFER.creditor, scheme=scheme, identifier=identifier)
    text = Pacs008().make(replace(TRANSFER, creditor=payee))
    assert assert_valid(text.encode()) == "pacs.008.001.08"
    message = read_transfers(text.encode())
    (line,) = message.lines
    assert line.problems == ()
    told = line.transfer
    assert told is not None
    assert message.message_id == told.transaction_id == "ABCDEFGHIJKLMNOP"
    assert (told.amount, str(told.uetr), told.end_to_end_id) == (Money("125.00", "USD"), UETR, "E2E-1")
    assert (told.settle_on, told.charge_bearer, told.purpose) == (date(2026, 11, 30), "SHAR", "SUPP")
    assert told.creditor.name == "Payee"
    assert told.creditor_agent.bic == "COBADEFF"
    assert told.remittance is not None
    assert told.remittance.text == "invoice 4711"
    if scheme == "IBAN":
        assert told.creditor_account.iban == IBAN
    assert Pacs008().make(replace(TRANSFER, creditor=payee)) == text


def test_an_mt103_says_what_was_asked() -> None:
    text = Mt103(to="DEUTDEFF").make(TRANSFER)
    told = read_mt103(text)
    assert (told.transaction_id, str(told.uetr)) == ("ABCDEFGHIJKLMNOP", UETR)
    assert (told.amount, told.settle_on, told.end_to_end_id) == (TRANSFER.amount, TRANSFER.settlement, "E2E-1")
    assert "DEUTDEFF" in text
    assert Mt103(to="DEUTDEFF").make(TRANSFER) == text


def test_what_no_message_can_carry_is_a_typed_error() -> None:
    with pytest.raises(Iso20022Error):
        Mt103().make(replace(TRANSFER, creditor=creditor(scheme="LEI", identifier="7LTWFZYICNSX8D621K86")))
    with pytest.raises(Iso20022Error):
        Pacs008().make(replace(TRANSFER, creditor=creditor(agent="XXXX")))
