"""secp256k1 as Ethereum uses it: addresses, low s, and which of the possible keys made a signature."""

from __future__ import annotations

from typing import Final

from coincurve import PublicKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER: Final = ORDER // 2


def address_of(key: PublicKey) -> str:
    """The wallet of a public key, checksummed."""
    return to_checksum_address(keccak(key.format(compressed=False)[1:])[12:])


def recoverable(key: PublicKey, digest: bytes, r: int, s: int) -> bytes | None:
    """The signature of a device (r, s) as r, s and recovery id, 65 bytes with s in the lower half; None if it is not
    this key's signature over the digest."""
    if not (0 < r < ORDER and 0 < s < ORDER):
        return None
    signature = r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")
    for parity in (b"\0", b"\1"):
        # Recovery ids 2 and 3 belong to an r above the order of the curve, of which nobody has ever seen one.
        if is_signature(key, digest, signature + parity):
            return signature + parity
    return None


def is_signature(key: PublicKey, digest: bytes, signature: bytes) -> bool:
    """Whether r, s and recovery id (65 bytes) are this key's signature over a digest."""
    try:
        return PublicKey.from_signature_and_message(signature, digest, hasher=None) == key
    except ValueError:
        return False
