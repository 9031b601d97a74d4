"""The signer's own mark: the highest nonce signed per wallet and chain, durable before a signature leaves.

A database restored from an older copy does not know what was signed since. The mark does, because it is kept outside of
the database: whoever restores the database must not restore the mark with it.

Decisions that govern this module:

* One file a wallet, of two slots that are written by turns, in place, each with a checksum: a write that is torn leaves
  the slot before it, which is right, because the signatures it was for were never returned. One ``fdatasync`` a write.
* A mark only rises. What this process has not itself made durable counts as not durable: another process may have
  written it and died before it was.
* A mark that is missing or damaged is lost, and stays so until an operator sets it: signing goes on without it (what
  settles the wallet must be signed too) and never makes a new one, because a mark that began late would lie.
* A mark set by an operator speaks for the chains it was set for, and for no other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pyjpm.chain.values import check_address
from pyjpm.custody.files import create_private, private_folder
from pyjpm.errors.custody import MarkExists, MarkNotWritten, MarkOnlyRises, SignerMarkLost

_SLOT: Final = 4_096
_DIGEST: Final = 64
_SUFFIX: Final = ".mark"
NEVER: Final = -1
"""The mark of a key that never signed on a chain."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """One slot. ``whole``: chains that are not listed were never signed for."""

    wallet: str
    sequence: int
    nonces: Mapping[int, int]
    whole: bool

    def encoded(self) -> bytes:
        body = json.dumps(
            {
                "wallet": self.wallet,
                "sequence": self.sequence,
                "nonces": {str(chain): nonce for chain, nonce in self.nonces.items()},
                "whole": self.whole,
            }
        ).encode()
        slot = hashlib.sha256(body).hexdigest().encode() + b" " + body
        if len(slot) >= _SLOT:
            raise MarkNotWritten(f"The mark of {self.wallet} has no room for another chain.", wallet=self.wallet)
        return slot.ljust(_SLOT - 1) + b"\n"


class NonceMarks:
    """A folder of marks, one file a wallet. Any number of processes and threads may use it at once.

    Args:
        directory: made with mode 0700 if it is not there. Raises KeystoreTooOpen if others may enter it.
    """

    def __init__(self, directory: Path) -> None:
        private_folder(directory)
        self._directory = directory
        self._proven: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"NonceMarks({str(self._directory)!r})"

    def begin(self, wallet: str) -> None:
        """Start the mark of a key that was just made and has signed nothing. Raises MarkExists, InvalidAddress."""
        wallet = check_address(wallet)
        try:
            self._create(_Mark(wallet, 0, {}, whole=True))
        except FileExistsError:
            raise MarkExists(f"The wallet {wallet} has a mark already.", wallet=wallet) from None

    def restore(self, wallet: str, nonces: Mapping[int, int]) -> None:
        """Set a mark by an operator's word: highest nonce signed, by chain id.

        Where the mark was lost, it speaks for these chains alone afterwards.

        Raises:
            MarkOnlyRises: there is a mark, and it is higher. InvalidAddress
        """
        wallet = check_address(wallet)
        try:
            with self._locked(wallet) as handle:
                found = _newest(handle, wallet)
                for chain, nonce in nonces.items():
                    if found is not None and nonce < found.nonces.get(chain, NEVER):
                        raise MarkOnlyRises(
                            f"The mark of {wallet} on chain {chain} is {found.nonces[chain]}.",
                            wallet=wallet,
                            chain_id=chain,
                            mark=found.nonces[chain],
                        )
                old = found or _Mark(wallet, 0, {}, whole=False)
                new = replace(old, sequence=old.sequence + 1, nonces={**old.nonces, **nonces})
                _write(handle, new)
                if found is None:  # the other slot is damaged: no half of a lost mark stays behind
                    _write(handle, replace(new, sequence=new.sequence + 1))
        except FileNotFoundError:
            self._create(_Mark(wallet, 0, dict(nonces), whole=False))

    def highest(self, wallet: str, chain_id: int) -> int:
        """The highest nonce signed by a wallet on a chain, -1 for never.

        Raises SignerMarkLost: the mark is missing, damaged, or was set for other chains only.
        """
        wallet = check_address(wallet)
        try:
            with self._locked(wallet, os.O_RDONLY) as handle:
                found = _newest(handle, wallet)
        except FileNotFoundError:
            raise self._lost(wallet, chain_id, "is missing") from None
        if found is None:
            raise self._lost(wallet, chain_id, "is damaged")
        if chain_id in found.nonces:
            return found.nonces[chain_id]
        if not found.whole:
            raise self._lost(wallet, chain_id, "was set for other chains only")
        return NEVER

    def rise(self, wallet: str, nonces: Mapping[int, int]) -> None:
        """Note, durably, that nonces up to these are about to be signed, by chain id. Returns when that is on disk.

        A lost mark stays lost: nothing is written for it.

        Raises:
            MarkNotWritten: the disk is full, read-only or broken; nothing may be signed.
        """
        with self._lock:
            if all(nonce <= self._proven.get((wallet, chain), NEVER) for chain, nonce in nonces.items()):
                return
        try:
            with self._locked(wallet) as handle:
                found = _newest(handle, wallet)
                if found is None:
                    return
                known = {chain: nonce for chain, nonce in nonces.items() if found.whole or chain in found.nonces}
                if not known:
                    return
                risen = {chain: max(nonce, found.nonces.get(chain, NEVER)) for chain, nonce in known.items()}
                _write(handle, replace(found, sequence=found.sequence + 1, nonces={**found.nonces, **risen}))
        except FileNotFoundError:
            return
        with self._lock:
            for chain, nonce in risen.items():
                self._proven[wallet, chain] = max(nonce, self._proven.get((wallet, chain), NEVER))

    def hand_over(self, wallet: str) -> None:
        """Set a mark aside, because another keeper has taken it over durably: from now on it is missing here.

        Its file is kept under another name for people to read.
        """
        path = self._path(check_address(wallet))
        try:
            path.replace(path.with_suffix(".taken"))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._not_written(wallet, error) from error

    def _create(self, mark: _Mark) -> None:
        slots = mark.encoded() + replace(mark, sequence=1).encoded()
        try:
            create_private(self._path(mark.wallet), slots)
        except FileExistsError:
            raise
        except OSError as error:
            raise self._not_written(mark.wallet, error) from error

    @contextmanager
    def _locked(self, wallet: str, access: int = os.O_RDWR) -> Iterator[int]:
        """The file of a mark, to this caller alone. Opened every time: a lock must not be shared over a fork, and a
        file that was removed must be missed. Raises FileNotFoundError, MarkNotWritten."""
        try:
            handle = os.open(self._path(wallet), access | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield handle
            finally:
                os.close(handle)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._not_written(wallet, error) from error

    def _path(self, wallet: str) -> Path:
        return self._directory / (wallet + _SUFFIX)

    def _lost(self, wallet: str, chain_id: int, how: str) -> SignerMarkLost:
        path = str(self._path(wallet))
        return SignerMarkLost(f"The mark of {wallet} {how}.", wallet=wallet, chain_id=chain_id, path=path)

    def _not_written(self, wallet: str, error: OSError) -> MarkNotWritten:
        path = str(self._path(wallet))
        reason = os.strerror(error.errno) if error.errno else str(error)
        return MarkNotWritten(f"The mark of {wallet} cannot be kept: {reason}.", wallet=wallet, path=path)


def _write(handle: int, mark: _Mark) -> None:
    slot = mark.encoded()
    if os.pwrite(handle, slot, _SLOT * (mark.sequence % 2)) != len(slot):
        raise OSError("only a part was written")
    os.fdatasync(handle)


def _newest(handle: int, wallet: str) -> _Mark | None:
    """The newer of the two slots that are whole; None where neither is."""
    slots = (_decoded(os.pread(handle, _SLOT, start), wallet) for start in (0, _SLOT))
    return max((slot for slot in slots if slot is not None), key=lambda slot: slot.sequence, default=None)


def _decoded(slot: bytes, wallet: str) -> _Mark | None:
    body = slot[_DIGEST + 1 :].rstrip()
    if len(slot) != _SLOT or slot[:_DIGEST] != hashlib.sha256(body).hexdigest().encode():
        return None
    content = json.loads(body)
    if content["wallet"] != wallet:
        return None  # a copy of another wallet's
    nonces = {int(chain): nonce for chain, nonce in content["nonces"].items()}
    return _Mark(wallet, content["sequence"], nonces, content["whole"])
