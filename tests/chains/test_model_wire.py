"""What goes wrong between client and node in the model: what the client gets to see, and whether the node acted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chains.model import BESU, Fault, Network, hash_of
from chains.model_support import World, sender_on
from pyjpm.chain.nodes import Nodes
from pyjpm.errors.chain import (
    ChainError,
    NodeBadAnswer,
    NodeOverloaded,
    NodeTimeout,
    NodeUnauthorized,
    NodeUnreachable,
)
from pyjpm.sending import SubmissionState

SEND = "eth_sendRawTransaction"

FAULTS: list[tuple[Fault, type[ChainError] | None, bool]] = [
    (Fault.DROP_REQUEST, NodeTimeout, False),
    (Fault.DROP_RESPONSE, NodeTimeout, True),
    (Fault.RESET, NodeUnreachable, False),
    (Fault.RESET_AFTER, NodeUnreachable, True),
    (Fault.OVERLOADED, NodeOverloaded, False),
    (Fault.OVERLOADED_AFTER, NodeOverloaded, True),
    (Fault.UNAUTHORIZED, NodeUnauthorized, False),
    (Fault.TRUNCATED, ChainError, True),
    (Fault.OF_ANOTHER, ChainError, True),
    (Fault.DUPLICATE, None, True),
    (Fault.REORDER, None, True),
    (Fault.WRONG_HASH, None, True),
    (Fault.WRONG_ERROR, None, True),
    (Fault.DUPLICATE_LATER, None, True),
]


@pytest.mark.parametrize(("fault", "error", "acted"), FAULTS, ids=[each[0].name for each in FAULTS])
def test_each_fault_is_what_it_says(fault: Fault, error: type[ChainError] | None, acted: bool) -> None:
    world = World(Network(4))
    network = world.network
    raw = world.raw(world.pay("one"))
    network.wires[0].order(fault, SEND)
    provider = network.provider(0, timeout=3.0)
    assert provider.make_request("web3_clientVersion", [])["result"] == BESU.version  # another method: no fault
    before = network.clock.monotonic()
    if error is not None:
        with pytest.raises(error):
            provider.make_request(SEND, ["0x" + raw.hex()])
    else:
        answered = provider.make_request(SEND, ["0x" + raw.hex()])
        told = answered.get("result") == hash_of(raw)
        assert told is (fault in (Fault.REORDER, Fault.DUPLICATE_LATER)) or fault is Fault.DUPLICATE
    assert (network.clock.monotonic() - before >= 3.0) is (error is NodeTimeout)
    truth = network.judge_view()
    assert (truth.lives(world.lanes[0].address, 0) or len(truth.payments) == 1) is acted
    network.clock.sleep(3)
    assert len(network.judge_view().payments) == acted
    assert provider.make_request("eth_chainId", [])["result"] == hex(network.chain.chain_id)


def test_what_comes_too_late_is_carried_out_all_the_same() -> None:
    late = waited = 0
    for seed in range(12):
        world = World(Network(seed))
        network = world.network
        raw = world.raw(world.pay("one"))
        network.wires[0].order(Fault.DELAY, SEND)
        try:
            network.provider(0, timeout=3.0).make_request(SEND, ["0x" + raw.hex()])
            waited += 1
        except NodeTimeout:
            late += 1
        # In the pool or still on its way: it lives either way, and is mined.
        assert network.judge_view().lives(world.lanes[0].address, 0)
        network.clock.sleep(5)
        assert len(network.judge_view().payments) == 1
    assert late > 0
    assert waited > 0


def test_bytes_come_again_much_later_and_pay_once() -> None:
    world = World(Network(9))
    network = world.network
    raw = world.raw(world.pay("one"))
    network.wires[0].order(Fault.DUPLICATE_LATER, SEND)
    network.provider(0).make_request(SEND, ["0x" + raw.hex()])
    network.clock.sleep(40)
    assert [entry[3]["error"]["message"] for entry in network.log if entry[1] == "late"] == ["Nonce too low"]
    assert len(network.judge_view().payments) == 1


def test_a_batch_goes_wrong_as_a_whole_and_answers_stay_in_place() -> None:
    world = World(Network(2))
    network = world.network
    raws = [world.raw(world.pay(f"p{i}"), nonce=i) for i in range(8)]
    calls: list[Any] = [(SEND, ["0x" + raw.hex()]) for raw in raws]
    provider = network.provider(0, timeout=2.0)
    network.wires[0].order(Fault.REORDER, SEND)
    answers = provider.make_batch_request(calls)
    assert [each["result"] for each in answers] == [hash_of(raw) for raw in raws]
    offered = [each.nonce for each in network.nodes[0].pool]
    assert sorted(offered) == list(range(8))
    assert offered != list(range(8))
    network.wires[0].order(Fault.TRUNCATED)
    with pytest.raises((NodeBadAnswer, ChainError)):
        provider.make_batch_request(calls)


def test_rates_are_kept_and_end() -> None:
    network = Network(3, nodes=2)
    network.disturb({Fault.RESET: 0.2, Fault.WRONG_ERROR: 0.1}, until=100.0)
    said: Counter[str] = Counter()
    provider = network.provider(1)
    while network.clock.monotonic() < 99:
        try:
            answered = provider.make_request("eth_chainId", [])
            said["error" if "error" in answered else "fine"] += 1
        except NodeUnreachable:
            said["reset"] += 1
        network.clock.sleep(0.05)
    total = said.total()
    assert 0.15 < said["reset"] / total < 0.25
    assert 0.06 < said["error"] / total < 0.14
    network.clock.sleep(2)
    assert all("result" in provider.make_request("eth_chainId", []) for _ in range(200))


@pytest.mark.parametrize("seed", range(4))
def test_a_sender_reaches_the_end_through_a_bad_wire(seed: int) -> None:
    world = World(Network(seed))
    network = world.network
    with sender_on(network) as sender:
        network.disturb(
            {Fault.DROP_RESPONSE: 0.05, Fault.WRONG_HASH: 0.1, Fault.DUPLICATE: 0.1, Fault.REORDER: 0.1}, until=60.0
        )
        operations = [world.pay(f"p{i}") for i in range(9)]
        accepted = []
        for i, operation in enumerate(operations):
            for _ in range(20):
                try:
                    accepted.append(sender.submit(world.lanes[i % 3], operation, simulate=False))
                    break
                except ChainError:
                    network.clock.sleep(1)
        states = [sender.wait(each.id, 600).state for each in accepted]
    assert states == [SubmissionState.FINAL] * 9
    assert len(network.judge_view().payments) == 9


def test_several_nodes_are_one_chain_to_the_package() -> None:
    world = World(Network(6, nodes=3))
    network = world.network
    network.clock.sleep(3.2)
    nodes = Nodes(
        [network.connection(i) for i in range(3)],
        parallel=False,
        clock=network.clock,
    )
    network.lag(0, 20)
    network.clock.sleep(5)
    network.stop(2)
    view = nodes.best()
    assert view.number == network.chain.head.number
    assert view.connection.where == "http://node-1.model:8545"
    raw = world.raw(world.pay("one"))
    (answers,) = nodes.send([raw])
    assert [each.outcome.value for each in answers] == ["ACCEPTED", "ACCEPTED", "UNKNOWN"]
    network.clock.sleep(7)
    assert len(network.judge_view().payments) == 1
