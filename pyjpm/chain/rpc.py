"""Requests to one node: which are repeated, and what their failures are called.

Decisions that govern this module:

* Only transport faults are repeated, only as often as ``max_retries`` says, after a random wait that doubles (full
  jitter). An answer, even an error, is never repeated: asking again does not change it.
* A request that changes anything is not for this class to repeat; ``ask`` makes one attempt, ``read`` repeats.
* A batch that a node refuses for its size (-32005) goes in halves, and what it took is remembered: each node has a
  limit of its own, and Besu names it nowhere.
* Foreign providers (IPC, WebSocket, brownie's, eth-tester's) go through their own ``request_func`` without web3's
  middlewares, so that answers arrive as the node gave them. Their timeouts are their own.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from web3 import Web3
from web3.datastructures import NamedElementOnion
from web3.providers import BaseProvider

from pyjpm.chain.reverts import revert_data
from pyjpm.chain.transport import HttpProvider
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import (
    MethodNotServed,
    NodeBadAnswer,
    NodeError,
    NodeTimeout,
    NodeUnauthorized,
    NodeUnreachable,
    TransportFault,
)

logger = logging.getLogger("pyjpm.chain")

FIRST_WAIT = 0.05
LONGEST_WAIT = 2.0
UNAUTHORIZED = -40100
NOT_SERVED = (-32601, -32604)
LIMIT_EXCEEDED = -32005

T = TypeVar("T")


class Rpc:
    """JSON-RPC with bounded repetition.

    Args:
        web3: the web3 whose provider carries the requests.
        timeout: seconds one attempt may take (HTTP only).
        max_retries: how often a read is repeated after a transport fault.
    """

    def __init__(self, web3: Web3, *, timeout: float, max_retries: int) -> None:
        if timeout <= 0 or max_retries < 0:
            raise ValueError("timeout must be above 0 and max_retries at least 0")
        self.web3 = web3
        self.timeout = timeout
        self.max_retries = max_retries
        provider = web3.provider
        self._http = provider if isinstance(provider, HttpProvider) else None
        self._carry = _carrier(provider, web3)
        self.where = self._http.public_url if self._http else type(provider).__name__
        self._most: int | None = None  # requests in one batch, where the node refused more

    def with_options(self, *, timeout: float | None, max_retries: int | None) -> Rpc:
        """A copy over the same provider."""
        return Rpc(
            self.web3,
            timeout=self.timeout if timeout is None else timeout,
            max_retries=self.max_retries if max_retries is None else max_retries,
        )

    def read(self, method: str, *params: Any) -> Any:
        """The result of a request that changes nothing, repeated on transport faults.

        Raises NodeError for an error answer, else what the transport raises.
        """
        return self.repeat(lambda: self.ask(method, *params), method)

    def ask(self, method: str, *params: Any) -> Any:
        """The result of one attempt."""
        try:
            if self._http:
                answer = self._http.request(method, list(params), self.timeout)
            else:
                answer = self._carry(method, list(params))
        except PyjpmError:
            raise
        except Exception as failure:
            raise self._named(failure, method) from None
        return self._result(answer, method)

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """One attempt at many requests; results in order, a NodeError in the place of each that failed.

        Raises NodeError where the node refused the batch as a whole, for another reason than its size.
        """
        if not calls:
            return []
        if self._http is None:
            return [self._settled(method, params) for method, params in calls]
        most = self._most or len(calls)
        parts = [calls[start : start + most] for start in range(0, len(calls), most)]
        return [result for part in parts for result in self._batch(self._http, part)]

    def _batch(self, http: HttpProvider, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        answer: Any = http.batch(calls, self.timeout)
        if not isinstance(answer, list):
            try:
                self._result(answer, "batch")
            except NodeError as refused:
                if refused.rpc_code != LIMIT_EXCEEDED or len(calls) == 1:
                    raise
                self._most = (len(calls) + 1) // 2
                return self.batch(calls)
            raise NodeBadAnswer(f"{self.where} did not answer a batch with a list.", url=self.where)
        results: list[Any] = []
        for (method, _), item in zip(calls, answer, strict=True):
            try:
                results.append(self._result(item, method))
            except NodeError as error:
                results.append(error)
        return results

    def repeat(self, attempt: Callable[[], T], what: str) -> T:
        """``attempt()``, again after transport faults, at most ``max_retries`` times more."""
        tries = 0
        while True:
            try:
                return attempt()
            except TransportFault as fault:
                tries += 1
                if tries > self.max_retries:
                    raise
                wait = random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**tries))  # noqa: S311 (jitter, no secret)
                logger.info("%s at %s: %s; attempt %d in %.2f s", what, self.where, fault.code, tries + 1, wait)
                time.sleep(wait)

    def _settled(self, method: str, params: Sequence[Any]) -> Any:
        try:
            return self.ask(method, *params)
        except NodeError as error:
            return error

    def _result(self, answer: Any, method: str) -> Any:
        if not isinstance(answer, dict):
            raise NodeBadAnswer(f"{self.where} did not answer {method} with a JSON-RPC object.", url=self.where)
        error = answer.get("error")
        if error is not None:
            raise self._error(error, method)
        if "result" not in answer:
            raise NodeBadAnswer(f"{self.where} answered {method} with neither result nor error.", url=self.where)
        return answer["result"]

    def _error(self, error: Any, method: str) -> PyjpmError:
        fields = error if isinstance(error, dict) else {"message": str(error)}
        code, message = fields.get("code"), str(fields.get("message", ""))
        if code == UNAUTHORIZED:
            return NodeUnauthorized(f"The node at {self.where} does not permit us {method}.", url=self.where)
        kind = MethodNotServed if code in NOT_SERVED else NodeError
        return kind(
            f"The node at {self.where} answered {method} with error {code}: {message}.",
            method=method,
            rpc_code=code,
            rpc_message=message,
            data=fields.get("data"),
        )

    def _named(self, failure: Exception, method: str) -> PyjpmError:
        """What a foreign provider raised, by our names."""
        data = revert_data(failure)
        if data is not None:
            return NodeError(
                f"{method} reverted.", method=method, rpc_code=3, rpc_message="reverted", data="0x" + data.hex()
            )
        kind = type(failure).__name__
        if isinstance(failure, TimeoutError) or "Timeout" in kind or kind == "TimeExhausted":
            return NodeTimeout(f"{self.where} did not answer {method} in time.", url=self.where)
        if isinstance(failure, OSError) or kind == "ProviderConnectionError":  # requests' errors are OSErrors
            return NodeUnreachable(f"{self.where} cannot be reached ({kind}).", url=self.where)
        return NodeError(f"{self.where} failed {method} ({kind}).", method=method, rpc_code=None, rpc_message=kind)


def _carrier(provider: Any, web3: Web3) -> Callable[[Any, Any], Any]:
    # Composed once: providers cache a single composition, which web3's own requests would evict again and again.
    if not isinstance(provider, BaseProvider):
        raise TypeError(f"{type(provider).__name__} is not a synchronous web3 provider")
    return provider.request_func(web3, NamedElementOnion([]))
