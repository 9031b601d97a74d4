"""Folders of files and streams of lines: every row is an event or a problem with its place, once, resumed by cursor."""

from __future__ import annotations

import base64
import io
import json
import os
import threading
import time
from pathlib import Path

import pytest
from intake_support import HUNDRED, World

from pyjpm.errors import CursorMoved, IntakeMappingInvalid, SourceUnavailable
from pyjpm.orders.connectors.connector import Batch, Connector
from pyjpm.orders.connectors.folder import FolderConnector, csv_folder, json_folder
from pyjpm.orders.connectors.stream import StreamConnector
from pyjpm.orders.intake import EventState, IntakeMapping, load_intake_mapping
from pyjpm.orders.rows import FileLayout

GERMAN = IntakeMapping.model_validate(
    {
        "statuses": {"SHIPPED": 1},
        "rule": [{"status": "done", "means": "SHIPPED"}],
        "columns": {
            "order": "Auftrag",
            "status": "Status",
            "at": "Zeit",
            "seq": "Rev",
            "accepted": "Betrag",
            "currency": {"value": "EUR"},
            "extra": ["Lager"],
        },
        "file": {"delimiter": ";", "encoding": "cp1252", "empty": ["-"]},
        "time": {"formats": ["%d.%m.%Y %H:%M"], "zone": "Europe/Berlin"},
        "numbers": {"decimal_mark": ",", "group_mark": "."},
    }
)
PLAIN = IntakeMapping.model_validate({"statuses": {"S": 1}, "rule": [{"status": "done", "means": "S"}]})
FIELDS = PLAIN.fields("erp")


def read(connector: Connector, cursor: str | None = None) -> tuple[list[Batch], str | None]:
    """All batches until there is nothing more, and where that left the cursor."""
    batches = []
    while True:
        batch = connector.poll(cursor)
        batches.append(batch)
        cursor = batch.cursor
        if not batch.more:
            return batches, cursor


def events(batches: list[Batch]) -> list[tuple[str, int]]:
    return [(event.order, event.seq) for batch in batches for event in batch.events]


def problems(batches: list[Batch]) -> dict[str, str]:
    return {problem.place: problem.message for batch in batches for problem in batch.problems}


# --- CSV -------------------------------------------------------------------------------------------------------------


def test_a_csv_file_in_the_companys_own_words(tmp_path: Path) -> None:
    rows = [
        "Auftrag;Rev;Status;Zeit;Betrag;Lager",
        "A1;7;done;24.12.2026 18:30;1.234,50;Köln",
        "A2;8;done;25.12.2026 00:00;-;-",
    ]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="cp1252")
    connector = csv_folder(tmp_path, GERMAN.fields("sap"), GERMAN.file.layout(), settle=0)
    (batch, _), _ = read(connector)
    first, second = batch.events
    assert (first.source, first.order, first.seq, first.status, first.accepted) == ("sap", "A1", 7, "done", 123_450)
    assert first.at == 1_798_133_400  # 17:30 UTC
    assert first.extra == {"Lager": "Köln", "currency": "EUR", "place": "a.csv:2"}
    assert (second.accepted, second.complete, second.place) == (None, True, "a.csv:3")


def test_bad_rows_are_named_and_the_good_ones_go_on(tmp_path: Path) -> None:
    rows = [
        "order,seq,status,at,accepted,currency,complete",
        "A1,1,done,2026-12-01T10:00:00Z,,,",
        "A2,1,done,yesterday,,,",
        "A3,x,done,2026-12-01,,,",
        "A4,1,done,2026-12-01,12.345,USD,",
        "A5,1,done,2026-12-01,12.34,,",
        "A6,1,done,2026-12-01,,,perhaps",
        ",1,done,2026-12-01,,,",
        "A8,1,done",
        "A9,1,done,2026-12-01,12.34,XXX,",
        "A10,2,done,2026-12-01,12.34,USD,no",
    ]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    batches, _ = read(csv_folder(tmp_path, FIELDS, FileLayout(), settle=0))
    assert events(batches) == [("A1", 1), ("A10", 2)]
    assert batches[0].events[1].accepted == 12_34
    assert not batches[0].events[1].complete
    told = problems(batches)
    assert list(told) == [f"a.csv:{line}" for line in range(3, 11)]
    assert "yesterday" in told["a.csv:3"]
    assert "currency" in told["a.csv:6"]


def test_files_that_cannot_be_read_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("order,at\nA1,2026-12-01\n")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00order")
    (tmp_path / "c.csv").write_text("order,status,at\nC1,done,2026-12-01\n")
    (tmp_path / "d.csv.part").write_text("order,status,at\nD1,done,2026-12-01\n")
    (tmp_path / ".e.csv").write_text("order,status,at\nE1,done,2026-12-01\n")
    batches, _ = read(csv_folder(tmp_path, FIELDS, FileLayout(), settle=0))
    assert [order for order, _ in events(batches)] == ["C1"]
    assert list(problems(batches)) == ["a.csv", "b.csv"]
    with pytest.raises(SourceUnavailable):
        csv_folder(tmp_path / "none", FIELDS, FileLayout()).poll(None)


def test_a_folder_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def connector() -> FolderConnector:
        return csv_folder(tmp_path, FIELDS, FileLayout(), settle=0)

    head = "order,seq,status,at\n"
    many = head + "".join(f"M{n},1,done,2026-12-01\n" for n in range(1_200))
    (tmp_path / "b.csv").write_text(many)
    cursor, seen = None, []
    for _ in range(3):  # another process each time
        batch = connector().poll(cursor)
        cursor = batch.cursor
        seen += [event.order for event in batch.events]
    assert seen == [f"M{n}" for n in range(1_200)]
    assert events(read(connector(), cursor)[0]) == []

    # One that comes late under an early name, one that changes, one that is taken away.
    (tmp_path / "a.csv").write_text(head + "A1,1,done,2026-12-01\n")
    batches, cursor = read(connector(), cursor)
    assert events(batches) == [("A1", 1)]
    (tmp_path / "a.csv").write_text(head + "A1,1,done,2026-12-01\nA2,1,done,2026-12-01\n")
    (tmp_path / "b.csv").unlink()
    batches, cursor = read(connector(), cursor)
    assert events(batches) == [("A1", 1), ("A2", 1)]
    assert list(json.loads(cursor or "")["files"]) == ["a.csv"]


def test_a_file_that_is_still_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("order,seq,status,at\nA1,1,done,2026-12-01\nA2,1,do")
    connector = csv_folder(tmp_path, FIELDS, FileLayout(), settle=60)
    batch = connector.poll(None)
    assert (batch.events, batch.problems, batch.more) == ((), (), True)
    path.write_text("order,seq,status,at\nA1,1,done,2026-12-01\nA2,1,done,2026-12-02\n")
    os.utime(path, (time.time() - 61, time.time() - 61))
    assert len(connector.poll(batch.cursor).events) == 2


def test_a_document_beside_the_data_and_none_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.pdf").write_bytes(b"secret")
    (folder / "note.pdf").write_bytes(b"note")
    (folder / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    names = ["note.pdf", "../secret.pdf", str(tmp_path / "secret.pdf"), "link.pdf", "none.pdf"]
    rows = [f"A{n},1,done,2026-12-01,{name}" for n, name in enumerate(names)]
    (folder / "a.csv").write_text("order,seq,status,at,document_file\n" + "\n".join(rows))
    batches, _ = read(csv_folder(folder, FIELDS, FileLayout(), settle=0))
    assert [event.document for event in batches[0].events] == [b"note"]
    assert len(problems(batches)) == 4


# --- JSON ------------------------------------------------------------------------------------------------------------


def test_json_files_of_each_form(tmp_path: Path) -> None:
    one = {"order": "J1", "seq": 3, "status": "done", "at": 1_790_000_000}
    more = {**one, "order": "J2", "accepted": 12.30, "currency": "USD", "complete": False, "colour": "red"}
    proof = {**one, "order": "J3", "document": base64.b64encode(b"note").decode()}
    (tmp_path / "a.json").write_text(json.dumps(one))
    (tmp_path / "b.json").write_text(json.dumps([more, "nothing", {**one, "at": {}}, {"order": "J9"}]))
    (tmp_path / "c.json").write_text(json.dumps({"events": [proof]}))
    (tmp_path / "d.jsonl").write_text(json.dumps(one) + "\n\n{\n" + json.dumps({**one, "order": "J4"}) + "\n")
    (tmp_path / "e.json").write_text("[" * 100_000)
    (tmp_path / "f.json").write_text('{"order": "J5", "status": "done", "at": NaN}')
    batches, _ = read(json_folder(tmp_path, FIELDS, settle=0))
    assert [order for order, _ in events(batches)] == ["J1", "J2", "J3", "J1", "J4"]
    found = {event.order: event for batch in batches for event in batch.events}
    assert (found["J2"].accepted, found["J2"].complete) == (12_30, False)
    assert found["J2"].extra == {"colour": "red", "currency": "USD", "place": "b.json#0"}
    assert found["J3"].document == b"note"
    assert list(problems(batches)) == ["b.json#1", "b.json#2", "b.json#3", "d.jsonl:3", "e.json", "f.json"]


# --- streams ---------------------------------------------------------------------------------------------------------


def test_standard_input_ends_once_everything_was_polled() -> None:
    lines = [json.dumps({"order": f"S{n}", "status": "done", "at": 1_790_000_000 + n}) for n in range(1_234)]
    connector = StreamConnector(io.BytesIO("\n".join([*lines, "nonsense"]).encode()), FIELDS)
    batches, cursor = read(connector)
    assert events(batches) == [(f"S{n}", 1_790_000_000 + n) for n in range(1_234)]
    assert list(problems(batches)) == ["stdin:1235"]
    assert cursor == "1235"
    assert connector.ended


def test_a_slow_sender_keeps_nobody_waiting() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb") as sender:
        connector = StreamConnector(stream, FIELDS)
        started = time.monotonic()
        assert connector.poll(None).more
        assert time.monotonic() - started < 5
        sender.write(b'{"order": "S1", "status": "done", "at": 1790000000}\n')
        sender.flush()
        batch = connector.poll("0")
        while not batch.events:
            batch = connector.poll("0")
        assert batch.events[0].order == "S1"
        sender.close()
        assert not read(connector, "1")[0][-1].more


# --- through an intake -----------------------------------------------------------------------------------------------


def test_a_poll_is_stored_with_its_cursor_and_two_do_not_share_one(world: World, tmp_path: Path) -> None:
    intake, document = world.intake(), world.funded()
    order = world.bound(intake, document)
    at = world.bank.session.now()
    (tmp_path / "a.csv").write_text(f"order,seq,status,at\n{order},1,done,{at}\nX,,,\n")
    from intake_support import MAPPING

    connector = csv_folder(tmp_path, MAPPING.fields(world.source), FileLayout(), settle=0)
    batch, (receipt,) = intake.poll(connector)
    assert receipt.new
    assert intake.stored.cursor(connector.name) == batch.cursor
    assert [each["place"] for each in intake.stored.problems()] == ["a.csv:3"]
    intake.settle()
    assert intake.find(receipt.key).state is EventState.DONE
    assert world.paid() == HUNDRED

    class Slow:
        name = connector.name

        def poll(self, cursor: str | None) -> Batch:
            world.intake().poll(connector)  # another process is faster
            return Batch(events=(world.event("SO-lost"),), cursor="mine")

    (tmp_path / "b.csv").write_text("order,seq,status,at\nB,1,done,2026-12-01\n")
    with pytest.raises(CursorMoved):
        intake.poll(Slow())
    assert [each.order for each in intake.events()] == [order, "B"]


def test_many_threads_take_the_same_in_once(world: World) -> None:
    intake, document = world.intake(), world.funded()
    event = world.event(world.bound(intake, document))
    told: list[bool] = []

    def take() -> None:
        told.append(intake.accept([event])[0].new)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    intake.settle()
    assert sorted(told) == [False] * 5 + [True]
    assert world.attested(document) == [1]


# --- mapping files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[statuses", "no TOML"),
        ("[statuses]\nA = 1\n", "rule: is missing"),
        ("[statuses]\nA = 0\n[[rule]]\nstatus = 'x'\nmeans = 'A'\n", "1 to 255"),
        ("[statuses]\nA = 1\nB = 1\n[[rule]]\nstatus = 'x'\nmeans = 'A'\n", "one number"),
        ("[statuses]\nA = 1\n[[rule]]\nstatus = 'x'\nmeans = 'B'\n", r"rule\[0\].means: 'B' is not in"),
        ("[statuses]\nA = 1\n[[rule]]\nstatus = 'x'\n", "`means` and `ignore"),
        ("[statuses]\nA = 1\n[[rule]]\nstatus = 'x'\nmeans = 'A'\nignore = true\n", "`means` and `ignore"),
        ("[statuses]\nA = 1\n[[rule]]\nstatus = 'x'\nmeans = 'A'\nmilestone = 16\n", "less than 16"),
        ("[statuses]\nA = 1\n[[rule]]\nstatus = 'x'\nmeans = 'A'\nwhen = 1\n", "unknown key when"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_by_its_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(IntakeMappingInvalid, match=problem):
        load_intake_mapping(path)
    with pytest.raises(IntakeMappingInvalid):
        load_intake_mapping(tmp_path / "none.toml")
