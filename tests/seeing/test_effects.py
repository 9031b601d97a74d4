"""Effects outside the chain: each once, whatever the other side says or does not say, and whoever else is at it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from seeing_support import CHAIN_ID, GENESIS, VirtualClock

from pyjpm.errors.effects import EffectConflict, InvalidEffect, UnknownEffect
from pyjpm.sending.database import Database
from pyjpm.sending.effects import Effects, EffectState
from pyjpm.sending.outside import Absent, Answer, Found, Refused, Unknown

PAYOUT = {"amount": 100, "currency": "EUR"}


@contextlib.contextmanager
def opened(where: str | Path) -> Iterator[Database]:
    database = Database(where, genesis_hash=GENESIS, chain_id=CHAIN_ID)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def database(journal_url: str | Path) -> Iterator[Database]:
    with opened(journal_url) as made:
        yield made


class Other:
    """The other side: it has what it was told, answers as it is told to, and writes down what it was asked."""

    def __init__(self) -> None:
        self.has: list[str] = []
        self.calls: list[str] = []
        self.on_find: Callable[[str], Answer | None] = lambda reference: None
        self.on_send: Callable[[str], Answer | None] = lambda reference: Found("paid")

    def find(self, reference: str) -> Answer:
        self.calls.append("find")
        said = self.on_find(reference)
        return said or (Found("there") if reference in self.has else Absent())

    def send(self, reference: str, content: Any) -> Answer | None:
        assert content == PAYOUT
        self.calls.append("send")
        said = self.on_send(reference)
        self.has.append(reference)
        return said


class Effective:
    """Effects with a clock of their own, as one process has them."""

    def __init__(self, database: Database) -> None:
        self.clock = VirtualClock()
        self.effects = Effects(database, patience=10, clock=self.clock)

    def intend(self, reference: str = "ref") -> None:
        self.effects.intend(reference, "payout", PAYOUT)

    def carry_out(self, other: Other, reference: str = "ref") -> EffectState:
        return self.effects.carry_out(reference, other).state


# --- storing --------------------------------------------------------------------------------------------------------


def test_an_intent_is_stored_once_and_another_content_is_a_conflict(database: Database) -> None:
    effects = Effects(database)
    made = effects.intend("ref", "payout", PAYOUT)
    assert (made.state, made.content, made.kind) == (EffectState.INTENT, PAYOUT, "payout")
    assert effects.intend("ref", "payout", dict(reversed(PAYOUT.items()))) == made
    for kind, content in (("payout", {**PAYOUT, "amount": 101}), ("swift", PAYOUT)):
        with pytest.raises(EffectConflict) as conflict:
            effects.intend("ref", kind, content)
        assert conflict.value.details == {"reference": "ref", "kind": "payout"}
    assert effects.find("ref") == made
    assert effects.pending() == [made]


def test_an_intent_is_stored_with_its_cause_or_not_at_all(database: Database) -> None:
    effects = Effects(database)

    class CauseFailed(Exception):
        pass

    def fail() -> None:
        with database.transaction() as connection:
            effects.intend("ref", "payout", PAYOUT, connection=connection)
            raise CauseFailed

    with pytest.raises(CauseFailed):
        fail()
    with pytest.raises(UnknownEffect):
        effects.find("ref")
    with database.transaction() as connection:
        effects.intend("ref", "payout", PAYOUT, connection=connection)
    assert effects.find("ref").state is EffectState.INTENT


def test_what_cannot_be_stored_is_refused(database: Database) -> None:
    effects = Effects(database)
    for reference, kind in (("", "payout"), ("x" * 256, "payout"), ("a\nb", "payout"), ("ref", ""), ("ref", "x" * 65)):
        with pytest.raises(InvalidEffect):
            effects.intend(reference, kind, PAYOUT)
    with pytest.raises(TypeError):
        effects.intend("ref", "payout", {"amount": 1.5})
    with pytest.raises(UnknownEffect):
        effects.carry_out("ref", Other())
    assert effects.pending() == []


def test_many_threads_that_intend_the_same_store_one(database: Database) -> None:
    effects = Effects(database)
    barrier = threading.Barrier(6)
    made: list[Any] = []

    def intend() -> None:
        barrier.wait(10)
        made.append(effects.intend("ref", "payout", PAYOUT))

    threads = [threading.Thread(target=intend) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert made == [effects.find("ref")] * 6


# --- carrying out ---------------------------------------------------------------------------------------------------


def test_it_happens_once_and_is_asked_for_before(database: Database) -> None:
    mine, other = Effective(database), Other()
    mine.intend()
    assert mine.carry_out(other) is EffectState.CONFIRMED
    assert other.calls == ["find", "send"]
    assert mine.carry_out(other) is EffectState.CONFIRMED
    assert other.calls == ["find", "send"]
    assert mine.effects.find("ref").detail == "paid"
    assert mine.effects.pending() == []


def test_a_restored_database_that_forgot_what_it_sent_sends_nothing(database: Database) -> None:
    mine, other = Effective(database), Other()
    other.has.append("ref")
    mine.intend()
    assert mine.carry_out(other) is EffectState.CONFIRMED
    assert other.calls == ["find"]


def test_unknown_is_not_absent(database: Database) -> None:
    mine, other = Effective(database), Other()
    mine.intend()
    other.on_find = lambda reference: Unknown("maintenance")
    for _ in range(5):
        assert mine.carry_out(other) is EffectState.MAYBE_SENT
        mine.clock.sleep(100)
    assert "send" not in other.calls
    assert mine.effects.find("ref").detail == "maintenance"
    other.on_find = lambda reference: None
    assert mine.carry_out(other) is EffectState.CONFIRMED
    assert other.has == ["ref"]


def test_an_error_of_the_other_side_says_nothing(database: Database) -> None:
    mine, other = Effective(database), Other()
    mine.intend()

    def broken(reference: str) -> Answer:
        raise OSError("secret text of a driver")

    other.on_find = broken
    assert mine.carry_out(other) is EffectState.MAYBE_SENT
    assert mine.effects.find("ref").detail == "OSError"
    assert "send" not in other.calls


def test_a_lost_answer_is_found_out_by_asking(database: Database) -> None:
    mine, other = Effective(database), Other()
    mine.intend()

    def lost(reference: str) -> Answer:
        other.has.append(reference)
        raise TimeoutError

    other.on_send = lost
    assert mine.carry_out(other) is EffectState.CONFIRMED
    assert other.calls == ["find", "send", "find"]
    assert other.has == ["ref"]


@pytest.mark.parametrize("restarted", [False, True])
def test_what_may_be_on_its_way_is_waited_for_before_it_is_sent_again(database: Database, restarted: bool) -> None:
    mine, other = Effective(database), Other()
    mine.intend()

    def swallowed(reference: str) -> Answer:
        raise TimeoutError

    other.on_send = swallowed
    assert mine.carry_out(other) is EffectState.MAYBE_SENT
    assert mine.effects.find("ref").detail == "TimeoutError"
    if restarted:
        mine = Effective(database)
    other.on_send = lambda reference: Found("paid")
    assert mine.carry_out(other) is EffectState.MAYBE_SENT
    mine.clock.sleep(9)
    assert mine.carry_out(other) is EffectState.MAYBE_SENT
    assert other.calls.count("send") == 1
    mine.clock.sleep(2)
    assert mine.carry_out(other) is EffectState.CONFIRMED
    assert other.calls.count("send") == 2
    assert other.has == ["ref"]


def test_what_arrives_late_is_not_sent_again(database: Database) -> None:
    mine, other = Effective(database), Other()
    mine.intend()

    def swallowed(reference: str) -> Answer:
        raise TimeoutError

    other.on_send = swallowed
    assert mine.carry_out(other) is EffectState.MAYBE_SENT
    mine.clock.sleep(4)
    other.has.append("ref")
    mine.clock.sleep(100)
    assert mine.carry_out(other) is EffectState.CONFIRMED
    assert other.has == ["ref"]


def test_the_other_side_is_asked_again_after_a_claim_was_taken_over(database: Database) -> None:
    mine, other = Effective(database), Other()
    mine.intend()

    def swallowed(reference: str) -> Answer:
        raise TimeoutError

    other.on_send = swallowed
    mine.carry_out(other)
    mine.clock.sleep(100)
    asked = 0

    def arrives_meanwhile(reference: str) -> Answer | None:
        nonlocal asked
        asked += 1
        if asked == 2:
            other.has.append(reference)
        return None

    other.on_find = arrives_meanwhile
    assert mine.carry_out(other) is EffectState.CONFIRMED
    assert other.has == ["ref"]


def test_what_the_other_side_refuses_for_good_has_failed(database: Database) -> None:
    mine, other = Effective(database), Other()
    for reference in ("by-sending", "by-asking"):
        mine.intend(reference)
    other.on_send = lambda reference: Refused("account closed")
    assert mine.carry_out(other, "by-sending") is EffectState.FAILED
    assert mine.effects.find("by-sending").detail == "account closed"
    other.on_find = lambda reference: Refused("account closed")
    assert mine.carry_out(other, "by-asking") is EffectState.FAILED
    assert other.has == ["by-sending"]
    assert mine.effects.pending("payout") == []


def test_another_content_at_the_other_side_is_an_alarm_and_no_success(database: Database) -> None:
    mine, other = Effective(database), Other()
    mine.intend()
    other.on_find = lambda reference: Found("of another amount", matches=False)
    for _ in range(2):
        with pytest.raises(EffectConflict):
            mine.carry_out(other)
    effect = mine.effects.find("ref")
    assert (effect.state, effect.detail) == (EffectState.MAYBE_SENT, "of another amount")
    assert "send" not in other.calls


def test_an_answer_that_took_too_long_is_too_old_to_send_on(database: Database) -> None:
    mine, other = Effective(database), Other()
    mine.intend()

    def slow(reference: str) -> None:
        mine.clock.sleep(6)

    other.on_find = slow
    assert mine.carry_out(other) is EffectState.MAYBE_SENT
    assert "send" not in other.calls
    other.on_find = lambda reference: None
    assert mine.carry_out(other) is EffectState.CONFIRMED


# --- two at it ------------------------------------------------------------------------------------------------------


def test_of_two_processes_one_sends_and_the_other_waits(database: Database, journal_url: str | Path) -> None:
    other = Other()
    with opened(journal_url) as second:
        mine, theirs = Effective(database), Effective(second)
        mine.intend()
        looked: list[EffectState] = []

        def while_mine_sends(reference: str) -> Answer:
            other.on_send = lambda reference: Found("twice")
            for _ in range(3):
                looked.append(theirs.carry_out(other))
                theirs.clock.sleep(3)
            return Found("paid")

        other.on_send = while_mine_sends
        assert mine.carry_out(other) is EffectState.CONFIRMED
        assert looked == [EffectState.MAYBE_SENT] * 3
        assert other.has == ["ref"]
        assert theirs.carry_out(other) is EffectState.CONFIRMED


def test_who_looked_before_another_claimed_does_not_send(database: Database, journal_url: str | Path) -> None:
    other = Other()

    def swallowed(reference: str) -> Answer:
        raise TimeoutError

    other.on_send = swallowed
    with opened(journal_url) as second:
        mine, theirs = Effective(database), Effective(second)
        mine.intend()
        passed = mine.clock.monotonic
        looks: list[EffectState] = []

        def between_looking_and_claiming() -> float:
            if not looks:
                looks.append(theirs.carry_out(other))
            return passed()

        mine.clock.monotonic = between_looking_and_claiming  # type: ignore[method-assign]
        assert mine.carry_out(other) is EffectState.MAYBE_SENT
        assert looks == [EffectState.MAYBE_SENT]
        assert other.calls.count("send") == 1


def test_a_claim_that_changes_is_seen_from_anew(database: Database, journal_url: str | Path) -> None:
    other = Other()

    def swallowed(reference: str) -> Answer:
        raise TimeoutError

    other.on_send = swallowed
    with opened(journal_url) as second:
        mine, theirs = Effective(database), Effective(second)
        mine.intend()
        mine.carry_out(other)
        theirs.carry_out(other)
        theirs.clock.sleep(9)
        mine.clock.sleep(11)
        mine.carry_out(other)  # sent again, under another claim
        theirs.clock.sleep(9)
        theirs.carry_out(other)
        assert other.calls.count("send") == 2
        theirs.clock.sleep(11)
        theirs.carry_out(other)
        assert other.calls.count("send") == 3


def test_many_processes_at_the_same_moment_pay_once(journal_url: str | Path) -> None:
    other = Other()
    barrier = threading.Barrier(6)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with opened(journal_url) as own:
                effects = Effects(own)
                effects.intend("ref", "payout", PAYOUT)
                barrier.wait(10)
                for _ in range(5):
                    effects.carry_out("ref", other)
        except BaseException as failure:
            failures.append(failure)

    with opened(journal_url):
        threads = [threading.Thread(target=run) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert failures == []
    assert other.has == ["ref"]
    assert other.calls.count("send") == 1
