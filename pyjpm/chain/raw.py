"""Signed transactions, read back from their bytes before they leave us.

Decisions that govern this module:

* Nodes do not protect us: Anvil takes another chain's transaction, Besu takes one without a chain id, and Besu's
  sequenced pool takes one with a fee and then never mines it nor anything after it. So the bytes are judged here.
* Only the types that we sign are known: legacy with EIP-155, EIP-2930 (type 1), EIP-1559 (type 2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import rlp
from rlp.exceptions import RLPException

from pyjpm.chain.fields import decode_fields
from pyjpm.errors.chain import GasLimitTooHigh, MalformedTransaction, NonZeroFee, UnprotectedTransaction, WrongChain
from pyjpm.hashing import keccak256


class RawTransaction(NamedTuple):
    """What the bytes of a signed transaction say. Gas in gas, ``fees`` in wei per gas, ``value`` in wei.

    ``chain_id`` is None for a transaction signed before EIP-155; ``to`` is empty for a contract creation.
    """

    hash: str
    chain_id: int | None
    nonce: int
    gas: int
    fees: tuple[int, ...]
    to: bytes
    value: int
    data: bytes


@lru_cache(maxsize=4_096)
def decode_raw(raw: bytes) -> RawTransaction:
    """The transaction in ``raw``. Raises MalformedTransaction. The signature is the node's to check.

    Kept for a while: bytes are judged when they are signed, and once more when they leave.
    """
    try:
        if raw[:1] == b"\x01":
            chain_id, nonce, price, gas, to, value, data, *_ = _fields(raw[1:], 11)
            fees: tuple[bytes, ...] = (price,)
        elif raw[:1] == b"\x02":
            chain_id, nonce, priority, most, gas, to, value, data, *_ = _fields(raw[1:], 12)
            fees = (most, priority)
        else:
            nonce, price, gas, to, value, data, v, *_ = _fields(raw, 9)
            chain_id, fees = _chain_id_of(_int(v)), (price,)
        if len(to) not in (0, 20):
            raise ValueError("recipient")
        return RawTransaction(
            hash="0x" + keccak256(raw).hex(),
            chain_id=None if chain_id is None else _int(chain_id),
            nonce=_int(nonce),
            gas=_int(gas),
            fees=tuple(_int(fee) for fee in fees),
            to=bytes(to),
            value=_int(value),
            data=bytes(data),
        )
    except (RLPException, ValueError, TypeError):
        raise MalformedTransaction("These bytes are no signed transaction of a known type.", size=len(raw)) from None


def check_raw(transaction: RawTransaction, *, chain_id: int) -> None:
    """Refuse what would harm its sender. Raises UnprotectedTransaction, WrongChain, NonZeroFee."""
    if transaction.chain_id is None:
        raise UnprotectedTransaction("The transaction is signed without a chain id.", tx_hash=transaction.hash)
    if transaction.chain_id != chain_id:
        raise WrongChain(
            f"The transaction is signed for chain {transaction.chain_id}, this is chain {chain_id}.",
            what="chain_id",
            expected=chain_id,
            actual=transaction.chain_id,
            tx_hash=transaction.hash,
        )
    if any(transaction.fees):
        raise NonZeroFee(
            "The transaction offers a fee on a zero-fee chain.", tx_hash=transaction.hash, fees=list(transaction.fees)
        )


def gas_limit_too_high(transaction: RawTransaction, block_gas_limit: int) -> GasLimitTooHigh:
    """The error for a transaction that fits no block."""
    return GasLimitTooHigh(
        f"The transaction's gas limit {transaction.gas} is above the block's {block_gas_limit}.",
        tx_hash=transaction.hash,
        gas=transaction.gas,
        block_gas_limit=block_gas_limit,
    )


def _fields(encoded: bytes, count: int) -> list[Any]:
    fields: Any
    try:
        fields = decode_fields(encoded)
    except ValueError:
        fields = rlp.decode(encoded)  # with an access list, or with what is wrong with it
    if not isinstance(fields, list) or len(fields) != count:
        raise ValueError("number of fields")
    return fields


def _int(value: bytes | int) -> int:
    if isinstance(value, int):
        return value
    if not isinstance(value, bytes) or value[:1] == b"\x00":
        raise ValueError("integer")
    return int.from_bytes(value, "big")


def _chain_id_of(v: int) -> int | None:
    if v in (27, 28):
        return None
    if v < 35:
        raise ValueError("v")
    return (v - 35) // 2
