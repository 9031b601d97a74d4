"""What an upgrade is refused for, off the chain and on it."""

from __future__ import annotations

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.contracts import ContractError


class UpgradeChangedAnswer(ContractError):
    """The new code answers `question` otherwise than the old code did."""

    solidity = "UpgradeChangedAnswer"
    code = "UPGRADE_CHANGED_ANSWER"
    says = "The new code answers {question} otherwise than the old code did."
    hint = "The upgrade did not happen. The new code reads its storage wrongly, or a migration lost something."


class UpgradeNotNewer(ContractError):
    """Version `to` is not above the present version `from`."""

    solidity = "UpgradeNotNewer"
    code = "UPGRADE_NOT_NEWER"
    says = "Version {to} is not above the present version {from}."
    hint = "Deploy a release of these contracts with a higher version."


class UpgradeError(PyjpmError):
    """Root of what an upgrade is refused for before anything is sent."""

    code = "UPGRADE_ERROR"


class LayoutBroken(UpgradeError):
    """The storage of the new code does not continue that of the old one."""

    code = "LAYOUT_BROKEN"
    hint = "Append to the end of a storage structure only; never change, move or remove what is there."


class LayoutUnknown(UpgradeError):
    """No storage layout of this version was committed."""

    code = "LAYOUT_UNKNOWN"
    hint = "Upgrade with the release that knows the deployed version: see pyjpm/contracts/layouts."


class NotUpgradable(UpgradeError):
    """The contract stands behind no proxy."""

    code = "NOT_UPGRADABLE"
    hint = "Notaries are replaced by new ones: register the new one and run the old one off."
