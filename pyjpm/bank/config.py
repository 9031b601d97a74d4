"""The file that says which accounts the reserve is on, and by which folder orders leave: part of a service's TOML.

[[account]]
iban = "DE89370400440532013000"      # or number = "…"
currency = "USD"
bic = "COBADEFF"
owner = "Token Bank"

[channel]
folder = "to-bank"
message = "pain.001"                 # or pacs.008, then with instructing = "BIC" and instructed = "BIC"
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyjpm.bank.channel import FileChannel
from pyjpm.bank.desk import ReserveAccount
from pyjpm.errors.bank import BankConfigInvalid
from pyjpm.errors.iso20022 import InvalidBankIdentifier
from pyjpm.errors.money import UnknownCurrency
from pyjpm.iso20022.identifiers import check_bic, check_iban
from pyjpm.iso20022.parties import Account, Agent, Party
from pyjpm.money import minor_units

_ACCOUNT = {"iban", "number", "currency", "bic", "owner"}
_CHANNEL = {"folder", "message", "instructing", "instructed"}


def accounts_from(said: Mapping[str, Any]) -> list[ReserveAccount]:
    """The accounts of a configuration. Raises ``BankConfigInvalid``."""
    found = said.get("account", [])
    if not isinstance(found, list) or not found:
        raise _wrong("account", "there is none")
    return [_account(each) for each in found]


def channel_from(said: Mapping[str, Any], beside: Path) -> FileChannel | None:
    """The channel of a configuration, its folder named from ``beside``; None where it has none. Raises
    ``BankConfigInvalid``."""
    told = said.get("channel")
    if told is None:
        return None
    _known("channel", told, _CHANNEL)
    message = told.get("message", "pain.001")
    if message not in ("pain.001", "pacs.008") or "folder" not in told:
        raise _wrong("channel", "it has a folder, and pain.001 or pacs.008 as its message")
    banks = [None if told.get(name) is None else _bic(told[name]) for name in ("instructing", "instructed")]
    if message == "pacs.008" and None in banks:
        raise _wrong("channel", "a pacs.008 has an instructing and an instructed bank")
    return FileChannel(
        beside / str(told["folder"]),
        message=message,
        instructing=Agent(bic=banks[0]),
        instructed=Agent(bic=banks[1]),
    )


def _account(told: Any) -> ReserveAccount:
    _known("account", told, _ACCOUNT)
    if ("iban" in told) == ("number" in told) or "currency" not in told:
        raise _wrong("account", "it has an IBAN or a number, and a currency")
    try:
        minor_units(told["currency"])
        iban = check_iban(str(told["iban"])) if "iban" in told else None
    except (InvalidBankIdentifier, UnknownCurrency) as error:
        raise _wrong("account", error.message) from error
    return ReserveAccount(
        account=Account(iban=iban, number=None if iban else str(told["number"])),
        currency=told["currency"],
        agent=Agent(bic=_bic(told["bic"]) if "bic" in told else None),
        owner=Party(name=str(told.get("owner", ""))),
    )


def _bic(said: Any) -> str:
    try:
        return check_bic(str(said))
    except InvalidBankIdentifier as error:
        raise _wrong("bic", error.message) from error


def _known(part: str, told: Any, names: set[str]) -> None:
    if not isinstance(told, Mapping) or set(told) - names:
        raise _wrong(part, f"it has {', '.join(sorted(names))}, nothing else")


def _wrong(part: str, why: str) -> BankConfigInvalid:
    return BankConfigInvalid(f"The configuration's {part} is wrong: {why}.", part=part)
