"""Every function by which anybody changes the state of a contract has a test of bad input that is named after it."""

from __future__ import annotations

import re
from typing import Final

import pytest

from pyjpm.contracts import artifacts
from pyjpm.contracts.sources import project_root

SUBJECTS: Final = {
    "ParticipantRegistry": "Registry",
    "DepositToken": "Token",
    "Reserve": "Reserve",
    "OrderEscrow": "Escrow",
    "Settlement": "Settlement",
    "PaymentRules": "Rules",
    "AttesterSets": "AttesterSets",
    "UnitToken": "Asset UnitToken",
    "TitleDocument": "Asset TitleDocument",
    "Governance": "Governance",
}
"""Each contract that is deployed for users, and what follows BadInput in the names of its tests."""

CODE_OF_OTHERS: Final = {"OrderExtension", "OrderAmendments", "SettlementNet"}
"""Run by another contract in its own storage, whose functions of the same names are tested."""

INHERITED: Final = {"PlatformProxy"}
"""OpenZeppelin's as it is."""

OF_ACCESS_MANAGER: Final = {
    *("cancel", "consumeScheduledOp", "execute", "multicall", "schedule", "updateAuthority"),
    *("grantRole", "labelRole", "renounceRole", "revokeRole", "setGrantDelay", "setRoleAdmin", "setRoleGuardian"),
    *("setTargetAdminDelay", "setTargetClosed", "setTargetFunctionRole"),
}
"""What Governance has from OpenZeppelin unchanged."""


def deployable() -> set[str]:
    """Contracts with code of their own that change state: neither interfaces nor libraries nor abstract."""
    names = set()
    for name in artifacts.names():
        artifact = artifacts.load(name)
        source = (project_root() / artifact.source).read_text()
        if artifact.bytecode and re.search(rf"^contract {name}\b", source, re.MULTILINE):
            names.add(name)
    return names


def walked_through(names: str) -> set[str]:
    """What is tested by the contracts that are called so, or begin so (a token's tests fill more than one)."""
    wanted = [f"BadInput{name}" for name in names.split()]
    found = set()
    for file in (project_root() / "tests" / "contracts").glob("BadInput*.t.sol"):
        for contract in re.split(r"^(?:abstract )?contract ", file.read_text(), flags=re.MULTILINE)[1:]:
            if any(contract.split()[0] in (name, *named_after(name)) for name in wanted):
                found |= set(re.findall(r"function test_(\w+)\(", contract))
    return found


def named_after(name: str) -> tuple[str, ...]:
    return tuple(f"{name}{part}" for part in ("Bank", "Signed", "Sponsors"))


@pytest.mark.parametrize("contract", sorted(SUBJECTS))
def test_every_function_that_changes_state_is_walked_through(contract: str) -> None:
    tests = {name.partition("_")[0] for name in walked_through(SUBJECTS[contract])}
    functions = {
        entry["name"]
        for entry in artifacts.load(contract).abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    if contract == "Governance":
        functions -= OF_ACCESS_MANAGER
    assert functions
    assert functions - tests == set(), f"no test of bad input in {SUBJECTS[contract]}"
    assert tests - functions == set(), f"no such function of {contract}"


def test_no_contract_is_left_out() -> None:
    assert deployable() == set(SUBJECTS) | CODE_OF_OTHERS | INHERITED
