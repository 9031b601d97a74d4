"""One node as a check asks it: each answer checked for its shape, so that a strange node is a finding and no crash."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from web3 import Web3

from pyjpm.chain.rpc import Rpc
from pyjpm.chain.transport import HttpProvider
from pyjpm.chain.url import public_url
from pyjpm.errors.chain import NodeBadAnswer, NodeError

TIMEOUT = 10.0


class Probe:
    """Questions to one node.

    Args:
        url: http(s) URL.
        token: sent as a bearer token.
        tls: for https.
        timeout: seconds one question may take.
    """

    def __init__(self, url: str, *, token: str | None, tls: ssl.SSLContext | None, timeout: float = TIMEOUT) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url, self._tls, self._timeout = url, tls, timeout
        self._http = HttpProvider(url, timeout=timeout, headers=headers, tls=tls)
        self._rpc = Rpc(Web3(self._http), timeout=timeout, max_retries=1)
        self.has_token = bool(token)
        self.where = public_url(url)
        parts = urlsplit(url)
        self.encrypted = parts.scheme == "https"
        self.on_this_machine = parts.hostname in ("localhost", "127.0.0.1", "::1")

    def __repr__(self) -> str:
        return f"Probe({self.where})"

    def without_token(self) -> Probe:
        """The same node asked by a stranger, who has the same certificate."""
        return Probe(self._url, token=None, tls=self._tls, timeout=self._timeout)

    def ask(self, method: str, *params: Any) -> Any:
        """An answer as it came. Raises ChainError."""
        return self._rpc.read(method, *params)

    def text(self, method: str, *params: Any) -> str:
        """An answer that has to be a string."""
        answer = self.ask(method, *params)
        if not isinstance(answer, str):
            raise self.strange(method)
        return answer

    def quantity(self, method: str, *params: Any) -> int:
        """An answer that has to be a number."""
        return self._number(self.ask(method, *params), method)

    def block(self, at: str) -> Mapping[str, Any] | None:
        """A block without its transactions; None where the node has none (yet)."""
        return self._block(self.ask("eth_getBlockByNumber", at, False))

    def blocks(self, numbers: Sequence[int]) -> list[Mapping[str, Any] | None]:
        """Several blocks at once."""
        answers = self._rpc.batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
        return [None if isinstance(answer, NodeError) else self._block(answer) for answer in answers]

    def field(self, block: Mapping[str, Any], name: str) -> int:
        """A number in a block."""
        return self._number(block.get(name), name)

    def extra_data(self, block: Mapping[str, Any]) -> bytes:
        """A block's ``extraData``."""
        try:
            return bytes.fromhex(str(block["extraData"]).removeprefix("0x"))
        except (KeyError, ValueError):
            raise self.strange("extraData") from None

    def batch(self, size: int) -> bool:
        """Whether so many questions in one request are answered. (A connection would ask again in smaller parts.)"""
        return isinstance(self._http.batch([("eth_chainId", [])] * size, self._timeout), list)

    def strange(self, what: str) -> NodeBadAnswer:
        """What to raise where an answer is not of its kind."""
        return NodeBadAnswer(f"{self.where} answered {what} with something else than it is.", url=self.where)

    def _block(self, answer: Any) -> Mapping[str, Any] | None:
        if answer is not None and not isinstance(answer, Mapping):
            raise self.strange("eth_getBlockByNumber")
        return answer

    def _number(self, answer: Any, what: str) -> int:
        try:
            return int(answer, 16)
        except (TypeError, ValueError):
            raise self.strange(what) from None
