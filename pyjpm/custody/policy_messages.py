"""Structured messages as they cross the socket: plain JSON, read back by the types of what is signed."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

from eth_utils.address import is_hex_address, to_checksum_address

from pyjpm.contracts.eip712 import Domain, TypedMessage, signed_types

_STRUCT: Final = re.compile(r"(\w+)\(([^()]*)\)")


def message_to_wire(message: TypedMessage) -> dict[str, Any]:
    """A message as JSON: bytes as ``0x…``, whole numbers as they are."""
    domain = message.domain
    return {
        "domain": [domain.name, domain.version, domain.chain_id, domain.contract],
        "type": message.primary_type,
        "message": _plain(message.message),
    }


def message_from_wire(plain: Mapping[str, Any]) -> TypedMessage:
    """The message that JSON says. Raises ValueError, TypeError, KeyError where it is none of the signed types."""
    name, version, chain_id, contract = plain["domain"]
    if not (isinstance(name, str) and isinstance(version, str) and type(chain_id) is int and is_hex_address(contract)):
        raise ValueError("domain")
    primary = plain["type"]
    members = _structs(primary)
    read = _struct(members, primary, plain["message"])
    return TypedMessage(Domain(name, chain_id, to_checksum_address(contract), version), primary, read)


def _plain(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


@functools.cache
def _structs(primary: str) -> dict[str, dict[str, str]]:
    return {
        name: {label: kind for kind, label in (member.split(" ") for member in body.split(",") if member)}
        for name, body in _STRUCT.findall(signed_types()[primary])
    }


def _struct(structs: Mapping[str, Mapping[str, str]], name: str, plain: Any) -> dict[str, Any]:
    members = structs[name]
    if not isinstance(plain, Mapping) or plain.keys() != members.keys():
        raise ValueError(f"members of {name}")
    return {label: _value(structs, kind, plain[label]) for label, kind in members.items()}


def _value(structs: Mapping[str, Mapping[str, str]], kind: str, plain: Any) -> Any:
    if kind.endswith("[]"):
        if not isinstance(plain, list):
            raise TypeError(kind)
        return [_value(structs, kind[:-2], each) for each in plain]
    if kind in structs:
        return _struct(structs, kind, plain)
    if kind.startswith("bytes"):
        if not isinstance(plain, str) or not plain.startswith("0x"):
            raise TypeError(kind)
        return bytes.fromhex(plain[2:])
    if kind == "address":
        if not is_hex_address(plain):
            raise ValueError(kind)
        return to_checksum_address(plain)
    expected = bool if kind == "bool" else str if kind == "string" else int
    if type(plain) is not expected:
        raise TypeError(kind)
    return plain
