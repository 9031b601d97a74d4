"""Transactions compared with what they should say: as much is seen as in taking them apart."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from pyjpm.chain import raw
from pyjpm.chain.fields import content_of, number, unsigned_content
from pyjpm.chain.raw import decode_raw, read_as
from pyjpm.errors.chain import MalformedTransaction

KEY = "0x" + "17" * 32  # of no account anywhere
TO = bytes.fromhex("11" * 20)
ASKED: dict[str, Any] = {"chain_id": 31_337, "nonce": 5, "fee": 0, "gas": 90_000, "to": TO, "data": b"\xbe\xef"}


def signed(asked: dict[str, Any], **changes: Any) -> bytes:
    transaction = {
        "type": 2,
        "chainId": asked["chain_id"],
        "nonce": asked["nonce"],
        "maxFeePerGas": asked["fee"],
        "maxPriorityFeePerGas": asked["fee"],
        "gas": asked["gas"],
        "value": 0,
        "data": asked["data"],
        **({"to": "0x" + asked["to"].hex()} if asked["to"] else {}),
        **changes,
    }
    return bytes(Account.sign_transaction(transaction, KEY).raw_transaction)


@given(
    st.fixed_dictionaries(
        {
            "chain_id": st.integers(1, 2**53),
            "nonce": st.integers(0, 2**63),
            "fee": st.sampled_from([0, 1, 2**40]),
            "gas": st.integers(21_000, 2**40),
            "to": st.sampled_from([b"", TO, bytes(19) + b"\x01"]),
            "data": st.binary(max_size=400),
        }
    )
)
def test_what_says_what_it_should_is_read_as_it_is_taken_apart(asked: dict[str, Any]) -> None:
    bytes_ = signed(asked)
    said = read_as(bytes_, **asked)
    raw._read.clear()
    # A short r or s, one in 128, is left to taking it apart.
    assert said is None or said == decode_raw(bytes_)
    short = decode_fields_of(bytes_)
    assert (said is None) is any(len(each) < 32 for each in short)


def test_large_ones_are_read_anew() -> None:
    """Thousands of batches that are kept would be a gigabyte."""
    large = signed({**ASKED, "data": bytes(3_000)})
    raw._read.clear()
    assert decode_raw(large) == decode_raw(large) == read_as(large, **{**ASKED, "data": bytes(3_000)})
    assert not raw._read
    small = signed(ASKED)
    assert decode_raw(small) is decode_raw(small)


def decode_fields_of(bytes_: bytes) -> list[bytes]:
    """r and s."""
    fields = raw.decode_fields(bytes_[1:])
    return [each or b"" for each in fields[-2:]]


def unlike() -> list[dict[str, Any]]:
    return [
        {"nonce": 6},
        {"chainId": 1},
        {"gas": 90_001},
        {"to": "0x" + "12" * 20},
        {"to": None},
        {"value": 1},
        {"data": b"\xbe\xee"},
        {"data": b"\xbe\xef\x00"},
        {"data": b""},
        {"maxFeePerGas": 1},
        {"maxFeePerGas": 1, "maxPriorityFeePerGas": 1},
        {"accessList": [{"address": "0x" + "11" * 20, "storageKeys": []}]},
    ]


@pytest.mark.parametrize("change", unlike(), ids=str)
def test_what_says_anything_else_is_not_read_as_that(change: dict[str, Any]) -> None:
    other = {name: value for name, value in change.items() if value is not None}
    asked = {**ASKED, "to": b""} if change.get("to", 0) is None else ASKED
    bytes_ = signed(asked, **other)
    assert read_as(bytes_, **ASKED) is None
    # And that it was asked for is no excuse for what it says.
    said = decode_raw(bytes_)
    asked_for = (ASKED["chain_id"], ASKED["nonce"], ASKED["gas"], (0, 0), TO, 0, ASKED["data"])
    assert said[1:] != asked_for or "accessList" in change


def test_bytes_that_are_not_a_transaction_are_not_read() -> None:
    good = signed(ASKED)
    assert read_as(good, **ASKED) is not None
    for at in range(len(good)):
        bad = good[:at] + bytes([good[at] ^ 0x80]) + good[at + 1 :]
        said = read_as(bad, **ASKED)
        # Another signature over the same is for the node to refuse.
        assert said is None or at >= len(good) - 67
    for cut in (good[:-1], good + b"\0", good[1:], b"", b"\x02"):
        assert read_as(cut, **ASKED) is None
        with pytest.raises(MalformedTransaction):
            decode_raw(cut)


def test_only_so_much_is_kept_of_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    raw._read.clear()
    monkeypatch.setattr(raw, "_KEPT", 3)
    made = [signed({**ASKED, "nonce": nonce}) for nonce in range(6)]
    for each in made:
        assert decode_raw(each) == decode_raw(each)
    assert list(raw._read) == made[-3:]
    raw._read.clear()


@given(
    st.integers(1, 2**64), st.integers(0, 2**64), st.integers(0, 2**70), st.integers(0, 2**40), st.binary(max_size=99)
)
def test_the_fields_that_are_signed_are_those_nine(chain: int, nonce: int, fee: int, gas: int, data: bytes) -> None:
    whole = content_of([number(chain), number(nonce), number(fee), number(fee), number(gas), TO, number(0), data, None])
    assert unsigned_content(chain, nonce, fee, fee, gas, TO, 0, data) == whole
