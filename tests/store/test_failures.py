"""Full disks, read-only and damaged files, servers that die: each a typed error with its remedy, nothing half done."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres import PostgresServer, place
from sqlalchemy import event
from store_support import at_once, killed_in, note, noted, opened

from pyjpm.errors.sending import (
    DiskFull,
    InvalidJournal,
    JournalBusy,
    JournalCorrupt,
    JournalFailed,
    JournalLost,
    JournalReadOnly,
    JournalUnreachable,
    PostgresDriverMissing,
)
from pyjpm.sending import postgresql
from pyjpm.sending.database import Database

PAGE = "x" * 4_000


def fill(database: Database, rows: int = 100) -> None:
    """One transaction, too large for what is left."""
    with database.transaction() as connection:
        note(connection, "first of it")
        for _ in range(rows):
            note(connection, PAGE[:200])
            connection.exec_driver_sql(
                "INSERT INTO effect VALUES (hex(randomblob(16)), 'k', ?, 's', 'INTENT', NULL, NULL, 1, 1)", (PAGE,)
            )


# --- the disk ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    if os.geteuid() != 0:
        pytest.fail("mounting a file system takes root; run these tests in a container")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    gc.collect()  # a test that failed may have left it open
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_stores_nothing_and_all_goes_on_once_there_is_room(small_disk: Path) -> None:
    database = opened(small_disk / "journal.db")
    with database.transaction() as connection:
        note(connection, "before")
    ballast = small_disk / "ballast"
    free = shutil.disk_usage(small_disk).free
    ballast.write_bytes(b"x" * (free - 300_000))
    with pytest.raises(DiskFull) as caught:
        fill(database)
    assert "Free space" in caught.value.hint
    with pytest.raises(DiskFull):
        fill(database)
    assert noted(database) == ["before"]
    ballast.unlink()
    with database.transaction() as connection:
        note(connection, "after")
    database.close()
    with contextlib.closing(opened(small_disk / "journal.db")) as again:
        assert noted(again) == ["before", "after"]


def test_a_disk_that_fills_with_the_commit_stores_nothing(small_disk: Path) -> None:
    """The rows are still in memory then, and are written by the COMMIT itself."""
    with contextlib.closing(opened(small_disk / "journal.db")) as database:
        write_until_full(small_disk / "ballast")

        def store() -> None:
            with database.transaction() as connection:
                note(connection, "once")
                note(connection, PAGE[:200])

        def store_many() -> None:
            for _ in range(1_000):  # the write-ahead log has room for some
                store()

        with pytest.raises(DiskFull):
            store_many()
        stored = len(noted(database))
        assert stored % 2 == 0
        (small_disk / "ballast").unlink()
        store()
        assert len(noted(database)) == stored + 2


def write_until_full(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4_096)


def test_a_journal_cannot_be_made_on_a_full_disk(small_disk: Path) -> None:
    write_until_full(small_disk / "ballast")
    with pytest.raises(DiskFull):
        opened(small_disk / "journal.db")
    (small_disk / "ballast").unlink()
    opened(small_disk / "journal.db").close()


def test_a_file_system_mounted_for_reading_is_refused(small_disk: Path) -> None:
    opened(small_disk / "journal.db").close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for name in ("journal.db", "other.db"):
        with pytest.raises(JournalReadOnly) as caught:
            opened(small_disk / name)
        assert "writable" in caught.value.hint
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    opened(small_disk / "journal.db").close()


def test_after_an_error_of_the_disk_the_file_is_opened_anew_before_anything_is_written(tmp_path: Path) -> None:
    """Here the kernel refuses to write on for another reason than room."""
    path = tmp_path / "journal.db"
    opened(path).close()
    at_once(functools.partial(write_beyond_the_limit, path))
    with contextlib.closing(opened(path)) as again:
        with again.transaction() as connection:
            note(connection, "after")
        assert noted(again) == ["before", "after"]


def write_beyond_the_limit(path: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    database = opened(path)
    with database.transaction() as connection:
        note(connection, "before")
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    with pytest.raises(JournalLost) as first:
        fill(database)
    assert first.value.details["undecided"] is True
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with pytest.raises(JournalLost) as second:
        fill(database)
    assert second.value.details["undecided"] is False
    assert noted(database) == ["before"]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"not a database, just some text that is long enough to be looked at" * 100)
    before = path.read_bytes()
    with pytest.raises(JournalCorrupt):
        opened(path)
    assert path.read_bytes() == before


def test_a_damaged_journal_says_so_and_takes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    database = opened(path)
    with database.transaction() as connection:
        for number in range(20_000):
            note(connection, str(number))
    database.close()
    half = path.stat().st_size // 2
    with path.open("r+b") as file:  # not the first pages, which say what there is
        file.seek(half)
        file.write(b"\xff" * half)
    with contextlib.closing(opened(path)) as damaged:
        with pytest.raises(JournalCorrupt) as caught:
            noted(damaged)
        assert "copy" in caught.value.hint
        with pytest.raises(JournalCorrupt), damaged.transaction():
            pass


def test_a_journal_that_somebody_locks_for_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyjpm.sending.sqlite._BUSY_SECONDS", 0.2)
    path = tmp_path / "journal.db"
    with contextlib.closing(opened(path)) as database, contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalBusy), database.transaction():
            pass
        assert noted(database) == [], "a reader waits for nobody"
        other.rollback()
        with database.transaction() as connection:
            note(connection, "free")
        assert noted(database) == ["free"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalFailed, match="cannot be made"):
        opened(tmp_path / "file" / "journal.db")


# --- the server -------------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreachable) as caught:
        opened(f"postgresql://me:secret@/journal?host={tmp_path}")
    assert "secret" not in f"{caught.value} {caught.value!r} {caught.value.to_dict()}"


def test_a_wrong_password_says_so_and_is_told_to_nobody(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(JournalUnreachable) as caught:
        opened(postgres.url("postgres", password="hunter2"))
    assert "password authentication failed" in caught.value.details["cause"]
    told = f"{caught.value!r} {caught.value} {caught.value.to_dict()} {caplog.text} {capfd.readouterr()}"
    assert "hunter2" not in told
    assert "hunter2" not in chain_of(caught.value)


def chain_of(error: BaseException | None) -> str:
    said = ""
    while error is not None:
        said += f"{error!r} {error} "
        error = error.__cause__ or error.__context__
    return said


@pytest.mark.parametrize("options", ["", "&sslmode=prefer", "&password={password}"])
def test_a_name_has_no_password(postgres: PostgresServer, postgres_url: str, options: str) -> None:
    url = postgres_url + options.format(password=postgres.password)
    with contextlib.closing(opened(url)) as database:
        for said in (repr(database), database.name, str(vars(database))):
            assert postgres.password not in said
        assert str(postgres.folder) in database.name


@pytest.mark.parametrize(
    "url",
    ["mysql://me:secret@host/db", "postgresql+psycopg2://me:secret@host/db", "://secret", "postgresql://me:secret@h"],
)
def test_another_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidJournal) as caught:
        opened(url)
    assert "secret" not in f"{caught.value.to_dict()} {chain_of(caught.value)}"


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(PostgresDriverMissing, match=r"pyjpm\[postgres\]"):
        opened("postgresql://me@host/journal")


def test_a_database_that_takes_no_writes_says_so(postgres: PostgresServer, postgres_url: str) -> None:
    """As a standby does."""
    name = postgres_url.partition("@/")[2].partition("?")[0]
    opened(postgres_url).close()
    postgres.administer(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with contextlib.closing(opened(postgres_url)) as database:
        with pytest.raises(JournalReadOnly) as caught, database.transaction() as connection:
            note(connection, "never")
        assert "primary" in caught.value.hint
        assert noted(database) == []


def test_a_server_restarted_while_idle_is_no_failure(postgres: PostgresServer, postgres_url: str) -> None:
    with contextlib.closing(opened(postgres_url)) as database:
        with database.transaction() as connection:
            note(connection, "before")
        postgres.restart()
        with database.transaction() as connection:
            note(connection, "after")
        assert noted(database) == ["before", "after"]


def test_a_server_restarted_within_a_transaction_stored_nothing(postgres: PostgresServer, postgres_url: str) -> None:
    with contextlib.closing(opened(postgres_url)) as database:

        def store() -> None:
            with database.transaction() as connection:
                note(connection, "half")
                postgres.restart()
                note(connection, "whole")

        with pytest.raises(JournalLost) as caught:
            store()
        assert caught.value.details["undecided"] is False
        assert noted(database) == []
        with database.transaction() as connection:
            note(connection, "again")
        assert noted(database) == ["again"]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_without_an_answer_is_undecided_and_only_reading_tells(
    postgres: PostgresServer, postgres_url: str, arrives: bool
) -> None:
    """The connection breaks with COMMIT on its way there, or with its answer on its way back: the caller sees the
    same error, and finds the one rolled back and the other committed."""
    with (
        tempfile.TemporaryDirectory(prefix="pj-", dir=place()) as short,  # for the length of the socket's path
        contextlib.closing(opened(postgres_url)) as direct,
        Breaking(postgres, Path(short), arrives=arrives) as proxy,
    ):
        with contextlib.closing(opened(postgres_url.replace(str(postgres.folder), short))) as database:
            proxy.breaks = True
            with pytest.raises(JournalLost) as caught, database.transaction() as connection:
                note(connection, "asked")
            assert caught.value.details["undecided"] is True
            assert "Read what is stored" in caught.value.hint
            proxy.breaks = False
            assert noted(database) == (["asked"] if arrives else [])
        assert noted(direct) == (["asked"] if arrives else [])


class Breaking:
    """Stands between a client and the server, and breaks a connection at its COMMIT, or before the answer to it."""

    def __init__(self, server: PostgresServer, folder: Path, *, arrives: bool) -> None:
        self._server = str(server.folder / ".s.PGSQL.5432")
        self._path = folder / ".s.PGSQL.5432"
        self._arrives = arrives
        self.breaks = False
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Breaking:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._sockets += [client, server]
                asked = threading.Event()
                self._start(self._forth, client, server, asked)
                self._start(self._back, server, client, asked)

    def _forth(self, client: socket.socket, server: socket.socket, asked: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                if self.breaks and b"COMMIT\0" in data:
                    asked.set()
                    if not self._arrives:
                        break
                server.sendall(data)
            self._cut(client, server)

    def _back(self, server: socket.socket, client: socket.socket, asked: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                if asked.is_set():
                    break
                client.sendall(data)
            self._cut(client, server)

    def _cut(self, *sockets: socket.socket) -> None:
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def test_a_process_that_sleeps_in_a_transaction_loses_it(
    postgres: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows would be locked for its successor otherwise."""
    monkeypatch.setitem(postgresql._SESSION, "idle_in_transaction_session_timeout", "200ms")
    with contextlib.closing(opened(postgres_url)) as database:

        def sleep() -> None:
            with database.transaction() as connection:
                note(connection, "slept")
                threading.Event().wait(1)
                note(connection, "woke")

        with pytest.raises(JournalLost) as caught:
            sleep()
        assert caught.value.details["undecided"] is False
        assert noted(database) == []


def test_locks_that_are_held_too_long_say_so(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgresql._SESSION, "lock_timeout", "200ms")
    with contextlib.closing(opened(postgres_url)) as one, contextlib.closing(opened(postgres_url)) as other:
        with one.transaction() as connection:
            connection.exec_driver_sql("LOCK TABLE decision")
            with pytest.raises(JournalBusy), other.transaction() as waiting:
                note(waiting, "late")
        with other.transaction() as connection:
            note(connection, "then")
        assert noted(other) == ["then"]


def test_more_threads_than_connections_wait_for_one(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyjpm.sending.postgresql._CONNECTIONS", 2)
    with contextlib.closing(opened(postgres_url)) as database:

        def store(number: int) -> None:
            for _ in range(5):
                with database.transaction() as connection:
                    note(connection, str(number))

        threads = [threading.Thread(target=store, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(noted(database)) == 40


def test_a_transaction_killed_with_its_process_stored_nothing(journal_url: str | Path) -> None:
    opened(journal_url).close()

    def die() -> None:
        with opened(journal_url).transaction() as connection:
            note(connection, "half")
            event.listen(connection.engine, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))

    assert killed_in(die) == signal.SIGKILL
    with contextlib.closing(opened(journal_url)) as database:
        assert noted(database) == []
        with database.transaction() as connection:
            note(connection, "next")
        assert noted(database) == ["next"]
