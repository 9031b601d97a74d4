"""Whole lives of orders, driven by documents; every figure read from the chain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from orders import DAMAGED, DAY, SHIPPED, Attesters, agreed, held, key, milestone, new_attesters, usd

from pyjpm import Act, Document, LocalSigner, Mode, Money, OrderState, Platform, Status, ToAttest
from pyjpm.errors.attesters import EpochNotAccepted, NotAnAttester, NotEnoughAttestations
from pyjpm.errors.documents import (
    DocumentForElsewhere,
    DocumentsDiffer,
    MalformedDocument,
    SignatureMissing,
    SignatureNotOf,
)
from pyjpm.errors.escrow import (
    AttestedTooLate,
    ConflictingAttestation,
    NotFunded,
    NotParty,
    TooEarly,
    TooLate,
    UnknownOrder,
    WrongState,
)
from pyjpm.errors.refusals import InsufficientAvailable, PayeeFrozen, PayeeKycExpired, PayerFrozen, PayerKycExpired
from pyjpm.errors.sending import IdempotencyConflict
from pyjpm.testing import new_company

DEPOSIT = 10_000_000


@pytest.fixture(scope="module")
def attesters(bank: Platform) -> Attesters:
    return new_attesters(bank)


def test_pay_first_is_held_and_released_by_the_attested_status(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    funded = buyer.escrow.fund(order, idempotency_key="fund").wait()
    assert funded.status is OrderState.FUNDED
    assert (usd(bank, buyer), held(bank, buyer), usd(bank, seller)) == (DEPOSIT, 10_000, 0)
    released = bank.escrow.attest(order, attesters.attest(order), idempotency_key=key("shipped")).wait()
    assert released.status is OrderState.RELEASED
    assert (usd(bank, buyer), held(bank, buyer), usd(bank, seller)) == (DEPOSIT - 10_000, 0, 10_000)
    part = released.milestones[0]
    assert (part.funded.minor, part.held.minor, part.released.minor, part.refunded.minor) == (10_000, 0, 10_000, 0)


def test_goods_first_is_due_and_paid(bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.ON_ATTEST))
    assert seller.escrow.open(order, idempotency_key="open").wait().status is OrderState.OPEN
    assert bank.escrow.attest(order, attesters.attest(order), idempotency_key=key("s")).wait().status is OrderState.DUE
    assert usd(bank, seller) == 0
    assert buyer.escrow.pay(order, idempotency_key="pay").wait().status is OrderState.RELEASED
    assert (usd(bank, buyer), usd(bank, seller)) == (DEPOSIT - 10_000, 10_000)


def test_a_mixed_order_counts_each_milestone(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters, clock: Any
) -> None:
    order = agreed(
        buyer,
        seller,
        attesters,
        milestone(bank, Mode.PREFUND, "30.00"),
        milestone(bank, Mode.ON_ATTEST, "70.00"),
    )
    buyer.escrow.fund(order, 0, idempotency_key="fund").wait()
    clock.advance(11 * DAY)
    bank.escrow.refund(order, 0, idempotency_key=key("refund")).wait()
    ended = bank.escrow.cancel(order, 1, idempotency_key=key("cancel")).wait()
    assert [part.state for part in ended.milestones] == [OrderState.REFUNDED, OrderState.CANCELLED]
    assert ended.status is OrderState.MIXED
    assert (usd(bank, buyer), held(bank, buyer)) == (DEPOSIT, 0)


def test_partial_deliveries_are_paid_as_they_come(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, partial=True))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    for seq, accepted in ((1, 4_000), (2, 7_500)):
        part = attesters.attest(order, seq=seq, accepted=accepted)
        bank.escrow.attest(order, part, idempotency_key=key(f"part {seq}")).wait()
        assert usd(bank, seller) == accepted
    last = attesters.attest(order, seq=3, accepted=7_500, complete=True)
    ended = bank.escrow.attest(order, last, idempotency_key=key("complete")).wait()
    assert ended.status is OrderState.RELEASED
    assert (usd(bank, buyer), held(bank, buyer), usd(bank, seller)) == (DEPOSIT - 7_500, 0, 7_500)


def test_an_inspected_delivery_is_released_by_anyone_afterwards(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters, clock: Any
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, inspection=2 * DAY))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    assert (
        bank.escrow.attest(order, attesters.attest(order), idempotency_key=key("s")).wait().status
        is OrderState.ACCEPTED
    )
    with pytest.raises(TooEarly):
        bank.escrow.release(order, idempotency_key=key("early"))
    clock.advance(2 * DAY + 1)
    assert bank.escrow.release(order, idempotency_key=key("release")).wait().status is OrderState.RELEASED
    assert usd(bank, seller) == 10_000


def test_a_dispute_is_ruled(bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters) -> None:
    arbiter = new_company(bank)
    order = agreed(
        buyer,
        seller,
        attesters,
        milestone(bank, Mode.PREFUND, inspection=2 * DAY),
        arbiter=arbiter.session.participant,
    )
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    bank.escrow.attest(order, attesters.attest(order), idempotency_key=key("s")).wait()
    assert buyer.escrow.dispute(order, idempotency_key="dispute").wait().status is OrderState.DISPUTED
    arbiter.escrow.rule(order, 0, Money("60.00", "USD"), idempotency_key="rule").wait()
    assert (usd(bank, buyer), held(bank, buyer)) == (DEPOSIT, 6_000)
    assert bank.escrow.release(order, idempotency_key=key("release")).wait().status is OrderState.RELEASED
    assert (usd(bank, buyer), usd(bank, seller)) == (DEPOSIT - 6_000, 6_000)


def test_an_arbiter_who_never_answers_locks_nothing(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters, clock: Any
) -> None:
    terms = milestone(bank, Mode.PREFUND, inspection=2 * DAY, ruling_within=3 * DAY)
    order = agreed(buyer, seller, attesters, terms, arbiter=new_company(bank).session.participant, fallback_split=2_500)
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    bank.escrow.attest(order, attesters.attest(order), idempotency_key=key("s")).wait()
    buyer.escrow.dispute(order, idempotency_key="dispute").wait()
    clock.advance(11 * DAY)
    bank.escrow.decide_by_fallback(order, idempotency_key=key("fallback")).wait()
    bank.escrow.release(order, idempotency_key=key("release")).wait()
    assert (usd(bank, buyer), held(bank, buyer), usd(bank, seller)) == (DEPOSIT - 2_500, 0, 2_500)


def test_parties_agree_on_a_split(bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    proposal = buyer.escrow.propose_agreement(order, 0, Money("45.00", "USD"))
    agreement = seller.escrow.agree_to(order, Document.from_json(proposal.to_json()))
    bank.escrow.agree(order, agreement, idempotency_key=key("agree")).wait()
    bank.escrow.release(order, idempotency_key=key("release")).wait()
    assert (usd(bank, buyer), usd(bank, seller)) == (DEPOSIT - 4_500, 4_500)


def test_parties_cancel_together(bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    buyer.escrow.open(order, idempotency_key="open").wait()
    with pytest.raises(TooEarly):
        bank.escrow.cancel(order, idempotency_key=key("alone"))
    both = seller.escrow.agree_to(order, buyer.escrow.propose_cancellation(order, 0))
    assert bank.escrow.cancel_together(order, both, idempotency_key=key("both")).wait().status is OrderState.CANCELLED


def test_a_negative_status_disputes(bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND), negative_statuses=frozenset({DAMAGED}))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    bad = bank.escrow.attest(order, attesters.attest(order, DAMAGED, seq=1), idempotency_key=key("damaged")).wait()
    assert bad.status is OrderState.DISPUTED
    good = bank.escrow.attest(order, attesters.attest(order, SHIPPED, seq=2), idempotency_key=key("replaced")).wait()
    assert good.status in (OrderState.ACCEPTED, OrderState.RELEASED)


def test_compliance_cancels_by_order_and_freezes(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    ended = bank.escrow.cancel_by_order(order, 0, order="court order 7", idempotency_key=key("court 7")).wait()
    assert ended.status is OrderState.CANCELLED
    balance = bank.deposits.balance(buyer.session.wallet, currency="USD")
    assert (balance.held.minor, balance.frozen.minor, balance.available.minor) == (0, 10_000, DEPOSIT - 10_000)


def test_attesting_twice_is_harmless_and_a_contradiction_is_not(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, inspection=DAY))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    at = bank.session.now()
    said = attesters.attest(order, seq=5, at=at)
    bank.escrow.attest(order, said, idempotency_key=key("once")).wait()
    assert bank.escrow.attest(order, said, idempotency_key=key("twice")).wait().status is OrderState.ACCEPTED
    with pytest.raises(ConflictingAttestation):
        bank.escrow.attest(order, attesters.attest(order, seq=5, at=at - 60), idempotency_key=key("otherwise"))
    assert usd(bank, seller) == 0


def test_bad_attestations_are_refused(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters, clock: Any
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    buyer.escrow.open(order, idempotency_key="open").wait()
    with pytest.raises(NotFunded):
        bank.escrow.attest(order, attesters.attest(order), idempotency_key=key("unfunded"))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    with pytest.raises(NotEnoughAttestations):
        bank.escrow.attest(order, attesters.attest(order, count=1), idempotency_key=key("one"))
    strangers = Attesters(attesters.set_id, [LocalSigner.generate(), LocalSigner.generate()], bank)
    with pytest.raises(NotAnAttester):
        bank.escrow.attest(order, strangers.attest(order), idempotency_key=key("strangers"))
    late = bank.session.now() + 10 * DAY + 1
    clock.advance(9 * DAY)
    with pytest.raises(AttestedTooLate):
        bank.escrow.attest(order, attesters.attest(order, at=late), idempotency_key=key("late"))
    said = attesters.attest(order, deadline=bank.session.now() + 9 * DAY)
    clock.advance(2 * DAY)
    with pytest.raises(TooLate):
        bank.escrow.attest(order, said, idempotency_key=key("too late"))
    assert (usd(bank, seller), held(bank, buyer)) == (0, 10_000)


def test_many_are_attested_together_and_each_is_told_its_own(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    orders = [agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND)) for _ in range(5)]
    for order in (*orders[:3], orders[4]):
        buyer.escrow.fund(order, idempotency_key=key("fund")).wait()
    asked = {key("many"): ToAttest(order, attesters.attest(order)) for order in orders[:4]}
    too_few = key("many")
    asked[too_few] = ToAttest(orders[4], attesters.attest(orders[4], count=1))
    malformed = key("many")
    asked[malformed] = ToAttest(orders[0], orders[1])
    silent = key("many")
    asked[silent] = ToAttest(orders[4], attesters.attest(orders[4], seq=2), release=False)

    told = dict(zip(asked, bank.escrow.attest_many(asked), strict=True))
    assert isinstance(told.pop(too_few), NotEnoughAttestations)
    assert isinstance(told.pop(malformed), MalformedDocument)
    *released, unopened, attested = told.values()
    assert isinstance(unopened, UnknownOrder)
    assert {act.wait().status for act in (*released, attested)} == {Status.FINAL}
    assert [bank.escrow.get(order).status for order in orders[:3]] == [OrderState.RELEASED] * 3
    assert bank.escrow.get(orders[4]).status is OrderState.ACCEPTED
    assert usd(bank, seller) == 3 * 10_000

    # The same again is the same, whoever asks, and what was refused goes on by itself.
    again = dict(zip(asked, bank.escrow.attest_many(asked), strict=True))
    assert [again[name].id for name in told if isinstance(told[name], Act)] == [act.id for act in (*released, attested)]
    assert usd(bank, seller) == 3 * 10_000


def test_an_old_epoch_does_not_count(bank: Platform, buyer: Platform, seller: Platform, clock: Any) -> None:
    administrator = new_company(bank)
    signers = [LocalSigner.generate() for _ in range(3)]
    addresses = [signer.address for signer in signers]
    created = administrator.attestations.create_set(addresses, minimum=2, idempotency_key="set").wait()
    own = Attesters(administrator.attestations.set_of(created), signers, bank)
    order = agreed(buyer, seller, own, milestone(bank, Mode.PREFUND))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    old = own.attest(order, deadline=bank.session.now() + 9 * DAY)
    administrator.attestations.remove_attester(own.set_id, addresses[2], idempotency_key="remove").wait()
    clock.advance(7 * DAY + 1)
    with pytest.raises(EpochNotAccepted):
        bank.escrow.attest(order, old, idempotency_key=key("old"))
    assert bank.escrow.attest(order, own.attest(order), idempotency_key=key("new")).wait().status is OrderState.RELEASED


def test_documents_are_not_trusted(bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    data = json.loads(order.to_json())

    def changed(**parts: Any) -> Document:
        return Document.from_json(json.dumps({**data, **parts}))

    more = {**data["body"], "milestones": [{**data["body"]["milestones"][0], "amount": "1"}]}
    with pytest.raises(SignatureNotOf):
        buyer.escrow.fund(changed(body=more), idempotency_key="tampered")
    with pytest.raises(SignatureNotOf):
        seller.escrow.countersign(changed(body=more))
    with pytest.raises(SignatureMissing):
        bank.escrow.open(changed(signatures={"buyer": data["signatures"]["buyer"]}), idempotency_key=key("half"))
    with pytest.raises(DocumentForElsewhere):
        bank.escrow.open(changed(chain_id=7), idempotency_key=key("elsewhere"))
    with pytest.raises(MalformedDocument):
        bank.escrow.open(changed(body={**data["body"], "extra": 1}), idempotency_key=key("extra"))
    with pytest.raises(MalformedDocument):
        Document.from_json("{")
    with pytest.raises(NotParty):
        bank.acting(LocalSigner.generate()).escrow.countersign(order)
    with pytest.raises(UnknownOrder):
        bank.escrow.get(order)


def test_attestations_of_different_content_are_not_collected(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    one, other = attesters.attest(order, seq=1, count=1), attesters.attest(order, seq=2, count=1)
    with pytest.raises(DocumentsDiffer):
        bank.attestations.collect([one, other])


def test_funding_asks_the_payer_and_release_the_payee(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    frozen = buyer.session.participant
    bank.participants.freeze(frozen, order="order 1", idempotency_key=f"freeze {frozen}").wait()
    with pytest.raises(PayerFrozen):
        buyer.escrow.fund(order, idempotency_key="frozen")
    bank.participants.unfreeze(frozen, order="order 1", idempotency_key=f"unfreeze {frozen}").wait()
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    payee = seller.session.participant
    bank.participants.freeze(payee, order="order 2", idempotency_key=f"freeze {payee}").wait()
    waiting = bank.escrow.attest(order, attesters.attest(order), idempotency_key=key("s")).wait()
    assert (waiting.status, held(bank, buyer)) == (OrderState.ACCEPTED, 10_000)
    with pytest.raises(PayeeFrozen):
        bank.escrow.release(order, idempotency_key=key("refused"))
    bank.participants.unfreeze(payee, order="order 2", idempotency_key=f"unfreeze {payee}").wait()
    assert bank.escrow.release(order, idempotency_key=key("release")).wait().status is OrderState.RELEASED
    assert usd(bank, seller) == 10_000


def test_a_lapsed_kyc_stops_paying_and_being_paid(
    bank: Platform, buyer: Platform, seller: Platform, clock: Any
) -> None:
    short = new_company(bank, deposit="10.00", kyc_seconds=2 * DAY)
    clock.advance(3 * DAY)
    with pytest.raises(PayerKycExpired):
        short.payments.create(seller.session.wallet, Money("1.00", "USD"), idempotency_key="out")
    with pytest.raises(PayeeKycExpired):
        buyer.payments.create(short.session.wallet, Money("1.00", "USD"), idempotency_key="in")


def test_what_the_state_does_not_allow_is_refused(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, "200000.00"))
    with pytest.raises(InsufficientAvailable):
        buyer.escrow.fund(order, idempotency_key="poor")
    buyer.escrow.open(order, idempotency_key="open").wait()
    with pytest.raises(WrongState):
        buyer.escrow.release(order, idempotency_key="release")
    with pytest.raises(IdempotencyConflict):
        buyer.escrow.open(agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND)), idempotency_key="open")


def test_orders_are_listed(bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters) -> None:
    orders = [agreed(buyer, seller, attesters, milestone(bank, Mode.ON_ATTEST)) for _ in range(2)]
    for number, order in enumerate(orders):
        buyer.escrow.open(order, idempotency_key=f"open {number}").wait()
    assert [each.id for each in buyer.escrow.list()] == [buyer.escrow.order_id(order) for order in orders]
    assert [each.id for each in seller.escrow.list(status=OrderState.OPEN)] == [each.id for each in buyer.escrow.list()]
    reference = bytes.fromhex(orders[1].body["orderReference"][2:])
    assert [each.id for each in buyer.escrow.list(reference=reference)] == [buyer.escrow.order_id(orders[1])]
    assert list(buyer.escrow.list(created_after=bank.session.now())) == []
    assert list(new_company(bank).escrow.list()) == []
