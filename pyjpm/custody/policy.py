"""The signing policy: which wallet may do what, read from a TOML file that nobody else can change.

Decisions that govern this module:

* What is not allowed is refused, and what is not understood is an error: an unknown word, a function that the contract
  does not have, a threshold without a checker. A policy with a mistake in it signs nothing.
* Amounts are in major units as text (``"1500.00"``) for currencies, in pieces for assets. No limit means none of it.
* A checker is never the wallet that it checks.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from eth_utils.address import is_checksum_address, is_hex_address, to_checksum_address

from pyjpm.contracts import artifacts
from pyjpm.custody.policy_calls import functions
from pyjpm.custody.policy_deployment import ASSETS, Contract, Contracts, read_contracts, read_trusted
from pyjpm.custody.policy_effects import MESSAGES, is_boundless, is_known
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.policy import PolicyInvalid
from pyjpm.money import MINOR_UNITS, Money

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be moved of one currency or asset, in minor units or pieces.

    Attributes:
        per_payment: at a time.
        per_day: in a UTC day.
        approval_above: what one transaction or signature may move without a checker; None: no matter how much.
    """

    per_payment: int
    per_day: int
    approval_above: int | None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be done at one contract: names or signatures of functions, names of signed structures. What is in
    ``checked`` needs a checker whatever it moves."""

    functions: frozenset[str]
    messages: frozenset[str]
    checked: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rules:
    """What one wallet may do.

    Attributes:
        allowed: by contract's name.
        limits: by unit.
        checkers: wallets whose word counts; ``needed`` of them must give it.
        uids: users who may ask, None for all whom the signer talks to.
        create: whether contracts may be created.
    """

    allowed: Mapping[str, Allowed]
    limits: Mapping[str, Limit]
    checkers: frozenset[str]
    needed: int
    uids: frozenset[int] | None
    create: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. ``uids``: users whom the signer talks to."""

    chain_id: int
    contracts: Contracts
    wallets: Mapping[str, Rules]
    uids: frozenset[int]


def read_policy(path: Path) -> Policy:
    """Read a policy, and the deployment record that it names.

    Raises:
        PolicyInvalid: it says what nobody understands, or not what it must.
        PolicyTooOpen: others can change it, the record, or their folders.
    """
    try:
        table = tomllib.loads(read_trusted(path).decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyInvalid(f"{path} is not TOML.", path=str(path), where="", problem=str(error)) from None
    return _Reader(path).policy(table)


class _Reader:
    """Reads one file; knows where it is, for what it has to say."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._contracts = Contracts.of(0, [])

    def policy(self, table: dict[str, Any]) -> Policy:
        self._keys("", table, must={"version", "chain_id", "deployment", "policies", "wallets"}, may={"uids", "assets"})
        if self._of("version", table["version"], int) != VERSION:
            self._wrong("version", f"this release reads version {VERSION}")
        chain_id = self._of("chain_id", table["chain_id"], int)
        known = read_contracts(self._path.parent / self._of("deployment", table["deployment"], str))
        if known.chain_id != chain_id:
            self._wrong("chain_id", f"the deployment record is of chain {known.chain_id}")
        self._contracts = known
        for name, each in self._of("assets", table.get("assets", {}), dict).items():
            asset = self._asset(name, each)
            self._contracts = Contracts.of(chain_id, [*self._contracts.by_name.values(), asset])
        policies = {
            name: self._rules(f"policies.{name}", each)
            for name, each in self._of("policies", table["policies"], dict).items()
        }
        wallets: dict[str, Rules] = {}
        for name, each in self._of("wallets", table["wallets"], dict).items():
            wallet, where = self._address("wallets", name), f"wallets.{name}"
            self._keys(where, each, must={"policy"})
            if wallet in wallets:
                self._wrong(where, "the wallet is named twice")
            rules = policies.get(each["policy"]) if isinstance(each["policy"], str) else None
            if rules is None:
                self._wrong(where, f"there is no policy {each['policy']!r}")
            if wallet in rules.checkers:
                self._wrong(where, "the wallet would check itself")
            wallets[wallet] = rules
        if not wallets:
            self._wrong("wallets", "there is none")
        uids = self._uids("uids", table["uids"]) if "uids" in table else frozenset({os.geteuid()})
        return Policy(chain_id, self._contracts, wallets, uids)

    def _asset(self, name: str, table: Any) -> Contract:
        where = f"assets.{name}"
        self._keys(where, table, must={"artifact", "address"})
        if table["artifact"] not in ASSETS or table["artifact"] not in artifacts.names():
            self._wrong(where, f"an asset is one of {', '.join(ASSETS)}")
        address = self._address(where, table["address"])
        known = self._contracts
        if name in known.by_name or name in MINOR_UNITS or address in known.by_address:
            self._wrong(where, "the name or the address is taken")
        return Contract(name, table["artifact"], address, name)

    def _rules(self, where: str, table: Any) -> Rules:
        self._keys(where, table, must={"allow"}, may={"limits", "checkers", "needed", "uids", "create"})
        allowed = {
            name: self._allowed(f"{where}.allow.{name}", name, each)
            for name, each in self._of(f"{where}.allow", table["allow"], dict).items()
        }
        limits = {
            unit: self._limit(f"{where}.limits.{unit}", unit, each)
            for unit, each in self._of(f"{where}.limits", table.get("limits", {}), dict).items()
        }
        checkers = [
            self._address(f"{where}.checkers", each)
            for each in self._of(f"{where}.checkers", table.get("checkers", []), list)
        ]
        needed = self._of(f"{where}.needed", table.get("needed", 1), int)
        if len(set(checkers)) != len(checkers) or needed < 1 or (checkers and needed > len(checkers)):
            self._wrong(f"{where}.needed", "as many different checkers are needed as are named, or fewer")
        asks = any(each.checked for each in allowed.values())
        if not checkers and (asks or any(each.approval_above is not None for each in limits.values())):
            self._wrong(f"{where}.checkers", "something needs a checker, and there is none")
        return Rules(
            allowed,
            limits,
            frozenset(checkers),
            needed,
            self._uids(f"{where}.uids", table["uids"]) if "uids" in table else None,
            self._of(f"{where}.create", table.get("create", False), bool),
        )

    def _allowed(self, where: str, name: str, table: Any) -> Allowed:
        self._keys(where, table, must=set(), may={"functions", "messages", "checked"})
        contract = self._contracts.by_name.get(name)
        if contract is None:
            self._wrong(where, "the deployment record has no such contract or currency")
        words = {
            key: [
                self._of(f"{where}.{key}", each, str) for each in self._of(f"{where}.{key}", table.get(key, []), list)
            ]
            for key in ("functions", "messages", "checked")
        }
        structures = MESSAGES.get(contract.artifact, {})
        for word in words["functions"]:
            self._function(f"{where}.functions", contract, word, checked=word in words["checked"])
        for word in words["messages"]:
            if word not in structures:
                self._wrong(f"{where}.messages", f"{word!r} is nothing that is signed for {name}")
        for word in words["checked"]:
            if word not in words["messages"]:
                self._function(f"{where}.checked", contract, word, checked=True)
        return Allowed(
            frozenset(words["functions"]) | (frozenset(words["checked"]) - frozenset(words["messages"])),
            frozenset(words["messages"]),
            frozenset(words["checked"]),
        )

    def _function(self, where: str, contract: Contract, word: str, *, checked: bool) -> None:
        found = [each for each in functions(contract.artifact).values() if word in (each.name, each.signature)]
        if not found:
            self._wrong(where, f"{contract.name} has no function {word!r} that changes anything")
        name = found[0].name
        if is_boundless(contract.artifact, name):
            if not checked:
                self._wrong(where, f"no amount bounds what {word!r} does: it belongs under `checked`")
        elif not is_known(contract.artifact, name):
            self._wrong(where, f"{word!r} is not for wallets")

    def _limit(self, where: str, unit: str, table: Any) -> Limit:
        self._keys(where, table, must={"per_payment", "per_day"}, may={"approval_above"})
        if unit not in {each.unit for each in self._contracts.by_name.values()} - {""}:
            self._wrong(where, "the deployment record has no such currency, and the policy no such asset")
        per_payment = self._amount(f"{where}.per_payment", unit, table["per_payment"])
        per_day = self._amount(f"{where}.per_day", unit, table["per_day"])
        above = table.get("approval_above")
        return Limit(per_payment, per_day, None if above is None else self._amount(where, unit, above))

    def _amount(self, where: str, unit: str, value: Any) -> int:
        if unit not in MINOR_UNITS:
            amount: int = self._of(where, value, int)
        else:
            try:
                amount = Money(self._of(where, value, str), unit).minor
            except PyjpmError as error:
                self._wrong(where, error.message)
        if amount < 0:
            self._wrong(where, "is below zero")
        return amount

    def _uids(self, where: str, value: Any) -> frozenset[int]:
        uids = frozenset(self._of(where, each, int) for each in self._of(where, value, list))
        if not uids or min(uids) < 0:
            self._wrong(where, "names no user")
        return uids

    def _address(self, where: str, value: Any) -> str:
        # One with mixed letters has a checksum, which a slip of the pen would break.
        if not isinstance(value, str) or not is_hex_address(value):
            self._wrong(where, f"{value!r} is no address")
        if value[2:] not in (value[2:].lower(), value[2:].upper()) and not is_checksum_address(value):
            self._wrong(where, f"the checksum of {value} is wrong")
        return to_checksum_address(value)

    def _keys(self, where: str, table: Any, *, must: set[str], may: set[str] | None = None) -> None:
        found = self._of(where, table, dict).keys()
        if missing := must - found:
            self._wrong(where, f"{', '.join(sorted(missing))} is missing")
        if unknown := found - must - (may or set()):
            self._wrong(where, f"{', '.join(sorted(unknown))} is not known")

    def _of(self, where: str, value: Any, kind: type[Any]) -> Any:
        if type(value) is not kind:
            self._wrong(where, f"is not of type {kind.__name__}")
        return value

    def _wrong(self, where: str, problem: str) -> NoReturn:
        raise PolicyInvalid(
            f"The policy {self._path} is wrong{' at ' + where if where else ''}: {problem}.",
            path=str(self._path),
            where=where,
            problem=problem,
        )
