"""Plain arguments in ABI words: byte for byte what the general encoder gives, and nothing that it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from pyjpm.contracts.words import encode_plain

KINDS = {
    "address": st.binary(min_size=20, max_size=20).flatmap(
        lambda raw: st.sampled_from(["0x" + raw.hex(), to_checksum_address(raw)])
    ),
    "uint256": st.integers(0, (1 << 256) - 1),
    "uint32": st.integers(0, (1 << 32) - 1),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=100),
}
ARGUMENTS = st.lists(
    st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), KINDS[kind])), max_size=8
)


@given(ARGUMENTS)
def test_encoding_is_the_general_one(arguments: list[tuple[str, Any]]) -> None:
    types, values = [kind for kind, _ in arguments], [value for _, value in arguments]
    assert encode_plain(types, values) == encode(types, values)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint256", -1),
        ("uint256", True),
        ("bytes32", bytes(33)),
        ("bytes32", bytes(31)),
        ("bytes", "0x00"),
        ("bool", True),
        ("uint256[]", [1]),
        ("address", bytes(20)),
    ],
)
def test_what_is_not_plain_is_left_to_the_general_one(kind: str, value: Any) -> None:
    assert encode_plain([kind], [value]) is None


@pytest.mark.parametrize("value", ["0x", "0x" + "0" * 39, "0x" + "g" * 40])
def test_no_address_is_none(value: str) -> None:
    with pytest.raises(EncodingError):
        encode_plain(["address"], [value])
    with pytest.raises(EncodingError):
        encode(["address"], [value])
