"""Payments by one rail, on a real chain: never by both, and never by neither once they are accepted."""

from __future__ import annotations

import json
import time as wall
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from copies import Copies
from rails.rails_support import BY_SWIFT, IBAN, RULES, Hub, Plain, Table, creditor, instruction, key, rails, usd

from pyjpm import LocalSigner, Money, Platform
from pyjpm.errors.deployment import NotOnboarded, ReadOnlyClient, ReferenceConflict
from pyjpm.errors.iso20022 import MessageNotWritable
from pyjpm.errors.outbox import OperationRejected, ReasonMissing, ReferenceVoided
from pyjpm.errors.rails import (
    InvalidInstruction,
    NoRail,
    RailConflict,
    RailNotChangeable,
    RailPaymentNotFound,
    RailsSchemaUnknown,
    RailUnclear,
)
from pyjpm.errors.refusals import InsufficientAvailable
from pyjpm.errors.sending import IdempotencyConflict, StillPending
from pyjpm.rails import Rail, Rails, RailStatus, Transfer, parse_rulebook
from pyjpm.rails.lock import KIND
from pyjpm.remittance import RemittanceKey, open_remittance
from pyjpm.sending.approvals import ApprovalPolicy, Rule
from pyjpm.testing import new_company

Opened = Callable[[LocalSigner, str | Path], Platform]
DEPOSIT = 10_000_000


class Mute(Plain):
    """A maker that can write nothing."""

    def make(self, transfer: Transfer) -> str:
        raise MessageNotWritable("It cannot be written.", field="name")


def state(payer: Platform, reference: str) -> str:
    return payer.payments.reference_state(reference, currency="USD")


def token_reference(made: Rails, name: str, leg: int = 0) -> str:
    return "0x" + made._chooser.names(name, leg).reference.hex()


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
    settled = [json.loads(content["text"])["settlement"] for content in hub.messages.values()]
    assert settled == [later.isoformat(), today.isoformat()]
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


# --- databases that forget -------------------------------------------------------------------------------------------


def test_a_restored_database_meets_what_the_world_knows(
    payer: Platform, payee: Platform, hub: Hub, opened: Opened, copies: Copies, journal_url: str | Path
) -> None:
    """The copy was made before either payment; the rules have changed since, so that each would take the other rail."""
    signer = payer.session.signer
    names = {Rail.TOKEN: key(), Rail.SWIFT: key()}
    rails(payer, payee=payee, hub=hub)
    copy = copies.copy_of(journal_url)
    for rail, rules in ((Rail.TOKEN, RULES), (Rail.SWIFT, BY_SWIFT)):
        made = rails(payer, rules, payee=payee, hub=hub)
        made.pay(instruction(), idempotency_key=names[rail])
        assert made.wait(names[rail]).rail is rail
    payer.close()
    copies.restore(journal_url, copy)
    restored = opened(signer, journal_url)  # type: ignore[arg-type]
    for rail, rules in ((Rail.TOKEN, BY_SWIFT), (Rail.SWIFT, RULES)):
        made = rails(restored, rules, payee=payee, hub=hub)
        made.pay(instruction(), idempotency_key=names[rail])
        again = made.wait(names[rail])
        assert (again.rail, again.rule) == (rail, "found")
        assert again.status in (RailStatus.PAID, RailStatus.SENT)
    assert usd(payer, payee) == 12_500
    assert len(hub.sent) == 1


def test_a_restored_database_tells_no_wrong_no(
    bank: Platform,
    payer: Platform,
    payee: Platform,
    hub: Hub,
    opened: Opened,
    copies: Copies,
    journal_url: str | Path,
) -> None:
    """Each payment had failed on its rail when the copy was made, and was paid or sent after that."""
    signer: Any = payer.session.signer
    large, refused, later = key("large"), key("refused"), key("later")
    made = rails(payer, payee=payee, hub=hub)
    for name in (large, later):
        with pytest.raises(InsufficientAvailable):
            made.pay(instruction("USD 100000.01"), idempotency_key=name)
    by_swift = rails(payer, BY_SWIFT, payee=payee, hub=hub)
    hub.refuses = True
    by_swift.pay(instruction(), idempotency_key=refused)
    assert by_swift.wait(refused).status is RailStatus.FAILED
    hub.refuses = False
    assert {made.get(name).status for name in (large, refused, later)} == {RailStatus.FAILED}
    copy = copies.copy_of(journal_url)

    made.change(large, who="ada", reason="no funds on chain")
    assert made.wait(large).status is RailStatus.SENT
    by_swift.change(refused, who="ada", reason="the network refuses it")
    assert by_swift.wait(refused).status is RailStatus.PAID
    bank.deposits.mint(
        payer.session.participant, Money("1000.00", "USD"), deposit_reference=key("d"), idempotency_key=key("d")
    ).wait()
    made.pay(instruction("USD 100000.01"), idempotency_key=later)
    assert made.wait(later).status is RailStatus.PAID
    payer.close()
    copies.restore(journal_url, copy)

    restored = rails(opened(signer, journal_url), payee=payee, hub=hub)
    hub.down = True
    # It may have gone by SWIFT, as in fact it has: no "no" is told while the gateway does not answer.
    unclear = restored.get(large)
    assert (unclear.status, (unclear.detail or "").split(":")[0]) == (RailStatus.ACCEPTED, "RAIL_UNCLEAR")
    with pytest.raises(RailUnclear):
        restored.pay(instruction("USD 100000.01"), idempotency_key=large)
    hub.down = False
    sent = restored.get(large)
    assert (sent.rail, sent.status, sent.moves[-1].reason) == (
        Rail.SWIFT,
        RailStatus.SENT,
        "the gateway has its message",
    )
    for name, leg in ((refused, 1), (later, 0)):
        paid = restored.get(name)
        assert (paid.rail, paid.status, paid.leg) == (Rail.TOKEN, RailStatus.PAID, leg)
    assert len(hub.sent) == 1
    assert usd(bank, payee) == 12_500 + 10_000_001


def test_what_was_paid_stays_addressed_to_whom_it_was_paid(
    bank: Platform,
    payer: Platform,
    payee: Platform,
    hub: Hub,
    opened: Opened,
    copies: Copies,
    journal_url: str | Path,
) -> None:
    """It had failed when the copy was made, was paid after that, and its identifier means somebody else by now."""
    signer: Any = payer.session.signer
    made, name, asked = rails(payer, payee=payee, hub=hub), key(), instruction("USD 100000.01")
    with pytest.raises(InsufficientAvailable):
        made.pay(asked, idempotency_key=name)
    copy = copies.copy_of(journal_url)
    bank.deposits.mint(
        payer.session.participant, Money("0.01", "USD"), deposit_reference=key("d"), idempotency_key=key("d")
    ).wait()
    made.pay(asked, idempotency_key=name)
    assert made.wait(name).status is RailStatus.PAID
    payer.close()
    copies.restore(journal_url, copy)
    restored = rails(opened(signer, journal_url), payee=new_company(bank), hub=hub)
    assert restored.get(name).status is RailStatus.PAID


def test_without_its_gateway_nobody_hears_that_a_voided_payment_failed(
    payer: Platform, payee: Platform, hub: Hub, opened: Opened, tmp_path: Path
) -> None:
    """It went by SWIFT; the database is lost, and whoever asks again has not named the gateway."""
    signer: Any = payer.session.signer
    made, name = rails(payer, BY_SWIFT, payee=payee, hub=hub), key()
    made.pay(instruction(), idempotency_key=name)
    assert made.wait(name).status is RailStatus.SENT
    fresh = rails(opened(signer, tmp_path / "lost.db"), payee=payee, hub=None)
    with pytest.raises(RailUnclear):
        fresh.pay(instruction(), idempotency_key=name)
    with pytest.raises(RailPaymentNotFound):
        fresh.get(name)


def test_what_another_process_accepted_meanwhile_is_not_refused(payer: Platform, payee: Platform, hub: Hub) -> None:
    """It waits for its day, so that the chain knows nothing of it."""
    name, asked = key(), instruction(requested=datetime.now(UTC).date() + timedelta(days=3))
    other = rails(payer, payee=payee, hub=hub)

    class Slow(Table):
        def resolve(self, scheme: str, identifier: str, at: int) -> int | None:
            other.pay(asked, idempotency_key=name)
            return None

    seen = rails(payer, 'otherwise = "NONE"', hub=hub, directory=Slow()).pay(asked, idempotency_key=name)
    assert (seen.rail, seen.status, seen.rule) == (Rail.TOKEN, RailStatus.ACCEPTED, "on chain")


def test_a_restored_database_refuses_nothing_that_may_be_on_its_way(
    payer: Platform, payee: Platform, hub: Hub, opened: Opened, copies: Copies, journal_url: str | Path, chain: Any
) -> None:
    """The copy knows nothing of a token payment that waits for a block, and no rule sends it any more."""
    signer: Any = payer.session.signer
    made, name, none = rails(payer, payee=payee, hub=hub), key(), 'otherwise = "NONE"'
    with pytest.raises(NoRail):
        rails(payer, none, payee=payee, hub=hub).pay(instruction(), idempotency_key=name)
    payer.payments.create(payee.session.participant, Money("1.00", "USD"), idempotency_key=key()).wait()
    copy = copies.copy_of(journal_url)
    node = chain.connection()
    node.development_request("evm_setAutomine", False)
    try:
        made.pay(instruction(), idempotency_key=name)
        payer.close()
        copies.restore(journal_url, copy)
        restored = rails(opened(signer, journal_url), none, payee=payee, hub=hub)
        with pytest.raises(RailUnclear):
            restored.pay(instruction(), idempotency_key=name)
    finally:
        node.development_request("evm_setAutomine", True)
        node.development_request("evm_mine")
    restored.pay(instruction(), idempotency_key=name)
    assert restored.wait(name).status is RailStatus.PAID
    assert usd(payer, payee) == 12_600


@pytest.mark.parametrize("writer", [None, Mute()], ids=["no maker", "a maker that refuses"])
def test_what_the_gateway_has_is_not_refused_for_want_of_a_writer(
    payer: Platform, payee: Platform, hub: Hub, opened: Opened, tmp_path: Path, writer: Mute | None
) -> None:
    """It went by SWIFT and the database is lost; who asks again writes other messages, or none."""
    signer: Any = payer.session.signer
    made, name = rails(payer, BY_SWIFT, payee=payee, hub=hub), key()
    made.pay(instruction(), idempotency_key=name)
    assert made.wait(name).status is RailStatus.SENT
    fresh = opened(signer, tmp_path / "lost.db")
    mute = rails(fresh, payee=payee, hub=hub, maker=writer)
    with pytest.raises(RailUnclear):
        mute.pay(instruction(), idempotency_key=name)
    again = rails(fresh, payee=payee, hub=hub)
    again.pay(instruction(), idempotency_key=name)
    assert again.wait(name).status is RailStatus.SENT
    assert len(hub.sent) == 1


def test_an_unclear_payment_is_neither_stored_nor_sent(payer: Platform, payee: Platform, hub: Hub) -> None:
    made, name = rails(payer, payee=payee, hub=hub), key()
    payer.payments.void(token_reference(made, name), currency="USD", idempotency_key=key("void")).wait()
    hub.down = True
    with pytest.raises(RailUnclear):
        made.pay(instruction(), idempotency_key=name)
    with pytest.raises(RailPaymentNotFound):
        made.get(name)


def test_a_lost_database_meets_each_leg(
    payer: Platform, payee: Platform, hub: Hub, opened: Opened, tmp_path: Path
) -> None:
    signer: Any = payer.session.signer
    names = [key() for _ in range(4)]
    made = rails(payer, BY_SWIFT, payee=payee, hub=hub)
    hub.refuses = True
    for name in names[:2]:
        made.pay(instruction(), idempotency_key=name)
        assert made.wait(name).status is RailStatus.FAILED
    hub.refuses = False
    made.change(names[1], who="ada", reason="refused")
    assert made.wait(names[1]).status is RailStatus.PAID
    # Somebody withdrew this one for good, and it never was a message.
    payer.payments.void(token_reference(made, names[2]), currency="USD", idempotency_key=key("void")).wait()
    # The chain has another payment under this one's key.
    payer.payments.create(payee.session.participant, Money("1.00", "USD"), idempotency_key=names[3]).wait()

    fresh = rails(opened(signer, tmp_path / "lost.db"), BY_SWIFT, payee=payee, hub=hub)
    fresh.pay(instruction(), idempotency_key=names[0])
    first = fresh.wait(names[0])
    assert (first.rail, first.status, first.leg) == (Rail.SWIFT, RailStatus.FAILED, 0)
    fresh.pay(instruction(), idempotency_key=names[1])
    second = fresh.wait(names[1])
    assert (second.rail, second.status, second.leg) == (Rail.TOKEN, RailStatus.PAID, 1)
    with pytest.raises(ReferenceVoided):
        fresh.pay(instruction(), idempotency_key=names[2])
    assert fresh.get(names[2]).status is RailStatus.FAILED
    with pytest.raises(ReferenceConflict):
        fresh.pay(instruction(), idempotency_key=names[3])
    unmapped = rails(opened(signer, tmp_path / "unmapped.db"), BY_SWIFT, hub=hub)
    for name, error in ((names[2], ReferenceVoided), (names[3], RailConflict)):
        with pytest.raises(error):
            unmapped.pay(instruction(), idempotency_key=name)
    assert hub.messages == {}
    assert usd(payer, payee) == 12_600
    # Somebody decides: what was withdrawn goes by SWIFT after all.
    fresh.change(names[2], who="ada", reason="it was withdrawn by mistake")
    assert fresh.wait(names[2]).status is RailStatus.SENT


def test_two_databases_of_one_payer_take_one_rail(
    bank: Platform, payer: Platform, payee: Platform, hub: Hub, opened: Opened, tmp_path: Path
) -> None:
    """Two wallets of one participant: each believes that it is alone, and has chosen before the other did anything."""
    second, whose = LocalSigner.generate(), payer.session.participant
    identity = bytes.fromhex(bank.participants.get(whose).identity_hash[2:])
    link = bank.acting(second).participants.wallet_link(identity)
    bank.participants.link_wallet(whose, link, idempotency_key=key("link")).wait()
    other = opened(second, tmp_path / "other.db")
    one, two = rails(payer, payee=payee, hub=hub), rails(other, BY_SWIFT, payee=payee, hub=hub)
    ends = set()
    for token_first in (True, False):
        name, asked = key(), instruction()
        for made in (one, two):
            made._chooser.choose(asked, asked.to_content(), name, 1_800_000_000)
        order = (one, two) if token_first else (two, one)
        seen = []
        for made in order:
            try:
                made.pay(asked, idempotency_key=name)
                seen.append(made.wait(name))
            except ReferenceVoided:
                assert not token_first
        assert {each.rail for each in seen} == {Rail.TOKEN if token_first else Rail.SWIFT}
        ends |= {each.rail for each in seen}
    assert ends == {Rail.TOKEN, Rail.SWIFT}
    assert usd(payer, payee) == 12_500
    assert len(hub.sent) == 1


def test_a_payment_of_somebody_not_there_is_a_conflict(payer: Platform, payee: Platform, hub: Hub) -> None:
    made, name = rails(payer, hub=hub), key()
    asked = instruction()
    made._chooser.choose(asked, asked.to_content(), name, 1_800_000_000)
    payer.payments.create(payee.session.participant, Money("125.00", "USD"), idempotency_key=name).wait()
    with pytest.raises(RailConflict):
        made.pay(asked, idempotency_key=name)
    assert hub.messages == {}


def test_tables_of_another_version_are_left_alone(payer: Platform, hub: Hub) -> None:
    rails(payer, hub=hub)
    with payer.session.journal.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE rails_schema SET version = 99")
    with pytest.raises(RailsSchemaUnknown):
        rails(payer, hub=hub)


def test_a_rejected_void_is_told(payer: Platform, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    made, name = rails(payer, hub=hub), key()

    def refuse(*_: Any, **__: Any) -> Any:
        raise OperationRejected("no", submission=None)

    with monkeypatch.context() as patched:
        patched.setattr(payer.session.sender, "wait", refuse)
        with pytest.raises(OperationRejected):
            made.pay(instruction(), idempotency_key=name)
    assert made.get(name).status is RailStatus.LOCKING
    assert made.resume() == []
    assert replace(made.pay(instruction(), idempotency_key=name), why=()).status is RailStatus.SENT
