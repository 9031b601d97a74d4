"""A SWIFT gateway that is a folder: what most banks' message hubs pick files up from.

    out/        messages to be picked up, one file each, named by their reference; the hub takes them away
    refused/    the hub moves a message here (under its name) that it will never send
    known/      what was ever handed over: ours, not the hub's

Decisions that govern this module:

* A message is handed over once, whatever dies or sleeps: its folder in ``known/`` appears in one rename, complete and
  on the disk, and no other can take its place; the file in it that goes to ``out/`` goes by one rename, which only one
  process can do, once.
* So what a late process does is nothing, and what the hub does with a file it has taken does not matter: a message
  whose file has left ``known/`` was handed over.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Any, Final

from pyjpm.errors.rails import GatewayUnusable
from pyjpm.sending.outside import Absent, Answer, Found, Refused, Unknown

_NAME: Final = re.compile(r"swift/[A-Z2-7]{16}")
_KEPT, _READY = "kept", "ready"


class FolderGateway:
    """The other side of the messages' effects. Threads and processes: any number.

    Raises:
        GatewayUnusable: the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._out, self._refused, self._known, self._writing = (
            folder / name for name in ("out", "refused", "known", "writing")
        )
        try:
            for place in (self._out, self._refused, self._known, self._writing):
                place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GatewayUnusable(f"{folder} cannot be used: {error.strerror}.", path=str(folder)) from error

    def find(self, reference: str) -> Answer:
        """Whether the message with this effect's reference was handed over, and not refused."""
        name = _name(reference)
        if any(self._refused.glob(f"{name}.*")):
            return Refused("the hub refused it")
        known = self._known / name
        if not (known / _KEPT).exists() or (known / _READY).exists():
            return Absent()
        return Found(name)

    def send(self, reference: str, content: Any) -> Answer | None:
        """Hand a message over; one that was stays as it is."""
        name, text = _name(reference), str(content["text"]).encode()
        known = self._known / name
        made = self._writing / f"{name}.{secrets.token_hex(8)}"
        made.mkdir()
        for part in (_KEPT, _READY):
            _write(made / part, text)
        _sync(made)
        try:
            made.rename(known)
        except OSError:
            # There is one already: its folder is not empty.
            shutil.rmtree(made)
        _sync(self._known)
        with contextlib.suppress(FileNotFoundError):
            (known / _READY).rename(self._out / f"{name}.{_ending(content)}")
        _sync(self._out)
        return Found(name, matches=(known / _KEPT).read_bytes() == text)


class NoGateway:
    """Stands where no gateway is set: nothing can be told of any message."""

    def find(self, reference: str) -> Answer:
        """Unknown."""
        return Unknown("no gateway is set")

    def send(self, reference: str, content: Any) -> Answer | None:
        """Unknown; nothing is sent."""
        return Unknown("no gateway is set")


def _name(reference: str) -> str:
    if not _NAME.fullmatch(reference):
        raise ValueError("no reference of a message")
    return reference.removeprefix("swift/")


def _ending(content: Any) -> str:
    return "fin" if str(content["kind"]).startswith("MT") else "xml"


def _write(path: Path, text: bytes) -> None:
    with path.open("xb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
