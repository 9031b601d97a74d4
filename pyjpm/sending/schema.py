"""Making a journal's tables, and bringing older ones up to date.

Decisions that govern this module:

* A fresh journal is made from the tables as they are now, and marked as migrated; Alembic is loaded only where there
  is something to migrate. That both ways lead to the same tables is held by a test, on both databases.
* All of it is one transaction that keeps every other process out: a process that dies in it leaves what was there
  before, and of two that start at once one migrates and the other waits.
* The version lives in a table of a name of its own, as another package may use Alembic in the same database.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, Dialect, inspect, text
from sqlalchemy.schema import CreateIndex, CreateTable

from pyjpm.errors.sending import JournalTooNew
from pyjpm.sending.tables import SCHEMA_VERSION, journal, metadata

VERSION_TABLE: Final = "journal_version"
_CREATE_VERSION: Final = (
    f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL, "
    f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
)


def revision(version: int) -> str:
    """The name of the migration that leads to this version of the schema."""
    return f"{version:04}"


def version_of(connection: Connection, name: str) -> int:
    """The version of the schema that is there; 0 where there is none.

    Raises JournalTooNew.
    """
    tables = inspect(connection)
    if tables.has_table(VERSION_TABLE):
        version = int(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())  # noqa: S608
    elif tables.has_table(journal.name):
        version = 1  # the first one had no Alembic
    else:
        version = 0
    if version > SCHEMA_VERSION:
        raise JournalTooNew(
            f"The journal {name} has schema {version}; this version knows {SCHEMA_VERSION}.",
            path=name,
            schema=version,
            supported=SCHEMA_VERSION,
        )
    return version


def create(connection: Connection) -> None:
    """Make the tables of today, where there are none."""
    for statement in _statements(connection.dialect):
        connection.exec_driver_sql(statement)
    connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES ('{revision(SCHEMA_VERSION)}')"))  # noqa: S608


def migrate(connection: Connection, version: int) -> None:
    """Bring the tables of an older version up to date."""
    from pyjpm.sending.migrations import upgrade

    if version == 1 and not inspect(connection).has_table(VERSION_TABLE):
        connection.exec_driver_sql(_CREATE_VERSION)
        connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES ('{revision(1)}')"))  # noqa: S608
    upgrade(connection, revision(SCHEMA_VERSION))
    if connection.dialect.name == "sqlite":
        # Off while tables are made anew, so that it is looked at here.
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        assert not broken, broken


@lru_cache(maxsize=8)
def _statements(dialect: Dialect) -> tuple[str, ...]:
    # Written once per database, not once per journal: tests open them by the ten thousand.
    tables = metadata.sorted_tables
    return (
        *(str(CreateTable(table).compile(dialect=dialect)) for table in tables),
        *(
            str(CreateIndex(index).compile(dialect=dialect))
            for table in tables
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ),
        _CREATE_VERSION,
    )
