"""Views of the chain that differ from node to node, whatever their manners.

Decisions that govern this module:

* A node that lags says of its height what the chain said when that was the head; what came later is not there yet.
* A node that disputes the chain shows other hashes from a height on, consistently, and knows the blocks by these.
"""

from __future__ import annotations

import hashlib
from typing import Any

from chains.proxy.besu import AT
from chains.proxy.manners import RpcError
from chains.proxy.node import Node


async def lagging(node: Node, method: str, params: list[Any]) -> Any:
    """What an Anvil answers whose newest block is ``node.served``. Raises RpcError."""
    ask, served = node.network.upstream.ask, node.served
    if method == "eth_blockNumber":
        return hex(served)
    if method in ("eth_getBlockByNumber", "eth_getBlockReceipts"):
        height = _height(node, params[0])
        return None if height > served else await ask(method, hex(height), *params[1:])
    if method in AT:
        params = [*params, *(["latest"] if len(params) == AT[method] else [])]
        if isinstance(params[-1], str):
            height = _height(node, params[-1])
            if height > served:
                raise RpcError.of(-32602, f"BlockOutOfRangeError: block height is {served} but requested was {height}")
            params[-1] = hex(height)
        return await ask(method, *params)
    if method == "eth_getLogs" and "blockHash" not in params[0]:
        first, last = (_height(node, params[0].get(name, "latest")) for name in ("fromBlock", "toBlock"))
        if first > min(last, served):
            return []
        return await ask(method, {**params[0], "fromBlock": hex(first), "toBlock": hex(min(last, served))})
    answered = await ask(method, *params)
    if isinstance(answered, dict) and _number(answered) is not None and int(_number(answered), 16) > served:
        return None
    return answered


def _height(node: Node, at: Any) -> int:
    if at in ("latest", "pending", "finalized", "safe"):
        return node.served
    return 0 if at == "earliest" else int(at, 16)


def _number(answered: dict[str, Any]) -> Any:
    return answered.get("blockNumber") or (answered.get("number") if "parentHash" in answered else None)


class Dispute:
    """Other hashes from a height on, at one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._real: dict[str, str] = {}

    def asked(self, value: Any) -> Any:
        """Parameters as the chain knows them."""
        if isinstance(value, str):
            return self._real.get(value.lower(), value)
        if isinstance(value, list):
            return [self.asked(each) for each in value]
        if isinstance(value, dict):
            return {key: self.asked(each) for key, each in value.items()}
        return value

    def answered(self, value: Any) -> Any:
        """An answer as this node shows it."""
        if isinstance(value, list):
            return [self.answered(each) for each in value]
        if not isinstance(value, dict):
            return value
        changed = {key: self.answered(each) for key, each in value.items()}
        if "parentHash" in value and value.get("number"):
            height = int(value["number"], 16)
            changed["hash"] = self._hash(value["hash"], height)
            changed["parentHash"] = self._hash(value["parentHash"], height - 1)
        elif value.get("blockHash") and value.get("blockNumber"):
            changed["blockHash"] = self._hash(value["blockHash"], int(value["blockNumber"], 16))
        return changed

    def _hash(self, real: str, height: int) -> str:
        since = self._node.disputes
        if since is None or height < since:
            return real
        shown = "0x" + hashlib.sha256(f"{self._node.index}/{real}".encode()).hexdigest()
        self._real[shown] = real
        return shown
