"""A transaction's fields in RLP: byte for byte what the general library gives and takes."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from hypothesis import example, given
from hypothesis import strategies as st
from rlp.exceptions import RLPException

from pyjpm.chain.fields import decode_fields, encode_fields, number

FIELDS = st.lists(
    st.none() | st.binary(max_size=70) | st.binary(min_size=250, max_size=300) | st.integers(0, 1 << 256).map(number),
    max_size=14,
)


def as_lists(fields: list[bytes | None]) -> list[Any]:
    return [[] if field is None else field for field in fields]


@given(FIELDS)
def test_encoding_is_the_librarys(fields: list[bytes | None]) -> None:
    encoded = encode_fields(fields)
    assert encoded == rlp.encode(as_lists(fields))
    assert decode_fields(encoded) == fields


@given(FIELDS, st.data())
@example([b"\x01"], None)
def test_what_the_library_refuses_is_refused(fields: list[bytes | None], data: Any) -> None:
    encoded = bytearray(encode_fields(fields))
    if data is None:
        encoded = bytearray(b"\xc2\x81\x01")  # a longer form than needed
    else:
        for _ in range(data.draw(st.integers(1, 3))):
            encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
        encoded = encoded[: data.draw(st.integers(0, len(encoded)))]
    try:
        expected = rlp.decode(bytes(encoded))
    except RLPException:
        with pytest.raises(ValueError, match=r"\w"):
            decode_fields(bytes(encoded))
        return
    try:
        found = decode_fields(bytes(encoded))
    except ValueError:
        # Only what has something in a list inside, or is no list, is the library's alone.
        assert isinstance(expected, bytes) or any(isinstance(each, list) and each for each in expected)
        return
    assert as_lists(found) == [list(each) if isinstance(each, (list, tuple)) else each for each in expected]


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, (1 << 256) - 1])
def test_numbers_have_no_leading_zeros(value: int) -> None:
    assert rlp.encode(value) == rlp.encode(number(value))
    assert int.from_bytes(number(value), "big") == value
