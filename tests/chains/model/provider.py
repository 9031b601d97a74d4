"""The model's nodes as a client reaches them: a web3 provider without a network beneath.

Decisions that govern this module:

* It is the package's own HTTP provider with the socket taken out: what HTTP statuses and broken bodies become is
  decided by the same code as on a real node, and batches travel as batches.
* Every request takes virtual time, so that whoever polls without waiting sees time pass all the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from web3.types import RPCResponse

from chains.model.methods import answer
from chains.model.node import Node
from chains.model.transactions import Malformed, decode
from chains.model.wire import SEND, Fault, Wire
from pyjpm.chain.transport import HttpProvider
from pyjpm.errors.chain import NodeTimeout

if TYPE_CHECKING:
    from chains.model.network import Network

_BAD_GATEWAY = (502, b"<html><body>502 Bad Gateway</body></html>")
_UNAUTHORIZED = (401, b'{"jsonrpc":"2.0","id":null,"error":{"code":-40100,"message":"Unauthorized"}}')
_BEFORE = {Fault.OVERLOADED: _BAD_GATEWAY, Fault.UNAUTHORIZED: _UNAUTHORIZED}
_LONGEST_DELAY = 30.0  # seconds, of what arrives late

Call = tuple[str, Any]


class NodeProvider(HttpProvider):
    """One client's way to one node."""

    def __init__(self, network: Network, node: Node, wire: Wire, *, timeout: float) -> None:
        super().__init__(f"http://node-{node.index}.model:8545", timeout=timeout)
        self._network = network
        self._node = node
        self._wire = wire

    def request(self, method: str, params: Any, timeout: float) -> RPCResponse:
        """One request. Raises as HttpProvider."""
        call = (method, list(params))
        found: RPCResponse = self._travel([call], timeout, lambda: self._one(call))
        return found

    def batch(self, calls: Sequence[Call], timeout: float) -> list[RPCResponse] | RPCResponse:
        """A batch; one object where the node refuses the whole (11). Raises as HttpProvider."""
        carried = [(method, list(params)) for method, params in calls]
        found: list[RPCResponse] | RPCResponse = self._travel(carried, timeout, lambda: self._many(carried))
        return found

    def _one(self, call: Call) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": 1, **answer(self._node, *call)}

    def _many(self, calls: Sequence[Call], order: Sequence[int] | None = None) -> Any:
        most = self._node.manners.longest_batch
        if most is not None and len(calls) > most:
            return {"jsonrpc": "2.0", "id": None, "error": self._node.manners.refuse("batch too long").error}
        answers: list[Any] = [None] * len(calls)
        for place in order or range(len(calls)):
            answers[place] = {"jsonrpc": "2.0", "id": place, **answer(self._node, *calls[place])}
        return answers

    # --- the way there and back ---

    def _travel(self, calls: list[Call], timeout: float, act: Callable[[], Any]) -> Any:
        network, wire = self._network, self._wire
        clock = network.clock
        clock.sleep(network.latency)
        fault = wire.draw([method for method, _ in calls], clock.monotonic())
        network.note("request", self._node.index, calls, fault)
        if fault is not None:
            answered = self._faulty(fault, calls, timeout, act)
        elif self._node.up:
            answered = act()
        else:
            raise self._unreachable("nothing accepts connections there")
        network.note("answer", self._node.index, answered)
        return answered

    def _faulty(self, fault: Fault, calls: list[Call], timeout: float, act: Callable[[], Any]) -> Any:
        wire = self._wire
        if fault is Fault.DROP_REQUEST:
            self._wait_in_vain(timeout)
        if fault is Fault.RESET or not self._node.up:
            raise self._unreachable("ConnectionResetError")
        if fault in _BEFORE:
            return self._answer(*_BEFORE[fault])
        if fault is Fault.DELAY:
            late = wire.random.uniform(0.05, 1.5 * timeout)
            if late >= timeout:
                self._later(late, calls, act)
                self._wait_in_vain(timeout)
            self._network.clock.sleep(late)
            if not self._node.up:
                raise self._unreachable("ConnectionResetError")
        if fault is Fault.DUPLICATE_LATER:
            self._later(wire.random.uniform(1.0, _LONGEST_DELAY), calls, act)
        if fault is Fault.REORDER and len(calls) > 1:
            order = list(range(len(calls)))
            wire.random.shuffle(order)
            return self._many(calls, order)
        answered = act()
        if fault is Fault.DUPLICATE:
            second = act()
            return wire.random.choice([answered, second])
        if fault is Fault.DROP_RESPONSE:
            self._wait_in_vain(timeout)
        if fault is Fault.RESET_AFTER:
            raise self._unreachable("ProtocolError")
        if fault is Fault.OVERLOADED_AFTER:
            return self._answer(*_BAD_GATEWAY)
        if fault is Fault.TRUNCATED:
            body = json.dumps(answered).encode()
            return self._answer(200, body[: wire.random.randrange(len(body))])
        if fault in (Fault.WRONG_HASH, Fault.WRONG_ERROR):
            return self._told_wrongly(fault, calls, answered)
        return answered

    def _told_wrongly(self, fault: Fault, calls: list[Call], answered: Any) -> Any:
        if isinstance(answered, list):
            return [self._told_wrongly(fault, [call], each) for call, each in zip(calls, answered, strict=True)]
        if "error" in answered and fault is Fault.WRONG_HASH:
            return answered
        method, head = calls[0][0], {"jsonrpc": "2.0", "id": answered["id"]}
        manners, wire = self._node.manners, self._wire
        if method == SEND and fault is Fault.WRONG_HASH:
            return {**head, "result": f"0x{wire.random.getrandbits(256):064x}"}
        if fault is Fault.WRONG_HASH:
            return answered
        causes = ("known", "nonce too low", "underpriced", "gas above block", "gas below intrinsic", "internal")
        cause = wire.random.choice(causes) if method == SEND else "internal"
        return {**head, "error": manners.refuse(cause, next=0, nonce=0).error}

    def _later(self, seconds: float, calls: list[Call], act: Callable[[], Any]) -> None:
        """Have the node act on this in so many seconds, if it is there then; nobody hears the answer."""
        clock = self._network.clock
        token = self._network.under_way(sent for sent in map(_sent, calls) if sent is not None)

        def arrive() -> None:
            self._network.arrived(token)
            if self._node.up:
                self._network.note("late", self._node.index, act())

        clock.at(clock.monotonic() + seconds, arrive)

    def _wait_in_vain(self, timeout: float) -> None:
        self._network.clock.sleep(timeout)
        raise NodeTimeout(
            f"The node at {self.public_url} did not answer within {timeout:g} s.", url=self.public_url, timeout=timeout
        )


def _sent(call: Call) -> Any:
    """The transaction that a call sends."""
    method, params = call
    if method != SEND:
        return None
    try:
        return decode(bytes.fromhex(params[0][2:]))
    except (Malformed, ValueError, IndexError, TypeError):
        return None
