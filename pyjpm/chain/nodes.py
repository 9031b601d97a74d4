"""One chain through several nodes: seen at its highest head, sent to all of them.

Decisions that govern this module:

* Only a node at or above the highest head ever seen is believed; one that lags would answer "no" to what happened.
  Nodes that are down, or answer ``null``, are passed over. Two hashes at one height are an error, not a choice.
* Every node gets the same bytes. Whatever a node does with them is an answer, never an exception, and every answer
  means unknown. A node that was not asked counts as one that answered UNKNOWN.
* What goes through one lane goes in its order, batch after batch, to each node: nonces out of order are refused. Where
  a node is known to let them wait for those before them, a lane goes over all its connections.
"""

from __future__ import annotations

import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from ssl import SSLContext
from typing import Final, NamedTuple, Self

from web3 import Web3
from web3.providers import BaseProvider

from pyjpm.chain.asking import Asking, Reply
from pyjpm.chain.broadcast import ClientKind, SendAnswer, SendOutcome
from pyjpm.chain.connection import Connection
from pyjpm.chain.node import Clock, Node
from pyjpm.chain.raw import check_raw, decode_raw
from pyjpm.chain.reading import BATCH
from pyjpm.chain.url import check_url, public_url
from pyjpm.chain.values import Head, check_address
from pyjpm.errors.chain import ChainError, HeadNotServed, NodeError, NonZeroFee, TransportFault
from pyjpm.errors.seeing import NodesDisagree, ViewBehind

ENOUGH: Final = 2  # nodes that bytes go to where there are as many, even if one of them has to be woken
STREAMS: Final = 2
STREAM_FROM: Final = 50  # transactions; fewer are not worth a second stream
# Seconds that slower nodes are waited for once one has answered.
VIEW_GRACE: Final = 0.1
SEND_GRACE: Final = 1.0
# How long an announced block may be ``null`` (Besu: some 50 ms), and how often it is asked for.
NULL_PATIENCE: Final = 0.5
NULL_POLL: Final = 0.02
NOT_ASKED: Final = "NODE_NOT_ASKED"

NodeLike = str | BaseProvider | Web3 | Connection


class View(NamedTuple):
    """The chain as of one block at one node. ``timestamp`` in seconds since 1970 (UTC)."""

    connection: Connection
    number: int
    hash: str
    timestamp: int


class PendingCount(NamedTuple):
    """The next nonce of a wallet over the pools of all nodes that answered; None where none did."""

    next_nonce: int | None
    answered: int


class Nodes:
    """One chain through one node or several. Threads: any number. Forks: either side may use it.

    Args:
        connections: one per node, all on the same chain.
        parallel: whether nodes are asked at the same time, by threads.
        streams: how many connections of a node carry one call's transactions at most; only with ``parallel``.
        clock: what waits and rests are measured by.

    Attributes:
        chain_id, genesis_hash: the chain's.
        highest: the highest head a view was given of.
        parallel: whether threads are wanted.

    Raises WrongChain where they are on different chains.
    """

    def __init__(
        self,
        connections: Sequence[Connection],
        *,
        parallel: bool = True,
        streams: int = STREAMS,
        clock: Clock = time,
    ) -> None:
        if not connections or streams < 1:
            raise ValueError("at least one connection and one stream are needed")
        first = connections[0]
        for each in connections:
            each.expect(chain_id=first.chain_id, genesis_hash=first.genesis_hash)
        self.chain_id = first.chain_id
        self.genesis_hash = first.genesis_hash
        self.highest = 0
        self._nodes = [Node(each.where, clock, each) for each in connections]
        self._clock = clock
        self.parallel = parallel
        self._streams = streams if parallel else 1
        self._asking = Asking(parallel=parallel, threads=2 * streams)

    @classmethod
    def open(
        cls,
        nodes: str | Sequence[NodeLike],
        *,
        chain_id: int | None = None,
        genesis_hash: str | None = None,
        timeout: float = 10.0,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        tls: SSLContext | None = None,
        parallel: bool = True,
        streams: int = STREAMS,
        clock: Clock = time,
    ) -> Nodes:
        """Connect to nodes and make sure that they are on one chain.

        A node that cannot be reached now is taken in, and asked for its chain before it is used, as long as one can.

        Args:
            nodes: URLs separated by commas, or a sequence of what Connection.open takes, or of connections.
            max_retries: None is 3 for one node and 0 for several, which stand in for one another.
            chain_id, genesis_hash, timeout, headers, tls: as Connection.open, the same for all.
            parallel, streams, clock: see the class.

        Raises as Connection.open, WrongChain among them for any node; the first one's fault if none can be reached.
        """
        given = [part.strip() for part in nodes.split(",")] if isinstance(nodes, str) else list(nodes)
        retries = (3 if len(given) == 1 else 0) if max_retries is None else max_retries
        expected = {"chain_id": chain_id, "genesis_hash": genesis_hash}

        def reach(node: NodeLike) -> Connection:
            if isinstance(node, Connection):
                return node
            return Connection.open(
                node,
                chain_id=expected["chain_id"],  # type: ignore[arg-type]
                genesis_hash=expected["genesis_hash"],  # type: ignore[arg-type]
                timeout=timeout,
                max_retries=retries,
                headers=headers,
                tls=tls,
            )

        made: list[Connection | NodeLike] = []
        faults: list[TransportFault] = []
        for each in given:
            if isinstance(each, str):
                check_url(each)
            try:
                connection = reach(each)
            except TransportFault as fault:
                faults.append(fault)
                made.append(each)
            else:
                expected = {"chain_id": connection.chain_id, "genesis_hash": connection.genesis_hash}
                made.append(connection)
        reached = [each for each in made if isinstance(each, Connection)]
        if not reached:
            raise faults[0]
        opened = cls(reached, parallel=parallel, streams=streams, clock=clock)
        opened._nodes = [_node(each, clock, reach) for each in made]
        closed = [each for each in opened._nodes if each.connection is None]
        for node, why in zip(closed, faults, strict=True):
            node.failed(why)
        return opened

    def __repr__(self) -> str:
        return f"Nodes({', '.join(node.where for node in self._nodes)}, chain_id={self.chain_id})"

    def __len__(self) -> int:
        return len(self._nodes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End its threads; the connections stay their owner's. It may be used again."""
        self._asking.close()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Of the nodes that were reached at least once, in the order given."""
        return tuple(node.connection for node in self._nodes if node.connection is not None)

    @property
    def kind(self) -> ClientKind:
        """The software of the first node reached."""
        return self.connections[0].kind

    @property
    def takes_gaps(self) -> bool:
        """Whether a wallet's transactions may reach every node in any order."""
        return all(node.takes_gaps for node in self._nodes)

    # --- seeing ----------------------------------------------------------------------------------------------------

    def best(self, at_least: int = 0) -> View:
        """The chain at its highest head, from the node that has it.

        Args:
            at_least: the highest head known of (height), from wherever it is stored; this object's own counts too.

        Raises ViewBehind where no reachable node has come that far, NodesDisagree; a single node's own fault.
        """
        deadline = self._clock.monotonic() + NULL_PATIENCE
        while True:
            needed = max(at_least, self.highest)
            replies = self._asking.each(self._awake(1), Connection.newest, VIEW_GRACE)
            heads = [(reply.node, reply.value) for reply in replies if reply.value is not None]
            if heads and max(head.number for _, head in heads) >= needed:
                return self._seen(heads)
            if not any(reply.fault == HeadNotServed.code for reply in replies) or self._clock.monotonic() >= deadline:
                failed = len(self._nodes) == 1 and not heads and replies[0].fault != HeadNotServed.code
                raise (self._nodes[0].fault if failed else None) or _behind(needed, replies)
            self._clock.sleep(NULL_POLL)

    def is_higher(self, seen: int) -> bool:
        """Whether a node announces a higher block than this height; it may not show it yet. Raises nothing of a node.

        One small request: the newest block names all its transactions.
        """
        replies = self._asking.each(self._awake(1), Connection.announced, VIEW_GRACE)
        return any(reply.value is not None and reply.value > seen for reply in replies)

    def pending_counts(self, wallets: Sequence[str]) -> dict[str, PendingCount]:
        """For each wallet the highest next nonce over the pools of all nodes, those that rest included.

        A node that does not answer may hold more: ``answered`` says how many did. Raises InvalidAddress.
        """
        each = [check_address(wallet) for wallet in wallets]
        asked = [node for node in self._nodes if not node.late]
        replies = self._asking.each(asked, lambda connection: connection.transaction_counts(each, at="pending"), None)
        counts = [reply.value for reply in replies if reply.value is not None]
        return {
            wallet: PendingCount(max((of_node[i] for of_node in counts), default=None), len(counts))
            for i, wallet in enumerate(wallets)
        }

    def _seen(self, heads: list[tuple[Node, Head]]) -> View:
        top = max(head.number for _, head in heads)
        at_top = [(node, head) for node, head in heads if head.number == top]
        if len({head.hash for _, head in at_top}) > 1:
            shown = [[node.where, head.hash] for node, head in at_top]
            raise NodesDisagree(f"The nodes show different blocks {top}.", block=top, nodes=shown)
        with self._asking.lock:
            self.highest = max(self.highest, top)
        node, head = at_top[0]
        assert node.connection is not None
        return View(node.connection, head.number, head.hash, head.timestamp)

    # --- sending ---------------------------------------------------------------------------------------------------

    def send(
        self, raws: Sequence[bytes], *, lanes: Sequence[Hashable] | None = None, priced: bool = False
    ) -> list[list[SendAnswer]]:
        """Send the same signed bytes to every node.

        Args:
            raws: signed transactions; in order within a lane.
            lanes: whose each is, such as the sender's address. Without it all of them are one lane.
            priced: let through what offers a fee, which on a zero-fee chain jams its sender (see NonZeroFee).

        Returns:
            For each transaction one answer per node, in the order the nodes were given.

        Raises before anything is sent: MalformedTransaction, UnprotectedTransaction, WrongChain, NonZeroFee.
        """
        hashes = [self._checked(raw, priced) for raw in raws]
        answers = [
            [SendAnswer(SendOutcome.UNKNOWN, tx_hash, None, NOT_ASKED) for _ in self._nodes] for tx_hash in hashes
        ]
        if not raws:
            return answers
        awake = [(place, node) for place, node in enumerate(self._nodes) if node in self._awake(ENOUGH)]

        def deliver(place: int, part: list[int], connection: Connection) -> list[tuple[int, int, SendAnswer]]:
            said = _deliver(self._nodes[place], connection, [raws[i] for i in part], [hashes[i] for i in part])
            return [(i, place, answer) for i, answer in zip(part, said, strict=True)]

        works = [
            (node, partial(deliver, place, part))
            for place, node in awake
            for part in (self._dealt(len(raws)) if node.takes_gaps else self._pinned(len(raws), lanes))
        ]
        for reply in self._asking.works(works, SEND_GRACE):
            for i, place, answer in reply.value or ():
                answers[i][place] = answer
        return answers

    def _checked(self, raw: bytes, priced: bool) -> str:
        transaction = decode_raw(raw)
        try:
            check_raw(transaction, chain_id=self.chain_id)
        except NonZeroFee:
            if not priced:
                raise
        return transaction.hash

    def _dealt(self, count: int) -> list[list[int]]:
        """Batch after batch to the streams in turn: what comes too early waits in the node."""
        if self._streams == 1 or count < STREAM_FROM:
            return [list(range(count))]
        size = min(BATCH, -(-count // self._streams))
        starts = range(0, count, size)
        return [
            [i for start in starts[stream :: self._streams] for i in range(start, min(start + size, count))]
            for stream in range(self._streams)
        ]

    def _pinned(self, count: int, lanes: Sequence[Hashable] | None) -> list[list[int]]:
        """Each lane to a stream of its own, in its order."""
        if lanes is None or self._streams == 1 or count < STREAM_FROM:
            return [list(range(count))]
        parts: dict[int, list[int]] = defaultdict(list)
        for i, lane in zip(range(count), lanes, strict=True):
            # Not hash(): a lane keeps its stream from one process to the next.
            parts[zlib.crc32(str(lane).encode()) % self._streams].append(i)
        return list(parts.values())

    def _awake(self, at_least: int) -> list[Node]:
        """The nodes to ask: those that do not rest, and so many of the others that there are ``at_least``."""
        free = [node for node in self._nodes if not node.late]
        awake = [node for node in free if not node.resting]
        resting = [node for node in free if node not in awake]
        return awake + resting[: max(0, at_least - len(awake))]


def _node(given: NodeLike, clock: Clock, reach: Callable[[NodeLike], Connection]) -> Node:
    if isinstance(given, Connection):
        return Node(given.where, clock, given)
    where = public_url(given) if isinstance(given, str) else type(given).__name__
    return Node(where, clock, partial(reach, given))


def _deliver(node: Node, connection: Connection, raws: list[bytes], hashes: list[str]) -> list[SendAnswer]:
    """One node's answers to bytes in their order; after a fault the rest of them are not tried."""
    answers: list[SendAnswer] = []
    size = BATCH
    while len(answers) < len(raws):
        done = len(answers)
        part = slice(done, done + size)
        try:
            answers += connection.send_batch(raws[part], hashes[part])
        except NodeError as error:
            if size > 1:
                size //= 2  # more in one batch than it takes
                continue
            answers.append(SendAnswer(SendOutcome.UNKNOWN, hashes[done], error.rpc_code, error.rpc_message))
        except ChainError as fault:
            node.failed(fault)
            answers += [SendAnswer(SendOutcome.UNKNOWN, tx_hash, None, fault.code) for tx_hash in hashes[done:]]
    return answers


def _behind(needed: int, replies: Sequence[Reply[Head | None]]) -> ViewBehind:
    said = [[reply.node.where, reply.fault or (reply.value and reply.value.number)] for reply in replies]
    highest = max((reply.value.number for reply in replies if reply.value is not None), default=None)
    return ViewBehind(
        f"No reachable node is at block {needed} or above (the highest one: {highest}).",
        at_least=needed,
        highest=highest,
        nodes=said,
    )
