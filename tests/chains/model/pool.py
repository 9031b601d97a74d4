"""What waits at one node.

Decisions that govern this module:

* A pool promises nothing: it replaces (manner 1), jams (3), refuses by distance (12) and is lost with its node unless
  it was saved.
* What is offered first goes first, but for prices; of one sender in the order of nonces.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterator

from chains.model.chain import affords, nonce_of
from chains.model.manners import Manners, RpcError
from chains.model.state import State
from chains.model.transactions import Transaction


class Pool:
    """Transactions by sender and nonce."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._senders: dict[str, dict[int, Transaction]] = {}
        self._by_hash: dict[str, Transaction] = {}
        self._order: dict[str, int] = {}
        self._offered = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    def __iter__(self) -> Iterator[Transaction]:
        return iter(list(self._by_hash.values()))

    def get(self, tx_hash: str) -> Transaction | None:
        """A waiting transaction."""
        return self._by_hash.get(tx_hash)

    def of(self, sender: str) -> dict[int, Transaction]:
        """A sender's, by nonce."""
        return self._senders.get(sender, {})

    def offer(self, transaction: Transaction, state: State) -> RpcError | None:
        """Take a transaction, or say why not."""
        manners = self._manners
        if transaction.hash in self._by_hash:
            return manners.refuse("known")
        next_nonce = nonce_of(state, transaction.sender)
        if transaction.nonce < next_nonce:
            return manners.refuse("nonce too low", next=next_nonce, nonce=transaction.nonce)
        if manners.future_window is not None and transaction.nonce - next_nonce > manners.future_window:
            return manners.refuse("nonce too distant")
        if manners.refuses("no funds") and not affords(state, transaction):
            return manners.refuse("no funds")
        known = self._senders.setdefault(transaction.sender, {}).get(transaction.nonce)
        if known is not None:
            if not manners.replaces(known.price, transaction.price):
                return manners.refuse("underpriced")
            self._drop(known)
        self._offered += 1
        self._senders.setdefault(transaction.sender, {})[transaction.nonce] = transaction
        self._by_hash[transaction.hash] = transaction
        self._order[transaction.hash] = self._offered
        return None

    def prune(self, state: State) -> None:
        """Forget what can no longer be mined: its nonce is used."""
        for transaction in list(self._by_hash.values()):
            if transaction.nonce < nonce_of(state, transaction.sender):
                self._drop(transaction)

    def forget(self, tx_hash: str) -> bool:
        """Drop one transaction; whether it was there."""
        found = self._by_hash.get(tx_hash)
        if found is not None:
            self._drop(found)
        return found is not None

    def next_nonce(self, sender: str, confirmed: int) -> int:
        """What ``pending`` says. Besu looks for the first gap above its lowest waiting one, wherever that is; others
        count on from the account's nonce."""
        waiting = self._senders.get(sender)
        if not waiting:
            return confirmed
        at = min(waiting) if self._manners.client == "besu" else confirmed
        while at in waiting:
            at += 1
        return max(at, confirmed)

    def selection(self, state: State, denied: Container[str] = ()) -> Iterator[Transaction]:
        """What a block takes, best price first, then first come, without gaps and without what cannot be paid for.

        Args:
            denied: senders that are passed over (13).
        """
        heads: list[tuple[int, int, Transaction]] = []
        for sender in self._senders:
            if sender in denied:
                continue
            self._push(heads, sender, nonce_of(state, sender), state)
        while heads:
            _, _, transaction = heapq.heappop(heads)
            yield transaction
            self._push(heads, transaction.sender, transaction.nonce + 1, state)

    def _push(self, heads: list[tuple[int, int, Transaction]], sender: str, nonce: int, state: State) -> None:
        found = self._senders.get(sender, {}).get(nonce)
        if found is not None and affords(state, found):
            heapq.heappush(heads, (-found.price, self._order[found.hash], found))

    def _drop(self, transaction: Transaction) -> None:
        waiting = self._senders[transaction.sender]
        del waiting[transaction.nonce]
        if not waiting:
            del self._senders[transaction.sender]
        del self._by_hash[transaction.hash]
        del self._order[transaction.hash]
