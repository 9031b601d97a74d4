"""Each manner of a real network, by its number (``chains.model.manners``), in the model."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from coincurve import PrivateKey

from chains.model import ANVIL, BESU, BESU_LAYERED, GETH, Manners, Network, RpcError, Thief, hash_of, sign
from chains.model_support import World, key, sender_on
from pyjpm.chain.broadcast import SendOutcome
from pyjpm.errors.chain import BlockNotAvailable, NodeError, NodeUnreachable
from pyjpm.sending import SubmissionState


def ask(network: Network, method: str, *params: Any, node: int = 0) -> dict[str, Any]:
    """A node's answer as it is."""
    return dict(network.provider(node).make_request(method, list(params)))


def error(network: Network, method: str, *params: Any, node: int = 0) -> tuple[int, str]:
    """The code and text that a node refuses with."""
    refused = ask(network, method, *params, node=node)["error"]
    return refused["code"], refused["message"]


def send(network: Network, raw: bytes, node: int = 0) -> dict[str, Any]:
    return ask(network, "eth_sendRawTransaction", "0x" + raw.hex(), node=node)


def refusal(network: Network, raw: bytes, node: int = 0) -> tuple[int, str]:
    return error(network, "eth_sendRawTransaction", "0x" + raw.hex(), node=node)


def receipt(network: Network, raw: bytes, node: int = 0) -> Any:
    return ask(network, "eth_getTransactionReceipt", hash_of(raw), node=node)["result"]


def height(network: Network, node: int = 0) -> int:
    return int(ask(network, "eth_blockNumber", node=node)["result"], 16)


def world(manners: Manners = BESU, *, nodes: int = 2, seed: int = 3) -> World:
    return World(Network(seed, nodes=nodes, manners=manners))


def settle(network: Network, seconds: float = 2.2) -> None:
    network.clock.sleep(seconds)


# --- 1, 3, 5: who uses a nonce -------------------------------------------------------------------------------------


def test_1_a_second_transaction_silently_replaces_the_first() -> None:
    made = world()
    network = made.network
    first, second = made.raw(made.pay("first")), made.raw(made.pay("second"))
    assert send(network, first)["result"] == hash_of(first)
    assert send(network, second)["result"] == hash_of(second)
    assert ask(network, "eth_getTransactionByHash", hash_of(first))["result"] is None
    settle(network)
    assert receipt(network, first) is None
    assert receipt(network, second)["status"] == "0x1"
    assert [each.reference for each in network.judge_view().payments] == [made.reference("second")]


@pytest.mark.parametrize("manners", [ANVIL, GETH], ids=["anvil", "geth"])
def test_1_others_refuse_the_second(manners: Manners) -> None:
    made = world(manners)
    first, second = made.raw(made.pay("first")), made.raw(made.pay("second"))
    send(made.network, first)
    assert refusal(made.network, second)[1] == "replacement transaction underpriced"
    settle(made.network)
    assert receipt(made.network, first)["status"] == "0x1"


def test_1_two_nodes_may_swap_what_they_hold() -> None:
    made = world()
    network = made.network
    first, second = made.raw(made.pay("first")), made.raw(made.pay("second"))
    network.inject(first, 0)
    network.inject(second, 1)
    network.clock.sleep(0.2)
    held = [{each.hash for each in node.pool} for node in network.nodes[:2]]
    assert held == [{hash_of(second)}, {hash_of(first)}]
    settle(network)
    assert len(network.judge_view().payments) == 1


@pytest.mark.parametrize(("manners", "clears"), [(BESU, False), (BESU_LAYERED, True)], ids=["sequenced", "layered"])
def test_3_a_priced_transaction_jams_its_sender(manners: Manners, clears: bool) -> None:
    made = world(manners)
    network = made.network
    thief = Thief(network, key(0))
    priced = thief.sign(thief.wallet, gas=21_000, price=1_000_000_000)
    assert send(network, priced)["result"] == hash_of(priced)
    after = made.raw(made.pay("after"), nonce=1)
    send(network, after)
    settle(network, 4)
    assert receipt(network, priced) is None
    assert ask(network, "eth_getTransactionByHash", hash_of(priced))["result"]["blockNumber"] is None
    assert receipt(network, after) is None

    cancel = thief.sign(thief.wallet, gas=21_000)
    if clears:
        assert send(network, cancel)["result"] == hash_of(cancel)
    else:
        assert refusal(network, cancel) == (-32000, "Replacement transaction underpriced")
    settle(network)
    assert (receipt(network, cancel) is not None) is clears
    assert (receipt(network, after) is not None) is clears
    if not clears:  # what frees a jam: the same price or more, and money to pay it
        network.fund_ether(thief.wallet, 10**18)
        settle(network)
        assert receipt(network, priced)["status"] == "0x1"
        assert receipt(network, after)["status"] == "0x1"


def test_3_others_refuse_what_cannot_be_paid_for() -> None:
    made = world(ANVIL)
    thief = Thief(made.network, key(0))
    with pytest.raises(RpcError) as caught:
        thief.send_to_self(price=1)
    assert caught.value.error == {"code": -32003, "message": "Insufficient funds for gas * price + value"}


def test_5_a_used_nonce_does_not_say_by_whom() -> None:
    made = world()
    network = made.network
    ours = made.raw(made.pay("ours"))
    Thief(network, key(0)).send_to_self()
    settle(network)
    assert refusal(network, ours) == (-32001, "Nonce too low")
    assert receipt(network, ours) is None
    assert network.judge_view().payments == ()


# --- 2: hashes that prove nothing ----------------------------------------------------------------------------------


def test_2_a_restarting_node_answers_a_hash_and_forgets() -> None:
    made = world()
    network = made.network
    network.restart(0, down=1, behind=20, forgets=0.5)
    with pytest.raises(NodeUnreachable):
        height(network)
    network.clock.sleep(1.1)
    raw = made.raw(made.pay("forgotten"))
    assert send(network, raw)["result"] == hash_of(raw)
    assert ask(network, "eth_getTransactionByHash", hash_of(raw))["result"] is None
    assert network.judge_view().living == ()

    network.clock.sleep(15)
    assert refusal(network, raw) == (
        -32002,
        "Transaction pool not enabled. (Either txpool explicitly disabled, or node not yet in sync).",
    )
    assert ask(network, "eth_syncing")["result"] is False
    assert height(network) == 0
    assert height(network, node=1) >= 8  # every fourth block waits for the dead proposer's turn
    network.clock.sleep(6)
    assert height(network) == height(network, node=1)
    assert receipt(network, raw) is None
    assert send(network, raw)["result"] == hash_of(raw)
    settle(network)
    assert receipt(network, raw)["status"] == "0x1"


@pytest.mark.parametrize("saved", [True, False])
def test_2_a_node_that_is_down_may_alone_hold_bytes(saved: bool) -> None:
    made = world()
    network = made.network
    raw = made.raw(made.pay("hidden"))
    network.mute(1, 5)
    network.inject(raw, 1)
    network.stop(1, saves_pool=saved)
    settle(network, 30)
    assert receipt(network, raw) is None
    truth = network.judge_view()
    assert truth.lives(made.lanes[0].address, 0) is saved
    if saved:
        (living,) = truth.living
        assert (living.nodes, living.down) == ((1,), (1,))
    network.start(1, behind=2)
    settle(network, 8)
    assert (receipt(network, raw) is not None) is saved


def test_2_a_node_that_forgets_its_pool_loses_what_only_it_had() -> None:
    made = world()
    network = made.network
    raw = made.raw(made.pay("lost"))
    network.mute(0, 1)
    send(network, raw)
    network.forget_pool(0)
    settle(network, 5)
    assert receipt(network, raw) is None
    assert send(network, raw)["result"] == hash_of(raw)  # as if it had never seen it
    settle(network)
    assert receipt(network, raw) is not None


# --- 4, 6, 7, 8, 14: what a node shows -----------------------------------------------------------------------------


def test_4_an_announced_height_is_null_for_a_while() -> None:
    network = world(replace(BESU, null_chance=1.0)).network
    nulls, seen = 0, 0
    while height(network) < 6:
        network.clock.sleep(0.003)
        announced = height(network)
        if ask(network, "eth_getBlockByNumber", hex(announced), False)["result"] is None:
            nulls += 1
            assert ask(network, "eth_getTransactionCount", "0x" + "11" * 20, hex(announced))["result"] in (None, "0x0")
        else:
            seen = max(seen, announced)
    assert nulls > 3
    assert seen >= 5
    waits = [served - announced for each in network.chain.blocks[1:] for announced, served in each.arrivals]
    assert 0 < max(waits) <= 0.05


def test_6_beyond_the_head_is_an_error_or_null() -> None:
    network = world().network
    settle(network)
    head = height(network)
    beyond = {"fromBlock": "0x0", "toBlock": hex(head + 50)}
    assert error(network, "eth_getLogs", beyond) == (-32602, "Invalid params")
    assert error(network, "eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x0"}) == (-32602, "Invalid params")
    call = {"to": network.token("EUR"), "data": "0x313ce567"}
    assert ask(network, "eth_call", call, hex(head + 50))["result"] is None
    with network.clock.driving(), pytest.raises(BlockNotAvailable):
        network.connection().call(network.token("EUR"), bytes.fromhex("313ce567"), block=head + 50)

    other = world(ANVIL).network
    settle(other)
    assert ask(other, "eth_getLogs", beyond)["result"] == []
    assert error(other, "eth_call", call, hex(1_000_000_000)) == (
        -32602,
        f"BlockOutOfRangeError: block height is {height(other)} but requested was 1000000000",
    )


def test_6_logs_are_found_by_range_hash_address_and_topic() -> None:
    made = world()
    network = made.network
    send(network, made.raw(made.pay("one")))
    send(network, made.raw(made.pay("two", currency="USD"), lane=1))
    settle(network)
    block = next(each for each in network.chain.blocks if each.mined)
    everything = ask(network, "eth_getLogs", {"blockHash": block.hash})["result"]
    assert [int(log["logIndex"], 16) for log in everything] == [0, 1, 2, 3]
    ranged = {"fromBlock": "0x0", "toBlock": "latest"}
    assert ask(network, "eth_getLogs", ranged)["result"] == everything
    one = {**ranged, "address": network.token("EUR"), "topics": [None, None, None, "0x" + made.reference("one").hex()]}
    (paid,) = ask(network, "eth_getLogs", one)["result"]
    assert paid["transactionHash"] == hash_of(made.raw(made.pay("one")))
    assert ask(network, "eth_getLogs", {**one, "address": [network.token("USD")]})["result"] == []
    assert error(network, "eth_getLogs", {"blockHash": "0x" + "ab" * 32}) == (-32000, "Block not found")


def test_7_neither_finalized_nor_safe_and_whole_seconds() -> None:
    network = world().network
    for tag in ("finalized", "safe"):
        assert error(network, "eth_getBlockByNumber", tag, False) == (-39001, "Unknown block")
        assert "result" in ask(world(ANVIL).network, "eth_getBlockByNumber", tag, False)
    settle(network, 10)
    times = [each.timestamp for each in network.chain.blocks]
    assert [later - earlier for earlier, later in pairwise(times)] == [1] * (len(times) - 1)


def test_8_blocks_carry_327_bytes_of_extra_data() -> None:
    network = world().network
    settle(network)
    block = network.connection().web3.eth.get_block("latest")
    assert len(block["proofOfAuthorityData"]) == 327


def test_14_old_state_is_gone_where_it_is_pruned() -> None:
    made = world(replace(BESU, keeps_state=5))
    network = made.network
    settle(network, 10)
    who = made.lanes[0].address
    assert ask(network, "eth_getTransactionCount", who, hex(height(network) - 4))["result"] == "0x0"
    assert error(network, "eth_getTransactionCount", who, "0x1") == (-32000, "World state unavailable")
    assert ask(network, "eth_getBlockByNumber", "0x1", False)["result"]["number"] == "0x1"


# --- 9 to 13: what a node takes ------------------------------------------------------------------------------------


def test_9_another_chain_and_none() -> None:
    owner = PrivateKey(key(7))
    other = sign(owner, chain_id=1, nonce=0, to="0x" + "11" * 20, gas=21_000)
    none = sign(owner, chain_id=None, nonce=0, to="0x" + "11" * 20, gas=21_000)
    network = world().network
    assert refusal(network, other) == (-32000, "Wrong chainId")
    assert send(network, none)["result"] == hash_of(none)
    settle(network)
    assert receipt(network, none)["status"] == "0x1"
    anvil = world(ANVIL).network
    assert send(anvil, other)["result"] == hash_of(other)


def test_10_a_malformed_address_is_taken() -> None:
    assert ask(world().network, "eth_call", {"to": "0x12", "data": "0x"}, "latest")["result"] == "0x"
    refused = error(world(ANVIL).network, "eth_call", {"to": "0x12", "data": "0x"}, "latest")
    assert refused == (-32602, "invalid string length")


def test_11_a_batch_that_is_too_long_is_answered_by_one_object() -> None:
    provider = world().network.provider(0)
    calls: list[Any] = [("eth_chainId", [])] * 1_024
    answers = provider.make_batch_request(calls)
    assert isinstance(answers, list)
    assert len(answers) == 1_024
    assert provider.make_batch_request([*calls, ("eth_chainId", [])]) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32005, "message": "Number of requests exceeds max batch size"},
    }
    assert len(world(ANVIL).network.provider(0).make_batch_request(calls * 2)) == 2_048


def test_12_future_nonces_are_taken_up_to_a_distance() -> None:
    made = world()
    network, operation = made.network, made.pay("far")
    near = made.raw(operation, nonce=100)
    assert send(network, near)["result"] == hash_of(near)
    assert refusal(network, made.raw(operation, nonce=5_000)) == (
        -32000,
        "Transaction nonce is too distant from current sender nonce",
    )
    default = world(replace(BESU, future_window=5))
    assert "result" in send(default.network, default.raw(operation, nonce=5))
    assert "error" in send(default.network, default.raw(operation, nonce=6))
    anvil = world(ANVIL)
    assert "result" in send(anvil.network, anvil.raw(operation, nonce=5_000))


@pytest.mark.parametrize(("manners", "counted"), [(BESU, "0x4"), (ANVIL, "0x2")], ids=["besu", "anvil"])
def test_12_pending_counts_over_a_gap_or_not(manners: Manners, counted: str) -> None:
    made = world(manners)
    network, who = made.network, made.lanes[0].address
    for nonce in (0, 1):
        send(network, made.raw(made.pay(str(nonce)), nonce=nonce))
    settle(network)
    send(network, made.raw(made.pay("over the gap"), nonce=3))
    assert ask(network, "eth_getTransactionCount", who, "latest")["result"] == "0x2"
    assert ask(network, "eth_getTransactionCount", who, "pending")["result"] == counted


def test_13_an_allowlist_bites_at_the_node_that_has_it() -> None:
    made = world()
    network = made.network
    raw = made.raw(made.pay("denied"))
    network.deny(0, made.lanes[0].address)
    assert refusal(network, raw) == (-32007, "Sender account not authorized to send transactions")
    assert send(network, raw, node=1)["result"] == hash_of(raw)
    network.clock.sleep(0.2)
    assert len(network.nodes[0].pool) == 0
    assert len(network.nodes[2].pool) == 1
    settle(network, 5)
    assert receipt(network, raw, node=0)["status"] == "0x1"
    proposer = next(each for each in network.chain.blocks if each.mined).proposer
    assert proposer != network.nodes[0].address


# --- how blocks come -----------------------------------------------------------------------------------------------


def test_a_dead_validator_costs_five_seconds_every_fourth_block() -> None:
    network = world(nodes=2).network
    network.stop(3)
    settle(network, 60)
    times = [each.timestamp for each in network.chain.blocks[1:]]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert set(gaps) == {1, 5}
    fives = [place for place, gap in enumerate(gaps) if gap == 5]
    assert {later - earlier for earlier, later in pairwise(fives)} == {4}


def test_without_a_quorum_there_is_no_block_and_the_next_one_waits_for_a_long_round() -> None:
    made = world()
    network = made.network
    settle(network, 5.2)
    network.stop(2)
    network.stop(3)
    before = height(network)
    raws = [made.raw(made.pay(f"waits {i}"), nonce=i) for i in range(10)]
    assert [send(network, raw)["result"] for raw in raws] == [hash_of(raw) for raw in raws]
    network.clock.sleep(120)
    assert height(network) == before
    assert len(network.judge_view().living) == 10
    back = network.clock.monotonic()
    network.start(2)
    network.start(3)
    while height(network) == before:
        network.clock.sleep(0.5)
    assert 1 < network.clock.monotonic() - back <= 128
    settle(network, 4)  # those that were away propose first, and know nothing
    assert all(receipt(network, raw)["status"] == "0x1" for raw in raws)
    times = [each.timestamp for each in network.chain.blocks[-2:]]
    assert times[1] - times[0] == 1


def test_a_sender_waits_out_a_lost_quorum() -> None:
    made = world()
    network = made.network
    with sender_on(network) as sender:
        network.stop(2)
        network.stop(3)
        accepted = [sender.submit(made.lanes[i % 3], made.pay(f"p{i}")) for i in range(6)]
        network.clock.at(network.clock.monotonic() + 120, network.start, 2)
        states = [sender.wait(each.id, 600).state for each in accepted]
    assert states == [SubmissionState.FINAL] * 6
    assert len(network.judge_view().payments) == 6
    assert network.clock.monotonic() > 120


def test_a_node_lags_and_says_no_to_what_has_happened() -> None:
    made = world()
    network = made.network
    network.lag(1, 30)
    raw = made.raw(made.pay("seen by one"))
    send(network, raw)
    settle(network, 10)
    assert receipt(network, raw, node=0) is not None
    assert receipt(network, raw, node=1) is None
    assert height(network, node=1) < height(network, node=0)
    assert ask(network, "eth_getTransactionCount", made.lanes[0].address, "latest", node=1)["result"] == "0x0"
    settle(network, 25)
    assert receipt(network, raw, node=1) == receipt(network, raw, node=0)


@pytest.mark.parametrize("forget", [True, False])
def test_blocks_are_taken_back_where_they_are_not_final(forget: bool) -> None:
    made = world(ANVIL)
    network = made.network
    raw = made.raw(made.pay("taken back"))
    send(network, raw)
    settle(network)
    before = receipt(network, raw)
    settle(network, 1)
    network.lag(1, 6)
    network.roll_back(3, forget=forget)
    assert receipt(network, raw) is None
    assert receipt(network, raw, node=1) == before  # it has not noticed
    assert network.judge_view().payments == ()
    settle(network, 3)
    assert (receipt(network, raw) is not None) is not forget
    settle(network, 5)
    after = receipt(network, raw, node=1)
    assert (after is not None) is not forget
    if after:
        assert after["blockHash"] != before["blockHash"]


def test_besu_takes_no_block_back() -> None:
    network = world().network
    settle(network)
    with pytest.raises(AssertionError, match="final"):
        network.roll_back(1)


# --- a thief -------------------------------------------------------------------------------------------------------


def test_a_thief_pays_calls_and_hides_behind_a_self_transfer() -> None:
    made = world()
    network = made.network
    thief = Thief(network, key(1))
    assert thief.wallet == made.lanes[1].address.lower()
    stolen = thief.pay("EUR", made.payee_wallet, 77, b"\x07" * 32)
    settle(network)
    thief.send_to_self()
    settle(network)
    thief.call(network.probe.lower(), bytes.fromhex("00000000"))
    settle(network)
    truth = network.judge_view()
    assert [each.nonce for each in truth.transactions] == [0, 1, 2]
    assert [each.succeeded for each in truth.transactions] == [True, True, False]
    (payment,) = truth.payments
    assert (payment.tx_hash, payment.amount, payment.payer) == (stolen, 77, made.payer)
    assert truth.references == {("EUR", made.payer, b"\x07" * 32): "PAID"}


def test_a_send_is_classified_by_the_package_as_from_a_real_node() -> None:
    made = world()
    network = made.network
    connection = network.connection()
    raw = made.raw(made.pay("one"))
    assert connection.send_raw(raw).outcome is SendOutcome.ACCEPTED
    assert connection.send_raw(raw).outcome is SendOutcome.ALREADY_KNOWN
    settle(network)
    assert connection.send_raw(raw).outcome is SendOutcome.NONCE_USED
    network.restart(0, down=0, behind=5)
    network.clock.sleep(0.1)
    assert connection.send_raw(raw).outcome is SendOutcome.NODE_NOT_READY
    with pytest.raises(NodeError):
        connection.development_request("evm_mine")
