"""What the governance contract refuses beyond OpenZeppelin's manager, and what a hand-over or a look at it finds."""

from __future__ import annotations

from pyjpm.errors.base import PyjpmError
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


class HandOverError(PyjpmError):
    """Root of what is wrong with assignments, or with handing over by them."""

    code = "HAND_OVER_ERROR"


class MalformedAssignments(HandOverError):
    """The assignments are not of the form that is read."""

    code = "MALFORMED_ASSIGNMENTS"
    hint = "See pyjpm/assignments.py for the form; nothing was sent."


class RoleWithoutHolder(HandOverError):
    """A role would have nobody."""

    code = "ROLE_WITHOUT_HOLDER"
    hint = "Assign at least one account to it; nothing was sent."


class DelayMissing(HandOverError):
    """A role that loosens or moves would act without announcing it."""

    code = "DELAY_MISSING"
    hint = "Give it a delay in seconds; nothing was sent."


class StopDelayed(HandOverError):
    """A role that stops would have a delay."""

    code = "STOP_DELAYED"
    hint = "Take the delay away: what stops must work in the same block. Nothing was sent."


class GuardianGuardsItself(HandOverError):
    """An account would be guardian over what it does itself."""

    code = "GUARDIAN_GUARDS_ITSELF"
    hint = "Give one of the two roles to somebody else; nothing was sent."


class DeployerAssigned(HandOverError):
    """The assignments would leave the deployer a role."""

    code = "DEPLOYER_ASSIGNED"
    hint = "The deployer's key ends with no role: assign another account. Nothing was sent."


class NotTheDeployer(HandOverError):
    """The signer does not administer the platform."""

    code = "NOT_THE_DEPLOYER"
    hint = "Hand over with the key that deployed the platform."


class HandOverIncomplete(HandOverError):
    """The chain does not have the roles as they are assigned."""

    code = "HAND_OVER_INCOMPLETE"
    hint = "See the differences, and run the hand-over again."
