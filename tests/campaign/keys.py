"""The signers of a history: keys in memory that sign as devices do, and marks that outlive every database.

Decisions that govern this module:

* A device draws a new number for each signature, so the same content signed twice is two transactions, of which a chain
  takes one. Half of the histories have such signers, the others the deterministic ones of a local key.
* Some signers keep no mark. Then nothing tells a restored database what is alive, and no history restores one.
* A device may be silent, also after its mark was written, or for one signature of several; a policy may refuse what
  another day it would sign.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coincurve import PrivateKey
from coincurve._libsecp256k1 import ffi

from campaign.failpoints import passing
from pyjpm.custody.curve import address_of
from pyjpm.custody.signer import WalletSigner
from pyjpm.errors.custody import SignerMarkLost
from pyjpm.sending.signing import SignedBytes


class Marks:
    """The highest nonce signed, by wallet, as ``NonceMarks`` keeps it; None once it was lost. Of one chain."""

    def __init__(self) -> None:
        self._highest: dict[str, int | None] = {}

    def rise(self, wallet: str, nonces: Mapping[int, int]) -> None:
        """A lost mark stays lost."""
        known = self._highest.setdefault(wallet, -1)
        if known is not None:
            self._highest[wallet] = max(known, *nonces.values())
        passing("mark written")

    def highest(self, wallet: str, chain_id: int) -> int:
        """Raises SignerMarkLost."""
        highest = self._highest.setdefault(wallet, -1)
        if highest is None:
            raise SignerMarkLost(f"The mark of {wallet} is missing.", wallet=wallet, chain_id=chain_id)
        return highest

    def lose(self, wallet: str) -> None:
        """It is gone."""
        self._highest[wallet] = None


class CampaignSigner(WalletSigner):
    """A signer of the package's own kind, with a key in memory.

    Args:
        key: 32 bytes.
        marks: None to keep none.
        device: where the numbers of its signatures are drawn from; None: they follow from what is signed.

    Attributes:
        policy: told the calldata of each transaction before its mark is written; may raise.
        trouble: called before each signature; may raise.
    """

    __slots__ = ("_device", "_key", "policy", "trouble")

    def __init__(self, key: bytes, marks: Marks | None, device: random.Random | None = None) -> None:
        self._key = PrivateKey(key)
        self._device = device
        self.policy: Callable[[bytes], None]
        self.trouble: Callable[[], None]
        self.at_ease()
        super().__init__(address_of(self._key.public_key), marks)  # type: ignore[arg-type]

    def at_ease(self) -> None:
        """It signs everything, each time."""
        self.policy, self.trouble = lambda data: None, lambda: None

    def sign_transactions(self, transactions: Sequence[Mapping[str, Any]]) -> list[SignedBytes]:
        """As every signer's, if its policy takes them all."""
        for transaction in transactions:
            self.policy(transaction["data"])
        return super().sign_transactions(transactions)

    def _sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        return [self._sign_digest(digest) for digest in digests]

    def _sign_digest(self, digest: bytes) -> bytes:
        self.trouble()
        if self._device is None:
            return bytes(self._key.sign_recoverable(digest, hasher=None))
        entropy = ffi.from_buffer(self._device.randbytes(32))
        return bytes(self._key.sign_recoverable(digest, hasher=None, custom_nonce=(ffi.NULL, entropy)))
