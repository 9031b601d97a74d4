"""What the tests of networks share."""

from __future__ import annotations

CHEAP = 2  # scrypt's N: what is tested is not how long a passphrase resists
PASSPHRASE = "correct horse battery staple"
