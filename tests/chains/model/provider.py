"""The model's nodes as a client reaches them: a web3 provider without a socket beneath.

Decisions that govern this module:

* It is the package's own HTTP provider, so batches travel as batches. Where a request goes wrong, a real body is made
  and cut, answered by another, or refused by HTTP, and the package's own code says what became of it; where nothing
  goes wrong there is nothing to write and to parse, and none is.
* Every request takes virtual time, so that whoever polls without waiting sees time pass all the same.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast

from web3.types import RPCResponse

from chains.model.methods import answer
from chains.model.node import Node
from chains.model.transactions import Malformed, Transaction, decode
from chains.model.wire import SEND, Fault, Wire
from pyjpm.chain.transport import HttpProvider
from pyjpm.errors.chain import NodeTimeout

if TYPE_CHECKING:
    from chains.model.network import Network

Call = tuple[str, list[Any]]

_BAD_GATEWAY = b"<html><body>502 Bad Gateway</body></html>"
_UNAUTHORIZED = b'{"jsonrpc":"2.0","id":null,"error":{"code":-40100,"message":"Unauthorized"}}'
_LONGEST_DELAY = 30.0  # seconds, of what is carried out again
_WRONG_CAUSES = ("known", "nonce too low", "underpriced", "gas above block", "gas below intrinsic", "internal")


class NodeProvider(HttpProvider):
    """One client's way to one node."""

    def __init__(self, network: Network, node: Node, wire: Wire, *, timeout: float) -> None:
        super().__init__(f"http://node-{node.index}.model:8545", timeout=timeout)
        # From one, not from a random number: bodies are the same in every run.
        self.request_counter = itertools.count(1)
        self._network = network
        self._node = node
        self._wire = wire
        self._fault: Fault | None = None

    def request(self, method: str, params: Any, timeout: float) -> RPCResponse:
        """One request. Raises as HttpProvider."""
        call: Call = (method, list(params))
        if self._set_out([call]):
            return cast(RPCResponse, self._arrive({"jsonrpc": "2.0", "id": 0, **answer(self._node, *call)}))
        return super().request(method, params, timeout)

    def batch(self, calls: Sequence[tuple[str, Any]], timeout: float) -> list[RPCResponse] | RPCResponse:
        """A batch; one object where the node refuses the whole (11). Raises as HttpProvider."""
        carried: list[Call] = [(method, list(params)) for method, params in calls]
        if self._set_out(carried):
            return cast("list[RPCResponse] | RPCResponse", self._arrive(self._many(carried)))
        return super().batch(calls, timeout)

    def post(self, body: bytes, *, host: str = "localhost") -> tuple[int, bytes]:
        """Any body to the node, and its HTTP status and body; nothing happens on the way."""
        besu = self._node.manners.client == "besu"
        if besu and host != "localhost":
            return 403, b'{"message":"Host not authorized."}'
        try:
            asked = json.loads(body)
        except ValueError:
            # Geth's texts are as Besu's here; Anvil finds nothing wrong with HTTP.
            if self._node.manners.client == "anvil":
                return 200, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}'
            return 400, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'
        return 200, json.dumps(self._answered(asked)).encode()

    # --- the way there and back ---

    def _set_out(self, calls: list[Call]) -> bool:
        """Whether a request goes through without a fault."""
        network = self._network
        network.clock.sleep(network.latency)
        self._fault = self._wire.draw([method for method, _ in calls], network.clock.monotonic())
        network.note("request", self._node.index, calls, self._fault)
        return self._fault is None and self._node.up

    def _arrive(self, answered: Any) -> Any:
        self._network.note("answer", self._node.index, answered)
        return answered

    def _exchange(self, body: bytes, timeout: float) -> Any:
        status, content = self._disturbed(json.loads(body), self._fault, timeout)
        self._network.note("answer", self._node.index, status, content)
        return self._answer(status, content)

    def _disturbed(self, asked: Any, fault: Fault | None, timeout: float) -> tuple[int, bytes]:
        """What a request that goes wrong comes back as: HTTP status and body."""
        wire = self._wire
        if fault is Fault.DROP_REQUEST:
            self._wait_in_vain(timeout)
        if fault is Fault.RESET or not self._node.up:
            raise self._unreachable("ConnectionResetError")
        if fault is Fault.OVERLOADED:
            return 502, _BAD_GATEWAY
        if fault is Fault.UNAUTHORIZED:
            return 401, _UNAUTHORIZED
        if fault is Fault.DELAY:
            self._delay(asked, timeout)
        if fault is Fault.DUPLICATE_LATER:
            self._later(wire.random.uniform(1.0, _LONGEST_DELAY), asked)
        answered = self._answered(self._shuffled(asked) if fault is Fault.REORDER else asked)
        if fault is Fault.DUPLICATE:
            answered = wire.random.choice([answered, self._answered(asked)])
        if fault is Fault.DROP_RESPONSE:
            self._wait_in_vain(timeout)
        if fault is Fault.RESET_AFTER:
            raise self._unreachable("ProtocolError")
        if fault is Fault.OVERLOADED_AFTER:
            return 502, _BAD_GATEWAY
        if fault in (Fault.WRONG_HASH, Fault.WRONG_ERROR, Fault.OF_ANOTHER):
            answered = self._told_wrongly(fault, asked, answered)
        content = json.dumps(answered).encode()
        return 200, content[: wire.random.randrange(1, len(content))] if fault is Fault.TRUNCATED else content

    def _delay(self, asked: Any, timeout: float) -> None:
        late = self._wire.random.uniform(0.05, 1.5 * timeout)
        if late >= timeout:
            self._later(late, asked)
            self._wait_in_vain(timeout)
        self._network.clock.sleep(late)
        if not self._node.up:
            raise self._unreachable("ConnectionResetError")

    def _later(self, seconds: float, asked: Any) -> None:
        """Have the node act on this in so many seconds, if it is there then; nobody hears the answer."""
        network, node = self._network, self._node
        token = network.under_way(_sent(asked))

        def arrive() -> None:
            network.arrived(token)
            if node.up:
                network.note("late", node.index, self._answered(asked))

        network.clock.at(network.clock.monotonic() + seconds, arrive)

    def _wait_in_vain(self, timeout: float) -> NoReturn:
        self._network.clock.sleep(timeout)
        raise NodeTimeout(
            f"The node at {self.public_url} did not answer within {timeout:g} s.", url=self.public_url, timeout=timeout
        )

    # --- what the node says ---

    def _answered(self, asked: Any) -> Any:
        if not isinstance(asked, list):
            return {"jsonrpc": "2.0", "id": asked["id"], **answer(self._node, asked["method"], list(asked["params"]))}
        answers = self._many([(each["method"], list(each["params"])) for each in asked])
        if isinstance(answers, dict):
            return answers
        return [{**said, "id": each["id"]} for each, said in zip(asked, answers, strict=True)]

    def _many(self, calls: list[Call]) -> Any:
        manners = self._node.manners
        if manners.longest_batch is not None and len(calls) > manners.longest_batch:
            return {"jsonrpc": "2.0", "id": None, "error": manners.refuse("batch too long").error}
        return [{"jsonrpc": "2.0", "id": None, **answer(self._node, *call)} for call in calls]

    def _shuffled(self, asked: Any) -> Any:
        if isinstance(asked, list):
            asked = list(asked)
            self._wire.random.shuffle(asked)
        return asked

    def _told_wrongly(self, fault: Fault, asked: Any, answered: Any) -> Any:
        wire, manners = self._wire, self._node.manners
        if isinstance(answered, list) and isinstance(asked, list):
            return [self._told_wrongly(fault, *each) for each in zip(asked, answered, strict=True)]
        if isinstance(asked, list):
            return answered  # refused as a whole
        head = {"jsonrpc": "2.0", "id": answered["id"]}
        if fault is Fault.OF_ANOTHER:
            return {**answered, "id": answered["id"] + 1_000_000}
        if fault is Fault.WRONG_HASH:
            wrong = asked["method"] == SEND and "result" in answered
            return {**head, "result": f"0x{wire.random.getrandbits(256):064x}"} if wrong else answered
        cause = wire.random.choice(_WRONG_CAUSES) if asked["method"] == SEND else "internal"
        return {**head, "error": manners.refuse(cause, next=0, nonce=0).error}


def _sent(asked: Any) -> list[Transaction]:
    """The transactions that a request sends."""
    found = []
    for each in asked if isinstance(asked, list) else [asked]:
        if each["method"] == SEND:
            try:
                found.append(decode(bytes.fromhex(each["params"][0][2:])))
            except (Malformed, ValueError, IndexError, TypeError):
                continue
    return found
