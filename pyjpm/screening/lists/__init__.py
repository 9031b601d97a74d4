"""Sanctions lists from files, in the forms in which they are published."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pyjpm.screening.lists import eu, ofac, un
from pyjpm.screening.lists.records import Records, malformed
from pyjpm.screening.lists.sanctions import Kind as Kind
from pyjpm.screening.lists.sanctions import ListEntry as ListEntry
from pyjpm.screening.lists.sanctions import SanctionsList as SanctionsList

_Reader = Callable[[Path], tuple[int, list[ListEntry]]]
_BY_ROOT: Final[Mapping[str, tuple[Callable[[Path], str], _Reader]]] = {
    "sdnList": (ofac.name_of, ofac.read_xml),
    "CONSOLIDATED_LIST": (un.name_of, un.read_xml),
    "export": (eu.name_of, eu.read_xml),
}


def load_list(path: Path) -> SanctionsList:
    """The list in a file: OFAC's ``sdn.xml``, ``sdn.csv`` or its consolidated one, the UN's or the EU's XML.

    Raises:
        MalformedSanctionsList: it is none of these, not whole, or has no entries.
    """
    before = _digest(path)
    name, read = (ofac.name_of, ofac.read_csv) if _is_csv(path) else _known(path)
    published, entries = read(path)
    if not entries:
        raise malformed(path, "has no entries")
    if len({entry.id for entry in entries}) < len(entries):
        raise malformed(path, "has two entries of one number")
    if _digest(path) != before:
        raise malformed(path, "was replaced while it was read")
    return SanctionsList(name(path), before[:16], published, tuple(entries))


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _known(path: Path) -> tuple[Callable[[Path], str], _Reader]:
    records = Records(path, "sdnEntry", "INDIVIDUAL", "ENTITY", "sanctionEntity")
    next(iter(records), None)  # the first record is enough to know the root
    found = _BY_ROOT.get(records.root.tag)
    if found is None:
        raise malformed(path, f"has the root {records.root.tag!r}, of no list that is known here", "line 1")
    return found


def _digest(path: Path) -> str:
    """Of the file, and of those that belong to it."""
    digest = hashlib.sha256()
    try:
        for part in ofac.parts(path) if _is_csv(path) else [path]:
            with part.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    except OSError as error:
        raise malformed(path, f"cannot be read: {error.strerror}") from error
    return digest.hexdigest()
