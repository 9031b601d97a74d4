"""Subscribed or polled, the same is seen; a subscription that dies, lies or never was costs time, and loses nothing."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from seeing_support import Wallet, hang_bell, mined, ring
from websockets.sync.server import ServerConnection, serve

from pyjpm.chain import LocalAnvil, watch
from pyjpm.chain.nodes import Nodes
from pyjpm.chain.stream import Back, Cursor, EventStream
from pyjpm.chain.subscription import HeadSubscription
from pyjpm.chain.transport import HttpProvider
from pyjpm.chain.watch import HeadWatch

PATIENCE = 20.0


@pytest.fixture
def anvil() -> Iterator[LocalAnvil]:
    with LocalAnvil() as running:
        yield running


class Ringer:
    """A bell on a chain, rung by a wallet of its own."""

    def __init__(self, anvil: LocalAnvil) -> None:
        self.connection = anvil.connection()
        self._wallet = Wallet()
        self.bell = hang_bell(self.connection, self._wallet)
        self.start = self.connection.head().number + 1

    def ring(self, number: int) -> None:
        assert mined(self.connection, ring(self._wallet, self.bell, number)).succeeded

    def reorganise(self, depth: int) -> None:
        """The newest blocks are replaced by empty ones."""
        self.connection.development_request("anvil_reorg", depth, [])
        self._wallet.nonce = self.connection.transaction_count(self._wallet.address)

    def on_chain(self) -> list[int]:
        logs = self.connection.logs(self.bell, from_block=self.start)
        return [int.from_bytes(event.data[32:], "big") for event in logs]


class Listener:
    """Reads a stream in a thread of its own."""

    def __init__(self, ringer: Ringer, url: str, **watching: Any) -> None:
        self.nodes = Nodes.open(url)
        self.watch = HeadWatch(self.nodes, **watching)
        self.stream = EventStream(self.nodes, Cursor.before(ringer.start), addresses=[ringer.bell], watch=self.watch)
        self.read: dict[int, list[int]] = {}
        self.backs = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.stop()
        self._thread.join(PATIENCE)
        self.watch.close()
        self.nodes.close()
        assert not self._thread.is_alive()

    @property
    def values(self) -> list[int]:
        return [value for number in sorted(self.read.copy()) for value in self.read[number]]

    def _run(self) -> None:
        for step in self.stream:
            if isinstance(step, Back):
                self.backs += 1
                self.read = {number: values for number, values in self.read.items() if number <= step.to_block}
            elif step.events:
                self.read[step.block.number] = [int.from_bytes(event.data[32:], "big") for event in step.events]


def until(true: Callable[[], bool]) -> float:
    """Seconds until it is true; fails where it never is."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < PATIENCE
        time.sleep(0.005)
    return time.monotonic() - start


class Relay:
    """Carries TCP connections to a port, until they are cut; refuses new ones while ``refusing``."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open: list[socket.socket] = []
        self.refusing = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        while self._open:
            each = self._open.pop()
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._server.accept()
            except OSError:
                return
            if self.refusing:
                here.close()
                continue
            there = socket.create_connection(("127.0.0.1", self._to))
            self._open += [here, there]
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)


def test_subscribed_and_polled_read_the_same_over_a_reorganisation(anvil: LocalAnvil) -> None:
    ringer = Ringer(anvil)
    with Listener(ringer, anvil.url) as told, Listener(ringer, anvil.url, subscribe=False, poll=0.02) as polling:
        until(lambda: told.watch.subscribed)
        assert not polling.watch.subscribed
        for number in range(12):
            ringer.ring(number)
        until(lambda: told.values == polling.values == ringer.on_chain() == list(range(12)))
        ringer.reorganise(5)
        assert ringer.on_chain() == list(range(7))
        until(lambda: told.values == polling.values == list(range(7)))
        for number in range(20, 24):
            ringer.ring(number)
        expected = [*range(7), *range(20, 24)]
        until(lambda: told.values == polling.values == expected)
        assert ringer.on_chain() == expected
        assert told.backs == polling.backs == 1
        assert told.stream.cursor.place.block == polling.stream.cursor.place.block


def test_a_snapshot_taken_back_is_undone_once_the_chain_is_above_what_was_seen(anvil: LocalAnvil) -> None:
    ringer = Ringer(anvil)
    with Listener(ringer, anvil.url) as told:
        ringer.ring(1)
        snapshot = ringer.connection.development_request("evm_snapshot")
        ringer.ring(2)
        ringer.ring(3)
        until(lambda: told.values == [1, 2, 3])
        ringer.connection.development_request("evm_revert", snapshot)
        ringer._wallet.nonce = ringer.connection.transaction_count(ringer._wallet.address)
        ringer.ring(4)
        until(lambda: told.stream.fault is not None)
        assert told.values == [1, 2, 3], "a lower head makes nobody undo anything"
        for number in (5, 6):
            ringer.ring(number)
        until(lambda: told.values == [1, 4, 5, 6])
        assert ringer.on_chain() == [1, 4, 5, 6]


def test_it_is_the_subscription_that_wakes(anvil: LocalAnvil, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SUBSCRIBED_POLL", 3600.0)
    ringer = Ringer(anvil)
    with Listener(ringer, anvil.url, poll=3600.0) as told:
        until(lambda: told.watch.subscribed)
        took = []
        for number in range(10):
            ringer.ring(number)
            took.append(until(lambda: told.values == ringer.on_chain()))
        print(f"seen after {sorted(took)[5] * 1000:.0f} ms (median)")
        assert told.values == list(range(10))


def test_a_subscription_that_dies_falls_back_to_polling_and_comes_back(anvil: LocalAnvil) -> None:
    ringer = Ringer(anvil)
    relay = Relay(int(anvil.url.rsplit(":", 1)[1]))
    try:
        with Listener(ringer, anvil.url, subscribe=[f"ws://127.0.0.1:{relay.port}"], poll=0.02) as told:
            until(lambda: told.watch.subscribed)
            ringer.ring(1)
            until(lambda: told.values == [1])
            relay.refusing = True
            relay.cut()
            until(lambda: not told.watch.subscribed)
            for number in (2, 3):
                ringer.ring(number)
            until(lambda: told.values == [1, 2, 3])
            relay.refusing = False
            until(lambda: told.watch.subscribed)
            ringer.ring(4)
            until(lambda: told.values == [1, 2, 3, 4])
            assert told.backs == 0
    finally:
        relay.close()


def test_a_subscription_that_says_nothing_is_not_waited_for(anvil: LocalAnvil, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SUBSCRIBED_POLL", 0.05)
    silence = threading.Event()

    def handle(there: ServerConnection) -> None:
        request = json.loads(there.recv())
        there.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": "0x1"}))
        # An announcement of nobody's subscription, and one of a block that never comes.
        for name in ("0x2", "0x1"):
            params = {"subscription": name, "result": {"number": "0xffff"}}
            there.send(json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params}))
        silence.wait(PATIENCE)

    ringer = Ringer(anvil)
    with serve(handle, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        with Listener(ringer, anvil.url, subscribe=[f"ws://127.0.0.1:{port}"], poll=3600.0) as told:
            until(lambda: told.watch.subscribed)
            for number in range(3):
                ringer.ring(number)
            until(lambda: told.values == [0, 1, 2])
        silence.set()


class _NoSocket(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("answer", ["no socket", "no such method"])
def test_where_a_node_offers_no_subscription_it_is_polled(anvil: LocalAnvil, answer: str) -> None:
    def refuse(there: ServerConnection) -> None:
        request = json.loads(there.recv())
        error = {"code": -32601, "message": "Method not found"}
        there.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}))

    ringer = Ringer(anvil)
    with contextlib.ExitStack() as stack:
        if answer == "no socket":
            plain = stack.enter_context(http.server.HTTPServer(("127.0.0.1", 0), _NoSocket))
            stack.callback(plain.shutdown)
            threading.Thread(target=plain.serve_forever, args=(0.02,), daemon=True).start()
            port = plain.server_address[1]
        else:
            server = stack.enter_context(serve(refuse, "127.0.0.1", 0))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            port = server.socket.getsockname()[1]
        told = stack.enter_context(Listener(ringer, anvil.url, subscribe=[f"ws://127.0.0.1:{port}"], poll=0.02))
        for number in range(3):
            ringer.ring(number)
        until(lambda: told.values == [0, 1, 2])
        assert not told.watch.subscribed


def test_it_is_time_to_look_when_a_subscription_begins_and_when_it_ends(anvil: LocalAnvil) -> None:
    ringer = Ringer(anvil)
    relay = Relay(int(anvil.url.rsplit(":", 1)[1]))
    heard: list[int | None] = []
    subscription = HeadSubscription(f"ws://127.0.0.1:{relay.port}", heard.append)
    try:
        until(lambda: subscription.alive)
        until(lambda: heard == [None])
        ringer.ring(1)
        until(lambda: heard == [None, ringer.start])
        relay.refusing = True
        relay.cut()
        until(lambda: heard == [None, ringer.start, None])
        assert not subscription.alive
    finally:
        subscription.close()
        relay.close()


def test_nothing_is_left_behind(anvil: LocalAnvil) -> None:
    before = set(threading.enumerate())
    ringer = Ringer(anvil)
    with Listener(ringer, anvil.url) as told:
        until(lambda: told.watch.subscribed)
        assert set(threading.enumerate()) - before
    until(lambda: not set(threading.enumerate()) - before)


def test_a_forked_child_polls(anvil: LocalAnvil) -> None:
    ringer = Ringer(anvil)
    nodes = Nodes.open(anvil.url)
    with HeadWatch(nodes, poll=0.01) as heads:
        until(lambda: heads.subscribed)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                stream = EventStream(nodes, Cursor.before(ringer.start), addresses=[ringer.bell], watch=heads)
                for step in stream:
                    if not isinstance(step, Back) and step.events:
                        code = 0 if not heads.subscribed else 2
                        break
            finally:
                os._exit(code)
        ringer.ring(1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert heads.subscribed


def test_the_sockets_address_carries_credentials_and_shows_none() -> None:
    provider = HttpProvider("https://user:secret@node.example/key?token=1", timeout=1, headers={"X-Own": "1"})
    url, headers, tls = provider.socket_address()
    assert url == "wss://node.example:443/key?token=1"
    assert headers["Authorization"].startswith("Basic ")
    assert headers["X-Own"] == "1"
    assert tls is None
    assert "secret" not in url
    assert HttpProvider("http://[::1]:8545", timeout=1).socket_address()[0] == "ws://[::1]:8545/"
