"""What the governance contract refuses beyond OpenZeppelin's manager, and what a hand-over or a look at it finds."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class RoleNotGuarded(ContractError):
    """Role `roleId` is taken away by the admin only."""

    solidity = "RoleNotGuarded"
    code = "ROLE_NOT_GUARDED"
    says = "Role {roleId} is taken away by the admin only."
    hint = "Have an admin schedule revokeRole."


class NotAMember(ContractError):
    """`account` does not have role `roleId`."""

    solidity = "NotAMember"
    code = "NOT_A_MEMBER"
    says = "{account} does not have role {roleId}."
    hint = "See who has it with scripts/who_can.py."
