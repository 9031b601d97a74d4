"""Payments as the chain knows them: paid, not paid, paid otherwise, voided; whoever sent them and whatever was lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from seen import call_of, logs_of, said, say

from pyjpm import LocalSigner, Money, PaymentOrder, Platform
from pyjpm.sending import batch_reference, payment_reference
from pyjpm.sending.witness import Call, Effect
from pyjpm.testing import new_company
from pyjpm.witnessing import ContractWitness

USD, EUR = "USD", "EUR"


def pay(who: Platform, to: Platform, minor: int, key: str, remittance: bytes = b"", currency: str = USD) -> Call:
    """What ``payments.create`` sends."""
    reference = payment_reference(who.session.participant, key)
    return call_of(who, currency, "pay", to.session.wallet, minor, reference, remittance)


def batch(who: Platform, to: Platform, minors: list[int], key: str) -> Call:
    """What ``payments.create_batch`` sends."""
    items = [
        {
            "to": to.session.wallet,
            "amount": minor,
            "ref": batch_reference(who.session.participant, key, place),
            "remittance": b"",
        }
        for place, minor in enumerate(minors)
    ]
    return call_of(who, USD, "payBatch", items)


def reference(who: Platform, key: str) -> bytes:
    return payment_reference(who.session.participant, key)


def test_absent_then_applied_with_its_transaction(witness: ContractWitness, buyer: Platform, seller: Platform) -> None:
    call = pay(buyer, seller, 100, "one", b"for one")
    assert say(witness, buyer, call).effect is Effect.ABSENT
    paid = buyer.payments.create(
        seller.session.wallet, Money("1.00", USD), idempotency_key="one", remittance=b"for one"
    ).wait()
    verdict = say(witness, buyer, call)
    assert (verdict.effect, verdict.tx_hash, verdict.block) == (Effect.APPLIED, paid.tx_hash, paid.block)
    assert paid.block is not None
    # At the block before, it had not happened: the height asked for is the height read.
    (before,) = witness.read([call], connection=buyer.session.connection, at=paid.block - 1)
    assert before.effect is Effect.ABSENT
    assert witness.has_effect(call, logs_of(buyer, paid.tx_hash))
    assert witness.references(call) == {reference(buyer, "one")}
    assert witness.is_named(call)


def test_other_content_is_a_conflict_with_both_sides(
    witness: ContractWitness, buyer: Platform, seller: Platform
) -> None:
    paid = buyer.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key="two").wait()
    more = pay(buyer, seller, 101, "two")
    verdict = say(witness, buyer, more)
    assert (verdict.effect, verdict.tx_hash) == (Effect.CONFLICT, paid.tx_hash)
    assert (verdict.detail["found"]["amount"], verdict.detail["asked"]["amount"]) == (100, 101)
    assert verdict.detail["found"]["to"] == seller.session.wallet
    assert not verdict.detail["same_but_remittance"]
    assert not witness.has_effect(more, logs_of(buyer, paid.tx_hash))
    other_payee = say(witness, buyer, pay(buyer, buyer, 100, "two"))
    assert (other_payee.effect, other_payee.detail["same_but_remittance"]) == (Effect.CONFLICT, False)


def test_another_remittance_alone_is_told_apart(witness: ContractWitness, buyer: Platform, seller: Platform) -> None:
    sent = buyer.payments.create(
        seller.session.wallet, Money("1.00", USD), idempotency_key="sealed", remittance=b"sealed once"
    ).wait()
    verdict = say(witness, buyer, pay(buyer, seller, 100, "sealed", b"sealed anew"))
    assert (verdict.effect, verdict.tx_hash) == (Effect.CONFLICT, sent.tx_hash)
    assert verdict.detail["same_but_remittance"]
    assert verdict.detail["found"]["remittance_hash"] == "0x" + keccak(b"sealed once").hex()


def test_paid_in_another_currency_is_a_conflict(witness: ContractWitness, buyer: Platform, seller: Platform) -> None:
    buyer.payments.create(seller.session.wallet, Money("1.00", EUR), idempotency_key="three").wait()
    verdict = say(witness, buyer, pay(buyer, seller, 100, "three"))
    assert verdict.effect is Effect.CONFLICT
    assert (verdict.detail["state"], verdict.detail["found"]["currency"]) == ("UNSPENT", EUR)


def test_a_voided_reference(witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform) -> None:
    ours = reference(buyer, "void")
    void = call_of(buyer, USD, "voidReference", buyer.session.participant, ours)
    assert say(witness, buyer, void).effect is Effect.ABSENT
    sent = buyer.payments.void("0x" + ours.hex(), currency=USD, idempotency_key="v").wait()
    verdict, paying = said(witness, buyer, void, pay(buyer, seller, 100, "void"))
    assert (verdict.effect, verdict.tx_hash) == (Effect.APPLIED, sent.tx_hash)
    assert paying.effect is Effect.VOIDED
    assert witness.has_effect(void, logs_of(buyer, sent.tx_hash))
    assert witness.references(void) == {ours} == witness.references(pay(buyer, seller, 100, "void"))


def test_the_void_of_what_was_paid_is_a_conflict(witness: ContractWitness, buyer: Platform, seller: Platform) -> None:
    paid = buyer.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key="late").wait()
    void = call_of(buyer, USD, "voidReference", buyer.session.participant, reference(buyer, "late"))
    verdict = say(witness, buyer, void)
    assert (verdict.effect, verdict.tx_hash) == (Effect.CONFLICT, paid.tx_hash)


def test_what_others_pay_under_the_same_bytes_says_nothing(
    witness: ContractWitness, buyer: Platform, seller: Platform, bank: Platform
) -> None:
    other = new_company(bank, deposit="100.00")
    call = pay(buyer, seller, 100, "mine")
    ours = reference(buyer, "mine")
    session = other.session
    taken = session.submit(
        kind="test",
        key="theirs",
        content={},
        contract=USD,
        function="pay",
        arguments=(seller.session.wallet, 100, ours, b""),
    )
    session.sender.wait(taken.id, 30)
    assert say(witness, buyer, call).effect is Effect.ABSENT
    paid = buyer.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key="mine").wait()
    assert say(witness, buyer, call).tx_hash == paid.tx_hash
    # And the other way round: theirs came first, ours is newer; each is told its own.
    theirs = Call(session.wallet, call.to, call.data, "test")
    assert say(witness, buyer, theirs).tx_hash == session.journal.get(taken.id).tx_hash


def test_many_are_told_as_each_alone(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform
) -> None:
    other = new_company(bank, deposit="100.00")
    calls = [pay(who, seller, 100, f"many {number}") for number in range(8) for who in (buyer, other)]
    for who, number in ((buyer, 3), (other, 5)):
        who.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key=f"many {number}").wait()
    other.payments.create(seller.session.wallet, Money("1.00", EUR), idempotency_key="many 6").wait()
    buyer.payments.void("0x" + reference(buyer, "many 7").hex(), currency=USD, idempotency_key="void many").wait()
    together = said(witness, bank, *calls)
    assert [verdict.effect for verdict in together] == [say(witness, bank, call).effect for call in calls]
    kinds = {(who, number): together[2 * number + at].effect for at, who in enumerate("bo") for number in range(8)}
    assert {place: effect for place, effect in kinds.items() if effect is not Effect.ABSENT} == {
        ("b", 3): Effect.APPLIED,
        ("o", 5): Effect.APPLIED,
        ("o", 6): Effect.CONFLICT,
        ("b", 7): Effect.VOIDED,
    }
    # A wallet that is nobody's among them: the contract tells nothing of it, and all of the others.
    nobody = Call(LocalSigner.generate().address, calls[0].to, calls[0].data, "test")
    *same, unread = said(witness, bank, *calls, nobody)
    assert ([each.effect for each in same], unread.effect) == ([each.effect for each in together], Effect.UNKNOWN)


def test_another_wallet_of_the_participant_paid_it_and_was_lost(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform
) -> None:
    participant, lost = buyer.session.participant, buyer.session.wallet
    paid = buyer.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key="before").wait()
    successor = bank.acting(LocalSigner.generate())
    link = successor.participants.wallet_link(_identity(bank, participant))
    bank.participants.link_wallet(participant, link, idempotency_key=f"link {lost}").wait()
    bank.participants.recover_wallet(
        lost, successor.session.wallet, order="order", idempotency_key=f"recover {lost}"
    ).wait()
    again = pay(successor, seller, 100, "before")
    by_lost = Call(lost, again.to, again.data, again.kind)
    for verdict in said(witness, bank, again, by_lost):
        assert (verdict.effect, verdict.tx_hash) == (Effect.APPLIED, paid.tx_hash)
    other = say(witness, bank, pay(successor, seller, 101, "before"))
    assert (other.effect, other.detail["found"]["payer"]) == (Effect.CONFLICT, lost)


def test_a_payee_that_was_lost_stands_for_its_successor(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform
) -> None:
    participant, lost = seller.session.participant, seller.session.wallet
    paid = buyer.payments.create(lost, Money("1.00", USD), idempotency_key="to the lost").wait()
    successor = bank.acting(LocalSigner.generate())
    link = successor.participants.wallet_link(_identity(bank, participant))
    bank.participants.link_wallet(participant, link, idempotency_key=f"link {lost}").wait()
    assert say(witness, buyer, pay(buyer, successor, 100, "to the lost")).effect is Effect.CONFLICT
    bank.participants.recover_wallet(
        lost, successor.session.wallet, order="order", idempotency_key=f"recover {lost}"
    ).wait()
    verdict = say(witness, buyer, pay(buyer, successor, 100, "to the lost"))
    assert (verdict.effect, verdict.tx_hash) == (Effect.APPLIED, paid.tx_hash)


def test_a_batch_paid_unpaid_and_in_part(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform
) -> None:
    call = batch(buyer, seller, [1, 2, 3], "run")
    references = ["0x" + batch_reference(buyer.session.participant, "run", place).hex() for place in range(3)]
    absent = say(witness, buyer, call)
    assert (absent.effect, absent.detail["unspent"]) == (Effect.ABSENT, references)
    orders = [PaymentOrder(seller.session.wallet, Money.from_minor(minor, USD)) for minor in (1, 2)]
    first = buyer.payments.create_batch(orders, idempotency_key="run").wait()
    partial = say(witness, buyer, call)
    assert (partial.effect, partial.detail["partial"]) == (Effect.CONFLICT, True)
    assert (partial.detail["paid"], partial.detail["unspent"]) == (references[:2], references[2:])
    assert not witness.has_effect(call, logs_of(buyer, first.tx_hash))
    two = batch(buyer, seller, [1, 2], "run")
    applied = say(witness, buyer, two)
    assert (applied.effect, applied.tx_hash) == (Effect.APPLIED, first.tx_hash)
    assert witness.has_effect(two, logs_of(buyer, first.tx_hash))
    other = say(witness, buyer, batch(buyer, seller, [1, 7], "run"))
    assert (other.effect, other.detail["conflict"], other.detail["paid"]) == (
        Effect.CONFLICT,
        [references[1]],
        [references[0]],
    )
    assert other.detail["found"][references[1]]["amount"] == 2
    buyer.payments.void(references[2], currency=USD, idempotency_key="void run").wait()
    assert say(witness, buyer, call).detail["voided"] == [references[2]]
    assert len(witness.references(call)) == 3


def test_an_authorization_by_whoever_brings_it(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform
) -> None:
    document = buyer.payments.authorize(seller.session.wallet, Money("5.00", USD), idempotency_key="authorized")
    message = document.body["message"]
    call = _authorized(seller, document)
    assert say(witness, seller, call).effect is Effect.ABSENT
    assert witness.references(call) == {reference(buyer, "authorized")}
    done = seller.payments.submit_authorization(document, idempotency_key="bring").wait()
    for each in (call, pay(buyer, seller, 500, "authorized")):  # the payment itself, however it was made
        verdict = say(witness, seller, each)
        assert (verdict.effect, verdict.tx_hash) == (Effect.APPLIED, done.tx_hash)
        assert witness.has_effect(each, logs_of(buyer, done.tx_hash))
    cancel = call_of(buyer, USD, "cancelAuthorization", buyer.session.wallet, bytes.fromhex(message["nonce"][2:]), b"")
    assert say(witness, buyer, cancel).effect is Effect.CONFLICT


def test_a_cancelled_authorization_is_void_and_its_payment_is_not(
    witness: ContractWitness, buyer: Platform, seller: Platform
) -> None:
    document = buyer.payments.authorize(seller.session.wallet, Money("5.00", USD), idempotency_key="cancelled")
    message = document.body["message"]
    cancel = call_of(buyer, USD, "cancelAuthorization", buyer.session.wallet, bytes.fromhex(message["nonce"][2:]), b"")
    assert say(witness, buyer, cancel).effect is Effect.ABSENT
    sent = buyer.payments.cancel_authorization(document, idempotency_key="cancel").wait()
    verdict, bringing, paying = said(
        witness, buyer, cancel, _authorized(seller, document), pay(buyer, seller, 500, "cancelled")
    )
    assert (verdict.effect, verdict.tx_hash) == (Effect.APPLIED, sent.tx_hash)
    assert (bringing.effect, paying.effect) == (Effect.VOIDED, Effect.ABSENT)
    assert witness.has_effect(cancel, logs_of(buyer, sent.tx_hash))


def test_a_cleared_payment_is_the_payment(witness: ContractWitness, buyer: Platform, seller: Platform) -> None:
    inside = pay(buyer, seller, 100, "cleared")
    outside = call_of(buyer, USD, "cleared", inside.data, 2**40, b"\1" * 85)
    assert say(witness, buyer, outside).effect is Effect.ABSENT
    assert witness.references(outside) == witness.references(inside)
    paid = buyer.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key="cleared").wait()
    assert say(witness, buyer, outside).tx_hash == paid.tx_hash
    assert witness.has_effect(outside, logs_of(buyer, paid.tx_hash))


def test_a_lost_database_meets_its_own_payments(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, tmp_path: Path
) -> None:
    paid = buyer.payments.create(seller.session.wallet, Money("1.00", USD), idempotency_key="lost").wait()
    journal = tmp_path / "new.sqlite"
    signer = buyer.session.signer
    with Platform.connect(bank.connection, bank.record, signer=signer, journal=journal) as again:
        verdict = say(witness, again, pay(again, seller, 100, "lost"))
        assert (verdict.effect, verdict.tx_hash) == (Effect.APPLIED, paid.tx_hash)
        assert again.session.journal.find(signer.address, "lost") is None


@pytest.mark.parametrize(
    "call",
    [
        Call("0x" + 40 * "1", None, b"\x60\x00", "assets.deploy"),
        Call("0x" + 40 * "1", "0x" + 40 * "2", b"\xde\xad\xbe\xef", "foreign"),
        Call("0x" + 40 * "1", "0x" + 40 * "2", b"", "transfer"),
    ],
)
def test_what_is_not_understood_is_unknown(witness: ContractWitness, bank: Platform, call: Call) -> None:
    verdict = say(witness, bank, call)
    assert (verdict.effect, bool(verdict.detail["reason"])) == (Effect.UNKNOWN, True)
    assert witness.has_effect(call, ())
    assert witness.references(call) == frozenset()
    assert not witness.is_named(call)


def test_a_height_that_the_node_does_not_have_is_unknown(
    witness: ContractWitness, buyer: Platform, seller: Platform
) -> None:
    connection = buyer.session.connection
    call = pay(buyer, seller, 100, "future")
    (verdict,) = witness.read([call], connection=connection, at=connection.head().number + 5)
    assert verdict.effect is Effect.UNKNOWN


def test_many_calls_take_few_requests(
    witness: ContractWitness, buyer: Platform, seller: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [PaymentOrder(seller.session.wallet, Money.from_minor(1, USD)) for _ in range(60)]
    buyer.payments.create_batch(orders, idempotency_key="many").wait()
    calls = [batch(buyer, seller, [1] * 60, "many"), *(pay(buyer, seller, 1, f"many {each}") for each in range(40))]
    connection = buyer.session.connection
    sent: list[int] = []
    monkeypatch.setattr(connection._rpc, "batch", _counted(connection._rpc.batch, sent))
    monkeypatch.setattr(connection._rpc, "read", _counted(connection._rpc.read, sent))
    verdicts = witness.read(calls, connection=connection, at=connection.head().number)
    assert [each.effect for each in verdicts] == [Effect.APPLIED, *[Effect.ABSENT] * 40]
    assert len(sent) < 10


def _counted(inner: Any, sent: list[int]) -> Any:
    def counted(*arguments: Any, **more: Any) -> Any:
        sent.append(1)
        return inner(*arguments, **more)

    return counted


def _authorized(who: Platform, document: Any) -> Call:
    message = document.body["message"]
    values = [
        message["from"],
        message["to"],
        *(int(message[name]) for name in ("value", "validAfter", "validBefore")),
        *(bytes.fromhex(message[name][2:]) for name in ("nonce", "ref")),
        b"",
        document.signature(message["from"]),
    ]
    return call_of(who, USD, "transferWithAuthorization", *values)


def _identity(bank: Platform, participant: int) -> bytes:
    return bytes.fromhex(bank.participants.get(participant).identity_hash[2:])
