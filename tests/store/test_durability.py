"""Settings under which a commit may be lost are refused, at the start and on every new connection."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import PostgresServer
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from store_support import note, noted, opened

from pyjpm.errors.sending import JournalNotDurable
from pyjpm.sending.sqlite import require_durable


def test_a_commit_to_sqlite_survives_a_power_cut_by_its_settings(tmp_path: Path) -> None:
    with contextlib.closing(opened(tmp_path / "journal.db")) as database, database.transaction() as connection:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("fullfsync", 1), ("foreign_keys", 1)):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() >= 1_000


def test_a_file_that_is_there_keeps_its_pages_and_a_new_one_has_large_ones(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "older.db") as older:
        older.execute("PRAGMA page_size=4096")
        older.execute("CREATE TABLE something (one INTEGER)")
    older.close()
    for name, size in (("older.db", 4_096), ("new.db", 16_384)):
        with contextlib.closing(opened(tmp_path / name)) as database, database.transaction() as connection:
            assert connection.exec_driver_sql("PRAGMA page_size").scalar_one() == size
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_only_its_user_reads_the_file(tmp_path: Path) -> None:
    with contextlib.closing(opened(tmp_path / "made" / "journal.db")) as database:
        with database.transaction() as connection:
            note(connection, "a")
        files = sorted((tmp_path / "made").iterdir())
        assert [file.name for file in files] == ["journal.db", "journal.db-shm", "journal.db-wal"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(
    ("pragma", "setting"),
    [
        ("synchronous=NORMAL", "synchronous"),
        ("journal_mode=OFF", "journal_mode"),
        ("journal_mode=MEMORY", "journal_mode"),
        ("fullfsync=OFF", "fullfsync"),
        ("foreign_keys=OFF", "foreign_keys"),
        ("busy_timeout=0", "busy_timeout"),
    ],
)
def test_weaker_settings_of_sqlite_are_refused(tmp_path: Path, pragma: str, setting: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'journal.db'}", poolclass=StaticPool)
    with engine.connect() as connection:
        for each in ("journal_mode=WAL", "fullfsync=ON", "foreign_keys=ON", pragma):
            connection.exec_driver_sql(f"PRAGMA {each}")
        connection.rollback()
        with pytest.raises(JournalNotDurable) as caught:
            require_durable(connection, "x")
    engine.dispose()
    assert caught.value.details["setting"] == setting


def test_an_sqlite_that_cannot_do_wal_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system without shared memory: the pragma does not fail, it does nothing."""
    monkeypatch.setattr("pyjpm.sending.sqlite._use_wal", lambda connection: None)
    with pytest.raises(JournalNotDurable) as caught:
        opened(tmp_path / "journal.db")
    assert caught.value.details["actual"] == "delete"


@pytest.fixture
def set_for_database(postgres: PostgresServer, postgres_url: str) -> str:
    """The name of the database of ``postgres_url``."""
    return postgres_url.partition("@/")[2].partition("?")[0]


@pytest.mark.parametrize("value", ["off", "local", "remote_write"])
def test_a_postgresql_that_answers_before_the_disk_does_is_refused(
    postgres: PostgresServer, postgres_url: str, set_for_database: str, value: str
) -> None:
    postgres.administer(f"ALTER DATABASE {set_for_database} SET synchronous_commit = {value}")
    with pytest.raises(JournalNotDurable) as caught:
        opened(postgres_url)
    assert caught.value.details["setting"] == "synchronous_commit"
    assert caught.value.details["actual"] == value
    with postgres.connected(set_for_database) as connection:
        assert connection.execute("SELECT to_regclass('journal')").fetchone() == (None,)


@pytest.mark.parametrize("value", ["on", "remote_apply"])
def test_a_postgresql_that_waits_for_the_disk_is_used_as_it_is(
    postgres: PostgresServer, postgres_url: str, set_for_database: str, value: str
) -> None:
    postgres.administer(f"ALTER DATABASE {set_for_database} SET synchronous_commit = {value}")
    with contextlib.closing(opened(postgres_url)) as database, database.transaction() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == value


@contextlib.contextmanager
def configured(postgres: PostgresServer, setting: str, value: str) -> Iterator[None]:
    postgres.administer(f"ALTER SYSTEM SET {setting} = {value}")
    postgres.reload()
    try:
        yield
    finally:
        postgres.administer(f"ALTER SYSTEM RESET {setting}")
        postgres.reload()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_loses_commits_is_refused(postgres: PostgresServer, postgres_url: str, setting: str) -> None:
    with configured(postgres, setting, "off"), pytest.raises(JournalNotDurable) as caught:
        opened(postgres_url)
    assert caught.value.details["setting"] == setting
    opened(postgres_url).close()


def test_a_server_made_unsafe_under_way_is_refused_by_the_next_connection(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with contextlib.closing(opened(postgres_url)) as database:
        with configured(postgres, "fsync", "off"):
            postgres.restart()
            with pytest.raises(JournalNotDurable), database.transaction() as connection:
                note(connection, "unsafe")
        with database.transaction() as connection:
            note(connection, "safe")
        assert noted(database) == ["safe"]


def test_a_session_keeps_waiting_for_the_disk_when_the_server_is_reconfigured(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with contextlib.closing(opened(postgres_url)) as database:
        with database.transaction() as connection:
            first = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with configured(postgres, "synchronous_commit", "off"), database.transaction() as connection:
            assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() == first
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
