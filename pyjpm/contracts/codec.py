"""Calls into and answers out of one contract, by its shipped ABI.

Encoding goes straight to eth-abi: web3.py's contract objects cost twenty times as much per call. Structures are given
as mappings and come back as dictionaries with the Solidity member names; addresses come back checksummed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.contracts import artifacts
from pyjpm.contracts.words import encode_plain
from pyjpm.errors.deployment import InvalidRequest

Parameter = Mapping[str, Any]
_MISFITS = (EncodingError, AttributeError, KeyError, TypeError, ValueError)
# The same few addresses come back over and over; each checksum costs a Keccak.
_checksummed = functools.lru_cache(maxsize=65_536)(to_checksum_address)


def abi_type(parameter: Parameter) -> str:
    """The canonical ABI type of a parameter, structures as tuples."""
    kind: str = parameter["type"]
    if kind.startswith("tuple"):
        return "(" + ",".join(abi_type(part) for part in parameter["components"]) + ")" + kind[5:]
    return kind


def signature_of(entry: Mapping[str, Any]) -> str:
    """``name(type,type)`` of a function, event or error."""
    name: str = entry["name"]
    return name + "(" + ",".join(abi_type(part) for part in entry["inputs"]) + ")"


def to_abi(parameter: Parameter, value: Any) -> Any:
    """A value as eth-abi takes it: mappings of members become tuples."""
    kind: str = parameter["type"]
    if kind.endswith("[]"):
        inner = {**parameter, "type": kind[:-2]}
        return [to_abi(inner, item) for item in value]
    if kind == "tuple":
        parts = parameter["components"]
        if isinstance(value, Mapping):
            return tuple(to_abi(part, value[part["name"]]) for part in parts)
        return tuple(to_abi(part, item) for part, item in zip(parts, value, strict=True))
    return value


def from_abi(parameter: Parameter, value: Any) -> Any:
    """A decoded value as callers read it: tuples become dictionaries, addresses checksummed."""
    kind: str = parameter["type"]
    if kind.endswith("[]"):
        inner = {**parameter, "type": kind[:-2]}
        return [from_abi(inner, item) for item in value]
    if kind == "tuple":
        parts = parameter["components"]
        return {part["name"]: from_abi(part, item) for part, item in zip(parts, value, strict=True)}
    return _checksummed(value) if kind == "address" else value


def encode_parameters(parameters: Sequence[Parameter], values: Sequence[Any]) -> bytes:
    """``abi.encode`` of values by their parameters. Raises InvalidRequest where one is not of its type."""
    try:
        shaped = [to_abi(part, value) for part, value in zip(parameters, values, strict=True)]
        return encode([abi_type(part) for part in parameters], shaped)
    except _MISFITS as error:
        raise InvalidRequest("An argument is not of its type.") from error


class RawLog(Protocol):
    """A log as the chain layer reads it."""

    @property
    def address(self) -> str: ...
    @property
    def topics(self) -> Sequence[bytes]: ...
    @property
    def data(self) -> bytes: ...
    @property
    def block_number(self) -> int: ...
    @property
    def log_index(self) -> int: ...
    @property
    def transaction_hash(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded log. ``block`` is a height, ``log_index`` counts within the block, ``tx`` is the hash as ``0x…``."""

    name: str
    address: str
    arguments: dict[str, Any]
    block: int
    log_index: int
    tx: str


@dataclass(frozen=True, slots=True)
class _Function:
    selector: bytes
    inputs: tuple[Parameter, ...]
    input_types: list[str]
    outputs: tuple[Parameter, ...]
    output_types: list[str]


@dataclass(frozen=True, slots=True)
class _EventType:
    name: str
    indexed: tuple[Parameter, ...]
    plain: tuple[Parameter, ...]
    plain_types: list[str]


class Codec:
    """Encoder and decoder of one contract. Immutable after construction, safe to share between threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.abi = artifacts.load(name).abi
        self._functions: dict[str, _Function] = {}
        self._events: dict[bytes, _EventType] = {}
        self._topics: dict[str, bytes] = {}
        for entry in self.abi:
            if entry["type"] == "function":
                self._add_function(entry)
            elif entry["type"] == "event":
                self._add_event(entry)

    def _add_function(self, entry: Mapping[str, Any]) -> None:
        signature = signature_of(entry)
        function = _Function(
            function_signature_to_4byte_selector(signature),
            tuple(entry["inputs"]),
            [abi_type(part) for part in entry["inputs"]],
            tuple(entry["outputs"]),
            [abi_type(part) for part in entry["outputs"]],
        )
        # An overloaded function is asked for by its signature; its bare name means the first one.
        self._functions.setdefault(entry["name"], function)
        self._functions[signature] = function

    def _add_event(self, entry: Mapping[str, Any]) -> None:
        topic = keccak(text=signature_of(entry))
        plain = tuple(part for part in entry["inputs"] if not part["indexed"])
        self._events[topic] = _EventType(
            entry["name"],
            tuple(part for part in entry["inputs"] if part["indexed"]),
            plain,
            [abi_type(part) for part in plain],
        )
        self._topics[entry["name"]] = topic

    def selector(self, function: str) -> bytes:
        """The 4-byte selector of a function, by name or signature."""
        return self._functions[function].selector

    def topic(self, event: str) -> bytes:
        """The first topic of an event, 32 bytes."""
        return self._topics[event]

    def encode(self, function: str, *arguments: Any) -> bytes:
        """Calldata for ``function``. Raises InvalidRequest where an argument is not of its type."""
        entry = self._functions[function]
        try:
            if len(arguments) == len(entry.inputs):
                plain = encode_plain(entry.input_types, arguments)
                if plain is not None:
                    return entry.selector + plain
            values = [to_abi(part, value) for part, value in zip(entry.inputs, arguments, strict=True)]
            return entry.selector + encode(entry.input_types, values)
        except _MISFITS as error:
            raise InvalidRequest(f"An argument of {function} is not of its type.", function=function) from error

    def decode_input(self, data: bytes) -> tuple[str, tuple[Any, ...]] | None:
        """The function's name and the arguments behind calldata; None where it is not exactly what ``encode`` gives."""
        for signature, entry in self._functions.items():
            if "(" not in signature or entry.selector != data[:4]:
                continue
            try:
                values = decode(entry.input_types, data[4:])
            except (DecodingError, OverflowError):
                return None
            if entry.selector + encode(entry.input_types, values) != data:
                return None
            arguments = tuple(from_abi(part, value) for part, value in zip(entry.inputs, values, strict=True))
            return signature.partition("(")[0], arguments
        return None

    def parameter(self, function: str, name: str) -> Parameter:
        """One parameter of a function, for :func:`encode_parameters`."""
        return next(part for part in self._functions[function].inputs if part["name"] == name)

    def outputs(self, function: str) -> tuple[Parameter, ...]:
        """What a function answers."""
        return self._functions[function].outputs

    def encode_constructor(self, *arguments: Any) -> bytes:
        """The constructor's arguments, to append to the creation bytecode."""
        inputs: Sequence[Parameter] = next(
            (entry["inputs"] for entry in self.abi if entry["type"] == "constructor"), []
        )
        return encode_parameters(inputs, arguments)

    def decode_output(self, function: str, data: bytes) -> Any:
        """What ``function`` answered: the value itself where there is one, a tuple where there are more."""
        entry = self._functions[function]
        values = decode(entry.output_types, data)
        shaped = tuple(from_abi(part, value) for part, value in zip(entry.outputs, values, strict=True))
        return shaped[0] if len(shaped) == 1 else shaped

    def decode_log(self, log: RawLog) -> Event | None:
        """The event behind a log, None where it is not of this contract's ABI."""
        entry = self._events.get(log.topics[0]) if log.topics else None
        if entry is None or len(log.topics) != len(entry.indexed) + 1:
            return None
        arguments = {}
        for part, topic in zip(entry.indexed, log.topics[1:], strict=True):
            (value,) = decode([abi_type(part)], topic)
            arguments[part["name"]] = from_abi(part, value)
        for part, value in zip(entry.plain, decode(entry.plain_types, log.data), strict=True):
            arguments[part["name"]] = from_abi(part, value)
        return Event(entry.name, log.address, arguments, log.block_number, log.log_index, log.transaction_hash)


@functools.cache
def codec(name: str) -> Codec:
    """The codec of the contract of this Solidity name.

    Raises:
        ArtifactNotFound: there is none.
    """
    return Codec(name)
