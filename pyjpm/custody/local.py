"""The signer with its key in this process.

Decisions that govern this module:

* The key of a LocalSigner is in no attribute, representation, error, copy or pickle. It is in this process's memory:
  whoever can read that has it, which is what devices (HSM, KMS) are for.
* Signatures are deterministic (RFC 6979).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from coincurve import PrivateKey

from pyjpm.custody.curve import address_of
from pyjpm.custody.marks import NonceMarks
from pyjpm.custody.signer import WalletSigner
from pyjpm.errors.custody import InvalidKey


class LocalSigner(WalletSigner):
    """A signer whose key is in this process. Safe to use from any number of threads, and after a fork."""

    __slots__ = ("__key",)

    def __init__(self, key: PrivateKey, marks: NonceMarks | None = None) -> None:
        super().__init__(address_of(key.public_key), marks)
        self.__key = key

    @classmethod
    def from_key(cls, key: bytes | str, *, marks: NonceMarks | None = None) -> Self:
        """The signer of a private key: 32 bytes, or 64 hex digits with or without 0x. Raises InvalidKey.

        Args:
            marks: where its highest nonces are kept; None to keep none, so that nobody can tell after a restore what
                this key signed before.
        """
        try:
            secret = bytes.fromhex(key.removeprefix("0x")) if isinstance(key, str) else bytes(key)
            usable = PrivateKey(secret) if len(secret) == 32 else None
        except ValueError:
            usable = None
        if usable is None:
            # Raised out here, so that no exception with the key in it is its context.
            raise InvalidKey("This is not a private key.")
        return cls(usable, marks)

    @classmethod
    def generate(cls, *, marks: NonceMarks | None = None) -> Self:
        """A new key from the operating system's randomness, kept nowhere else: for tests and demonstrations."""
        made = cls(PrivateKey(), marks)
        if marks is not None:
            marks.begin(made.address)
        return made

    def _sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        return [bytes(self.__key.sign_recoverable(digest, hasher=None)) for digest in digests]
