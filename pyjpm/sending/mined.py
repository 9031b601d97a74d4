"""Which of our transactions were mined, in few requests, and what used a nonce where none of ours did.

Decisions that govern this module:

* Few are asked for by their receipts. Many are looked for in the newest blocks, backwards: the hashes of a block's
  transactions and all its events in two requests. A node may take longer over one receipt than over all these events.
* A transaction that emitted an event succeeded. Of one that emitted none (of those that were asked for: of a payment's
  events one is enough), and of one in an older block, only its receipt tells. How much gas it took only a receipt tells
  as well.
* All blocks are reached by their hashes from the head of the view, so that they are of one chain. What a node does not
  show so (it began with a snapshot; there are too many events for one answer) is asked for by its receipt.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from pyjpm.chain.blocks import events_of
from pyjpm.chain.connection import Connection
from pyjpm.chain.nodes import View
from pyjpm.chain.values import Log, Receipt, Transaction
from pyjpm.errors.chain import BlockNotAvailable, ChainError, NodeError

log = logging.getLogger(__name__)

_MANY: Final = 20
_BLOCKS: Final = 8


class Mined(NamedTuple):
    """One transaction of ours in a block. ``receipt``: None where the block's events said that it succeeded."""

    tx_hash: str
    succeeded: bool
    block_number: int
    logs: Sequence[Log]
    receipt: Receipt | None


def find_mined(tx_hashes: Sequence[str], view: View, topics: Sequence[bytes] = ()) -> dict[str, Mined]:
    """Those of these transactions that are in blocks up to the view's, by hash; the others are not, or not shown yet.

    Args:
        topics: first topics of the events that are of interest; none: all are. What a receipt tells has all of them.

    Raises transport faults.
    """
    found: dict[str, Mined] = {}
    if len(tx_hashes) >= _MANY:
        try:
            _in_newest_blocks(frozenset(tx_hashes), view, found, topics)
        except (NodeError, BlockNotAvailable) as error:
            log.warning("%s does not tell by blocks what was mined: %s", view.connection.where, error.code)
    rest = [each for each in tx_hashes if each not in found]
    for receipt in view.connection.receipts(rest) if rest else []:
        if receipt is not None and receipt.block_number <= view.number:
            found[receipt.transaction_hash] = Mined(
                receipt.transaction_hash, receipt.succeeded, receipt.block_number, receipt.logs, receipt
            )
    return found


def _in_newest_blocks(wanted: frozenset[str], view: View, found: dict[str, Mined], topics: Sequence[bytes]) -> None:
    """Adds those that emitted something in one of the newest blocks."""
    missing, block_hash = set(wanted), view.hash
    for _ in range(_BLOCKS):
        block = view.connection.block(block_hash)
        ours = missing.intersection(block.transactions)
        if ours:
            events = events_of(view.connection, block, topics=[topics] if topics else [], only=ours)
            for tx_hash, logs in events.emitted.items():
                found[tx_hash] = Mined(tx_hash, True, block.number, logs, None)
            missing -= ours
        if not missing or block.number == 0:
            break
        block_hash = block.parent_hash


class Consumers:
    """What used nonces, as one look at the chain sees it: what was read is kept for its other questions."""

    def __init__(self, connection: Connection, head: int) -> None:
        self._connection = connection
        self._head = head
        self._counts: dict[tuple[str, int], int] = {}
        self._blocks: dict[int, dict[tuple[str, int], Transaction]] = {}

    def of(self, wallet: str, nonce: int) -> Transaction | None:
        """The transaction that used a nonce, None where this node cannot show it (yet)."""
        for known in self._blocks.values():
            if (wallet, nonce) in known:
                return known[wallet, nonce]
        # The first block after which the count is above the nonce lies in (low, high].
        low, high = self._head - 1, self._head
        try:
            # Back from the head in growing steps: nodes prune old state, and a nonce of ours was used lately.
            while low > 0 and self._count(wallet, low) > nonce:
                low, high = max(0, low - 2 * (self._head - low)), low
            while high - low > 1:
                middle = (low + high) // 2
                if self._count(wallet, middle) > nonce:
                    high = middle
                else:
                    low = middle
            return self._block(high).get((wallet, nonce))
        except ChainError as error:
            # State that old may be pruned at this node; no answer is given then, rather than a wrong one.
            log.warning("cannot tell what used nonce %d of %s: %s", nonce, wallet, error.code)
        return None

    def _count(self, wallet: str, height: int) -> int:
        if (wallet, height) not in self._counts:
            self._counts[wallet, height] = self._connection.transaction_count(wallet, at=height)
        return self._counts[wallet, height]

    def _block(self, height: int) -> dict[tuple[str, int], Transaction]:
        if height not in self._blocks:
            self._blocks[height] = {
                (each.sender, each.nonce): each for each in self._connection.block_transactions(height)
            }
        return self._blocks[height]
