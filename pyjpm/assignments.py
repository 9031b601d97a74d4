"""Who shall have which role: the file that a deployer hands a platform over by.

    format = 1
    target_admin_delay = 172800              # seconds, of what re-opens functions or replaces the authority

    [roles.ADMIN]
    members = ["0x…", "0x…"]
    delay = 172800                           # what they do is announced so long before
    grant_delay = 345600                     # who is granted the role has it so much later; ``delay`` if not given

    [roles.COMPLIANCE]                       # stops, and so never has a delay
    members = ["0x…"]

    [mint.USD]                               # of each issuer
    ceiling = "50000000.00"
    per_day = "5000000.00"

JSON of the same shape does as well. What would leave a role to nobody, a guardian over itself, or a loosening act
without a delay is refused before anything is sent.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_utils.address import is_address, to_checksum_address

from pyjpm.errors.governance import (
    DelayMissing,
    GuardianGuardsItself,
    MalformedAssignments,
    RoleWithoutHolder,
    StopDelayed,
)
from pyjpm.money import Money
from pyjpm.roles import GUARDIAN, Role, every_role

FORMAT: Final = 1
LONGEST_DELAY: Final = 366 * 86_400
ZERO_ADDRESS: Final = "0x" + 40 * "0"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who has one role. ``delay`` and ``grant_delay`` in seconds."""

    members: tuple[str, ...]
    delay: int
    grant_delay: int


@dataclass(frozen=True, slots=True)
class MintLimit:
    """What each issuer may have outstanding, and mint in a day."""

    ceiling: Money
    per_day: Money


@dataclass(frozen=True, slots=True)
class Assignments:
    """Who shall have which role.

    Attributes:
        roles: by name, every one of ``roles.json`` and ``ADMIN``.
        target_admin_delay: seconds, at least, for what re-opens a contract's functions or replaces its authority.
        mint: by currency.
    """

    roles: Mapping[str, Assignment]
    target_admin_delay: int
    mint: Mapping[str, MintLimit] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Assignments:
        """Reads a TOML or JSON file.

        Raises:
            MalformedAssignments, RoleWithoutHolder, DelayMissing, StopDelayed, GuardianGuardsItself
        """
        try:
            text = path.read_text(encoding="utf-8")
            data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        except (OSError, ValueError) as error:
            raise MalformedAssignments(f"{path} cannot be read: {error}.", path=str(path)) from error
        return cls.parse(data)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Assignments:
        """The same from data of that shape; raises as :meth:`load`."""
        if data.get("format") != FORMAT:
            raise _malformed("format", f"is not {FORMAT}")
        unknown = data.keys() - {"format", "target_admin_delay", "roles", "mint"}
        if unknown:
            raise _malformed(sorted(unknown)[0], "is not known")
        written = _table(data, "roles")
        for name in written:
            if name not in every_role():
                raise _malformed(f"roles.{name}", "is no role")
        assigned = {name: _assignment(role, written.get(name, {})) for name, role in every_role().items()}
        guardians = set(assigned[GUARDIAN].members)
        for name, role in every_role().items():
            both = sorted(guardians & set(assigned[name].members)) if role.guarded else []
            if both:
                raise GuardianGuardsItself(
                    f"{both[0]} would be {name}, and guardian over it.", account=both[0], role=name
                )
        delay = _seconds(data, "target_admin_delay", assigned["ADMIN"].delay)
        if delay == 0:
            raise DelayMissing("What re-opens functions needs a delay.", role="target_admin_delay")
        return cls(
            assigned, delay, {currency: _mint(currency, each) for currency, each in _table(data, "mint").items()}
        )

    @property
    def wanted(self) -> dict[str, dict[str, int]]:
        """Role -> account -> execution delay."""
        return {
            name: dict.fromkeys(assigned.members, assigned.delay)
            for name, assigned in self.roles.items()
            if assigned.members
        }


def _assignment(role: Role, written: Any) -> Assignment:
    where = f"roles.{role.name}"
    if not isinstance(written, Mapping) or written.keys() - {"members", "delay", "grant_delay"}:
        raise _malformed(where, "has members, delay and grant_delay")
    accounts = written.get("members", [])
    if not isinstance(accounts, list) or not all(isinstance(each, str) and is_address(each) for each in accounts):
        raise _malformed(f"{where}.members", "is not a list of addresses")
    members = tuple(map(to_checksum_address, accounts))
    if len(set(members)) != len(members) or ZERO_ADDRESS in members:
        raise _malformed(f"{where}.members", "names an account twice, or none")
    if not members and not role.optional:
        raise RoleWithoutHolder(f"Nobody would have the role {role.name}.", role=role.name)
    delay = _seconds(written, "delay", 0, where)
    grant_delay = _seconds(written, "grant_delay", delay, where)
    if role.delayed and not (delay and grant_delay):
        raise DelayMissing(f"{role.name} loosens or moves, and needs a delay.", role=role.name)
    if role.stops and delay:
        raise StopDelayed(f"{role.name} stops, and would do so only after {delay} s.", role=role.name, delay=delay)
    return Assignment(members, delay, grant_delay)


def _mint(currency: str, written: Any) -> MintLimit:
    if not isinstance(written, Mapping) or written.keys() != {"ceiling", "per_day"}:
        raise _malformed(f"mint.{currency}", "has ceiling and per_day")
    return MintLimit(Money(written["ceiling"], currency), Money(written["per_day"], currency))


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, Mapping):
        raise _malformed(name, "is no table")
    return found


def _seconds(data: Mapping[str, Any], name: str, otherwise: int, where: str = "") -> int:
    value = data.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_DELAY:
        raise _malformed(f"{where}.{name}".strip("."), f"is not 0 to {LONGEST_DELAY} seconds")
    return value


def _malformed(where: str, what: str) -> MalformedAssignments:
    return MalformedAssignments(f"In the assignments, {where} {what}.", where=where)
