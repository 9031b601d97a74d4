"""Signed transactions: read once from their bytes, and signed here for whoever misuses a key.

Decisions that govern this module:

* Bytes are decoded and their sender recovered once per process, however many nodes, histories and retries see them.
* Addresses are lower-case ``0x`` hex throughout the model, as JSON-RPC has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import rlp
from coincurve import PrivateKey, PublicKey
from eth_utils.crypto import keccak
from rlp.exceptions import RLPException

_HALF = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2


class Malformed(Exception):
    """No signed transaction of a known type."""


@dataclass(frozen=True, slots=True, eq=False)
class Transaction:
    """What signed bytes say. ``price`` is the most offered, in wei per gas; ``to`` None for a creation."""

    raw: bytes
    hash: str
    kind: int
    chain_id: int | None
    sender: str
    nonce: int
    gas: int
    price: int
    to: str | None
    value: int
    data: bytes
    v: int
    r: int
    s: int

    @property
    def intrinsic_gas(self) -> int:
        """Gas before anything runs (cancun)."""
        zeros = self.data.count(0)
        gas = 21_000 + 4 * zeros + 16 * (len(self.data) - zeros)
        return gas if self.to is not None else gas + 32_000 + 2 * ((len(self.data) + 31) // 32)


@lru_cache(maxsize=16_384)
def decode(raw: bytes) -> Transaction:
    """The transaction in ``raw``. Raises Malformed."""
    try:
        return _decode(raw)
    except (RLPException, ValueError, TypeError, IndexError):
        raise Malformed from None


def _decode(raw: bytes) -> Transaction:
    kind = raw[0] if raw[0] in (1, 2) else 0
    fields = rlp.decode(raw[1:] if kind else raw)
    v, r, s = (_int(part) for part in fields[-3:])
    if kind:
        chain_id: int | None = _int(fields[0])
        unsigned = bytes([kind]) + rlp.encode(fields[:-3])
        parity = v
        if kind == 2:
            nonce, priority, price, gas, to, value, data = fields[1:8]
            if _int(priority) > _int(price):
                raise Malformed
        else:
            nonce, price, gas, to, value, data = fields[1:7]
        expected = 12 if kind == 2 else 11
    else:
        nonce, price, gas, to, value, data = fields[:6]
        chain_id = None if v in (27, 28) else (v - 35) // 2
        tail = [] if chain_id is None else [chain_id, 0, 0]
        unsigned = rlp.encode(fields[:6] + tail)
        parity = v - 27 if chain_id is None else (v - 35) % 2
        expected = 9
    if len(fields) != expected or len(to) not in (0, 20) or parity not in (0, 1) or not 0 < s <= _HALF:
        raise Malformed
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
    try:
        key = PublicKey.from_signature_and_message(signature, keccak(unsigned), hasher=None)
    except Exception:  # coincurve raises bare Exceptions of its own for what cannot be recovered
        raise Malformed from None
    return Transaction(
        raw=raw,
        hash="0x" + keccak(raw).hex(),
        kind=kind,
        chain_id=chain_id,
        sender=address_of(key),
        nonce=_int(nonce),
        gas=_int(gas),
        price=_int(price),
        to="0x" + to.hex() if to else None,
        value=_int(value),
        data=bytes(data),
        v=v,
        r=r,
        s=s,
    )


def address_of(key: PublicKey) -> str:
    """The account of a public key."""
    return "0x" + keccak(key.format(compressed=False)[1:])[12:].hex()


def sign(
    key: PrivateKey,
    *,
    chain_id: int | None,
    nonce: int,
    to: str | None,
    data: bytes = b"",
    value: int = 0,
    gas: int = 300_000,
    price: int = 0,
) -> bytes:
    """Signed bytes as anybody with the key can make them, fees and all: type 2; without a chain id, before EIP-155."""
    recipient = b"" if to is None else bytes.fromhex(to[2:])
    if chain_id is None:
        fields: list[Any] = [nonce, price, gas, recipient, value, data]
        signature = key.sign_recoverable(keccak(rlp.encode(fields)), hasher=None)
        return bytes(rlp.encode([*fields, signature[64] + 27, *_rs(signature)]))
    fields = [chain_id, nonce, price, price, gas, recipient, value, data, []]
    signature = key.sign_recoverable(keccak(b"\x02" + rlp.encode(fields)), hasher=None)
    return b"\x02" + bytes(rlp.encode([*fields, signature[64], *_rs(signature)]))


def _rs(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")


def _int(value: bytes) -> int:
    if not isinstance(value, bytes) or value[:1] == b"\x00":
        raise ValueError("integer")
    return int.from_bytes(value, "big")
