"""The gateway that is a folder: each message handed over once, whatever its hub and its writers do."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pyjpm.errors.rails import GatewayUnusable
from pyjpm.rails import FolderGateway
from pyjpm.sending.outside import Absent, Found, Refused

REFERENCE = "swift/ABCDEFGHIJKLMNOP"
XML = {"kind": "pacs.008.001.08", "text": "<Document/>"}


def test_a_message_is_handed_over_once_even_where_the_hub_deletes_it(tmp_path: Path) -> None:
    gateway, out = FolderGateway(tmp_path), tmp_path / "out" / "ABCDEFGHIJKLMNOP.xml"
    assert isinstance(gateway.find(REFERENCE), Absent)
    said = gateway.send(REFERENCE, XML)
    assert isinstance(said, Found)
    assert said.matches
    assert out.read_text() == "<Document/>"
    out.unlink()
    for again in (FolderGateway(tmp_path), gateway):
        assert isinstance(again.find(REFERENCE), Found)
        again.send(REFERENCE, XML)
    assert list((tmp_path / "out").iterdir()) == []
    other = gateway.send(REFERENCE, {**XML, "text": "<Other/>"})
    assert isinstance(other, Found)
    assert not other.matches
    assert list((tmp_path / "out").iterdir()) == list((tmp_path / "writing").iterdir()) == []


def test_what_was_written_and_not_handed_over_is_absent_until_it_is(tmp_path: Path) -> None:
    gateway = FolderGateway(tmp_path)
    known = tmp_path / "known" / "ABCDEFGHIJKLMNOP"
    known.mkdir()
    for part in ("kept", "ready"):
        (known / part).write_text("<Document/>")
    assert isinstance(gateway.find(REFERENCE), Absent)
    gateway.send(REFERENCE, XML)
    assert isinstance(gateway.find(REFERENCE), Found)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ABCDEFGHIJKLMNOP.xml"]


def test_of_many_writers_one_hands_it_over(tmp_path: Path) -> None:
    """The hub takes it away at once, so that a second one would be seen."""
    taken, stop = [], threading.Event()

    def hub() -> None:
        while not stop.is_set():
            for path in (tmp_path / "out").glob("*"):
                taken.append(path.read_text())
                path.unlink()

    gateways = [FolderGateway(tmp_path) for _ in range(8)]
    writers = [threading.Thread(target=each.send, args=(REFERENCE, XML)) for each in gateways]
    watching = threading.Thread(target=hub)
    watching.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stop.set()
    watching.join()
    assert taken + [path.read_text() for path in (tmp_path / "out").glob("*")] == ["<Document/>"]


def test_a_refusal_is_told_and_an_mt_is_named_so(tmp_path: Path) -> None:
    gateway = FolderGateway(tmp_path)
    gateway.send(REFERENCE, {"kind": "MT103", "text": "{1:F01}"})
    path = tmp_path / "out" / "ABCDEFGHIJKLMNOP.fin"
    path.rename(tmp_path / "refused" / path.name)
    assert isinstance(gateway.find(REFERENCE), Refused)


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GatewayUnusable):
        FolderGateway(tmp_path / "file")
    for bad in ("swift/../../etc", "abc", "swift/abcdefghijklmnop"):
        with pytest.raises(ValueError, match="no reference"):
            FolderGateway(tmp_path).send(bad, XML)
