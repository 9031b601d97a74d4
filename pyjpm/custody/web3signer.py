"""Keys behind a Web3Signer, by its HTTP API.

Decisions that govern this module:

* Web3Signer hashes what it is given (Keccak-256) and signs that. So a transaction goes there as its unsigned bytes and
  a structured message as its preimage, and a bare digest cannot be signed at all.
* Nothing of the answer is believed but r and s: s is folded to the lower half, the recovery id is found by recovery,
  and the recovered key must be the wallet's, for every signature.
* A request without an answer is made again: the same bytes ask for the same signature, and the mark is written. We
  repeat ourselves, because urllib3 would log the whole URL where it does.
* Nothing comes from the environment, neither a proxy nor credentials, and no body of an answer goes into an error.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn, Self
from urllib.parse import unquote, urlsplit

import urllib3
from coincurve import PublicKey
from eth_utils.crypto import keccak

from pyjpm.bounded_json import read_json
from pyjpm.chain.url import check_url, public_url
from pyjpm.chain.values import check_address
from pyjpm.custody.curve import address_of, recoverable
from pyjpm.custody.marks import NonceMarks
from pyjpm.custody.parallel import AT_ONCE, in_parallel
from pyjpm.custody.secret import Secret
from pyjpm.custody.signer import WalletSigner
from pyjpm.errors.custody import (
    DeviceAccessDenied,
    DeviceBusy,
    DeviceRefused,
    DeviceUnreachable,
    KeyNotFound,
    SignatureNotOurs,
    SigningRefused,
)

_PAUSES: Final = (0.1, 0.5)
"""Seconds to wait before asking again."""
_AWAY: Final = (502, 503, 504)


class Web3Signer(WalletSigner):
    """The signer of a key behind a Web3Signer. Any number of threads may use it.

    Made by ``open``.
    """

    def __init__(self, server: _Server, key: PublicKey, marks: NonceMarks | None) -> None:
        super().__init__(address_of(key), marks)
        self._server = server
        self._key = key
        self._path = "/api/v1/eth1/sign/0x" + key.format(compressed=False)[1:].hex()

    @classmethod
    def open(
        cls,
        url: str,
        wallet: str,
        *,
        marks: NonceMarks | None = None,
        timeout: float = 10.0,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Self:
        """The signer of a wallet whose key the Web3Signer has loaded.

        Args:
            url: http(s) URL of the Web3Signer, credentials included.
            wallet: its address.
            marks: where its highest nonces are kept; None to keep none.
            timeout: seconds to connect, and seconds without a byte of the answer.
            headers: sent with every request, such as ``Authorization``. Never shown.
            tls: for https, with the client's certificate where the server asks for one; None is the system's trust.

        Raises:
            InvalidNodeUrl, InvalidAddress, KeyNotFound, DeviceUnreachable, DeviceAccessDenied, DeviceBusy,
            DeviceRefused
        """
        wallet = check_address(wallet)
        server = _Server(url, timeout, headers or {}, tls)
        for key in server.public_keys():
            if address_of(key) == wallet:
                return cls(server, key, marks)
        raise KeyNotFound(f"{server.device} has no key of {wallet}.", name=wallet, device=server.device)

    def sign_digest(self, digest: bytes) -> bytes:
        """Always raises SigningRefused: a Web3Signer hashes what it signs."""
        raise SigningRefused("A Web3Signer signs no digest: it hashes what it is given.", field="digest")

    def _sign_preimages(self, preimages: Sequence[bytes]) -> list[bytes]:
        return in_parallel(self._sign, preimages)

    def _sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        raise AssertionError("nothing here asks a Web3Signer to sign a digest")

    def _sign(self, preimage: bytes) -> bytes:
        said = self._server.ask("POST", self._path, {"data": "0x" + preimage.hex()}, key=self.address)
        try:
            raw = bytes.fromhex(said.decode("ascii").strip().removeprefix("0x"))
        except ValueError:
            raw = b""
        if len(raw) != 65:
            self._server.refuse("no signature")
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
        signature = recoverable(self._key, keccak(preimage), r, s)
        if signature is None:
            device = self._server.device
            raise SignatureNotOurs(
                f"The signature by {device} is not that of {self.address}.", wallet=self.address, device=device
            )
        return signature


class _Server:
    """A Web3Signer's HTTP API."""

    def __init__(self, url: str, timeout: float, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> None:
        parts = urlsplit(check_url(url))
        self.device: Final = f"Web3Signer {public_url(url)}"
        self._base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        credentials = _basic_auth(parts.username, parts.password)
        self._headers = Secret({"Content-Type": "application/json", **credentials, **headers})
        self._timeout = timeout
        self._tls = tls
        self._pool: urllib3.PoolManager | None = None
        self._process = 0

    def public_keys(self) -> list[PublicKey]:
        try:
            return [
                PublicKey(b"\4" + bytes.fromhex(str(key).removeprefix("0x")))
                for key in read_json(self.ask("GET", "/api/v1/eth1/publicKeys"))
            ]
        except (ValueError, TypeError):
            self.refuse("no list of keys")

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, key: str = "") -> bytes:
        answer, reason = self._request(method, path, None if body is None else json.dumps(body).encode())
        for pause in _PAUSES:
            if answer is not None and answer.status not in _AWAY:
                break
            time.sleep(pause)
            answer, reason = self._request(method, path, None if body is None else json.dumps(body).encode())
        if answer is None or answer.status in _AWAY:
            raise DeviceUnreachable(f"{self.device} does not answer: {reason}.", device=self.device, reason=reason)
        if answer.status == 429:
            raise DeviceBusy(f"{self.device} turns requests away.", device=self.device)
        if answer.status in (401, 403):
            raise DeviceAccessDenied(
                f"{self.device} does not accept who asks: {reason}.", device=self.device, reason=reason
            )
        if answer.status == 404 and key:
            raise KeyNotFound(f"{self.device} has no key of {key} any more.", name=key, device=self.device)
        if answer.status != 200:
            self.refuse(f"HTTP {answer.status}")
        return answer.data

    def refuse(self, reason: str) -> NoReturn:
        raise DeviceRefused(f"{self.device} answered {reason}.", device=self.device, reason=reason) from None

    def _request(self, method: str, path: str, body: bytes | None) -> tuple[urllib3.BaseHTTPResponse | None, str]:
        """One attempt: the answer or None, and in a word what came of it."""
        try:
            answer = self._connections().request(
                method, self._base + path, body=body, headers=self._headers.reveal(), retries=False, redirect=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return None, type(error).__name__
        return answer, f"HTTP {answer.status}"

    def _connections(self) -> urllib3.PoolManager:
        # A connection shared after a fork would mix two processes' answers.
        if self._pool is None or self._process != os.getpid():
            timeout = urllib3.Timeout(connect=self._timeout, read=self._timeout)
            self._pool = urllib3.PoolManager(maxsize=AT_ONCE, timeout=timeout, ssl_context=self._tls)
            self._process = os.getpid()
        return self._pool


def _basic_auth(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    return dict(urllib3.make_headers(basic_auth=f"{unquote(user)}:{unquote(password or '')}"))
