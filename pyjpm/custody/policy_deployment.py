"""Which contract stands at which address, by the signer's own copy of the deployment record.

Decisions that govern this module:

* No address comes from a client. What is not in the record, or named beside it in the policy, is nobody's contract.
* A file that others can change is not believed, nor one behind a link that they can change.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_utils.address import is_hex_address, to_checksum_address

from pyjpm.errors.policy import PolicyInvalid, PolicyTooOpen

_FORMAT: Final = 1
_OTHERS_WRITE: Final = 0o022
ASSETS: Final = ("UnitToken", "TitleDocument")


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract.

    Attributes:
        name: in the record, the currency of a deposit token, or the policy's own name of an asset.
        artifact: whose ABI it has.
        address: checksummed.
        unit: what its amounts count: a currency, or the asset's name; empty where it has none.
    """

    name: str
    artifact: str
    address: str
    unit: str


@dataclass(frozen=True, slots=True)
class Contracts:
    """All contracts that a signer knows, by name and by address."""

    chain_id: int
    by_name: Mapping[str, Contract]
    by_address: Mapping[str, Contract]

    @classmethod
    def of(cls, chain_id: int, contracts: list[Contract]) -> Contracts:
        return cls(chain_id, {each.name: each for each in contracts}, {each.address: each for each in contracts})


def read_trusted(path: Path) -> bytes:
    """The content of a file that only the signer's user or root can change. Raises PolicyTooOpen, PolicyInvalid."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            folders = {where: os.stat(where) for where in (path.parent, path.resolve().parent)}
            content = file.read()
    except OSError as error:
        raise PolicyInvalid(f"{path} cannot be read: {os.strerror(error.errno or 0)}.", path=str(path)) from error
    for where, found in ((path, status), *folders.items()):
        mode = stat.S_IMODE(found.st_mode)
        sticky = stat.S_ISDIR(found.st_mode) and mode & stat.S_ISVTX
        if found.st_uid not in (0, os.geteuid()) or (mode & _OTHERS_WRITE and not sticky):
            raise PolicyTooOpen(f"{where} can be changed by others.", path=str(where), mode=f"{mode:04o}")
    return content


def read_contracts(path: Path) -> Contracts:
    """The contracts of a deployment record. Raises PolicyTooOpen, PolicyInvalid."""
    try:
        record = json.loads(read_trusted(path))
        if record["format"] != _FORMAT or type(record["chain_id"]) is not int:
            raise ValueError("its format is not known")
        found = [_contract(name, each, "") for name, each in record["contracts"].items()]
        found += [_contract(currency, each, currency) for currency, each in record["tokens"].items()]
        return Contracts.of(record["chain_id"], found)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PolicyInvalid(
            f"{path} is no deployment record.", path=str(path), where="deployment", problem=str(error)
        ) from None


def _contract(name: str, fields: Mapping[str, Any], unit: str) -> Contract:
    if not is_hex_address(fields["address"]):
        raise ValueError(f"{name} has no address")
    return Contract(name, fields["artifact"], to_checksum_address(fields["address"]), unit)
