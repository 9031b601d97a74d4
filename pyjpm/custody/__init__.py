"""Custody: who holds keys and signs. Sending and the nouns know the protocols only."""

from __future__ import annotations

from pyjpm.custody.keystore import Keystore
from pyjpm.custody.passphrase import read_passphrase
from pyjpm.custody.signer import LocalSigner, Signer

__all__ = ["Keystore", "LocalSigner", "Signer", "read_passphrase"]
