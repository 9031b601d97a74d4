"""Keys of a replay's cast: the companies and attesters of an order log have no keys here, so the replay makes them.

They follow from one random seed that is kept beside the replay's other files (0600), so that a replay that was killed
acts with the same keys when it goes on. They are for replays: a real participant's keys are its own.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from eth_utils.crypto import keccak

from pyjpm.custody import LocalSigner

SEED_BYTES: Final = 32


class Keys:
    """Signers by name, from a seed file that is made where there is none."""

    def __init__(self, path: Path) -> None:
        self._seed = _read_or_make(path)
        self._made: dict[str, LocalSigner] = {}

    def __repr__(self) -> str:
        return f"Keys({len(self._made)} signers)"

    def signer(self, name: str) -> LocalSigner:
        """The signer of this name, the same every time."""
        if name not in self._made:
            self._made[name] = LocalSigner.from_key(keccak(self._seed + name.encode()))
        return self._made[name]


def _read_or_make(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        seed = path.read_bytes()
        if len(seed) == SEED_BYTES:
            return seed
        # A crash between making and writing the file left it short; nothing was ever signed with it.
        path.unlink()
        return _read_or_make(path)
    with os.fdopen(handle, "wb") as file:
        seed = secrets.token_bytes(SEED_BYTES)
        file.write(seed)
        file.flush()
        os.fsync(file.fileno())
    return seed
