"""An event is stored once, attested once, and ends as the chain says, whatever order it comes in."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from intake_support import HUNDRED, MAPPING, Clock, World
from sdk.orders import DAY, key
from sqlalchemy import update

from pyjpm import LocalSigner, Mode, Platform
from pyjpm.errors import (
    BookOfOtherVersion,
    EventAlreadySent,
    IntakeOfOtherChain,
    OrderBoundOtherwise,
    UnknownStatusEvent,
)
from pyjpm.order import OrderState
from pyjpm.orders.intake import EventState, Intake, IntakeMapping, hold, release, tables
from pyjpm.orders.intake.database import IntakeDatabase
from pyjpm.session import Session


def test_a_shipment_releases_the_money_once(world: World) -> None:
    intake, document = world.intake(), world.funded()
    order = world.bound(intake, document)
    event = world.event(order, document=b"delivery note 4711")
    (receipt,) = intake.accept([event])
    assert (receipt.state, receipt.new, receipt.means, receipt.index) == (EventState.SUBMITTED, True, "SHIPPED", 0) or (
        receipt.state is EventState.DONE
    )
    intake.settle()
    done = intake.find(receipt.key)
    assert done.state is EventState.DONE
    assert done.block is not None
    assert world.paid() == HUNDRED
    assert world.milestone(document).state is OrderState.RELEASED

    again = intake.accept([event, replace(event, extra={"place": "another file:1"})])
    assert [(each.new, each.state) for each in again] == [(False, EventState.DONE)] * 2
    intake.settle()
    assert world.attested(document) == [1]
    assert world.paid() == HUNDRED


def test_the_hash_of_the_document_is_on_the_chain(world: World) -> None:
    from eth_utils.crypto import keccak

    intake, document = world.intake(), world.funded()
    intake.accept([world.event(world.bound(intake, document), document=b"delivery note")])
    intake.settle()
    order_id = bytes.fromhex(world.bank.escrow.order_id(document)[2:])
    (told,) = world.bank.session.events("OrderEscrow", "StatusAttested", order_id)
    assert told.arguments["documentHash"] == keccak(b"delivery note")


def test_what_a_source_says_otherwise_under_one_name_is_a_conflict(world: World) -> None:
    intake, document = world.intake(), world.funded()
    order = world.bound(intake, document)
    event = world.event(order)
    intake.accept([event])
    (told,) = intake.accept([replace(event, status="broken", extra={"place": "b.csv:3"})])
    assert (told.state, told.code, told.place) == (EventState.CONFLICT, "EVENT_CONFLICT", "b.csv:3")
    intake.settle()
    assert intake.find((world.source, order, "", 1)).state is EventState.DONE
    assert [each["place"] for each in intake.stored.problems()] == ["b.csv:3"]
    assert world.attested(document) == [1]


def test_an_event_that_comes_before_its_order_waits_for_it(world: World) -> None:
    clock = Clock(1_000_000)
    intake, document = world.intake(clock=clock), world.agreed()
    event = world.event("SO-early")
    (receipt,) = intake.accept([event])
    assert (receipt.state, receipt.code) == (EventState.WAITING, "ORDER_NOT_BOUND")

    intake.book.bind(world.source, "SO-early", document)
    (receipt,) = intake.work()
    assert (receipt.state, receipt.code) == (EventState.WAITING, "ORDER_NOT_OPEN")

    world.buyer.escrow.open(world.seller.escrow.countersign(document), idempotency_key=key("open")).wait()
    clock.at += 60
    (receipt,) = intake.work()
    assert (receipt.state, receipt.code) == (EventState.WAITING, "NOT_FUNDED")

    world.buyer.escrow.fund(document, idempotency_key=key("fund")).wait()
    assert intake.work() == []  # not due yet
    clock.at += 60
    intake.settle()
    assert intake.find(receipt.key).state is EventState.DONE
    assert world.paid() == HUNDRED


def test_a_lower_revision_that_comes_late_changes_nothing(world: World) -> None:
    intake, document = world.intake(), world.funded(partial=True)
    order = world.bound(intake, document)
    intake.accept([world.event(order, seq=20, accepted=70_00, complete=False)])
    intake.settle()
    assert world.paid() == 70_00
    intake.accept([world.event(order, seq=10, accepted=30_00, complete=False)])
    intake.settle()
    assert intake.find((world.source, order, "", 10)).state is EventState.OUTDATED
    assert world.paid() == 70_00
    intake.accept([world.event(order, seq=30, accepted=95_00)])
    intake.settle()
    assert world.paid() == 95_00
    seen = world.milestone(document)
    assert (seen.released.minor, seen.refunded.minor) == (95_00, 5_00)


def test_events_taken_in_together_go_by_their_revision(world: World) -> None:
    intake, document = world.intake(), world.funded(partial=True)
    order = world.bound(intake, document)
    steps = [(3, 100_00, True), (1, 20_00, False), (2, 60_00, False)]
    intake.accept([world.event(order, seq=seq, accepted=much, complete=last) for seq, much, last in steps])
    intake.settle()
    assert world.attested(document) == [1, 2, 3]
    assert {each.state for each in intake.events()} == {EventState.DONE}
    assert world.paid() == HUNDRED


def test_more_than_was_ordered_pays_what_was_ordered(world: World) -> None:
    intake, document = world.intake(), world.funded(partial=True)
    intake.accept([world.event(world.bound(intake, document), accepted=120_00)])
    intake.settle()
    assert world.paid() == HUNDRED


@pytest.mark.parametrize("said", [{"accepted": 95_00}, {"complete": False}])
def test_a_part_of_what_is_paid_whole_is_held_for_somebody(world: World, said: dict[str, int]) -> None:
    intake, document = world.intake(), world.funded()
    order = world.bound(intake, document)
    (receipt,) = intake.accept([world.event(order, **said)])
    assert (receipt.state, receipt.code) == (EventState.HELD, "SAYS_LESS")
    intake.settle()
    assert world.attested(document) == []
    intake.accept([world.event(order, seq=2)])
    intake.settle()
    assert world.paid() == HUNDRED


def test_a_status_that_comes_too_late_is_refused_for_good(world: World) -> None:
    intake, document = world.intake(), world.funded()
    order = world.bound(intake, document)
    (receipt,) = intake.accept([world.event(order, at=world.bank.session.now() + 11 * DAY)])
    assert (receipt.state, receipt.code) == (EventState.REFUSED, "ATTESTED_TOO_LATE")
    assert intake.work() == []
    assert world.milestone(document).state is OrderState.FUNDED


def test_a_negative_status_disputes(world: World) -> None:
    intake, document = world.intake(), world.funded(negative_statuses=frozenset({9}))
    intake.accept([world.event(world.bound(intake, document), "broken")])
    intake.settle()
    assert world.milestone(document).state is OrderState.DISPUTED
    assert world.paid() == 0


def test_goods_first_makes_the_money_due(world: World) -> None:
    intake, document = world.intake(), world.agreed(Mode.ON_ATTEST)
    world.buyer.escrow.open(document, idempotency_key=key("open")).wait()
    intake.accept([world.event(world.bound(intake, document))])
    intake.settle()
    assert world.milestone(document).state is OrderState.DUE


# --- mapping and book ------------------------------------------------------------------------------------------------


def test_what_the_mapping_does_not_place_is_reported_with_its_place_and_looked_at_again(world: World) -> None:
    intake, document = world.intake(), world.funded()
    order = world.bound(intake, document, parts={"goods": 0})
    unknown = world.event(order, "packed", milestone="goods", extra={"place": "a.csv:7"})
    nowhere = world.event(order, "done", seq=2, milestone="freight", extra={"place": "a.csv:8"})
    ignored = world.event(order, "draft", seq=3, milestone="goods")
    good = world.event(order, "done", seq=4, milestone="goods")
    told = intake.accept([unknown, nowhere, ignored, good])
    assert [(each.state, each.code) for each in told[:3]] == [
        (EventState.UNMAPPED, "STATUS_UNMAPPED"),
        (EventState.UNMAPPED, "NO_MILESTONE"),
        (EventState.IGNORED, ""),
    ]
    assert told[0].detail.startswith("a.csv:7: ")
    assert told[1].detail.startswith("a.csv:8: ")
    intake.settle()
    assert world.paid() == HUNDRED, "the good one went on"

    same = world.intake()
    same.work()
    assert same.find(told[0].key).state is EventState.UNMAPPED
    rules = [*MAPPING.model_dump()["rule"], {"status": "packed", "ignore": True}]
    more = IntakeMapping.model_validate({"statuses": MAPPING.statuses, "rule": rules})
    changed = world.intake(mapping=more)
    changed.work()
    assert changed.find(told[0].key).state is EventState.IGNORED
    assert changed.find(told[1].key).state is EventState.UNMAPPED

    changed.book.bind(world.source, order, document, parts={"goods": 0, "freight": 0}, rebind=True)
    changed.settle()
    assert changed.find(told[1].key).state is EventState.OUTDATED


def test_a_milestone_that_the_order_has_not_is_reported(world: World) -> None:
    rules = [{"status": "done", "means": "SHIPPED", "milestone": 3}]
    intake = world.intake(mapping=IntakeMapping.model_validate({"statuses": {"SHIPPED": 1}, "rule": rules}))
    (told,) = intake.accept([world.event(world.bound(intake, world.funded()))])
    assert (told.state, told.code) == (EventState.UNMAPPED, "NO_MILESTONE")
    assert "milestone 3" in told.detail


def test_an_order_is_bound_to_one_order_of_the_chain(world: World) -> None:
    intake, document = world.intake(), world.agreed()
    order = world.bound(intake, document)
    assert intake.book.bind(world.source, order, document).chain_order == world.bank.escrow.order_id(document)
    other = world.agreed()
    with pytest.raises(OrderBoundOtherwise):
        intake.book.bind(world.source, order, other)
    intake.book.bind(world.source, order, other, rebind=True)
    assert [each.chain_order for each in intake.book.list()] == [world.bank.escrow.order_id(other)]


def test_what_is_no_event_is_told_and_stops_nobody(world: World) -> None:
    intake, document = world.intake(), world.funded()
    order = world.bound(intake, document)
    bad = [
        world.event("", "done"),
        world.event(order, seq=0),
        world.event(order, seq=2**48),
        world.event(order, at=0),
        world.event(order, accepted=-1),
        world.event(order, "d" * 200),
        world.event("SO\n1"),
        world.event(order, seq="1"),
        world.event(order, seq=3, accepted=95.5),
        world.event(4711),  # type: ignore[arg-type]
    ]
    told = intake.accept([*bad, world.event(order)])
    assert [each.state for each in told[:-1]] == [EventState.INVALID] * len(bad)
    assert len(intake.stored.problems()) == len(bad)
    intake.settle()
    assert world.paid() == HUNDRED
    with pytest.raises(UnknownStatusEvent):
        intake.find((world.source, order, "", 0))


# --- the database ----------------------------------------------------------------------------------------------------


def test_the_tables_of_another_deployment_or_version_are_refused(world: World) -> None:
    world.intake()
    session = world.bank.session
    genesis, escrow = session.connection.genesis_hash, session.address("OrderEscrow")
    with pytest.raises(IntakeOfOtherChain):
        IntakeDatabase(world.database, genesis_hash="0x" + 64 * "1", escrow=escrow)
    database = IntakeDatabase(world.database, genesis_hash=genesis, escrow=escrow)
    with database.transaction() as connection:
        connection.execute(update(tables.meta).where(tables.meta.c.name == "version").values(value="99"))
    database.close()
    with pytest.raises(BookOfOtherVersion):
        world.intake()


def test_a_journal_that_has_forgotten_what_was_sent_sends_nothing_twice(world: World, tmp_path: Path) -> None:
    """The journal was lost, the intake's database was not: the chain is asked, and knows."""
    documents = [world.funded(partial=True), world.funded()]
    record, signer = world.bank.record, LocalSigner.generate()
    keys = []
    with (
        Platform.connect(world.rpc, record, signer=signer, journal=tmp_path / "lost.db") as platform,
        Intake(platform, world.database, MAPPING, attesters=world.attesters.signers) as intake,
    ):
        events = [world.event(world.bound(intake, document), accepted=60_00, complete=True) for document in documents]
        events[1] = replace(events[1], accepted=None)
        keys = [receipt.key for receipt in intake.accept(events)]
        intake.settle()
        with intake._database.transaction() as connection:
            connection.execute(update(tables.event).values(state=EventState.SUBMITTED, block_number=None))
    with (
        Platform.connect(world.rpc, record, signer=signer, journal=tmp_path / "new.db") as platform,
        Intake(platform, world.database, MAPPING, attesters=world.attesters.signers) as intake,
    ):
        intake.work()
        with pytest.raises(EventAlreadySent):
            intake.decide(keys[0], hold("too late"), by="ann")
        intake.settle()
        intake.settle()
        assert {intake.find(key).state for key in keys} <= {EventState.DONE, EventState.OUTDATED}
    assert world.paid() == 60_00 + HUNDRED


def test_what_a_restored_journal_has_not_sent_is_somebodys_to_decide(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since the copy was made somebody may have heard that it failed, and have paid in another way."""
    waits, sent = world.funded(), world.funded()
    signer, journal, copy = LocalSigner.generate(), tmp_path / "journal.db", tmp_path / "copy.db"
    submit = Session.submit

    def tomorrow(session: Session, **asked: Any) -> Any:
        return submit(session, **asked, not_before=int(time.time()) + 86_400)

    with (
        Platform.connect(world.rpc, world.bank.record, signer=signer, journal=journal) as platform,
        Intake(platform, world.database, MAPPING, attesters=world.attesters.signers) as intake,
    ):
        monkeypatch.setattr(Session, "submit", tomorrow)
        (told,) = intake.accept([world.event(world.bound(intake, waits))])
        monkeypatch.undo()
        assert told.state is EventState.SUBMITTED
        with closing(sqlite3.connect(journal)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        intake.accept([world.event(world.bound(intake, sent))])
    for each in tmp_path.glob("journal.db*"):
        each.unlink()
    copy.rename(journal)
    with (
        Platform.connect(world.rpc, world.bank.record, signer=signer, journal=journal) as platform,
        Intake(platform, world.database, MAPPING, attesters=world.attesters.signers) as intake,
    ):
        intake.settle(20)
        found = intake.find(told.key)
        assert (found.state, found.code) == (EventState.HELD, "NOT_SENT_UNASKED")
        assert (world.attested(waits), world.paid()) == ([], HUNDRED)
        intake.decide(told.key, release("not paid otherwise"), by="ann")
        intake.settle()
        assert intake.find(told.key).state is EventState.DONE
    assert (world.attested(waits), world.paid()) == ([1], 2 * HUNDRED)
