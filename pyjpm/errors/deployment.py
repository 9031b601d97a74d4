"""What can be wrong between a deployment record and a chain, or with how a client was set up."""

from __future__ import annotations

from pyjpm.errors.base import PyjpmError


class DeploymentError(PyjpmError):
    """Root of the errors about deployments."""

    code = "DEPLOYMENT_ERROR"


class RecordNotFound(DeploymentError):
    """There is no deployment record at the path."""

    code = "RECORD_NOT_FOUND"
    hint = "Deploy first (scripts/deploy.py), or give the path of the bank's deployment record."


class RecordExists(DeploymentError):
    """A deployment record already stands at the path."""

    code = "RECORD_EXISTS"
    hint = "Connect to that deployment, or choose another path: a record is never overwritten."


class MalformedRecord(DeploymentError):
    """The deployment record is not one of pyjpm's."""

    code = "MALFORMED_RECORD"
    hint = "Ask the bank for the record exactly as pyjpm wrote it."


class RecordOfOtherChain(DeploymentError):
    """The record is of another chain than the node serves."""

    code = "RECORD_OF_OTHER_CHAIN"
    hint = "Use the record and the node of one and the same network."


class CodeDiffers(DeploymentError):
    """The code at an address is not the code that was deployed."""

    code = "CODE_DIFFERS"
    hint = "Do not use this deployment before the bank has explained the change and issued a new record."


class VersionUnsupported(DeploymentError):
    """A contract has a version outside the range that this release speaks."""

    code = "VERSION_UNSUPPORTED"
    hint = "Use a pyjpm release for these contracts."


class CurrencyNotDeployed(DeploymentError):
    """The platform has no token of this currency."""

    code = "CURRENCY_NOT_DEPLOYED"
    hint = "Use one of the platform's currencies, or have the bank deploy a token for it."


class RulesNotDeployed(DeploymentError):
    """The platform was deployed without payment rules."""

    code = "RULES_NOT_DEPLOYED"
    hint = "Have the bank deploy PaymentRules, register it as a notary and issue a new record."


class ReadOnlyClient(DeploymentError):
    """The client was opened without a signer and cannot act."""

    code = "READ_ONLY_CLIENT"
    hint = "Connect with signer=…, or use platform.acting(signer)."


class NotOnboarded(DeploymentError):
    """The wallet names no participant."""

    code = "NOT_ONBOARDED"
    hint = "Have the bank onboard the institution (participants.onboard)."


class UnknownRole(DeploymentError):
    """There is no role of this name."""

    code = "UNKNOWN_ROLE"
    hint = "See pyjpm/contracts/roles.json for the roles."


class InvalidRequest(DeploymentError):
    """A call's arguments make no sense together."""

    code = "INVALID_REQUEST"
    hint = "Correct the arguments; nothing was sent."


class ReferenceConflict(DeploymentError):
    """The chain has other content under the reference of this request."""

    code = "REFERENCE_CONFLICT"
    hint = "Do not pay again before you know what was paid; use another idempotency key for another payment."


class NotFound(DeploymentError):
    """There is nothing of this id."""

    code = "NOT_FOUND"
    hint = "Check the id, and that you look with the wallet that made it."
