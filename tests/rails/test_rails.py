"""Payments by one rail, on a real chain: never by both, and never by neither once they are accepted."""

from __future__ import annotations

import json
import time as wall
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from rails.rails_support import (
    BY_SWIFT,
    IBAN,
    RULES,
    Hub,
    Opened,
    Plain,
    Table,
    creditor,
    instruction,
    key,
    rails,
    state,
    token_reference,
    usd,
)

from pyjpm import LocalSigner, Money, Platform
from pyjpm.errors.deployment import NotOnboarded, ReadOnlyClient
from pyjpm.errors.outbox import ReasonMissing, ReferenceVoided
from pyjpm.errors.rails import (
    InvalidInstruction,
    NoRail,
    RailNotChangeable,
    RailPaymentNotFound,
    RailUnclear,
)
from pyjpm.errors.refusals import InsufficientAvailable
from pyjpm.errors.sending import IdempotencyConflict, StillPending
from pyjpm.rails import Rail, Rails, RailStatus, Transfer, parse_rulebook
from pyjpm.rails.lock import KIND
from pyjpm.remittance import RemittanceKey, open_remittance
from pyjpm.sending.approvals import ApprovalPolicy, Rule
from pyjpm.testing import new_company

# --- one rail --------------------------------------------------------------------------------------------------------


def test_who_is_on_chain_is_paid_by_token_and_no_message_is_made(payer: Platform, payee: Platform, hub: Hub) -> None:
    made, name = rails(payer, payee=payee, hub=hub), key()
    assert made.explain(instruction()).rail is Rail.TOKEN
    with pytest.raises(RailPaymentNotFound):
        made.get(name)
    made.pay(instruction(), idempotency_key=name)
    paid = made.wait(name)
    assert (paid.rail, paid.status, paid.rule) == (Rail.TOKEN, RailStatus.PAID, "on chain")
    assert paid.why == (f"on chain: TOKEN - on chain: yes (participant {payee.session.participant})",)
    assert usd(payer, payee) == 12_500
    assert state(payer, paid.reference) == "PAID"
    assert hub.messages == {}
    assert made.pay(instruction(), idempotency_key=name).status is RailStatus.PAID
    # It is the payment that the client's own key names.
    assert [each.reference for each in payer.payments.list()] == [paid.reference]
    assert usd(payer, payee) == 12_500
    assert made.resume() == []


def test_who_is_not_mapped_gets_a_message_once_its_token_reference_is_void(payer: Platform, hub: Hub) -> None:
    made, name = rails(payer, hub=hub), key()
    made.pay(instruction(), idempotency_key=name)
    sent = made.wait(name)
    assert (sent.rail, sent.status, sent.rule) == (Rail.SWIFT, RailStatus.SENT, "otherwise")
    assert state(payer, token_reference(made, name)) == "VOIDED"
    ((reference, content),) = hub.messages.items()
    assert reference == f"swift/{sent.reference}"
    message = json.loads(content["text"])
    assert (message["reference"], message["uetr"], message["amount"]) == (sent.reference, sent.uetr, "USD 125.00")
    for _ in range(2):
        assert made.pay(instruction(), idempotency_key=name).status is RailStatus.SENT
    assert hub.sent == [reference]
    # Nobody can pay it by token any more, whatever he forgot.
    with pytest.raises(ReferenceVoided):
        payer.payments.create(payer.session.participant, Money("125.00", "USD"), idempotency_key=name)


def test_the_debtors_uetr_is_kept_and_another_key_is_another_name(payer: Platform, hub: Hub) -> None:
    made, uetr = rails(payer, hub=hub), "eb6305c9-1f7f-49de-aed0-16487c27b42d"
    names = [key(), key()]
    for name, asked in zip(names, (instruction(uetr=uetr), instruction()), strict=True):
        made.pay(asked, idempotency_key=name)
    first, second = (made.wait(name) for name in names)
    assert first.uetr == uetr
    assert second.uetr not in (uetr, None)
    assert first.reference != second.reference
    assert {len(each.reference) for each in (first, second)} == {16}
    again = rails(payer, hub=hub)
    assert again._chooser.names(names[0], 0).message_reference == first.reference


def test_a_currency_without_a_token_goes_by_swift_and_is_locked_all_the_same(payer: Platform, hub: Hub) -> None:
    made, name = rails(payer, hub=hub), key()
    asked = instruction("GBP 125.00")
    made.pay(asked, idempotency_key=name)
    assert made.wait(name).status is RailStatus.SENT
    reference = token_reference(made, name)
    assert payer.payments.reference_state(reference, currency="EUR") == "VOIDED"


def test_the_same_key_is_the_same_payment(payer: Platform, payee: Platform, hub: Hub) -> None:
    made, name = rails(payer, payee=payee, hub=hub), key()
    made.pay(instruction(), idempotency_key=name)
    for other in (instruction("USD 125.01"), instruction(creditor=creditor(name="Other")), instruction(charges="DEBT")):
        with pytest.raises(IdempotencyConflict):
            made.pay(other, idempotency_key=name)
    # Other rules and another directory change nothing of what was chosen.
    elsewhere = rails(payer, BY_SWIFT, hub=hub)
    assert elsewhere.pay(instruction(), idempotency_key=name).rail is Rail.TOKEN
    assert elsewhere.wait(name).status is RailStatus.PAID
    assert hub.messages == {}


def test_how_often_a_creditor_was_paid_counts(payer: Platform, payee: Platform, hub: Hub) -> None:
    rules = 'otherwise="SWIFT"\n[[rule]]\nname="often"\nrail="TOKEN"\non_chain=true\ndays=30\npayments_at_least=2\n'
    made = rails(payer, rules, payee=payee, hub=hub)
    taken = []
    for _ in range(3):
        name = key()
        made.pay(instruction(), idempotency_key=name)
        taken.append(made.wait(name).rail)
    assert taken == [Rail.SWIFT, Rail.SWIFT, Rail.TOKEN]


def test_what_it_is_for_travels_sealed_or_not_at_all(bank: Platform, payer: Platform, opened: Opened) -> None:
    secrets = [RemittanceKey.generate(), RemittanceKey.generate()]
    people = []
    for secret in secrets:
        signer = LocalSigner.generate()
        link = bank.acting(signer).participants.wallet_link(bytes.fromhex(secret.public.hex()))
        onboarded = bank.participants.onboard(
            link,
            kind=bank.participants.get(1).kind,
            jurisdiction=840,
            kyc_expiry=bank.session.now() + 10**8,
            encryption_key=secret.public,
            idempotency_key=key("onboard"),
        ).wait()
        limit = Money("1000.00", "USD")
        bank.participants.set_daily_limit(onboarded.participant, limit, idempotency_key=key("limit")).wait()
        people.append((signer, onboarded.participant))
    (sender, number), (_, receiver) = people
    bank.deposits.mint(
        number, Money("500.00", "USD"), deposit_reference=key("deposit"), idempotency_key=key("deposit")
    ).wait()
    acting = bank.acting(sender)
    for who, sealed in ((acting, True), (payer, False)):
        name = key()
        made = Rails(who, parse_rulebook(RULES.encode()), directory=Table({f"IBAN:{IBAN}": receiver}))
        made.pay(instruction(remittance="a secret of two"), idempotency_key=name)
        assert made.wait(name).status is RailStatus.PAID
        found = next(each for each in who.session.journal.list(kind_prefix="payments.pay") if each.key == name)
        data = who.session.connection.web3.eth.get_transaction(found.tx_hash)["input"]
        assert b"a secret of two" not in bytes(data)
        assert bool(found.content.get("remittance")) is sealed
        if sealed:
            opened_text = open_remittance(bytes.fromhex(found.content["remittance"][2:]), secrets[1])
            assert (opened_text.text, opened_text.end_to_end_id) == ("a secret of two", "E2E-1")


def test_value_dates_are_kept_by_token_and_by_swift(payer: Platform, payee: Platform, hub: Hub) -> None:
    made, names = rails(payer, payee=payee, hub=hub), [key(), key(), key()]
    today = datetime.now(UTC).date()
    later, past = today + timedelta(days=3), today - timedelta(days=3)
    assert made.pay(instruction(requested=later), idempotency_key=names[0]).status is RailStatus.ACCEPTED
    (waiting,) = payer.session.journal.open_submissions()
    assert waiting.not_before == int(datetime.combine(later, time(), UTC).timestamp())
    made.pay(instruction(requested=past), idempotency_key=names[1])
    assert made.wait(names[1]).status is RailStatus.PAID
    assert usd(payer, payee) == 12_500
    # One that waits is withdrawn before it goes by SWIFT; a day that has passed is today there.
    made.change(names[0], who="ada", reason="they want it at their bank")
    assert made.wait(names[0]).status is RailStatus.SENT
    by_swift = rails(payer, BY_SWIFT, payee=payee, hub=hub)
    by_swift.pay(instruction(requested=past), idempotency_key=names[2])
    by_swift.wait(names[2])
    waited, passed = (json.loads(content["text"]) for content in hub.messages.values())
    assert waited["settlement"] == later.isoformat()
    assert passed["settlement"] == datetime.fromtimestamp(passed["created_at"], UTC).date().isoformat()
    assert payer.session.journal.open_submissions() == []


# --- what is refused -------------------------------------------------------------------------------------------------


def test_nobody_is_paid_around_a_stop(bank: Platform, payer: Platform, payee: Platform, hub: Hub) -> None:
    made = rails(payer, BY_SWIFT, payee=payee, hub=hub)
    stopped, name = payee.session.participant, key()
    bank.participants.freeze(stopped, order="order", idempotency_key=key("freeze")).wait()
    assert made.explain(instruction()).rule == "stopped on the chain"
    with pytest.raises(NoRail) as refused:
        made.pay(instruction(), idempotency_key=name)
    assert f"the creditor (participant {stopped}) is frozen" in refused.value.message
    with pytest.raises(RailPaymentNotFound):
        made.get(name)
    bank.participants.unfreeze(stopped, order="order", idempotency_key=key("unfreeze")).wait()
    bank.participants.suspend(payer.session.participant, reason="why", idempotency_key=key("suspend")).wait()
    with pytest.raises(NoRail, match=r"the debtor .* is SUSPENDED"):
        made.pay(instruction(), idempotency_key=name)
    assert hub.messages == {}


def test_stopped_between_choice_and_message_it_waits(
    bank: Platform, payer: Platform, payee: Platform, hub: Hub
) -> None:
    made, name, stopped = rails(payer, BY_SWIFT, payee=payee, hub=hub), key(), payee.session.participant
    voided = made._lock.close

    def freezing(*given: Any, **more: Any) -> Any:
        bank.participants.freeze(stopped, order="order", idempotency_key=key("freeze")).wait()
        return voided(*given, **more)

    made._lock.close = freezing  # type: ignore[method-assign]
    with pytest.raises(NoRail, match="frozen"):
        made.pay(instruction(), idempotency_key=name)
    made._lock.close = voided  # type: ignore[method-assign]
    assert made.get(name).status is RailStatus.LOCKING
    assert hub.messages == {}
    bank.participants.unfreeze(stopped, order="order", idempotency_key=key("unfreeze")).wait()
    assert made.resume() == []  # its caller was told no
    made.pay(instruction(), idempotency_key=name)
    assert made.wait(name).status is RailStatus.SENT


def test_what_no_rail_can_carry_is_not_stored(payer: Platform, payee: Platform, hub: Hub) -> None:
    class Refusing(Plain):
        def make(self, transfer: Transfer) -> str:
            raise InvalidInstruction("It cannot be written.", field="creditor.name")

    name = key()
    for made, error in (
        (rails(payer, hub=None), NoRail),
        (rails(payer, 'otherwise = "NONE"', payee=payee, hub=hub), NoRail),
        (rails(payer, 'otherwise = "TOKEN"', hub=hub), NoRail),
        (rails(payer, hub=hub, maker=Refusing()), InvalidInstruction),
    ):
        with pytest.raises(error):
            made.pay(instruction(), idempotency_key=name)
        with pytest.raises(RailPaymentNotFound):
            made.get(name)
    with pytest.raises(NoRail):
        rails(payer, hub=hub).pay(instruction(creditor=creditor(agent="")), idempotency_key=name)
    assert state(payer, token_reference(rails(payer), name)) == "UNSPENT"


def test_who_may_not_pay_has_no_rails(bank: Platform, payer: Platform) -> None:
    with pytest.raises(NotOnboarded):
        rails(bank.acting(LocalSigner.generate()))
    with Platform.connect(bank.connection, bank.record) as reader, pytest.raises(ReadOnlyClient):
        rails(reader)


def test_a_refused_token_payment_waits_to_be_asked_for_again(
    bank: Platform, payer: Platform, payee: Platform, hub: Hub
) -> None:
    made, name = rails(payer, payee=payee, hub=hub), key()
    asked = instruction("USD 100000.01")
    with pytest.raises(InsufficientAvailable):
        made.pay(asked, idempotency_key=name)
    seen = made.get(name)
    assert (seen.rail, seen.status) == (Rail.TOKEN, RailStatus.FAILED)
    assert seen.detail is not None
    assert "INSUFFICIENT" in seen.detail
    bank.deposits.mint(
        payer.session.participant, Money("0.01", "USD"), deposit_reference=key("d"), idempotency_key=key("d")
    ).wait()
    # Told no, its caller may have paid in another way.
    assert made.resume() == []
    assert made.wait(name).status is RailStatus.FAILED
    assert usd(payer, payee) == 0
    made.pay(asked, idempotency_key=name)
    assert made.wait(name).status is RailStatus.PAID
    assert hub.messages == {}


# --- changing the rail -----------------------------------------------------------------------------------------------


def test_a_refused_token_payment_goes_by_swift_when_somebody_says_so(
    payer: Platform, payee: Platform, hub: Hub
) -> None:
    made, name = rails(payer, payee=payee, hub=hub), key()
    with pytest.raises(InsufficientAvailable):
        made.pay(instruction("USD 100000.01"), idempotency_key=name)
    with pytest.raises(ReasonMissing):
        made.change(name, who="ada", reason=" ")
    with pytest.raises(RailPaymentNotFound):
        made.change(key(), who="ada", reason="no funds on chain")
    made.change(name, who="ada", reason="no funds on chain")
    sent = made.wait(name)
    assert (sent.rail, sent.status) == (Rail.SWIFT, RailStatus.SENT)
    assert [(each.who, each.reason, each.outcome) for each in sent.moves] == [
        ("ada", "no funds on chain", "TOKEN to LOCKING")
    ]
    assert state(payer, token_reference(made, name)) == "VOIDED"
    assert len(hub.messages) == 1
    with pytest.raises(RailNotChangeable):
        made.change(name, who="ada", reason="again")
    assert usd(payer, payee) == 0


def test_what_was_paid_by_token_never_goes_by_swift(payer: Platform, payee: Platform, hub: Hub) -> None:
    made, name = rails(payer, payee=payee, hub=hub), key()
    made.pay(instruction(), idempotency_key=name)
    made.wait(name)
    with pytest.raises(RailNotChangeable):
        made.change(name, who="ada", reason="impatience")
    assert hub.messages == {}


def test_what_is_on_its_way_by_token_is_paid_or_voided_first(
    bank: Platform, payer: Platform, payee: Platform, hub: Hub
) -> None:
    """Mined or not when somebody changes his mind: one of the two, and a message only after the void."""
    made, node = rails(payer, payee=payee, hub=hub), bank.connection.web3.provider.make_request
    ends = []
    for mined_first in (True, False):
        name = key()
        node("evm_setAutomine", [False])
        try:
            assert made.pay(instruction(), idempotency_key=name).status is RailStatus.ACCEPTED
            if mined_first:
                node("evm_mine", [])
            try:
                made.change(name, who="ada", reason="stuck")
            except RailNotChangeable:
                assert mined_first
            assert not any(name in str(content) for content in hub.messages.values())
        finally:
            node("evm_setAutomine", [True])
            node("evm_mine", [])
        ended = made.wait(name)
        ends.append((ended.rail, ended.status))
        spent = state(payer, token_reference(made, name))
        assert spent == ("PAID" if ended.rail is Rail.TOKEN else "VOIDED")
        assert len(hub.messages) == sum(rail is Rail.SWIFT for rail, _ in ends)
        assert usd(payer, payee) == 12_500 * sum(rail is Rail.TOKEN for rail, _ in ends)
    assert ends[0] == (Rail.TOKEN, RailStatus.PAID)


def test_a_scheduled_or_unapproved_payment_is_cancelled_and_then_locked(
    bank: Platform, payer: Platform, payee: Platform, hub: Hub, opened: Opened, tmp_path: Path
) -> None:
    checker = LocalSigner.generate()
    signer = LocalSigner.generate()
    new_company(bank, deposit="1000.00", signer=signer)
    policy = ApprovalPolicy((Rule(("payments.pay",), None, frozenset({checker.address}), 1),))
    with Platform.connect(
        bank.connection, bank.record, signer=signer, journal=tmp_path / "j.db", approvals=policy
    ) as careful:
        made, name = rails(careful, payee=payee, hub=hub), key()
        assert made.pay(instruction(), idempotency_key=name).status is RailStatus.ACCEPTED
        made.change(name, who="ada", reason="nobody approves")
        assert made.wait(name).status is RailStatus.SENT
        assert state(careful, token_reference(made, name)) == "VOIDED"
    assert usd(bank, payee) == 0


def test_four_eyes_hold_a_message_by_its_lock(bank: Platform, hub: Hub, tmp_path: Path) -> None:
    checker, signer = LocalSigner.generate(), LocalSigner.generate()
    new_company(bank, deposit="1000.00", signer=signer)
    policy = ApprovalPolicy((Rule((KIND,), Money("100.00", "USD"), frozenset({checker.address}), 1),))
    with Platform.connect(
        bank.connection, bank.record, signer=signer, journal=tmp_path / "j.db", approvals=policy
    ) as careful:
        made, names = rails(careful, hub=hub), [key(), key(), key()]
        made.pay(instruction("USD 99.00"), idempotency_key=names[0])
        assert made.wait(names[0]).status is RailStatus.SENT
        approvals = careful.outbox.approvals()
        for name, word in ((names[1], True), (names[2], False)):
            assert made.pay(instruction(), idempotency_key=name).status is RailStatus.LOCKING
            (waiting,) = careful.session.journal.open_submissions()
            expires = int(wall.time()) + 600
            signed = approvals.sign(waiting.id, checker, approved=word, expires=expires)
            approvals.decide(
                waiting.id,
                checker=checker.address,
                approved=word,
                expires=expires,
                signature=signed,
                reason="seen",
                now=int(wall.time()),
            )
        assert made.wait(names[1]).status is RailStatus.SENT
        assert [each.status for each in made.resume()] == [RailStatus.LOCKING]
        with pytest.raises(StillPending):
            made.wait(names[2], 0.2)
        assert len(hub.messages) == 2
        assert state(careful, token_reference(made, names[2])) == "UNSPENT"


def test_a_refused_message_goes_by_token_under_new_names(payer: Platform, payee: Platform, hub: Hub) -> None:
    made, name = rails(payer, BY_SWIFT, payee=payee, hub=hub), key()
    hub.refuses = True
    made.pay(instruction(), idempotency_key=name)
    failed = made.wait(name)
    assert (failed.rail, failed.status) == (Rail.SWIFT, RailStatus.FAILED)
    assert made.pay(instruction(), idempotency_key=name).status is RailStatus.FAILED
    made.change(name, who="ada", reason="the network refuses it")
    paid = made.wait(name)
    assert (paid.rail, paid.status, paid.leg) == (Rail.TOKEN, RailStatus.PAID, 1)
    assert usd(payer, payee) == 12_500
    assert hub.messages == {}
    assert [state(payer, token_reference(made, name, leg)) for leg in (0, 1)] == ["VOIDED", "PAID"]
    with pytest.raises(RailNotChangeable):
        made.change(name, who="ada", reason="once more")


def test_a_message_that_may_have_been_sent_never_becomes_a_token_payment(
    payer: Platform, payee: Platform, hub: Hub
) -> None:
    made, name = rails(payer, BY_SWIFT, payee=payee, hub=hub), key()
    hub.down = True
    made.pay(instruction(), idempotency_key=name)
    for _ in range(3):
        with pytest.raises(RailNotChangeable):
            made.change(name, who="ada", reason="the gateway is down")
    assert made.get(name).status is RailStatus.ACCEPTED
    hub.down, hub.deaf = False, True
    assert made.wait(name).status is RailStatus.SENT
    assert len(hub.sent) == 1
    assert usd(payer, payee) == 0


def test_a_refusal_beside_an_accepted_payment_is_no_no(
    bank: Platform, payer: Platform, payee: Platform, hub: Hub
) -> None:
    """Two processes ask for one payment: one is refused, and notes it before the other is accepted."""
    one, two = rails(payer, payee=payee, hub=hub), rails(payer, payee=payee, hub=hub)
    asked, name, node = instruction("USD 100000.01"), key(), bank.connection.web3.provider.make_request
    paying = one._pay_by_token

    def after_the_other(*given: Any, **more: Any) -> None:
        with pytest.raises(InsufficientAvailable):
            two.pay(asked, idempotency_key=name)
        bank.deposits.mint(
            payer.session.participant, Money("0.01", "USD"), deposit_reference=key("d"), idempotency_key=key("d")
        ).wait()
        node("evm_setAutomine", [False])
        paying(*given, **more)

    one._pay_by_token = after_the_other  # type: ignore[method-assign]
    try:
        assert one.pay(asked, idempotency_key=name).status is RailStatus.ACCEPTED
        one._pay_by_token = paying  # type: ignore[method-assign]
        for made in (one, two):
            assert made.get(name).status is RailStatus.ACCEPTED
            with pytest.raises(StillPending):
                made.wait(name, 0.2)
    finally:
        node("evm_setAutomine", [True])
        node("evm_mine", [])
    assert two.wait(name).status is RailStatus.PAID
    assert usd(payer, payee) == 10_000_001


def test_a_gateway_that_sends_what_it_had_refused_is_unclear(payer: Platform, payee: Platform, hub: Hub) -> None:
    made, name = rails(payer, BY_SWIFT, payee=payee, hub=hub), key()
    hub.refuses = True
    made.pay(instruction(), idempotency_key=name)
    assert made.wait(name).status is RailStatus.FAILED
    (reference,) = hub.refused
    hub.down = True
    assert made.get(name).status is RailStatus.ACCEPTED
    with pytest.raises(RailUnclear):
        made.change(name, who="ada", reason="it was refused")
    hub.down = False
    # Somebody at the bank has put it back among those to be sent.
    hub.refused.clear()
    hub.messages[reference] = {}
    seen = made.get(name)
    assert (seen.status, (seen.detail or "").split(":")[0]) == (RailStatus.ACCEPTED, "RAIL_UNCLEAR")
    with pytest.raises(RailUnclear):
        made.change(name, who="ada", reason="it was refused")
    assert usd(payer, payee) == 0
