"""The proxy as tests hold it: started and ended with a ``with`` block, and what can be done to it meanwhile.

Decisions that govern this module:

* Everything lives in one event loop in one thread, which ends with the block: no process, no socket, no thread stays.
* Methods here may be called from any thread; each is carried out in that loop before it returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from chains.proxy.front import Front
from chains.proxy.manners import BESU, Manners
from chains.proxy.network import Network
from chains.proxy.node import Node
from chains.proxy.upstream import Upstream
from chains.proxy.wire import Fault, Wire
from pyjpm.chain import Connection

T = TypeVar("T")
_PATIENCE = 30.0  # seconds that anything here may take


class Proxy:
    """Nodes on ports of their own, before one Anvil.

    Args:
        anvil_url: of a running Anvil; with Besu's manners it is told to make no blocks by itself.
        seed: of everything random.
        nodes: how many are presented.
        manners: of all nodes.
        second: real seconds in a second of the chain.
        patience: real seconds for which a lost request is held before its connection is cut.
        delay: real seconds of the longest delay.

    Attributes:
        urls: of the presented nodes.
    """

    def __init__(
        self,
        anvil_url: str,
        *,
        seed: int | str,
        nodes: int = 2,
        manners: Manners = BESU,
        second: float = 1.0,
        patience: float = 30.0,
        delay: float = 0.3,
    ) -> None:
        self.seed = str(seed)
        self.manners = manners
        self.second = second
        self._anvil_url = anvil_url
        self._count = nodes
        self._patience = patience
        self._delay = delay
        self.wires = [Wire(f"{self.seed}/wire/{index}") for index in range(nodes)]
        self.urls: tuple[str, ...] = ()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name=f"proxy-{self.seed}", daemon=True)
        self._network: Network
        self._upstream: Upstream
        self._fronts: list[Front] = []

    def __repr__(self) -> str:
        return f"Proxy(seed={self.seed!r}, nodes={self._count}, faults={dict(self.given)})"

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._do(self._open())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        if failure is not None:
            print(self.report(), file=sys.stderr)
        failed = self._network.failure
        self._end()
        if failed is not None and failure is None:
            raise failed

    def report(self) -> str:
        """What it takes to see this again, and what happened last."""
        lines = [f"{self!r}", f"blocks (height, seconds, round): {self._network.made[-10:]}"]
        for index, front in enumerate(self._fronts):
            lines += [f"node {index}: {entry}" for entry in list(front.log)[-20:]]
        return "\n".join(lines)

    # --- for clients ---

    def connection(self, index: int = 0, **options: Any) -> Connection:
        """A connection through a node; options as Connection.open has them."""
        return Connection.open(self.urls[index], **options)

    @property
    def head(self) -> int:
        """Height of the newest block, whoever sees it."""
        self._do(self._network.look())
        return self._network.head

    @property
    def made(self) -> list[tuple[int, float, int]]:
        """(height, seconds since the one before, round) of the blocks made, in seconds of the chain."""
        return list(self._network.made)

    @property
    def refused(self) -> list[tuple[str, dict[str, Any]]]:
        """What Anvil would not take into a block: none, unless nodes accept what they should not."""
        return list(self._network.refused)

    @property
    def given(self) -> Counter[Fault]:
        """How often each fault happened, over all nodes."""
        return sum((wire.given for wire in self.wires), Counter())

    def waiting(self, index: int) -> list[str]:
        """Hashes of what waits at a node (or a validator nobody can ask)."""
        return [each.hash for each in self._node(index).pool]

    def forgotten(self, index: int) -> list[str]:
        """Hashes of what a node took after a start and forgot at once."""
        return list(self._node(index).forgotten)

    # --- the wire ---

    def disturb(
        self, rates: Mapping[Fault, float], *, only: Iterable[str] | None = None, node: int | None = None
    ) -> None:
        """Let faults happen at these rates, at one node or all; an empty mapping ends it.

        Args:
            only: methods, of which a request has to have one.
        """
        for wire in self.wires if node is None else [self.wires[node]]:
            wire.disturb(rates, only=only)

    def order(self, fault: Fault, method: str | None = None, *, times: int = 1, node: int = 0) -> None:
        """Have a fault happen to the next requests (of a method, where given) to a node."""
        self.wires[node].order(fault, method, times=times)

    def ask_tokens(self, tokens: Mapping[str, Sequence[str]] | None) -> None:
        """Serve only who brings one of these bearer tokens, with its permissions ("eth:*"); None: everybody."""
        for front in self._fronts:
            front.tokens = None if tokens is None else dict(tokens)

    def allow_hosts(self, *names: str) -> None:
        """The names by which nodes let themselves be called (11)."""
        for front in self._fronts:
            front.hosts = set(names)

    # --- nodes ---

    def stop(self, index: int, *, saves_pool: bool = False) -> None:
        """A node goes down; its pool is lost unless saved."""
        self._do(self._stop(index, saves_pool))

    def start(self, index: int, *, behind: float = 0.0, forgets: float = 0.0) -> None:
        """A node comes back.

        Args:
            behind: seconds of the chain for which its head stays where it was and its pool is off (2).
            forgets: for how many of these it takes transactions and forgets them.
        """
        self._do(self._start(index, behind, forgets))

    def restart(
        self, index: int, *, down: float = 0.0, behind: float = 0.0, forgets: float = 0.0, saves_pool: bool = False
    ) -> None:
        """``stop`` now and ``start`` after ``down`` seconds of the chain; returns at once."""
        self.stop(index, saves_pool=saves_pool)
        self._do(self._start_later(down, [index], behind, forgets))

    def lose_quorum(self, seconds: float) -> None:
        """Too few validators for a block, for so many seconds of the chain; returns at once.

        Those that nobody can ask go first. After they are back the next block still waits for the running round's end.
        """
        network = self._network
        gone = list(range(network.quorum - 1, self.manners.validators))
        for index in gone:
            self.stop(index, saves_pool=True)
        self._do(self._start_later(seconds, gone, 0.0, 0.0))

    def forget_pool(self, index: int) -> None:
        """A node forgets what waits, without going away."""
        self._do(self._call(self._node(index).forget_pool))

    def forget_everywhere(self) -> None:
        """Every node forgets what waits."""
        for index in range(len(self._network.nodes)):
            self.forget_pool(index)

    def mute(self, index: int, *, muted: bool = True) -> None:
        """A node neither tells others of transactions nor hears of them, or does again."""
        self._node(index).muted = muted

    def lag(self, index: int, blocks: int) -> None:
        """A node's view is so many blocks behind; 0: no longer."""
        self._node(index).lag = blocks

    def dispute(self, index: int, since: int | None) -> None:
        """A node shows other blocks than the others from a height on; None: no longer."""
        self._node(index).disputes = since

    def deny(self, index: int, account: str) -> None:
        """A node's allowlist no longer has an account (13)."""
        self._node(index).denied.add(account.lower())

    def permit(self, index: int, account: str) -> None:
        """A node's allowlist has an account again."""
        self._node(index).denied.discard(account.lower())

    # --- the chain ---

    def roll_back(self, depth: int, *, forget: bool = False) -> int:
        """The newest blocks are taken back; what was in them waits again, or is forgotten. Returns how many."""
        return self._do(self._network.roll_back(depth, forget=forget))

    def advance(self, seconds: float) -> None:
        """Set the validators' clocks forward (with Besu's manners; Anvil has methods of its own for this)."""
        self._do(self._call(lambda: self._network.advance(seconds)))

    def inject(self, raw: bytes, index: int = 0) -> str:
        """Bytes that somebody else brings to a node; their hash. Raises RpcError as the node refuses them."""
        return self._do(self._inject(raw, index))

    def make_blocks(self, count: int = 1) -> None:
        """The next blocks, at once; where blocks come by themselves (``period``) wait for them instead."""
        assert self.manners.period is None, "blocks come by themselves"
        for _ in range(count):
            self._do(self._network.make_block() if self.manners.besu else self._upstream.ask("evm_mine"))

    def wait_for_blocks(self, count: int = 1, *, timeout: float = 10.0) -> None:
        """Wait until so many more blocks are made. Raises TimeoutError after ``timeout`` real seconds."""
        self._do(asyncio.wait_for(self._more_blocks(count), timeout))

    # --- in the loop ---

    async def _open(self) -> None:
        self._upstream = Upstream(self._anvil_url)
        self._network = Network(
            self._upstream, seed=self.seed, nodes=self._count, manners=self.manners, second=self.second
        )
        await self._network.start()
        for node, wire in zip(self._network.nodes, self.wires, strict=False):
            front = Front(node, wire, patience=self._patience, delay=self._delay)
            self._fronts.append(front)
            await front.listen()
        self.urls = tuple(f"http://127.0.0.1:{front.port}" for front in self._fronts)

    async def _close(self) -> None:
        for front in self._fronts:
            await front.end()
        if hasattr(self, "_network"):
            await self._network.stop()
        if hasattr(self, "_upstream"):
            await self._upstream.close()

    async def _stop(self, index: int, saves_pool: bool) -> None:
        node = self._node(index)
        node.look()
        node.up = False
        if not saves_pool:
            node.forget_pool()
        if index < len(self._fronts):
            await self._fronts[index].close()

    async def _start(self, index: int, behind: float, forgets: float) -> None:
        node, network = self._node(index), self._network
        if node.up:
            return
        node.up = True
        node.pool_off_until = network.now + behind * self.second
        node.forgets_until = network.now + min(forgets, behind) * self.second
        network.spawn(self._back(node, behind * self.second))
        if index < len(self._fronts):
            await self._fronts[index].listen()

    async def _back(self, node: Node, after: float) -> None:
        """What a node brings back it tells others of, once it has caught up."""
        await asyncio.sleep(after)
        node.look()
        for transaction in node.pool:
            self._network.tell_others(node, transaction)

    async def _start_later(self, seconds: float, indexes: Sequence[int], behind: float, forgets: float) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds * self.second)
            for index in indexes:
                await self._start(index, behind, forgets)

        self._network.spawn(later())

    async def _inject(self, raw: bytes, index: int) -> str:
        if not self.manners.besu:
            return str(await self._upstream.ask("eth_sendRawTransaction", "0x" + raw.hex()))
        self._node(index).look()
        return await self._node(index).take(raw)

    async def _more_blocks(self, count: int) -> None:
        await self._network.look()
        wanted = self._network.head + count
        while self._network.head < wanted:
            await asyncio.sleep(0.01)
            await self._network.look()

    async def _call(self, act: Any) -> None:
        act()

    def _node(self, index: int) -> Node:
        return self._network.nodes[index]

    # --- the thread ---

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _end(self) -> None:
        with contextlib.suppress(TimeoutError):
            self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()
