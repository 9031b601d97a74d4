"""A local chain inside this process: eth-tester and py-evm, without any binary.

Decisions that govern this module:

* It answers as Anvil does: same error codes, revert data under code 3, same ``evm_`` methods for time and mining. So
  one SDK, one set of tests, and web3 itself treat both alike.
* It is for development and tests: some tens of transactions a second, gone with the process.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, cast

from web3 import Web3
from web3.providers.eth_tester import EthereumTesterProvider
from web3.types import RPCEndpoint, RPCResponse

from pyjpm.chain.clock import DevClock
from pyjpm.chain.connection import Connection
from pyjpm.errors.chain import LocalTesterForked, LocalTesterNotInstalled

try:
    from eth_tester import EthereumTester
    from eth_tester.exceptions import BlockNotFound, TransactionFailed

    from pyjpm.chain.tester_backend import Failure, Refusal, ZeroFeeBackend
except ImportError as missing:
    raise LocalTesterNotInstalled(f"The in-process chain is not installed ({missing.name}).") from None

DEV_CHAIN_ID = 31337
BLOCK_GAS_LIMIT = 100_000_000
NOBODY = "0x" + "00" * 20

# Where each method that reads state has its block.
BLOCK_PARAMETER = {
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_getStorageAt": 2,
}


class TesterProvider(EthereumTesterProvider):
    """web3's provider for eth-tester, answering like a node. Threads: one request at a time. Forks: refused."""

    def __init__(self, backend: ZeroFeeBackend) -> None:
        self.backend = backend
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._own: dict[str, Callable[[Any], Any]] = {
            "eth_chainId": lambda _: hex(backend.chain.chain_id),
            "net_version": lambda _: str(backend.chain.chain_id),
            "eth_gasPrice": lambda _: "0x0",
            "eth_maxPriorityFeePerGas": lambda _: "0x0",
            "eth_blockNumber": lambda _: hex(backend.chain.header.block_number - 1),
            "eth_sendRawTransaction": lambda params: _hex(backend.send_raw_transaction(_bytes(params[0]))),
            "eth_call": lambda params: _hex(backend.call(_call_fields(params[0]), params[1])),
            "eth_estimateGas": lambda params: hex(backend.estimate_gas(_call_fields(params[0]))),
            "eth_getLogs": self._logs,
            "evm_mine": self._mine,
            "evm_setNextBlockTimestamp": lambda params: backend.set_next_timestamp(int(params[0])),
            "evm_setAutomine": self._set_automine,
        }
        super().__init__(EthereumTester(backend))

    def request_func(self, w3: Web3, middleware_onion: Any) -> Callable[..., RPCResponse]:
        """As web3's, for EIP-1898 block hashes too, on which its eth-tester middleware would trip.

        What names no sender is asked by nobody, as Anvil has it: the middleware would list this chain's accounts, three
        times for each call, to ask in the name of the first.
        """
        inner = super().request_func(w3, middleware_onion)

        def ask(method: RPCEndpoint, params: Any) -> RPCResponse:
            try:
                return inner(method, _by_somebody(method, self._without_hash(method, list(params))))
            except BlockNotFound:
                return _error(-32001, "Resource not found")

        return ask

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One request. Raises LocalTesterForked in a forked child."""
        if self._pid != os.getpid():
            raise LocalTesterForked("This in-process chain was forked with its process.")
        with self._lock:
            try:
                params = self._with_block(method, list(params))
                if method in self._own:
                    return _result(self._own[method](params))
                if method == "eth_getTransactionCount" and params[1] == "pending":
                    return _result(hex(self.backend.pending_count(_bytes(params[0]))))
                if method == "eth_getTransactionByHash":
                    waiting = self.backend.waiting(_bytes(params[0]))
                    if waiting is not None:
                        return _result(_waiting_fields(waiting))
                return super().make_request(method, params)
            except TransactionFailed as failed:
                data = failed.args[0] if isinstance(failed.args[0], bytes) else b""
                return _error(3, "execution reverted", _hex(data))
            except Refusal as refused:
                return _error(refused.code, refused.message)
            except Failure as failure:
                return _error(-32603, str(failure))
            except BlockNotFound as missing:
                return _error(-32602, f"BlockOutOfRangeError: {missing}")

    def _without_hash(self, method: str, params: list[Any]) -> list[Any]:
        """State reads with a block's hash replaced by its height. Raises BlockNotFound."""
        position = BLOCK_PARAMETER.get(method, len(params))
        block = params[position] if len(params) > position else None
        if isinstance(block, dict):
            block = block["blockHash"]
        if not isinstance(block, (str, bytes)) or len(_hex(block) if isinstance(block, bytes) else block) != 66:
            return params
        return [*params[:position], hex(self._height(block)), *params[position + 1 :]]

    def _with_block(self, method: str, params: list[Any]) -> list[Any]:
        """State reads with their block as a height or a tag, as eth-tester wants it."""
        position = BLOCK_PARAMETER.get(method)
        if position is None:
            return params
        block = params[position] if len(params) > position else "latest"
        if isinstance(block, str) and block.startswith("0x"):
            block = int(block, 16)
        if block == "pending":
            self.backend.stamp_pending()
        return [*params[:position], block, *params[position + 1 :]]

    def _height(self, block_hash: str | bytes) -> int:
        with self._lock:
            return int(self.backend.get_block_by_hash(_bytes(block_hash), False)["number"])

    def _mine(self, params: Any) -> str:
        if params:
            self.backend.set_next_timestamp(int(params[0]))
        self.backend.mine_blocks(1)
        return "0x0"

    def _set_automine(self, params: Any) -> bool:
        self.backend.set_automine(bool(params[0]))
        return True

    def _logs(self, params: Any) -> list[dict[str, Any]]:
        query = params[0]
        head = self.backend.chain.header.block_number - 1
        if "blockHash" in query:
            first = last = self._height(query["blockHash"])
        else:
            first, last = (self._bound(query.get(name, "latest"), head) for name in ("from_block", "to_block"))
        given = query.get("address") or []
        addresses = [_bytes(address) for address in ([given] if isinstance(given, (str, bytes)) else given)]
        topics = [_choice(topic) for topic in query.get("topics") or []]
        return [_log_fields(*event) for event in self.backend.events(first, min(last, head), addresses, topics)]

    def _bound(self, block: int | str, head: int) -> int:
        return block if isinstance(block, int) else {"earliest": 0}.get(block, head)


class LocalTester:
    """A chain of our own in this process; a context manager for symmetry with LocalAnvil.

    Threads: any number, one request at a time. Forks: only the process that made it may use it.

    Args:
        chain_id: chain id.
        block_gas_limit: gas a block holds.
        timestamp: of the genesis block, in seconds since 1970; None is now. The chain's clock runs on from there.
    """

    def __init__(
        self,
        *,
        chain_id: int = DEV_CHAIN_ID,
        block_gas_limit: int = BLOCK_GAS_LIMIT,
        timestamp: int | None = None,
    ) -> None:
        start = int(time.time()) if timestamp is None else timestamp
        self.chain_id = chain_id
        self.provider = TesterProvider(
            ZeroFeeBackend(chain_id=chain_id, block_gas_limit=block_gas_limit, timestamp=start)
        )

    def start(self) -> Self:
        """It runs as soon as it is made."""
        return self

    def stop(self) -> None:
        """Nothing to end: it goes with its last reference."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def connection(self, *, timeout: float = 10.0, max_retries: int = 3) -> Connection:
        """A new Connection to it."""
        return Connection.open(self.provider, chain_id=self.chain_id, timeout=timeout, max_retries=max_retries)

    def clock(self) -> DevClock:
        """Its clock, over a connection of its own."""
        return DevClock(self.connection())


def _result(value: Any) -> RPCResponse:
    return cast(RPCResponse, {"jsonrpc": "2.0", "id": 1, "result": value})


def _error(code: int, message: str, data: str | None = None) -> RPCResponse:
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return cast(RPCResponse, {"jsonrpc": "2.0", "id": 1, "error": error})


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _bytes(value: str | bytes) -> bytes:
    return bytes.fromhex(value[2:]) if isinstance(value, str) else bytes(value)


def _by_somebody(method: str, params: list[Any]) -> list[Any]:
    """A call with the sender it has where it names none."""
    if method in ("eth_call", "eth_estimateGas") and params[0].get("from") is None:
        return [{**params[0], "from": NOBODY}, *params[1:]]
    return params


def _call_fields(request: dict[str, Any]) -> dict[str, Any]:
    """A call's fields as the backend takes them: bytes and integers."""
    fields: dict[str, Any] = {
        name: _bytes(request[name]) for name in ("from", "to", "data") if request.get(name) is not None
    }
    for name in ("gas", "value"):
        if request.get(name) is not None:
            value = request[name]
            fields[name] = int(value, 16) if isinstance(value, str) else int(value)
    return fields


def _choice(topic: Any) -> list[bytes] | None:
    if topic is None:
        return None
    return [_bytes(topic)] if isinstance(topic, (str, bytes)) else [_bytes(alternative) for alternative in topic]


def _log_fields(block: Any, position: int, log_index: int, log: Any) -> dict[str, Any]:
    return {
        "address": _hex(log.address),
        "topics": [_hex(topic.to_bytes(32, "big")) for topic in log.topics],
        "data": _hex(log.data),
        "blockNumber": hex(block.number),
        "blockHash": _hex(block.hash),
        "transactionHash": _hex(block.transactions[position].hash),
        "transactionIndex": hex(position),
        "logIndex": hex(log_index),
        "removed": False,
    }


def _waiting_fields(transaction: Any) -> dict[str, Any]:
    return {
        "hash": _hex(transaction.hash),
        "from": _hex(transaction.sender),
        "nonce": hex(transaction.nonce),
        "to": _hex(transaction.to) if transaction.to else None,
        "value": hex(transaction.value),
        "input": _hex(transaction.data),
        "gas": hex(transaction.gas),
        "gasPrice": "0x0",
        "blockNumber": None,
        "blockHash": None,
        "transactionIndex": None,
    }
