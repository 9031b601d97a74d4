"""The ABI encoding of plain arguments: addresses, numbers, 32 bytes, byte strings.

Written out because every payment is encoded: the general encoder builds its parts anew for each call, at ten times the
cost. A test holds the bytes equal to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from eth_abi.abi import encode

_WORD: Final = 32
_NUMBERS: Final = {f"uint{bits}": 1 << bits for bits in range(8, 257, 8)}


def encode_plain(types: Sequence[str], values: Sequence[Any]) -> bytes | None:
    """``abi.encode`` of these values; None where one is of another kind, or none that its type takes: then the general
    encoder knows what to do, or what is wrong."""
    heads: list[bytes] = []
    tails: list[bytes] = []
    end = _WORD * len(types)
    for kind, value in zip(types, values, strict=True):
        if kind == "address" and type(value) is str:
            heads.append(_address(value))
        elif kind in _NUMBERS and type(value) is int and 0 <= value < _NUMBERS[kind]:
            heads.append(value.to_bytes(_WORD, "big"))
        elif kind == "bytes32" and type(value) is bytes and len(value) == _WORD:
            heads.append(value)
        elif kind == "bytes" and type(value) is bytes:
            heads.append(end.to_bytes(_WORD, "big"))
            tail = len(value).to_bytes(_WORD, "big") + value + bytes(-len(value) % _WORD)
            tails.append(tail)
            end += len(tail)
        else:
            return None
    return b"".join([*heads, *tails])


@lru_cache(maxsize=4_096)
def _address(value: str) -> bytes:
    # Checked by the general encoder, once for each: most calls name the same few.
    return encode(["address"], [value])
