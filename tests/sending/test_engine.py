"""The outbox on a chain that misbehaves: what is lost, jammed, stolen or restored is paid once, and told rightly."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chains.model import Thief
from chains.model_support import key
from sending.engine_support import Place, stage

from pyjpm.errors.custody import SigningRefused
from pyjpm.errors.outbox import InFlightExceedsFunds, OperationRejected
from pyjpm.errors.sending import Fenced, ForeignNonce, JournalOfOtherChain, LaneHalted
from pyjpm.sending import Settings
from pyjpm.sending.lanes import LaneState


def test_more_than_the_window_waits_and_is_paid(place: Place) -> None:
    with stage(place, settings=Settings(window=4)) as s:
        engine = s.engine()
        accepted = engine.sender.submit_many(s.lanes[0], [s.pay(f"p{i}", 100 + i) for i in range(11)])
        assert [each.nonce for each in accepted] == [0, 1, 2, 3] + [None] * 7
        engine.run(s.network.clock, 10)
        assert {engine.state(each) for each in accepted} == {"FINAL"}
        assert s.paid() == [100 + i for i in range(11)]


def test_the_older_of_two_engines_is_fenced(place: Place) -> None:
    with stage(place) as s:
        older = s.engine()
        first = older.sender.submit(s.lanes[0], s.pay("first"))
        newer = s.engine()
        with pytest.raises(Fenced):
            older.sender.submit(s.lanes[0], s.pay("second"))
        second = newer.sender.submit(s.lanes[0], s.pay("second", 200))
        newer.run(s.network.clock, 5)
        assert (newer.state(first), newer.state(second)) == ("FINAL", "FINAL")
        assert s.paid() == [100, 200]


def test_a_foreign_payment_on_our_nonce_halts_the_lane_and_quarantines(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        s.network.stop(1)
        s.network.stop(2)
        ours = engine.sender.submit_many(s.lanes[0], [s.pay("a"), s.pay("b", 200)])
        other = engine.sender.submit(s.lanes[1], s.pay("c", 300))
        s.network.forget_pool(0)
        stolen = s.world.raw(s.pay("theft", 999), lane=0, nonce=0)
        s.network.inject(stolen)
        s.network.start(1)
        s.network.start(2)
        engine.run(s.network.clock, 60)
        assert [engine.state(each) for each in ours] == ["QUARANTINED", "FINAL"]
        assert engine.state(other) == "FINAL"
        assert sorted(s.paid()) == [200, 300, 999]
        with pytest.raises(ForeignNonce):
            engine.sender.wait(ours[0].id, 1)
        with pytest.raises(LaneHalted):
            engine.sender.submit(s.lanes[0], s.pay("d"))


def test_a_transaction_of_ours_is_never_foreign_whatever_became_of_it(place: Place) -> None:
    """A cancel that came to be beside a payment that was final already."""
    with stage(place) as s:
        engine, wallet = s.engine(), s.lanes[0].address
        paid = engine.sender.submit(s.lanes[0], s.pay("paid"))
        engine.run(s.network.clock, 10)
        assert engine.state(paid) == "FINAL"
        assert engine.journal.attempts.add_cancels(wallet, [0]) == 1
        engine.run(s.network.clock, 10)
        assert {each.state for each in engine.journal.attempts.at(wallet, 0)} == {"FINAL", "DEAD"}
        later = engine.sender.submit(s.lanes[0], s.pay("later", 200))
        engine.run(s.network.clock, 10)
        assert engine.journal.lanes.read(wallet).state is LaneState.OK  # type: ignore[union-attr]
        assert engine.state(later) == "FINAL"
        assert engine.journal.alarms.list() == []
        assert s.paid() == [100, 200]


def test_a_restored_copy_neither_doubles_nor_loses(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        before = engine.sender.submit(s.lanes[0], s.pay("before"))
        engine.run(s.network.clock, 4)
        copy = s.copy()
        s.network.stop(1)
        s.network.stop(2)  # no block any more: what follows is pending when the copy comes back
        lost = engine.sender.submit_many(s.lanes[0], [s.pay(f"lost {i}", 200 + i) for i in range(3)])
        assert [each.nonce for each in lost] == [1, 2, 3]
        engine.close()
        s.restore(copy)
        s.network.start(1)
        s.network.start(2)
        engine = s.engine()
        assert [lane.state for lane in engine.journal.lanes.all() if lane.wallet == s.lanes[0].address] == [
            LaneState.RECOVERING
        ]
        again = engine.sender.submit_many(s.lanes[0], [s.pay(f"lost {i}", 200 + i) for i in range(3)])
        engine.run(s.network.clock, 60)
        assert engine.state(before) == "FINAL"
        assert {engine.state(each) for each in again} == {"FINAL"}
        assert sorted(s.paid()) == [100, 200, 201, 202]
        assert {lane.state for lane in engine.journal.lanes.all()} == {LaneState.OK}


def test_a_lost_mark_uses_up_the_window(place: Place) -> None:
    with stage(place, settings=Settings(window=8)) as s:
        engine = s.engine()
        engine.sender.submit(s.lanes[0], s.pay("before"))
        engine.run(s.network.clock, 4)
        engine.close()
        s.lanes[0].lost = True
        engine = s.engine()
        after = engine.sender.submit(s.lanes[0], s.pay("after", 200))
        engine.run(s.network.clock, 20)
        assert engine.state(after) == "FINAL"
        assert engine.journal.get(after.id).nonce == 9
        assert s.paid() == [100, 200]


def test_what_every_node_refuses_frees_its_nonce(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage(place) as s:
        engine = s.engine()
        bad = s.pay("bad")
        # Our own checks go by what the nodes announce, which is more than they take.
        monkeypatch.setattr("chains.model.node.GAS_LIMIT", 200_000)
        refused = engine.sender.submit(s.lanes[0], bad, simulate=False)
        later = engine.sender.submit(s.lanes[0], replace(s.pay("good", 200), gas=190_000), simulate=False)
        engine.run(s.network.clock, 120)
        assert engine.state(refused) == "REJECTED"
        assert engine.state(later) == "FINAL"
        assert s.paid() == [200]


def test_what_the_signer_refuses_frees_its_nonce(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        s.lanes[0].refuses = SigningRefused
        with pytest.raises(SigningRefused):
            engine.sender.submit(s.lanes[0], s.pay("forbidden"))
        forbidden = engine.sender.find(s.lanes[0].address, "forbidden")
        assert forbidden is not None
        engine.run(s.network.clock, 20)
        assert engine.state(forbidden) == "REJECTED"
        assert len(s.network.judge_view().transactions) == 1, "refused once, not tried again when the policy changes"
        s.lanes[0].refuses = None
        later = engine.sender.submit(s.lanes[0], s.pay("later", 200))
        engine.run(s.network.clock, 5)
        assert engine.state(later) == "FINAL"
        assert s.paid() == [200]


def test_the_quorum_is_lost_for_two_minutes(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        s.network.stop(2)
        s.network.stop(3)
        accepted = [engine.sender.submit(s.lanes[i % 3], s.pay(f"p{i}", 100 + i)) for i in range(12)]
        engine.run(s.network.clock, 120)
        assert s.paid() == []
        s.network.forget_pool(0)
        s.network.start(2)
        s.network.start(3)
        engine.run(s.network.clock, 240)
        assert {engine.state(each) for each in accepted} == {"FINAL"}
        assert sorted(s.paid()) == [100 + i for i in range(12)]


def test_a_thief_that_pays_nothing_is_met_like_a_cancel(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        s.network.stop(1)
        s.network.stop(2)
        ours = engine.sender.submit(s.lanes[0], s.pay("a"))
        s.network.forget_pool(0)
        Thief(s.network, key(0)).send_to_self(nonce=0)
        s.network.start(1)
        s.network.start(2)
        engine.run(s.network.clock, 90)
        assert engine.state(ours) == "FINAL"
        assert s.paid() == [100]


def test_a_chain_started_anew_from_its_files_is_another(place: Place) -> None:
    with stage(place) as s:
        s.network.clock.sleep(70)
        s.engine().close()
        s.network.clock.sleep(10)
        s.engine().close()
    with stage(place, seed=2) as s:
        s.network.clock.sleep(90)
        with pytest.raises(JournalOfOtherChain):
            s.engine()


def test_what_is_on_its_way_counts_as_spent(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        whole = 10**9
        first = engine.sender.submit(s.lanes[0], s.pay("most", whole - 100))
        with pytest.raises(InFlightExceedsFunds) as caught:
            engine.sender.submit(s.lanes[0], s.pay("too much", 101))
        assert (caught.value.details["amount"], caught.value.details["in_flight"]) == (101, whole - 100)
        assert engine.sender.find(s.lanes[0].address, "too much") is None
        rest = engine.sender.submit(s.lanes[0], s.pay("the rest", 100))
        engine.run(s.network.clock, 5)
        assert (engine.state(first), engine.state(rest)) == ("FINAL", "FINAL")
        assert s.paid() == [whole - 100, 100]


def test_what_is_on_its_way_counts_against_the_limit_over_all_wallets(place: Place) -> None:
    with stage(place) as s:
        s.network.limit(s.world.payer, "EUR", 1_000)
        s.network.clock.sleep(3)
        engine = s.engine()
        engine.sender.submit(s.lanes[0], s.pay("a", 600))
        with pytest.raises(InFlightExceedsFunds) as caught:
            engine.sender.submit(s.lanes[1], s.pay("b", 401))
        assert caught.value.details["what"] == "limit"
        engine.sender.submit(s.lanes[1], s.pay("b", 400))
        engine.run(s.network.clock, 5)
        assert sorted(s.paid()) == [400, 600]


def test_a_batch_is_one_transaction_and_each_payment_its_own(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        operations = [s.pay(f"line {i}", 100 + i) for i in range(5)]
        accepted = engine.sender.submit_together(s.lanes[0], s.together(operations), operations)
        assert {each.nonce for each in accepted} == {0}
        engine.run(s.network.clock, 4)
        assert {engine.state(each) for each in accepted} == {"FINAL"}
        assert s.paid() == [100, 101, 102, 103, 104]
        again = engine.sender.submit_together(s.lanes[0], s.together(operations), operations)
        assert [each.id for each in again] == [each.id for each in accepted]
        assert len(s.network.judge_view().transactions) == 1


def test_a_batch_that_reverts_is_split(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        whole = 10**9
        s.network.stop(1)
        s.network.stop(2)
        operations = [s.pay("line 0", 100), s.pay("line 1", whole - 150), s.pay("line 2", 30)]
        accepted = engine.sender.submit_together(s.lanes[0], s.together(operations), operations)
        # Meanwhile the bank lowers what the payer may move in a day: all three are not allowed any more.
        s.network.limit(s.world.payer, "EUR", 200)
        s.network.start(1)
        s.network.start(2)
        engine.run(s.network.clock, 60)
        assert [engine.state(each) for each in accepted] == ["FINAL", "REJECTED", "FINAL"]
        assert sorted(s.paid()) == [30, 100]
        with pytest.raises(OperationRejected) as caught:
            engine.sender.wait(accepted[1].id, 1)
        assert caught.value.details["error"]["code"] == "DAILY_LIMIT_EXCEEDED"


@pytest.mark.parametrize("over", [0, 1], ids=["the same wallet", "a wallet that had sent nothing by then"])
def test_a_failure_told_by_a_restored_copy_is_doubted_until_the_chain_was_asked(place: Place, over: int) -> None:
    """It may have been tried again since, over whatever wallet."""
    with stage(place) as s:
        engine = s.engine()
        s.network.limit(s.world.payer, "EUR", 50)
        s.network.clock.sleep(3)
        failed = [engine.sender.submit(s.lanes[0], s.pay(f"p{i}", 100 + i), simulate=False) for i in range(2)]
        engine.run(s.network.clock, 5)
        assert [engine.state(each) for each in failed] == ["REVERTED", "REVERTED"]
        copy = s.copy()
        s.network.limit(s.world.payer, "EUR", 10**9)
        s.network.clock.sleep(3)
        engine.sender.submit(s.lanes[over], s.pay("p0", 100))
        engine.run(s.network.clock, 5)
        engine.close()
        s.restore(copy)
        s.network.stop(2)
        s.network.stop(3)
        engine = s.engine()
        assert engine.state(failed[1]) == "DOUBTED"
        s.network.start(2)
        s.network.start(3)
        engine.run(s.network.clock, 90)
        assert [engine.state(each) for each in failed] == ["FINAL", "REVERTED"]
        assert s.paid() == [100]
