"""eth-tester's py-evm backend as a small zero-fee node: a pool, a clock, and answers that keep revert data.

What eth-tester 0.14 does otherwise, and why it will not do here:

* It mines what it is given or refuses it. A node keeps a transaction whose nonce is ahead until the gap closes.
* It stamps blocks with the wall clock only. Here the clock can be set, and then runs on from there, as Anvil's does.
* It hands out revert data as the text of its ``repr``. Here calls and estimates raise the bytes.
* It looks a transaction up by walking all blocks, and reads events by looking up each of their transactions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from eth.abc import BlockAPI, LogAPI, SignedTransactionAPI
from eth.exceptions import Revert
from eth.vm.spoof import SpoofTransaction
from eth_bloom.bloom import BloomFilter
from eth_tester.backends.pyevm.main import PyEVMBackend, get_default_genesis_params
from eth_tester.backends.pyevm.serializers import serialize_transaction, serialize_transaction_receipt
from eth_tester.exceptions import BlockNotFound, TransactionFailed, TransactionNotFound
from eth_utils.exceptions import ValidationError

from pyjpm.chain.zero_fee_vm import ZeroFeeCancunVM

ZERO_ADDRESS = bytes(20)


class Refusal(Exception):
    """A transaction the pool does not take, by Anvil's code and words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Failure(Exception):
    """A call that ended without revert data."""


class ZeroFeeBackend(PyEVMBackend):  # type: ignore[misc]  # eth-tester is untyped
    """One zero-fee chain. Not thread-safe: the provider around it locks.

    Args:
        chain_id: chain id.
        block_gas_limit: gas a block holds.
        timestamp: of the genesis block, seconds since 1970.
    """

    chain: Any  # py-evm's abstract types lack what its tester chain offers

    def __init__(self, *, chain_id: int, block_gas_limit: int, timestamp: int) -> None:
        self._index: dict[bytes, tuple[int, int]] = {}
        self._pool: list[SignedTransactionAPI] = []
        self._refused: dict[bytes, Refusal] = {}
        self._next: int | None = None
        self._offset = timestamp - int(time.time())
        self.automine = True
        genesis = get_default_genesis_params({"gas_limit": block_gas_limit, "timestamp": timestamp})
        super().__init__(genesis_parameters=genesis, vm_configuration=((0, ZeroFeeCancunVM),))
        type(self.chain).chain_id = chain_id  # a class of its own for each backend

    # --- clock -----------------------------------------------------------------------------------------------------

    def set_next_timestamp(self, timestamp: int) -> None:
        """The next block has exactly this time, later ones run on from there."""
        self._next = timestamp
        self._offset = timestamp - int(time.time())

    def stamp_pending(self) -> None:
        """Give the pending block the time it would have if it were mined now."""
        timestamp = self._next if self._next is not None else self._wall_clock()
        self.chain.header = self.chain.header.copy(timestamp=timestamp)

    def _wall_clock(self) -> int:
        return max(int(self._latest().header.timestamp), int(time.time()) + self._offset)

    # --- pool and mining -------------------------------------------------------------------------------------------

    def send_raw_transaction(self, raw_transaction: bytes) -> bytes:
        """Take a signed transaction into the pool, and mine it where automine is on and its nonce is due."""
        try:
            transaction = self.chain.get_vm().get_transaction_builder().decode(raw_transaction)
            sender = transaction.sender
        except Exception:
            raise Refusal(-32602, "Failed to decode transaction") from None
        self._admit(transaction, sender)
        self._pool.append(transaction)
        if self.automine:
            self.mine_blocks(1)
        refused = self._refused.pop(transaction.hash, None)
        if refused is not None:
            raise refused
        return bytes(transaction.hash)

    def set_automine(self, on: bool) -> None:
        """Mine at every send, and now what is due, or only when asked to."""
        self.automine = on
        if on and any(self.pending_count(waiting.sender) > waiting.nonce for waiting in self._pool):
            self.mine_blocks(1)

    def pending_count(self, account: bytes) -> int:
        """The next nonce of an account with what waits in the pool, up to the first gap."""
        waiting = {transaction.nonce for transaction in self._pool if transaction.sender == account}
        nonce: int = self.get_nonce(account)
        while nonce in waiting:
            nonce += 1
        return nonce

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = ZERO_ADDRESS) -> tuple[bytes, ...]:
        """Mine blocks, the first with what the pool has ready, in the order it came."""
        return tuple(self._mine(coinbase) for _ in range(num_blocks))

    def _mine(self, coinbase: bytes) -> bytes:
        self.stamp_pending()
        self._next = None
        self._refused = {}
        waiting, applied = self._pool, True
        while applied:
            # What waited for an earlier nonce may be due now.
            waiting, before = self._apply(waiting), len(waiting)
            applied = 0 < len(waiting) < before
        self._pool = waiting
        block = self.chain.mine_block(coinbase=coinbase, mix_hash=bytes(32))
        for position, transaction in enumerate(block.transactions):
            self._index[transaction.hash] = (block.number, position)
        return bytes(block.hash)

    def _apply(self, waiting: list[SignedTransactionAPI]) -> list[SignedTransactionAPI]:
        """Apply what is due and fits into the pending block; what still waits."""
        later = []
        for transaction in waiting:
            header = self.chain.header
            due = self.chain.get_vm().state.get_nonce(transaction.sender) == transaction.nonce
            if not due or transaction.gas > header.gas_limit - header.gas_used:
                later.append(transaction)
                continue
            try:
                self.chain.apply_transaction(transaction)
            except ValidationError as error:
                self._refused[transaction.hash] = Refusal(-32000, str(error))
        return later

    def _admit(self, transaction: SignedTransactionAPI, sender: bytes) -> None:
        if any(transaction.hash == waiting.hash for waiting in self._pool):
            raise Refusal(-32003, "transaction already imported")
        if transaction.nonce < self.get_nonce(sender):
            raise Refusal(-32003, "nonce too low")
        if any(waiting.sender == sender and waiting.nonce == transaction.nonce for waiting in self._pool):
            raise Refusal(-32003, "replacement transaction underpriced")
        if transaction.gas > self.chain.header.gas_limit:
            raise Refusal(-32000, "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit")
        if transaction.gas < transaction.intrinsic_gas:
            raise Refusal(-32000, "intrinsic gas too low")
        cost = transaction.value + transaction.gas * transaction.max_fee_per_gas
        if cost > self.get_balance(sender):
            raise Refusal(-32003, "Insufficient funds for gas * price + value")

    # --- calls -----------------------------------------------------------------------------------------------------

    def call(self, transaction: dict[str, Any], block_number: int | str = "latest") -> bytes:
        """Run a call on the state and in the time of a block. Raises TransactionFailed(bytes), Failure."""
        vm = self.chain.get_vm(at_header=self._block_at(block_number).header)
        spoofed = self._spoof(transaction, int(transaction.get("gas", self.chain.header.gas_limit)), vm.state)
        computation = vm.state.apply_transaction(spoofed)
        if computation.is_success:
            return bytes(computation.output)
        if isinstance(computation.error, Revert):
            raise TransactionFailed(bytes(computation.output))
        raise Failure(f"EVM error {type(computation.error).__name__}")

    def estimate_gas(self, transaction: dict[str, Any], block_number: int | str = "latest") -> int:
        """Gas a transaction needs at the head. Raises TransactionFailed(bytes), Failure."""
        state = self.chain.get_vm().state
        try:
            return int(self.chain.estimate_gas(self._spoof(transaction, 21_000, state), self._latest().header))
        except Revert as revert:
            raise TransactionFailed(revert.args[0] if revert.args else b"") from None
        except Exception as error:
            raise Failure(f"EVM error {type(error).__name__}") from None

    def _spoof(self, transaction: dict[str, Any], gas: int, state: Any) -> SpoofTransaction:
        sender = transaction.get("from", ZERO_ADDRESS)
        unsigned = self.chain.create_unsigned_transaction(
            nonce=state.get_nonce(sender),
            gas_price=0,
            gas=gas,
            to=transaction.get("to", b""),
            value=transaction.get("value", 0),
            data=transaction.get("data", b""),
        )
        return SpoofTransaction(unsigned, from_=sender)

    # --- looking up ------------------------------------------------------------------------------------------------

    def get_transaction_by_hash(self, transaction_hash: bytes) -> dict[str, Any]:
        """A mined transaction. Raises TransactionNotFound."""
        block, position = self._find(transaction_hash)
        found: dict[str, Any] = serialize_transaction(block, block.transactions[position], position, False)
        return found

    def get_transaction_receipt(self, transaction_hash: bytes) -> dict[str, Any]:
        """The receipt of a mined transaction. Raises TransactionNotFound."""
        block, position = self._find(transaction_hash)
        receipts = block.get_receipts(self.chain.chaindb)
        transaction, vm = block.transactions[position], self.chain.get_vm()
        found: dict[str, Any] = serialize_transaction_receipt(block, receipts, transaction, position, False, vm)
        return found

    def waiting(self, transaction_hash: bytes) -> SignedTransactionAPI | None:
        """A transaction in the pool."""
        return next((waiting for waiting in self._pool if waiting.hash == transaction_hash), None)

    def events(
        self, first: int, last: int, addresses: Sequence[bytes], topics: Sequence[Sequence[bytes] | None]
    ) -> Iterator[tuple[BlockAPI, int, int, LogAPI]]:
        """``(block, transaction index, log index, log)`` of the events that match, skipping blocks by their bloom."""
        wanted = [addresses, *(topic for topic in topics if topic)]
        for number in range(first, last + 1):
            bloom = BloomFilter(self.chain.get_canonical_block_header_by_number(number).bloom)
            if any(choice and not any(item in bloom for item in choice) for choice in wanted):
                continue
            block = self.chain.get_canonical_block_by_number(number)
            log_index = 0
            for position, receipt in enumerate(block.get_receipts(self.chain.chaindb)):
                for log in receipt.logs:
                    if _matches(log, addresses, topics):
                        yield block, position, log_index, log
                    log_index += 1

    def _find(self, transaction_hash: bytes) -> tuple[Any, int]:
        if transaction_hash not in self._index:
            raise TransactionNotFound(f"No transaction with hash 0x{transaction_hash.hex()}")
        number, position = self._index[transaction_hash]
        return self.chain.get_canonical_block_by_number(number), position

    def _latest(self) -> Any:
        return self.chain.get_canonical_block_by_number(self.chain.header.block_number - 1)

    def _block_at(self, block_number: int | str) -> Any:
        if block_number == "pending":
            return self.chain.get_block()
        if isinstance(block_number, str):
            return self.chain.get_canonical_block_by_number(0) if block_number == "earliest" else self._latest()
        if block_number >= self.chain.header.block_number:
            raise BlockNotFound(f"No block {block_number}")
        return self.chain.get_canonical_block_by_number(block_number)


def _matches(log: LogAPI, addresses: Sequence[bytes], topics: Sequence[Sequence[bytes] | None]) -> bool:
    if addresses and log.address not in addresses:
        return False
    if len(topics) > len(log.topics):
        return False
    return all(not choice or log.topics[i].to_bytes(32, "big") in choice for i, choice in enumerate(topics))
