"""Stands where Web3Signer cannot be had (it is a Java server): its HTTP API as its OpenAPI description (eth1) has it.

``POST /api/v1/eth1/sign/{identifier}`` takes ``{"data": "0x…"}``, hashes the data with Keccak-256, and answers 200 with
r, s, v in hex as plain text, 404 for a key it has not, 400 for a request it cannot read. ``GET
/api/v1/eth1/publicKeys`` lists 64-byte public keys in hex, ``GET /upcheck`` says OK. Identifiers are public keys. That
data is hashed, and the order r, s, v, its description leaves open: its source code has them so.

What it is told to do wrong, it does wrong.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from coincurve import PrivateKey
from eth_utils.crypto import keccak

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Web3SignerDouble(ThreadingHTTPServer):
    """A running double; a context manager.

    Attributes:
        keys: by identifier.
        wrong: what to do wrong: a status and a body, in place of the next answers (all of them, or so many).
        asked: method, path, headers and data of every request.
    """

    daemon_threads = True

    def __init__(self, keys: list[PrivateKey], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys = {identifier(key): key for key in keys}
        self.wrong: tuple[int, str] | None = None
        self.times_wrong = 10**9
        self.high_s = False
        self.hang = 0.0
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        self.scheme = "http"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_address[1]}"

    def handle_error(self, *_: Any) -> None:
        """Clients that break off, or show no certificate, are meant."""

    def __enter__(self) -> Web3SignerDouble:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        if self.wrong is not None and self.times_wrong > 0:
            self.times_wrong -= 1
            return self.wrong
        if (method, path) == ("GET", "/upcheck"):
            return 200, "OK"
        if (method, path) == ("GET", "/api/v1/eth1/publicKeys"):
            return 200, json.dumps(list(self.keys))
        if method == "POST" and path.startswith("/api/v1/eth1/sign/"):
            return self._signed(path.rpartition("/")[2].lower(), body)
        return 404, "Resource not found"

    def _signed(self, name: str, body: bytes) -> tuple[int, str]:
        key = self.keys.get(name if name.startswith("0x") else f"0x{name}")
        if key is None:
            return 404, "Public Key not found"
        try:
            data = bytes.fromhex(json.loads(body)["data"].removeprefix("0x"))
        except (KeyError, TypeError, ValueError):
            return 400, "Bad request format"
        signature = key.sign_recoverable(keccak(data), hasher=None)
        r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), 27 + signature[64]
        if self.high_s:
            s, v = ORDER - s, 55 - v
        return 200, "0x" + (r + s.to_bytes(32, "big") + bytes([v])).hex()


class _Handler(BaseHTTPRequestHandler):
    server: Web3SignerDouble
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((method, self.path, dict(self.headers), body.decode()))
        time.sleep(self.server.hang)
        status, text = self.server.answer(method, self.path, body)
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None: ...


def identifier(key: PrivateKey) -> str:
    return "0x" + key.public_key.format(compressed=False)[1:].hex()
