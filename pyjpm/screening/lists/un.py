"""The United Nations Security Council's consolidated list (``consolidated.xml``)."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from pyjpm.iso8601 import parse_datetime
from pyjpm.screening.lists.records import Records, malformed, text, texts
from pyjpm.screening.lists.sanctions import Kind, ListEntry, distinct

_PARTS: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_WEAK: Final = "low"
_KINDS: Final = {"INDIVIDUAL": Kind.PERSON, "ENTITY": Kind.ORGANISATION}


def name_of(_: Path) -> str:
    """As the list is called."""
    return "UN SC"


def read_xml(path: Path) -> tuple[int, list[ListEntry]]:
    """When it was generated (unix seconds), and its entries.

    Raises:
        MalformedSanctionsList
    """
    records = Records(path, *_KINDS)
    entries = [_entry(record, path, line) for record, line in records]
    generated = records.root.get("dateGenerated", "")
    try:
        moment = parse_datetime(generated)
    except ValueError:
        raise malformed(path, f"has no date: {generated!r}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()), entries


def _entry(record: Element, path: Path, line: int) -> ListEntry:
    kind = record.tag
    names = [" ".join(text(record, part) for part in _PARTS), text(record, "NAME_ORIGINAL_SCRIPT")]
    number = text(record, "DATAID")
    if not number or not distinct(names):
        raise malformed(path, "has a record without DATAID or name", f"line {line}")
    weak = set()
    for alias in record.iterfind(f"{kind}_ALIAS"):
        for name in distinct(text(alias, "ALIAS_NAME").split(";")):
            names.append(name)
            if text(alias, "QUALITY").lower() == _WEAK:
                weak.add(name)
    births = f"{kind}_DATE_OF_BIRTH"
    return ListEntry(
        id=f"{text(record, 'REFERENCE_NUMBER')} {number}".strip(),
        kind=_KINDS[kind],
        names=distinct(names),
        weak=frozenset(weak),
        births=distinct(texts(record, f"{births}/DATE") + texts(record, f"{births}/YEAR")),
        countries=distinct(texts(record, "NATIONALITY/VALUE") + texts(record, f"{kind}_ADDRESS/COUNTRY")),
        identifiers=distinct(texts(record, f"{kind}_DOCUMENT/NUMBER")),
        programs=distinct(texts(record, "UN_LIST_TYPE")),
    )
