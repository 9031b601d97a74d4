"""Who is told what: a client that hears "no" pays in another way, so none hears it of what was paid or may yet be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sending.engine_support import Engine, Place, Stage, stage

from pyjpm.errors.custody import SigningRefused
from pyjpm.errors.outbox import InFlightExceedsFunds, OperationExpired, OperationRejected
from pyjpm.errors.refusals import DailyLimitExceeded
from pyjpm.errors.sending import Fenced, LaneHalted
from pyjpm.sending import Operation
from pyjpm.sending.lanes import LaneState
from pyjpm.sending.witness import Effect, Verdict
from pyjpm.witnessing import ContractWitness


def states(engine: Engine, s: Stage, operations: list[Operation]) -> list[str]:
    """What a client hears that asks for all of them in one call."""
    heard = engine.sender.submit_together(s.lanes[0], s.together(operations), operations)
    return [each.state.value for each in heard]


def lose(engine: Engine, s: Stage) -> None:
    """The database is put back while a payment of lane 1 waits at nodes, and there is no quorum."""
    copy = s.copy()
    s.network.stop(2)
    s.network.stop(3)
    engine.sender.submit(s.lanes[1], s.pay("lost", 20))
    engine.close()
    s.restore(copy)


def limit(s: Stage, amount: int) -> None:
    s.network.limit(s.world.payer, "EUR", amount)
    s.network.clock.sleep(3)


def test_of_a_batch_asked_for_again_what_was_paid_is_told_paid(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        s.network.stop(1)
        s.network.stop(2)
        lines = [s.pay("line 0", 100), s.pay("line 1", 5_000), s.pay("line 2", 30)]
        states(engine, s, lines)
        s.network.limit(s.world.payer, "EUR", 200)
        s.network.start(1)
        s.network.start(2)
        engine.run(s.network.clock, 60)
        assert sorted(s.paid()) == [30, 100]
        assert states(engine, s, lines) == ["FINAL", "REJECTED", "FINAL"]
        limit(s, 10**9)
        assert states(engine, s, lines)[0::2] == ["FINAL", "FINAL"]
        engine.run(s.network.clock, 5)
        assert states(engine, s, lines) == ["FINAL", "FINAL", "FINAL"]
        assert sorted(s.paid()) == [30, 100, 5_000]


def test_of_a_batch_whose_journal_was_lost_what_was_paid_is_told_paid(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        empty = s.copy()
        lines = [s.pay("line 0", 100), s.pay("line 1", 5_000)]
        engine.sender.submit(s.lanes[0], lines[0])
        engine.run(s.network.clock, 5)
        engine.close()
        s.restore(empty)
        limit(s, 200)
        engine = s.engine()
        engine.run(s.network.clock, 5)
        assert states(engine, s, lines) == ["FINAL", "REJECTED"]
        limit(s, 10**9)
        states(engine, s, lines)
        engine.run(s.network.clock, 5)
        assert states(engine, s, lines) == ["FINAL", "FINAL"]
        assert sorted(s.paid()) == [100, 5_000]


def test_a_call_of_which_nothing_happened_is_refused_as_a_whole(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        limit(s, 200)
        with pytest.raises(DailyLimitExceeded):
            states(engine, s, [s.pay("line 0", 100), s.pay("line 1", 5_000)])
        assert engine.sender.find(s.lanes[0].address, "line 0") is None
        refused = engine.sender.submit(s.lanes[0], s.pay("alone", 5_000), simulate=False)
        engine.run(s.network.clock, 5)
        assert engine.state(refused) == "REVERTED"
        with pytest.raises(DailyLimitExceeded):
            engine.sender.submit(s.lanes[0], s.pay("alone", 5_000))
        assert s.paid() == []


def test_more_than_there_is_beside_what_was_paid_is_told_line_by_line(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        whole = 10**9
        s.network.stop(1)
        s.network.stop(2)
        first = s.pay("first", whole - 100)
        engine.sender.submit(s.lanes[0], first)
        with pytest.raises(InFlightExceedsFunds):
            engine.sender.submit(s.lanes[0], s.pay("second", 200))
        heard = engine.sender.submit_many(s.lanes[0], [first, s.pay("second", 200)], simulate=True)
        assert [each.state.value for each in heard] == ["BROADCAST", "REJECTED"]
        s.network.start(1)
        s.network.start(2)
        engine.run(s.network.clock, 60)
        assert s.paid() == [whole - 100]


def test_what_a_signer_refuses_is_not_told_while_lost_bytes_may_pay_it(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        engine.sender.submit(s.lanes[1], s.pay("known", 10))
        engine.run(s.network.clock, 4)
        lose(engine, s)
        lost = s.world.raw(s.pay("lost", 20), lane=1, nonce=1)
        engine = s.engine()
        assert LaneState.RECOVERING in {lane.state for lane in engine.journal.lanes.all()}
        s.lanes[0].refuses = SigningRefused
        asked = engine.sender.submit(s.lanes[0], s.pay("lost", 20))
        s.network.clock.sleep(2)  # what the nodes told each other has arrived
        for node in (0, 1):
            s.network.forget_pool(node)
        s.network.inject(lost)
        s.network.start(2)
        s.network.start(3)
        s.network.clock.sleep(60)  # blocks come before our next look
        engine.run(s.network.clock, 90)
        assert s.paid() == [10, 20]
        assert engine.state(asked) == "FINAL"
        with pytest.raises(SigningRefused):  # nothing is lost any more
            engine.sender.submit(s.lanes[0], s.pay("another", 30))


def test_who_does_not_serve_the_wallet_any_more_refuses_nothing(place: Place) -> None:
    with stage(place) as s:
        older, younger = s.engine(), s.engine()
        limit(s, 200)
        late = replace(s.pay("late", 100), not_after=int(s.network.clock.time()) - 1)
        for asked in (s.pay("too much", 5_000), late):
            # The younger may be taking what its client, unanswered, asks for here once more.
            with pytest.raises(Fenced):
                older.sender.submit(s.lanes[0], asked)
        with pytest.raises(DailyLimitExceeded):
            younger.sender.submit(s.lanes[0], s.pay("too much", 5_000))
        with pytest.raises(OperationExpired):
            younger.sender.submit(s.lanes[0], late)


def test_what_was_paid_in_time_has_not_expired(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        soon = int(s.network.clock.time()) + 10
        paid = engine.sender.submit(s.lanes[0], replace(s.pay("in time"), not_after=soon))
        engine.run(s.network.clock, 20)
        again = engine.sender.submit(s.lanes[0], replace(s.pay("in time"), not_after=soon))
        assert (again.id, again.state.value) == (paid.id, "FINAL")
        with pytest.raises(OperationExpired):
            engine.sender.submit(s.lanes[0], replace(s.pay("too late"), not_after=soon))
        assert s.paid() == [100]


@pytest.mark.parametrize("had_sent", [True, False])
def test_nothing_is_refused_while_another_wallet_of_the_payer_recovers(place: Place, had_sent: bool) -> None:
    """Also where the copy does not know yet whose wallet that is."""
    with stage(place) as s:
        engine = s.engine()
        if had_sent:
            engine.sender.submit(s.lanes[1], s.pay("known", 10))
            engine.run(s.network.clock, 4)
        lose(engine, s)
        engine = s.engine()
        waits = engine.sender.submit(s.lanes[0], s.pay("too much", 10**9 + 1))
        assert (engine.state(waits), waits.nonce) == ("APPROVED", None)
        engine.run(s.network.clock, 5)
        assert engine.state(waits) == "APPROVED"
        s.network.start(2)
        s.network.start(3)
        engine.run(s.network.clock, 90)
        assert engine.state(waits) == "REJECTED"
        assert {lane.state for lane in engine.journal.lanes.all()} == {LaneState.OK}


def test_nothing_is_refused_while_nobody_can_say_what_became_of_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(place) as s:
        engine = s.engine()
        with monkeypatch.context() as blind:
            blind.setattr(ContractWitness, "read", lambda self, calls, **_: [Verdict(Effect.UNKNOWN) for _ in calls])
            waits = engine.sender.submit(s.lanes[0], s.pay("too much", 10**9 + 1))
            engine.run(s.network.clock, 5)
            assert engine.state(waits) == "APPROVED"
        engine.run(s.network.clock, 5)
        assert engine.state(waits) == "REJECTED"
        assert s.paid() == []


def test_a_revert_does_not_keep_a_lane_from_recovering(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        limit(s, 50)
        s.network.stop(2)
        s.network.stop(3)
        refused = engine.sender.submit(s.lanes[0], s.pay("refused", 100), simulate=False)
        copy = s.copy()
        engine.sender.submit(s.lanes[0], s.pay("lost", 20), simulate=False)
        engine.close()
        s.restore(copy)
        engine = s.engine()
        s.network.start(2)
        s.network.start(3)
        engine.run(s.network.clock, 90)
        assert {lane.state for lane in engine.journal.lanes.all()} == {LaneState.OK}
        assert engine.state(refused) == "REVERTED"
        again = engine.sender.submit(s.lanes[0], s.pay("lost", 20))
        engine.run(s.network.clock, 5)
        assert engine.state(again) == "FINAL"
        assert s.paid() == [20]


def test_on_a_halted_lane_what_was_paid_is_told_paid(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        paid = s.pay("paid")
        engine.sender.submit(s.lanes[0], paid)
        engine.run(s.network.clock, 4)
        s.network.stop(1)
        s.network.stop(2)
        engine.sender.submit(s.lanes[0], s.pay("stolen from", 200))
        s.network.forget_pool(0)
        s.network.inject(s.world.raw(s.pay("theft", 999), lane=0, nonce=1))
        s.network.start(1)
        s.network.start(2)
        engine.run(s.network.clock, 60)
        with pytest.raises(LaneHalted):
            engine.sender.submit(s.lanes[0], s.pay("more", 300))
        heard = engine.sender.submit_many(s.lanes[0], [paid, s.pay("more", 300)])
        assert [each.state.value for each in heard] == ["FINAL", "REJECTED"]
        assert sorted(s.paid()) == [100, 999]


def test_what_a_restored_copy_waits_to_send_is_sent_only_if_it_is_asked_for_again(place: Place) -> None:
    """Since the copy was made it may have been withdrawn, and its client may have paid in another way."""
    with stage(place) as s:
        engine = s.engine()
        withdrawn = replace(s.pay("withdrawn", 700), not_before=int(s.network.clock.time()) + 40)
        waits = engine.sender.submit(s.lanes[0], withdrawn)
        copy = s.copy()
        engine.sender.submit(s.lanes[0], s.pay("sent since", 20))
        engine.run(s.network.clock, 5)
        engine.close()
        s.restore(copy)
        engine = s.engine()
        engine.run(s.network.clock, 120)
        assert s.paid() == [20]
        with pytest.raises(OperationRejected) as told:
            engine.sender.wait(waits.id, 1)
        assert told.value.details["error"]["code"] == "NOT_SENT_UNASKED"
        assert engine.sender.submit(s.lanes[0], withdrawn).id == waits.id
        engine.run(s.network.clock, 5)
        assert engine.state(waits) == "FINAL"
        assert sorted(s.paid()) == [20, 700]


@pytest.mark.parametrize(
    ("allowed", "since"), [(200, ["FINAL", "REJECTED", "FINAL"]), (10, ["REJECTED", "REJECTED", "REJECTED"])]
)
def test_lines_that_a_restored_copy_would_try_singly_are_asked_for_again(
    place: Place, allowed: int, since: list[str]
) -> None:
    """Also where none of them used a further nonce since, so that nothing shows how old the copy is."""
    with stage(place) as s:
        engine = s.engine()
        s.network.stop(1)
        s.network.stop(2)
        lines = [s.pay("line 0", 100), s.pay("line 1", 5_000), s.pay("line 2", 30)]
        accepted = engine.sender.submit_together(s.lanes[0], s.together(lines), lines)
        copy = s.copy()
        s.network.limit(s.world.payer, "EUR", allowed)
        s.network.start(1)
        s.network.start(2)
        engine.run(s.network.clock, 60)
        assert [engine.state(each) for each in accepted] == since
        paid = s.paid()
        engine.close()
        s.restore(copy)
        limit(s, 10**9)
        engine = s.engine()
        engine.run(s.network.clock, 90)
        assert s.paid() == paid
        assert [engine.state(each) for each in accepted] == [each.replace("REJECTED", "REVERTED") for each in since]
        states(engine, s, lines)
        engine.run(s.network.clock, 5)
        assert sorted(s.paid()) == [30, 100, 5_000]


@pytest.mark.parametrize("since", [[], [20]])
def test_a_nonce_that_a_cancel_used_since_the_copy_pays_nothing_unasked(place: Place, since: list[int]) -> None:
    with stage(place) as s:
        engine = s.engine()
        s.network.stop(1)
        s.network.stop(2)
        lost = engine.sender.submit(s.lanes[0], s.pay("cancelled since", 100))
        copy = s.copy()
        s.network.forget_pool(0)
        cancel = replace(s.pay("a cancel"), to=s.lanes[0].address, data=b"", gas=21_000)
        s.network.inject(s.world.raw(cancel, lane=0, nonce=0))
        engine.close()
        s.network.start(1)
        s.network.start(2)
        s.network.clock.sleep(5)
        for amount in since:
            s.network.inject(s.world.raw(s.pay("sent since", amount), lane=0, nonce=1))
        s.network.clock.sleep(5)
        s.restore(copy)
        engine = s.engine()
        engine.run(s.network.clock, 90)
        assert s.paid() == since
        assert engine.state(lost) == "REJECTED"
