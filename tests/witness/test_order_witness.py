"""Orders as the chain knows them: every step once, and how a milestone ended where it ended otherwise."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from eth_utils.crypto import keccak
from sdk.orders import DAMAGED, DAY, SHIPPED, Attesters, agreed, milestone, new_attesters
from seen import call_of, key, logs_of, said, say, send
from watching import Watch

from pyjpm import Document, Mode, Money, Platform
from pyjpm.contracts.codec import encode_parameters
from pyjpm.errors.outbox import EffectMissing
from pyjpm.sending.witness import Call, Effect, Verdict
from pyjpm.terms import Milestone, OrderTerms, hold_reference
from pyjpm.testing import new_company
from pyjpm.witnessing import ContractWitness, order_table

USD, ESCROW = "USD", "OrderEscrow"


@pytest.fixture(scope="session")
def attesters(bank: Platform) -> Attesters:
    return new_attesters(bank)


def terms_of(order: Document) -> Any:
    return OrderTerms.from_body(order.body).to_message()


def step(who: Platform, function: str, order: Document, *more: Any) -> Call:
    """A call about the order's first milestone, unless ``more`` names another."""
    return call_of(who, ESCROW, function, terms_of(order), *(more or (0,)))


def attestation(who: Platform, order: Document, said_: Document, function: str = "attestAndRelease") -> Call:
    return call_of(who, ESCROW, function, *who.attestations.call_arguments(order, said_))


def funding(who: Platform, order: Document, index: int = 0, minor: int | None = None) -> Call:
    """What ``escrow.fund`` and ``escrow.pay`` send."""
    terms = OrderTerms.from_body(order.body)
    session = who.session
    parameters = [
        session.codec(ESCROW).parameter("fund", "terms"),
        *({"type": kind} for kind in ("uint256", "bytes", "bytes")),
    ]
    data = encode_parameters(parameters, (terms.to_message(), index, b"", b""))
    amount = terms.milestones[index].amount if minor is None else minor
    return call_of(who, USD, "holdAndCall", session.address(ESCROW), amount, hold_reference(terms.id, index), data)


def consent(who: Platform, order: Document, minor: int) -> dict[str, Any]:
    """The wallet's consent to hold for the order's first milestone."""
    session = who.session
    facts = {
        "payer": session.wallet,
        "notary": session.address(ESCROW),
        "amount": minor,
        "ref": hold_reference(OrderTerms.from_body(order.body).id, 0),
        "nonce": session.next_nonce(),
        "deadline": session.now() + DAY,
    }
    return {**facts, "signature": session.sign(USD, "Consent", facts)}


def effects(verdicts: list[Verdict]) -> list[Effect]:
    return [each.effect for each in verdicts]


def test_every_step_is_seen(
    watch: Watch, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters, clock: Any
) -> None:
    arbiter = new_company(bank)
    part = milestone(bank, Mode.PREFUND, "10.00")
    inspected = dataclasses.replace(part, inspection=DAY)
    later = milestone(bank, Mode.ON_ATTEST, "10.00")

    def order(*milestones: Milestone, opened: bool = True, **more: Any) -> Document:
        made = agreed(buyer, seller, attesters, *milestones, **more)
        if opened:
            bank.escrow.open(made, idempotency_key=key()).wait()
        return made

    def funded(*milestones: Milestone, **more: Any) -> Document:
        made = order(*milestones, opened=False, **more)
        buyer.escrow.fund(made, idempotency_key=key()).wait()
        return made

    def attest(made: Document, **more: Any) -> None:
        bank.escrow.attest(made, attesters.attest(made, **more), idempotency_key=key()).wait()

    # Funding and paying by a consent that another brings.
    by_consent = order(part)
    send(bank, ESCROW, "fund", terms_of(by_consent), 0, consent(buyer, by_consent, 1_000))
    goods_first = order(later)
    bank.escrow.attest(goods_first, attesters.attest(goods_first), release=False, idempotency_key=key()).wait()
    send(bank, ESCROW, "pay", terms_of(goods_first), 0, consent(buyer, goods_first, 1_000))
    # Two at once, one of them inspected and then released with another.
    pair = [funded(inspected), funded(inspected)]
    arguments = [bank.attestations.call_arguments(each, attesters.attest(each)) for each in pair]
    send(bank, ESCROW, "attestMany", *(list(column) for column in zip(*arguments, strict=True)))
    clock.advance(DAY + 1)
    send(bank, ESCROW, "releaseMany", [terms_of(pair[0])], [0])
    bank.escrow.release(pair[1], idempotency_key=key()).wait()
    seller.amendments.credit(pair[1], 0, Money("1.00", USD), credit_note=key("note"), idempotency_key=key()).act.wait()  # type: ignore[union-attr]
    # Ends without the goods.
    seller.escrow.refund(funded(part), idempotency_key=key()).wait()
    written_off = order(later)
    attest(written_off)
    seller.escrow.write_off(written_off, idempotency_key=key()).wait()
    together = order(later)
    both = seller.escrow.agree_to(together, buyer.escrow.propose_cancellation(together, 0))
    bank.escrow.cancel_together(together, both, idempotency_key=key()).wait()
    ended = funded(part)
    bank.escrow.cancel_by_order(ended, 0, order="court", idempotency_key=key()).wait()
    # Disputes, and how they end.
    ruled = funded(part, arbiter=arbiter.session.participant)
    buyer.escrow.dispute(ruled, idempotency_key=key()).wait()
    arbiter.escrow.rule(ruled, 0, Money("4.00", USD), idempotency_key=key()).wait()
    shared = funded(part)
    agreement = seller.escrow.agree_to(shared, buyer.escrow.propose_agreement(shared, 0, Money("3.00", USD)))
    bank.escrow.agree(shared, agreement, idempotency_key=key()).wait()
    # New terms in the place of old ones.
    old = funded(part)
    cheaper = (dataclasses.replace(OrderTerms.from_body(old.body).milestones[0], amount=900),)
    proposed = seller.amendments.propose(old, milestones=cheaper)
    bank.amendments.carry_out(old, buyer.amendments.countersign(old, proposed), idempotency_key=key()).wait()
    # What time alone decides.
    undecided = funded(dataclasses.replace(part, ruling_within=DAY))
    buyer.escrow.dispute(undecided, idempotency_key=key()).wait()
    forgotten = order(later)
    clock.advance(30 * DAY)
    bank.escrow.decide_by_fallback(undecided, idempotency_key=key()).wait()
    bank.escrow.cancel(forgotten, idempotency_key=key()).wait()
    assert not watch.unseen(order_table)


def test_the_life_of_a_milestone_excludes_the_others(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    opening = call_of(bank, ESCROW, "open", terms_of(order), b"", b"")
    calls = [
        opening,
        funding(buyer, order),
        step(bank, "release", order),
        step(seller, "refund", order),
        step(bank, "cancel", order),
        step(buyer, "dispute", order),
        step(bank, "rule", order, 0, 4_000),
        call_of(bank, ESCROW, "cancelByOrder", terms_of(order), 0, keccak(text="court")),
    ]
    assert effects(said(witness, bank, *calls)) == [Effect.ABSENT] * len(calls)
    funded = buyer.escrow.fund(order, idempotency_key="fund").wait()
    assert funded.act is not None
    verdicts = said(witness, bank, *calls)
    assert effects(verdicts) == [Effect.APPLIED, Effect.APPLIED] + [Effect.ABSENT] * 6
    assert {verdicts[0].tx_hash, verdicts[1].tx_hash} == {funded.act.tx_hash}
    # By its payer's participant, and nobody else.
    assert say(witness, bank, funding(seller, order)).effect is Effect.CONFLICT
    done = bank.escrow.attest(order, attesters.attest(order), idempotency_key=key()).wait()
    assert done.act is not None
    verdicts = said(witness, bank, *calls)
    assert effects(verdicts) == [Effect.APPLIED] * 3 + [Effect.CONFLICT] * 5
    assert verdicts[2].tx_hash == done.act.tx_hash
    assert {each.detail["state"] for each in verdicts[1:]} == {"RELEASED"}


def test_an_order_that_ended_unfunded_can_never_be_funded(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    bank.escrow.open(order, idempotency_key=key()).wait()
    both = seller.escrow.agree_to(order, buyer.escrow.propose_cancellation(order, 0))
    done = bank.escrow.cancel_together(order, both, idempotency_key=key()).wait()
    assert done.act is not None
    fund, cancelled, by_order = said(
        witness,
        bank,
        funding(buyer, order),
        step(bank, "cancel", order),
        call_of(bank, ESCROW, "cancelByOrder", terms_of(order), 0, keccak(text="court")),
    )
    assert (fund.effect, by_order.effect) == (Effect.CONFLICT, Effect.CONFLICT)
    assert (cancelled.effect, cancelled.tx_hash) == (Effect.APPLIED, done.act.tx_hash)


def test_attestations_by_their_revision(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, inspection=DAY))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    at = bank.session.now()
    fifth = attesters.attest(order, seq=5, at=at)
    older = attesters.attest(order, seq=4, at=at)
    assert say(witness, bank, attestation(bank, order, fifth)).effect is Effect.ABSENT
    done = bank.escrow.attest(order, fifth, idempotency_key=key()).wait()
    assert done.act is not None
    verdicts = said(
        witness,
        bank,
        attestation(bank, order, fifth),
        attestation(bank, order, fifth, "attest"),
        attestation(bank, order, attesters.attest(order, seq=5, at=at, deadline=at + 2 * DAY)),  # signed anew
        attestation(bank, order, attesters.attest(order, seq=5, at=at - 60)),
        attestation(bank, order, attesters.attest(order, seq=5, at=at, document_hash=b"\1" * 32)),
        attestation(bank, order, older),
        attestation(bank, order, attesters.attest(order, seq=6, at=at)),
    )
    assert effects(verdicts) == [Effect.APPLIED] * 3 + [Effect.CONFLICT] * 2 + [Effect.ABSENT] * 2
    assert {each.tx_hash for each in verdicts[:5]} == {done.act.tx_hash}
    assert [each.detail["superseded"] for each in verdicts[5:]] == [True, False]
    signed_anew = attestation(bank, order, attesters.attest(order, seq=5, at=at, deadline=at + 2 * DAY))
    assert witness.references(signed_anew) == witness.references(attestation(bank, order, fifth, "attest"))


def test_an_attestation_that_is_ignored_has_no_effect(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, inspection=DAY))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    bank.escrow.attest(order, attesters.attest(order, seq=5), idempotency_key=key()).wait()
    older, late = attesters.attest(order, seq=4), attesters.attest(order, seq=9)
    ignored = _ignored(bank, order, older)
    call = attestation(bank, order, older)
    assert not witness.has_effect(call, logs_of(bank, ignored))
    verdict = say(witness, bank, call)
    assert (verdict.effect, verdict.detail["superseded"]) == (Effect.ABSENT, True)
    # One that comes after the end is ignored too.
    seller.escrow.refund(order, idempotency_key="refund").wait()
    over = _ignored(bank, order, late)
    assert not witness.has_effect(attestation(bank, order, late), logs_of(bank, over))


def _ignored(bank: Platform, order: Document, attested: Document) -> str:
    """Brings an attestation that changes nothing any more; its transaction."""
    act = bank.escrow.attest(order, attested, idempotency_key=key()).act
    assert act is not None
    with pytest.raises(EffectMissing):
        act.wait()
    return str(act.refresh().tx_hash)


def test_a_status_that_ends_a_milestone_after_a_dispute(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND), negative_statuses={DAMAGED})
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    damaged = attesters.attest(order, DAMAGED, seq=1)
    shipped = attesters.attest(order, SHIPPED, seq=2)
    acts = [bank.escrow.attest(order, each, idempotency_key=key()).wait().act for each in (damaged, shipped)]
    verdicts = said(witness, bank, *(attestation(bank, order, each) for each in (damaged, shipped)))
    assert effects(verdicts) == [Effect.APPLIED, Effect.APPLIED]
    assert [each.tx_hash for each in verdicts] == [act.tx_hash for act in acts if act is not None]


def test_partial_deliveries_tell_what_is_complete(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND, partial=True))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    at = bank.session.now()
    part = attesters.attest(order, seq=1, accepted=4_000, at=at)
    bank.escrow.attest(order, part, idempotency_key=key()).wait()
    complete = attesters.attest(order, seq=1, accepted=4_000, at=at, complete=True)
    verdicts = said(witness, bank, attestation(bank, order, part), attestation(bank, order, complete))
    assert effects(verdicts) == [Effect.APPLIED, Effect.CONFLICT]
    # What was accepted is paid, and nothing more is owed.
    assert say(witness, bank, step(bank, "release", order)).effect is Effect.APPLIED
    assert say(witness, bank, step(seller, "refund", order)).effect is Effect.ABSENT
    seller.escrow.refund(order, idempotency_key="refund").wait()
    assert say(witness, bank, step(seller, "refund", order)).effect is Effect.APPLIED


def test_what_is_due_is_paid_once_and_again_when_it_is_due_again(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.ON_ATTEST, partial=True))
    bank.escrow.open(order, idempotency_key=key()).wait()
    first = funding(buyer, order, minor=4_000)
    assert say(witness, buyer, first).effect is Effect.ABSENT
    bank.escrow.attest(order, attesters.attest(order, seq=1, accepted=4_000), idempotency_key=key()).wait()
    assert say(witness, buyer, first).effect is Effect.ABSENT
    paid = buyer.escrow.pay(order, idempotency_key="pay").wait()
    assert paid.act is not None
    assert (say(witness, buyer, first).effect, say(witness, buyer, first).tx_hash) == (
        Effect.APPLIED,
        paid.act.tx_hash,
    )
    assert say(witness, buyer, funding(buyer, order, minor=3_999)).effect is Effect.ABSENT
    bank.escrow.attest(order, attesters.attest(order, seq=2, accepted=8_000), idempotency_key=key()).wait()
    assert say(witness, buyer, first).effect is Effect.ABSENT


def test_rulings_and_agreements_by_their_split(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    arbiter = new_company(bank)
    facts = {"arbiter": arbiter.session.participant}
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND), **facts)
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    buyer.escrow.dispute(order, idempotency_key="dispute").wait()
    disputes = [step(buyer, "dispute", order), step(seller, "dispute", order)]
    assert effects(said(witness, bank, *disputes)) == [Effect.APPLIED] * 2
    done = arbiter.escrow.rule(order, 0, Money("40.00", USD), idempotency_key="rule").wait()
    assert done.act is not None
    ruled, otherwise, fallback, dispute = said(
        witness,
        bank,
        step(arbiter, "rule", order, 0, 4_000),
        step(arbiter, "rule", order, 0, 5_000),
        step(bank, "decideByFallback", order),
        step(seller, "dispute", order),
    )
    assert (ruled.effect, ruled.tx_hash) == (Effect.APPLIED, done.act.tx_hash)
    assert effects([otherwise, fallback, dispute]) == [Effect.CONFLICT, Effect.CONFLICT, Effect.APPLIED]
    assert otherwise.detail["found"]["sellerAmount"] == 4_000
    # What was decided may still be agreed on otherwise, until it is over.
    agreement = seller.escrow.agree_to(order, buyer.escrow.propose_agreement(order, 0, Money("10.00", USD)))
    message = {**agreement.body, "orderId": bytes.fromhex(agreement.body["orderId"][2:])}
    message |= {name: int(message[name]) for name in ("sellerAmount", "unpaid", "nonce")}
    call = call_of(bank, ESCROW, "agree", terms_of(order), message, b"", b"")
    assert say(witness, bank, call).effect is Effect.ABSENT
    agreed_ = bank.escrow.agree(order, agreement, idempotency_key=key()).wait()
    assert agreed_.act is not None
    assert say(witness, bank, call).tx_hash == agreed_.act.tx_hash


def test_amendments_and_credit_notes(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    priced = dataclasses.replace(OrderTerms.from_body(order.body).milestones[0], amount=9_000)
    proposed = seller.amendments.propose(order, milestones=(priced,))
    after = seller.amendments.order_of(proposed)
    call = call_of(bank, ESCROW, "amend", terms_of(order), terms_of(after), 2**33, b"", b"", [])
    assert say(witness, bank, call).effect is Effect.ABSENT
    both = buyer.amendments.countersign(order, proposed)
    done = bank.amendments.carry_out(order, both, idempotency_key=key())
    done.wait()
    assert done.act is not None
    amended, funded, old, backwards = said(
        witness,
        bank,
        call,
        funding(buyer, after),
        funding(buyer, order),
        call_of(bank, ESCROW, "amend", terms_of(after), terms_of(order), 2**33, b"", b"", []),
    )
    assert (amended.effect, amended.tx_hash) == (Effect.APPLIED, done.act.tx_hash)
    assert effects([funded, old, backwards]) == [Effect.APPLIED, Effect.APPLIED, Effect.CONFLICT]
    bank.escrow.attest(after, attesters.attest(after), idempotency_key=key()).wait()
    note = key("note")
    seller.amendments.credit(after, 0, Money("5.00", USD), credit_note=note, idempotency_key="credit")
    calls = [
        call_of(seller, ESCROW, "refundReleased", terms_of(after), 0, minor, keccak(text=name), _nobody(seller))
        for minor, name in ((500, note), (501, note), (500, "another note"))
    ]
    assert effects(said(witness, bank, *calls)) == [Effect.APPLIED, Effect.CONFLICT, Effect.ABSENT]


def _nobody(who: Platform) -> dict[str, Any]:
    return {"payer": who.session.wallet, "nonce": 0, "deadline": 0, "signature": b""}


def test_a_batch_is_repeated_until_all_of_it_is_done(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    orders = [agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND)) for _ in range(2)]
    for number, order in enumerate(orders):
        buyer.escrow.fund(order, idempotency_key=f"fund {number}").wait()
    attested = [attesters.attest(order) for order in orders]
    columns = zip(
        *(bank.attestations.call_arguments(*pair) for pair in zip(orders, attested, strict=True)), strict=True
    )
    batch = call_of(bank, ESCROW, "attestMany", *(list(column) for column in columns))
    assert say(witness, bank, batch).effect is Effect.ABSENT
    bank.escrow.attest(orders[0], attested[0], idempotency_key=key()).wait()
    half = say(witness, bank, batch)
    assert (half.effect, half.detail["items"]) == (Effect.ABSENT, ["APPLIED", "ABSENT"])
    done = bank.escrow.attest(orders[1], attested[1], idempotency_key=key()).wait()
    assert done.act is not None
    assert say(witness, bank, batch).effect is Effect.APPLIED
    assert witness.has_effect(batch, logs_of(bank, done.act.tx_hash))
    assert not witness.has_effect(batch, ())
    assert len(witness.references(batch)) == 2


def test_a_status_that_means_nothing_leaves_its_event_alone(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters
) -> None:
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    packed = attesters.attest(order, 33, seq=7)
    call = attestation(bank, order, packed)
    assert say(witness, bank, call).effect is Effect.ABSENT
    done = bank.escrow.attest(order, packed, idempotency_key=key()).wait()
    assert done.act is not None
    assert (say(witness, bank, call).effect, say(witness, bank, call).tx_hash) == (Effect.APPLIED, done.act.tx_hash)


def test_what_never_happened_is_not_looked_for_in_the_log(
    witness: ContractWitness,
    bank: Platform,
    buyer: Platform,
    seller: Platform,
    attesters: Attesters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A log is read to its beginning for what is not in it: the acts of every day must not pay for that."""
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    buyer.escrow.fund(order, idempotency_key="fund").wait()
    terms, wallet, name = terms_of(order), seller.session.wallet, b"\1" * 32
    calls = [
        attestation(bank, order, attesters.attest(order)),
        step(bank, "release", order),
        step(seller, "refund", order),
        step(buyer, "dispute", order),
        call_of(seller, ESCROW, "refundReleased", terms, 0, 5, name, _nobody(seller)),
        call_of(buyer, USD, "pay", wallet, 5, name, b""),
        call_of(bank, USD, "mint", name, wallet, 5),
        call_of(buyer, USD, "requestRedemption", 5, name, name),
        call_of(bank, USD, "registerNotary", wallet),
        call_of(bank, "Reserve", "registerToken", wallet),
        call_of(bank, "ParticipantRegistry", "freeze", buyer.session.participant, name),
        call_of(bank, "Settlement", "cancel", {**_TRADE, "agent": wallet}),
        call_of(bank, "TitleDocument", "issue", wallet, 1, name, at=_titles(bank)),
    ]
    monkeypatch.setattr(type(bank.connection), "logs", _never)
    assert effects(said(witness, bank, *calls)) == [Effect.ABSENT] * len(calls)


_TRADE = {"legs": [], "tradeReference": b"\1" * 32, "settleAfter": 0, "expiry": 2**33, "lots": 1}


def _titles(bank: Platform) -> str:
    return bank.assets.deploy("TitleDocument", "Bills of lading", "EBL", idempotency_key=key())


def _never(*_: Any, **__: Any) -> Any:
    raise AssertionError("the log was searched")
