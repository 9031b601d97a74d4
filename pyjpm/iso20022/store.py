"""A database of a package's own tables, in SQLite or PostgreSQL, durable like a journal.

Decisions that govern this module:

* It is opened by what opens journals, with their settings: what was committed survives a power cut.
* Tables are made on first use, and marked with their version; tables of another version are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, MetaData, inspect, text

from pyjpm.errors.iso20022 import StoreVersionUnknown
from pyjpm.sending.postgresql import PostgresStore
from pyjpm.sending.sqlite import SqliteStore
from pyjpm.sending.store import Store


class Tables:
    """The tables of one package in one database. Threads may share it.

    Args:
        where: an SQLite file, or a ``postgresql://`` URL; None for memory, gone with the process.
        metadata: the tables; their names begin with the package's.
        package, version: whose they are, and which version of them.

    Raises:
        StoreVersionUnknown: they are there in another version.
        JournalNotDurable, InvalidJournal, PostgresDriverMissing, and JournalFailed with its subclasses, as every
        method does.
    """

    def __init__(self, where: Path | str | None, metadata: MetaData, *, package: str, version: int) -> None:
        self._store: Store
        if isinstance(where, str) and "://" in where:
            self._store = PostgresStore(where)
        else:
            self._store = SqliteStore(None if where is None else Path(where))
        try:
            self._prepare(metadata, package, version)
        except BaseException:
            self._store.close()
            raise

    @property
    def name(self) -> str:
        """Where they are, without a password."""
        return self._store.name

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by an error."""
        with self._store.writing() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of all that is committed."""
        with self._store.reading() as connection:
            yield connection

    def close(self) -> None:
        """Drop the connections; closing twice is fine."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepare(self, metadata: MetaData, package: str, version: int) -> None:
        table = f"{package}_version"
        with self._store.preparing() as connection:
            if not inspect(connection).has_table(table):
                connection.execute(text(f"CREATE TABLE {table} (version INTEGER NOT NULL PRIMARY KEY)"))
                connection.execute(text(f"INSERT INTO {table} VALUES ({version})"))  # noqa: S608
                metadata.create_all(connection)
                return
            found = int(connection.execute(text(f"SELECT version FROM {table}")).scalar_one())  # noqa: S608
        if found != version:
            raise StoreVersionUnknown(
                f"The {package} tables in {self.name} have version {found}, not {version}.",
                package=package,
                found=found,
                supported=version,
            )
