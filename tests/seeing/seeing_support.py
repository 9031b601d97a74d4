"""What the tests of seeing share: a bell that emits what it is told, wallets, and a node told what to say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from eth_utils.crypto import keccak
from web3.providers.base import JSONBaseProvider

from pyjpm.chain.connection import Connection
from pyjpm.chain.values import Receipt
from pyjpm.custody import LocalSigner
from pyjpm.errors.chain import NodeTimeout, NodeUnreachable

# Emits one event: its topic is the first word of the call's data, its data all of it. Nothing for a call without data.
BELL = bytes.fromhex("365f5f37" + "3660095700" + "5b5f35365fa100")
CREATE_BELL = b"\x60" + bytes([len(BELL)]) + bytes.fromhex("8060095f395ff3") + BELL
TOPIC = b"\x11" * 32
CHAIN_ID = 31337
GENESIS = "0x" + "9e" * 32


class Wallet:
    """A key that signs one transaction after another."""

    def __init__(self, chain_id: int = CHAIN_ID) -> None:
        self._signer = LocalSigner.generate()
        self._chain_id = chain_id
        self.address = self._signer.address
        self.nonce = 0

    def sign(self, to: str | None, data: bytes = b"", *, gas: int = 100_000, **changes: Any) -> bytes:
        fields = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": self.nonce,
            "to": to or b"",
            "value": 0,
            "data": data,
            "gas": gas,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            **changes,
        }
        self.nonce += 1
        return self._signer.sign_transaction(fields).raw


def ring(wallet: Wallet, bell: str, number: int) -> bytes:
    """A signed call on which the bell emits ``number``."""
    return wallet.sign(bell, TOPIC + number.to_bytes(32, "big"))


def mined(connection: Connection, raw: bytes) -> Receipt:
    """Send it and wait for its receipt."""
    answer = connection.send_raw(raw)
    receipt = connection.wait_for_receipt(answer.tx_hash, timeout=10)
    assert receipt is not None, answer
    return receipt


def hang_bell(connection: Connection, wallet: Wallet) -> str:
    """A bell of our own; its address."""
    receipt = mined(connection, wallet.sign(None, CREATE_BELL, gas=300_000))
    assert receipt.succeeded
    assert receipt.contract_address is not None
    return receipt.contract_address


class FakeNode(JSONBaseProvider):
    """A node that says what a test wants; every request it got is in ``requests``.

    Attributes:
        head, salt: its height, and what tells its hashes from another node's.
        down: whether it cannot be reached.
        hang: until when it hangs, before it answers nothing.
        nulls: how many requests for its newest block it still answers with ``null``.
        pending: what it says of any wallet's next nonce.
        on_send: its answer to bytes, as JSON-RPC.
    """

    def __init__(
        self, head: int = 5, *, chain_id: int = CHAIN_ID, genesis: str = GENESIS, client: str = "besu"
    ) -> None:
        super().__init__()
        self.head, self.salt, self.down, self.nulls, self.pending = head, 0, False, 0, 0
        self.hang: threading.Event | None = None
        self.chain_id, self.genesis, self.client = chain_id, genesis, client
        self.on_send: Callable[[bytes], dict[str, Any]] = lambda raw: {"result": tx_hash(raw)}
        self.requests: list[tuple[str, Any]] = []

    def received(self) -> list[bytes]:
        return [bytes.fromhex(p[0][2:]) for method, p in self.requests if method == "eth_sendRawTransaction"]

    def make_request(self, method: Any, params: Any) -> Any:
        self.requests.append((method, params))
        if self.hang is not None:
            self.hang.wait(60)
            raise NodeTimeout("It hangs.", url="fake", timeout=60)
        if self.down:
            raise NodeUnreachable("It is down.", url="fake")
        if method == "eth_sendRawTransaction":
            return {"jsonrpc": "2.0", "id": 1, **self.on_send(bytes.fromhex(params[0][2:]))}
        return {"jsonrpc": "2.0", "id": 1, "result": self._result(method, params)}

    def _result(self, method: str, params: Any) -> Any:
        if method == "eth_getBlockByNumber":
            if params[0] == "latest" and self.nulls:
                self.nulls -= 1
                return None
            number = self.head if params[0] == "latest" else int(params[0], 16)
            name = (
                self.genesis if number == 0 else "0x" + bytes([self.salt]).hex() * 24 + number.to_bytes(8, "big").hex()
            )
            return {"number": hex(number), "hash": name, "timestamp": hex(1_700_000_000 + number)}
        return {
            "eth_chainId": hex(self.chain_id),
            "web3_clientVersion": f"{self.client}/v1",
            "eth_getTransactionCount": hex(self.pending),
        }[method]


def tx_hash(raw: bytes) -> str:
    return "0x" + keccak(raw).hex()


class VirtualClock:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds
