"""Every custom error and every reason of the contracts has exactly one Python class, and decodes to it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from eth_abi import encode

import pyjpm.errors
from pyjpm.contracts import artifacts
from pyjpm.contracts.codec import abi_type
from pyjpm.contracts.decoding import PATHS, decode_revert
from pyjpm.contracts.sources import project_root
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.contracts import ContractError, Panicked, Refusal, RevertedWithText, UnknownRevert
from pyjpm.order import OrderState
from pyjpm.trade import TradeState

ERRORS = sorted(artifacts.custom_errors().items(), key=lambda item: item[1]["name"])


def sample(kind: str) -> Any:
    """A value of an ABI type."""
    if kind.startswith(("uint", "int")):
        return 7
    plain = {"address": "0x" + "ab" * 20, "bool": True, "string": "fundBy", "bytes": b"\1\2"}
    return plain.get(kind) or b"\5" * int(kind.removeprefix("bytes"))


def enum(name: str) -> list[str]:
    """The members of a Solidity enum, in order."""
    text = (project_root() / "contracts" / "libraries" / "Reason.sol").read_text()
    found = re.search(rf"enum {name} \{{(.*?)\n\}}", text, re.DOTALL)
    assert found is not None
    return re.findall(r"^\s*([A-Z_]+),?\s*(?://.*)?$", found.group(1), re.MULTILINE)


def members(interface: str, name: str) -> list[str]:
    text = (project_root() / "contracts" / "interfaces" / f"{interface}.sol").read_text()
    found = re.search(rf"enum {name} \{{(.*?)\}}", text, re.DOTALL)
    assert found is not None
    return re.findall(r"\b([A-Z]\w+)\b", re.sub(r"//[^\n]*", "", found.group(1)))


@pytest.mark.parametrize(("selector", "entry"), ERRORS, ids=[entry["name"] for _, entry in ERRORS])
def test_every_solidity_error_is_a_class_with_a_hint(selector: str, entry: dict[str, Any]) -> None:
    kinds = [abi_type(part) for part in entry["inputs"]]
    values = [
        1 if part["name"] in ("path", "reason") else sample(kind)
        for part, kind in zip(entry["inputs"], kinds, strict=True)
    ]
    error = decode_revert(bytes.fromhex(selector[2:]) + encode(kinds, values))
    known = ContractError.by_solidity_name.get(entry["name"])
    assert known is not None, f"no Python class for {entry['signature']}"
    assert isinstance(error, known)
    assert type(error).code not in ("CONTRACT_ERROR", "PYJPM_ERROR")
    assert error.hint
    assert set(error.details) == {part["name"] for part in entry["inputs"]}
    assert "{" not in error.message


def test_every_reason_is_a_class_of_its_own() -> None:
    reasons = enum("Reason")
    assert reasons[0] == "OK"
    assert set(Refusal.by_reason) - {0} == set(range(1, len(reasons)))
    refused = next(selector for selector, entry in ERRORS if entry["name"] == "Refused")
    for number in range(1, len(reasons)):
        arguments = encode(["uint8", "uint8", "address", "uint256", "uint256"], [1, number, "0x" + "ab" * 20, 3, 4])
        error = decode_revert(bytes.fromhex(refused[2:]) + arguments)
        assert type(error) is Refusal.by_reason[number]
        assert (error.details["path"], error.details["has"], error.details["needs"]) == ("HOLD", 3, 4)


def test_names_of_paths_and_states_are_those_of_the_contracts() -> None:
    assert list(PATHS) == enum("Path")
    assert [state.name for state in OrderState][:-1] == [name.upper() for name in members("IOrderBook", "State")]
    assert [state.name for state in TradeState] == [name.upper() for name in members("ISettlement", "State")]


def test_what_is_not_ours_is_told_apart() -> None:
    text = bytes.fromhex("08c379a0") + encode(["string"], ["not allowed here"])
    assert isinstance(decode_revert(text), RevertedWithText)
    assert isinstance(decode_revert(bytes.fromhex("4e487b71") + encode(["uint256"], [0x11])), Panicked)
    for data in (b"", b"\1\2", b"\xff\xff\xff\xff", text[:20]):
        assert isinstance(decode_revert(data), UnknownRevert)


def test_classes_and_codes_are_unique() -> None:
    seen: dict[str, type[PyjpmError]] = {}
    pending: list[type[PyjpmError]] = [PyjpmError]
    while pending:
        cls = pending.pop()
        pending += [each for each in cls.__subclasses__() if each.__module__.startswith("pyjpm.")]
        other = seen.setdefault(cls.code, cls)
        assert other is cls or issubclass(cls, other) or issubclass(other, cls), (cls, other)
    assert pyjpm.errors is not None
