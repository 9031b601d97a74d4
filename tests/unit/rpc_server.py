"""A small JSON-RPC server over real HTTP that answers as recorded nodes did (chain_answers.json).

It stands where a Besu network cannot be had in a test: what a node said is recorded, how it reaches us is real.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

ANSWERS = json.loads((Path(__file__).parents[1] / "chain_answers.json").read_text())["cases"]

VERSIONS = {"besu": "besu/v26.8.0/linux-x86_64/openjdk-java-25", "anvil": "anvil/v1.7.1"}
CHAIN_ID = 7777
GENESIS = "0x" + "9e" * 32
BATCH_LIMIT = {"besu": 1024, "anvil": 1_000_000}


@dataclass(frozen=True)
class Http:
    """An answer that is no JSON-RPC result: a status and a body."""

    status: int
    body: str = ""


@dataclass(frozen=True)
class Hang:
    """No answer for so many seconds."""

    seconds: float


class Drop:
    """The connection closes without an answer."""


def recorded(case: str, personality: str) -> dict[str, Any]:
    """What the node of that personality answered to a case, or KeyError/TypeError where nothing is recorded."""
    answer = ANSWERS[case][personality]
    assert isinstance(answer, dict), f"nothing recorded for {case} on {personality}"
    return answer


def result(value: Any) -> dict[str, Any]:
    return {"result": value}


def make_block(number: int, *, extra_bytes: int = 32, gas_limit: int = 100_000_000) -> dict[str, Any]:
    """A block as a node returns it; Besu's extraData under four validators has 327 bytes."""
    return {
        "number": hex(number),
        "hash": GENESIS if number == 0 else "0x" + number.to_bytes(32, "big").hex(),
        "parentHash": "0x" + max(0, number - 1).to_bytes(32, "big").hex(),
        "timestamp": hex(1_700_000_000 + number),
        "gasLimit": hex(gas_limit),
        "gasUsed": "0x0",
        "baseFeePerGas": "0x0",
        "transactions": [],
        "extraData": "0x" + "ab" * extra_bytes,
        "miner": "0x" + "00" * 20,
        "difficulty": "0x1",
        "nonce": "0x" + "00" * 8,
        "logsBloom": "0x" + "00" * 256,
        "mixHash": "0x" + "00" * 32,
        "receiptsRoot": "0x" + "00" * 32,
        "sha3Uncles": "0x" + "00" * 32,
        "size": "0x200",
        "stateRoot": "0x" + "00" * 32,
        "transactionsRoot": "0x" + "00" * 32,
        "uncles": [],
    }


class RpcServer:
    """Answers on loopback until the ``with`` block ends.

    ``on(method, *answers)`` gives the answers one after another, the last one for ever. ``requests`` lists what came.
    """

    def __init__(self, personality: str, *, head: int = 5) -> None:
        self.personality = personality
        self.head = head
        self.requests: list[tuple[str, list[Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.posts = 0
        self.allowed_host: str | None = None
        self._scripts: dict[str, list[Any]] = defaultdict(list)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> RpcServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def on(self, method: str, *answers: Any) -> None:
        """Script a method; forgets what was scripted before."""
        with self._lock:
            self._scripts[method] = list(answers)

    def asked(self, method: str) -> list[list[Any]]:
        """The parameters of each request for ``method``."""
        return [params for name, params in self.requests if name == method]

    def answer(self, method: str, params: list[Any]) -> Any:
        with self._lock:
            self.requests.append((method, params))
            script = self._scripts[method]
            if script:
                return script.pop(0) if len(script) > 1 else script[0]
        return self._default(method, params)

    def _default(self, method: str, params: list[Any]) -> dict[str, Any]:
        if method == "web3_clientVersion":
            return result(VERSIONS[self.personality])
        if method == "eth_chainId":
            return result(hex(CHAIN_ID))
        if method == "eth_blockNumber":
            return result(hex(self.head))
        if method == "eth_getBlockByNumber":
            return self._block(params[0])
        if method in ("eth_getBlockByHash", "eth_getTransactionByHash", "eth_getTransactionReceipt"):
            return recorded("unknown receipt", self.personality)
        return recorded("unknown method", self.personality)

    def _block(self, at: str) -> dict[str, Any]:
        if at in ("finalized", "safe"):
            return recorded(f"block {at}", self.personality)
        number = self.head if at in ("latest", "pending") else int(at, 16)
        extra = ANSWERS["extraData bytes"]["besu"] if self.personality == "besu" else 32
        return result(make_block(number, extra_bytes=extra) if number <= self.head else None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own looks its name up in DNS


def _handler(server: RpcServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.posts += 1
            server.headers.append(dict(self.headers))
            if server.allowed_host is not None and self.headers["Host"].split(":")[0] != server.allowed_host:
                refusal = recorded("host not allowed", server.personality)
                self._reply(refusal["http"], refusal["body"])
                return
            try:
                request = json.loads(body)
            except ValueError:
                refusal = recorded("bad json", server.personality)
                self._reply(refusal["http"], refusal["body"])
                return
            if isinstance(request, list):
                self._batch(request)
                return
            answer = server.answer(request["method"], request.get("params", []))
            if isinstance(answer, Http):
                self._reply(answer.status, answer.body)
            elif isinstance(answer, Hang):
                time.sleep(answer.seconds)
                self.close_connection = True
            elif isinstance(answer, Drop):
                self.close_connection = True
            else:
                self._reply(200, json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}))

        def _batch(self, requests: list[dict[str, Any]]) -> None:
            if len(requests) > BATCH_LIMIT[server.personality]:
                self._reply(200, json.dumps(ANSWERS["batch 1025"][server.personality]["body"]))
                return
            answers = [
                {"jsonrpc": "2.0", "id": item["id"], **server.answer(item["method"], item.get("params", []))}
                for item in requests
            ]
            # Nodes may answer in any order.
            self._reply(200, json.dumps(answers[::-1]))

        def _reply(self, status: int, body: str) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler
