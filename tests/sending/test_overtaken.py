"""What a thread read of the chain or of a lane, and another thread has overtaken since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from overtaking import overtake
from sending.engine_support import Engine, Place, Stage, stage

from pyjpm.sending import Sender
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.lanes import Lanes, LaneState, halt
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.numbering import Numbering
from pyjpm.sending.operation import AttemptKind, AttemptState
from pyjpm.witnessing import ContractWitness


def lose(s: Stage, engine: Engine, **operation: Any) -> None:
    """A payment over the second lane of which only nodes know that are down, and no database."""
    copy = s.copy()
    s.network.stop(2)
    s.network.stop(3)
    engine.sender.submit(s.lanes[1], replace(s.pay("lost", 20), **operation))
    engine.close()
    s.restore(copy)


def started(s: Stage, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine that has not looked at its lanes yet."""
    with monkeypatch.context() as later:
        later.setattr(Sender, "resume", lambda *_: None)
        return s.engine()


def find_again(s: Stage) -> None:
    s.network.start(2)
    s.network.start(3)
    s.network.clock.sleep(10)


def test_no_refusal_by_what_was_read_before_another_wallet_had_recovered(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(place) as s:
        engine = s.engine()
        engine.sender.submit(s.lanes[1], s.pay("known", 10))
        engine.run(s.network.clock, 4)
        soon = int(s.network.clock.time()) + 30
        lose(s, engine, not_after=soon)
        engine = started(s, monkeypatch)
        engine.sender.serve(s.lanes[1])

        def recover() -> None:
            find_again(s)
            engine.run(s.network.clock, 60)
            assert {lane.state for lane in engine.journal.lanes.all()} == {LaneState.OK}
            assert s.paid() == [10, 20]

        overtake(monkeypatch, ContractWitness, "read", recover)
        heard = engine.sender.submit(s.lanes[0], replace(s.pay("lost", 20), not_after=soon))
        engine.run(s.network.clock, 5)
        assert engine.state(heard) == "FINAL"
        assert s.paid() == [10, 20]


def test_what_is_doubted_while_it_lapses_is_not_told_expired(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another wallet is found behind the world, and lost bytes pay, after it was asked whether a "no" may be told."""
    with stage(place) as s:
        engine = s.engine()
        engine.sender.submit(s.lanes[1], s.pay("known", 10))
        engine.run(s.network.clock, 4)
        lose(s, engine)
        s.network.clock.sleep(2)
        for node in (0, 1):
            s.network.forget_pool(node)  # by now nobody who can be asked has the bytes
        engine = started(s, monkeypatch)
        engine.sender.serve(s.lanes[0])
        now = int(s.network.clock.time())
        waits = engine.sender.submit(s.lanes[0], replace(s.pay("lost", 20), not_before=now + 5, not_after=now + 10))
        assert engine.state(waits) == "SCHEDULED"
        s.network.clock.sleep(20)

        def found_behind() -> None:
            engine.sender.serve(s.lanes[1])
            assert engine.journal.lanes.read(s.lanes[1].address).state is LaneState.RECOVERING  # type: ignore[union-attr]
            s.network.inject(s.world.raw(s.pay("lost", 20), lane=1, nonce=1))
            find_again(s)
            assert s.paid() == [10, 20]

        overtake(monkeypatch, NegativeAnswers, "allowed", found_behind)
        engine.sender.carry_on()
        assert engine.state(waits) == "DOUBTED"
        engine.run(s.network.clock, 60)
        assert engine.state(waits) == "FINAL"
        assert s.paid() == [10, 20]


def come_back_without(s: Stage) -> None:
    """The nodes come back, and by now nobody who can be asked has what was ``lost``."""
    s.network.clock.sleep(2)
    for node in (0, 1):
        s.network.forget_pool(node)
    find_again(s)


def knows_one_wallet(s: Stage, monkeypatch: pytest.MonkeyPatch, *, limit: int) -> Engine:
    """An engine with the first lane alone, whose payer has lost a payment over the second and may spend so much now."""
    engine = s.engine()
    engine.sender.submit(s.lanes[1], s.pay("known", 10))
    engine.run(s.network.clock, 4)
    lose(s, engine)
    come_back_without(s)
    engine = started(s, monkeypatch)
    engine.sender.serve(s.lanes[0])
    s.network.limit(s.world.payer, "EUR", limit)
    s.network.clock.sleep(3)
    return engine


def found_behind_and_paid(s: Stage, engine: Engine) -> None:
    """The second lane is taken up, recovers, and its lost bytes pay."""
    engine.sender.serve(s.lanes[1])
    assert engine.journal.lanes.read(s.lanes[1].address).state is LaneState.RECOVERING  # type: ignore[union-attr]
    s.network.limit(s.world.payer, "EUR", 10**9)
    s.network.clock.sleep(3)
    s.network.inject(s.world.raw(s.pay("lost", 20), lane=1, nonce=1))
    s.network.clock.sleep(5)
    assert 20 in s.paid()


def test_what_reverted_is_not_told_so_where_another_wallet_is_found_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it was asked whether a "no" may be told, and before the "no" is stored."""
    with stage(place) as s:
        engine = knows_one_wallet(s, monkeypatch, limit=5)
        heard = engine.sender.submit(s.lanes[0], s.pay("lost", 20), simulate=False)
        s.network.clock.sleep(4)
        overtake(monkeypatch, NegativeAnswers, "allowed", lambda: found_behind_and_paid(s, engine))
        engine.sender.carry_on()
        assert engine.state(heard) == "DOUBTED"
        engine.run(s.network.clock, 60)
        assert (engine.state(heard), s.paid()) == ("FINAL", [10, 20])


def test_what_is_refused_is_not_stored_so_where_another_wallet_is_found_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of several that are asked for, of which another was paid before: what is refused is stored."""
    with stage(place) as s:
        engine = knows_one_wallet(s, monkeypatch, limit=15)
        overtake(monkeypatch, NegativeAnswers, "allowed", lambda: found_behind_and_paid(s, engine))
        both = [s.pay("known", 10), s.pay("lost", 20)]
        known, heard = engine.sender.submit_many(s.lanes[0], both, simulate=True)
        assert (engine.state(known), engine.state(heard)) == ("FINAL", "FINAL")
        assert s.paid() == [10, 20]


def test_a_failure_is_not_confirmed_where_another_wallet_is_found_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was doubted, as its own wallet was behind; that one knows all again."""
    with stage(place) as s:
        engine = s.engine()
        engine.sender.submit(s.lanes[1], s.pay("known", 10))
        s.network.limit(s.world.payer, "EUR", 15)
        s.network.clock.sleep(3)
        failed = engine.sender.submit(s.lanes[0], s.pay("lost", 20), simulate=False)
        engine.run(s.network.clock, 5)
        assert engine.state(failed) == "REVERTED"
        copy = s.copy()
        engine.sender.submit(s.lanes[0], s.pay("sent since", 1))
        engine.run(s.network.clock, 5)
        s.network.limit(s.world.payer, "EUR", 10**9)
        s.network.clock.sleep(3)
        s.network.stop(2)
        s.network.stop(3)
        engine.sender.submit(s.lanes[1], s.pay("lost", 20))
        engine.close()
        s.restore(copy)
        come_back_without(s)
        engine = started(s, monkeypatch)
        engine.sender.serve(s.lanes[0])
        assert engine.state(failed) == "DOUBTED"
        allowed = NegativeAnswers.allowed

        def found_behind(self: NegativeAnswers, owner: str, view: Any) -> bool:
            told = allowed(self, owner, view)
            if told and not engine.journal.lanes.is_taken(s.lanes[1].address):
                found_behind_and_paid(s, engine)
            return told

        monkeypatch.setattr(NegativeAnswers, "allowed", found_behind)
        while not engine.journal.lanes.is_taken(s.lanes[1].address):
            engine.sender.carry_on()
            s.network.clock.sleep(1)
        assert engine.state(failed) == "DOUBTED"
        engine.run(s.network.clock, 60)
        assert engine.state(failed) == "FINAL"
        assert sorted(s.paid()) == [1, 10, 20]


def test_what_is_paid_while_it_is_asked_for_is_told_paid(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage(place) as s:
        engine = s.engine()

        def pay() -> None:
            s.network.inject(s.world.raw(s.pay("lost", 20), lane=1, nonce=0))
            s.network.clock.sleep(5)
            assert s.paid() == [20]

        overtake(monkeypatch, ContractWitness, "read", pay)
        heard = engine.sender.submit(s.lanes[0], s.pay("lost", 20))
        engine.run(s.network.clock, 5)
        assert engine.state(heard) == "FINAL"
        assert s.paid() == [20]


def test_a_cancel_that_two_threads_see_counts_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no node took has another try, though both had it wait for one."""
    with stage(place) as s:
        engine = s.engine()
        with monkeypatch.context() as small:
            # Our own checks go by what the nodes announce, which is more than they take.
            small.setattr("chains.model.node.GAS_LIMIT", 200_000)
            refused = engine.sender.submit(s.lanes[0], s.pay("refused", 100), simulate=False)
            before = Attempts.at

            def both(self: Attempts, wallet: str, nonce: int) -> Any:
                found = before(self, wallet, nonce)
                if any(each.kind is AttemptKind.CANCEL and each.state is AttemptState.BROADCAST for each in found):
                    monkeypatch.setattr(Attempts, "at", before)
                    with monkeypatch.context() as halfway:  # the other thread has it wait, and gives it no nonce yet
                        halfway.setattr(Numbering, "number", lambda *_: None)
                        engine.sender.carry_on()
                        assert engine.state(refused) == "APPROVED"
                return found

            monkeypatch.setattr(Attempts, "at", both)
            while Attempts.at is both:
                engine.run(s.network.clock, 1)
        engine.run(s.network.clock, 30)
        assert (engine.state(refused), s.paid()) == ("FINAL", [100])


def test_a_lane_that_another_thread_brought_back_is_not_recovered_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(place) as s:
        lose(s, s.engine())
        engine = started(s, monkeypatch)

        def recover() -> None:
            find_again(s)
            engine.sender.carry_on()
            assert engine.journal.lanes.read(s.lanes[1].address).state is LaneState.OK  # type: ignore[union-attr]

        overtake(monkeypatch, Lanes, "read_many", recover)
        engine.sender.resume({lane.address: lane for lane in s.lanes})
        engine.run(s.network.clock, 60)
        assert {lane.state for lane in engine.journal.lanes.all()} == {LaneState.OK}
        assert engine.journal.attempts.at(s.lanes[1].address, 0) == []
        assert s.paid() == [20]


def test_a_halted_lane_stays_halted_whoever_finds_it_recovered(place: Place) -> None:
    with stage(place) as s:
        engine, wallet = s.engine(), s.lanes[0].address
        with engine.journal.lanes.writing([wallet]) as connection:
            halt(connection, wallet)
        engine.journal.lanes.recovered(wallet, 3, head=1)
        assert engine.journal.lanes.read(wallet).state is LaneState.HALTED  # type: ignore[union-attr]


@pytest.mark.parametrize(("where", "name"), [(Lanes, "read"), (Attempts, "load")])
def test_what_is_mined_while_its_nonce_is_to_be_freed_halts_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch, where: type, name: str
) -> None:
    """Every node refused it for long; one takes it after all, and another thread sees it final."""
    with stage(place) as s:
        engine, wallet = s.engine(), s.lanes[0].address
        with monkeypatch.context() as strict:
            strict.setattr("chains.model.node.GAS_LIMIT", 200_000)
            refused = engine.sender.submit(s.lanes[0], s.pay("refused"), simulate=False)
            engine.run(s.network.clock, 3)
        (attempt,) = engine.journal.attempts.living([wallet])
        assert attempt.refused_since is not None
        s.network.clock.sleep(10)

        def mined() -> None:
            s.network.inject(attempt.raw)
            s.network.clock.sleep(5)
            engine.sender.carry_on()
            assert engine.state(refused) == "FINAL"

        overtake(monkeypatch, where, name, mined)
        engine.sender.carry_on()
        assert [each.kind for each in engine.journal.attempts.at(wallet, 0)] == [AttemptKind.CALL]
        later = engine.sender.submit(s.lanes[0], s.pay("later", 200))
        engine.run(s.network.clock, 30)
        assert engine.journal.lanes.read(wallet).state is LaneState.OK  # type: ignore[union-attr]
        assert [engine.state(refused), engine.state(later)] == ["FINAL", "FINAL"]
        assert engine.journal.alarms.list() == []
        assert s.paid() == [100, 200]
