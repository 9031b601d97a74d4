"""One node: its own view of the chain, its own pool, up or down.

Decisions that govern this module:

* What a node sees is worked out when it is asked: every block carries when it reaches whom. A node that lags keeps its
  head, and all its answers, until it no longer does.
* A node announces a height before it serves the block (manner 4); state is read from what is served.
* After a start it first takes transactions and forgets them, then refuses them while it catches up (2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chains.model.blocks import Block, Mined
from chains.model.chain import GAS_LIMIT
from chains.model.manners import RpcError
from chains.model.pool import Pool
from chains.model.transactions import Malformed, Transaction, decode

if TYPE_CHECKING:
    from chains.model.network import Network


class Node:
    """A node of a network.

    Attributes:
        up: whether it answers.
        pool: what waits here; while it is down, what it will come back with.
        announced: the height it says it has.
        head: the newest block it serves.
        muted_until: until when it neither hears nor tells others of transactions.
        lags_until: until when its view stands still.
        forgets_until, pool_off_until: after a start, see the module.
        denied: accounts that its allowlist does not have (13).
    """

    def __init__(self, network: Network, index: int) -> None:
        self.network = network
        self.index = index
        self.address = f"0x{index + 1:02x}" + "a1" * 19
        self.manners = network.manners
        self.pool = Pool(self.manners)
        self.up = True
        self.head: Block = network.chain.head
        self.announced = 0
        self.muted_until = 0.0
        self.lags_until = 0.0
        self.forgets_until = 0.0
        self.pool_off_until = 0.0
        self.denied: set[str] = set()

    # --- what it sees ---

    def look(self) -> None:
        """Take in what has arrived by now."""
        network = self.network
        now = network.clock.monotonic()
        if not self.up or now < self.lags_until or now < self.pool_off_until:
            return
        blocks = network.chain.blocks
        head = self.head
        if head.number >= len(blocks) or blocks[head.number] is not head:
            head = self._last_common(blocks)
            self.announced = head.number
        while self.announced + 1 < len(blocks) and blocks[self.announced + 1].arrivals[self.index][0] <= now:
            self.announced += 1
        at = head.number
        while at < self.announced and blocks[at + 1].arrivals[self.index][1] <= now:
            at += 1
        if blocks[at] is not self.head:
            self.head = blocks[at]
            self.pool.prune(self.head.state)

    def _last_common(self, blocks: list[Block]) -> Block:
        block = self.head
        while block.number >= len(blocks) or blocks[block.number] is not block:
            assert block.parent is not None
            block = block.parent
        return block

    def block_at(self, height: int) -> Block | None:
        """The block at a height that it serves."""
        if height > self.head.number or height < 0:
            return None
        blocks = self.network.chain.blocks
        if self.head.number < len(blocks) and blocks[self.head.number] is self.head:
            return blocks[height]
        block = self.head  # it is on a branch that was taken back, and has not noticed
        while block.number > height:
            assert block.parent is not None
            block = block.parent
        return block

    def serves(self, block: Block) -> bool:
        """Whether a block is on its chain."""
        return self.block_at(block.number) is block

    def mined(self, tx_hash: str) -> Mined | None:
        """A transaction in a block that it serves."""
        for place in self.network.chain.places(tx_hash):
            if self.serves(place.block):
                return place
        return None

    # --- transactions ---

    @property
    def ready(self) -> bool:
        """Whether it takes part in making blocks."""
        return self.up and self.network.clock.monotonic() >= self.pool_off_until

    def take(self, raw: bytes) -> str:
        """A transaction from a client; its hash. Raises RpcError."""
        manners = self.manners
        if not raw:
            raise manners.refuse("empty")
        try:
            transaction = decode(raw)
        except Malformed:
            raise manners.refuse("malformed") from None
        now = self.network.clock.monotonic()
        if self.forgets_until <= now < self.pool_off_until:
            raise manners.refuse("pool off")
        refusal = self._refusal(transaction)
        if refusal is not None:
            raise refusal
        if now < self.forgets_until:
            return transaction.hash  # and forgotten already
        refusal = self.pool.offer(transaction, self.head.state)
        if refusal is not None:
            raise refusal
        self.network.tell_others(self, transaction)
        return transaction.hash

    def hear(self, transaction: Transaction) -> None:
        """A transaction from another node."""
        if self.ready and self.network.clock.monotonic() >= self.muted_until and self._refusal(transaction) is None:
            self.look()
            self.pool.offer(transaction, self.head.state)

    def _refusal(self, transaction: Transaction) -> RpcError | None:
        manners = self.manners
        if self.pool.get(transaction.hash) is not None:
            return manners.refuse("known")
        if transaction.chain_id is None and manners.refuses("unprotected"):
            return manners.refuse("unprotected")
        if transaction.chain_id not in (None, self.network.chain.chain_id) and manners.refuses("wrong chain"):
            return manners.refuse("wrong chain")
        if transaction.gas > GAS_LIMIT:
            return manners.refuse("gas above block")
        if transaction.gas < transaction.intrinsic_gas:
            return manners.refuse("gas below intrinsic")
        if transaction.sender in self.denied:
            return manners.refuse("not permitted")
        return None
