"""A QBFT network that answers as Besu's nodes do, in one process: what `pyjpm network check` asks, and no more.

Blocks follow a clock, one a second, made by the validators in turn; where one is dead, the next makes its block four
seconds late. There is no EVM: calls answer what the check's two codes would return, which other tests show on a real
one. What is wrong with a node is a field of it.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

import rlp
from eth_utils import keccak

from pyjpm.chain.network import Description

VERSION = "besu/v26.10.0/linux-x86_64/openjdk-java-25"


class VirtualClock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self._now = 1_800_000_000.3

    def time(self) -> float:
        return self._now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self._now += seconds


class RpcError(Exception):
    """An error answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = {"code": code, "message": message}


@dataclass
class Chain:
    """What all nodes agree on. ``dead`` are addresses of validators that make no blocks."""

    described: Description
    clock: Any = time
    length: int = 200
    dead: frozenset[str] = frozenset()
    stopped: bool = False
    clock_off: float = 0.0

    def __post_init__(self) -> None:
        self._born = self.clock.time()
        self.validators = sorted(self.described.validators())
        # Times of blocks before this moment: a dead one's turn takes five seconds.
        steps = [5 if self._maker(number) in self.dead else 1 for number in range(self.length)]
        end = int(self._born + self.clock_off)
        self._times = [end - sum(steps[number + 1 :]) for number in range(self.length)]

    def head(self) -> int:
        age = 0 if self.stopped else int(self.clock.time() - int(self._born))
        return self.length - 1 + age

    def timestamp(self, number: int) -> int:
        return self._times[number] if number < self.length else self._times[-1] + number - self.length + 1

    def maker(self, number: int) -> str:
        maker = self._maker(number)
        return self._maker(number + 1) if maker in self.dead else maker

    def _maker(self, number: int) -> str:
        return self.validators[number % len(self.validators)]


@dataclass
class Node:
    """One node: every field is how a healthy one is, until a test changes it."""

    chain: Chain
    token: str | None = None
    permitted: Callable[[str], bool] = lambda method: True
    behind: int = 0
    fork: int = 0
    version: str = VERSION
    chain_id: int = 0
    base_fee: int = 0
    gas_price: int = 0
    peers: int = 5
    pool_size: int = 20_000
    batch_limit: int = 256
    creation_returns: bool = True
    miner: str | None = None
    modules: tuple[str, ...] = ("eth", "net", "web3", "txpool")
    genesis: dict[str, str] = field(default_factory=dict)
    strange: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def head(self) -> int:
        return self.chain.head() - self.behind

    def block(self, at: str) -> dict[str, Any] | None:
        number = self.head() if at == "latest" else int(at, 16)
        if number > self.head():
            return None
        described = self.chain.described
        if number == 0:
            empty = {"parentHash": "0x" + "00" * 32, "gasUsed": "0x0", "transactions": []}
            return {**empty, **described.genesis, **self.genesis, "number": "0x0"}
        validators = [bytes.fromhex(address[2:]) for address in self.chain.validators]
        extra = rlp.encode([bytes(32), validators, [], b"", [bytes(65)] * 3])
        return {
            "number": hex(number),
            "hash": "0x" + keccak(text=f"{self.fork} {number}").hex(),
            "parentHash": "0x" + keccak(text=f"{self.fork} {number - 1}").hex(),
            "gasUsed": "0x0",
            "transactions": [],
            "timestamp": hex(self.chain.timestamp(number)),
            "gasLimit": hex(described.gas_limit),
            "baseFeePerGas": hex(self.base_fee),
            "miner": self.miner or self.chain.maker(number),
            "extraData": "0x" + extra.hex(),
        }

    def answer(self, method: str, params: list[Any]) -> Any:
        self.asked.append(method)
        if method in self.strange:
            return self.strange[method]
        simple: dict[str, Callable[[], Any]] = {
            "web3_clientVersion": lambda: self.version,
            "eth_chainId": lambda: hex(self.chain_id or self.chain.described.chain_id),
            "eth_blockNumber": lambda: hex(self.head()),
            "eth_getBlockByNumber": lambda: self.block(params[0]),
            "eth_gasPrice": lambda: hex(self.gas_price),
            "net_peerCount": lambda: hex(self.peers),
            "txpool_besuStatistics": lambda: {"maxSize": self.pool_size, "localCount": 1, "remoteCount": 2},
            "rpc_modules": lambda: dict.fromkeys(self.modules, "1.0"),
            "eth_call": lambda: self._call(*params),
        }
        if method not in simple:
            raise RpcError(-32604, "Method not enabled")
        return simple[method]()

    def _call(self, call: dict[str, str], _: str, lent: dict[str, dict[str, str]] | None = None) -> str:
        if lent is None and not self.creation_returns and call["data"][2:4] == "7f":
            return "0x"
        code = bytes.fromhex((lent[call["to"]]["code"] if lent else call["data"])[2:])
        if code[0] == 0x62:
            if int.from_bytes(code[1:4], "big") > 24_576:
                raise RpcError(-32000, "Code is too large")
            return "0x"
        return "0x" + code[1:33].hex()


class Server:
    """A node at a port of loopback, until the ``with`` block ends."""

    def __init__(self, node: Node, tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server(("127.0.0.1", 0), _handler(node))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # a client that hangs up is what a test wanted

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own looks its name up in DNS


def _handler(node: Node) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if isinstance(request, list):
                if len(request) > node.batch_limit:
                    self._reply(200, {"id": None, "error": {"code": -32005, "message": "Number of requests in batch"}})
                    return
                self._reply(200, [self._one(item)[1] for item in request])
                return
            if request["method"] in node.raw:
                self._send(200, node.raw[request["method"]])
                return
            self._reply(*self._one(request))

        def _one(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
            method = request["method"]
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if node.token is not None and (bearer != node.token or not node.permitted(method)):
                return 401, {**answer, "error": {"code": -40100, "message": "Unauthorized"}}
            try:
                return 200, {**answer, "result": node.answer(method, request["params"])}
            except RpcError as error:
                return 200, {**answer, "error": error.answer}

        def _reply(self, status: int, body: Any) -> None:
            self._send(status, json.dumps(body).encode())

        def _send(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler
