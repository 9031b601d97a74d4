"""What the attester sets refuse."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class UnknownAttesterSet(ContractError):
    """There is no attester set `setId`."""

    solidity = "UnknownAttesterSet"
    code = "UNKNOWN_ATTESTER_SET"
    says = "There is no attester set {setId}."
    hint = "Create the set, or name an existing one."


class NotSetAdministrator(ContractError):
    """`caller` does not administer attester set `setId`."""

    solidity = "NotSetAdministrator"
    code = "NOT_SET_ADMINISTRATOR"
    says = "{caller} does not administer attester set {setId}."
    hint = "Act with a wallet of the set's administrator."


class SetTooSmall(ContractError):
    """The set would have `size` attesters, below its minimum of `minimum`."""

    solidity = "SetTooSmall"
    code = "SET_TOO_SMALL"
    says = "The set would have {size} attesters, below its minimum of {minimum}."
    hint = "Add an attester first."


class SetTooLarge(ContractError):
    """The set would have `size` attesters, `most` are allowed."""

    solidity = "SetTooLarge"
    code = "SET_TOO_LARGE"
    says = "The set would have {size} attesters, {most} are allowed."
    hint = "Use fewer attesters."


class InvalidAttester(ContractError):
    """`attester` cannot be an attester."""

    solidity = "InvalidAttester"
    code = "INVALID_ATTESTER"
    says = "{attester} cannot be an attester."
    hint = "Give the addresses of attester keys, ascending and distinct."


class AttesterKnown(ContractError):
    """`attester` is already in the set or announced."""

    solidity = "AttesterKnown"
    code = "ATTESTER_KNOWN"
    says = "{attester} is already in the set or announced."
    hint = "Nothing to do."


class AttesterRevoked(ContractError):
    """The key `attester` was revoked and never counts again."""

    solidity = "AttesterRevoked"
    code = "ATTESTER_REVOKED"
    says = "The key {attester} was revoked and never counts again."
    hint = "Use a new key."


class AttesterNotAnnounced(ContractError):
    """`attester` was not announced."""

    solidity = "AttesterNotAnnounced"
    code = "ATTESTER_NOT_ANNOUNCED"
    says = "{attester} was not announced."
    hint = "Announce it, then wait seven days."


class AnnouncementPending(ContractError):
    """`attester` may be added from `activeFrom` on."""

    solidity = "AnnouncementPending"
    code = "ANNOUNCEMENT_PENDING"
    says = "{attester} may be added from {activeFrom} on."
    hint = "Wait until then."


class EpochNotAccepted(ContractError):
    """Attestations under epoch `epoch` of set `setId` do not count (current `current`, floor `floor`)."""

    solidity = "EpochNotAccepted"
    code = "EPOCH_NOT_ACCEPTED"
    says = "Attestations under epoch {epoch} of set {setId} do not count (current {current}, floor {floor})."
    hint = "Attest again under the current epoch."


class NotAnAttester(ContractError):
    """`signer` is not an attester of set `setId`, or did not sign this."""

    solidity = "NotAnAttester"
    code = "NOT_AN_ATTESTER"
    says = "{signer} is not an attester of set {setId}, or did not sign this."
    hint = "Have attesters of the set sign exactly this attestation."


class NotEnoughAttestations(ContractError):
    """`given` attesters signed, `needed` are needed."""

    solidity = "NotEnoughAttestations"
    code = "NOT_ENOUGH_ATTESTATIONS"
    says = "{given} attesters signed, {needed} are needed."
    hint = "Collect the missing signatures."


class SignersNotAscending(ContractError):
    """The signers are not in ascending order at `signer`."""

    solidity = "SignersNotAscending"
    code = "SIGNERS_NOT_ASCENDING"
    says = "The signers are not in ascending order at {signer}."
    hint = "Use attestations.collect() or reserve.collect(), which sort and remove duplicates."


class InvalidAttesterSignature(ContractError):
    """The signature is not one of `signer`."""

    solidity = "InvalidAttesterSignature"
    code = "INVALID_ATTESTER_SIGNATURE"
    says = "The signature is not one of {signer}."
    hint = "Have the attester sign exactly this attestation."
