"""Many events taken in together: each ends as it would have ended alone, at a fraction of the requests and commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from intake_support import HUNDRED, Clock, World
from sdk.orders import DAY

from pyjpm import Document
from pyjpm.chain.transport import HttpProvider
from pyjpm.custody import Signer
from pyjpm.errors import DeviceUnreachable, EventAlreadySent, NodeUnreachable
from pyjpm.escrow import Escrow
from pyjpm.order import OrderState
from pyjpm.orders.intake import (
    Decision,
    EventState,
    Occasion,
    StatusEvent,
    Triggers,
    carrying,
    hold,
    on_status,
    release,
)
from pyjpm.orders.intake.attesting import Attesting
from pyjpm.orders.intake.database import IntakeDatabase
from pyjpm.orders.intake.placing import Placing
from pyjpm.orders.intake.scripts import event_key


def orders(world: World, intake: Any, count: int) -> list[tuple[str, Document]]:
    """Funded orders, bound: what the ERP calls each, and its document."""
    documents = [world.funded() for _ in range(count)]
    return [(world.bound(intake, document), document) for document in documents]


def in_outbox(world: World, order: str) -> str | None:
    """The submission of the first event of an order, None where the outbox has none."""
    session, event = world.bank.session, StatusEvent(source=world.source, order=order, seq=1, status="done", at=1)
    found = session.sender.find(session.wallet, event_key(event))
    return None if found is None else found.id


@pytest.fixture
def by_hand(world: World) -> Iterator[Any]:
    """No block is made but by this."""
    ask = world.bank.connection.development_request
    ask("evm_setAutomine", False)
    yield lambda: ask("evm_mine")
    ask("evm_setAutomine", True)
    ask("evm_mine")


# --- each for itself -------------------------------------------------------------------------------------------------


def test_one_bad_event_among_many_is_told_its_own_and_keeps_nobody(world: World) -> None:
    @on_status("SHIPPED")
    def picky(occasion: Occasion) -> Decision:
        if occasion.event.extra.get("quality") == "unknown":
            raise RuntimeError("nobody has looked")
        return hold("rework") if occasion.event.extra.get("quality") == "rework" else release()

    intake = world.intake(Triggers(picky))
    good = orders(world, intake, 4)
    (late, late_document), (raises, _), (less, _), (held, _), (bare, bare_document) = orders(world, intake, 5)
    unfunded, parts = world.agreed(), world.funded(partial=True)
    world.buyer.escrow.open(unfunded, idempotency_key="open for nothing").wait()
    # Somebody else's attesters said something else under this revision, and the chain has it.
    other = StatusEvent(
        source=f"{world.source}-other", order="1", seq=7, status="done", at=1, accepted=30_00, complete=False
    )
    intake.book.bind(other.source, other.order, parts)
    intake.accept([StatusEvent(**{**_facts(other), "at": world.bank.session.now()})])
    intake.settle()
    assert world.paid() == 30_00

    wanted = {
        late: (EventState.REFUSED, "ATTESTED_TOO_LATE"),
        raises: (EventState.WAITING, "SCRIPT_FAILED"),
        less: (EventState.HELD, "SAYS_LESS"),
        held: (EventState.HELD, "HELD"),
        bare: (EventState.UNMAPPED, "STATUS_UNMAPPED"),
        world.bound(intake, unfunded): (EventState.WAITING, "NOT_FUNDED"),
        world.bound(intake, parts): (EventState.REFUSED, "CONFLICTING_ATTESTATION"),
        "nobody's": (EventState.WAITING, "ORDER_NOT_BOUND"),
    }
    more: dict[str, dict[str, Any]] = {
        late: {"at": world.bank.session.now() + 11 * DAY},
        raises: {"extra": {"quality": "unknown"}},
        less: {"accepted": 95_00},
        held: {"extra": {"quality": "rework"}},
        bare: {"status": "packed"},
        list(wanted)[6]: {"seq": 7, "accepted": 60_00, "complete": False},
    }
    bad = [world.event(order, **more.get(order, {})) for order in wanted]
    fine = [world.event(order) for order, _ in good]
    told = intake.accept([each for pair in zip(bad, [*fine, *fine], strict=True) for each in pair])
    intake.settle(3)
    found = {each.order: (each.state, each.code) for each in map(intake.find, {each.key for each in told})}
    assert {order: found.pop(order) for order in wanted} == wanted
    assert found == {order: (EventState.DONE, "") for order, _ in good}
    assert [world.attested(document) for _, document in good] == [[1]] * 4
    assert world.attested(parts) == [7]
    assert world.milestone(late_document).state is OrderState.FUNDED
    assert world.attested(bare_document) == []
    assert world.paid() == 4 * HUNDRED + 30_00


def _facts(event: StatusEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in StatusEvent.__dataclass_fields__}


def test_events_of_one_order_that_come_together_go_by_their_revision(world: World, by_hand: Any) -> None:
    """No block between them: the second cannot count on what the first has done."""
    intake = world.intake()
    by_hand_documents = []
    for _ in range(3):
        document = world.agreed(partial=True)
        funding = world.buyer.escrow.fund(document, idempotency_key=f"fund {world.bank.escrow.order_id(document)}")
        by_hand()
        funding.wait()
        by_hand_documents.append(document)
    names = [world.bound(intake, document) for document in by_hand_documents]
    steps = [(2, 60_00, False), (1, 20_00, False), (3, 100_00, True)]
    told = intake.accept(
        [world.event(order, seq=seq, accepted=much, complete=last) for seq, much, last in steps for order in names]
    )
    assert {each.state for each in told} == {EventState.SUBMITTED}
    by_hand()
    intake.settle()
    assert [world.attested(document) for document in by_hand_documents] == [[1, 2, 3]] * 3
    assert {each.state for each in intake.events()} == {EventState.DONE}
    assert world.paid() == 3 * HUNDRED


def test_one_order_of_the_chain_under_two_names_goes_by_revision_too(world: World) -> None:
    intake, document = world.intake(), world.funded(partial=True)
    first, second = world.bound(intake, document), world.bound(intake, document)
    others = orders(world, intake, 2)
    shipped = [world.event(first, seq=1, accepted=40_00, complete=False), world.event(second, seq=2, accepted=95_00)]
    intake.accept([*shipped, *(world.event(order) for order, _ in others)])
    intake.settle()
    assert world.attested(document) == [1, 2]
    assert world.paid() == 95_00 + 2 * HUNDRED


def test_somebodys_word_about_one_of_many_holds_that_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    intake, desk = world.intake(), world.intake()
    some = orders(world, intake, 4)
    collected = Attesting.collected

    def signed(*arguments: Any) -> Any:
        found = collected(*arguments)
        monkeypatch.undo()
        desk.decide((world.source, some[2][0], "", 1), hold("stop"), by="ann")
        return found

    monkeypatch.setattr(Attesting, "collected", signed)
    intake.accept([world.event(order) for order, _ in some])
    intake.settle()
    assert [world.attested(document) for _, document in some] == [[1], [1], [], [1]]
    assert intake.find((world.source, some[2][0], "", 1)).state is EventState.HELD
    assert world.paid() == 3 * HUNDRED


# --- when something fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accepted", [True, False], ids=["after", "before"])
def test_a_node_that_goes_while_many_are_sent_falsifies_none(
    world: World, monkeypatch: pytest.MonkeyPatch, accepted: bool
) -> None:
    clock = Clock(1_000_000)
    intake = world.intake(clock=clock)
    some = orders(world, intake, 3)
    attest_many = Escrow.attest_many

    def gone(*arguments: Any) -> Any:
        if accepted:
            attest_many(*arguments)
        raise NodeUnreachable("Gone.")

    monkeypatch.setattr(Escrow, "attest_many", gone)
    told = intake.accept([world.event(order) for order, _ in some])
    monkeypatch.undo()
    if accepted:
        # They are in the outbox: nobody decides about them any more.
        assert {each.state for each in told} <= {EventState.SUBMITTED, EventState.DONE}
        with pytest.raises(EventAlreadySent):
            intake.decide(told[0].key, hold("too late"), by="ann")
    else:
        assert {(each.state, each.code) for each in told} == {(EventState.WAITING, "NODE_UNREACHABLE")}
        assert intake.decide(told[0].key, release("go on"), by="ann").state is EventState.RECEIVED
    clock.at += 60
    intake.settle()
    assert [world.attested(document) for _, document in some] == [[1]] * 3
    assert world.paid() == 3 * HUNDRED


class LostDevice:
    """An attester's device that goes away after some signatures."""

    def __init__(self, signer: Signer, *, signatures: int) -> None:
        self._signer = signer
        self.left = signatures
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._signer, name)

    def sign_typed_data(self, message: Any) -> bytes:
        self.asked += 1
        if self.left == 0:
            raise DeviceUnreachable("The device is gone.")
        self.left -= 1
        return self._signer.sign_typed_data(message)


def test_a_device_that_goes_while_many_are_signed_keeps_those_it_has_not_signed(world: World) -> None:
    clock = Clock(1_000_000)
    first, second, _ = world.attesters.signers
    device = LostDevice(second, signatures=2)
    intake = world.intake(attesters=[first, device], clock=clock)
    some = orders(world, intake, 5)
    told = intake.accept([world.event(order) for order, _ in some])
    waiting = [each for each in told if each.state is EventState.WAITING]
    assert [each.code for each in waiting] == ["DEVICE_UNREACHABLE"] * 3
    assert [len(intake.attestations(each.key)) for each in told] == [2, 2, 1, 1, 1]
    intake.settle(0.5)
    assert world.paid() == 2 * HUNDRED

    device.left, device.asked = 100, 0
    clock.at += 60
    intake.settle()
    assert device.asked == 3, "what is signed is not asked for again"
    assert [world.attested(document) for _, document in some] == [[1]] * 5
    assert world.paid() == 5 * HUNDRED


def test_what_was_accepted_alone_before_is_found_among_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process died after the outbox had one of them, and before it noted so."""
    intake = world.intake()
    some = orders(world, intake, 3)
    attest = Escrow.attest

    def died(*arguments: Any, **more: Any) -> Any:
        attest(*arguments, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(Escrow, "attest", died)
    with pytest.raises(KeyboardInterrupt):
        intake.accept([world.event(some[0][0])])
    monkeypatch.undo()
    again = world.intake()
    again.accept([world.event(order) for order, _ in some[1:]])
    again.settle()
    assert [world.attested(document) for _, document in some] == [[1]] * 3
    assert world.paid() == 3 * HUNDRED


def test_a_script_that_takes_its_time_keeps_nothing_that_is_decided(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "_ASKING", 0.0)
    seen: list[list[bool]] = []
    names: list[str] = []

    @on_status("SHIPPED")
    def looks(occasion: Occasion) -> Decision:
        seen.append([in_outbox(world, order) is not None for order in names])
        return release()

    intake = world.intake(Triggers(looks))
    some = orders(world, intake, 3)
    names += [order for order, _ in some]
    intake.accept([world.event(order) for order, _ in some])
    assert seen == [[False, False, False], [True, False, False], [True, True, False]]
    intake.settle()
    assert world.paid() == 3 * HUNDRED


def test_a_process_that_dies_in_a_script_has_sent_what_was_decided_when_it_comes_again(world: World) -> None:
    names: list[str] = []

    @on_status("SHIPPED")
    def dies(occasion: Occasion) -> Decision:
        if occasion.event.order == names[2]:
            raise KeyboardInterrupt
        return release()

    intake = world.intake(Triggers(dies))
    some = orders(world, intake, 3)
    names += sorted(order for order, _ in some)
    with pytest.raises(KeyboardInterrupt):
        intake.accept([world.event(order) for order, _ in some])
    again = world.intake(Triggers(dies))
    with pytest.raises(KeyboardInterrupt):
        again.work()
    sent = [in_outbox(world, order) for order in names]
    assert sent[2] is None
    for submission in sent[:2]:
        world.bank.session.sender.wait(submission, 20)
    documents = dict(some)
    assert [world.attested(documents[order]) for order in names] == [[1], [1], []]
    assert [len(again.decisions((world.source, order, "", 1))) for order in names] == [1, 1, 0]


def test_an_order_that_is_bound_while_its_event_is_looked_at_wakes_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pause would be up to an hour, and who bound it has found nothing to wake."""
    intake, document = world.intake(clock=Clock(1_000_000)), world.funded()
    place = Placing.place

    def bound_meanwhile(*arguments: Any, **more: Any) -> Any:
        monkeypatch.undo()
        intake.book.bind(world.source, "SO-soon", document)
        return place(*arguments, **more)

    monkeypatch.setattr(Placing, "place", bound_meanwhile)
    (told,) = intake.accept([world.event("SO-soon")])
    assert told.state is EventState.WAITING
    intake.settle()
    assert intake.find(told.key).state is EventState.DONE
    assert world.paid() == HUNDRED


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_many_cost_a_fraction_of_what_each_costs_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: exchanges with the node and commits of the intake, for each event, in one run."""
    intake = world.intake()
    alone, together = ([world.event(order) for order, _ in orders(world, intake, count)] for count in (8, 24))
    spent: Counter[str] = Counter()

    def counted(owner: type, name: str, what: str) -> None:
        original = getattr(owner, name)

        def counting(*arguments: Any, **more: Any) -> Any:
            spent[what] += 1
            return original(*arguments, **more)

        monkeypatch.setattr(owner, name, counting)

    counted(HttpProvider, "_exchange", "exchanges")
    counted(IntakeDatabase, "transaction", "commits")
    for event in alone:
        intake.accept([event])
    intake.settle()
    singly = {what: count / len(alone) for what, count in spent.items()}
    spent.clear()
    intake.accept(together)
    intake.settle()
    monkeypatch.undo()
    assert world.paid() == 32 * HUNDRED
    for what, count in spent.items():
        assert singly[what] >= 8 * count / len(together), (what, singly, spent)
