"""The bytes of an EIP-1559 transaction: what is signed, and what is sent.

Written out here because signing is on the path of every payment: a general-purpose library validates and converts the
same twelve fields several times over, at five times the cost. A test holds the bytes equal to eth-account's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pyjpm.chain.fields import content_of, list_of, number, unsigned_content
from pyjpm.chain.values import check_address
from pyjpm.errors.custody import SigningRefused

_TYPE: Final = b"\x02"
_WORD: Final = 1 << 256
LAST_NONCE: Final = (1 << 64) - 1
_NUMBERS: Final = ("chainId", "nonce", "gas", "value", "maxFeePerGas", "maxPriorityFeePerGas")


def unsigned_fields(transaction: Mapping[str, Any]) -> list[Any]:
    """The nine fields that are signed, in their order.

    Raises SigningRefused for another type, a missing chain id, a fee other than 0 or a field out of range;
    InvalidAddress.
    """
    if transaction.get("type") not in (2, "0x2"):
        raise _refused("type", "is not an EIP-1559 transaction (type 2)")
    for name in _NUMBERS:
        value = transaction.get(name)
        if type(value) is not int or not 0 <= value < _WORD:
            raise _refused(name, f"needs {name} as an integer")
    if transaction["nonce"] >= LAST_NONCE:
        raise _refused("nonce", "has a nonce that no chain takes (EIP-2681)")
    if transaction["chainId"] == 0:
        raise _refused("chainId", "has no chain id: anybody could repeat it on another chain")
    for name in ("maxFeePerGas", "maxPriorityFeePerGas"):
        if transaction[name] != 0:
            raise _refused(name, "offers a fee: on a zero-fee chain it would block its wallet")
    if transaction.get("accessList"):
        raise _refused("accessList", "has an access list")
    data = transaction.get("data", b"")
    if not isinstance(data, bytes):
        raise _refused("data", "needs its data as bytes")
    to = transaction.get("to")
    return [
        transaction["chainId"],
        transaction["nonce"],
        0,
        0,
        transaction["gas"],
        bytes.fromhex(check_address(to)[2:]) if to else b"",
        transaction["value"],
        bytes(data),
        [],
    ]


def priced_cancel_fields(chain_id: int, nonce: int, wallet: str, price: int) -> list[Any]:
    """The nine fields of a self-transfer of nothing at a price: what frees a wallet that a price has jammed.

    Raises SigningRefused for a price of 0 or out of range, and as ``unsigned_fields``.
    """
    if type(price) is not int or not 0 < price < _WORD:
        raise _refused("maxFeePerGas", "needs a price above 0")
    fields = unsigned_fields(
        {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "to": wallet,
            "value": 0,
            "gas": 21_000,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
        }
    )
    fields[2] = fields[3] = price
    return fields


def encoded(fields: Sequence[Any]) -> bytes:
    """The nine fields in RLP, which what is signed and what is sent have in common."""
    return unsigned_content(*fields[:8])


def signing_preimage(unsigned: bytes) -> bytes:
    """What is hashed and then signed, of ``encoded`` fields."""
    return _TYPE + list_of(unsigned)


def signed_bytes(unsigned: bytes, signature: bytes) -> bytes:
    """The bytes to send, of ``encoded`` fields, with a signature of r, s and the recovery id (0 or 1), 65 bytes."""
    y_parity, r, s = number(signature[64]), signature[:32].lstrip(b"\0"), signature[32:64].lstrip(b"\0")
    return _TYPE + list_of(unsigned + content_of([y_parity, r, s]))


def _refused(field: str, problem: str) -> SigningRefused:
    return SigningRefused(f"The transaction {problem}.", field=field)
