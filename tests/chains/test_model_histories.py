"""The sender drives payments to their end on the model: quickly, and the same way for the same seed."""

from __future__ import annotations

import time

import pytest

from chains.model import ANVIL, BESU, BESU_LAYERED, GETH, Fault, Manners, Network
from chains.model_support import World, sender_on
from pyjpm.sending import SubmissionState


def history(seed: int, manners: Manners = BESU, *, payments: int = 20) -> tuple[World, list[str]]:
    """Payments over three lanes, all waited for; the states they end in."""
    world = World(Network(seed, nodes=2, manners=manners))
    with sender_on(world.network) as sender:
        accepted = [sender.submit(world.lanes[i % 3], world.pay(f"payment {i}", 100 + i)) for i in range(payments)]
        states = [sender.wait(each.id, 120).state for each in accepted]
    return world, states


@pytest.mark.parametrize("manners", [BESU, BESU_LAYERED, ANVIL, GETH], ids=["besu", "layered", "anvil", "geth"])
def test_twenty_payments_over_three_lanes_become_final(manners: Manners) -> None:
    world, states = history(1, manners)
    assert states == [SubmissionState.FINAL] * 20
    truth = world.network.judge_view()
    assert sorted(each.amount for each in truth.payments) == list(range(100, 120))
    assert {each.reference for each in truth.payments} == {world.reference(f"payment {i}") for i in range(20)}
    assert {(each.payer, each.payee) for each in truth.payments} == {(world.payer, world.payee)}
    assert set(truth.references.values()) == {"PAID"}
    assert truth.living == ()
    assert [truth.nonces[lane.address.lower()] for lane in world.lanes] == [7, 7, 6]


def test_one_seed_is_one_history() -> None:
    digests = []
    for seed in (5, 5, 6):
        world = World(Network(seed, nodes=2))
        world.network.disturb({Fault.WRONG_HASH: 0.1, Fault.DUPLICATE: 0.1, Fault.REORDER: 0.1})
        with sender_on(world.network) as sender:
            for i in range(12):
                sender.submit(world.lanes[i % 3], world.pay(f"payment {i}"), simulate=False)
            world.network.restart(1, down=1, behind=2)
            world.network.clock.sleep(10)
        digests.append(world.network.digest())
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_the_model_itself_takes_little_of_a_history(record_property: pytest.RecordProperty) -> None:
    history(1)  # what is loaded once
    world = World(Network(2, nodes=2))
    raws = [world.raw(world.pay(f"payment {i}"), lane=i % 3, nonce=i // 3) for i in range(200)]
    start = time.perf_counter()
    connection = world.network.connection(0)
    answers = connection.send_raw_many(raws)
    world.network.clock.sleep(3)
    receipts = connection.receipts([each.tx_hash for each in answers])
    seconds = time.perf_counter() - start
    assert [each.succeeded for each in receipts if each] == [True] * 200
    rate = 200 / seconds
    record_property("payments_per_second", round(rate))
    print(f"{rate:.0f} payments/s of the model with its connection")
    assert rate > 400  # 20 payments in 50 ms, on a machine that is doing other things
