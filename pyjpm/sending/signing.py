"""What sending asks of a signer, so that it knows no key and no device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable


class SignedBytes(NamedTuple):
    """A signed transaction: the bytes to send, and their Keccak-256 hash (32 bytes)."""

    raw: bytes
    hash: bytes


@runtime_checkable
class TransactionSigner(Protocol):
    """Whoever signs the transactions of one wallet. May be slow, may fail; must not change what it is given."""

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
