"""A chain in memory that forks, behind any number of nodes that each show it as a test wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eth_utils.crypto import keccak
from seeing_support import CHAIN_ID
from web3.providers.base import JSONBaseProvider

from pyjpm.errors.chain import NodeUnreachable

EMITTER = "0x" + "c0" * 20


@dataclass
class Made:
    """A block: what it is called and what was emitted in it."""

    number: int
    parent: str
    values: list[int]
    salt: int
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = "0x" + keccak(text=f"{self.number}/{self.parent}/{self.values}/{self.salt}").hex()

    def shown(self) -> dict[str, Any]:
        fields = {"number": hex(self.number), "hash": self.name, "parentHash": self.parent}
        hashes = [self._transaction(i) for i in range(len(self.values))]
        return {**fields, "timestamp": hex(self.number), "gasLimit": "0x9", "gasUsed": "0x0", "transactions": hashes}

    def logs(self) -> list[dict[str, Any]]:
        return [
            {
                "address": EMITTER,
                "topics": [],
                "data": "0x" + value.to_bytes(32, "big").hex(),
                "blockNumber": hex(self.number),
                "blockHash": self.name,
                "transactionHash": self._transaction(i),
                "transactionIndex": hex(i),
                "logIndex": hex(i),
            }
            for i, value in enumerate(self.values)
        ]

    def _transaction(self, i: int) -> str:
        return "0x" + keccak(text=f"{self.name}/{i}").hex()


class ForkedChain:
    """Blocks with a number of ours emitted in each; ``reorganise`` replaces the newest."""

    def __init__(self) -> None:
        self.blocks = [Made(0, "0x" + "00" * 32, [], 0)]
        self.salt = 0

    def mine(self, *values: int) -> Made:
        parent = self.blocks[-1]
        self.blocks.append(Made(parent.number + 1, parent.name, list(values), self.salt))
        return self.blocks[-1]

    def reorganise(self, depth: int, *blocks: list[int]) -> None:
        """Replace the newest ``depth`` blocks by these."""
        self.salt += 1
        del self.blocks[len(self.blocks) - depth :]
        for values in blocks:
            self.mine(*values)

    @property
    def values(self) -> list[int]:
        return [value for block in self.blocks for value in block.values]


class ChainNode(JSONBaseProvider):
    """A node of it. ``lag``: how many blocks it is behind. ``nulls``: how many requests for blocks it answers so.

    ``before`` is called before each answer.
    """

    def __init__(self, chain: ForkedChain) -> None:
        super().__init__()
        self.chain, self.lag, self.nulls, self.down = chain, 0, 0, False
        self.before: Callable[[str], None] = lambda method: None

    def make_request(self, method: Any, params: Any) -> Any:
        self.before(method)
        if self.down:
            raise NodeUnreachable("It is down.", url="fake")
        return {"jsonrpc": "2.0", "id": 1, "result": self._result(method, params)}

    def _result(self, method: str, params: Any) -> Any:
        blocks = self.chain.blocks[: len(self.chain.blocks) - self.lag]
        if method == "eth_chainId":
            return hex(CHAIN_ID)
        if method == "web3_clientVersion":
            return "besu/v26"
        if method == "eth_blockNumber":
            return hex(blocks[-1].number)
        if method == "eth_getLogs":
            query = params[0]
            if "blockHash" in query:
                return [log for block in blocks if block.name == query["blockHash"] for log in block.logs()]
            first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
            return [log for block in blocks[first : last + 1] for log in block.logs()]
        if self.nulls:
            self.nulls -= 1
            return None
        if method == "eth_getBlockByHash":
            return next((block.shown() for block in blocks if block.name == params[0]), None)
        assert method == "eth_getBlockByNumber", method
        number = len(blocks) - 1 if params[0] == "latest" else int(params[0], 16)
        return blocks[number].shown() if number < len(blocks) else None
