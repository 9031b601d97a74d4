"""Custody: who holds keys and signs. Sending and the nouns know the protocols only."""

from __future__ import annotations

from pyjpm.custody.keystore import Keystore
from pyjpm.custody.local import LocalSigner
from pyjpm.custody.marks import NonceMarks
from pyjpm.custody.passphrase import read_passphrase
from pyjpm.custody.signer import Signer

__all__ = ["Keystore", "LocalSigner", "NonceMarks", "Signer", "read_passphrase"]
