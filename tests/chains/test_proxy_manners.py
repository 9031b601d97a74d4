"""Besu's manners, by their numbers, as a Connection meets them through the proxy."""

from __future__ import annotations

import itertools
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import urllib3
from web3 import Web3
from web3.exceptions import ExtraDataLengthError
from web3.providers import HTTPProvider

from chains.answers import recorded
from chains.party import Party, data_of
from chains.proxy import BESU, BESU_LAYERED, Fault, Manners, Proxy
from pyjpm.chain import ClientKind, Connection, DevClock, LocalAnvil, SendOutcome
from pyjpm.chain.raw import decode_raw
from pyjpm.errors.chain import (
    BlockNotAvailable,
    ExecutionFailed,
    FinalityTagRefused,
    HostNotAllowed,
    MethodNotServed,
    NodeError,
    NodeUnauthorized,
    NodeUnreachable,
    NotADevelopmentChain,
    Reverted,
)

NOBODY = "0x" + "11" * 20
SECOND = 0.1


@pytest.fixture(scope="module")
def anvil() -> Iterator[LocalAnvil]:
    with LocalAnvil(mining="none") as running:
        yield running


def proxied(anvil: LocalAnvil, manners: Manners = BESU, **options: Any) -> Proxy:
    return Proxy(anvil.url, **{"seed": 3, "manners": manners, "second": SECOND, "patience": 2, **options})


@pytest.fixture
def proxy(anvil: LocalAnvil) -> Iterator[Proxy]:
    with proxied(anvil) as running:
        yield running
        assert running.refused == []  # whatever a node takes, the chain takes


@pytest.fixture
def connection(proxy: Proxy) -> Connection:
    return proxy.connection(0, timeout=5)


@pytest.fixture
def party(request: pytest.FixtureRequest) -> Party:
    return Party(31337, seed=zlib.crc32(request.node.name.encode()) + 1)


def hash_of(raw: bytes) -> str:
    return decode_raw(raw).hash


def raw_answer(proxy: Proxy, method: str, *params: Any, node: int = 0) -> dict[str, Any]:
    """Past our own checks: what the node itself answers."""
    pool = urllib3.PoolManager()
    asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = json.loads(pool.request("POST", proxy.urls[node], body=json.dumps(asked)).data)
    pool.clear()
    return {key: answer[key] for key in ("result", "error") if key in answer}


def send_past_us(proxy: Proxy, raw: bytes, node: int = 0) -> dict[str, Any]:
    return raw_answer(proxy, "eth_sendRawTransaction", "0x" + raw.hex(), node=node)


def test_it_says_that_it_is_besu_and_lets_nobody_move_its_time(anvil: LocalAnvil, connection: Connection) -> None:
    assert connection.kind is ClientKind.BESU
    with pytest.raises(MethodNotServed):
        connection.development_request("evm_mine")
    with pytest.raises(MethodNotServed):
        connection.development_request("debug_traceTransaction", "0x" + "00" * 32)
    with pytest.raises(NotADevelopmentChain):
        DevClock(connection)


# --- 1 to 3: the pool ---


def test_1_a_second_transaction_silently_replaces_the_first(proxy: Proxy, connection: Connection, party: Party) -> None:
    proxy.mute(0)  # at other nodes the first might arrive after the second, and replace it
    first, second = party.sign(NOBODY, nonce=0), party.sign(NOBODY, b"\x01", nonce=0)
    proxy.wait_for_blocks(1)
    assert [connection.send_raw(raw).outcome for raw in (first, second)] == [SendOutcome.ACCEPTED] * 2
    assert connection.transaction(hash_of(first)) is None
    assert connection.wait_for_receipt(hash_of(second), timeout=5) is not None
    assert connection.receipt(hash_of(first)) is None
    assert connection.send_raw(first).outcome is SendOutcome.NONCE_USED  # and not by whom (5)


def test_2_a_restarting_node_takes_a_transaction_and_forgets_it(proxy: Proxy, party: Party) -> None:
    other = proxy.connection(1)
    connection = proxy.connection(0, max_retries=3)
    proxy.restart(0, behind=30, forgets=10)
    raw = party.sign(NOBODY)
    assert connection.send_raw(raw).outcome is SendOutcome.ACCEPTED
    assert connection.transaction(hash_of(raw)) is None
    proxy.wait_for_blocks(12)
    assert connection.send_raw(raw).outcome is SendOutcome.NODE_NOT_READY
    # It says that it is in step, and is far behind.
    assert connection.development_request("eth_syncing") is False
    assert other.head().number - connection.head().number >= 10
    assert other.receipt(hash_of(raw)) is None
    while connection.send_raw(raw).outcome is SendOutcome.NODE_NOT_READY:
        time.sleep(SECOND)
    assert connection.wait_for_receipt(hash_of(raw), timeout=5) is not None


@pytest.mark.parametrize("manners", [BESU, BESU_LAYERED], ids=["sequenced", "layered"])
def test_3_a_priced_transaction_jams_its_sender(anvil: LocalAnvil, manners: Manners, party: Party) -> None:
    with proxied(anvil, manners) as proxy:
        connection = proxy.connection(0)
        priced = party.sign(NOBODY, nonce=0, gasPrice=1)
        assert send_past_us(proxy, priced) == {"result": hash_of(priced)}
        free, after = party.sign(NOBODY, nonce=0), party.sign(NOBODY, nonce=1)
        proxy.wait_for_blocks(2)
        jammed = connection.send_raw(free)
        connection.send_raw(after)
        proxy.wait_for_blocks(5)
        freed = connection.receipt(hash_of(after)) is not None
        if manners is BESU:
            assert jammed.outcome is SendOutcome.REPLACEMENT_REFUSED
            assert (jammed.rpc_code, jammed.message) == (
                recorded("zero fee on the jammed nonce", "besu").code,
                recorded("zero fee on the jammed nonce", "besu").message,
            )
            assert connection.transaction(hash_of(priced)) is not None  # for good
        else:
            assert jammed.outcome is SendOutcome.ACCEPTED
        assert freed is recorded("jam cleared", "besu_layered" if manners is BESU_LAYERED else "besu").answer


def test_5_known_transaction_does_not_mean_mined(proxy: Proxy, connection: Connection, party: Party) -> None:
    raw = party.sign(NOBODY, nonce=1)  # with a gap: it waits
    assert connection.send_raw(raw).outcome is SendOutcome.ACCEPTED
    assert connection.send_raw(raw).outcome is SendOutcome.ALREADY_KNOWN
    assert connection.receipt(hash_of(raw)) is None
    assert connection.transaction_count(party.address, at="pending") == 2  # of the gap it says nothing
    assert connection.transaction_count(party.address) == 0


# --- 4, 6, 7, 8, 14: blocks ---


def test_4_an_announced_height_answers_null_for_a_moment(anvil: LocalAnvil) -> None:
    manners = replace(BESU, null_chance=1.0, null_window=0.8)
    with proxied(anvil, manners) as proxy:
        nulls = 0
        for _ in range(40):
            announced = raw_answer(proxy, "eth_blockNumber")["result"]
            nulls += raw_answer(proxy, "eth_getBlockByNumber", announced, False)["result"] is None
            time.sleep(0.01)
        assert nulls > 3
        connection = proxy.connection(0)
        for _ in range(5):
            head = connection.head()
            assert connection.block(head.number).hash == head.hash
            time.sleep(0.03)


def test_6_logs_and_state_of_the_future(proxy: Proxy, connection: Connection, party: Party) -> None:
    probe = party.deploy(connection)
    party.send(connection, party.sign(probe, data_of("bump")))
    head = connection.head().number
    future = hex(head + 1_000)
    for query in (
        {"fromBlock": "0x0", "toBlock": future},
        {"fromBlock": "0x2", "toBlock": "0x1"},
    ):
        assert raw_answer(proxy, "eth_getLogs", query) == recorded("getLogs beyond head", "besu").answer
    unknown = raw_answer(proxy, "eth_getLogs", {"blockHash": "0x" + "12" * 32})
    assert unknown == recorded("getLogs by unknown blockHash", "besu").answer
    assert raw_answer(proxy, "eth_call", {"to": probe, "data": "0x"}, future) == {"result": None}
    # Ours: the range ends at the head, and the future is a named error.
    logs = connection.logs(probe, from_block=0, to_block=head + 1_000)
    assert logs.to_block in (head, head + 1, head + 2)
    assert len(list(logs)) == 1
    with pytest.raises(BlockNotAvailable):
        connection.call(probe, data_of("count"), block=head + 1_000)


def test_7_no_finality_tags_and_whole_seconds(proxy: Proxy, connection: Connection) -> None:
    for tag in ("finalized", "safe"):
        assert raw_answer(proxy, "eth_getBlockByNumber", tag, False) == recorded(f"block {tag}", "besu").answer
        with pytest.raises(FinalityTagRefused):
            connection.block(tag)
    proxy.wait_for_blocks(4)
    head = connection.head().number
    stamps = connection.timestamps(range(head - 3, head + 1))
    assert [later - sooner for sooner, later in itertools.pairwise(stamps)] == [1, 1, 1]


def test_8_long_extra_data_is_no_trouble(proxy: Proxy, connection: Connection) -> None:
    assert recorded("extraData bytes", "besu").answer == 327
    bare = Web3(HTTPProvider(proxy.urls[0]))
    with pytest.raises(ExtraDataLengthError):
        bare.eth.get_block("latest")
    assert len(connection.web3.eth.get_block("latest")["proofOfAuthorityData"]) == 327
    assert connection.head().number >= 0


# --- 9 to 13: what is taken and what is refused ---


def test_9_another_chains_transaction_is_refused_and_one_without_a_chain_is_not(proxy: Proxy, party: Party) -> None:
    assert send_past_us(proxy, party.sign(NOBODY, nonce=0, chainId=1)) == recorded("wrong chain id", "besu").answer
    bare = party.sign(NOBODY, nonce=0, chainId=None)
    assert send_past_us(proxy, bare) == {"result": hash_of(bare)}
    assert proxy.connection(0).wait_for_receipt(hash_of(bare), timeout=5) is not None


def test_10_a_malformed_address_is_taken(proxy: Proxy) -> None:
    assert (
        raw_answer(proxy, "eth_call", {"to": "0x12", "data": "0x"}, "latest")
        == recorded("call bad params", "besu").answer
    )


def test_11_a_long_batch_is_answered_by_one_object_and_ours_goes_in_parts(
    anvil: LocalAnvil, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied(anvil, replace(BESU, batch_limit=30)) as proxy:
        pool = urllib3.PoolManager()
        long = [{"jsonrpc": "2.0", "id": place, "method": "eth_chainId", "params": []} for place in range(31)]
        assert (
            json.loads(pool.request("POST", proxy.urls[0], body=json.dumps(long)).data)
            == recorded("batch 1025", "besu").body
        )
        pool.clear()
        connection = proxy.connection(0)
        raws = [party.sign(NOBODY) for _ in range(80)]
        assert {each.outcome for each in connection.send_raw_many(raws)} == {SendOutcome.ACCEPTED}
        assert connection.wait_for_receipt(hash_of(raws[-1]), timeout=5) is not None


def test_11_an_unknown_host_is_refused(proxy: Proxy) -> None:
    proxy.allow_hosts("node.bank.example")
    with pytest.raises(HostNotAllowed):
        proxy.connection(0)


def test_12_future_nonces_are_taken_up_to_a_distance(proxy: Proxy, connection: Connection, party: Party) -> None:
    for ahead in (1, 3, 4, 5, 6, 10, 100, 3_000):
        assert connection.send_raw(party.sign(NOBODY, nonce=ahead)).outcome is SendOutcome.ACCEPTED
    far = connection.send_raw(party.sign(NOBODY, nonce=5_000))
    assert far.outcome is SendOutcome.NONCE_TOO_FAR
    assert far.message == recorded("nonce +5000", "besu").message
    proxy.wait_for_blocks(2)
    assert connection.transaction_count(party.address) == 0


def test_13_an_allowlist_bites_where_it_is(proxy: Proxy, connection: Connection, party: Party) -> None:
    proxy.deny(0, party.address)
    raw = party.sign(NOBODY)
    refused = connection.send_raw(raw)
    assert refused.outcome is SendOutcome.NOT_PERMITTED
    assert refused.outcome.is_permanent
    assert proxy.connection(1).send_raw(raw).outcome is SendOutcome.ACCEPTED
    assert connection.wait_for_receipt(hash_of(raw), timeout=5) is not None


@pytest.mark.parametrize(
    ("case", "changes"),
    [("gas above block limit", {"gas": 100_000_001}), ("gas below intrinsic", {"gas": 20_000})],
)
def test_gas_that_cannot_be_is_refused_as_besu_does(
    proxy: Proxy, party: Party, case: str, changes: dict[str, int]
) -> None:
    assert send_past_us(proxy, party.sign(NOBODY, nonce=0, **changes)) == recorded(case, "besu").answer


# --- calls, receipts ---


@pytest.mark.parametrize("name", ["text", "custom", "bare"])
def test_reverts_come_with_besus_words_and_their_data(
    proxy: Proxy, connection: Connection, party: Party, name: str
) -> None:
    probe = party.deploy(connection)
    case = {"text": "call Error(string)", "custom": "call custom error", "bare": "call empty revert"}[name]
    answer = raw_answer(proxy, "eth_call", {"to": probe, "data": "0x" + data_of(name).hex()}, "latest")
    assert answer["error"]["code"] == 3
    assert answer["error"]["message"] == recorded(case, "besu").message
    with pytest.raises(Reverted) as reverted:
        connection.call(probe, data_of(name))
    assert "0x" + reverted.value.data.hex() == answer["error"]["data"]


@pytest.mark.parametrize(("name", "case"), [("invalid", "call invalid opcode"), ("burn", "call out of gas")])
def test_a_call_that_dies_says_so_in_besus_words(
    proxy: Proxy, connection: Connection, party: Party, name: str, case: str
) -> None:
    probe = party.deploy(connection)
    request = {"to": probe, "data": "0x" + data_of(name).hex(), "gas": "0x186a0"}
    assert raw_answer(proxy, "eth_call", request, "latest") == recorded(case, "besu").answer
    if name == "invalid":
        with pytest.raises(ExecutionFailed):
            connection.call(probe, data_of(name))


def test_a_receipt_says_why_it_reverted(proxy: Proxy, connection: Connection, party: Party) -> None:
    probe = party.deploy(connection)
    receipt = party.send(connection, party.sign(probe, data_of("text")))
    assert not receipt.succeeded
    assert "0x" + (receipt.revert_reason or b"").hex() == recorded("reverted receipt", "besu").answer["revertReason"]
    burned = party.send(connection, party.sign(probe, data_of("burn"), gas=100_000))
    assert (burned.succeeded, burned.revert_reason) == (False, None)
    assert hex(burned.gas_used) == recorded("oog receipt", "besu").answer["gasUsed"]


# --- who may ask ---


def test_tokens_are_asked_for_and_bound_to_methods(proxy: Proxy) -> None:
    reads = ["eth:chainId", "eth:getBlockByNumber", "eth:blockNumber", "web3:*"]
    proxy.ask_tokens({"reader": reads, "all": ["*:*"]})
    with pytest.raises(NodeUnauthorized):
        proxy.connection(0)
    reader = proxy.connection(0, headers={"Authorization": "Bearer reader"})
    assert reader.head().number >= 0
    with pytest.raises(NodeUnauthorized) as unauthorized:
        reader.balance(NOBODY)
    assert "reader" not in str(unauthorized.value)
    assert proxy.connection(0, headers={"Authorization": "Bearer all"}).balance(NOBODY) == 0


def test_a_permission_that_a_batch_lacks_is_named_too(proxy: Proxy) -> None:
    proxy.ask_tokens({"reader": ["eth:chainId", "eth:getBlockByNumber", "web3:*"]})
    reader = proxy.connection(0, headers={"Authorization": "Bearer reader"})
    with pytest.raises(NodeUnauthorized):
        reader.receipts([bytes(32)])


def test_what_is_no_json_is_http_400(proxy: Proxy) -> None:
    pool = urllib3.PoolManager()
    for case, body in (("bad json", "{"), ("empty body", "")):
        answer = pool.request("POST", proxy.urls[0], body=body)
        assert (answer.status, json.loads(answer.data)) == (400, recorded(case, "besu").body)
    pool.clear()


# --- blocks are late ---


def test_a_dead_validator_makes_every_fourth_block_late(anvil: LocalAnvil) -> None:
    with proxied(anvil, second=0.05) as proxy:
        proxy.stop(3)
        proxy.wait_for_blocks(9)
        seconds = [seconds for _, seconds, _ in proxy.made[1:]]
        late = [each for each in seconds if each > 4]
        assert 2 <= len(late) <= 3
        assert all(4.7 < each < 7 for each in late)
        assert all(each < 3 for each in seconds if each not in late)


def test_without_a_quorum_there_is_no_block_and_nothing_is_lost(anvil: LocalAnvil, party: Party) -> None:
    with proxied(anvil, second=0.02) as proxy:
        proxy.wait_for_blocks(1)
        connection = proxy.connection(0, timeout=10)
        raws = [party.sign(NOBODY) for _ in range(20)]
        proxy.lose_quorum(seconds=120)
        assert {each.outcome for each in connection.send_raw_many(raws)} == {SendOutcome.ACCEPTED}
        head = proxy.head
        time.sleep(120 * 0.02 - 0.3)
        assert proxy.head == head
        # The round that runs when they are back has to end first: 4, 12, 28, 60, 124 seconds after the last block.
        assert connection.wait_for_receipt(hash_of(raws[-1]), timeout=10) is not None
        assert max(seconds for _, seconds, _ in proxy.made) >= 124
        assert connection.transaction_count(party.address) == 20


# --- nodes come and go ---


def test_a_node_that_is_down_refuses_connections_and_comes_back_on_its_port(proxy: Proxy, party: Party) -> None:
    connection = proxy.connection(0, max_retries=0)
    proxy.stop(0)
    with pytest.raises(NodeUnreachable):
        connection.head()
    proxy.start(0)
    assert connection.head().number >= 0


def test_a_node_comes_back_with_the_bytes_it_had(anvil: LocalAnvil, party: Party) -> None:
    with proxied(anvil) as proxy:
        connection = proxy.connection(1)
        proxy.mute(0)
        raw = party.sign(NOBODY)
        assert proxy.connection(0).send_raw(raw).outcome is SendOutcome.ACCEPTED
        proxy.stop(0, saves_pool=True)
        proxy.wait_for_blocks(3)
        assert connection.transaction(hash_of(raw)) is None
        proxy.mute(0, muted=False)
        proxy.start(0)
        assert connection.wait_for_receipt(hash_of(raw), timeout=8) is not None


def test_a_node_that_forgets_its_pool_says_null(anvil: LocalAnvil, party: Party) -> None:
    with proxied(anvil, second=1.0) as proxy:
        connection = proxy.connection(0)
        proxy.mute(0)
        raw = party.sign(NOBODY)
        connection.send_raw(raw)
        assert connection.transaction(hash_of(raw)) is not None
        proxy.forget_pool(0)
        assert connection.transaction(hash_of(raw)) is None
        assert connection.send_raw(raw).outcome is SendOutcome.ACCEPTED


def test_what_a_killed_node_told_its_peers_is_mined(proxy: Proxy, party: Party) -> None:
    connection = proxy.connection(1)
    raw = party.sign(NOBODY)
    proxy.connection(0).send_raw(raw)
    time.sleep(SECOND * BESU.gossip * 1.5)
    proxy.stop(0)
    assert connection.wait_for_receipt(hash_of(raw), timeout=8) is not None


def test_a_lagging_node_shows_what_was(proxy: Proxy, connection: Connection, party: Party) -> None:
    behind = proxy.connection(1)
    proxy.wait_for_blocks(20)
    receipt = party.send(connection, party.sign(NOBODY))
    proxy.lag(1, blocks=20)
    assert behind.receipt(receipt.transaction_hash) is None
    assert behind.transaction_count(party.address) == 0
    assert connection.head().number - behind.head().number in range(18, 22)
    with pytest.raises(BlockNotAvailable):
        behind.block(connection.head().number)
    assert behind.logs(from_block=0).to_block < connection.head().number
    proxy.lag(1, blocks=0)
    assert behind.receipt(receipt.transaction_hash) == receipt


def test_a_range_of_logs_read_from_a_node_that_fell_behind_is_named(
    proxy: Proxy, connection: Connection, party: Party
) -> None:
    party.send(connection, party.sign(NOBODY))
    logs = connection.logs(NOBODY, from_block=0)
    proxy.lag(0, blocks=5)  # as when another node answers behind one address
    with pytest.raises(BlockNotAvailable):
        list(logs)
    proxy.lag(0, blocks=0)
    assert list(logs) == []


def test_two_nodes_can_show_two_chains(proxy: Proxy, connection: Connection, party: Party) -> None:
    receipt = party.send(connection, party.sign(NOBODY))
    proxy.wait_for_blocks(1)
    proxy.dispute(1, since=receipt.block_number)
    other = proxy.connection(1)
    seen = other.receipt(receipt.transaction_hash)
    assert seen is not None
    assert seen.block_hash != receipt.block_hash
    assert other.block(receipt.block_number).hash == seen.block_hash
    assert other.block(seen.block_hash).number == receipt.block_number
    assert other.block(receipt.block_number - 1) == connection.block(receipt.block_number - 1)
    assert other.block(receipt.block_number + 1).parent_hash == seen.block_hash
    proxy.dispute(1, since=None)
    assert other.receipt(receipt.transaction_hash) == receipt


@pytest.mark.parametrize("forget", [False, True])
def test_blocks_are_taken_back(proxy: Proxy, connection: Connection, party: Party, forget: bool) -> None:
    receipt = party.send(connection, party.sign(NOBODY))
    proxy.roll_back(proxy.head - receipt.block_number + 1, forget=forget)
    assert connection.receipt(receipt.transaction_hash) is None or not forget
    again = connection.wait_for_receipt(receipt.transaction_hash, timeout=1.5)
    assert (again is None) is forget
    assert forget or (again is not None and again.block_hash != receipt.block_hash)
    assert connection.transaction_count(party.address) == (0 if forget else 1)


def test_bytes_that_somebody_else_brings_are_mined(proxy: Proxy, connection: Connection, party: Party) -> None:
    stolen = party.sign(NOBODY, b"theft")
    tx_hash = proxy.inject(stolen, 1)
    assert connection.wait_for_receipt(tx_hash, timeout=5) is not None


def test_the_clock_goes_forward(proxy: Proxy, connection: Connection) -> None:
    before = connection.head().timestamp
    proxy.advance(86_400)
    proxy.wait_for_blocks(2)
    assert connection.head().timestamp - before in range(86_400, 86_420)


def test_pools_are_shown_as_besu_shows_them(proxy: Proxy, connection: Connection, party: Party) -> None:
    raw = party.sign(NOBODY, nonce=7)
    connection.send_raw(raw)
    listed = raw_answer(proxy, "txpool_besuTransactions")["result"]
    assert hash_of(raw) in [each["hash"] for each in listed] == proxy.waiting(0)
    mine = raw_answer(proxy, "txpool_besuPendingTransactions", 10, {"from": {"eq": party.address}})["result"]
    assert [(each["hash"], each["nonce"]) for each in mine] == [(hash_of(raw), "0x7")]


def test_faults_of_the_wire_come_on_top(proxy: Proxy, party: Party) -> None:
    connection = proxy.connection(0, timeout=0.5, max_retries=0)
    connection.head()
    proxy.order(Fault.WRONG_HASH, "eth_sendRawTransaction")
    raw = party.sign(NOBODY)
    assert connection.send_raw(raw).outcome is SendOutcome.UNKNOWN
    assert connection.wait_for_receipt(hash_of(raw), timeout=5) is not None


def test_an_unknown_method_is_named(connection: Connection) -> None:
    with pytest.raises(NodeError) as unknown:
        connection.development_request("eth_noSuchMethod")
    assert (unknown.value.rpc_code, unknown.value.rpc_message) == (-32601, "Method not found")
