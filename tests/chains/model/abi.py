"""Words of the ABI, laid out by hand.

Thousands of histories decode the same three calls: a general decoder would be most of their time. What comes out is
held to the package's own codec by tests. Data that the ABI does not allow raises BadCalldata, as a contract reverts
without a reason.
"""

from __future__ import annotations

from pyjpm.contracts.artifacts import custom_errors

WORD = 32
_ADDRESS = 1 << 160


class BadCalldata(Exception):
    """Not what the function takes."""


def number(data: bytes, at: int) -> int:
    """A uint256."""
    if at + WORD > len(data):
        raise BadCalldata
    return int.from_bytes(data[at : at + WORD], "big")


def address(data: bytes, at: int) -> str:
    """An address, lower case."""
    word = number(data, at)
    if word >= _ADDRESS:
        raise BadCalldata
    return f"0x{word:040x}"


def small(data: bytes, at: int, bits: int) -> int:
    """A uint of fewer bits."""
    value = number(data, at)
    if value >> bits:
        raise BadCalldata
    return value


def word(data: bytes, at: int) -> bytes:
    """A bytes32."""
    if at + WORD > len(data):
        raise BadCalldata
    return data[at : at + WORD]


def dynamic(data: bytes, at: int, base: int) -> bytes:
    """Bytes, whose offset from ``base`` stands at ``at``."""
    start = base + number(data, at)
    length = number(data, start)
    if start + WORD + length > len(data):
        raise BadCalldata
    return data[start + WORD : start + WORD + length]


def words(*values: int | str | bytes | bool) -> bytes:
    """Static values, a word each: numbers, addresses, bytes32."""
    return bytes.fromhex("".join(map(word_hex, values)))


def word_hex(value: int | str | bytes | bool) -> str:
    """One static value as 64 hex digits."""
    if isinstance(value, str):
        return value[2:].rjust(64, "0")
    if isinstance(value, bytes):
        return value.hex()
    return f"{value:064x}"


def text(value: str) -> bytes:
    """A string as the only value of an answer."""
    encoded = value.encode()
    return words(WORD, len(encoded)) + encoded + b"\0" * (-len(encoded) % WORD)


_ERRORS = {entry["name"]: bytes.fromhex(selector[2:]) for selector, entry in custom_errors().items()}


class Revert(Exception):
    """A contract's refusal, with its data."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


class Halt(Exception):
    """The machine's own end of a call: all gas is gone, nothing is told. ``why`` is a cause of ``Manners.errors``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def custom_error(name: str, *values: int | str | bytes) -> Revert:
    """The revert with a custom error of static arguments."""
    return Revert(_ERRORS[name] + words(*values))
