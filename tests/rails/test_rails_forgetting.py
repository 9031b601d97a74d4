"""Databases that were lost, restored or are two: what the world knows decides, and nobody hears a wrong "no"."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from copies import Copies
from rails.rails_support import (
    BY_SWIFT,
    RULES,
    Hub,
    Mute,
    Opened,
    Table,
    instruction,
    key,
    rails,
    token_reference,
    usd,
)

from pyjpm import LocalSigner, Money, Platform
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import OperationRejected, ReferenceVoided
from pyjpm.errors.rails import (
    NoRail,
    RailConflict,
    RailPaymentNotFound,
    RailsSchemaUnknown,
    RailUnclear,
)
from pyjpm.errors.refusals import InsufficientAvailable
from pyjpm.rails import Rail, RailStatus
from pyjpm.testing import new_company


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
