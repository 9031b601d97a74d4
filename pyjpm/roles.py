"""The roles of a platform, and the functions that they open: ``contracts/roles.json``.

A role stops (no delay), works within what others set (its own delay or none), or is *delayed*: it loosens or moves, and
what it does is announced first. A guardian may cancel what is announced, and takes every role away at once but those
that stop.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_utils.abi import function_signature_to_4byte_selector

from pyjpm.errors.deployment import UnknownRole

ROLES_FILE: Final = Path(__file__).resolve().parent / "contracts" / "roles.json"
ADMIN: Final = "ADMIN"
GUARDIAN: Final = "GUARDIAN"


@dataclass(frozen=True, slots=True)
class Role:
    """One role.

    Attributes:
        id: the AccessManager's number.
        delayed: it loosens or moves; every holder needs an execution delay.
        stops: it only stops, and never has a delay.
        optional: nobody has to have it.
    """

    name: str
    id: int
    purpose: str
    delayed: bool = False
    stops: bool = False
    optional: bool = False

    @property
    def guarded(self) -> bool:
        """Whether a guardian watches over it."""
        return not self.stops


@functools.cache
def roles() -> dict[str, Any]:
    """The table as it is written: ``roles`` by name and ``functions`` by contract."""
    table: dict[str, Any] = json.loads(ROLES_FILE.read_text(encoding="utf-8"))
    return table


@functools.cache
def every_role() -> dict[str, Role]:
    """All roles by name, the administrator's first."""
    admin = Role(ADMIN, 0, "grants roles, opens functions, replaces the authority", delayed=True)
    return {ADMIN: admin, **{name: Role(name, **role) for name, role in roles()["roles"].items()}}


def role_id(name: str) -> int:
    """The AccessManager's id of a role; ``ADMIN`` is 0.

    Raises:
        UnknownRole: there is none of this name.
    """
    known = every_role()
    if name not in known:
        raise UnknownRole(f"There is no role {name!r}.", role=name, known=sorted(known))
    return known[name].id


def role_name(number: int) -> str:
    """The name of a role's id; for one that the table does not know, the number itself."""
    return next((role.name for role in every_role().values() if role.id == number), str(number))


def selectors_by_role(artifact: str) -> dict[int, list[bytes]]:
    """Which functions of a contract each role opens: role id -> 4-byte selectors."""
    opened: dict[int, list[bytes]] = {}
    for signature, role in roles()["functions"].get(artifact, {}).items():
        opened.setdefault(role_id(role), []).append(function_signature_to_4byte_selector(signature))
    return opened
