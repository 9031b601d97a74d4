"""Who signs: the protocol every signer satisfies, and what all signers of ours share.

Decisions that govern this module:

* A signer refuses what no wallet of ours ever signs, whoever asks: a fee, a transaction without a chain id.
* Where it keeps a mark (see ``marks``), it is written before the first signature of a call is made, once for the call.
* A bare digest says nothing about what it stands for, so no policy can judge it and no mark can note it. Devices are
  built on it; whoever guards a key with a policy refuses it. Nothing in this package hands a signer the digest of a
  transaction.
* Signatures are low-s, and one that a device made is checked to be the wallet's before it leaves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol, runtime_checkable

from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.custody.eip1559 import encoded, priced_cancel_fields, signed_bytes, signing_preimage, unsigned_fields
from pyjpm.custody.marks import NonceMarks
from pyjpm.errors.custody import KeyNotExportable, SigningRefused
from pyjpm.hashing import keccak256
from pyjpm.sending.signing import SignedBytes, TransactionSigner


@runtime_checkable
class Signer(TransactionSigner, Protocol):
    """Signs the transactions and the documents of one wallet. Any number of threads may use it at once."""

    def sign_typed_data(self, message: TypedMessage) -> bytes:
        """The signature over a structured message: r, s, v; 65 bytes, v 27 or 28, s in the lower half."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """The signature over 32 bytes, as above. No mark is written: never give it the digest of a transaction.

        Raises SigningRefused where the signer must know what it signs.
        """
        ...


class WalletSigner(ABC):
    """A signer of one wallet by way of a device, which its subclass knows.

    Args:
        address: the wallet, checksummed.
        marks: where its highest nonces are kept; None to keep none.
    """

    __slots__ = ("_address", "_marks")

    def __init__(self, address: str, marks: NonceMarks | None) -> None:
        self._address = address
        self._marks = marks

    @property
    def address(self) -> str:
        """The wallet, checksummed."""
        return self._address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        """Sign an EIP-1559 transaction (see TransactionSigner).

        Raises SigningRefused for another type, a fee other than 0 or a missing chain id; InvalidAddress;
        MarkNotWritten; what the device raises.
        """
        return self.sign_transactions([transaction])[0]

    def sign_transactions(self, transactions: Sequence[Mapping[str, Any]]) -> list[SignedBytes]:
        """Sign several, in their order, or none. Raises as ``sign_transaction``."""
        unsigned = [unsigned_fields(transaction) for transaction in transactions]
        if self._marks is not None:
            highest: dict[int, int] = {}
            for chain, nonce, *_ in unsigned:
                highest[chain] = max(nonce, highest.get(chain, nonce))
            self._marks.rise(self._address, highest)
        contents = [encoded(fields) for fields in unsigned]
        signatures = self._sign_preimages([signing_preimage(content) for content in contents])
        return [
            SignedBytes(signed_bytes(content, signature))
            for content, signature in zip(contents, signatures, strict=True)
        ]

    def sign_priced_cancel(self, chain_id: int, nonce: int, price: int) -> SignedBytes:
        """Sign a self-transfer of nothing, of 21,000 gas, at ``price`` wei: the one transaction with a fee, for an
        operator who frees a jammed wallet. Raises SigningRefused, MarkNotWritten, what the device raises."""
        fields = priced_cancel_fields(chain_id, nonce, self._address, price)
        if self._marks is not None:
            self._marks.rise(self._address, {chain_id: nonce})
        content = encoded(fields)
        (signature,) = self._sign_preimages([signing_preimage(content)])
        return SignedBytes(signed_bytes(content, signature))

    def sign_typed_data(self, message: TypedMessage) -> bytes:
        """Sign a structured message (see Signer). Raises what the device raises."""
        return _with_v(self._sign_preimages([message.preimage])[0])

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign 32 bytes (see Signer). Raises SigningRefused where there are not 32; what the device raises."""
        if len(digest) != 32:
            raise SigningRefused(f"A digest has 32 bytes, this one has {len(digest)}.", field="digest")
        return _with_v(self._sign_digests([digest])[0])

    def highest_nonce(self, chain_id: int) -> int | None:
        """The highest nonce signed on a chain (see TransactionSigner). Raises SignerMarkLost."""
        return None if self._marks is None else self._marks.highest(self._address, chain_id)

    def _sign_preimages(self, preimages: Sequence[bytes]) -> list[bytes]:
        """Signatures over the hashes of these, in their order: r, s in the lower half, recovery id; 65 bytes."""
        return self._sign_digests([keccak256(preimage) for preimage in preimages])

    @abstractmethod
    def _sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        """Signatures over these 32 bytes each, in their order: r, s in the lower half, recovery id; 65 bytes."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # Behind pickle, copy and deepcopy alike.
        raise KeyNotExportable(f"The signer of {self._address} is not copied or pickled.", address=self._address)


def _with_v(signature: bytes) -> bytes:
    return signature[:64] + bytes([27 + signature[64]])
