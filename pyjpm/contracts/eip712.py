"""EIP-712: what people and machines sign, hashed in Python exactly as the contracts hash it.

There is one definition of every signed structure: its type string in the Solidity sources. Compiling collects these
strings into ``artifacts/eip712.json``; this module encodes by them. Structures that no contract reads are in
``OFF_CHAIN``: parties sign them for each other, under a contract's domain all the same. A signature is always bound to
a chain, a contract and, inside the message, a deadline.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from pyjpm.contracts.artifacts import FOLDER
from pyjpm.errors.documents import MalformedDocument, MalformedSignature

TYPES_FILE: Final = "eip712.json"

OFF_CHAIN: Final = {
    "Quote": "Quote(address dealer,address client,address soldToken,uint256 soldAmount,address boughtToken,"
    "uint256 boughtAmount,bytes32 quoteReference,uint40 validUntil)",
}
"""Signed structures that no contract reads: primary type -> type string."""

_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_TYPE: Final = re.compile(r"(\w+)\(([^()]*)\)")
_TYPEHASH: Final = re.compile(r'keccak256\(\s*"([A-Z]\w*\([^"]*\))"\s*\)')

Members = tuple[tuple[str, str], ...]


def extract_type_strings(sources: Mapping[str, str]) -> dict[str, str]:
    """The EIP-712 type strings that these Solidity sources hash, by the name of the primary type."""
    found: dict[str, str] = {}
    for text in sources.values():
        for type_string in _TYPEHASH.findall(text):
            found[type_string.partition("(")[0]] = type_string
    return dict(sorted(found.items()))


@functools.cache
def type_strings() -> dict[str, str]:
    """Every signed structure of the shipped contracts: primary type -> type string."""
    table: dict[str, str] = json.loads((FOLDER / TYPES_FILE).read_text(encoding="utf-8"))
    return table


@functools.cache
def signed_types() -> dict[str, str]:
    """Every structure that is signed, for a contract or off the chain: primary type -> type string."""
    return {**type_strings(), **OFF_CHAIN}


@functools.cache
def _members(primary: str) -> tuple[bytes, dict[str, Members]]:
    type_string = signed_types()[primary]
    structs: dict[str, Members] = {}
    for name, body in _TYPE.findall(type_string):
        pairs = (member.split(" ") for member in body.split(",") if member)
        structs[name] = tuple((kind, label) for kind, label in pairs)
    return keccak(text=type_string), structs


@functools.cache
def _nested_hash(primary: str, name: str) -> bytes:
    """Type hash of a structure inside ``primary``: only as deep as the contracts go, structures of plain members."""
    for text in _TYPE.finditer(signed_types()[primary]):
        if text.group(1) == name:
            return keccak(text=text.group(0))
    raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Domain:
    """Binds a signature to one contract on one chain."""

    name: str
    chain_id: int
    contract: str
    version: str = "1"

    @property
    def separator(self) -> bytes:
        """The EIP-712 domain separator, 32 bytes."""
        return _separator(self.name, self.version, self.chain_id, self.contract)


@functools.lru_cache(maxsize=256)
def _separator(name: str, version: str, chain_id: int, contract: str) -> bytes:
    type_hash = keccak(text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    return keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [type_hash, keccak(text=name), keccak(text=version), chain_id, to_canonical_address(contract)],
        )
    )


@dataclass(frozen=True, slots=True)
class TypedMessage:
    """A structure to sign: ``primary_type`` names one of :func:`signed_types`, ``message`` has its members by name."""

    domain: Domain
    primary_type: str
    message: Mapping[str, Any]

    @property
    def struct_hash(self) -> bytes:
        """EIP-712 hashStruct, 32 bytes: the id of orders and trades."""
        return struct_hash(self.primary_type, self.message)

    @property
    def preimage(self) -> bytes:
        """What is hashed, 66 bytes: for devices that hash what they sign."""
        return b"\x19\x01" + self.domain.separator + self.struct_hash

    @property
    def digest(self) -> bytes:
        """What is signed, 32 bytes."""
        return keccak(self.preimage)


def struct_hash(primary: str, message: Mapping[str, Any]) -> bytes:
    """EIP-712 hashStruct of a message of type ``primary``, 32 bytes.

    Raises:
        MalformedDocument: a member is missing, or is not of its type. Others are not looked at.
    """
    type_hash, structs = _members(primary)
    try:
        return _hash_members(type_hash, structs[primary], message, primary, structs)
    except (EncodingError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedDocument(f"The {primary} has a member that is missing or not of its type.") from error


def _hash_members(
    type_hash: bytes, members: Members, message: Mapping[str, Any], primary: str, structs: Mapping[str, Members]
) -> bytes:
    kinds, values = ["bytes32"], [type_hash]
    for kind, label in members:
        plain, value = _encoded(kind, message[label], primary, structs)
        kinds.append(plain)
        values.append(value)
    return keccak(encode(kinds, values))


def _encoded(kind: str, value: Any, primary: str, structs: Mapping[str, Members]) -> tuple[str, Any]:
    if kind.endswith("[]"):
        items: Sequence[Any] = value
        encoded = [_encoded(kind[:-2], item, primary, structs) for item in items]
        return "bytes32", keccak(b"".join(encode([plain], [item]) for plain, item in encoded))
    if kind in structs:
        return "bytes32", _hash_members(_nested_hash(primary, kind), structs[kind], value, primary, structs)
    if kind == "string":
        return "bytes32", keccak(text=value)
    if kind == "bytes":
        return "bytes32", keccak(value)
    if kind == "address":
        return kind, to_canonical_address(value)
    return kind, value


def recover(digest: bytes, signature: bytes) -> bytes:
    """The 20-byte address whose key made ``signature`` (r, s, v; 65 bytes, low s) over ``digest``.

    Raises:
        MalformedSignature: not 65 bytes, a high s, or no point on the curve.
    """
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise MalformedSignature(f"A signature has 65 bytes ending in 27 or 28, this one has {len(signature)}.")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise MalformedSignature("The signature has a high s.")
    try:
        key = Signature(signature[:64] + bytes([signature[64] - 27])).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError) as error:
        raise MalformedSignature("The signature is no point on the curve.") from error
    return key.to_canonical_address()
