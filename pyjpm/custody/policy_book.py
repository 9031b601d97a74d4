"""The signer's book: what it signed and what it refused, line by line, each bound to all before it.

It is the audit trail and the memory in one: what the day has moved, the nonces signed and the mark of the highest are
what its lines add up to. So a call that is signed costs one synchronised write, however many transactions are in it.

Decisions that govern this module:

* A line is on disk before a signature leaves. A line of a refusal goes to the operating system, and to disk with the
  next that is signed.
* Every line carries the SHA-256 of the line before it. A line that is cut off at the end belongs to a signature that
  never left and is dropped; anything else that does not follow is damage, and the signer does not start.
* A volume of the book that has grown is closed, and the next begins with the whole state. Closed volumes are kept: they
  are the trail, and no start reads them.
* After a write that failed nothing more is written: what is on disk then is known only after a new start.
* The book is never restored from a backup, for the reasons of a mark (see ``marks``).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final, Self

from pyjpm.custody.files import private_folder
from pyjpm.custody.policy_state import State
from pyjpm.errors.policy import (
    SignerBookCorrupt,
    SignerBookInUse,
    SignerBookNotWritten,
    SignerBookOfOtherChain,
    SigningApprovalInvalid,
)

VOLUME: Final = 64 << 20
"""Bytes after which the next volume begins, without the state that a volume begins with."""
_START: Final = "0" * 64


class Book:
    """An open book. One process has it at a time; its callers take turns."""

    def __init__(self, folder: Path, state: State, lock: int) -> None:
        self.state: Final = state
        self._folder = folder
        self._lock = lock
        self._handle = -1
        self._number = 0
        self._size = 0
        self._opening = 0  # bytes of the state that the volume begins with
        self._before = _START
        self._broken = ""

    @classmethod
    def open(cls, folder: Path, chain_id: int) -> Self:
        """Open a book, or begin one.

        Args:
            folder: made with mode 0700 if it is not there.

        Raises:
            SignerBookInUse, SignerBookCorrupt, SignerBookOfOtherChain, SignerBookNotWritten, KeystoreTooOpen
        """
        private_folder(folder)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise SignerBookInUse(f"Another signer has the book {folder}.", path=str(folder)) from None
        book = cls(folder, State(chain_id), lock)
        try:
            book._read(chain_id)
        except BaseException:
            book.close()
            raise
        return book

    @property
    def head(self) -> str:
        """The SHA-256 of the last line: who notes it elsewhere notices a book that was written anew."""
        return self._before

    @property
    def volume(self) -> int:
        """Number of the volume that is written."""
        return self._number

    def close(self) -> None:
        """Let go of it."""
        for handle in (self._handle, self._lock):
            if handle >= 0:
                os.close(handle)
        self._handle = self._lock = -1

    def write(self, line: dict[str, Any], *, durably: bool) -> None:
        """Write one line and take in what it says. Raises SignerBookNotWritten: then it is as if nothing was said."""
        if self._size - self._opening > VOLUME:
            self._next_volume()
        self._append(line, durably=durably)
        self.state.apply(line)

    def _append(self, line: dict[str, Any], *, durably: bool) -> None:
        if self._broken or self._handle < 0:
            raise self._not_written(self._broken or "it is closed")
        data = json.dumps({"prev": self._before, **line}, separators=(",", ":")).encode()
        try:
            if os.write(self._handle, data + b"\n") != len(data) + 1:
                raise OSError("only a part was written")
            if durably:
                os.fdatasync(self._handle)
        except OSError as error:
            self._broken = os.strerror(error.errno) if error.errno else str(error)
            raise self._not_written(self._broken) from error
        self._before = hashlib.sha256(data).hexdigest()
        self._size += len(data) + 1

    def _next_volume(self) -> None:
        try:
            handle = os.open(
                self._path(self._number + 1), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise self._not_written(os.strerror(error.errno or 0)) from error
        if self._handle >= 0:
            os.fdatasync(self._handle)
            os.close(self._handle)
        self._handle, self._number, self._size = handle, self._number + 1, 0
        self._append({"kind": "snapshot", "state": self.state.to_dict()}, durably=True)
        self._opening = self._size
        folder = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self, chain_id: int) -> None:
        numbers = sorted(int(path.stem) for path in self._folder.glob("[0-9]*.jsonl"))
        while numbers:
            # A volume that was begun and has no whole first line: the one before is the newest.
            self._number = numbers.pop()
            whole = self._replay(self._path(self._number))
            if whole or not numbers:
                break
            self._path(self._number).unlink()
        if self._number and self.state.chain_id != chain_id:
            raise SignerBookOfOtherChain(
                f"The book {self._folder} is of chain {self.state.chain_id}.",
                path=str(self._folder),
                chain_id=self.state.chain_id,
                expected=chain_id,
            )
        if not self._number:
            self._next_volume()
            return
        self._handle = os.open(self._path(self._number), os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.ftruncate(self._handle, self._size)
        if not self._size:
            self._append({"kind": "snapshot", "state": self.state.to_dict()}, durably=True)
        os.fdatasync(self._handle)

    def _replay(self, path: Path) -> bool:
        """Take in a volume; whether it has a line. Drops a last line that is cut off."""
        *lines, _cut_off = path.read_bytes().split(b"\n")  # the machine stopped while that was written
        self._size = 0
        for number, data in enumerate(lines, 1):
            line = _parsed(data)
            if line is None and number == len(lines):
                break  # as above, and the disk had written its end first
            try:
                if line is None or (number > 1 and line["prev"] != self._before):
                    raise ValueError("does not follow")
                self.state.apply(line)
            except (ValueError, KeyError, TypeError, AttributeError, SigningApprovalInvalid):
                raise _corrupt(path, number) from None
            self._before = hashlib.sha256(data).hexdigest()
            self._size += len(data) + 1
            if number == 1:
                self._opening = self._size
        return self._size > 0

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.jsonl"

    def _not_written(self, reason: str) -> SignerBookNotWritten:
        return SignerBookNotWritten(
            f"The book {self._folder} cannot be written: {reason}.", path=str(self._folder), reason=reason
        )


def verify(folder: Path) -> tuple[int, str]:
    """Read all volumes of a book: how many lines it has, and the SHA-256 of the last. Raises SignerBookCorrupt."""
    count, before = 0, _START
    paths = sorted(folder.glob("[0-9]*.jsonl"))
    for path in paths:
        *lines, _cut_off = path.read_bytes().split(b"\n")
        for number, data in enumerate(lines, 1):
            line = _parsed(data)
            if line is None and path == paths[-1] and number == len(lines):
                break
            if line is None or line.get("prev") != before:
                raise _corrupt(path, number)
            before = hashlib.sha256(data).hexdigest()
            count += 1
    return count, before


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(data)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _corrupt(path: Path, line: int) -> SignerBookCorrupt:
    return SignerBookCorrupt(f"Line {line} of {path} does not follow.", path=str(path), line=line)
