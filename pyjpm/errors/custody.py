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
    """The keystore has no key of this name. Details: ``name``, ``directory``."""

    code: ClassVar[str] = "KEY_NOT_FOUND"
    hint: ClassVar[str] = "Check the name and the keystore's directory, or create the key."


class KeyExists(CustodyError):
    """The keystore has a key of this name; keys are never overwritten. Details: ``name``, ``directory``."""

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
    """No passphrase where one was to be. Details: ``source``."""

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
