"""Keys in files, each under a passphrase: Web3 secret storage version 3, readable by every Ethereum client.

Decisions that govern this module:

* A key is never overwritten and never leaves the folder unencrypted.
* A folder or file that others may read is refused, not repaired: what could be read may have been.
* Every key has a mark of its highest nonces from the moment it is made. Keys are backed up; marks are not: an old mark
  beside an old database would hide what was signed since, a missing one is noticed.
"""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_utils.address import is_hex_address, to_checksum_address

from pyjpm.custody.files import create_private, private_folder, read_private
from pyjpm.custody.local import LocalSigner
from pyjpm.custody.marks import NonceMarks
from pyjpm.custody.passphrase import read_passphrase
from pyjpm.errors.custody import InvalidKey, InvalidKeyName, KeyExists, KeyFileCorrupt, KeyNotFound, WrongPassphrase

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIX: Final = ".json"
SCRYPT_WORK: Final = 1 << 18
"""Cost of deriving a key from a passphrase (scrypt's N): about a second and 32 MB."""


class Keystore:
    """A folder of keys by name. Any number of processes and threads may use it at once.

    Args:
        directory: made with mode 0700 if it is not there. Raises KeystoreTooOpen if others may enter it.
        marks: folder of the marks of its keys, outside of every backup; ``marks`` inside the keystore if None.
        kdf_work: scrypt's N for new keys, a power of two.
    """

    def __init__(self, directory: Path, *, marks: Path | None = None, kdf_work: int = SCRYPT_WORK) -> None:
        private_folder(directory)
        self.marks: Final = NonceMarks(directory / "marks" if marks is None else marks)
        self._directory = directory
        self._kdf_work = kdf_work

    def __repr__(self) -> str:
        return f"Keystore({str(self._directory)!r})"

    def create(self, name: str, passphrase: str) -> str:
        """Make a new key and return its address, checksummed.

        Raises InvalidKeyName, KeyExists, PassphraseMissing (it is empty), KeystoreTooOpen, MarkNotWritten.
        """
        path = self._path(name)
        private_folder(self._directory)
        if path.exists():
            raise self._exists(name)
        key, address = _new_key()
        secret = read_passphrase(value=passphrase)
        content = Account.encrypt(key, secret, kdf="scrypt", iterations=self._kdf_work)
        self.marks.begin(address)  # first: a key without a mark counts as one whose mark was lost
        try:
            create_private(path, json.dumps(content).encode())
        except FileExistsError:
            raise self._exists(name) from None
        return address

    def load(self, name: str, passphrase: str) -> LocalSigner:
        """The signer of a key, with its mark.

        Raises InvalidKeyName, KeyNotFound, WrongPassphrase, KeyFileCorrupt, KeystoreTooOpen.
        """
        content = self._read(name)
        try:
            key = bytes(Account.decrypt(content, passphrase))
        except (KeyError, TypeError, ValueError, NotImplementedError) as error:
            # Told apart by text: the library has one class for a MAC that does not match and for bad hex.
            if "MAC mismatch" not in str(error):
                raise self._corrupt(name) from None
            raise WrongPassphrase(f"The passphrase does not open the key {name!r}.", name=name) from None
        try:
            signer = LocalSigner.from_key(key, marks=self.marks)
        except InvalidKey:
            raise self._corrupt(name) from None
        if signer.address.lower() != _address_in(content):
            raise self._corrupt(name)
        return signer

    def address(self, name: str) -> str:
        """The address of a key as its file says, checksummed, without a passphrase. Raises as ``load``."""
        address = _address_in(self._read(name))
        if not is_hex_address(address):
            raise self._corrupt(name)
        return to_checksum_address(address)

    def names(self) -> list[str]:
        """The names of all keys, sorted."""
        return sorted(
            path.name.removesuffix(_SUFFIX)
            for path in self._directory.glob("*" + _SUFFIX)
            if _NAME.fullmatch(path.name.removesuffix(_SUFFIX))
        )

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InvalidKeyName(f"{name!r} is no name for a key.", name=name)
        return self._directory / (name + _SUFFIX)

    def _read(self, name: str) -> dict[str, Any]:
        path = self._path(name)
        private_folder(self._directory)
        try:
            content = json.loads(read_private(path))
        except FileNotFoundError:
            raise KeyNotFound(
                f"There is no key {name!r} in {self._directory}.", name=name, directory=str(self._directory)
            ) from None
        except (OSError, ValueError):
            raise self._corrupt(name) from None
        if not isinstance(content, dict) or content.get("version") != 3:
            raise self._corrupt(name)
        return content

    def _exists(self, name: str) -> KeyExists:
        directory = str(self._directory)
        return KeyExists(f"There is a key {name!r} in {directory} already.", name=name, directory=directory)

    def _corrupt(self, name: str) -> KeyFileCorrupt:
        path = str(self._path(name))
        return KeyFileCorrupt(f"{path} is no key file of its name and address.", path=path)


def _new_key() -> tuple[bytes, str]:
    while True:
        key = secrets.token_bytes(32)
        try:
            return key, LocalSigner.from_key(key).address
        except InvalidKey:
            continue  # one in 2^127: above the order of the curve


def _address_in(content: dict[str, Any]) -> str:
    return "0x" + str(content.get("address", "")).lower().removeprefix("0x")
