"""OFAC's list of Specially Designated Nationals, as ``sdn.xml`` and as ``sdn.csv`` with ``alt.csv`` and ``add.csv``;
and its consolidated list of others, of the same form: ``consolidated.xml``, ``cons_prim.csv`` with ``cons_alt.csv``.

Decisions that govern this module:

* ``sdn.xml`` says how many records it has; a file with another number of them is refused.
* The CSV form is three files that belong together. The aliases are half of the names: without ``alt.csv`` beside it,
  ``sdn.csv`` is refused. It has no date of its own; its file's is taken.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from pyjpm.screening.lists.records import Records, malformed, text, texts
from pyjpm.screening.lists.sanctions import Kind, ListEntry, distinct

_SDN: Final = "OFAC SDN"
_OTHERS: Final = "OFAC Consolidated"
NAMESPACES: Final = (
    "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML",
    "http://tempuri.org/sdnList.xsd",
)
_KINDS: Final = {"individual": Kind.PERSON, "entity": Kind.ORGANISATION}
_NULL: Final = "-0-"
_SDN_COLUMNS: Final = 12
_ALT_COLUMNS: Final = 5
_ADD_COLUMNS: Final = 6
_BORN: Final = re.compile(r"\b(?:alt\. )?DOB ([^;.]+)")
_WEAK: Final = re.compile(r"\ba\.k\.a\. '([^']+)'")
_END: Final = "\x1a"  # ends the files, as it did under CP/M


def name_of(path: Path) -> str:
    """Which of the two lists a file has: the forms are the same, the names of the files are not."""
    return _OTHERS if path.stem.lower().startswith("cons") else _SDN


def read_xml(path: Path) -> tuple[int, list[ListEntry]]:
    """When ``sdn.xml`` was published (unix seconds), and its entries.

    Raises:
        MalformedSanctionsList
    """
    records = Records(path, "sdnEntry")
    entries = [_entry(record, path, line) for record, line in records]
    if records.namespace not in NAMESPACES:
        raise malformed(path, f"has the namespace {records.namespace!r}")
    said = text(records.root, "publshInformation/Record_Count")
    if said != str(len(entries)):
        raise malformed(path, f"has {len(entries)} records and says {said or 'nothing'}")
    return _day(text(records.root, "publshInformation/Publish_Date"), path), entries


def read_csv(path: Path) -> tuple[int, list[ListEntry]]:
    """As :func:`read_xml`, from ``sdn.csv`` and its neighbours of the same folder and spelling (``SDN.CSV``)."""
    names, countries = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for _, row in _rows(_beside(path, "alt"), _ALT_COLUMNS):
        names[row[0]].append(row[3])
    addresses = _beside(path, "add")
    if addresses.exists():
        for _, row in _rows(addresses, _ADD_COLUMNS):
            countries[row[0]].append(row[4])
    entries = []
    for line, row in _rows(path, _SDN_COLUMNS):
        number, name, kind, program, *_, remarks = row
        if not number.isdigit() or not name:
            raise malformed(path, "has a record without number or name", f"line {line}")
        weak = distinct(_WEAK.findall(remarks))
        entries.append(
            ListEntry(
                id=number,
                kind=_KINDS.get(kind, Kind.OTHER if kind else Kind.ORGANISATION),
                names=distinct([name, *names[number], *weak]),
                weak=frozenset(weak),
                births=distinct(_BORN.findall(remarks)),
                countries=distinct(countries[number]),
                programs=distinct(program.replace("[", " ").replace("]", " ").split()),
            )
        )
    if unknown := names.keys() - {entry.id for entry in entries}:
        raise malformed(path, f"lacks entries that its aliases are of: {', '.join(sorted(unknown)[:3])}")
    return int(path.stat().st_mtime), entries


def parts(path: Path) -> list[Path]:
    """The files that ``sdn.csv`` consists of, as far as they are there."""
    return [part for part in (path, _beside(path, "alt"), _beside(path, "add")) if part.exists()]


def _entry(record: Element, path: Path, line: int) -> ListEntry:
    number, last = text(record, "uid"), text(record, "lastName")
    if not number or not last:
        raise malformed(path, "has a record without uid or lastName", f"line {line}")
    names, weak = [_name(record)], set()
    for alias in record.iterfind("akaList/aka"):
        names.append(_name(alias))
        if text(alias, "category") == "weak":
            weak.add(" ".join(names[-1].split()))
    return ListEntry(
        id=number,
        kind=_KINDS.get(text(record, "sdnType").lower(), Kind.OTHER),
        names=distinct(names),
        weak=frozenset(weak),
        births=distinct(texts(record, "dateOfBirthList/dateOfBirthItem/dateOfBirth")),
        countries=distinct(
            texts(record, "nationalityList/nationality/country")
            + texts(record, "citizenshipList/citizenship/country")
            + texts(record, "addressList/address/country")
        ),
        identifiers=distinct(texts(record, "idList/id/idNumber")),
        programs=distinct(texts(record, "programList/program")),
    )


def _name(of: Element) -> str:
    return f"{text(of, 'firstName')} {text(of, 'lastName')}"


def _day(said: str, path: Path) -> int:
    try:
        return int(datetime.strptime(said, "%m/%d/%Y").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise malformed(path, f"has no date of publication: {said!r}") from None


def _beside(path: Path, name: str) -> Path:
    own = path.stem
    name = f"cons_{name}" if name_of(path) == _OTHERS else name
    return path.with_stem(name.upper() if own.isupper() else name)


def _rows(path: Path, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Each row with its line; ``-0-`` is nothing. Raises MalformedSanctionsList."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if not row or row == [_END]:
                    continue
                if len(row) != columns:
                    raise malformed(path, f"has a row of {len(row)} columns", f"line {reader.line_num}")
                cells = (cell.strip() for cell in row)
                yield reader.line_num, ["" if cell == _NULL else cell for cell in cells]
    except OSError as error:
        raise malformed(path, f"cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise malformed(path, f"is no CSV: {error}") from error
