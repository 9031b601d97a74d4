"""What can go wrong with keys. No error here ever carries a key or a passphrase."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class CustodyError(PyjpmError):
    """Root of everything the custody layer raises."""

    code: ClassVar[str] = "CUSTODY_ERROR"


class InvalidKey(CustodyError):
    """Not a private key of secp256k1."""

    code: ClassVar[str] = "INVALID_KEY"
    hint: ClassVar[str] = "Give 32 bytes, or 64 hex digits, between 1 and the order of the curve."


class KeyNotExportable(CustodyError):
    """A signer is not copied, pickled or serialised: its key stays in this process."""

    code: ClassVar[str] = "KEY_NOT_EXPORTABLE"
    hint: ClassVar[str] = "Load the key from its keystore where it is needed."


class SigningRefused(CustodyError):
    """The transaction or message is of a kind this signer never signs. Details: ``field``."""

    code: ClassVar[str] = "SIGNING_REFUSED"
    hint: ClassVar[str] = "Sign EIP-1559 transactions with a chain id and fees of 0, and 32-byte digests."


class InvalidKeyName(CustodyError):
    """Not a name for a key. Details: ``name``."""

    code: ClassVar[str] = "INVALID_KEY_NAME"
    hint: ClassVar[str] = "Use 1 to 64 letters, digits, '-', '_' or '.', beginning with a letter or digit."


class KeyNotFound(CustodyError):
    """The keystore or device has no key of this name. Details: ``name``, and ``directory`` or ``device``."""

    code: ClassVar[str] = "KEY_NOT_FOUND"
    hint: ClassVar[str] = "Check the name and where it is looked for, or create the key."


class KeyExists(CustodyError):
    """The keystore or device has a key of this name; keys are never overwritten. Details: ``name``, and ``directory``
    or ``device``."""

    code: ClassVar[str] = "KEY_EXISTS"
    hint: ClassVar[str] = "Use another name, or load the key that is there."


class KeyFileCorrupt(CustodyError):
    """The file is no Web3 secret storage (version 3), or names another address than its key's. Details: ``path``."""

    code: ClassVar[str] = "KEY_FILE_CORRUPT"
    hint: ClassVar[str] = "Restore the file from its backup."


class WrongPassphrase(CustodyError):
    """The passphrase does not open this key. Details: ``name``."""

    code: ClassVar[str] = "WRONG_PASSPHRASE"
    hint: ClassVar[str] = "Give the passphrase that the key was created with."


class PassphraseMissing(CustodyError):
    """No passphrase, or no PIN, where one was to be. Details: ``source``."""

    code: ClassVar[str] = "PASSPHRASE_MISSING"
    hint: ClassVar[str] = "Give it as an argument, by the name of an environment variable, or in a file."


class KeystoreTooOpen(CustodyError):
    """A directory or file with secrets can be read or changed by others. Details: ``path``, ``mode``."""

    code: ClassVar[str] = "KEYSTORE_TOO_OPEN"
    hint: ClassVar[str] = (
        "Make it its user's own: chmod 700 for the directory, 600 for the files; then change the keys."
    )


# --- the signer's mark ---------------------------------------------------------------------------------------------


class SignerMarkLost(CustodyError):
    """This wallet's record of the highest nonce it signed is missing or damaged, so nobody knows what bytes of it are
    still alive. Details: ``wallet``, ``chain_id``, ``path``."""

    code: ClassVar[str] = "SIGNER_MARK_LOST"
    hint: ClassVar[str] = (
        "Let the wallet recover up to its whole window of nonces, then set the mark with "
        "`pyjpm keys mark NAME --chain-id ID --nonce N`; never restore it from a backup."
    )


class MarkNotWritten(CustodyError):
    """The disk does not take the mark, so nothing was signed. Details: ``wallet``, ``path``."""

    code: ClassVar[str] = "MARK_NOT_WRITTEN"
    hint: ClassVar[str] = "Give the folder of the marks room on a disk that can be written, then retry."


class MarkExists(CustodyError):
    """A wallet's mark is begun once, when its key is made. Details: ``wallet``."""

    code: ClassVar[str] = "MARK_EXISTS"
    hint: ClassVar[str] = "Leave the mark as it is; raise it with `pyjpm keys mark` if the wallet signed elsewhere."


class MarkOnlyRises(CustodyError):
    """A mark is not set below what the wallet has signed. Details: ``wallet``, ``chain_id``, ``mark``."""

    code: ClassVar[str] = "MARK_ONLY_RISES"
    hint: ClassVar[str] = "Give the highest nonce the wallet ever signed on that chain, or leave the mark as it is."


# --- devices: HSM, KMS, remote signer ------------------------------------------------------------------------------


class DeviceSupportMissing(CustodyError):
    """The library for this kind of device is not installed. Details: ``extra``."""

    code: ClassVar[str] = "DEVICE_SUPPORT_MISSING"
    hint: ClassVar[str] = "Install the extra: pip install 'pyjpm[hsm]' for PKCS#11, 'pyjpm[kms]' for AWS KMS."


class ModuleNotLoaded(CustodyError):
    """The PKCS#11 module is not there or is none. Details: ``path``."""

    code: ClassVar[str] = "MODULE_NOT_LOADED"
    hint: ClassVar[str] = "Give the path of the HSM maker's shared library, for this machine's processor."


class TokenNotFound(CustodyError):
    """The module sees no token of this label, or more than one. Details: ``device``."""

    code: ClassVar[str] = "TOKEN_NOT_FOUND"
    hint: ClassVar[str] = "Check the label, and the configuration and connection of the module (`pkcs11-tool -L`)."


class WrongPin(CustodyError):
    """The token refused the PIN; it is not tried again. Details: ``device``."""

    code: ClassVar[str] = "WRONG_PIN"
    hint: ClassVar[str] = "Give the right PIN: a token locks after a few wrong ones."


class PinLocked(CustodyError):
    """The token's PIN is locked after wrong attempts, or expired. Details: ``device``."""

    code: ClassVar[str] = "PIN_LOCKED"
    hint: ClassVar[str] = "Have the token's security officer set the PIN anew."


class KeyUnsuitable(CustodyError):
    """The key is not what a wallet of ours is: another curve, not for signing, or not kept inside its device.
    Details: ``name``, ``device``, ``problem``."""

    code: ClassVar[str] = "KEY_UNSUITABLE"
    hint: ClassVar[str] = "Create a key for secp256k1 signatures that the device never hands out."


class KeyDisabled(CustodyError):
    """The device has the key and does not let it sign: disabled, or to be deleted. Details: ``name``, ``device``."""

    code: ClassVar[str] = "KEY_DISABLED"
    hint: ClassVar[str] = "Enable the key, or cancel its deletion, if that was not meant."


class DeviceUnreachable(CustodyError):
    """The device does not answer, also after connecting anew. Details: ``device``, ``reason``."""

    code: ClassVar[str] = "DEVICE_UNREACHABLE"
    hint: ClassVar[str] = "Check the device and the way to it; asking for the same signature again is safe."


class DeviceBusy(CustodyError):
    """The device turns requests away because there are too many. Details: ``device``."""

    code: ClassVar[str] = "DEVICE_BUSY"
    hint: ClassVar[str] = "Retry later, send less at once, or have the quota raised."


class DeviceAccessDenied(CustodyError):
    """The device does not accept who asks. Details: ``device``, ``reason``."""

    code: ClassVar[str] = "DEVICE_ACCESS_DENIED"
    hint: ClassVar[str] = "Check this process's credentials, and that they are allowed to sign with this key."


class DeviceRefused(CustodyError):
    """The device refused for a reason of its own, or answered what is no signature. Details: ``device``, ``reason``."""

    code: ClassVar[str] = "DEVICE_REFUSED"
    hint: ClassVar[str] = "Look up the reason in the device's log and manual; nothing was signed."


class SignatureNotOurs(CustodyError):
    """The device's signature is not this wallet's over what it was given. Details: ``wallet``, ``device``."""

    code: ClassVar[str] = "SIGNATURE_NOT_OURS"
    hint: ClassVar[str] = "Check which key the device uses under this name; the signature was thrown away."
