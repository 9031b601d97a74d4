"""A folder of CSV or JSON files as a source.

Decisions that govern this module:

* A file is put there whole: under another name first, then renamed. Names that begin with a point or end in ``.part``
  or ``.tmp`` are passed over, and so is a file that changed in the last ``settle`` seconds. A file that changes later
  is read again; what stands in it still is the same events.
* The cursor says of each file that lies there which size and time it had when it was read to its end, so a file that
  comes late under an early name is not missed. Files that were taken away are forgotten.
* A file that cannot be read at all is a problem, and is read again once it has changed; the others go on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.intake import SourceUnavailable
from pyjpm.orders.connectors.connector import Batch, Problem, StatusEvent
from pyjpm.orders.connectors.fields import MOST_BYTES, EventFields, json_events
from pyjpm.orders.rows import FileLayout, read_rows

_AT_ONCE: Final = 500
_UNFINISHED: Final = (".part", ".tmp")
_LINES: Final = (".jsonl", ".ndjson")
_LONGEST_LINE: Final = 8 << 20

Reader = Callable[[Path], Iterator[StatusEvent | Problem]]


class FolderConnector:
    """Polls a folder. Made by :func:`csv_folder` or :func:`json_folder`.

    Args:
        name: of the cursor.
        suffixes: of the files that it reads.
        settle: seconds for which a file must not have changed.
    """

    def __init__(self, name: str, folder: Path, suffixes: tuple[str, ...], read: Reader, settle: float) -> None:
        self.name = name
        self._folder = folder
        self._suffixes = suffixes
        self._read = read
        self._settle = settle

    def poll(self, cursor: str | None) -> Batch:
        """See ``Connector``. ``more`` is True while a file is still to be read, also one that has yet to settle."""
        state: dict[str, Any] = {"files": {}, "in": None} if cursor is None else json.loads(cursor)
        found = self._files()
        files = {name: mark for name, mark in state["files"].items() if name in found}
        waiting = False
        for name in sorted(found):
            mark, age = found[name]
            if files.get(name) == mark:
                continue
            if age < self._settle:
                waiting = True
                continue
            begun = state["in"]
            done = begun[2] if begun is not None and begun[:2] == [name, mark] else 0
            entries = list(islice(self._read(self._folder / name), done, done + _AT_ONCE))
            more = len(entries) == _AT_ONCE
            if not more:
                files[name] = mark
            after = {"files": files, "in": [name, mark, done + len(entries)] if more else None}
            return Batch(
                events=tuple(entry for entry in entries if isinstance(entry, StatusEvent)),
                problems=tuple(entry for entry in entries if isinstance(entry, Problem)),
                cursor=json.dumps(after, sort_keys=True),
                more=True,
            )
        return Batch(cursor=json.dumps({"files": files, "in": None}, sort_keys=True), more=waiting)

    def _files(self) -> dict[str, tuple[list[int], float]]:
        """Size and time of change of each file by name, and for how long it has not changed."""
        found, now = {}, time.time()
        try:
            for path in self._folder.iterdir():
                name = path.name
                if name.startswith(".") or name.endswith(_UNFINISHED) or path.suffix.lower() not in self._suffixes:
                    continue
                stat = path.stat()
                found[name] = ([stat.st_size, stat.st_mtime_ns], now - stat.st_mtime)
        except OSError as error:
            cause = error.strerror or type(error).__name__
            raise SourceUnavailable(
                f"The folder {self._folder} cannot be read: {cause}.", source=self.name, cause=cause
            ) from error
        return found


def csv_folder(folder: Path, fields: EventFields, layout: FileLayout, *, settle: float = 2.0) -> FolderConnector:
    """A folder of CSV files, one event a row; a place is ``FILE:LINE``."""

    def read(path: Path) -> Iterator[StatusEvent | Problem]:
        columns = fields.columns
        try:
            for row in read_rows(path, layout, columns.needed(), columns.optional()):
                place = f"{path.name}:{row.line}"
                if row.problem:
                    yield Problem(place, f"The row is {row.problem}.")
                else:
                    yield fields.event(row.values, place, folder)
        except PyjpmError as error:
            yield Problem(path.name, error.message)

    return FolderConnector(f"csv {fields.source}", folder, (".csv",), read, settle)


def json_folder(folder: Path, fields: EventFields, *, settle: float = 2.0) -> FolderConnector:
    """A folder of JSON files (``.json``: one object, a list, or ``{"events": [...]}``) and of JSON lines (``.jsonl``,
    ``.ndjson``); a place is ``FILE#NUMBER`` or ``FILE:LINE``."""

    def read(path: Path) -> Iterator[StatusEvent | Problem]:
        try:
            if path.suffix.lower() in _LINES:
                with path.open("rb") as file:
                    yield from json_lines(file, fields, path.name)
            elif path.stat().st_size > MOST_BYTES:
                yield Problem(path.name, "The file is too long: write JSON lines.")
            else:
                yield from json_events(path.read_bytes(), fields, path.name)
        except OSError as error:
            yield Problem(path.name, f"The file cannot be read: {error.strerror or type(error).__name__}.")

    return FolderConnector(f"json {fields.source}", folder, (".json", *_LINES), read, settle)


def json_lines(file: Any, fields: EventFields, name: str) -> Iterator[StatusEvent | Problem]:
    """Events of JSON lines, one object a line; empty lines are passed over."""
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        place = f"{name}:{number}"
        if len(line) > _LONGEST_LINE:
            yield Problem(place, "The line is too long; what follows it is not read.")
            return
        if line.strip():
            yield from json_events(line, fields, place)
