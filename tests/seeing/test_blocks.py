"""What happened in one block: all of it, of one hash, never mixed, never guessed, and fast."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from seeing_support import TOPIC, FakeNode, Wallet, hang_bell, ring, tx_hash

from pyjpm.chain import Connection, LocalAnvil
from pyjpm.chain.blocks import block_view, silent_receipts
from pyjpm.errors.chain import BlockNotAvailable, HeadNotServed, NodeBadAnswer
from pyjpm.testing import start_chain


@pytest.fixture(scope="module", params=["anvil", "eth-tester"])
def chain(request: pytest.FixtureRequest) -> Iterator[Any]:
    with start_chain(request.param) as started:
        yield started


def test_a_block_holds_its_transactions_and_what_each_emitted(chain: Any) -> None:
    connection, clock = chain.connection(), chain.clock()
    wallet = Wallet()
    bell = hang_bell(connection, wallet)
    clock.automine(False)
    loud = [ring(wallet, bell, i) for i in range(3)]
    silent = wallet.sign(wallet.address)
    failing = wallet.sign(None, b"\xfe", gas=100_000)  # an invalid opcode
    for raw in [*loud, silent, failing]:
        connection.send_raw(raw)
    mined = clock.mine()
    clock.automine(True)

    seen = block_view(connection, mined.number)
    assert (seen.number, seen.hash, seen.parent_hash) == (mined.number, mined.hash, mined.parent_hash)
    assert seen.timestamp == mined.timestamp
    assert seen.tx_hashes == tuple(tx_hash(raw) for raw in [*loud, silent, failing])
    assert list(seen.emitted) == [tx_hash(raw) for raw in loud]
    for i, raw in enumerate(loud):
        (event,) = seen.emitted[tx_hash(raw)]
        assert (event.address, event.topics, event.data[-1], event.block_hash) == (bell, (TOPIC,), i, mined.hash)
    assert [event.log_index for event in seen.logs] == [0, 1, 2]
    assert block_view(connection, mined.hash) == seen

    ours = [tx_hash(raw) for raw in [*loud, silent, failing]] + ["0x" + "77" * 32]
    receipts = silent_receipts(connection, seen, ours)
    assert {name: receipt.succeeded for name, receipt in receipts.items()} == {
        tx_hash(silent): True,
        tx_hash(failing): False,
    }
    assert block_view(connection, mined.number, only={tx_hash(loud[1])}).emitted.keys() == {tx_hash(loud[1])}
    assert block_view(connection, mined.number, addresses=[wallet.address]).emitted == {}
    assert len(block_view(connection, mined.number, addresses=[bell], topics=[TOPIC]).logs) == 3


def test_a_block_beyond_the_head_and_an_unknown_hash_are_not_there(chain: Any) -> None:
    connection = chain.connection()
    with pytest.raises(BlockNotAvailable):
        block_view(connection, connection.head().number + 1)
    with pytest.raises(BlockNotAvailable):
        block_view(connection, "0x" + "12" * 32)
    with pytest.raises(BlockNotAvailable):
        connection.block_logs("0x" + "12" * 32)


class Showing(FakeNode):
    """A node with one block of one transaction, whose parts are ``null`` as often as asked for."""

    name, parent, mined = "0x" + "b1" * 32, "0x" + "b0" * 32, "0x" + "71" * 32

    def __init__(self) -> None:
        super().__init__(5)
        self.block_nulls = self.log_nulls = 0
        self.receipt: dict[str, Any] | None = None
        self.log = {
            "address": "0x" + "c0" * 20,
            "topics": [],
            "data": "0x",
            "blockNumber": "0x5",
            "blockHash": self.name,
            "transactionHash": self.mined,
            "transactionIndex": "0x0",
            "logIndex": "0x0",
        }

    def _result(self, method: str, params: Any) -> Any:
        if method == "eth_blockNumber":
            return hex(self.head)
        if method == "eth_getTransactionReceipt":
            return self.receipt
        if method == "eth_getLogs":
            assert params == [{"blockHash": self.name}]
            self.log_nulls -= 1
            return None if self.log_nulls >= 0 else [self.log]
        if (method, params[:1]) in (("eth_getBlockByNumber", ["0x5"]), ("eth_getBlockByHash", [self.name])):
            if method == "eth_getBlockByNumber":
                self.block_nulls -= 1
            if self.block_nulls >= 0:
                return None
            fields = {"number": "0x5", "hash": self.name, "parentHash": self.parent, "timestamp": "0x7"}
            return {**fields, "gasLimit": "0x9", "gasUsed": "0x1", "transactions": [self.mined]}
        return super()._result(method, params)


def test_null_at_an_announced_height_is_not_yet() -> None:
    node = Showing()
    connection = Connection.open(node)
    node.block_nulls = 3
    with pytest.raises(HeadNotServed) as early:
        block_view(connection, 5, wait=False)
    assert early.value.details["block"] == 5
    node.block_nulls, node.log_nulls = 3, 3
    seen = block_view(connection, 5)
    assert seen.emitted.keys() == {node.mined}
    assert seen.timestamp == 7


def test_null_for_ever_is_an_error_never_an_empty_block() -> None:
    node = Showing()
    node.log_nulls = 1_000_000
    with pytest.raises(HeadNotServed):
        block_view(Connection.open(node, timeout=0.05), 5)


def test_a_receipt_of_another_block_or_none_says_nothing() -> None:
    node = Showing()
    connection = Connection.open(node)
    seen = block_view(connection, 5, only=())
    receipt = {
        "transactionHash": node.mined,
        "status": "0x1",
        "blockNumber": "0x5",
        "blockHash": node.name,
        "transactionIndex": "0x0",
        "from": "0x" + "a1" * 20,
        "gasUsed": "0x1",
        "logs": [],
    }
    node.receipt = receipt
    assert silent_receipts(connection, seen, [node.mined]).keys() == {node.mined}
    node.receipt = {**receipt, "blockHash": "0x" + "99" * 32}
    assert silent_receipts(connection, seen, [node.mined]) == {}
    node.receipt = None
    assert silent_receipts(connection, seen, [node.mined]) == {}


@pytest.mark.parametrize("field", ["blockHash", "transactionHash"])
def test_an_event_that_does_not_fit_the_block_is_never_mixed_in(field: str) -> None:
    node = Showing()
    node.log[field] = "0x" + "99" * 32
    with pytest.raises(NodeBadAnswer):
        block_view(Connection.open(node), 5)


def test_a_second_of_four_thousand_transactions_is_confirmed_in_a_fraction_of_it() -> None:
    with LocalAnvil(mining="none", block_gas_limit=1_000_000_000) as anvil:
        connection, clock = anvil.connection(), anvil.clock()
        clock.automine(True)
        wallets = [Wallet() for _ in range(40)]
        bell = hang_bell(connection, wallets[0])
        clock.automine(False)
        raws = [ring(wallet, bell, i) for wallet in wallets for i in range(100)]
        connection.send_raw_many(raws)
        mined = clock.mine()
        assert len(mined.transactions) == 4_000
        took = []
        for _ in range(3):
            started = time.perf_counter()
            seen = block_view(connection, mined.number)
            missing = silent_receipts(connection, seen, [tx_hash(raw) for raw in raws])
            took.append(time.perf_counter() - started)
        print(f"4,000 transactions confirmed in {min(took) * 1000:.0f} ms")
        assert seen.emitted.keys() == {tx_hash(raw) for raw in raws}
        assert missing == {}
        assert min(took) < 0.5
