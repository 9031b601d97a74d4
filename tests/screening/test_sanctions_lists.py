"""Sanctions lists in the forms in which they are published, and files that are none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from screening.screening_support import FOLDER

from pyjpm.errors.screening import MalformedSanctionsList
from pyjpm.screening import Kind, load_list
from pyjpm.screening.lists.records import Records


def test_ofac_xml() -> None:
    found = load_list(FOLDER / "sdn.xml")
    assert (found.name, found.published, len(found.entries)) == ("OFAC SDN", 1_795_132_800, 4)
    karimov, company, vessel, _ = found.entries
    assert karimov.id == "90001"
    assert karimov.names == ("Yusuf Rashidovich KARIMOV", "Youssef KARIMOFF", "THE BAKER")
    assert karimov.weak == {"THE BAKER"}
    assert (karimov.births, karimov.countries, karimov.identifiers) == (("02 Mar 1961",), ("Testland",), ("X0000001",))
    assert karimov.programs == ("TEST-PROGRAM", "TEST-SECOND")
    assert [each.kind for each in found.entries] == [Kind.PERSON, Kind.ORGANISATION, Kind.OTHER, Kind.PERSON]
    assert (company.names, vessel.names) == (("NIGHTSHADE TRADING & SHIPPING LLC",), ("SEA FALCON",))


def test_ofac_csv_says_the_same_as_its_xml() -> None:
    by_xml = {entry.id: entry for entry in load_list(FOLDER / "sdn.xml").entries}
    by_csv = {entry.id: entry for entry in load_list(FOLDER / "sdn.csv").entries}
    assert by_xml.keys() == by_csv.keys()
    for number, entry in by_csv.items():
        other = by_xml[number]
        assert (entry.kind, entry.programs, entry.births, entry.countries) == (
            *(other.kind, other.programs, other.births, other.countries),
        )
        assert [sorted(name.replace(",", "").split()) for name in entry.names] == [
            sorted(name.split()) for name in other.names
        ]


def test_un_xml() -> None:
    found = load_list(FOLDER / "un.xml")
    assert (found.name, found.published, len(found.entries)) == ("UN SC", 1_795_266_002, 2)
    person, body = found.entries
    assert person.names == ("MOHAMMED HASSAN AL-TESTI", "محمد حسن التستي", "Muhammad Hasan al Tasti", "Abu Test")
    assert (person.id, person.kind, person.weak, person.births) == (
        *("TSi.001 8000001", Kind.PERSON, {"Abu Test"}, ("1970-05-06",)),
    )
    assert (body.id, body.kind, body.names) == (
        "TSe.002 8000002",
        Kind.ORGANISATION,
        ("Test Relief Foundation", "TRF International"),
    )
    assert person.countries == ("Testland", "Otherland")


def test_eu_xml() -> None:
    found = load_list(FOLDER / "eu.xml")
    assert (found.name, found.published, len(found.entries)) == ("EU FSF", 1_795_338_900, 2)
    person, body = found.entries
    assert person.names == ("Alexei Chernyshov", "Алексей Чернышов", "Lyosha")
    assert (person.id, person.kind, person.weak, person.births) == (
        "EU.9001.1",
        Kind.PERSON,
        {"Lyosha"},
        ("1965-07-08",),
    )
    assert (body.kind, len(body.names), body.programs) == (Kind.ORGANISATION, 2, ("TEST",))


def test_a_version_is_of_exactly_one_content(tmp_path: Path) -> None:
    versions = set()
    for name in ("sdn.csv", "alt.csv", "add.csv"):
        shutil.copy(FOLDER / name, tmp_path / name)
    for name in ("sdn.csv", "alt.csv", "add.csv"):
        versions.add(load_list(tmp_path / "sdn.csv").version)
        path = tmp_path / name
        path.write_bytes(path.read_bytes().replace(b"Testland", b"Newland").replace(b"Youssef", b"Yousef") + b"\r\n")
    assert load_list(FOLDER / "sdn.csv").version in versions
    versions.add(load_list(tmp_path / "sdn.csv").version)
    assert len(versions) == 4


def test_capital_names_of_files_belong_together(tmp_path: Path) -> None:
    for name in ("sdn.csv", "alt.csv", "add.csv"):
        shutil.copy(FOLDER / name, tmp_path / name.upper())
    assert len(load_list(tmp_path / "SDN.CSV").entries) == 4


def test_ofacs_other_list_is_known_by_its_files_name(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "sdn.xml", tmp_path / "consolidated.xml")
    for old, new in {"sdn": "cons_prim", "alt": "cons_alt", "add": "cons_add"}.items():
        shutil.copy(FOLDER / f"{old}.csv", tmp_path / f"{new}.csv")
    for name in ("consolidated.xml", "cons_prim.csv"):
        found = load_list(tmp_path / name)
        assert (found.name, len(found.entries), found.entries[0].countries) == ("OFAC Consolidated", 4, ("Testland",))


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<sdnList><sdnEntry><uid>1</uid><lastName>&b;</lastName></sdnEntry></sdnList>"""
OUTSIDE = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><sdnList><sdnEntry>&x;</sdnEntry></sdnList>"""


@pytest.mark.parametrize(
    ("name", "change", "place"),
    [
        ("sdn.xml", lambda text: text[: len(text) // 2], "line"),  # cut off
        ("sdn.xml", lambda text: text.replace(b"<Record_Count>4", b"<Record_Count>5"), ""),
        ("sdn.xml", lambda text: text.replace(b"sanctionslistservice", b"elsewhere"), ""),
        ("sdn.xml", lambda text: text.replace(b"11/20/2026", b"20.11.2026"), ""),
        ("sdn.xml", lambda text: text.replace(b"<uid>90002</uid>", b""), "line"),
        ("sdn.xml", lambda text: text.replace(b"<uid>90002</uid>", b"<uid>90001</uid>"), ""),
        ("sdn.xml", lambda _: BOMB, "line"),
        ("sdn.xml", lambda _: OUTSIDE, "line"),
        ("sdn.xml", lambda _: b"<html/>", "line"),
        ("sdn.xml", lambda _: b"", "line"),
        ("sdn.xml", lambda _: b"<a>" * 100_000, "line"),
        ("sdn.xml", lambda _: b"<sdnList/>", ""),
        ("un.xml", lambda text: text.replace(b"dateGenerated", b"date"), ""),
        ("un.xml", lambda text: text.replace(b"<DATAID>8000001</DATAID>", b""), "line"),
        ("eu.xml", lambda text: text.replace(b"fsd/export", b"fsd/export2"), ""),
        ("eu.xml", lambda text: text.replace(b"generationDate", b"date"), ""),
        ("sdn.csv", lambda text: text.replace(b'"SEA FALCON",', b""), "line 3"),
        ("sdn.csv", lambda text: text.replace(b'"SEA FALCON"', b'"SEA FALCON'), ""),
        ("sdn.csv", lambda text: text.replace(b"90001", b"nothing"), "line 1"),
        ("sdn.csv", lambda text: b"\r\n".join(text.split(b"\r\n")[1:]), ""),  # alt.csv knows of more
        ("sdn.csv", lambda _: b"\xff\xfe", ""),
    ],
)
def test_a_list_is_taken_whole_or_not_at_all(name: str, change: object, place: str, tmp_path: Path) -> None:
    for each in FOLDER.iterdir():
        shutil.copy(each, tmp_path / each.name)
    path = tmp_path / name
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(MalformedSanctionsList) as told:
        load_list(path)
    assert told.value.details["path"].startswith(str(tmp_path))
    assert told.value.details["place"].startswith(place)


def test_without_its_aliases_the_csv_is_no_list(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "sdn.csv", tmp_path / "sdn.csv")
    with pytest.raises(MalformedSanctionsList, match=r"alt\.csv"):
        load_list(tmp_path / "sdn.csv")
    with pytest.raises(MalformedSanctionsList):
        load_list(tmp_path / "none.xml")


def test_a_list_that_is_replaced_while_it_is_read_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version would be that of entries that were not read."""
    path = tmp_path / "un.xml"
    shutil.copy(FOLDER / "un.xml", path)
    reading = Records.__iter__

    def replaced(self: Records) -> Iterator[tuple[Element, int]]:
        yield from reading(self)
        path.write_text((FOLDER / "un.xml").read_text() + "\n")

    monkeypatch.setattr(Records, "__iter__", replaced)
    with pytest.raises(MalformedSanctionsList, match="while it was read"):
        load_list(path)
    assert load_list(path).name == "UN SC"  # written again as it was
