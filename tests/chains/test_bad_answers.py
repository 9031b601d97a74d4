"""JSON-RPC by its form, nonsense by its content: an error of ours with a name, never a bare TypeError or KeyError."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from unit.rpc_server import GENESIS, Http, RpcServer, make_block, result

from pyjpm.chain import Connection
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import AnswerGarbled, MethodNotServed, NodeBadAnswer, TransportFault

HASH = "0x" + "ab" * 32
WALLET = "0x" + "11" * 20
LOG = {
    "address": WALLET,
    "topics": [HASH],
    "data": "0x",
    "blockNumber": "0x5",
    "blockHash": HASH,
    "transactionHash": HASH,
    "transactionIndex": "0x0",
    "logIndex": "0x0",
}
RECEIPT = {
    "transactionHash": HASH,
    "status": "0x1",
    "blockNumber": "0x5",
    "blockHash": HASH,
    "transactionIndex": "0x0",
    "from": WALLET,
    "to": WALLET,
    "contractAddress": None,
    "gasUsed": "0x5208",
    "logs": [LOG],
}
TRANSACTION = {
    "hash": HASH,
    "from": WALLET,
    "nonce": "0x0",
    "to": WALLET,
    "value": "0x0",
    "input": "0x",
    "gas": "0x5208",
    "blockNumber": "0x5",
}
BLOCK = {**make_block(5), "transactions": [TRANSACTION]}

# Each read, the method beneath it, and a right answer to that.
READS: dict[str, tuple[str, Any, Callable[[Connection], Any]]] = {
    "head": ("eth_getBlockByNumber", make_block(5), lambda c: c.head()),
    "block": ("eth_getBlockByNumber", make_block(5), lambda c: c.block(5)),
    "block by hash": ("eth_getBlockByHash", make_block(5), lambda c: c.block(make_block(5)["hash"])),
    "block transactions": ("eth_getBlockByNumber", BLOCK, lambda c: c.block_transactions(5)),
    "announced": ("eth_blockNumber", "0x5", lambda c: c.head()),
    "timestamps": ("eth_getBlockByNumber", make_block(5), lambda c: c.timestamps([5])),
    "call": ("eth_call", "0x01", lambda c: c.call(WALLET, b"")),
    "calls": ("eth_call", "0x01", lambda c: c.calls([(WALLET, b"")])),
    "code": ("eth_getCode", "0x01", lambda c: c.code(WALLET)),
    "balance": ("eth_getBalance", "0x1", lambda c: c.balance(WALLET)),
    "count": ("eth_getTransactionCount", "0x1", lambda c: c.transaction_count(WALLET)),
    "counts": ("eth_getTransactionCount", "0x1", lambda c: c.transaction_counts([WALLET])),
    "receipt": ("eth_getTransactionReceipt", RECEIPT, lambda c: c.receipt(HASH)),
    "receipts": ("eth_getTransactionReceipt", RECEIPT, lambda c: c.receipts([HASH])),
    "transaction": ("eth_getTransactionByHash", TRANSACTION, lambda c: c.transaction(HASH)),
    "newest": ("eth_getBlockByNumber", make_block(5), lambda c: c.newest()),
    "storage": ("eth_getStorageAt", HASH, lambda c: c.storage(WALLET, 7)),
    "block logs": ("eth_getLogs", [LOG], lambda c: c.block_logs(HASH, only={HASH})),
    "logs": ("eth_getLogs", [LOG], lambda c: list(c.logs(WALLET, from_block=0))),
}
NONSENSE: list[Any] = [7, True, 1.5, "", "0x", "0xzz", "x", "0x1", [], [7], [None], {}, {"number": 5}, {"logs": None}]


@pytest.fixture
def besu() -> Iterator[RpcServer]:
    with RpcServer("besu") as running:
        yield running


@pytest.mark.parametrize("read", READS)
def test_right_answers_are_read(besu: RpcServer, read: str) -> None:
    method, right, ask = READS[read]
    besu.on(method, result(right))
    connection = Connection.open(besu.url) if method != "eth_getBlockByNumber" else opened(besu, method, right)
    assert ask(connection) is not None


@pytest.mark.parametrize("read", READS)
def test_nonsense_never_is_a_bare_error(besu: RpcServer, read: str) -> None:
    method, right, ask = READS[read]
    connection = opened(besu, method, right)
    for answer in [*NONSENSE, *mutations(right, seed=5)]:
        besu.on(method, result(answer))
        with contextlib.suppress(PyjpmError):  # a name for it; many are still readable
            ask(connection)


def opened(server: RpcServer, method: str, right: Any) -> Connection:
    server.on(method, result(make_block(0)), result(right)) if method == "eth_getBlockByNumber" else None
    return Connection.open(server.url, timeout=0.05, max_retries=0)


def mutations(right: Any, seed: int, count: int = 60) -> Iterator[Any]:
    """The right answer with one thing in it removed or replaced."""
    dice = random.Random(seed)
    for _ in range(count if isinstance(right, (dict, list)) else 0):
        copy = json.loads(json.dumps(right))
        place = copy
        while True:
            key = dice.choice(list(place) if isinstance(place, dict) else list(range(len(place))) or [None])
            if key is None:
                break
            if isinstance(place[key], (dict, list)) and place[key] and dice.random() < 0.7:
                place = place[key]
                continue
            if isinstance(place, dict) and dice.random() < 0.4:
                del place[key]
            else:
                place[key] = dice.choice([None, *NONSENSE])
            break
        yield copy


@pytest.mark.parametrize(
    "missing", ["number", "hash", "parentHash", "timestamp", "gasLimit", "gasUsed", "transactions"]
)
def test_a_block_that_lacks_something_is_a_bad_answer(besu: RpcServer, missing: str) -> None:
    connection = Connection.open(besu.url)
    besu.on("eth_getBlockByNumber", result({key: value for key, value in make_block(5).items() if key != missing}))
    with pytest.raises(NodeBadAnswer) as bad:
        connection.block(5)
    assert bad.value.details["what"] == "a block"


@pytest.mark.parametrize("genesis", [7, {}, [], {"hash": 7}])
@pytest.mark.parametrize("method", ["eth_chainId", "eth_getBlockByNumber"])
def test_nonsense_while_connecting_is_a_bad_answer(besu: RpcServer, method: str, genesis: Any) -> None:
    besu.on(method, result(genesis if method != "eth_chainId" else "seven"))
    with pytest.raises(NodeBadAnswer):
        Connection.open(besu.url)


@pytest.mark.parametrize("read", ["receipt", "receipts", "transaction"])
def test_what_belongs_to_another_transaction_is_never_taken_for_ours(besu: RpcServer, read: str) -> None:
    method, right, ask = READS[read]
    other = "0x" + "cd" * 32
    besu.on(method, result({**right, "hash": other, "transactionHash": other}))
    with pytest.raises(NodeBadAnswer):
        ask(Connection.open(besu.url))


def test_another_block_than_was_asked_for_is_no_answer(besu: RpcServer) -> None:
    connection = Connection.open(besu.url)
    besu.on("eth_getBlockByNumber", result(make_block(4)))
    with pytest.raises(NodeBadAnswer):
        connection.block(5)
    besu.on("eth_getBlockByHash", result(make_block(4)))
    with pytest.raises(NodeBadAnswer):
        connection.block(HASH)
    assert connection.block("latest").number == 4


# --- on the way -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ['{"jsonrpc": "2.0", "id": 1, "resu', '[{"jsonrpc"', "[" * 5_000])
def test_an_answer_that_is_cut_off_is_asked_for_again(besu: RpcServer, body: str) -> None:
    connection = Connection.open(besu.url, max_retries=1)
    besu.on("eth_blockNumber", Http(200, body), result("0x5"))
    assert connection.head().number == 5
    besu.on("eth_blockNumber", Http(200, body))
    with pytest.raises(AnswerGarbled) as cut:
        connection.head()
    assert isinstance(cut.value, TransportFault)


def test_an_answer_to_another_request_is_not_taken_for_ours(besu: RpcServer) -> None:
    connection = Connection.open(besu.url, max_retries=1)
    theirs = json.dumps({"jsonrpc": "2.0", "id": 0, "result": "0x7"})
    besu.on("eth_getBalance", Http(200, theirs), result("0x1"))
    assert connection.balance(WALLET) == 1
    besu.on("eth_getBalance", Http(200, theirs))
    with pytest.raises(AnswerGarbled):
        connection.balance(WALLET)


def test_two_connections_never_use_the_same_ids(besu: RpcServer) -> None:
    one, two = (Connection.open(besu.url).web3.provider for _ in range(2))
    ids = {json.loads(provider.encode_rpc_request("m", []))["id"] for provider in (one, two, one, two)}
    assert len(ids) == 4


def test_a_method_that_is_switched_off_says_what_to_switch_on(besu: RpcServer) -> None:
    connection = Connection.open(besu.url)
    assert connection.genesis_hash == GENESIS
    besu.on("eth_getLogs", {"error": {"code": -32604, "message": "Method not enabled"}})
    with pytest.raises(MethodNotServed) as off:
        list(connection.logs(from_block=0))
    assert "--rpc-http-api" in str(off.value)
    assert off.value.rpc_code == -32604
