"""Keccak-256 of bytes, by C code that is called as directly as it can be.

A payment is hashed some eight times on its way, and the general function spends four fifths of its time on the kinds
of arguments that it takes.
"""

from __future__ import annotations

from eth_utils.crypto import keccak

try:
    from sha3 import keccak_256
except ImportError:  # no wheel of it for this machine, and no compiler
    keccak_256 = None


def keccak256(data: bytes) -> bytes:
    """The Keccak-256 hash of ``data``, 32 bytes."""
    digest: bytes = keccak(data) if keccak_256 is None else keccak_256(data).digest()
    return digest
