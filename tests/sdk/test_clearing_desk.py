"""The clearing signer: what the policy lets pass, once for each content, whatever is tried again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyjpm import Document, Money, Platform
from pyjpm.chain import DevClock
from pyjpm.clearing import ClearingDesk, Policy
from pyjpm.errors.clearances import ClearanceRefused, InvalidPolicy

USD = "USD"


def policy(tmp_path: Path, payees: list[str], **more: Any) -> Policy:
    path = tmp_path / "policy.json"
    caps = {USD: {"per_payment": "100.00", "per_day": "250.00"}}
    path.write_text(json.dumps({"caps": caps, "payees": payees, **more}))
    return Policy.load(path)


@pytest.fixture
def desk(bank: Platform, seller: Platform, tmp_path: Path) -> ClearingDesk:
    return ClearingDesk(bank.clearances, policy(tmp_path, [seller.session.wallet]), tmp_path / "ledger.sqlite")


def request(buyer: Platform, seller: Platform, amount: str, key: str, **more: Any) -> Document:
    return buyer.clearances.request(seller.session.wallet, Money(amount, USD), idempotency_key=key, **more)


def test_what_it_signs_pays(bank: Platform, buyer: Platform, seller: Platform, desk: ClearingDesk) -> None:
    cleared = desk.clear(request(buyer, seller, "100.00", "one"))
    buyer.payments.create(seller.session.wallet, Money("100.00", USD), idempotency_key="one", clearance=cleared).wait()
    assert bank.deposits.balance(seller.session.wallet, currency=USD).balance == Money("100.00", USD)


def test_caps_hold_to_the_cent(buyer: Platform, seller: Platform, desk: ClearingDesk) -> None:
    with pytest.raises(ClearanceRefused, match="one payment"):
        desk.clear(request(buyer, seller, "100.01", "too much"))
    for key in ("one", "two"):
        desk.clear(request(buyer, seller, "100.00", key))
    with pytest.raises(ClearanceRefused, match="day"):
        desk.clear(request(buyer, seller, "50.01", "three"))
    desk.clear(request(buyer, seller, "50.00", "three"))
    with pytest.raises(ClearanceRefused, match="day"):
        desk.clear(request(buyer, seller, "0.01", "four"))


def test_what_was_cleared_on_another_day_counts_today_once_asked_for_again(
    buyer: Platform, seller: Platform, desk: ClearingDesk, clock: DevClock
) -> None:
    """Else whoever keeps requests of earlier days has them signed beside all that this day lets pass."""
    kept = [request(buyer, seller, "100.00", key) for key in ("one", "two")]
    for each in kept:
        desk.clear(each)
    clock.advance(86_400)
    desk.clear(request(buyer, seller, "100.00", "three"))
    one, two = (request(buyer, seller, "100.00", key) for key in ("one", "two"))
    for _ in range(2):
        desk.clear(one)
    with pytest.raises(ClearanceRefused, match="day"):
        desk.clear(two)
    desk.clear(request(buyer, seller, "50.00", "four"))


def test_a_reference_is_signed_for_one_content(
    bank: Platform, buyer: Platform, seller: Platform, desk: ClearingDesk, tmp_path: Path
) -> None:
    asked = request(buyer, seller, "100.00", "one")
    first = desk.clear(asked)
    with pytest.raises(ClearanceRefused, match="other content"):
        desk.clear(request(buyer, seller, "99.00", "one"))
    with pytest.raises(ClearanceRefused, match="other content"):
        desk.clear(request(buyer, seller, "100.00", "one", remittance=b"other"))
    again = ClearingDesk(bank.clearances, policy(tmp_path, [seller.session.wallet]), tmp_path / "ledger.sqlite")
    assert again.clear(asked) == first
    again.clear(request(buyer, seller, "100.00", "two"))
    again.clear(request(buyer, seller, "50.00", "three"))  # what was asked for twice has counted once


def test_what_the_policy_does_not_name_is_refused(
    bank: Platform, buyer: Platform, seller: Platform, desk: ClearingDesk, tmp_path: Path
) -> None:
    for refused in (
        buyer.clearances.request(bank.session.wallet, Money("1.00", USD), idempotency_key="payee"),
        buyer.clearances.request(seller.session.wallet, Money("1.00", "EUR"), idempotency_key="currency"),
        request(buyer, seller, "1.00", "long", valid_for=2 * 86_400),
        request(buyer, seller, "1.00", "late", valid_for=-1),
        buyer.clearances.request_call(USD, "requestRedemption", 1, b"\1" * 32, b"\2" * 32),
        buyer.clearances.request_call(USD, "payBatch", []),
    ):
        decision = desk.decide(refused)
        assert decision.document is None
        assert decision.reason.startswith("CLEARANCE_REFUSED"), decision.reason
    nothing = Document("clearance", 1, bank.session.wallet, {})
    assert desk.decide(nothing).to_dict()["status"] == "refused"


@pytest.mark.parametrize(
    "change",
    [
        {"ref": "1"},
        {"ref": "0x01" + 32 * "00"},
        {"amount": "0x01"},
        {"amount": "-1"},
        {"amount": "1" + 80 * "0"},
        {"nonce": "0x01"},
        {"deadline": "0x"},
        {"notary": "1"},
        {"payer": "1"},
        {"notary": None},
    ],
)
def test_a_word_with_a_member_of_another_type_is_a_refusal_of_that_one_alone(
    buyer: Platform, desk: ClearingDesk, change: dict[str, Any]
) -> None:
    asked = buyer.clearances.request_word(USD, "Consent", consent(buyer))
    body = {**asked.body, "message": {**asked.body["message"], **change}}
    decision = desk.decide(Document("clearance", asked.chain_id, asked.contract, body))
    assert decision.document is None
    assert decision.reason.startswith("MALFORMED_DOCUMENT"), decision.reason


@pytest.mark.parametrize("cut", [3, 4, 5, 36, 67, 99, 131])
def test_a_call_that_is_cut_off_is_a_refusal_of_that_one_alone(
    buyer: Platform, seller: Platform, desk: ClearingDesk, cut: int
) -> None:
    asked = request(buyer, seller, "1.00", "one")
    body = {**asked.body, "call": asked.body["call"][: 2 + 2 * cut]}
    decision = desk.decide(Document("clearance", asked.chain_id, asked.contract, body))
    assert decision.document is None
    assert decision.reason.startswith("MALFORMED_DOCUMENT"), decision.reason


def test_a_number_of_as_many_digits_as_an_address_has_is_a_number(bank: Platform, buyer: Platform) -> None:
    asked = buyer.clearances.request_word(USD, "Consent", consent(buyer, nonce=10**39))
    assert bank.clearances.read(asked).outflows[0].amount == Money("1.00", USD)


def consent(buyer: Platform, *, nonce: int = 1) -> dict[str, Any]:
    session = buyer.session
    escrow = session.address("OrderEscrow")
    return {
        "payer": session.wallet,
        "notary": escrow,
        "amount": 100,
        "ref": b"\1" * 32,
        "nonce": nonce,
        "deadline": session.now() + 3_600,
    }


def test_a_batch_counts_each_of_its_payments(buyer: Platform, seller: Platform, desk: ClearingDesk) -> None:
    def batch(*amounts: int) -> Document:
        items = [
            {"to": seller.session.wallet, "amount": minor, "ref": bytes([place + 1]) * 32, "remittance": b""}
            for place, minor in enumerate(amounts)
        ]
        return buyer.clearances.request_call(USD, "payBatch", items)

    with pytest.raises(ClearanceRefused, match="one payment"):
        desk.clear(batch(1, 10_001))
    with pytest.raises(ClearanceRefused, match="day"):
        desk.clear(batch(10_000, 10_000, 5_001))
    desk.clear(batch(10_000, 10_000, 5_000))
    single = buyer.clearances.request_call(USD, "pay", seller.session.wallet, 1, b"\1" * 32, b"")
    with pytest.raises(ClearanceRefused, match="other content"):
        desk.clear(single)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"caps": {"USD": {"per_payment": 1.5, "per_day": "1.00"}}, "payees": []}',
        '{"caps": {}, "payees": [], "more": 1}',
    ],
)
def test_a_policy_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(text)
    with pytest.raises(InvalidPolicy):
        Policy.load(path)
    with pytest.raises(InvalidPolicy):
        Policy.load(tmp_path / "none.json")
