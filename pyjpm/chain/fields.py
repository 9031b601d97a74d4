"""RLP of a transaction's fields: byte strings, and an access list that is empty in all of ours.

Written out because every payment's bytes are made twice and read once: a library for any structure infers each field's
type anew, at ten times the cost. Tests hold both directions equal to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

EMPTY_LIST: Final = b"\xc0"
_STRING, _LIST = 0x80, 0xC0
_SHORT: Final = 55  # the longest content whose length is in its first byte


def number(value: int) -> bytes:
    """An integer as a field has it: big-endian without leading zeros."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def encode_fields(fields: Sequence[bytes | None]) -> bytes:
    """The RLP list of these fields; None is an empty list."""
    return list_of(content_of(fields))


def content_of(fields: Sequence[bytes | None]) -> bytes:
    """The same without what says how long it is: contents that follow one another are one list's."""
    return b"".join([EMPTY_LIST if field is None else _string(field) for field in fields])


def list_of(content: bytes) -> bytes:
    """The RLP list with this content."""
    return list_header(len(content)) + content


def list_header(size: int) -> bytes:
    """What stands before the content of a list, where that has so many bytes."""
    return _header(_LIST, size)


def unsigned_content(
    chain_id: int, nonce: int, priority: int, most: int, gas: int, to: bytes, value: int, data: bytes
) -> bytes:
    """The nine fields of an EIP-1559 transaction that are signed, in their order: the last is an empty access list."""
    kind = _between(priority, most, gas, to, value)
    return b"".join((_number(chain_id), _string(number(nonce)), kind, _string(data), EMPTY_LIST))


@lru_cache(maxsize=1_024)
def _between(priority: int, most: int, gas: int, to: bytes, value: int) -> bytes:
    # Nearly all transactions are of the same few kinds.
    return content_of([number(priority), number(most), number(gas), to, number(value)])


@lru_cache(maxsize=64)
def _number(value: int) -> bytes:
    return _string(number(value))


def decode_fields(encoded: bytes) -> list[bytes | None]:
    """The fields of an RLP list; None is an empty list.

    Raises ValueError for what is not exactly the encoding of such fields; a list that is not empty is none of them.
    """
    kind, start, end = _span(encoded, 0)
    if kind != _LIST or end != len(encoded):
        raise ValueError("not one list")
    fields: list[bytes | None] = []
    while start < end:
        kind, first, start = _span(encoded, start)
        if kind == _LIST and first != start:
            raise ValueError("a list inside")
        fields.append(None if kind == _LIST else encoded[first:start])
    if start != end:
        raise ValueError("a field goes beyond the list")
    return fields


def _string(content: bytes) -> bytes:
    if len(content) == 1 and content[0] < _STRING:
        return content
    return _header(_STRING, len(content)) + content


def _header(kind: int, size: int) -> bytes:
    if size <= _SHORT:
        return bytes((kind + size,))
    length = number(size)
    return bytes((kind + _SHORT + len(length),)) + length


def _span(encoded: bytes, at: int) -> tuple[int, int, int]:
    """Whether a string or a list begins here, and where its content begins and ends. Raises ValueError."""
    if at >= len(encoded):
        raise ValueError("nothing there")
    first = encoded[at]
    if first < _STRING:
        return _STRING, at, at + 1
    kind = _STRING if first < _LIST else _LIST
    size, start = first - kind, at + 1
    if size > _SHORT:
        start += size - _SHORT
        length = encoded[at + 1 : start]
        size = int.from_bytes(length, "big")
        if len(length) != start - at - 1 or not length[0] or size <= _SHORT:
            raise ValueError("not the shortest length")
    end = start + size
    if end > len(encoded):
        raise ValueError("cut off")
    if kind == _STRING and size == 1 and encoded[start] < _STRING:
        raise ValueError("not the shortest string")
    return kind, start, end
