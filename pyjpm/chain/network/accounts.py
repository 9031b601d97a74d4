"""Accounts that exist from the first block on: the rescue account, and a first sender where none was named.

Decisions that govern this module:

* Keys leave this module encrypted only (Web3 secret storage version 3, as ``pyjpm.custody.Keystore`` reads it).
* The rescue account is the only one with money, and lies offline. It is for one case: somebody signed a transaction
  with a price above zero. Under the sequenced pool it is accepted, never mined (its sender has no money), and a
  zero-fee one on that nonce is refused as underpriced: the sender is jammed for good. Money from here lets it be mined.
* With a list of accounts but nobody on it, nobody could deploy anything. So a key called ``deployer`` is made then.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Final

from eth_account import Account
from eth_keys.datatypes import PrivateKey

RESCUE: Final = "rescue"
DEPLOYER: Final = "deployer"
SCRYPT_WORK: Final = 1 << 18
"""Cost of deriving a key from a passphrase (scrypt's N): about a second and 32 MB."""


@dataclass(frozen=True, slots=True)
class EncryptedAccount:
    """A new account: its address (0x-lower-case) and its key file's content."""

    name: str
    address: str
    content: bytes = field(repr=False)


def new_account(name: str, passphrase: str, kdf_work: int = SCRYPT_WORK) -> EncryptedAccount:
    """A new key under a passphrase."""
    secret = secrets.token_bytes(32)
    address = PrivateKey(secret).public_key.to_address()
    content = Account.encrypt(secret, passphrase, kdf="scrypt", iterations=kdf_work)
    return EncryptedAccount(name, address, json.dumps(content).encode())


def new_passphrase() -> str:
    """A passphrase for whom none was given."""
    return secrets.token_urlsafe(24)
