"""Older journals are brought up to date, once, in one transaction; the tables are those that a fresh one has."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from postgres import place
from sqlalchemy import Connection, create_engine, event, inspect, select, text
from store_support import CHAIN, GENESIS, WALLETS, at_once, killed_in, opened

from pyjpm.custody import LocalSigner
from pyjpm.errors.sending import JournalFailed, JournalInUse, JournalOfOtherChain, JournalTooNew
from pyjpm.sending import Journal, SubmissionState, schema, sqlite
from pyjpm.sending.migrations import upgrade
from pyjpm.sending.tables import SCHEMA_VERSION, attempt, attempt_payment, lane, metadata, payment

WALLET = LocalSigner.from_key("11" * 32).address
VERSION_1 = Path(__file__).with_name("schema_1.sql").read_text()


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A journal as the first version left it, with work in flight."""
    path = tmp_path / "journal.db"
    make_first(path)
    return path


def make_first(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as raw:
        raw.executescript(
            VERSION_1.replace("{genesis}", GENESIS).replace("{chain}", str(CHAIN)).replace("{wallet}", WALLET)
        )


def tables_of(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as raw:
        return "\n".join(raw.iterdump())


# --- both ways lead to the same tables --------------------------------------------------------------------------------


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection,
        opts={"version_table": schema.VERSION_TABLE, "compare_type": True, "compare_server_default": True},
    )
    return compare_metadata(context, metadata)


def names(connection: Connection) -> set[str]:
    """Every constraint and index, by table, name and columns: what ``compare_metadata`` does not look at."""
    found = inspect(connection)
    said = set()
    for table in metadata.tables:
        primary = found.get_pk_constraint(table)
        said.add(f"{table} pk {primary['name']} {primary['constrained_columns']}")
        said |= {f"{table} uq {each['name']} {each['column_names']}" for each in found.get_unique_constraints(table)}
        said |= {f"{table} ix {each['name']} {each['column_names']}" for each in found.get_indexes(table)}
        said |= {
            f"{table} fk {each['name']} {each['constrained_columns']} {each['referred_table']}"
            for each in found.get_foreign_keys(table)
        }
    return said


def test_a_migrated_journal_has_the_tables_of_a_fresh_one(journal_url: str | Path, tmp_path: Path) -> None:
    with contextlib.closing(opened(journal_url)) as fresh, fresh.reading() as connection:
        assert differences(connection) == []
        wanted = names(connection)
    with contextlib.closing(empty_and_migrated(journal_url, tmp_path)) as migrated:
        assert differences(migrated) == []
        # SQLite's first version gave its constraints no names, but for those that were made anew.
        assert names(migrated) == wanted


def empty_and_migrated(journal_url: str | Path, tmp_path: Path) -> Connection:
    if isinstance(journal_url, Path):
        connection = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}").connect()
    else:
        connection = create_engine(journal_url.replace("postgresql:", "postgresql+psycopg:")).connect()
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    upgrade(connection, schema.revision(SCHEMA_VERSION))
    connection.commit()
    return connection


def test_the_first_migration_makes_the_first_schema(tmp_path: Path, first: Path) -> None:
    connection = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}").connect()
    upgrade(connection, schema.revision(1))
    connection.commit()
    columns = {
        table: {column["name"]: str(column["type"]) for column in inspect(connection).get_columns(table)}
        for table in inspect(connection).get_table_names()
        if table != schema.VERSION_TABLE
    }
    connection.close()
    with contextlib.closing(sqlite3.connect(first)) as raw:
        there = {
            table: {row[1]: row[2] for row in raw.execute(f"PRAGMA table_info({table})")}
            for (table,) in raw.execute("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%'")
        }
    assert columns == there


def test_a_change_of_the_tables_is_a_new_version() -> None:
    """Whoever changes tables.py writes a migration: the file of each version is what its number says."""
    versions = sorted((Path(schema.__file__).parent / "migrations" / "versions").glob("schema_*.py"))
    assert [path.stem for path in versions] == [f"schema_{version}" for version in range(1, SCHEMA_VERSION + 1)]


# --- what was in flight goes on ---------------------------------------------------------------------------------------


def test_rows_of_the_first_version_are_kept_and_go_on(first: Path) -> None:
    with Journal.open(first, genesis_hash=GENESIS, chain_id=CHAIN) as journal:
        states = {each.key: (each.state, each.nonce, each.tx_hash) for each in journal.list()}
        assert states == {
            "reserved": (SubmissionState.RESERVED, 7, None),
            "broadcast": (SubmissionState.BROADCAST, 6, "0x" + "66" * 32),
            "twice": (SubmissionState.FINAL, 5, "0x" + "55" * 32),
        }
    with contextlib.closing(opened(first)) as database, database.reading() as connection:
        rows = {row.key: row for row in connection.execute(select(payment))}
        assert {row.owner for row in rows.values()} == {f"wallet {WALLET}"}
        assert {key: (row.to, row.data, row.gas) for key, row in rows.items()} == {
            "twice": (WALLET, b"\x02", 200_000),
            "broadcast": (WALLET, b"\x03", 300_000),
            "reserved": (None, b"\x04", 400_000),
        }
        assert [row.seq for row in connection.execute(select(payment).order_by(payment.c.seq))] == [1, 2, 3]
        found = connection.execute(select(attempt).order_by(attempt.c.nonce)).all()
        assert [(row.nonce, row.kind, row.beside, row.raw) for row in found] == [
            (4, "call", 0, b"\x11"),
            (5, "call", 0, b"\x22"),
            (6, "call", 0, b"\x33"),
            (7, "call", 0, None),
        ]
        assert connection.execute(select(attempt_payment.c.attempt)).scalars().all() == ["a4", "a5", "a6", "a7"]
        halted = connection.execute(select(lane).where(lane.c.wallet == WALLETS[0])).one()
        assert (halted.state, halted.next_nonce, halted.lease) == ("HALTED", 3, None)
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_a_migrated_journal_takes_new_rows_above_the_old_ones(first: Path) -> None:
    opened(first).close()
    with contextlib.closing(opened(first)) as database, database.transaction() as connection:
        connection.execute(
            payment.insert().values(
                id="new", owner="x", wallet=WALLET, kind="k", content="{}", request_sha256="0", state="RECEIVED",
                data=b"", gas=1, created_at=1,
            )
        )  # fmt: skip
        assert connection.execute(select(payment.c.seq).where(payment.c.id == "new")).scalar_one() == 4


# --- once, and whole --------------------------------------------------------------------------------------------------


def test_processes_that_open_it_at_once_migrate_it_once(first: Path) -> None:
    at_once(*[lambda: opened(first).close()] * 4)
    with contextlib.closing(opened(first)) as database, database.reading() as connection:
        assert differences(connection) == []
        assert len(connection.execute(select(payment)).all()) == 3


def test_a_migration_that_fails_changes_nothing(first: Path) -> None:
    """Here on a row of which the newest attempt is missing, which no version wrote."""
    with contextlib.closing(sqlite3.connect(first)) as raw:
        raw.execute("UPDATE payment SET attempt = 'lost' WHERE key = 'reserved'")
        raw.commit()
    before = tables_of(first)
    with pytest.raises(JournalFailed):
        opened(first)
    assert tables_of(first) == before


def test_a_migration_killed_anywhere_is_done_by_the_next_start() -> None:
    """Before each of its statements, and before its commit."""
    step = 0
    with tempfile.TemporaryDirectory(dir=place()) as folder:  # a kill loses nothing that a disk would have kept
        path = Path(folder) / "journal.db"
        while killed_before(path, step := step + 1):
            path.unlink()
    assert step > 30, "it has fewer statements than the migration"


def killed_before(path: Path, step: int) -> bool:
    """Whether it was killed there, and all is well after it; False if it has fewer steps."""
    make_first(path)
    before = tables_of(path)
    if killed_in(functools.partial(open_and_die, path, step)) != signal.SIGKILL:
        return False
    assert tables_of(path) == before
    with contextlib.closing(opened(path)) as database, database.reading() as connection:
        assert differences(connection) == []
        assert len(connection.execute(select(payment)).all()) == 3
    return True


def open_and_die(path: Path, step: int) -> None:
    left = step

    def die(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def die_within(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().split()[0] in ("CREATE", "DROP", "ALTER", "INSERT", "UPDATE"):
            die()

    event.listen(sqlite._engine(), "before_cursor_execute", die_within)
    event.listen(sqlite._engine(), "commit", die)
    opened(path).close()


def test_a_journal_that_the_first_version_has_open_is_not_migrated(first: Path) -> None:
    lock = first.with_name(first.name + ".lock")
    before = tables_of(first)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(JournalInUse):
            opened(first)
    assert tables_of(first) == before
    opened(first).close()
    assert not lock.exists()


def test_a_journal_of_another_chain_is_not_migrated(first: Path) -> None:
    before = tables_of(first)
    with pytest.raises(JournalOfOtherChain):
        opened(first, chain_id=CHAIN + 1)
    assert tables_of(first) == before


def test_a_newer_schema_is_refused(journal_url: str | Path) -> None:
    database = opened(journal_url)
    with database.transaction() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0099'"))
    database.close()
    with pytest.raises(JournalTooNew) as caught:
        opened(journal_url)
    assert caught.value.details["schema"] == 99
    assert caught.value.details["supported"] == SCHEMA_VERSION


# --- and quickly ------------------------------------------------------------------------------------------------------


def test_a_fresh_journal_loads_no_migrations() -> None:
    code = (
        "import sys; from pyjpm.sending.database import Database; "
        f"Database(None, genesis_hash={GENESIS!r}, chain_id={CHAIN}).close(); "
        "assert not {'alembic', 'mako', 'psycopg'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_fresh_journal_in_memory_takes_less_than_five_milliseconds() -> None:
    opened(None).close()
    taken = []
    for _ in range(20):
        started = time.perf_counter()
        opened(None).close()
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.005
