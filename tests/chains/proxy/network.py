"""The chain behind the proxy's nodes: Anvil executes; who has what, and when a block is made, is decided here.

Decisions that govern this module:

* Transactions wait in the nodes' own pools. Anvil sees those of a block, in order, and is told to mine at once: so it
  never gets to apply manners of its own.
* Blocks are made as QBFT makes them: proposers take turns, a dead one costs a round's timeout, which doubles with each
  further round; without a quorum rounds go on without blocks, and the first block after it is back waits for the end of
  the round that runs then.
* One task makes blocks and takes them back, under one lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from typing import Any

from chains.model.transactions import Transaction, decode
from chains.proxy.manners import Manners, RpcError
from chains.proxy.node import Node
from chains.proxy.upstream import Upstream


class Network:
    """Lives in the proxy's event loop.

    Attributes:
        nodes: those that can be asked first, then the other validators.
        second: real seconds in a second of the chain.
        head: height of Anvil's newest block.
        made: (height, seconds since the last one, round) of each block made here, times in seconds of the chain.
        refused: what Anvil would not take into a block although it should: (hash, error).
        failure: what ended the making of blocks, if anything did.
    """

    def __init__(self, upstream: Upstream, *, seed: str, nodes: int, manners: Manners, second: float) -> None:
        self.upstream = upstream
        self.manners = manners
        self.second = second
        self.seed = seed
        self.head = 0
        self.chain_id = 0
        self.gas_limit = 0
        self.made: list[tuple[int, float, int]] = []
        self.refused: list[tuple[str, dict[str, Any]]] = []
        self.nodes = [Node(self, index) for index in range(max(nodes, manners.validators if manners.besu else 0))]
        self.failure: Exception | None = None
        self.lock = asyncio.Lock()
        self._nonces: dict[tuple[str, int], int] = {}
        self._hashes: dict[int, str] = {}
        self._epoch = 0.0
        self._last = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> float:
        """Seconds of the event loop's clock."""
        return asyncio.get_running_loop().time()

    async def start(self) -> None:
        """Take Anvil over from its newest block on."""
        block, chain_id = await self.upstream.results(
            [("eth_getBlockByNumber", ["latest", False]), ("eth_chainId", [])]
        )
        self.head, self.chain_id = int(block["number"], 16), int(chain_id, 16)
        self.gas_limit = int(block["gasLimit"], 16)
        self._epoch = int(block["timestamp"], 16) - self.now / self.second
        self._last = self.now
        for node in self.nodes:
            node.start_at(self.head)
        if self.manners.besu:
            await self.upstream.results([("evm_setAutomine", [False]), ("evm_setIntervalMining", [0])])
            if self.manners.period is not None:
                self.spawn(self._make_blocks(self.manners.period * self.second))

    async def stop(self) -> None:
        """End every task."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Any) -> None:
        """Run something beside; it ends with the network."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def advance(self, seconds: float) -> None:
        """Set the validators' clocks forward."""
        self._epoch += seconds

    # --- what the chain says ---

    async def look(self) -> None:
        """Learn Anvil's head where it makes its own blocks."""
        if not self.manners.besu:
            self.head = int(await self.upstream.ask("eth_blockNumber"), 16)

    async def nonce(self, sender: str, height: int) -> int:
        """An account's next nonce at a height."""
        found = self._nonces.get((sender, height))
        if found is None:
            answer = await self.upstream.ask("eth_getTransactionCount", sender, hex(height))
            found = self._nonces[sender, height] = int(answer, 16)
        return found

    # --- what nodes tell each other ---

    def tell_others(self, node: Node, transaction: Transaction) -> None:
        """Gossip, which takes time."""
        if node.muted:
            return
        for other in self.nodes:
            if other is not node:
                dice = random.Random(f"{self.seed}/gossip/{transaction.hash}/{other.index}")
                self.spawn(self._gossip(dice.uniform(0.1, 1.0) * self.manners.gossip * self.second, other, transaction))

    async def _gossip(self, delay: float, node: Node, transaction: Transaction) -> None:
        await asyncio.sleep(delay)
        await node.hear(transaction)

    # --- blocks ---

    @property
    def quorum(self) -> int:
        """How many validators a block needs."""
        return math.ceil(2 * self.manners.validators / 3)

    @property
    def validators(self) -> list[Node]:
        """Who makes blocks."""
        return self.nodes[: self.manners.validators]

    async def make_block(self) -> None:
        """The next block, at once, where blocks are made when told. Nobody waits for a validator whose turn it is."""
        proposer = next(each for round_ in range(len(self.validators)) if (each := self._proposer(round_)))
        async with self.lock:
            await self._make_block(proposer, 0)

    async def _make_blocks(self, period: float) -> None:
        try:
            await self._make_block_after_block(period)
        except Exception as failure:
            self.failure = failure
            raise

    async def _make_block_after_block(self, period: float) -> None:
        due = self._last + period
        while True:
            round_ = 0
            await asyncio.sleep(due - self.now)
            while (proposer := self._proposer(round_)) is None:
                await asyncio.sleep(self.manners.round_timeout * 2**round_ * self.second)
                round_ += 1
            began = self.now
            async with self.lock:
                await self._make_block(proposer, round_)
            due = max(began + period, self.now)

    def _proposer(self, round_: int) -> Node | None:
        ready = [node for node in self.validators if node.up and not node.catching_up]
        if len(ready) < self.quorum:
            return None
        turn = self.validators[(self.head + 1 + round_) % len(self.validators)]
        return turn if turn in ready else None

    async def _make_block(self, proposer: Node, round_: int) -> None:
        chosen = await self._selection(proposer)
        latest = await self.upstream.ask("eth_getBlockByNumber", "latest", False)
        timestamp = max(int(latest["timestamp"], 16) + 1, int(self._epoch + self.now / self.second))
        # Each step by itself: Anvil carries out the requests of one batch at the same time.
        await self.upstream.ask("anvil_dropAllTransactions")
        sends = [("eth_sendRawTransaction", ["0x" + each.raw.hex()]) for each in chosen]
        for transaction, answer in zip(chosen, await self.upstream.many(sends), strict=True):
            if "error" in answer:
                self.refused.append((transaction.hash, answer["error"]))
        await self.upstream.ask("evm_mine", {"timestamp": timestamp})
        self.head += 1
        self.made.append((self.head, (self.now - self._last) / self.second, round_))
        self._last = self.now
        for node in self.nodes:
            node.expect(self.head, random.Random(f"{self.seed}/arrival/{self.head}/{node.index}"))
        await self._prune()

    async def _selection(self, proposer: Node) -> list[Transaction]:
        chosen: list[Transaction] = []
        gas = 0
        for sender in proposer.pool.senders():
            if sender in proposer.denied:
                continue
            balance: int | None = None
            for each in proposer.pool.run(sender, await self.nonce(sender, self.head)):
                if each.price or each.value:
                    if balance is None:
                        balance = int(await self.upstream.ask("eth_getBalance", sender, "latest"), 16)
                    balance -= each.price * each.gas + each.value
                    if balance < 0:
                        break  # it waits, and all after it (3)
                # Anvil leaves out what does not fit by the gas that is really used; so many more are offered.
                gas += each.intrinsic_gas
                if gas > self.gas_limit or len(chosen) >= self.manners.block_transactions:
                    return chosen
                chosen.append(each)
        return chosen

    async def _prune(self) -> None:
        senders = list(dict.fromkeys(sender for node in self.nodes for sender in node.pool.senders()))
        for sender in senders:
            confirmed = await self.nonce(sender, self.head)
            for node in self.nodes:
                if not node.lag and not node.catching_up and node.up:
                    node.pool.prune(sender, confirmed)

    async def roll_back(self, depth: int, *, forget: bool) -> int:
        """Take back the newest blocks; how many. What was in them waits again everywhere, or is forgotten."""
        async with self.lock:
            await self.look()
            depth = min(depth, self.head)
            raws: list[bytes] = []
            for height in range(self.head - depth + 1, self.head + 1):
                block = await self.upstream.ask("eth_getBlockByNumber", hex(height), False)
                calls = [("eth_getRawTransactionByHash", [each]) for each in block["transactions"]]
                raws += [bytes.fromhex(raw[2:]) for raw in await self.upstream.results(calls)]
            await self.upstream.ask("anvil_rollback", depth)
            self.head -= depth
            self._nonces.clear()
            for node in self.nodes:
                node.taken_back(self.head)
            if not forget:
                await self._offer_again(raws)
            return depth

    async def _offer_again(self, raws: list[bytes]) -> None:
        for raw in raws:
            if not self.manners.besu:
                with contextlib.suppress(RpcError):
                    await self.upstream.ask("eth_sendRawTransaction", "0x" + raw.hex())
                continue
            for node in self.nodes:
                await node.hear(decode(raw))
