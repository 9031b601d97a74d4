"""The European Union's consolidated financial sanctions list (FSF ``xmlFullSanctionsList`` 1.1)."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from pyjpm.iso8601 import parse_datetime
from pyjpm.screening.lists.records import Records, malformed
from pyjpm.screening.lists.sanctions import Kind, ListEntry, distinct

NAMESPACE: Final = "http://eu.europa.ec/fpi/fsd/export"
_KINDS: Final = {"person": Kind.PERSON, "enterprise": Kind.ORGANISATION}
_NAMES: Final = ("firstName", "middleName", "lastName")


def name_of(_: Path) -> str:
    """As the list is called."""
    return "EU FSF"


def read_xml(path: Path) -> tuple[int, list[ListEntry]]:
    """When it was generated (unix seconds), and its entries.

    Raises:
        MalformedSanctionsList
    """
    records = Records(path, "sanctionEntity")
    entries = [_entry(record, path, line) for record, line in records]
    if records.namespace != NAMESPACE:
        raise malformed(path, f"has the namespace {records.namespace!r}")
    generated = records.root.get("generationDate", "")
    try:
        moment = parse_datetime(generated)
    except ValueError:
        raise malformed(path, f"has no generationDate: {generated!r}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()), entries


def _entry(record: Element, path: Path, line: int) -> ListEntry:
    names: list[str] = []
    weak: set[str] = set()
    for alias in record.iterfind("nameAlias"):
        whole = alias.get("wholeName", "") or " ".join(alias.get(part, "") for part in _NAMES)
        names.append(whole)
        if alias.get("strong") == "false":
            weak.add(" ".join(whole.split()))
    number = record.get("euReferenceNumber") or record.get("logicalId", "")
    if not number or not distinct(names):
        raise malformed(path, "has a record without number or name", f"line {line}")
    subject = record.find("subjectType")
    kind = "" if subject is None else subject.get("code", "")
    return ListEntry(
        id=number,
        kind=_KINDS.get(kind, Kind.OTHER),
        names=distinct(names),
        weak=frozenset(weak),
        births=distinct([each.get("birthdate", "") or each.get("year", "") for each in record.iterfind("birthdate")]),
        countries=distinct(
            [each.get("countryIso2Code", "") for part in ("citizenship", "address") for each in record.iterfind(part)]
        ),
        identifiers=distinct([each.get("number", "") for each in record.iterfind("identification")]),
        programs=distinct([each.get("programme", "") for each in record.iterfind("regulation")]),
    )
