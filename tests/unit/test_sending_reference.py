"""References and request hashes never change: these values are promises to payments already made."""

from __future__ import annotations

import hashlib
import json
from enum import IntEnum

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import example, given
from hypothesis import strategies as st

from pyjpm.sending import batch_reference, payment_reference, request_sha256
from pyjpm.sending.reference import canonical


def test_a_payment_reference_is_the_hash_of_its_tag_participant_and_key() -> None:
    tag = keccak(text="pyjpm payment reference 1")
    expected = keccak(encode(["bytes32", "uint256", "bytes32"], [tag, 7, keccak(text="INV-2026-1")]))
    assert payment_reference(7, "INV-2026-1") == expected
    assert expected.hex() == "1d77af02a1522e12589a2136ada159bf73aaa9e62ef99bd29a78fd1951ae21b0"


def test_a_batch_reference_is_a_word_of_256_positions() -> None:
    tag = keccak(text="pyjpm batch reference 1")
    word = keccak(encode(["bytes32", "uint256", "bytes32", "uint256"], [tag, 7, keccak(text="run-1"), 1]))
    assert batch_reference(7, "run-1", 256 + 5) == word[:31] + b"\x05"
    assert batch_reference(7, "run-1", 261).hex() == "9311de39e79a388b20f513908004f1b0b2d3df6703229ad10595b8fec7ffe605"
    assert batch_reference(7, "run-1", 0)[:31] == batch_reference(7, "run-1", 255)[:31]
    assert batch_reference(7, "run-1", 255)[:31] != batch_reference(7, "run-1", 256)[:31]


def test_references_of_one_batch_differ_and_are_no_payments() -> None:
    batch = [batch_reference(1, "a", position) for position in range(1_000)]
    assert len(set(batch)) == 1_000
    assert batch_reference(1, "a", 0) != payment_reference(1, "a")
    assert payment_reference(1, "a") != payment_reference(2, "a") != payment_reference(2, "b")


def test_a_position_is_not_negative() -> None:
    with pytest.raises(ValueError, match="position"):
        batch_reference(1, "a", -1)


def test_a_request_hash_is_final() -> None:
    content = {"payee": 12, "amount": "100.00", "lines": [{"no": 1, "ok": True, "note": None}], "name": "Zürich"}
    assert request_sha256("payments.pay", content) == "370b73074002243117d1c54695ae9e993686e5f4cb85df74fd2073163493ca77"


def test_the_order_of_members_does_not_matter_and_everything_else_does() -> None:
    assert request_sha256("k", {"a": 1, "b": [1, 2]}) == request_sha256("k", {"b": [1, 2], "a": 1})
    different = [("k", {"a": 1}), ("j", {"a": 1}), ("k", {"a": "1"}), ("k", {"a": True}), ("k", {"a": [1]}), ("k", {})]
    assert len({request_sha256(kind, content) for kind, content in different}) == len(different)


class Level(IntEnum):
    HIGH = 1


@pytest.mark.parametrize("value", [1.5, b"x", (1,), {1}, object(), {1: "a"}, [1.0], {"a": {"b": 0.1}}, Level.HIGH])
def test_what_has_no_single_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        request_sha256("k", {"a": value})


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), plain, max_size=4), st.dictionaries(st.text(), plain, max_size=4))
def test_only_equal_content_has_equal_hashes(one: dict[str, object], other: dict[str, object]) -> None:
    # repr tells True from 1, which compare equal in Python and are different requests.
    same = _shown(one) == _shown(other)
    assert (request_sha256("k", one) == request_sha256("k", other)) is same


@given(st.dictionaries(st.text(), plain, max_size=4))
@example({"a": "\x7f", "b": '\x00\n"\\/'})
@example({"é": 1, "z": 2})
@example({"half": "\ud800", "big": 2**70, "small": -(2**70)})
def test_the_form_is_that_of_the_standard_encoder(content: dict[str, object]) -> None:
    whole = {"content": content, "kind": "k", "version": 1}
    said = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert request_sha256("k", content) == hashlib.sha256(said.encode()).hexdigest()
    assert canonical(content) == json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{name!r}:{_shown(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_shown(item) for item in value) + "]"
    return repr(value)
