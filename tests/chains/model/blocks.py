"""Blocks, what they did, and how JSON-RPC shows them.

Answers are made once per block or transaction and shared: whoever reads them must not change them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chains.model.state import State
from chains.model.token import Log, Paid
from chains.model.transactions import Transaction

_EMPTY_BLOOM = "0x" + "00" * 256
_ZERO_HASH = "0x" + "00" * 32


@dataclass(eq=False)
class Mined:
    """A transaction in its place, and what it did. ``revert`` is None where it succeeded or ran out of gas."""

    transaction: Transaction
    block: Block
    index: int
    succeeded: bool
    gas_used: int
    cumulative_gas: int
    logs: tuple[Log, ...]
    first_log: int
    paid: tuple[Paid, ...]
    revert: bytes | None
    reveals_reverts: bool

    @cached_property
    def log_answers(self) -> list[dict[str, Any]]:
        """Its events as eth_getLogs gives them."""
        return [
            {
                "address": log.address,
                "topics": list(log.topics),
                "data": log.data,
                "blockNumber": hex(self.block.number),
                "blockHash": self.block.hash,
                "transactionHash": self.transaction.hash,
                "transactionIndex": hex(self.index),
                "logIndex": hex(self.first_log + place),
                "removed": False,
            }
            for place, log in enumerate(self.logs)
        ]

    @cached_property
    def receipt(self) -> dict[str, Any]:
        """As eth_getTransactionReceipt gives it."""
        answer: dict[str, Any] = {
            "transactionHash": self.transaction.hash,
            "transactionIndex": hex(self.index),
            "blockHash": self.block.hash,
            "blockNumber": hex(self.block.number),
            "from": self.transaction.sender,
            "to": self.transaction.to,
            "contractAddress": None,
            "cumulativeGasUsed": hex(self.cumulative_gas),
            "gasUsed": hex(self.gas_used),
            "effectiveGasPrice": hex(self.transaction.price),
            "logs": self.log_answers,
            "logsBloom": _EMPTY_BLOOM,
            "status": "0x1" if self.succeeded else "0x0",
            "type": hex(self.transaction.kind),
        }
        if self.reveals_reverts and not self.succeeded:
            answer["revertReason"] = None if self.revert is None else "0x" + self.revert.hex()
        return answer

    @cached_property
    def body(self) -> dict[str, Any]:
        """As eth_getTransactionByHash gives it."""
        return transaction_answer(self.transaction, self.block, self.index)


@dataclass(eq=False)
class Block:
    """A block and the chain's state after it.

    Attributes:
        timestamp: whole seconds since 1970.
        born: when it was made, by the virtual clock.
        changes: what the harness changed with it.
        arrivals: for each node, when it announces the block and when it serves it.
    """

    number: int
    hash: str
    parent: Block | None
    timestamp: int
    proposer: str
    state: State
    gas_limit: int
    extra_data: int
    born: float = 0.0
    changes: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    gas_used: int = 0
    mined: list[Mined] = field(default_factory=list)
    arrivals: tuple[tuple[float, float], ...] = ()

    @cached_property
    def log_answers(self) -> list[dict[str, Any]]:
        """All its events."""
        return [log for mined in self.mined for log in mined.log_answers]

    @cached_property
    def by_hash(self) -> dict[str, Mined]:
        """Its transactions by hash."""
        return {each.transaction.hash: each for each in self.mined}

    @cached_property
    def _header(self) -> dict[str, Any]:
        return {
            "number": hex(self.number),
            "hash": self.hash,
            "parentHash": _ZERO_HASH if self.parent is None else self.parent.hash,
            "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
            "logsBloom": _EMPTY_BLOOM,
            "transactionsRoot": _ZERO_HASH,
            "stateRoot": _ZERO_HASH,
            "receiptsRoot": _ZERO_HASH,
            "miner": self.proposer,
            "difficulty": "0x1",
            "totalDifficulty": hex(self.number + 1),
            "extraData": "0x" + "00" * self.extra_data,
            "size": hex(800 + sum(len(each.transaction.raw) for each in self.mined)),
            "gasLimit": hex(self.gas_limit),
            "gasUsed": hex(self.gas_used),
            "timestamp": hex(self.timestamp),
            "baseFeePerGas": "0x0",
            "mixHash": "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365",
            "nonce": "0x0000000000000000",
            "uncles": [],
        }

    @cached_property
    def answer(self) -> dict[str, Any]:
        """With the hashes of its transactions."""
        return {**self._header, "transactions": [each.transaction.hash for each in self.mined]}

    @cached_property
    def answer_with_bodies(self) -> dict[str, Any]:
        """With its transactions."""
        return {**self._header, "transactions": [each.body for each in self.mined]}


def transaction_answer(
    transaction: Transaction, block: Block | None = None, index: int | None = None
) -> dict[str, Any]:
    """A transaction as JSON-RPC shows it, mined or waiting."""
    answer: dict[str, Any] = {
        "hash": transaction.hash,
        "blockHash": None if block is None else block.hash,
        "blockNumber": None if block is None else hex(block.number),
        "transactionIndex": None if index is None else hex(index),
        "from": transaction.sender,
        "to": transaction.to,
        "nonce": hex(transaction.nonce),
        "gas": hex(transaction.gas),
        "gasPrice": hex(transaction.price),
        "value": hex(transaction.value),
        "input": "0x" + transaction.data.hex(),
        "type": hex(transaction.kind),
        "v": hex(transaction.v),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    if transaction.chain_id is not None:
        answer["chainId"] = hex(transaction.chain_id)
    if transaction.kind == 2:
        answer |= {"maxFeePerGas": hex(transaction.price), "maxPriorityFeePerGas": hex(transaction.price)}
    return answer
