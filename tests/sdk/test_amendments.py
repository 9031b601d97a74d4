"""Orders that change and money that comes back, by documents; every figure read from the chain."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from orders import DAY, Attesters, agreed, held, key, milestone, new_attesters, usd

from pyjpm import Document, LocalAnvil, LocalSigner, Mode, Money, OrderState, Platform, Status
from pyjpm.errors.documents import DocumentsDiffer, SignatureMissing, SignatureNotOf
from pyjpm.errors.escrow import CreditNoteUsed, NotAmendable, NothingToAmend, NotParty, WrongConsents, WrongCredit
from pyjpm.terms import Milestone, OrderTerms
from pyjpm.testing import backed_platform, new_company

DEPOSIT = 10_000_000


@pytest.fixture(scope="module")
def attesters(bank: Platform) -> Attesters:
    return new_attesters(bank)


def priced(order: Document, amount: str) -> tuple[Milestone, ...]:
    """The order's one milestone at another price."""
    (only,) = OrderTerms.from_body(order.body).milestones
    return (dataclasses.replace(only, amount=Money(amount, "USD").minor),)


def funded(bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters) -> Document:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    buyer.escrow.fund(order, idempotency_key=key("fund")).wait()
    return order


@pytest.mark.parametrize(("price", "minor"), [("100.00", 10_000), ("40.00", 4_000), ("250.00", 25_000)])
def test_held_money_goes_over_and_the_difference_is_held_or_back(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters, price: str, minor: int
) -> None:
    order = funded(bank, buyer, seller, attesters)
    proposed = seller.amendments.propose(order, milestones=priced(order, price), document_root=bytes(31) + b"2")
    both = buyer.amendments.countersign(order, Document.from_json(proposed.to_json()))
    changed = bank.amendments.carry_out(order, both, idempotency_key=key("amend"))
    changed.wait()
    assert bank.escrow.get(changed.document).status is OrderState.FUNDED
    assert bank.escrow.get(order).status is OrderState.AMENDED
    assert (usd(bank, buyer), held(bank, buyer), usd(bank, seller)) == (DEPOSIT, minor, 0)
    new = changed.document
    released = bank.escrow.attest(new, attesters.attest(new), idempotency_key=key("shipped")).wait()
    assert released.status is OrderState.RELEASED
    assert (usd(bank, buyer), held(bank, buyer), usd(bank, seller)) == (DEPOSIT - minor, 0, minor)


def test_the_buyer_proposes_and_the_seller_carries_out(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = funded(bank, buyer, seller, attesters)
    proposed = buyer.amendments.propose(order, milestones=priced(order, "150.00"))
    assert seller.amendments.carry_out(order, proposed, idempotency_key="amend").wait().status is OrderState.FUNDED
    assert held(bank, buyer) == 15_000
    again = buyer.amendments.propose(order, milestones=priced(order, "1.00"))
    with pytest.raises(NothingToAmend):
        seller.amendments.carry_out(order, again, idempotency_key="again")


def test_one_signature_is_not_enough(bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters) -> None:
    order = funded(bank, buyer, seller, attesters)
    proposed = seller.amendments.propose(order, milestones=priced(order, "1.00"))
    with pytest.raises(SignatureMissing):
        bank.amendments.carry_out(order, proposed, idempotency_key=key("amend"))
    forged = dataclasses.replace(proposed, signatures={**proposed.signatures, "buyer": proposed.signatures["seller"]})
    with pytest.raises(SignatureNotOf):
        bank.amendments.carry_out(order, forged, idempotency_key=key("amend"))
    with pytest.raises(NotParty):
        new_company(bank).amendments.countersign(order, proposed)
    assert held(bank, buyer) == 10_000


def test_the_buyers_consents_are_needed_where_money_lacks(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = funded(bank, buyer, seller, attesters)
    proposed = buyer.amendments.propose(order, milestones=priced(order, "150.00"))
    stripped = dataclasses.replace(proposed, attachments={})
    with pytest.raises(WrongConsents):
        seller.amendments.carry_out(order, stripped, idempotency_key="amend")


def test_an_amendment_of_another_order_is_refused(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = funded(bank, buyer, seller, attesters)
    other = funded(bank, buyer, seller, attesters)
    proposed = seller.amendments.propose(order, milestones=priced(order, "1.00"))
    with pytest.raises(DocumentsDiffer):
        buyer.amendments.countersign(other, proposed)


def test_what_is_accepted_is_settled_first(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, inspection=DAY))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    bank.escrow.attest(order, attesters.attest(order), idempotency_key=key("shipped")).wait()
    proposed = seller.amendments.propose(order, milestones=priced(order, "1.00"))
    both = buyer.amendments.countersign(order, proposed)
    with pytest.raises(NotAmendable):
        bank.amendments.carry_out(order, both, idempotency_key=key("amend"))


def test_a_return_after_release_is_paid_back_once(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = funded(bank, buyer, seller, attesters)
    bank.escrow.attest(order, attesters.attest(order), idempotency_key=key("shipped")).wait()
    credit = {"milestone": 0, "amount": Money("30.00", "USD"), "credit_note": "CN 1"}
    seller.amendments.credit(order, **credit, idempotency_key="CN 1")
    assert (usd(bank, buyer), usd(bank, seller)) == (DEPOSIT - 7_000, 7_000)
    assert seller.amendments.credited(order) == Money("30.00", "USD")
    seller.amendments.credit(order, **credit, idempotency_key="CN 1")  # the same key: done before
    # Under another key it is the same note still: what the chain has of it is adopted, and nothing is paid again.
    again = seller.amendments.credit(order, **credit, idempotency_key="CN 1, entered again")
    assert again.act is not None
    assert again.act.status is Status.FINAL
    other = {**credit, "amount": Money("29.00", "USD")}
    with pytest.raises(CreditNoteUsed):
        seller.amendments.credit(order, **other, idempotency_key="CN 1, with another amount")
    with pytest.raises(WrongCredit):
        seller.amendments.credit(order, 0, Money("70.01", "USD"), credit_note="CN 2", idempotency_key="CN 2")
    assert (usd(bank, buyer), usd(bank, seller)) == (DEPOSIT - 7_000, 7_000)


def test_what_is_accepted_and_not_mined_yet_is_pending_and_not_unknown(tmp_path: Path) -> None:
    with (
        LocalAnvil() as anvil,
        backed_platform(anvil.url, LocalSigner.generate(), journal=tmp_path / "j.sqlite") as bank,
    ):
        buyer, seller = new_company(bank, deposit="1000.00"), new_company(bank)
        attesters, clock = new_attesters(bank), anvil.clock()
        order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
        clock.automine(False)
        opening = bank.escrow.open(order, idempotency_key="open")
        assert (opening.status, opening.milestones[0].funded) == (OrderState.NONE, Money("0.00", "USD"))
        clock.automine(True)
        assert opening.wait().status is OrderState.OPEN
        amendment = seller.amendments.propose(order, milestones=priced(order, "40.00"))
        both = buyer.amendments.countersign(order, amendment)
        clock.automine(False)
        changing = bank.amendments.carry_out(order, both, idempotency_key="amend")
        assert changing.status is OrderState.NONE
        clock.automine(True)
        assert changing.wait().status is OrderState.OPEN
