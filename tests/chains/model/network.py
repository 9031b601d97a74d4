"""Nodes around one chain: who makes blocks when, what reaches whom, and what the harness does to them.

Decisions that govern this module:

* Everything random comes from the seed, everything timed from the clock, so one seed is one history.
* Blocks are made as QBFT makes them: proposers take turns, a dead one costs a round's timeout, which doubles with each
  further round; without a quorum rounds go on without blocks, and the first block after it is back waits for the end
  of the round that runs then. Where the manners ask no quorum, whoever is up makes the next block.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from chains.model.bank import Bank
from chains.model.chain import PROBE, Chain
from chains.model.clock import VirtualClock
from chains.model.judge import JudgeView
from chains.model.manners import BESU, Manners
from chains.model.node import Node
from chains.model.pool import Pool
from chains.model.provider import NodeProvider
from chains.model.transactions import Transaction, decode
from chains.model.wire import Fault, Wire
from pyjpm.chain.connection import Connection
from pyjpm.record import Deployed, DeploymentRecord
from pyjpm.version import __version__


class Network(Bank):
    """A chain, its nodes and their clock; what the bank does is in ``Bank``.

    Args:
        seed: of everything random.
        nodes: how many a client reaches, 1 to 4.
        validators: how many make blocks; nodes beyond the reachable ones are validators that nobody asks.
        manners: of all nodes.
        chain_id: of the chain.
        currencies: a deposit token each.
        period: seconds between blocks.
        round_timeout: seconds of the first round (QBFT).
        latency: virtual seconds that a request takes.
    """

    def __init__(
        self,
        seed: int | str,
        *,
        nodes: int = 2,
        validators: int = 4,
        manners: Manners = BESU,
        chain_id: int = 2_025,
        currencies: Sequence[str] = ("EUR", "USD"),
        period: int = 1,
        round_timeout: float = 4.0,
        latency: float = 0.002,
        clock: VirtualClock | None = None,
    ) -> None:
        self.seed = str(seed)
        self.clock = clock or VirtualClock()
        self.manners = manners
        self.period = period
        self.round_timeout = round_timeout
        self.latency = latency
        chain = Chain(
            chain_id=chain_id,
            currencies=currencies,
            manners=manners,
            epoch=math.floor(self.clock.true_time()),
            salt=self.seed,
        )
        super().__init__(chain)
        self.nodes = [Node(self, index) for index in range(max(nodes, validators))]
        self.validators = self.nodes[:validators]
        self.wires = [Wire(f"{self.seed}/wire/{index}") for index in range(nodes)]
        self.log: list[tuple[Any, ...]] = []
        self._random = random.Random(f"{self.seed}/network")
        self._under_way: dict[int, list[Transaction]] = {}
        self._tokens = 0
        self._told: dict[tuple[int, int], float] = {}
        self.clock.at(self.clock.monotonic() + period, self._round, 0)

    # --- for clients ---

    def provider(self, index: int, *, timeout: float = 10.0) -> NodeProvider:
        """The way to a node, for ``Connection.open``."""
        return NodeProvider(self, self.nodes[index], self.wires[index], timeout=timeout)

    def connection(self, index: int = 0, *, timeout: float = 10.0) -> Connection:
        """A connection through a node. No retries: they would sleep in real time."""
        return Connection.open(self.provider(index, timeout=timeout), timeout=timeout, max_retries=0)

    def token(self, currency: str) -> str:
        """Checksummed address of a deposit token."""
        return to_checksum_address(self.chain.tokens[currency].address)

    @property
    def probe(self) -> str:
        """Checksummed address of a contract that goes wrong in every way (``probe``)."""
        return to_checksum_address(PROBE)

    @property
    def registry(self) -> str:
        """Checksummed address of the participant registry."""
        return to_checksum_address(self.chain.registry.address)

    def record(self) -> DeploymentRecord:
        """The deployment record of the contracts, for whoever reads them by name."""
        code_hash = "0x" + keccak(self.chain.code).hex()

        def deployed(artifact: str, address: str) -> Deployed:
            return Deployed(artifact, address, code_hash, version="1.0.0")

        return DeploymentRecord(
            chain_id=self.chain.chain_id,
            genesis_hash=self.chain.blocks[0].hash,
            first_block=0,
            block=0,
            pyjpm=__version__,
            contracts={"ParticipantRegistry": deployed("ParticipantRegistry", self.registry)},
            tokens={currency: deployed("DepositToken", self.token(currency)) for currency in self.chain.tokens},
        )

    # --- what happens to nodes ---

    def stop(self, index: int, *, saves_pool: bool = False) -> None:
        """A node goes away; its pool is lost unless saved."""
        node = self.nodes[index]
        self.note("stop", index, saves_pool)
        node.look()
        node.up = False
        if not saves_pool:
            node.pool = Pool(self.manners)

    def start(self, index: int, *, behind: float = 0.0, forgets: float = 0.0) -> None:
        """A node comes back.

        Args:
            behind: seconds for which its head stays where it was and its pool is off (2).
            forgets: for how many seconds of these it takes transactions and forgets them.
        """
        node, now = self.nodes[index], self.clock.monotonic()
        self.note("start", index, behind, forgets)
        node.up = True
        node.pool_off_until = now + behind
        node.forgets_until = now + min(forgets, behind)
        self.clock.at(node.pool_off_until, self._back, node)

    def restart(
        self, index: int, *, down: float = 1.0, behind: float = 0.0, forgets: float = 0.0, saves_pool: bool = False
    ) -> None:
        """``stop`` now and ``start`` after ``down`` seconds."""
        self.stop(index, saves_pool=saves_pool)
        self.clock.at(self.clock.monotonic() + down, lambda: self.start(index, behind=behind, forgets=forgets))

    def _back(self, node: Node) -> None:
        if not node.ready:
            return
        node.look()
        node.pool.prune(node.head.state)
        for transaction in node.pool:
            self.tell_others(node, transaction)

    def forget_pool(self, index: int) -> None:
        """A node forgets what waits, without going away."""
        self.note("forget", index)
        self.nodes[index].pool = Pool(self.manners)

    def mute(self, index: int, seconds: float) -> None:
        """A node neither tells others of transactions nor hears of them."""
        self.note("mute", index, seconds)
        self.nodes[index].muted_until = self.clock.monotonic() + seconds

    def lag(self, index: int, seconds: float) -> None:
        """A node's view of the chain stands still."""
        node = self.nodes[index]
        self.note("lag", index, seconds)
        node.look()
        node.lags_until = self.clock.monotonic() + seconds

    def deny(self, index: int, account: str) -> None:
        """A node's allowlist no longer has an account (13)."""
        self.nodes[index].denied.add(account.lower())

    def permit(self, index: int, account: str) -> None:
        """A node's allowlist has an account again."""
        self.nodes[index].denied.discard(account.lower())

    def roll_back(self, depth: int, *, forget: bool = False) -> None:
        """The newest blocks are taken back; what was in them waits again at all nodes that are up, or is forgotten."""
        self.note("rollback", depth, forget)
        for node in self.nodes:
            node.look()
        gone = self.chain.take_back(depth)
        self.change_again([block.changes for block in gone])
        for node in self.nodes:
            node.look()
            for mined in [mined for block in gone for mined in block.mined if node.up and not forget]:
                node.pool.offer(mined.transaction, node.head.state)

    def inject(self, raw: bytes, index: int = 0) -> str:
        """Bytes that somebody else brings to a node; their hash. Raises RpcError as the node refuses them."""
        node = self.nodes[index]
        node.look()
        self.note("inject", index, raw)
        return node.take(raw)

    def disturb(self, rates: Mapping[Fault, float], *, until: float | None = None) -> None:
        """Faults on all wires."""
        for wire in self.wires:
            wire.disturb(rates, until=until)

    # --- what nodes tell each other ---

    def tell_others(self, node: Node, transaction: Transaction) -> None:
        """Gossip, which may be lost and takes time; what one tells another arrives in the order told."""
        now = self.clock.monotonic()
        if now < node.muted_until:
            return
        for other in self.nodes:
            if other is not node:
                token = self.under_way([transaction])
                pair = node.index, other.index
                when = max(now + self._random.uniform(0.01, 0.08), self._told.get(pair, 0.0))
                self._told[pair] = when
                self.clock.at(when, self._heard, other, transaction, token)

    def _heard(self, node: Node, transaction: Transaction, token: int) -> None:
        self.arrived(token)
        node.hear(transaction)

    def under_way(self, transactions: Iterable[Transaction]) -> int:
        """Notes transactions between two places; a token for ``arrived``."""
        self._tokens += 1
        self._under_way[self._tokens] = list(transactions)
        return self._tokens

    def arrived(self, token: int) -> None:
        """What a token stands for is no longer under way."""
        del self._under_way[token]

    def peers_of(self, node: Node) -> int:
        """How many others are up."""
        return sum(other.up for other in self.nodes if other is not node)

    # --- blocks ---

    def _round(self, number: int) -> None:
        now = self.clock.monotonic()
        proposer = self._proposer(number)
        if proposer is None:
            self.clock.at(now + self.round_timeout * 2**number, self._round, number + 1)
            return
        proposer.look()
        timestamp = max(math.floor(self.clock.true_time()), self.chain.head.timestamp + 1)
        block = self.chain.append(
            proposer.pool.selection(self.chain.head.state, proposer.denied),
            timestamp=timestamp,
            born=now,
            proposer=proposer.address,
            changes=self.take_changes(),
        )
        block.arrivals = tuple(self._arrival(now) for _ in self.nodes)
        self.note("block", block.number, block.hash, proposer.index)
        self.clock.at(math.floor(now) + self.period, self._round, 0)

    def _proposer(self, round_: int) -> Node | None:
        ready = [node for node in self.validators if node.ready]
        if not self.manners.quorum:
            return ready[self.chain.head.number % len(ready)] if ready else None
        if len(ready) < math.ceil(self.manners.quorum * len(self.validators)):
            return None
        turn = self.validators[(self.chain.head.number + round_) % len(self.validators)]
        return turn if turn.ready else None

    def _arrival(self, now: float) -> tuple[float, float]:
        if not self.manners.quorum:
            return now, now
        announced = now + self._random.uniform(0.005, 0.06)
        if self._random.random() < self.manners.null_chance:
            return announced, announced + self._random.uniform(0.0, self.manners.null_window)
        return announced, announced

    # --- for judges ---

    def judge_view(self) -> JudgeView:
        """The truth as it is now."""
        return JudgeView.of(self.chain, self.nodes, [each for some in self._under_way.values() for each in some])

    def note(self, *what: Any) -> None:
        """Writes down what happened."""
        self.log.append((self.clock.monotonic(), *what))

    def digest(self) -> str:
        """Of everything that happened, in hex: equal for equal histories."""
        digest = hashlib.sha256()
        for entry in self.log:
            digest.update(repr(entry).encode())
        return digest.hexdigest()


def hash_of(raw: bytes) -> str:
    """The hash of signed bytes."""
    return decode(raw).hash
