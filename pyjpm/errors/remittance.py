"""What can be wrong with remittance: what a payment is for, sealed to its readers."""

from __future__ import annotations

from pyjpm.errors.base import PyjpmError


class RemittanceError(PyjpmError):
    """Root of the errors about remittance."""

    code = "REMITTANCE_ERROR"


class InvalidRemittance(RemittanceError):
    """A part of the remittance is not as ISO 20022 has it."""

    code = "INVALID_REMITTANCE"
    hint = "Correct the part that is named."


class MalformedRemittance(RemittanceError):
    """The bytes are no remittance of this form."""

    code = "MALFORMED_REMITTANCE"
    hint = "Take the bytes exactly as they travelled with the payment."


class RemittanceVersionUnknown(RemittanceError):
    """The remittance has a version that this release does not read."""

    code = "REMITTANCE_VERSION_UNKNOWN"
    hint = "Upgrade pyjpm."


class RemittanceNotForThisKey(RemittanceError):
    """The remittance was sealed to other keys."""

    code = "REMITTANCE_NOT_FOR_THIS_KEY"
    hint = "Use the key that was published when the payment was made; keep rotated keys."


class RemittanceAltered(RemittanceError):
    """The remittance is not what was sealed, or not what was paid with."""

    code = "REMITTANCE_ALTERED"
    hint = "Do not rely on it; read the bytes from the payment's own transaction."


class InvalidEncryptionKey(RemittanceError):
    """This is no X25519 key."""

    code = "INVALID_ENCRYPTION_KEY"
    hint = "An encryption key has 32 bytes."


class NoEncryptionKey(RemittanceError):
    """A party to the payment has published no encryption key."""

    code = "NO_ENCRYPTION_KEY"
    hint = "Have the participant publish one in the registry, or send the remittance another way."
