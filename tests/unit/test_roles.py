"""``roles.json`` against the contracts: every restricted function has one role, and the role fits what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pyjpm.assignments import Assignments
from pyjpm.contracts import artifacts
from pyjpm.contracts.codec import signature_of
from pyjpm.contracts.sources import project_root
from pyjpm.roles import every_role, roles

# What stops money, or whoever could move it. Nothing else may be open to a role that only stops.
STOPS = {
    "freeze", "suspend", "suspendWallet", "freezeAmount", "decreaseDailyLimit", "pause", "stopNotary", "runOffNotary",
    "removeAuditor", "dismiss", "addFlags", "forbidPair",
}  # fmt: skip
# Daily work, and what keeps a stolen key from doing harm by it at once.
WORKS = {
    "mint": "ceiling, rate and reserve, all set by delayed roles",
    "instructRedemption": "moves nothing; the holder asked for it",
    "settleRedemption": "only what its holder asked to redeem",
    "returnRedemption": "back to the holder, with evidence once the fiat was instructed",
    "register": "a new participant has no limit, and so moves nothing",
    "renewKyc": "ends no stop",
    "updateProfile": "changes no right",
    "close": "only for ever",
    "linkWallet": "with the wallet's own signature; it brings no money and signs no terms",
    "unlinkWallet": "never the current wallet, nor while stopped",
    "issue": "assets, never money",
    "retire": "only with the holder's allowance",
}

TABLE = roles()
BY_CONTRACT = TABLE["functions"]


def stem(signature: str) -> str:
    return signature.partition("(")[0]


def restricted() -> Iterator[tuple[str, str]]:
    """(contract, name) of what asks the access manager, by the sources of our contracts."""
    for path in sorted((project_root() / "contracts").rglob("*.sol")):
        text = re.sub(r"//[^\n]*", "", path.read_text())
        for found in re.finditer(r"\bfunction (\w+)\(([^{;]*)\{", text):
            if re.search(r"\b(restricted|onlyAuthorized)\b", found.group(2)) or "_checkCanCall(" in body(
                text, found.end()
            ):
                name = "upgradeToAndCall" if found.group(1) == "_authorizeUpgrade" else found.group(1)
                yield path.stem, name


def body(text: str, start: int) -> str:
    """What stands between the brace before ``start`` and the one that closes it."""
    depth, end = 1, start
    while depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    return text[start:end]


def test_every_restricted_function_has_a_role() -> None:
    found = set(restricted())
    named = {(contract, stem(signature)) for contract, opened in BY_CONTRACT.items() for signature in opened}
    assert found == named
    assert len(found) > 40


@pytest.mark.parametrize("contract", sorted(BY_CONTRACT))
def test_the_signatures_are_those_of_the_abi(contract: str) -> None:
    functions = [entry for entry in artifacts.load(contract).abi if entry["type"] == "function"]
    changing = {signature_of(entry) for entry in functions if entry["stateMutability"] not in ("view", "pure")}
    assert set(BY_CONTRACT[contract]) <= changing
    names = [stem(signature) for signature in BY_CONTRACT[contract]]
    for name in names:  # an overload that is not named would be open to administrators only
        assert sum(stem(signature) == name for signature in changing) == names.count(name)


def test_every_role_stops_or_works_or_is_delayed() -> None:
    for name, role in TABLE["roles"].items():
        assert not (role["delayed"] and role.get("stops")), name
        opened = {
            stem(signature)
            for functions in BY_CONTRACT.values()
            for signature, opener in functions.items()
            if opener == name
        }
        if role.get("stops"):
            assert opened <= STOPS, name
        elif role["delayed"]:
            assert not opened & (STOPS | WORKS.keys()), name
        else:
            assert opened <= WORKS.keys(), f"{name} loosens or moves without a delay"


def test_ids_are_unique_and_leave_the_administrator_alone() -> None:
    ids = [role["id"] for role in TABLE["roles"].values()]
    assert len(set(ids)) == len(ids)
    assert all(0 < number < 2**64 - 1 for number in ids)


def test_the_contracts_name_the_roles_as_the_table_does() -> None:
    """Where a contract asks for a role by number, it is the number of the table."""
    found = {}
    for path in (project_root() / "contracts").rglob("*.sol"):
        found.update(re.findall(r"uint64 (?:internal|public|private) constant ([A-Z]+) = (\d+);", path.read_text()))
    assert {"OPERATOR", "GUARDIAN"} <= found.keys()
    for name, number in found.items():
        assert TABLE["roles"][name]["id"] == int(number), name


def test_the_example_assigns_every_role() -> None:
    example = Assignments.load(project_root() / "examples" / "governance" / "assignments.toml")
    needed = {name for name, role in every_role().items() if not role.optional}
    assert needed <= example.wanted.keys()
    assert all(len(members) >= 2 for members in example.wanted.values())
