"""What happened in one block, read as a whole: cheaper than receipt by receipt, and of one hash.

Decisions that govern this module:

* Events are read by the block's hash, so that all of it belongs together. An answer that does not fit the block is an
  error, never mixed in.
* ``null`` at an announced height means not yet. It is waited for or said by an error, never taken for an empty block.
* A transaction that emitted an event succeeded. Of one that emitted none only a receipt can tell: receipts are for
  those alone. ``eth_getBlockReceipts`` is not used; Anvil's takes time by the square of the block.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pyjpm.chain.connection import Connection
from pyjpm.chain.logs import Topics
from pyjpm.chain.values import Block, HashLike, Log, Receipt, check_hash
from pyjpm.errors.chain import NodeBadAnswer
from pyjpm.errors.seeing import ChainMoved


@dataclass(frozen=True, slots=True)
class SeenBlock:
    """A block and what its transactions emitted, by transaction hash. ``timestamp`` in seconds since 1970 (UTC)."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    tx_hashes: tuple[str, ...]
    emitted: Mapping[str, tuple[Log, ...]]

    @property
    def logs(self) -> tuple[Log, ...]:
        """All of them, in the block's order."""
        return tuple(log for logs in self.emitted.values() for log in logs)


def block_view(
    connection: Connection,
    at: int | HashLike,
    *,
    addresses: Sequence[str | bytes] = (),
    topics: Topics = (),
    only: Container[str] | None = None,
    wait: bool = True,
) -> SeenBlock:
    """The block at a height or with a hash, with its events.

    Args:
        addresses, topics: which events to ask for; empty is all. ``emitted`` then knows of these only.
        only: hashes of the transactions whose events are wanted; None is all.
        wait: whether an announced block that is ``null`` is waited for, up to the connection's timeout.

    Raises HeadNotServed (announced, not yet there), BlockNotAvailable (beyond the head, unknown, or replaced between
    two requests), NodeBadAnswer, InvalidBlock.
    """
    block = connection.block(at, wait=wait)
    return events_of(connection, block, addresses=addresses, topics=topics, only=only)


def events_of(
    connection: Connection,
    block: Block,
    *,
    addresses: Sequence[str | bytes] = (),
    topics: Topics = (),
    only: Container[str] | None = None,
) -> SeenBlock:
    """A block that is there already, with its events. As ``block_view``."""
    return _seen(connection, block, connection.block_logs(block.hash, addresses, topics, only=only))


def block_views(
    connection: Connection,
    first: int,
    last: int,
    *,
    addresses: Sequence[str | bytes] = (),
    topics: Topics = (),
) -> list[SeenBlock]:
    """As ``block_view`` for the blocks ``first`` to ``last``, each the parent of the next, in a few requests.

    Raises ChainMoved where the answers do not fit together, and as ``block_view``.
    """
    blocks = connection.blocks(range(first, last + 1))
    events: dict[int, list[Log]] = defaultdict(list)
    for log in connection.logs(addresses, topics, from_block=first, to_block=last):
        events[log.block_number].append(log)
    linked = all(parent.hash == child.parent_hash for parent, child in pairwise(blocks))
    # The last one again: an event that is missing shows nothing by itself.
    if not linked or connection.block(last).hash != blocks[-1].hash:
        raise ChainMoved(f"The blocks {first} to {last} changed while they were read.", block=first)
    return [_seen(connection, block, events[block.number]) for block in blocks]


def _seen(connection: Connection, block: Block, logs: Iterable[Log]) -> SeenBlock:
    hashes = frozenset(block.transactions)
    emitted: dict[str, list[Log]] = {}
    for log in logs:
        if log.block_hash != block.hash or log.transaction_hash not in hashes:
            raise NodeBadAnswer(f"{connection.where} showed an event of another block than {block.hash}.")
        emitted.setdefault(log.transaction_hash, []).append(log)
    return SeenBlock(
        block.number,
        block.hash,
        block.parent_hash,
        block.timestamp,
        block.transactions,
        {tx_hash: tuple(logs) for tx_hash, logs in emitted.items()},
    )


def silent_receipts(connection: Connection, seen: SeenBlock, ours: Iterable[HashLike]) -> dict[str, Receipt]:
    """The receipts of those of our transactions that are in the block and emitted nothing there.

    One that the node does not show (yet), or shows in another block, is left out: nothing is known about it.
    """
    mined = frozenset(seen.tx_hashes)
    asked = [each for each in map(check_hash, ours) if each in mined and each not in seen.emitted]
    receipts = connection.receipts(asked)
    return {
        receipt.transaction_hash: receipt
        for receipt in receipts
        if receipt is not None and receipt.block_hash == seen.hash
    }
