"""Events over a range of blocks, read page by page.

Decisions that govern this module:

* The end of the range is clamped to a head that the node serves: Besu refuses a ``toBlock`` beyond its head (-32602)
  where Anvil answers ``[]``, and either would let a reader believe that it had seen blocks that do not exist yet.
  ``LogRange.to_block`` is the last block really covered, the only one a cursor may move to.
* A page that is too large for the node (-32005) is halved and asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pyjpm.chain.rpc import LIMIT_EXCEEDED, Rpc
from pyjpm.chain.values import Log, to_int, to_logs
from pyjpm.errors.chain import BlockNotAvailable, NodeError

Topics = Sequence[bytes | str | Sequence[bytes | str] | None]


class LogRange:
    """The events of ``from_block`` to ``to_block``, both included; iterate as often as wanted, each time reads anew.

    ``to_block`` is ``from_block - 1`` where the head has not come that far: nothing was covered.
    """

    def __init__(self, rpc: Rpc, query: dict[str, Any], from_block: int, to_block: int, page_blocks: int) -> None:
        self._rpc = rpc
        self._query = query
        self._page_blocks = page_blocks
        self.from_block = from_block
        self.to_block = to_block

    def __iter__(self) -> Iterator[Log]:
        for _, _, logs in self.pages():
            yield from logs

    def pages(self) -> Iterator[tuple[int, int, list[Log]]]:
        """``(first, last, logs)`` for each page of blocks, in order.

        Raises BlockNotAvailable where the node that answers is not as far as the one that showed the head.
        """
        for first, last, answer in self.raw_pages():
            yield first, last, to_logs(answer)

    def raw_pages(self) -> Iterator[tuple[int, int, Any]]:
        """As ``pages``, but as the node answered: for who reads too many to make a ``Log`` of each."""
        first, size = self.from_block, self._page_blocks
        while first <= self.to_block:
            last = min(first + size - 1, self.to_block)
            try:
                answer = self._rpc.read("eth_getLogs", {**self._query, "fromBlock": hex(first), "toBlock": hex(last)})
            except NodeError as error:
                if error.rpc_code != LIMIT_EXCEEDED or first == last:
                    self._raise_if_behind(last)
                    raise
                size = max(1, (last - first + 1) // 2)
                continue
            yield first, last, answer
            first = last + 1

    def _raise_if_behind(self, last: int) -> None:
        # Another node answers than the one that showed the head, or blocks were taken back: Besu says "Invalid params".
        head = to_int(self._rpc.read("eth_blockNumber"))
        if head < last:
            raise BlockNotAvailable(f"The node does not have block {last} (head: {head}).", block=last, head=head)


def log_query(addresses: Sequence[str], topics: Topics) -> dict[str, Any]:
    """The part of an eth_getLogs filter that stays the same over all pages."""
    query: dict[str, Any] = {}
    if addresses:
        query["address"] = list(addresses)
    if topics:
        query["topics"] = [_topic(topic) for topic in topics]
    return query


def _topic(topic: bytes | str | Sequence[bytes | str] | None) -> Any:
    if topic is None or isinstance(topic, str):
        return topic
    if isinstance(topic, bytes):
        return "0x" + topic.hex()
    return [_topic(alternative) for alternative in topic]
