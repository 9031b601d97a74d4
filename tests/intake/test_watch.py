"""A watch outlives its source: it tells once that it is down, goes on with what is stored, and asks again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from intake_support import HUNDRED, Clock, World

from pyjpm.errors import SourceRefused, SourceUnavailable
from pyjpm.orders.connectors.connector import Batch, Problem, StatusEvent
from pyjpm.orders.intake import EventState, Receipt
from pyjpm.orders.intake.watch import Told, Watch


class Erp:
    """Answers each poll by the next of these; the last one again and again."""

    name = "erp"

    def __init__(self, *answers: Callable[[], tuple[StatusEvent, ...]]) -> None:
        self.answers = list(answers)
        self.polls = 0

    def poll(self, cursor: str | None) -> Batch:
        self.polls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Batch(events=answer(), cursor=str(self.polls))


def down() -> tuple[StatusEvent, ...]:
    raise SourceUnavailable("The ERP does not answer.", source="erp", cause="HTTP 503")


def refuses() -> tuple[StatusEvent, ...]:
    raise SourceRefused("The ERP refuses.", source="erp", cause="AccessDenied")


def nothing() -> tuple[StatusEvent, ...]:
    return ()


def test_an_erp_that_goes_down_is_told_of_once_and_asked_again(world: World) -> None:
    intake, document = world.intake(), world.funded()
    event = world.event(world.bound(intake, document))
    told: list[Told] = []
    erp = Erp(nothing, down, down, lambda: (event,), nothing)
    watch = Watch(intake, erp, tell=told.append, interval=0.05)
    thread = threading.Thread(target=watch.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not any(isinstance(each, Receipt) and each.state is EventState.DONE for each in told):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    watch.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert [each.code for each in told if isinstance(each, SourceUnavailable)] == ["SOURCE_UNAVAILABLE"]
    assert not [each for each in told if isinstance(each, Problem)]
    assert world.paid() == HUNDRED


def test_what_is_stored_goes_on_while_the_erp_is_down(world: World) -> None:
    intake, document = world.intake(), world.funded()
    intake.receive([world.event(world.bound(intake, document))])
    with pytest.raises(SourceUnavailable):
        Watch(intake, Erp(down)).run(once=True)
    intake.settle()
    assert world.paid() == HUNDRED


def test_an_erp_that_refuses_us_ends_the_watch(world: World) -> None:
    erp = Erp(refuses)
    with pytest.raises(SourceRefused):
        Watch(world.intake(), erp).run()
    assert erp.polls == 1


def test_orders_that_are_nobodys_business_here_are_not_asked_for_all_the_time(world: World) -> None:
    clock = Clock(1_000_000)
    intake = world.intake(clock=clock)
    intake.accept([world.event("elsewhere")])
    tries = 0
    for _ in range(24 * 6):  # a day
        clock.at += 600
        tries += bool(intake.stored.due(1))
        intake.work()
    assert tries < 40
