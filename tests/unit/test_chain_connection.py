"""Besu's manners and Anvil's, held against what both answered to the same requests (BESU points 3, 4, 6 to 10)."""

from __future__ import annotations

import os
import threading

import pytest
from eth_utils import to_checksum_address
from rpc_server import ANSWERS, CHAIN_ID, GENESIS, RpcServer, make_block, recorded, result

from pyjpm.chain import ClientKind, Connection
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import (
    BlockNotAvailable,
    ExecutionFailed,
    FinalityTagRefused,
    HeadNotServed,
    InvalidAddress,
    InvalidBlock,
    InvalidBlockRange,
    InvalidHash,
    NodeError,
    Reverted,
    WrongChain,
)

BOTH = ("besu", "anvil")
CONTRACT = "0x" + "c0" * 20
NOTHING = result(None)


@pytest.fixture(params=BOTH)
def server(request):
    with RpcServer(request.param) as running:
        yield running


@pytest.fixture
def besu():
    with RpcServer("besu") as running:
        yield running


def test_opens_and_says_what_is_there(server):
    connection = Connection.open(server.url, chain_id=CHAIN_ID, genesis_hash=GENESIS)
    assert connection.kind is ClientKind(server.personality)
    assert (connection.chain_id, connection.genesis_hash) == (CHAIN_ID, GENESIS)
    assert connection.head() == (5, make_block(5)["hash"], 1_700_000_005)


@pytest.mark.parametrize(
    ("expected", "what"), [({"chain_id": 1}, "chain_id"), ({"genesis_hash": "0x" + "11" * 32}, "genesis_hash")]
)
def test_refuses_another_chain(server, expected, what):
    with pytest.raises(WrongChain) as refused:
        Connection.open(server.url, **expected)
    assert refused.value.details["what"] == what
    assert refused.value.details["expected"] == expected[what]


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("anvil/v1.7.1", ClientKind.ANVIL),
        ("besu/v26.8.0/linux", ClientKind.BESU),
        ("EthereumTester/0.14.0b1/linux/python3.11", ClientKind.ETH_TESTER),
        ("Geth/v1.14/linux", ClientKind.GETH),
        ("", ClientKind.OTHER),
    ],
)
def test_names_the_client(version, kind):
    assert ClientKind.of(version) is kind


# --- point 4: null means not yet ------------------------------------------------------------------------------------


def test_an_announced_head_that_is_not_served_yet_is_waited_for(besu):
    connection = Connection.open(besu.url)
    besu.on("eth_getBlockByNumber", NOTHING, NOTHING, NOTHING, result(make_block(5, extra_bytes=327)))
    assert connection.head().number == 5
    assert besu.asked("eth_getBlockByNumber")[-4:] == [["0x5", False]] * 4


def test_an_announced_head_that_never_comes_is_an_error(besu):
    connection = Connection.open(besu.url, timeout=0.1)
    besu.on("eth_getBlockByNumber", NOTHING)
    with pytest.raises(HeadNotServed) as late:
        connection.head()
    assert late.value.details["block"] == 5
    assert late.value.details["waited"] >= 0.1


def test_a_block_at_an_announced_height_is_waited_for_and_one_beyond_is_not(server):
    connection = Connection.open(server.url)
    server.on("eth_getBlockByNumber", NOTHING, result(make_block(3)))
    assert connection.block(3).timestamp == 1_700_000_003
    with pytest.raises(BlockNotAvailable) as beyond:
        connection.block(6)
    assert beyond.value.details == {"block": 6, "head": 5}


def test_an_unknown_block_hash_is_not_available(server):
    with pytest.raises(BlockNotAvailable):
        Connection.open(server.url).block("0x" + "12" * 32)


def test_no_receipt_is_not_yet(server):
    connection = Connection.open(server.url)
    assert recorded("unknown receipt", server.personality) == NOTHING
    assert connection.receipt("0x" + "12" * 32) is None
    assert connection.receipts(["0x" + "12" * 32, bytes(32)]) == [None, None]
    assert connection.transaction("0x" + "12" * 32) is None
    assert connection.wait_for_receipt("0x" + "12" * 32, timeout=0.05) is None


def test_state_at_an_announced_height_answered_by_null_is_waited_for(besu):
    connection = Connection.open(besu.url)
    besu.on("eth_call", NOTHING, NOTHING, result("0x2a"))
    assert connection.call(CONTRACT, b"", block=5) == b"\x2a"
    besu.on("eth_getTransactionCount", NOTHING, result("0x7"))
    assert connection.transaction_count(CONTRACT, at=5) == 7


# --- point 6: beyond the head ---------------------------------------------------------------------------------------


def test_a_call_at_a_future_block_is_not_available(server):
    connection = Connection.open(server.url)
    server.on("eth_call", recorded("call future block", server.personality))
    with pytest.raises(BlockNotAvailable) as future:
        connection.call(CONTRACT, b"", block=1_000_000_000)
    assert future.value.details == {"block": 1_000_000_000, "head": 5}


def test_a_call_at_an_unknown_hash_is_not_available(server):
    connection = Connection.open(server.url)
    server.on("eth_call", recorded("getLogs by unknown blockHash", server.personality))
    with pytest.raises(BlockNotAvailable):
        connection.call(CONTRACT, b"", block=bytes(31) + b"\x01")


def test_logs_stop_at_the_head_and_say_so(server):
    connection = Connection.open(server.url)

    def answer(beyond: str):
        return recorded(beyond, server.personality)

    server.on("eth_getLogs", result([]))
    events = connection.logs(CONTRACT, from_block=2, to_block=1_000)
    assert (events.from_block, events.to_block) == (2, 5)
    assert list(events) == []
    assert server.asked("eth_getLogs") == [
        [{"address": [to_checksum_address(CONTRACT)], "fromBlock": "0x2", "toBlock": "0x5"}]
    ]
    # What the node would have said had we asked beyond its head: the two clients disagree.
    assert answer("getLogs beyond head") == answer("getLogs from>to")


def test_logs_from_beyond_the_head_cover_nothing_and_ask_nothing(server):
    events = Connection.open(server.url).logs(CONTRACT, from_block=6)
    assert (list(events), events.to_block) == ([], 5)
    assert server.asked("eth_getLogs") == []


@pytest.mark.parametrize(("first", "last"), [(5, 4), (-1, 3), (9, 8)])
def test_a_range_that_ends_before_it_starts_is_refused_by_us(server, first, last):
    with pytest.raises(InvalidBlockRange):
        Connection.open(server.url).logs(CONTRACT, from_block=first, to_block=last)
    assert server.asked("eth_getLogs") == []


def test_logs_are_read_page_by_page_and_pages_too_large_are_halved(server):
    connection = Connection.open(server.url)
    too_many = {"error": {"code": -32005, "message": "Requested range exceeds maximum RPC range limit"}}
    server.on("eth_getLogs", too_many, result([]))
    assert [(first, last) for first, last, _ in connection.logs(from_block=0, page_blocks=4).pages()] == [
        (0, 1),
        (2, 3),
        (4, 5),
    ]


def test_logs_are_read_into_values(server):
    log = {
        "address": CONTRACT,
        "topics": ["0x" + "01" * 32, "0x" + "02" * 32],
        "data": "0xbeef",
        "blockNumber": "0x3",
        "blockHash": "0x" + "0b" * 32,
        "transactionHash": "0x" + "0c" * 32,
        "transactionIndex": "0x1",
        "logIndex": "0x2",
    }
    server.on("eth_getLogs", result([log]))
    query = Connection.open(server.url).logs(
        [CONTRACT], [b"\x01" * 32, None, ["0x" + "03" * 32, b"\x04" * 32]], from_block=3
    )
    (event,) = list(query)
    assert event.address == to_checksum_address(CONTRACT)
    assert event.topics == (b"\x01" * 32, b"\x02" * 32)
    assert (event.data, event.block_number, event.transaction_index, event.log_index) == (b"\xbe\xef", 3, 1, 2)
    assert server.asked("eth_getLogs")[0][0]["topics"] == [
        "0x" + "01" * 32,
        None,
        ["0x" + "03" * 32, "0x" + "04" * 32],
    ]


# --- point 7: no finalized, no safe ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["finalized", "safe"])
def test_finality_tags_are_refused_and_never_sent(server, tag):
    connection = Connection.open(server.url)
    before = len(server.requests)
    for ask in (
        lambda: connection.block(tag),
        lambda: connection.block_transactions(tag),
        lambda: connection.call(CONTRACT, b"", block=tag),
        lambda: connection.code(CONTRACT, block=tag),
        lambda: connection.balance(CONTRACT, block=tag),
        lambda: connection.transaction_count(CONTRACT, at=tag),
    ):
        with pytest.raises(FinalityTagRefused):
            ask()
    assert len(server.requests) == before


def test_what_would_have_been_answered_to_a_finality_tag_differs_by_client():
    assert recorded("block finalized", "besu")["error"]["code"] == -39001
    assert "result" in recorded("block finalized", "anvil")


@pytest.mark.parametrize("at", [-1, "newest", "0x12", True, b"\x01"])
def test_what_names_no_block_is_refused(besu, at):
    with pytest.raises(InvalidBlock):
        Connection.open(besu.url).block(at)


def test_pending_is_no_block(besu):
    with pytest.raises(InvalidBlock):
        Connection.open(besu.url).block("pending")


# --- point 8: long extraData ----------------------------------------------------------------------------------------


def test_blocks_with_besus_long_extra_data_are_read_by_us_and_by_web3(besu):
    connection = Connection.open(besu.url)
    assert ANSWERS["extraData bytes"]["besu"] == 327
    assert connection.block(5).number == 5
    assert len(connection.web3.eth.get_block(5)["proofOfAuthorityData"]) == 327


# --- point 10: addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "0x12",
        "",
        "c0" * 20,
        "0X" + "c0" * 20,
        "0x" + "g0" * 20,
        "0x" + "00" * 20,
        "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96046",  # wrong checksum
        b"\x01" * 19,
        bytes(20),
    ],
)
def test_what_is_no_address_is_refused_and_never_sent(server, address):
    connection = Connection.open(server.url)
    with pytest.raises(InvalidAddress):
        connection.call(address, b"")
    with pytest.raises(InvalidAddress):
        connection.call(CONTRACT, b"", sender=address)
    with pytest.raises(InvalidAddress):
        connection.logs(address, from_block=0)
    assert server.asked("eth_call") == []


def test_addresses_are_taken_in_lower_case_checksummed_and_as_bytes(server):
    connection = Connection.open(server.url)
    server.on("eth_call", result("0x"))
    for address in (CONTRACT, to_checksum_address(CONTRACT), bytes.fromhex("c0" * 20)):
        assert connection.call(address, b"\x01", sender=address) == b""
    checksummed = to_checksum_address(CONTRACT)
    assert server.asked("eth_call") == [[{"to": checksummed, "data": "0x01", "from": checksummed}, "latest"]] * 3


@pytest.mark.parametrize("value", ["0x12", b"\x01", "zz" * 33])
def test_what_is_no_hash_is_refused(besu, value):
    with pytest.raises(InvalidHash):
        Connection.open(besu.url).receipt(value)


# --- reverts, and calls that fail otherwise -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case", ["call Error(string)", "call custom error", "call empty revert", "call Panic div0", "call Panic assert"]
)
def test_a_revert_is_its_data_whoever_answers(server, case):
    connection = Connection.open(server.url)
    answer = recorded(case, server.personality)
    server.on("eth_call", answer)
    with pytest.raises(Reverted) as reverted:
        connection.call(CONTRACT, b"")
    assert "0x" + reverted.value.data.hex() == answer["error"]["data"]


@pytest.mark.parametrize("case", ["call out of gas", "call invalid opcode"])
def test_a_call_that_fails_without_data_is_no_revert(server, case):
    connection = Connection.open(server.url)
    server.on("eth_call", recorded(case, server.personality))
    with pytest.raises(ExecutionFailed):
        connection.call(CONTRACT, b"")


@pytest.mark.parametrize("case", ["reverted receipt", "reverted receipt custom", "oog receipt"])
def test_besus_receipt_says_why_it_reverted(besu, case):
    connection = Connection.open(besu.url)
    recorded_receipt = ANSWERS[case]["besu"]
    tx_hash = "0x" + "0c" * 32
    besu.on("eth_getTransactionReceipt", result({**_receipt(tx_hash), **recorded_receipt}))
    receipt = connection.receipt(tx_hash)
    assert receipt is not None
    assert not receipt.succeeded
    reason = recorded_receipt["revertReason"]
    assert connection.revert_data(receipt) == (None if reason is None else bytes.fromhex(reason[2:]))


def test_other_errors_keep_their_code(server):
    connection = Connection.open(server.url)
    with pytest.raises(NodeError) as unknown:
        connection.development_request("no_such")
    assert unknown.value.rpc_code == -32601


# --- per call options, threads, forks -------------------------------------------------------------------------------


def test_options_make_a_copy_over_the_same_node(besu):
    connection = Connection.open(besu.url, timeout=9)
    patient = connection.with_options(timeout=0.1)
    besu.on("eth_getBlockByNumber", NOTHING)
    with pytest.raises(HeadNotServed):
        patient.head()
    assert patient.genesis_hash == connection.genesis_hash
    assert patient.web3 is connection.web3


def test_many_threads_share_a_connection(server):
    connection = Connection.open(server.url)
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for height in range(5):
                assert connection.block(height).number == height
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_forked_child_uses_connections_of_its_own(besu):
    connection = Connection.open(besu.url)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if all(connection.block(height).number == height for height in range(5)) else 2
        finally:
            os._exit(status)
    assert all(connection.block(height).number == height for height in range(5))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_every_error_of_this_layer_says_what_to_do():
    import pyjpm.errors.chain as module

    classes = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, PyjpmError)]
    raised = [item for item in classes if item.__name__ not in ("PyjpmError", "ChainError", "TransportFault")]
    assert len({item.code for item in classes}) == len(classes)
    assert all(item.hint.endswith(".") for item in raised)


def _receipt(tx_hash: str) -> dict[str, object]:
    return {
        "transactionHash": tx_hash,
        "blockNumber": "0x3",
        "blockHash": "0x" + "0b" * 32,
        "transactionIndex": "0x0",
        "from": CONTRACT,
        "to": CONTRACT,
        "contractAddress": None,
        "logs": [],
    }
