"""Signed transactions, read back from their bytes before they leave us.

Decisions that govern this module:

* Nodes do not protect us: Anvil takes another chain's transaction, Besu takes one without a chain id, and Besu's
  sequenced pool takes one with a fee and then never mines it nor anything after it. So the bytes are judged here.
* Only the types that we sign are known: legacy with EIP-155, EIP-2930 (type 1), EIP-1559 (type 2).
* Bytes are judged when they are signed and once more when they leave: what was read in them is kept meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final, NamedTuple

import rlp
from rlp.exceptions import RLPException

from pyjpm.chain.fields import decode_fields, list_header, unsigned_content
from pyjpm.errors.chain import GasLimitTooHigh, MalformedTransaction, NonZeroFee, UnprotectedTransaction, WrongChain
from pyjpm.hashing import keccak256

_KEPT: Final = 1 << 14
_LARGEST_KEPT: Final = 2_048  # bytes: payments are smaller; a memory full of batches would be a gigabyte
_SIGNATURE: Final = 1 + 33 + 33  # bytes: parity, r and s, as nearly all of them are
_read: OrderedDict[bytes, RawTransaction] = OrderedDict()


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


def decode_raw(raw: bytes) -> RawTransaction:
    """The transaction in ``raw``. Raises MalformedTransaction. The signature is the node's to check."""
    return _read.get(raw) or _keep(raw, _decode(raw))


def read_as(
    raw: bytes, *, chain_id: int, nonce: int, fee: int, gas: int, to: bytes, data: bytes
) -> RawTransaction | None:
    """What ``decode_raw`` reads in an EIP-1559 transaction of no value that says exactly this, None in any other.

    What the bytes should be is written out and compared, at half the cost of taking them apart: so are those of every
    payment. None as well for the one signature in 128 that is shorter than most. Both fees are ``fee``, in wei.
    """
    content = unsigned_content(chain_id, nonce, fee, fee, gas, to, 0, data)
    start = b"\x02" + list_header(len(content) + _SIGNATURE) + content
    if len(raw) != len(start) + _SIGNATURE or not raw.startswith(start):
        return None
    parity, kind_r, first_r = raw[len(start)], raw[len(start) + 1], raw[len(start) + 2]
    kind_s, first_s = raw[len(start) + 34], raw[len(start) + 35]
    if parity not in (0x80, 0x01) or kind_r != 0xA0 or kind_s != 0xA0 or not first_r or not first_s:
        return None
    return _keep(
        raw, RawTransaction("0x" + keccak256(raw).hex(), chain_id, nonce, gas, (fee, fee), to, value=0, data=data)
    )


def _keep(raw: bytes, said: RawTransaction) -> RawTransaction:
    if len(raw) <= _LARGEST_KEPT:
        _read[raw] = said
        if len(_read) > _KEPT:
            _read.popitem(last=False)
    return said


def _decode(raw: bytes) -> RawTransaction:
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
