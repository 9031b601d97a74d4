"""What sending asks of a signer, so that it knows no key and no device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pyjpm.hashing import keccak256


class SignedBytes(NamedTuple):
    """A signed transaction: the bytes to send."""

    raw: bytes

    @property
    def hash(self) -> bytes:
        """Their Keccak-256 hash, 32 bytes."""
        return keccak256(self.raw)


@runtime_checkable
class TransactionSigner(Protocol):
    """Whoever signs the transactions of one wallet. May be slow, may fail; must not change what it is given.

    Signers of different wallets are called at the same time, by threads.
    """

    @property
    def address(self) -> str:
        """The wallet, checksummed."""
        ...

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        """Sign an EIP-1559 transaction.

        Args:
            transaction: ``type`` 2, ``chainId``, ``nonce``, ``to`` (absent for a contract creation), ``value`` (wei),
                ``gas``, ``maxFeePerGas`` and ``maxPriorityFeePerGas`` (wei, both 0), ``data`` (bytes).
        """
        ...

    def sign_transactions(self, transactions: Sequence[Mapping[str, Any]]) -> list[SignedBytes]:
        """Sign several, in their order, or none: the signer's mark is written once for all of them."""
        ...

    def highest_nonce(self, chain_id: int) -> int | None:
        """The highest nonce ever signed on a chain, -1 for never, None where this signer keeps no mark.

        Raises SignerMarkLost where it kept one and lost it. No nonce is signed without the mark having been written
        before, durably and outside of every database.
        """
        ...
