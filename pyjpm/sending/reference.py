"""Names that cannot drift: references of payments and hashes of requests.

Decisions that govern this module:

* A reference is a pure function of what the client sent, never of a counter of ours, which a restored backup would
  rewind. So a retry after any loss meets its own reference, and the contract's lock on it.
* These formulas are final: another formula would give a payment made before a second name, under which it could be
  paid again. A change needs new tags beside the old ones.
* All parts have 32 bytes before they are hashed, as ``abi.encode`` lays them out, so no two inputs run together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import orjson

from pyjpm.hashing import keccak256

_PAYMENT: Final = keccak256(b"pyjpm payment reference 1")
_BATCH: Final = keccak256(b"pyjpm batch reference 1")
_REQUEST_VERSION: Final = 1
# The contract packs 256 spent flags into a word: payments of one batch that share a word cost a fraction.
_PER_WORD: Final = 256


def payment_reference(participant: int, idempotency_key: str) -> bytes:
    """The reference of a single payment, 32 bytes.

    Args:
        participant: id of the paying participant.
        idempotency_key: the client's name for this payment.
    """
    return keccak256(_PAYMENT + _word(participant) + keccak256(idempotency_key.encode()))


def batch_reference(participant: int, batch_id: str, position: int) -> bytes:
    """The reference of one payment of a batch or file, 32 bytes.

    Args:
        participant: id of the paying participant.
        batch_id: the client's name for the batch.
        position: the line's place in the file as received, from 0, counted before any check.
    """
    if position < 0:
        raise ValueError("a position is counted from 0")
    word, bit = divmod(position, _PER_WORD)
    return keccak256(_BATCH + _word(participant) + keccak256(batch_id.encode()) + _word(word))[:31] + bytes([bit])


def request_sha256(kind: str, content: Mapping[str, object]) -> str:
    """What a request says, as 64 hex digits: equal for equal content, whatever the order of its members.

    Raises TypeError for anything but text, integers, booleans, None, lists and mappings of text: a float or an object
    could be written in two ways.
    """
    return sha256_of(kind, canonical(content))


def sha256_of(kind: str, content: str) -> str:
    """As ``request_sha256`` of content that is canonical JSON already."""
    # The members in their canonical order.
    whole = f'{{"content":{content},"kind":{canonical(kind)},"version":{_REQUEST_VERSION}}}'
    return hashlib.sha256(whole.encode()).hexdigest()


def canonical(value: object) -> str:
    """The canonical JSON of plain values: sorted members, no spaces, ASCII. Raises TypeError as ``request_sha256``."""
    return written(plain(value))


def plain(value: object) -> Any:
    """A copy of plain values, as reading their canonical JSON gives it. Raises TypeError as ``request_sha256``."""
    # By exact type: an IntEnum or a str subclass may write itself in another way tomorrow.
    if value is None or type(value) in (str, int, bool):
        return value
    if type(value) is list:
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        if any(type(name) is not str for name in value):
            raise TypeError("members of a request are named by text")
        return {name: plain(value[name]) for name in sorted(value)}
    raise TypeError(f"{type(value).__name__} has no canonical form in a request")


def written(plain: Any) -> str:
    """The canonical JSON of what ``plain`` gave."""
    try:
        fast = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number of more than 64 bits, half a character
        return _ENCODER.encode(plain)
    # Where nothing is beyond printable ASCII both write the same; tests hold them equal.
    return fast.decode() if fast.isascii() and b"\x7f" not in fast else _ENCODER.encode(plain)


# Made once: making one costs as much as what it writes here.
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
