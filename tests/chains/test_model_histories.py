"""The sender drives payments to their end on the model: quickly, and the same way for the same seed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from chains.model import ANVIL, BESU, BESU_LAYERED, GETH, Manners, Network
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


SCRIPT = """
import contextlib, sys
from chains.model import Fault, Network
from chains.model_support import World
from pyjpm.errors.chain import ChainError
seed = int(sys.argv[1])
world = World(Network(seed, nodes=3))
network = world.network
network.disturb(dict.fromkeys(Fault, 0.04))
operations = [world.pay(f"payment {i}") for i in range(24)]
network.clock.at(4.0, lambda: network.restart(1, down=1, behind=4, forgets=1, saves_pool=True))
network.clock.at(9.0, lambda: network.lag(2, 3))
for turn in range(3):
    for i, operation in enumerate(operations):
        raw = world.raw(operation, lane=i % 3, nonce=i // 3)
        with contextlib.suppress(ChainError):
            provider = network.provider(i % 2, timeout=0.5)
            provider.make_request("eth_sendRawTransaction", ["0x" + raw.hex()])
            provider.make_batch_request([("eth_blockNumber", []), ("eth_syncing", [])])
    network.clock.sleep(3)
print(network.digest(), len(network.judge_view().payments))
"""


def test_one_seed_is_one_history() -> None:
    def told(seed: int, hash_seed: str) -> str:
        environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(seed)], env=environment, capture_output=True, text=True, check=True
        )
        return run.stdout

    first = told(5, "1")
    assert first == told(5, "2")
    assert first.endswith(" 24\n")
    assert first != told(6, "1")


def model_seconds(seed: int, payments: int = 200) -> float:
    """Processor time (others use this machine too) that the model takes for payments that all are mined."""
    world = World(Network(seed, nodes=2))
    raws = [world.raw(world.pay(f"payment {i}"), lane=i % 3, nonce=i // 3) for i in range(payments)]
    start = time.process_time()
    connection = world.network.connection(0)
    answers = connection.send_raw_many(raws)
    world.network.clock.sleep(3)
    receipts = connection.receipts([each.tx_hash for each in answers])
    seconds = time.process_time() - start
    assert [each.succeeded for each in receipts if each] == [True] * payments
    return seconds


def test_the_model_itself_takes_little_of_a_history(record_property: pytest.RecordProperty) -> None:
    history(1)  # what is loaded once
    rate = 200 / min(model_seconds(seed) for seed in range(2, 7))  # one of them may pay for all garbage of the tests
    record_property("payments_per_second", round(rate))
    print(f"{rate:.0f} payments/s of the model with its connection")
    assert rate > 1_000
