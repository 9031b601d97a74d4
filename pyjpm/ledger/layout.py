"""Where an event's arguments stand in a log's words, from the contract's ABI; and words as Python and JSON have them.

A log is read where its text is: web3.py and eth-abi make objects of every word before anybody asks for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.address import to_checksum_address

from pyjpm.contracts.codec import Codec, abi_type
from pyjpm.session import ZERO_ADDRESS

ZERO_WORD: Final = "0x" + 64 * "0"

Arguments = Sequence[str]
Read = Callable[[Arguments, str], str]
"""From topics and data, ``0x…`` text, the word of one argument."""

Handler = Callable[[Arguments, str, int, str], None]
"""What is done with a log: its topics, data, log index and transaction hash."""


@dataclass(frozen=True, slots=True)
class EventLayout:
    """An event of an ABI: name, parameters as (name, how it is read, type), and whether it holds more than words."""

    name: str
    parameters: tuple[tuple[str, Read, str], ...]
    dynamic: bool

    def get(self, name: str) -> Read:
        return next(read for each, read, _ in self.parameters if each == name)

    def find(self, *names: str) -> Read | None:
        return next((read for name in names for each, read, _ in self.parameters if each == name), None)


def layouts_of(coder: Codec) -> dict[str, EventLayout]:
    found = {}
    for entry in coder.abi:
        if entry["type"] == "event":
            topic = "0x" + coder.topic(entry["name"]).hex()
            found[topic] = _layout(entry)
    return found


def _layout(entry: Mapping[str, Any]) -> EventLayout:
    indexed, words, dynamic = 0, 0, False
    parameters = []
    for part in entry["inputs"]:
        kind = abi_type(part)
        if part["indexed"]:
            indexed += 1
            parameters.append((part["name"], _topic(indexed), kind))
            continue
        dynamic = dynamic or kind in ("bytes", "string") or kind.endswith("]") or kind.startswith("(")
        parameters.append((part["name"], _data(words), kind))
        words += 1
    return EventLayout(entry["name"], tuple(parameters), dynamic)


def _topic(place: int) -> Read:
    return lambda topics, data: topics[place]


def _data(place: int) -> Read:
    start, end = 2 + 64 * place, 66 + 64 * place
    return lambda topics, data: "0x" + data[start:end]


def plain_word(word: str, kind: str) -> Any:
    """A word as JSON has it: what does not fit 53 bits as text."""
    if kind == "address":
        return address_of(word)
    if kind == "bool":
        return int(word, 16) != 0
    if kind.startswith("uint"):
        value = int(word, 16)
        return value if value < 2**53 else str(value)
    if kind == "bytes3":
        return bytes.fromhex(word[2:8]).decode("ascii", "replace")
    return word


def jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("ascii", "replace") if len(value) == 3 else "0x" + value.hex()
    if isinstance(value, Mapping):
        return {name: jsonable(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value


_addresses: dict[str, str] = {ZERO_WORD: ZERO_ADDRESS}


def address_of(word: str) -> str:
    found = _addresses.get(word)
    if found is None:
        if len(_addresses) > 200_000:
            _addresses.clear()
        found = _addresses[word] = to_checksum_address("0x" + word[26:])
    return found


def word_of(address: str) -> str:
    return "0x" + 24 * "0" + address[2:].lower()
