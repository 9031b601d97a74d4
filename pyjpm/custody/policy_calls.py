"""Calldata taken apart by the ABI that ships with this package, down to the call inside a call.

Decisions that govern this module:

* What is judged is what the chain would execute: calldata that is not byte for byte what encoding gives is refused.
* A call that carries another (a cleared payment, a governed act, several at once) is as many calls; each is judged for
  itself, at the contract that would get it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address

from pyjpm.contracts.codec import abi_type, codec, from_abi, signature_of
from pyjpm.custody.policy_deployment import Contract, Contracts
from pyjpm.errors.policy import CallNotUnderstood, ContractNotAllowed

_DEEPEST: Final = 3


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        contract: that would execute it.
        function: its bare name; ``signature`` with the types.
        arguments: in order; structures by their members' names, addresses checksummed.
        data: the calldata of this call alone.
    """

    contract: Contract
    function: str
    signature: str
    arguments: tuple[Any, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Function:
    """A state-changing function of an ABI."""

    name: str
    signature: str
    inputs: tuple[Mapping[str, Any], ...]
    types: tuple[str, ...]


@functools.cache
def functions(artifact: str) -> Mapping[bytes, Function]:
    """The state-changing functions of a contract by selector. Raises ArtifactNotFound."""
    found = {}
    for entry in codec(artifact).abi:
        if entry["type"] != "function" or entry["stateMutability"] in ("view", "pure"):
            continue
        signature = signature_of(entry)
        found[function_signature_to_4byte_selector(signature)] = Function(
            entry["name"], signature, tuple(entry["inputs"]), tuple(abi_type(part) for part in entry["inputs"])
        )
    return found


def calls_in(contracts: Contracts, address: str, data: bytes, depth: int = 0) -> Iterator[Call]:
    """A call and all calls in it, the outer one first. Raises ContractNotAllowed, CallNotUnderstood."""
    contract = contracts.by_address.get(address)
    if contract is None:
        raise ContractNotAllowed(f"No contract that this signer knows stands at {address}.", contract=address)
    function = functions(contract.artifact).get(data[:4])
    values = None if function is None else _decoded(function, data)
    if function is None or values is None or depth > _DEEPEST:
        raise CallNotUnderstood(
            f"The calldata is no call of {contract.name}.", contract=contract.name, selector="0x" + data[:4].hex()
        )
    call = Call(contract, function.name, function.signature, values, data)
    yield call
    for target, inner in _carried(call):
        yield from calls_in(contracts, target, inner, depth + 1)


def _decoded(function: Function, data: bytes) -> tuple[Any, ...] | None:
    try:
        values = decode(function.types, data[4:])
        if encode(function.types, values) != data[4:]:
            return None
    except (DecodingError, OverflowError, ValueError):
        return None
    return tuple(from_abi(part, value) for part, value in zip(function.inputs, values, strict=True))


def _carried(call: Call) -> list[tuple[str, bytes]]:
    match call.contract.artifact, call.function:
        case "DepositToken", "cleared":
            return [(call.contract.address, call.arguments[0])]
        case "Governance", "execute" | "schedule":
            return [(to_checksum_address(call.arguments[0]), call.arguments[1])]
        case "Governance", "multicall":
            return [(call.contract.address, each) for each in call.arguments[0]]
    return []
