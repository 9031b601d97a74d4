"""One chain through several nodes: which view is believed, who gets the bytes, what a failing node may do to us."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from eth_account import Account
from seeing_support import CHAIN_ID, FakeNode, VirtualClock, Wallet, hang_bell, mined, ring, tx_hash

from pyjpm.chain import Connection, LocalAnvil, SendOutcome
from pyjpm.chain.nodes import Nodes
from pyjpm.chain.raw import decode_raw
from pyjpm.chain.tester import LocalTester
from pyjpm.errors.chain import InvalidNodeUrl, MalformedTransaction, NodeUnreachable, NonZeroFee, WrongChain
from pyjpm.errors.seeing import NodesDisagree, ViewBehind

DEAD = "http://127.0.0.1:1"


def opened(*fakes: FakeNode, parallel: bool = False, clock: VirtualClock | None = None) -> Nodes:
    connections = [Connection.open(fake, max_retries=0) for fake in fakes]
    for fake in fakes:
        fake.requests.clear()
    return Nodes(connections, parallel=parallel, clock=clock or VirtualClock())


@pytest.fixture(params=[False, True], ids=["in order", "by threads"])
def parallel(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def anvil() -> Iterator[LocalAnvil]:
    with LocalAnvil() as running:
        yield running


# --- opening --------------------------------------------------------------------------------------------------------


def test_nodes_on_different_chains_are_refused() -> None:
    here, there = FakeNode(), FakeNode(genesis="0x" + "77" * 32)
    with pytest.raises(WrongChain) as refused:
        Nodes([Connection.open(here), Connection.open(there)])
    assert refused.value.details["what"] == "genesis_hash"
    with pytest.raises(WrongChain):
        Nodes.open([here, FakeNode(chain_id=1)])
    with pytest.raises(WrongChain):
        Nodes.open([here], chain_id=5)


def test_a_list_of_urls_opens_one_chain_and_takes_in_a_node_that_is_down(anvil: LocalAnvil) -> None:
    with Nodes.open(f"{anvil.url}, {DEAD}", chain_id=CHAIN_ID) as nodes:
        assert len(nodes) == 2
        assert len(nodes.connections) == 1
        assert nodes.genesis_hash == nodes.connections[0].genesis_hash
        assert nodes.best().number == nodes.connections[0].head().number
    with pytest.raises(NodeUnreachable):
        Nodes.open(DEAD)
    with pytest.raises(InvalidNodeUrl):
        Nodes.open(f"{anvil.url},ftp://nowhere")


def test_a_node_that_comes_back_with_another_chain_is_never_used() -> None:
    clock = VirtualClock()
    good, bad = FakeNode(5), FakeNode(6)
    nodes = opened(good, bad, clock=clock)
    assert nodes.best().number == 6
    bad.down = True
    with pytest.raises(ViewBehind):
        nodes.best()
    bad.down, bad.genesis, bad.head = False, "0x" + "66" * 32, 9
    good.head = 7
    clock.sleep(60)
    assert nodes.best().number == 7
    raw = Wallet().sign(Wallet().address)
    clock.sleep(60)
    (answers,) = nodes.send([raw])
    assert [each.outcome for each in answers] == [SendOutcome.ACCEPTED, SendOutcome.UNKNOWN]
    assert bad.received() == []
    bad.genesis = good.genesis
    clock.sleep(60)
    assert nodes.best().number == 9


# --- the highest head -----------------------------------------------------------------------------------------------


def test_the_view_is_of_the_node_at_the_highest_head(parallel: bool) -> None:
    low, high = FakeNode(5), FakeNode(8)
    with opened(low, high, parallel=parallel) as nodes:
        view = nodes.best()
        assert (view.number, view.timestamp) == (8, 1_700_000_008)
        assert view.connection is nodes.connections[1]
        assert nodes.highest == 8


def test_no_view_below_the_highest_head_ever_seen_is_used(parallel: bool) -> None:
    low, high = FakeNode(5), FakeNode(8)
    with opened(low, high, parallel=parallel) as nodes:
        assert nodes.best().number == 8
        high.down = True
        with pytest.raises(ViewBehind) as behind:
            nodes.best()
        assert behind.value.details["at_least"] == 8
        assert behind.value.details["highest"] == 5
        low.head = 8
        assert nodes.best().connection is nodes.connections[0]
        with pytest.raises(ViewBehind):
            nodes.best(at_least=9)


def test_without_any_node_the_view_is_behind_and_says_why() -> None:
    one, other = FakeNode(), FakeNode()
    nodes = opened(one, other)
    one.down = other.down = True
    with pytest.raises(ViewBehind) as behind:
        nodes.best()
    assert behind.value.details["nodes"] == [["FakeNode", "NODE_UNREACHABLE"]] * 2
    assert behind.value.details["highest"] is None


def test_the_only_node_fails_by_its_own_fault_and_is_asked_even_while_it_rests() -> None:
    only = FakeNode()
    nodes = opened(only)
    only.down = True
    with pytest.raises(NodeUnreachable):
        nodes.best()
    only.down = False
    assert nodes.best().number == 5
    with pytest.raises(ViewBehind):
        nodes.best(at_least=6)


def test_null_for_the_newest_block_passes_a_node_over_and_is_waited_out_where_it_is_the_only_one() -> None:
    clock = VirtualClock()
    low, high = FakeNode(5), FakeNode(8)
    high.nulls = 1
    assert opened(low, high, clock=clock).best().number == 5
    assert clock.now == 0
    high.nulls = 3
    assert opened(high, clock=clock).best().number == 8
    assert 0 < clock.now < 0.2
    high.nulls = 1000
    with pytest.raises(ViewBehind) as behind:
        opened(high, clock=clock).best()
    assert behind.value.details["nodes"] == [["FakeNode", "HEAD_NOT_SERVED"]]


def test_two_blocks_at_one_height_are_an_error_not_a_choice() -> None:
    one, other = FakeNode(8), FakeNode(8)
    nodes = opened(one, other)
    assert nodes.best().number == 8
    other.salt = 1
    with pytest.raises(NodesDisagree) as split:
        nodes.best()
    assert split.value.details["block"] == 8
    one.head = 9
    assert nodes.best().number == 9


def test_a_node_that_answers_nonsense_is_passed_over() -> None:
    good, bad = FakeNode(5), FakeNode(9)
    nodes = opened(good, bad)
    bad._result = lambda method, params: {"number": "later"}  # type: ignore[method-assign]
    assert nodes.best().number == 5


def test_a_node_that_hangs_costs_a_moment_once() -> None:
    good, bad = FakeNode(5), FakeNode(5)
    with opened(good, bad, parallel=True) as nodes:
        bad.hang = threading.Event()
        try:
            started = time.monotonic()
            assert [nodes.best().number for _ in range(20)] == [5] * 20
            assert time.monotonic() - started < 20, "it was not waited for"
            assert len(bad.requests) == 1, "it is not asked again while its thread hangs"
            (answers,) = nodes.send([Wallet().sign(Wallet().address)])
            assert [each.outcome for each in answers] == [SendOutcome.ACCEPTED, SendOutcome.UNKNOWN]
            assert len(bad.requests) == 1
        finally:
            bad.hang.set()


def test_a_node_that_failed_rests_and_is_asked_again_later() -> None:
    clock = VirtualClock()
    good, bad = FakeNode(5), FakeNode(5)
    nodes = opened(good, bad, clock=clock)
    bad.down = True
    for _ in range(10):
        nodes.best()
    assert len(bad.requests) == 1
    clock.sleep(1)
    nodes.best()
    assert len(bad.requests) == 2
    bad.down = False
    clock.sleep(10)
    bad.head = 6
    assert nodes.best().number == 6
    bad.requests.clear()
    nodes.best()
    assert [method for method, _ in bad.requests] == ["eth_getBlockByNumber"], "its chain is verified once"
    bad.down = True
    nodes.send([Wallet().sign(Wallet().address)])
    bad.down, bad.head = False, 7
    with pytest.raises(ViewBehind):
        nodes.best(at_least=7)
    clock.sleep(0.6)
    assert nodes.best().number == 7, "its next rest is a short one again"


# --- sending --------------------------------------------------------------------------------------------------------


def test_every_node_gets_the_same_bytes_in_order(parallel: bool) -> None:
    one, other = FakeNode(), FakeNode()
    wallet = Wallet()
    raws = [wallet.sign(wallet.address, bytes([i])) for i in range(5)]
    with opened(one, other, parallel=parallel) as nodes:
        answers = nodes.send(raws)
    assert [[each.outcome for each in of_raw] for of_raw in answers] == [[SendOutcome.ACCEPTED] * 2] * 5
    assert [of_raw[0].tx_hash for of_raw in answers] == [tx_hash(raw) for raw in raws]
    assert one.received() == other.received() == raws


def test_a_nodes_failure_is_an_unknown_answer(parallel: bool) -> None:
    good, down, refusing, lying = FakeNode(), FakeNode(), FakeNode(), FakeNode()
    with opened(good, down, refusing, lying, parallel=parallel) as nodes:
        down.down = True
        refusing.on_send = lambda raw: {"error": {"code": -32003, "message": "Intrinsic gas exceeds gas limit"}}
        lying.on_send = lambda raw: {"result": "0x" + "00" * 32}
        wallet = Wallet()
        answers = nodes.send([wallet.sign(wallet.address) for _ in range(3)])
        expected = [SendOutcome.ACCEPTED, SendOutcome.UNKNOWN, SendOutcome.REFUSED, SendOutcome.UNKNOWN]
        assert [[each.outcome for each in of_raw] for of_raw in answers] == [expected] * 3
        assert {of_raw[1].message for of_raw in answers} == {"NODE_UNREACHABLE"}


def test_bytes_go_to_two_nodes_where_there_are_even_if_one_has_to_be_woken() -> None:
    one, other = FakeNode(), FakeNode()
    nodes = opened(one, other)
    other.down = True
    nodes.best()
    other.down = False
    wallet = Wallet()
    raw = wallet.sign(wallet.address)
    nodes.send([raw])
    assert one.received() == other.received() == [raw]


def test_our_own_bytes_are_checked_before_any_node_gets_them() -> None:
    one, other = FakeNode(), FakeNode()
    nodes = opened(one, other)
    wallet = Wallet()
    good = wallet.sign(wallet.address)
    with pytest.raises(MalformedTransaction):
        nodes.send([good, b"\x02nonsense"])
    with pytest.raises(WrongChain):
        nodes.send([good, Wallet(chain_id=5).sign(wallet.address)])
    assert one.received() == other.received() == []
    assert nodes.send([]) == []


def test_what_offers_a_fee_is_sent_only_where_it_is_meant() -> None:
    node = FakeNode()
    nodes = opened(node)
    priced = Account.create().sign_transaction(
        {"chainId": CHAIN_ID, "nonce": 0, "to": Wallet().address, "value": 0, "gas": 21_000, "gasPrice": 7}
    )
    raw = bytes(priced.raw_transaction)
    with pytest.raises(NonZeroFee):
        nodes.send([raw])
    ((answer,),) = nodes.send([raw], priced=True)
    assert answer.outcome is SendOutcome.ACCEPTED
    assert node.received() == [raw]


def test_lanes_keep_their_order_over_streams() -> None:
    node = FakeNode()
    nodes = Nodes([Connection.open(node)], streams=3)
    wallets = [Wallet() for _ in range(7)]
    order = [wallet for _ in range(20) for wallet in wallets]
    raws = [wallet.sign(wallet.address) for wallet in order]
    with nodes:
        answers = nodes.send(raws, lanes=[wallet.address for wallet in order])
    assert [of_raw[0].tx_hash for of_raw in answers] == [tx_hash(raw) for raw in raws]
    received = node.received()
    assert sorted(received) == sorted(raws)
    for wallet in wallets:
        own = {raws[i] for i, each in enumerate(order) if each is wallet}
        nonces = [decode_raw(raw).nonce for raw in received if raw in own]
        assert all(a < b for a, b in pairwise(nonces))
        assert len(nonces) == 20


def test_one_lane_goes_over_all_streams_where_a_node_lets_nonces_wait() -> None:
    anvil, besu = FakeNode(client="anvil/v1"), FakeNode(client="besu/v1")
    wallet = Wallet()
    raws = [wallet.sign(wallet.address) for _ in range(250)]
    first = {raws[start] for start in (0, 84, 168)}  # of three batches, one for each stream
    together = threading.Barrier(3)

    def noted(raw: bytes) -> dict[str, object]:
        if raw in first:
            together.wait(20)
        return {"result": tx_hash(raw)}

    anvil.on_send = noted
    with Nodes([Connection.open(anvil), Connection.open(besu)], streams=3) as nodes:
        assert not nodes.takes_gaps, "one of them does not"
        answers = nodes.send(raws, lanes=[wallet.address] * len(raws))
    assert [[each.tx_hash for each in of_raw] for of_raw in answers] == [[tx_hash(raw)] * 2 for raw in raws]
    assert {each.outcome for of_raw in answers for each in of_raw} == {SendOutcome.ACCEPTED}
    assert besu.received() == raws, "in their order"
    assert sorted(anvil.received()) == sorted(raws)
    with Nodes([Connection.open(anvil)], streams=3) as nodes:
        assert nodes.takes_gaps


def test_the_highest_pending_count_of_any_pool_counts_and_how_many_were_asked(parallel: bool) -> None:
    one, other, down = FakeNode(), FakeNode(), FakeNode()
    wallets = [Wallet().address, Wallet().address]
    with opened(one, other, down, parallel=parallel) as nodes:
        one.pending, other.pending, down.down = 3, 7, True
        assert nodes.pending_counts(wallets) == dict.fromkeys(wallets, (7, 2))
        one.down = other.down = True
        assert nodes.pending_counts(wallets) == dict.fromkeys(wallets, (None, 0))


# --- on real chains ------------------------------------------------------------------------------------------------


def test_on_a_real_node_reached_twice(anvil: LocalAnvil) -> None:
    connection = anvil.connection()
    wallet = Wallet()
    bell = hang_bell(connection, wallet)
    with Nodes.open([anvil.url, anvil.url]) as nodes:
        raws = [ring(wallet, bell, i) for i in range(300)]
        answers = nodes.send(raws, lanes=[wallet.address] * 300)
        taken = {SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN, SendOutcome.NONCE_USED}
        assert all({each.outcome for each in of_raw} <= taken for of_raw in answers)
        for raw in raws:
            receipt = connection.wait_for_receipt(tx_hash(raw), timeout=10)
            assert receipt is not None
            assert receipt.succeeded
        assert nodes.pending_counts([wallet.address])[wallet.address] == (wallet.nonce, 2)
        view = nodes.best()
        assert view.connection.block(view.number).hash == view.hash


def test_an_in_process_chain_without_threads() -> None:
    with LocalTester() as tester:
        connection = tester.connection()
        nodes = Nodes([connection, connection], parallel=False)
        wallet = Wallet()
        mined(connection, wallet.sign(wallet.address))
        first, second = nodes.send([wallet.sign(wallet.address)])[0]
        assert first.outcome is SendOutcome.ACCEPTED
        assert second.outcome in (SendOutcome.ALREADY_KNOWN, SendOutcome.NONCE_USED)
        assert nodes.best().number == connection.head().number == 2
        assert not nodes._asking._pools


def test_both_sides_of_a_fork_go_on(anvil: LocalAnvil, tmp_path: Path) -> None:
    with Nodes.open([anvil.url, anvil.url]) as nodes:
        expected = nodes.best().number
        nodes._asking.lock.acquire()  # as another thread might hold it at that moment
        child = os.fork()
        if child == 0:
            try:
                (tmp_path / "seen").write_text(str(nodes.best().number))
            finally:
                os._exit(0)
        nodes._asking.lock.release()
        assert nodes.best().number == expected
        _, status = os.waitpid(child, 0)
        assert status == 0
        assert (tmp_path / "seen").read_text() == str(expected)


def test_any_number_of_threads_may_use_it(anvil: LocalAnvil) -> None:
    failures: list[BaseException] = []
    with Nodes.open([anvil.url, anvil.url]) as nodes:

        def look() -> None:
            try:
                for _ in range(10):
                    nodes.best()
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
