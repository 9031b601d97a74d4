"""From revert data to the error class that stands for it, the same on every chain.

The data is looked up by selector in the table of all custom errors that ships with the artifacts; the class is found by
the Solidity name. ``Refused`` carries the contracts' reason and becomes the class of that reason.
"""

from __future__ import annotations

from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from pyjpm.contracts import artifacts
from pyjpm.contracts.codec import abi_type, from_abi
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.contracts import ContractError, Panicked, Refusal, RevertedWithText, UnknownRevert

_ERROR_STRING: Final = bytes.fromhex("08c379a0")
_PANIC: Final = bytes.fromhex("4e487b71")

# As in contracts/libraries/Reason.sol; a test holds the two together.
PATHS: Final = (
    "TRANSFER",
    "HOLD",
    "EXECUTE",
    "RELEASE",
    "MINT",
    "INSTRUCT",
    "SETTLE",
    "RETURN",
    "SEIZE",
    "RECOVER",
    "CANCEL_BY_ORDER",
)


def decode_revert(data: bytes) -> PyjpmError:
    """The typed error behind revert data; never raises, unknown data becomes :class:`UnknownRevert`."""
    selector, body = data[:4], data[4:]
    try:
        if selector == _ERROR_STRING:
            return RevertedWithText.from_arguments({"text": decode(["string"], body)[0]})
        if selector == _PANIC:
            return Panicked.from_arguments({"panic": decode(["uint256"], body)[0]})
        entry = artifacts.custom_errors().get("0x" + selector.hex())
        if entry is not None:
            return _custom(entry, body)
    except (DecodingError, UnicodeDecodeError):
        pass  # data that starts like an error of ours and is none
    return UnknownRevert.from_arguments({"data": "0x" + data.hex()})


def _custom(entry: dict[str, Any], body: bytes) -> PyjpmError:
    values = decode([abi_type(part) for part in entry["inputs"]], body)
    arguments = {
        part["name"]: _plain(from_abi(part, value)) for part, value in zip(entry["inputs"], values, strict=True)
    }
    if entry["name"] == Refusal.solidity:
        arguments["path"] = PATHS[arguments["path"]]
        return Refusal.by_reason.get(arguments["reason"], Refusal).from_arguments(arguments)
    known = ContractError.by_solidity_name.get(entry["name"])
    if known is None:
        return UnknownRevert.from_arguments({"data": entry["signature"]})
    return known.from_arguments(arguments)


def _plain(value: Any) -> Any:
    return "0x" + value.hex() if isinstance(value, bytes) else value
