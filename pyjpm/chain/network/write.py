"""Writing a network's folder: the whole of it or nothing, and never over anything.

Decisions that govern this module:

* Everything is written beside the folder under a name of its own, made durable, and then renamed; a failure leaves
  neither the folder nor the draft. Renaming fails where something came into being there meanwhile.
* Folders with keys are their owner's alone, who is whoever writes them; containers run as him too.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from pyjpm.chain.network.accounts import SCRYPT_WORK
from pyjpm.chain.network.build import NewFile, NewNetwork, build_network
from pyjpm.chain.network.plan import NetworkPlan
from pyjpm.errors.network import NetworkFolderTaken, NetworkFolderUnwritable

_OPEN: Final = 0o755
_PRIVATE: Final = 0o700


def write_network(
    plan: NetworkPlan,
    folder: Path,
    *,
    root: PurePosixPath | None = None,
    passphrase: str | None = None,
    kdf_work: int = SCRYPT_WORK,
) -> NewNetwork:
    """Make a network's keys and files.

    Args:
        folder: must not exist, or be empty.
        root: where the folder will lie on the nodes' machines, for the paths in their configurations; None is here.
        passphrase: for the keys of the rescue account and of a first sender; None makes one and writes it too.
        kdf_work: scrypt's N for these keys.

    Raises NetworkFolderTaken, NetworkFolderUnwritable.
    """
    folder = folder.absolute()
    _refuse_taken(folder)
    owner = (os.geteuid(), os.getegid())
    made = build_network(plan, root or PurePosixPath(folder), owner, passphrase, kdf_work)
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _write_all(draft, made.files)
        _refuse_taken(folder)
        os.rename(draft, folder)  # onto an empty folder or none
        _sync(folder.parent)
    except OSError as error:
        _refuse_taken(folder)
        raise NetworkFolderUnwritable(
            f"{folder} cannot be written ({error.strerror}).", path=str(folder), reason=str(error.strerror)
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def _refuse_taken(folder: Path) -> None:
    try:
        taken = any(folder.iterdir())
    except FileNotFoundError:
        taken = folder.is_symlink()
    except OSError:
        taken = True
    if taken:
        raise NetworkFolderTaken(f"{folder} is not empty.", path=str(folder))


def _write_all(draft: Path, files: Mapping[str, NewFile]) -> None:
    private = {PurePosixPath(path).parts[0] for path, file in files.items() if not file.mode & 0o077}
    folders = {parent for path in files for parent in PurePosixPath(path).parents} - {PurePosixPath(".")}
    draft.mkdir(mode=_OPEN)
    for inner in sorted(folders):
        (draft / inner).mkdir(mode=_PRIVATE if inner.parts[0] in private else _OPEN)
    for path, file in files.items():
        handle = os.open(draft / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, file.mode)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(handle, file.mode)  # whatever the umask
            out.write(file.content)
            out.flush()
            os.fsync(handle)
    for inner in sorted(folders, reverse=True):
        _sync(draft / inner)
    _sync(draft)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
