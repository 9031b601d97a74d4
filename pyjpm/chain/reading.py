"""What a chain says: blocks, state, receipts, events.

Decisions that govern this module:

* ``null`` at an announced height means *not yet*, never *empty*: it is asked again until it is there or the timeout
  is over. ``null`` beyond the announced height is BlockNotAvailable.
* ``latest`` is final (QBFT); ``finalized`` and ``safe`` are refused.
* Every request here changes nothing and is repeated on transport faults.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from pyjpm.chain.broadcast import ClientKind
from pyjpm.chain.logs import LogRange, Topics, log_query
from pyjpm.chain.multicall import creation_code, fitting, read_answers
from pyjpm.chain.refusals import INVALID_PARAMS, Refusal, classify_refusal
from pyjpm.chain.reverts import reverted_from
from pyjpm.chain.rpc import Rpc
from pyjpm.chain.values import (
    Block,
    BlockAt,
    HashLike,
    Head,
    Log,
    Receipt,
    Transaction,
    block_param,
    check_address,
    check_block,
    check_hash,
    to_block,
    to_bodies,
    to_bytes,
    to_head,
    to_int,
    to_logs,
    to_receipt,
    to_transaction,
)
from pyjpm.errors.chain import (
    BlockNotAvailable,
    ExecutionFailed,
    HeadNotServed,
    InvalidBlock,
    InvalidBlockRange,
    NodeBadAnswer,
    NodeError,
    Reverted,
)

BATCH = 200  # requests in one JSON-RPC batch; Besu's shipped limit is 256
LOG_PAGE_BLOCKS = 2_000
FIRST_POLL = 0.01  # Besu serves an announced block within some 50 ms
LONGEST_POLL = 0.25
REVERT = 3
WORTH_IT = 10  # questions that are worth a call with code of its own
_TAKE_CREATIONS = (ClientKind.ANVIL, ClientKind.BESU, ClientKind.GETH)

logger = logging.getLogger(__name__)

T = TypeVar("T")


class ChainReader:
    """The reading half of a Connection."""

    def __init__(self, rpc: Rpc, kind: ClientKind) -> None:
        self._rpc = rpc
        self.kind = kind

    # --- blocks ----------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """The newest block that the node announces and serves.

        Raises HeadNotServed if what it announces does not come within the timeout.
        """
        block = self.block("latest")
        return Head(block.number, block.hash, block.timestamp)

    def newest(self) -> Head | None:
        """The newest block in one request; None where the node has none to show yet, which is not waited for."""
        answer = self._rpc.read("eth_getBlockByNumber", "latest", False)
        return None if answer is None else to_head(answer)

    def block(self, at: BlockAt = "latest", *, wait: bool = True) -> Block:
        """The block at a height, with a hash, or ``latest``.

        Raises BlockNotAvailable beyond the announced height or for an unknown hash, HeadNotServed if an announced
        block does not come within the timeout, or at once where it is not waited for.
        """
        block = to_block(self._block(at, bodies=False, wait=wait))
        if isinstance(at, int):
            _require_same(f"block {at}", f"block {block.number}")
        elif at not in ("latest", "earliest"):
            _require_same(check_hash(at), block.hash)
        return block

    def block_transactions(self, at: BlockAt = "latest") -> tuple[Transaction, ...]:
        """The transactions of a block, in order, each with sender, nonce and data. Raises as ``block``."""
        return to_bodies(self._block(at, bodies=True))

    def _block(self, at: BlockAt, *, bodies: bool, wait: bool = True) -> Any:
        block = check_block(at)
        if block == "pending":
            raise InvalidBlock("A pending block is no block yet.", block=block)
        if isinstance(block, str) and block.startswith("0x"):
            answer = self._rpc.read("eth_getBlockByHash", block, bodies)
            if answer is None:
                raise self._not_available(block, self.announced())
            return answer
        announced = self.announced()
        height = {"latest": announced, "earliest": 0}[block] if isinstance(block, str) else block
        if height > announced:
            raise self._not_available(height, announced)
        ask = partial(self._rpc.read, "eth_getBlockByNumber", hex(height), bodies)
        return self._until_served(ask, height, None if wait else 0.0)

    def announced(self) -> int:
        """The height of the newest block that the node announces; it may not serve it yet."""
        return to_int(self._rpc.read("eth_blockNumber"))

    def _until_served(self, ask: Callable[[], T | None], height: int, timeout: float | None = None) -> T:
        patience = self._rpc.timeout if timeout is None else timeout
        start, pause = time.monotonic(), FIRST_POLL
        while (answer := ask()) is None:
            waited = time.monotonic() - start
            if waited >= patience:
                raise HeadNotServed(
                    f"Block {height} is announced but was not served within {waited:.1f} s.",
                    block=height,
                    waited=round(waited, 3),
                )
            time.sleep(pause)
            pause = min(LONGEST_POLL, pause * 2)
        return answer

    def _not_available(self, block: int | str, head: int) -> BlockNotAvailable:
        return BlockNotAvailable(f"The node does not have block {block} (head: {head}).", block=block, head=head)

    def blocks(self, heights: Sequence[int]) -> list[Block]:
        """As ``block`` for many, in order, by JSON-RPC batches."""
        calls = [("eth_getBlockByNumber", (hex(height), False)) for height in heights]
        return [
            self.block(height) if answer is None else to_block(answer)
            for height, answer in zip(heights, self._batched(calls), strict=True)
        ]

    def heads(self, heights: Sequence[int]) -> list[Head]:
        """Number, hash and time of each block, in order, by JSON-RPC batches. Raises as ``block``."""
        calls = [("eth_getBlockByNumber", (hex(height), False)) for height in heights]
        return [
            self._head(height) if answer is None else to_head(answer)
            for height, answer in zip(heights, self._batched(calls), strict=True)
        ]

    def timestamps(self, heights: Sequence[int]) -> list[int]:
        """The time of each block, in order, by JSON-RPC batches. Raises as ``block``."""
        return [head.timestamp for head in self.heads(heights)]

    def _head(self, height: int) -> Head:
        block = self.block(height)
        return Head(block.number, block.hash, block.timestamp)

    # --- state -----------------------------------------------------------------------------------------------------

    def call(
        self, to: str | bytes, data: bytes, *, block: BlockAt = "latest", sender: str | bytes | None = None
    ) -> bytes:
        """What a contract answers to ``data`` at the end of ``block``.

        Raises Reverted (with raw data), ExecutionFailed (out of gas, invalid opcode), InvalidAddress,
        BlockNotAvailable.
        """
        try:
            return to_bytes(self._at(block, "eth_call", _call(to, data, sender)))
        except NodeError as error:
            raise self._call_error(error) from None

    def calls(self, requests: Sequence[tuple[str | bytes, bytes]], *, block: BlockAt = "latest") -> list[bytes]:
        """As ``call`` for many ``(to, data)``, in order, by JSON-RPC batches."""
        answers = []
        for answer in self._trials(requests, block, None):
            if isinstance(answer, Reverted):
                raise answer
            answers.append(answer)
        return answers

    def trials(
        self,
        requests: Sequence[tuple[str | bytes, bytes]],
        *,
        sender: str | bytes | None = None,
        block: BlockAt = "latest",
    ) -> list[bytes | Reverted]:
        """As ``calls``, in a sender's name if one is given, with its revert in the place of what reverts. Each is tried
        by itself, against the same state."""
        return list(self._trials(requests, block, sender))

    def _trials(
        self, requests: Sequence[tuple[str | bytes, bytes]], block: BlockAt, sender: str | bytes | None
    ) -> Iterator[bytes | Reverted]:
        at = block_param(check_block(block))
        asked = [("eth_call", (_call(to, data, sender), at)) for to, data in requests]
        for (to, data), answer in zip(requests, self._batched(asked), strict=True):
            # What got no answer is asked by itself: ``call`` knows what each refusal means, and waits for what is not
            # yet.
            try:
                yield self.call(to, data, block=block, sender=sender) if answer is None else to_bytes(answer)
            except Reverted as reverted:
                yield reverted

    def words(self, requests: Sequence[tuple[str, bytes]], *, block: BlockAt = "latest") -> list[bytes]:
        """As ``calls`` for views that answer one word to calldata of one length: in one call, where the node allows it
        (see ``multicall``)."""
        if len(requests) < WORTH_IT or self.kind not in _TAKE_CREATIONS:
            return self.calls(requests, block=block)
        at = block_param(check_block(block))
        asked = [(bytes.fromhex(check_address(to)[2:]), data) for to, data in requests]
        answers: list[bytes | None] = []
        together = max(1, fitting(len(asked[0][1])))
        for start in range(0, len(asked), together):
            part = asked[start : start + together]
            answers += self._in_one_call(part, at) or [None] * len(part)
        missing = [request for request, answer in zip(requests, answers, strict=True) if answer is None]
        singly = iter(self.calls(missing, block=block))
        return [next(singly) if answer is None else answer for answer in answers]

    def _in_one_call(self, questions: Sequence[tuple[bytes, bytes]], at: Any) -> list[bytes | None] | None:
        try:
            answer = self._rpc.read("eth_call", {"data": "0x" + creation_code(questions).hex()}, at)
        except NodeError as error:
            logger.info("%s does not run the code of a call: %s", self._rpc.where, error.rpc_message)
            return None
        return None if answer is None else read_answers(to_bytes(answer), len(questions))

    def code(self, address: str | bytes, *, block: BlockAt = "latest") -> bytes:
        """The code at an address, empty where there is none. Raises InvalidAddress, BlockNotAvailable."""
        return to_bytes(self._at(block, "eth_getCode", check_address(address)))

    def storage(self, address: str | bytes, slot: int, *, block: BlockAt = "latest") -> bytes:
        """The 32 bytes in a slot of a contract's storage. Raises InvalidAddress, BlockNotAvailable."""
        at = check_block(block)
        return to_bytes(self._at(at, "eth_getStorageAt", check_address(address), hex(slot))).rjust(32, b"\0")

    def balance(self, address: str | bytes, *, block: BlockAt = "latest") -> int:
        """Ether of an address in wei (ours need none). Raises InvalidAddress, BlockNotAvailable."""
        return to_int(self._at(block, "eth_getBalance", check_address(address)))

    def transaction_count(self, address: str | bytes, *, at: BlockAt = "latest") -> int:
        """The next nonce of an address as of ``at``; ``pending`` counts this node's pool, over gaps or not by client.

        Raises InvalidAddress, BlockNotAvailable.
        """
        return to_int(self._at(at, "eth_getTransactionCount", check_address(address)))

    def transaction_counts(self, addresses: Sequence[str | bytes], *, at: BlockAt = "latest") -> list[int]:
        """As ``transaction_count`` for many, in order, by JSON-RPC batches."""
        block = block_param(check_block(at))
        asked = [("eth_getTransactionCount", (check_address(address), block)) for address in addresses]
        return [
            self.transaction_count(address, at=at) if answer is None else to_int(answer)
            for address, answer in zip(addresses, self._batched(asked), strict=True)
        ]

    def _batched(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> Iterator[Any]:
        """The answers in order; None where the node refused one or has none yet."""
        for start in range(0, len(calls), BATCH):
            part = calls[start : start + BATCH]
            for answer in self._rpc.repeat(partial(self._rpc.batch, part), "batch"):
                yield None if isinstance(answer, NodeError) else answer

    def _at(self, at: BlockAt, method: str, *params: Any) -> Any:
        """State at a block: ``null`` and "out of range" told apart from "not yet"."""
        block = check_block(at)
        try:
            answer = self._rpc.read(method, *params, block_param(block))
        except NodeError as error:
            if error.rpc_code == REVERT:
                raise
            # -32602 is also the code for malformed parameters. Ours are checked, so at a height on Anvil it means a
            # height beyond the head or one whose state is pruned; on other clients only the heights can tell.
            if isinstance(block, int) and error.rpc_code == INVALID_PARAMS:
                head = self.announced()
                if block > head or self.kind in (ClientKind.ANVIL, ClientKind.ETH_TESTER):
                    raise self._not_available(block, head) from None
            # Either client names an unknown hash by codes that it uses for other things too.
            if self._names_unknown_block(block):
                raise self._not_available(block, self.announced()) from None
            raise
        if answer is not None:
            return answer
        head = self.announced()
        height = block if isinstance(block, int) else head
        if height > head or self._names_unknown_block(block):
            raise self._not_available(block, head)
        return self._until_served(lambda: self._rpc.read(method, *params, block_param(block)), height)

    def _names_unknown_block(self, block: int | str) -> bool:
        is_hash = isinstance(block, str) and block.startswith("0x")
        return is_hash and self._rpc.read("eth_getBlockByHash", block, False) is None

    def _call_error(self, error: NodeError) -> Exception:
        refusal = classify_refusal(self.kind, error)
        if refusal is Refusal.REVERTED:
            return reverted_from(error) or error
        if refusal is Refusal.EXECUTION_FAILED:
            return ExecutionFailed(
                f"The call failed without revert data: {error.rpc_message}.",
                rpc_code=error.rpc_code,
                rpc_message=error.rpc_message,
            )
        return error

    # --- what became of transactions -------------------------------------------------------------------------------

    def receipt(self, tx_hash: HashLike) -> Receipt | None:
        """The receipt of a mined transaction; None means not yet, or forgotten, or replaced: never failed."""
        asked = check_hash(tx_hash)
        return _receipt_of(asked, self._rpc.read("eth_getTransactionReceipt", asked))

    def receipts(self, tx_hashes: Sequence[HashLike]) -> list[Receipt | None]:
        """As ``receipt`` for many, in order, by JSON-RPC batches."""
        calls = [("eth_getTransactionReceipt", [check_hash(tx_hash)]) for tx_hash in tx_hashes]
        found: list[Receipt | None] = []
        for start in range(0, len(calls), BATCH):
            part = calls[start : start + BATCH]
            answers = self._rpc.repeat(partial(self._rpc.batch, part), "receipts")
            for (_, (asked,)), answer in zip(part, answers, strict=True):
                if isinstance(answer, NodeError):
                    raise answer
                found.append(_receipt_of(asked, answer))
        return found

    def wait_for_receipt(self, tx_hash: HashLike, *, timeout: float, poll: float = LONGEST_POLL) -> Receipt | None:
        """The receipt as soon as there is one, None if there is none after ``timeout`` seconds: still unknown."""
        deadline, pause = time.monotonic() + timeout, FIRST_POLL
        while (receipt := self.receipt(tx_hash)) is None and time.monotonic() < deadline:
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(poll, pause * 2)
        return receipt

    def transaction(self, tx_hash: HashLike) -> Transaction | None:
        """A transaction, mined or in this node's pool; None if this node knows of none (now)."""
        asked = check_hash(tx_hash)
        answer = self._rpc.read("eth_getTransactionByHash", asked)
        if answer is None:
            return None
        transaction = to_transaction(answer)
        _require_same(asked, transaction.hash)
        return transaction

    def revert_data(self, receipt: Receipt) -> bytes | None:
        """Why a mined transaction reverted, as raw data; None where that cannot be told.

        Besu with ``--revert-reason-enabled`` keeps the data in the receipt: exact. Elsewhere the call is made again on
        the state before its block: earlier transactions of the same block are missing and the block's time is the
        parent's, so it may revert for another reason, or not at all (None). Out of gas leaves no data.
        """
        if receipt.succeeded:
            return None
        if receipt.revert_reason is not None:
            return receipt.revert_reason
        transaction = self.transaction(receipt.transaction_hash)
        if transaction is None:
            return None
        request: dict[str, str] = {
            "from": transaction.sender,
            "data": "0x" + transaction.data.hex(),
            "value": hex(transaction.value),
            "gas": hex(transaction.gas),
        }
        if transaction.to is not None:
            request["to"] = transaction.to
        try:
            self._at(receipt.block_number - 1, "eth_call", request)
        except NodeError as error:
            reverted = reverted_from(error)
            return None if reverted is None else reverted.data
        return None

    def block_logs(
        self,
        block_hash: HashLike,
        addresses: Sequence[str | bytes] = (),
        topics: Topics = (),
        *,
        only: Container[str] | None = None,
    ) -> list[Log]:
        """Events of the block with this hash, in order; ``only`` those of these transactions.

        Raises BlockNotAvailable for a hash the node does not know (any more).
        """
        block = check_hash(block_hash)
        query = {**log_query([check_address(address) for address in addresses], topics), "blockHash": block}
        try:
            answer = self._rpc.read("eth_getLogs", query)
        except NodeError:
            if self._names_unknown_block(block):
                raise self._not_available(block, self.announced()) from None
            raise
        if answer is None:
            if self._names_unknown_block(block):
                raise self._not_available(block, self.announced())
            answer = self._until_served(lambda: self._rpc.read("eth_getLogs", query), self.block(block).number)
        return to_logs(answer, only)

    def logs(
        self,
        addresses: str | bytes | Sequence[str | bytes] = (),
        topics: Topics = (),
        *,
        from_block: int,
        to_block: int | None = None,
        page_blocks: int = LOG_PAGE_BLOCKS,
    ) -> LogRange:
        """Events of contracts from ``from_block`` to ``to_block`` (None: the head), both included.

        The range ends at a head that the node serves; ``LogRange.to_block`` says where. Raises InvalidBlockRange,
        InvalidAddress, HeadNotServed.
        """
        end_given = from_block if to_block is None else to_block
        if from_block < 0 or end_given < from_block or page_blocks < 1:
            raise InvalidBlockRange(
                f"There are no blocks from {from_block} to {to_block}.", from_block=from_block, to_block=to_block
            )
        each = [addresses] if isinstance(addresses, (str, bytes)) else addresses
        query = log_query([check_address(address) for address in each], topics)
        head = self.head().number
        end = max(from_block - 1, head if to_block is None else min(to_block, head))
        return LogRange(self._rpc, query, from_block, end, page_blocks)


def _call(to: str | bytes, data: bytes, sender: str | bytes | None) -> dict[str, str]:
    """What eth_call takes."""
    asked = {"to": check_address(to), "data": "0x" + data.hex()}
    return asked if sender is None else {**asked, "from": check_address(sender)}


def _receipt_of(tx_hash: str, answer: Any) -> Receipt | None:
    if answer is None:
        return None
    receipt = to_receipt(answer)
    _require_same(tx_hash, receipt.transaction_hash)
    return receipt


def _require_same(asked: str, answered: str) -> None:
    # Outcomes are read from this: another transaction's, or another block's, must never pass for what was asked.
    if answered.lower() != asked:
        raise NodeBadAnswer(f"The node answered for {answered} when asked for {asked}.", what=asked)
