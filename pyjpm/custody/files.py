"""Files with secrets: nobody else's to read, whole or not there."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from pyjpm.errors.custody import KeystoreTooOpen

_OTHERS: Final = 0o077


def private_folder(folder: Path) -> None:
    """Make a folder of mode 0700 if there is none. Raises KeystoreTooOpen if others may enter the one there is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_open(folder, folder.stat())


def read_private(path: Path) -> bytes:
    """The content of a file of ours. Raises KeystoreTooOpen, FileNotFoundError; links are not followed."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        _refuse_open(path, os.fstat(handle))
        return file.read()


def create_private(path: Path, content: bytes) -> None:
    """Create a file of mode 0600, durably and in one step. Raises FileExistsError; nothing is overwritten.

    Written under a name of its own first and then linked to its name, which fails where that is taken: a crash leaves
    the whole file or none.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        os.link(draft, path, follow_symlinks=False)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refuse_open(path: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & _OTHERS or status.st_uid != os.geteuid():
        raise KeystoreTooOpen(f"{path} can be read or changed by others.", path=str(path), mode=f"{mode:04o}")
