"""What waits at one of Besu's nodes.

Decisions that govern this module:

* A pool promises nothing: it replaces (manner 1), jams (3), refuses by distance (12).
* It knows nothing of the chain: whoever asks brings the account's nonce.
"""

from __future__ import annotations

from collections.abc import Iterator

from chains.model.transactions import Transaction
from chains.proxy.manners import Manners, PoolKind, RpcError


class BesuPool:
    """Transactions by sender and nonce, in the order in which they came."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._by_hash: dict[str, Transaction] = {}
        self._senders: dict[str, dict[int, Transaction]] = {}

    def __len__(self) -> int:
        return len(self._by_hash)

    def __iter__(self) -> Iterator[Transaction]:
        return iter(list(self._by_hash.values()))

    def get(self, tx_hash: str) -> Transaction | None:
        """A waiting transaction."""
        return self._by_hash.get(tx_hash)

    def senders(self) -> list[str]:
        """Who has something waiting, in the order in which they came."""
        return list(dict.fromkeys(each.sender for each in self._by_hash.values()))

    def add(self, transaction: Transaction, confirmed: int) -> None:
        """Take a transaction of an account whose next nonce is ``confirmed``. Raises RpcError."""
        if transaction.nonce < confirmed:
            raise RpcError.as_besu("send same, mined")
        if transaction.hash in self._by_hash:
            raise RpcError.as_besu("send same, pending")
        if transaction.nonce - confirmed > self._manners.future_nonces:
            raise RpcError.as_besu("nonce +5000")
        waiting = self._senders.setdefault(transaction.sender, {})
        known = waiting.get(transaction.nonce)
        if known is not None:
            if transaction.price < known.price and self._manners.pool is PoolKind.SEQUENCED:
                raise RpcError.as_besu("zero fee on the jammed nonce")
            del self._by_hash[known.hash]
        waiting[transaction.nonce] = self._by_hash[transaction.hash] = transaction

    def remove(self, transaction: Transaction) -> None:
        """Forget one, if it is there."""
        if self._by_hash.pop(transaction.hash, None) is not None:
            del self._senders[transaction.sender][transaction.nonce]

    def prune(self, sender: str, confirmed: int) -> None:
        """Forget what can no longer be mined."""
        for nonce, transaction in list(self._senders.get(sender, {}).items()):
            if nonce < confirmed:
                self.remove(transaction)

    def next_nonce(self, sender: str, confirmed: int) -> int:
        """What ``pending`` says: the first nonce missing above the lowest that waits, wherever that is."""
        waiting = self._senders.get(sender)
        if not waiting:
            return confirmed
        at = min(waiting)
        while at in waiting:
            at += 1
        return max(at, confirmed)

    def run(self, sender: str, confirmed: int) -> Iterator[Transaction]:
        """A sender's transactions from its next nonce on, without a gap."""
        waiting = self._senders.get(sender, {})
        while (found := waiting.get(confirmed)) is not None:
            yield found
            confirmed += 1
