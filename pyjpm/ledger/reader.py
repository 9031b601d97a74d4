"""The platform's logs page by page as the node answers them, complete, of one chain, in order.

Decisions that govern this module:

* A page is of one chain: its last block has the same hash before and after its logs are read, every log is of the
  block that the node shows at that height, and the page follows the last block that is in the ledger.
* Only a node at or above the highest head ever seen is read from.
* Where the chain left the one in the ledger, the newest block that both know is looked for among those remembered.
* Blocks without events are not asked for one by one: a chain with a block a second has 31 million a year. The newest
  ones are, as by them the way back is found.
* Pages grow and shrink with what is in them, so that memory stays bounded; one that a node cannot gather in time is
  asked for in smaller parts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyjpm.chain.connection import Connection
from pyjpm.chain.nodes import Nodes
from pyjpm.chain.values import Head, Log, to_log
from pyjpm.errors.chain import BlockNotAvailable, HeadNotServed, NodeBadAnswer, NodeTimeout
from pyjpm.errors.seeing import ChainMoved, NodesDisagree, ReorgTooDeep, ViewBehind

DEPTH: Final = 64
"""How many blocks may be taken back."""

_FIRST_BLOCKS: Final = 16
_MOST_BLOCKS: Final = 2_000
_LOGS: Final = 8_000
"""Wanted in a page: enough to be worth a request and a commit, few enough to be fetched while the last are stored."""

PATIENCE: Final = 10.0
"""Seconds for which a node that lags or moves is waited for."""

_PASSING: Final = (ChainMoved, ViewBehind, NodesDisagree, BlockNotAvailable, HeadNotServed)


@dataclass(frozen=True, slots=True)
class Page:
    """The logs of the blocks ``first`` to ``last``, as the node's JSON has them.

    ``heads`` are the blocks with logs, the newest ones of the chain, and the last of the page, in order.
    """

    first: int
    last: int
    logs: Sequence[Mapping[str, Any]]
    heads: tuple[Head, ...]
    highest_head: int

    @property
    def hash(self) -> str:
        """Of the last block."""
        return self.heads[-1].hash


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Everything above ``to_block`` is no longer on the chain. ``hash`` is that block's."""

    to_block: int
    hash: str
    highest_head: int


class Reader:
    """Reads on from a place. One thread at a time.

    Args:
        addresses: of the contracts.
        until: the last block to read; None is the head, wherever it is by then.
        patience: seconds for which a node that lags or moves is waited for.
    """

    def __init__(
        self, nodes: Nodes, addresses: Sequence[str], *, until: int | None = None, patience: float = PATIENCE
    ) -> None:
        self._nodes = nodes
        self._addresses = list(addresses)
        self._until = until
        self._patience = patience
        self._blocks = _FIRST_BLOCKS

    def after(self, block: int, block_hash: str, known: Mapping[int, str], highest: int) -> Page | TakenBack | None:
        """What follows this block; None where nothing does.

        Args:
            block_hash: empty before the first block.
            known: hashes of blocks in the ledger, by height; more than the newest 64 are not needed.
            highest: the highest head ever seen.

        Raises:
            ReorgTooDeep: none of the blocks known is on the chain.
            ChainMoved, ViewBehind, BlockNotAvailable, NodesDisagree, HeadNotServed: still so after ``patience``.
        """
        deadline, pause = time.monotonic() + self._patience, 0.02
        while True:
            try:
                return self._after(block, block_hash, known, highest)
            except NodeTimeout:
                # Perhaps more than the node can gather in time.
                if self._blocks == 1:
                    raise
                self._blocks = max(1, self._blocks // 4)
            except _PASSING:
                if time.monotonic() > deadline:
                    raise
                time.sleep(pause)
                pause = min(0.5, 2 * pause)

    def _after(self, block: int, block_hash: str, known: Mapping[int, str], highest: int) -> Page | TakenBack | None:
        view = self._nodes.best(highest)
        highest, end = max(highest, view.number), view.number
        if self._until is not None:
            end = min(end, self._until)
        if end <= block:
            same = block_hash in ("", view.hash if view.number == block else self._hash(view.connection, block))
            return None if same else self._back(view.connection, known, highest)
        first, last = block + 1, min(end, block + self._blocks)
        asked = [last] if not block_hash else [block, last]
        *before, newest = view.connection.heads(asked)
        if before and before[0].hash != block_hash:
            return self._back(view.connection, known, highest)
        logs = self._logs(view.connection, first, last)
        tail = range(max(first, view.number - DEPTH + 1), last + 1)
        named = {(log["blockNumber"], log["blockHash"]) for log in logs}
        heights = sorted({int(number, 16) for number, _ in named} | set(tail) | {last})
        heads = view.connection.heads(heights)
        if heads[-1].hash != newest.hash:
            raise ChainMoved(f"The blocks {first} to {last} changed while they were read.", block=first)
        hashes = {head.number: head.hash for head in heads}
        if any(hashes[int(number, 16)] != name for number, name in named):
            raise ChainMoved("The node showed an event of another block.", block=first)
        self._blocks = max(1, min(_MOST_BLOCKS, 2 * self._blocks, self._blocks * _LOGS // max(1, len(logs))))
        return Page(first, last, logs, tuple(heads), highest)

    def _logs(self, connection: Connection, first: int, last: int) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        pages = connection.logs(self._addresses, from_block=first, to_block=last)
        if pages.to_block < last:
            raise BlockNotAvailable(f"The node does not have block {last}.", block=last, head=pages.to_block)
        for _, _, answer in pages.raw_pages():
            if not isinstance(answer, (list, tuple)):
                raise NodeBadAnswer("The node answered something that is not a list of logs.", what="logs")
            found += answer
        if found and not isinstance(found[0].get("blockNumber"), str):
            # Of a chain within this process, which hands out integers and bytes.
            found = [_as_json(to_log(log)) for log in found]
        return found

    def _hash(self, connection: Connection, height: int) -> str:
        return connection.heads([height])[0].hash

    def _back(self, connection: Connection, known: Mapping[int, str], highest: int) -> TakenBack:
        heights = sorted(known, reverse=True)
        below = [height for height in heights if height <= highest]
        for height, head in zip(below, connection.heads(below), strict=True):
            if head.hash == known[height]:
                return TakenBack(height, head.hash, highest)
        raise ReorgTooDeep(
            f"The chain left the one in the ledger more than {len(heights)} known blocks ago.",
            block=heights[0] if heights else 0,
            depth=len(heights),
        )


def _as_json(log: Log) -> Mapping[str, Any]:
    return {
        "address": log.address.lower(),
        "topics": ["0x" + topic.hex() for topic in log.topics],
        "data": "0x" + log.data.hex(),
        "blockNumber": hex(log.block_number),
        "blockHash": log.block_hash,
        "transactionHash": log.transaction_hash,
        "logIndex": hex(log.log_index),
    }
