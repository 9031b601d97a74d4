"""Scripts decide about statuses. What comes with the package is held by the same tests as a user's own file."""

from __future__ import annotations

import textwrap
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from intake_support import HUNDRED, MAPPING, Clock, World
from sdk.orders import usd

from pyjpm.errors import EventAlreadySent, JournalFailed, NodeUnreachable, ScriptInvalid
from pyjpm.escrow import Escrow
from pyjpm.order import OrderState
from pyjpm.orders.intake import (
    Decision,
    EventState,
    Occasion,
    StatusEvent,
    Triggers,
    Verdict,
    hold,
    hold_for_approval,
    load_script,
    on_status,
    release,
    release_as_agreed,
)
from pyjpm.orders.intake.attesting import Attesting
from pyjpm.orders.intake.decisions import Decisions
from pyjpm.orders.intake.scripts import event_key

HEAD = "from pyjpm.orders.intake import Decision, Occasion, attest, hold, ignore, on_status, release\n"


def script(folder: Path, body: str) -> Path:
    path = folder / "script.py"
    path.write_text(HEAD + textwrap.dedent(body))
    return path


def own(folder: Path, answer: str) -> Triggers:
    body = f"""
    @on_status("SHIPPED")
    def shipped(occasion: Occasion) -> Decision:
        return {answer}
    """
    return Triggers(*load_script(script(folder, body)), known=MAPPING.statuses)


def built_in(folder: Path, which: str) -> Triggers:
    functions = {"release": release_as_agreed, "hold": hold_for_approval}
    return Triggers(functions[which], known=MAPPING.statuses)


BOTH = pytest.mark.parametrize("made", [built_in, lambda folder, which: own(folder, f"{which}('why')")])


# --- what holds of every trigger -------------------------------------------------------------------------------------


@BOTH
def test_a_release_attests_and_pays_once(world: World, tmp_path: Path, made: object) -> None:
    intake, document = world.intake(made(tmp_path, "release")), world.funded()
    event = world.event(world.bound(intake, document))
    for _ in range(2):
        intake.accept([event])
        intake.settle()
    (decision,) = intake.decisions(intake.events()[0].key)
    assert decision["decision"] == Verdict.RELEASE
    assert world.attested(document) == [1]
    assert world.paid() == HUNDRED


@BOTH
def test_a_hold_stays_over_restarts_until_somebody_decides(world: World, tmp_path: Path, made: object) -> None:
    intake, document = world.intake(made(tmp_path, "hold")), world.funded()
    (told,) = intake.accept([world.event(world.bound(intake, document))])
    assert (told.state, told.code) == (EventState.HELD, "HELD")
    again = world.intake(made(tmp_path, "hold"))
    assert again.work() == []
    assert world.attested(document) == []

    again.decide(told.key, release("the laboratory agrees"), by="ann")
    again.settle()
    assert world.paid() == HUNDRED
    assert [each["decided_by"] for each in again.decisions(told.key)][1:] == ["ann"]
    with pytest.raises(EventAlreadySent):
        again.decide(told.key, hold("too late"), by="ann")


# --- a user's own ----------------------------------------------------------------------------------------------------


def test_attested_without_release_leaves_the_money_to_be_released(world: World, tmp_path: Path) -> None:
    intake, document = world.intake(own(tmp_path, "attest()")), world.funded()
    intake.accept([world.event(world.bound(intake, document))])
    intake.settle()
    assert world.milestone(document).state is OrderState.ACCEPTED
    assert world.paid() == 0


def test_what_a_script_ignores_is_not_attested(world: World, tmp_path: Path) -> None:
    intake, document = world.intake(own(tmp_path, "ignore('a sample')")), world.funded()
    (told,) = intake.accept([world.event(world.bound(intake, document))])
    assert (told.state, told.detail) == (EventState.IGNORED, "a sample")
    assert world.attested(document) == []


def test_a_script_sees_what_it_decides_about(world: World, tmp_path: Path) -> None:
    seen: list[Occasion] = []

    @on_status("SHIPPED")
    def look(occasion: Occasion) -> Decision:
        seen.append(occasion)
        big = occasion.accepted.minor > 50_00
        return hold("more than 50") if big and occasion.event.extra["quality"] == "B" else release()

    intake, document = world.intake(Triggers(look, known=MAPPING.statuses)), world.funded(partial=True)
    order = world.bound(intake, document)
    told = intake.accept([world.event(order, accepted=80_00, extra={"quality": "B"})])
    assert told[0].state is EventState.HELD
    (occasion,) = seen
    assert (occasion.status, occasion.number, occasion.milestone) == ("SHIPPED", 1, 0)
    assert (occasion.amount.minor, occasion.accepted.minor) == (HUNDRED, 80_00)
    assert occasion.order().status is OrderState.FUNDED


def test_what_a_script_does_beside_is_done_once_though_it_dies_before_it_answers(world: World) -> None:
    """A rebate paid by the bank's own wallet, by a function that is asked three times: it died twice."""
    from pyjpm import Money

    asked = []
    clock = Clock(1_000_000)

    @on_status("SHIPPED")
    def rebate(occasion: Occasion) -> Decision:
        occasion.platform.deposits.mint(
            occasion.platform.session.participant_of(world.buyer.session.wallet),
            Money("3.00", "USD"),
            deposit_reference=occasion.key("rebate"),
            idempotency_key=occasion.key("rebate"),
        )
        asked.append(occasion.event.seq)
        if len(asked) < 3:
            raise ConnectionError("secret of the user's")
        return release()

    before = usd(world.bank, world.buyer)
    document = world.funded()
    intake = world.intake(Triggers(rebate), clock=clock)
    (told,) = intake.accept([world.event(world.bound(intake, document))])
    assert (told.state, told.code) == (EventState.WAITING, "SCRIPT_FAILED")
    assert "ConnectionError" in told.detail
    assert "secret" not in told.detail
    for _ in range(3):
        clock.at += 60
        intake.settle()
    assert asked == [1, 1, 1]
    assert world.paid() == HUNDRED
    assert usd(world.bank, world.buyer) - before == 3_00 - HUNDRED


def test_a_script_that_wants_to_end_the_process_has_decided_nothing(world: World) -> None:
    @on_status("*")
    def gives_up(occasion: Occasion) -> Decision:
        raise SystemExit(1)

    intake, document = world.intake(Triggers(gives_up)), world.funded()
    (told,) = intake.accept([world.event(world.bound(intake, document))])
    assert (told.state, told.code) == (EventState.WAITING, "SCRIPT_FAILED")


@pytest.mark.parametrize("answer", [None, True, "RELEASE", Verdict.RELEASE])
def test_what_is_no_decision_moves_no_money(world: World, answer: object) -> None:
    @on_status("*")
    def forgot(occasion: Occasion) -> Decision:
        return answer  # type: ignore[return-value]

    intake, document = world.intake(Triggers(forgot)), world.funded()
    (told,) = intake.accept([world.event(world.bound(intake, document))])
    assert (told.state, told.code) == (EventState.WAITING, "SCRIPT_FAILED")
    assert world.attested(document) == []


def test_an_operators_word_lets_a_part_release_the_whole(world: World) -> None:
    intake, document = world.intake(), world.funded()
    (told,) = intake.accept([world.event(world.bound(intake, document), accepted=99_00)])
    assert told.code == "SAYS_LESS"
    intake.decide(told.key, release("the buyer agrees"), by="ann")
    intake.settle()
    assert world.paid() == HUNDRED


# --- somebody decides while it is carried on ------------------------------------------------------------------------


def test_a_hold_that_was_accepted_holds_though_the_event_was_on_its_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the signatures and the outbox: a signer may be slow, and somebody's word is not."""
    intake, desk, document = world.intake(), world.intake(), world.funded()
    event = world.event(world.bound(intake, document))
    collected = Attesting.collected

    def signed(*arguments: Any) -> Any:
        found = collected(*arguments)
        told = desk.decide((event.source, event.order, "", 1), hold("stop"), by="ann")
        assert told.state is EventState.RECEIVED
        monkeypatch.undo()
        return found

    monkeypatch.setattr(Attesting, "collected", signed)
    (told,) = intake.accept([event])
    intake.settle()
    assert world.attested(document) == []
    assert (intake.find(told.key).state, world.paid()) == (EventState.HELD, 0)


def test_a_release_is_not_lost_to_the_hold_of_a_script(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    intake, desk, document = world.intake(Triggers(hold_for_approval)), world.intake(), world.funded()
    event = world.event(world.bound(intake, document))
    of_script = Decisions.of_script

    def decided(*arguments: Any) -> Any:
        found = of_script(*arguments)
        desk.decide((event.source, event.order, "", 1), release("inspected"), by="ann")
        return found

    monkeypatch.setattr(Decisions, "of_script", decided)
    intake.accept([event])
    intake.settle()
    assert world.paid() == HUNDRED


def test_what_was_being_sent_when_its_process_died_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    intake, document = world.intake(), world.funded()
    event = world.event(world.bound(intake, document))

    def died(*arguments: Any, **more: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Escrow, "attest", died)
    with pytest.raises(KeyboardInterrupt):
        intake.accept([event])
    with pytest.raises(EventAlreadySent):
        intake.decide((event.source, event.order, "", 1), hold("too late"), by="ann")
    monkeypatch.undo()
    again = world.intake()
    again.settle()
    assert again.find((event.source, event.order, "", 1)).state is EventState.DONE
    assert world.paid() == HUNDRED


@pytest.mark.parametrize("fault", [NodeUnreachable("Gone."), JournalFailed("Gone.")])
def test_nobody_decides_about_what_is_in_the_outbox_though_its_sending_ended_in_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """The order is looked at after its attestation was accepted; a chain may be gone by then."""
    intake, document = world.intake(), world.funded()
    event = world.event(world.bound(intake, document))

    def gone(*arguments: Any) -> Any:
        raise fault

    monkeypatch.setattr(Escrow, "accepted", gone)
    with suppress(JournalFailed):
        intake.accept([event])
    with pytest.raises(EventAlreadySent):
        intake.decide((event.source, event.order, "", 1), hold("too late"), by="ann")
    monkeypatch.undo()
    intake.settle()
    assert intake.find((event.source, event.order, "", 1)).state is EventState.DONE
    assert world.paid() == HUNDRED


@pytest.mark.parametrize("by", ["a script", "somebody"])
def test_attested_without_release_is_held_where_the_terms_pay_parts_at_once(
    world: World, tmp_path: Path, by: str
) -> None:
    triggers = own(tmp_path, "attest()" if by == "a script" else "hold('look')")
    intake, document = world.intake(triggers), world.funded(partial=True)
    (told,) = intake.accept([world.event(world.bound(intake, document), accepted=60_00, complete=False)])
    if by == "somebody":
        intake.decide(told.key, Decision(Verdict.ATTEST, "not yet"), by="ann")
    intake.settle()
    found = intake.find(told.key)
    assert (found.state, found.code, world.paid()) == (EventState.HELD, "ATTEST_RELEASES", 0)
    intake.decide(told.key, release("now"), by="ann")
    intake.settle()
    assert world.paid() == 60_00


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("x = 1", "marks no function"),
        ("def broken(:", "SyntaxError"),
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
    ],
)
def test_a_file_that_is_no_script_is_refused(tmp_path: Path, body: str, problem: str) -> None:
    with pytest.raises(ScriptInvalid, match=problem):
        load_script(script(tmp_path, body))
    with pytest.raises(ScriptInvalid):
        load_script(tmp_path / "none.py")


def test_a_script_that_does_not_fit_the_mapping_is_refused() -> None:
    @on_status("SHIPED")
    def misspelt(occasion: Occasion) -> Decision:
        return release()

    @on_status("SHIPPED")
    def first(occasion: Occasion) -> Decision:
        return release()

    with pytest.raises(ScriptInvalid, match="'SHIPED', which the mapping has not"):
        Triggers(misspelt, known=MAPPING.statuses)
    with pytest.raises(ScriptInvalid, match="both decide"):
        Triggers(first, first, known=MAPPING.statuses)
    with pytest.raises(ScriptInvalid, match="names no status"):
        Triggers(lambda occasion: release(), known=MAPPING.statuses)


def test_no_two_events_have_one_key() -> None:
    def key(source: str, order: str, milestone: str = "", *names: str) -> str:
        event = StatusEvent(source=source, order=order, milestone=milestone, seq=1, status="s", at=1)
        return event_key(event, *names)

    some = [key("a", "b/c"), key("a/b", "c"), key("a", "b", "c"), key("a", "b%2Fc"), key("a", "b", "", "c")]
    some += [key("a", "€" * 128), key("a", "€" * 127)]
    assert len(set(some)) == len(some)
    assert max(map(len, some)) <= 255
