"""The other side of a payout: a bank that books whatever it is told, as often as it is told, and counts."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pyjpm.sending.outside import Absent, Answer, Found


class Dropped(Exception):
    """The bank loses a payout before it is booked."""


class Bank:
    """Books payouts by reference; it refuses nothing, so two are two. Served on loopback within ``with``.

    ``on_payout`` is called with each reference, before it is booked and after (``booked`` False, True).
    """

    def __init__(self) -> None:
        self.payouts: list[tuple[str, Any]] = []
        self.asked: list[str] = []
        self.on_payout: Callable[[str, bool], None] = lambda reference, booked: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> Bank:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def book(self, reference: str, content: Any) -> None:
        self.on_payout(reference, False)
        self.payouts.append((reference, content))
        self.on_payout(reference, True)

    def has(self, reference: str) -> bool:
        self.asked.append(reference)
        return any(each == reference for each, _ in self.payouts)


class BankByHttp:
    """The way to a Bank from another process (an ``Outside``)."""

    def __init__(self, port: int) -> None:
        self._port = port

    def find(self, reference: str) -> Answer:
        return Found("booked") if self._request("GET", reference) == "booked" else Absent()

    def send(self, reference: str, content: Any) -> Answer | None:
        self._request("POST", reference, json.dumps(content))
        return Found("booked")

    def _request(self, method: str, reference: str, body: str | None = None) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request(method, f"/{reference}", body)
            return connection.getresponse().read().decode()
        finally:
            connection.close()


def _handler(bank: Bank) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._reply("booked" if bank.has(self.path[1:]) else "nothing")

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                bank.book(self.path[1:], content)
            except Dropped:
                return
            # Who was killed meanwhile gets no answer.
            with contextlib.suppress(OSError):
                self._reply("booked")

        def _reply(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

    return Handler
