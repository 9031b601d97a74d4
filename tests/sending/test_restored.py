"""A copy of the database is put back, and another payer's wallet shows it: what waited may have been refused since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from chains.model_support import World, signer
from sending.engine_support import Engine, MarkedSigner, Place, Stage, stage

from pyjpm.errors.outbox import OperationRejected
from pyjpm.money import Money
from pyjpm.sending import Operation, Settings, Submission
from pyjpm.sending.approvals import ApprovalPolicy, Rule
from pyjpm.sending.decisions import Decisions
from pyjpm.sending.lanes import LaneState
from pyjpm.sending.witness import Effect, Verdict
from pyjpm.witnessing import ContractWitness


class OtherPayer:
    """A second participant on a stage, with one wallet."""

    def __init__(self, s: Stage) -> None:
        self.world = World(s.network, lanes=[signer(7)], payee_wallet=signer(51).address)
        self.signer = MarkedSigner(self.world.lanes[0])
        s.lanes.append(self.signer)

    def pay(self, name: str, amount: int = 100) -> Operation:
        return replace(self.world.pay(name, amount), owner=f"participant {self.world.payer}")


def limit(s: Stage, world: World, amount: int) -> None:
    s.network.limit(world.payer, "EUR", amount)
    s.network.clock.sleep(3)


def waits_for_its_answer(engine: Engine, s: Stage, other: OtherPayer, blind: pytest.MonkeyPatch) -> Submission:
    """Too much, and nobody may say so for as long as the witness is blind."""
    blind.setattr(ContractWitness, "read", lambda self, calls, **_: [Verdict(Effect.UNKNOWN) for _ in calls])
    limit(s, other.world, 50)
    return engine.sender.submit(other.signer, other.pay("told no", 700))


def waits_for_its_day(engine: Engine, s: Stage, other: OtherPayer, blind: pytest.MonkeyPatch) -> Submission:
    day = int(s.network.clock.time()) + 60
    return engine.sender.submit(other.signer, replace(other.pay("told no", 700), not_before=day))


def is_refused(engine: Engine, s: Stage, waits: Submission) -> str:
    engine.run(s.network.clock, 5)
    return engine.state(waits)


def is_withdrawn(engine: Engine, s: Stage, waits: Submission) -> str:
    nodes = engine.sender._lanes._nodes
    decisions = Decisions(nodes, engine.journal, ContractWitness(s.network.record()), s.network.clock)
    return decisions.cancel(waits.id, who="Ada", reason="paid in another way").state.value


@pytest.mark.parametrize(
    ("wait", "end", "told"),
    [(waits_for_its_answer, is_refused, "REJECTED"), (waits_for_its_day, is_withdrawn, "CANCELLED")],
)
@pytest.mark.parametrize("marked", [True, False])
def test_what_waits_in_a_copy_is_not_sent_unasked_where_another_payers_wallet_shows_its_age(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    wait: Callable[[Engine, Stage, OtherPayer, pytest.MonkeyPatch], Submission],
    end: Callable[[Engine, Stage, Submission], str],
    told: str,
    marked: bool,
) -> None:
    with stage(place) as s:
        other = OtherPayer(s)
        if not marked:
            for each in s.lanes:
                monkeypatch.setattr(each, "highest_nonce", lambda chain_id: None)
        engine = s.engine()
        with monkeypatch.context() as blind:
            waits = wait(engine, s, other, blind)
            copy = s.copy()
        assert end(engine, s, waits) == told
        engine.sender.submit(s.lanes[0], s.pay("sent since", 20))
        engine.run(s.network.clock, 5)
        engine.close()
        s.restore(copy)
        limit(s, other.world, 10**9)
        engine = s.engine()
        engine.run(s.network.clock, 120)
        assert s.paid() == [20]
        with pytest.raises(OperationRejected) as heard:
            engine.sender.wait(waits.id, 1)
        assert heard.value.details["error"]["code"] == "NOT_SENT_UNASKED"
        again = engine.sender.submit(other.signer, other.pay("told no", 700))
        assert again.id == waits.id
        engine.run(s.network.clock, 5)
        assert engine.state(waits) == "FINAL"
        assert sorted(s.paid()) == [20, 700]


def test_what_waits_for_a_word_in_a_copy_goes_on_waiting_for_it(place: Place) -> None:
    """Without somebody's word it is not sent."""
    large = ApprovalPolicy((Rule(("payments.pay",), Money("0.50", "EUR"), frozenset({signer(60).address}), 1),))
    with stage(place) as s:
        other = OtherPayer(s)
        engine = s.engine(large)
        waits = engine.sender.submit(other.signer, other.pay("asks"))
        copy = s.copy()
        engine.sender.submit(s.lanes[0], s.pay("sent since", 20))
        engine.run(s.network.clock, 5)
        engine.close()
        s.restore(copy)
        engine = s.engine(large)
        engine.run(s.network.clock, 60)
        assert (engine.state(waits), s.paid()) == ("RECEIVED", [20])


@pytest.mark.parametrize("what", ["restarts", "another takes a key", "a mark is lost", "a wallet is halted"])
def test_a_journal_that_lost_nothing_doubts_nothing(place: Place, what: str) -> None:
    """What waits for room, or for its day, is sent after a restart, whatever became of other payers' wallets."""
    with stage(place, settings=Settings(window=4)) as s:
        other = OtherPayer(s)
        engine = s.engine()
        engine.sender.submit(s.lanes[0], s.pay("first", 10))
        engine.run(s.network.clock, 4)
        s.network.stop(2)
        s.network.stop(3)
        day = int(s.network.clock.time()) + 60
        waiting = engine.sender.submit_many(other.signer, [other.pay(f"p{i}", 100 + i) for i in range(7)])
        waiting.append(engine.sender.submit(other.signer, replace(other.pay("later", 200), not_before=day)))
        mine = None
        if what == "a wallet is halted":
            for node in (0, 1):
                s.network.mute(node, 1)  # what is sent now is told to nobody, and forgotten
            mine = engine.sender.submit(s.lanes[0], s.pay("mine", 20))
            s.network.clock.sleep(2)
            for node in (0, 1):
                s.network.forget_pool(node)
        assert [each.state.value for each in waiting[4:]] == ["APPROVED"] * 3 + ["SCHEDULED"]
        engine.close()
        if what == "another takes a key":
            s.network.inject(s.world.raw(s.pay("not ours", 30), lane=0, nonce=1))
        elif what == "a mark is lost":
            s.lanes[0].lost = True
        elif mine is not None:
            s.network.inject(s.world.raw(s.pay("theft", 30), lane=0, nonce=1))
            s.network.start(2)
            s.network.start(3)
            s.network.clock.sleep(30)
        for _ in range(2):
            engine = s.engine()
            assert not {engine.state(each) for each in waiting} & {"DOUBTED", "REJECTED"}
            engine.close()
        if mine is None:
            s.network.start(2)
            s.network.start(3)
        s.network.clock.sleep(30)
        engine = s.engine()
        engine.run(s.network.clock, 120)
        assert {engine.state(each) for each in waiting} == {"FINAL"}
        halted = [lane.wallet for lane in engine.journal.lanes.all() if lane.state is LaneState.HALTED]
        assert halted == ([] if mine is None else [s.lanes[0].address])


def test_what_was_accepted_since_the_copy_was_put_back_outlives_a_restart(place: Place) -> None:
    """Also while the wallet that showed the copy's age recovers still."""
    with stage(place, settings=Settings(window=4)) as s:
        other = OtherPayer(s)
        engine = s.engine()
        copy = s.copy()
        engine.sender.submit(s.lanes[0], s.pay("sent since", 20))
        engine.run(s.network.clock, 4)
        s.network.stop(2)
        s.network.stop(3)
        engine.sender.submit(s.lanes[0], s.pay("lost", 30))
        engine.close()
        s.restore(copy)
        engine = s.engine()
        waiting = engine.sender.submit_many(other.signer, [other.pay(f"p{i}", 100 + i) for i in range(7)])
        for _ in range(2):
            engine.close()
            engine = s.engine()
            assert [engine.state(each) for each in waiting[4:]] == ["APPROVED"] * 3
            lane = engine.journal.lanes.read(s.lanes[0].address)
            assert lane is not None
            assert lane.state is LaneState.RECOVERING
        s.network.start(2)
        s.network.start(3)
        engine.run(s.network.clock, 120)
        assert {engine.state(each) for each in waiting} == {"FINAL"}
