"""One node that the proxy presents: its own view of Anvil's chain, its own pool, up or down.

Decisions that govern this module:

* A node announces a height before it serves the block (4). State is read at what it serves; never at Anvil's own head.
* After a start it first takes transactions and forgets them, then refuses them while it catches up (2); its view
  stands still meanwhile.
* Nodes beyond those presented are validators that nobody can ask; they have views and pools like the others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chains.model.transactions import Malformed, Transaction, decode
from chains.proxy.manners import RpcError
from chains.proxy.pool import BesuPool

if TYPE_CHECKING:
    from chains.proxy.network import Network


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a node announces a block, and when it serves it (seconds of the event loop's clock)."""

    announced: float
    served: float


class Node:
    """A node.

    Attributes:
        index: its place.
        up: whether it answers.
        pool: what waits here; while it is down, what it comes back with.
        served: the newest block it serves.
        announced: the height it says it has.
        lag: how many blocks its view is behind.
        denied: accounts, lower case, that its allowlist does not have (13).
        muted: whether it neither tells others of transactions nor hears of them.
        forgotten: hashes of what it took and forgot at once (2).
        disputes: the height from which it shows other blocks than everybody else, None for never.
    """

    def __init__(self, network: Network, index: int) -> None:
        self.network = network
        self.index = index
        self.up = True
        self.pool = BesuPool(network.manners)
        self.served = self.announced = 0
        self.lag = 0
        self.denied: set[str] = set()
        self.forgotten: list[str] = []
        self.muted = False
        self.disputes: int | None = None
        self.forgets_until = 0.0
        self.pool_off_until = 0.0
        self._arrivals: dict[int, Arrival] = {}

    @property
    def catching_up(self) -> bool:
        """Whether it was started a moment ago and its view stands still."""
        return self.network.now < self.pool_off_until

    # --- what it sees ---

    def expect(self, height: int, dice: random.Random) -> None:
        """A block was made."""
        manners, second = self.network.manners, self.network.second
        now = self.network.now
        window = manners.null_window * second if dice.random() < manners.null_chance else 0.0
        self._arrivals[height] = Arrival(now, now + dice.uniform(window / 2, window))

    def start_at(self, height: int) -> None:
        """Begin with a chain of this height."""
        self.served = self.announced = height

    def taken_back(self, height: int) -> None:
        """Blocks above this height are no more."""
        self._arrivals = {at: arrival for at, arrival in self._arrivals.items() if at <= height}
        self.served, self.announced = min(self.served, height), min(self.announced, height)

    def look(self) -> None:
        """Take in what has arrived by now."""
        if not self.up or self.catching_up:
            return
        now, limit = self.network.now, self.network.head - self.lag
        if not self.network.manners.besu:
            self.announced = self.served = max(0, limit)
            return
        if self.announced > max(0, limit):  # it was put behind
            self.announced = self.served = max(0, limit)
        while self.announced < limit and self._has(self.announced + 1, now, "announced"):
            self.announced += 1
        while self.served < self.announced and self._has(self.served + 1, now, "served"):
            self.served += 1

    def _has(self, height: int, now: float, what: str) -> bool:
        arrival = self._arrivals.get(height)
        return arrival is None or getattr(arrival, what) <= now

    # --- transactions ---

    async def take(self, raw: bytes) -> str:
        """A transaction from a client; its hash. Raises RpcError."""
        network = self.network
        if self.catching_up and network.now >= self.forgets_until:
            raise RpcError.as_besu("node restarting or behind")
        try:
            transaction = decode(raw)
        except Malformed:
            raise RpcError.as_besu("garbage") from None
        if transaction.chain_id not in (None, network.chain_id):
            raise RpcError.as_besu("wrong chain id")
        if transaction.gas < transaction.intrinsic_gas:
            raise RpcError.as_besu("gas below intrinsic")
        if transaction.gas > network.gas_limit:
            raise RpcError.as_besu("gas above block limit")
        if transaction.sender in self.denied:
            raise RpcError.as_besu("sender not allowlisted")
        if self.catching_up:
            self.forgotten.append(transaction.hash)
            return transaction.hash  # and that was all (2)
        self.pool.add(transaction, await network.nonce(transaction.sender, self.served))
        network.tell_others(self, transaction)
        return transaction.hash

    async def hear(self, transaction: Transaction) -> None:
        """A transaction from another node."""
        if not self.up or self.muted or self.catching_up or transaction.sender in self.denied:
            return
        try:
            self.pool.add(transaction, await self.network.nonce(transaction.sender, self.served))
        except RpcError:
            return

    def forget_pool(self) -> None:
        """Drop everything that waits here."""
        self.pool = BesuPool(self.network.manners)
