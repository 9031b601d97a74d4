"""Who signs: the protocol every signer satisfies, and the one with its key in this process.

Decisions that govern this module:

* A signer refuses what no wallet of ours ever signs, whoever asks: a fee, a transaction without a chain id.
* The key of a LocalSigner is in no attribute, representation, error, copy or pickle. It is in this process's memory:
  whoever can read that has it, which is what devices (HSM, KMS) are for.
* Signatures are deterministic (RFC 6979) and low-s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol, Self, runtime_checkable

from coincurve import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.custody.eip1559 import signed_bytes, signing_hash, unsigned_fields
from pyjpm.errors.custody import InvalidKey, KeyNotExportable, SigningRefused
from pyjpm.sending.signing import SignedBytes, TransactionSigner


class Digest(Protocol):
    """A structured message as a signer sees it."""

    @property
    def digest(self) -> bytes:
        """What is signed: the EIP-712 hash, 32 bytes."""
        ...

    @property
    def primary_type(self) -> str:
        """The name of the structure, for policies and logs."""
        ...


@runtime_checkable
class Signer(TransactionSigner, Protocol):
    """Signs the transactions and the documents of one wallet."""

    def sign_typed(self, message: Digest) -> bytes:
        """The signature over a structured message: r, s, v; 65 bytes, v 27 or 28, s in the lower half."""
        ...


class LocalSigner:
    """A signer whose key is in this process. Safe to use from any number of threads, and after a fork."""

    __slots__ = ("__key", "_address")

    def __init__(self, key: PrivateKey) -> None:
        self.__key = key
        self._address = to_checksum_address(keccak(key.public_key.format(compressed=False)[1:])[12:])

    @classmethod
    def from_key(cls, key: bytes | str) -> Self:
        """The signer of a private key: 32 bytes, or 64 hex digits with or without 0x. Raises InvalidKey."""
        try:
            secret = bytes.fromhex(key.removeprefix("0x")) if isinstance(key, str) else bytes(key)
            usable = PrivateKey(secret) if len(secret) == 32 else None
        except ValueError:
            usable = None
        if usable is None:
            # Raised out here, so that no exception with the key in it is its context.
            raise InvalidKey("This is not a private key.")
        return cls(usable)

    @classmethod
    def generate(cls) -> Self:
        """A new key from the operating system's randomness, kept nowhere else: for tests and demonstrations."""
        return cls(PrivateKey())

    @property
    def address(self) -> str:
        """The wallet, checksummed."""
        return self._address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        """Sign an EIP-1559 transaction (see TransactionSigner).

        Raises SigningRefused for another type, a fee other than 0 or a missing chain id; InvalidAddress.
        """
        fields = unsigned_fields(transaction)
        raw = signed_bytes(fields, self.__sign(signing_hash(fields)))
        return SignedBytes(raw, keccak(raw))

    def sign_typed(self, message: Digest) -> bytes:
        """Sign a structured message (see Signer). Raises SigningRefused where its digest has not 32 bytes."""
        digest = message.digest
        if len(digest) != 32:
            raise SigningRefused(f"A digest has 32 bytes, this one has {len(digest)}.", field="digest")
        signature = self.__sign(digest)
        return signature[:64] + bytes([27 + signature[64]])

    def __sign(self, digest: bytes) -> bytes:
        return bytes(self.__key.sign_recoverable(digest, hasher=None))

    def __repr__(self) -> str:
        return f"LocalSigner({self._address})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # Behind pickle, copy and deepcopy alike.
        raise KeyNotExportable(f"The signer of {self._address} is not copied or pickled.", address=self._address)
