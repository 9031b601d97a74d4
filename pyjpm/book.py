"""A durable book of one package: its tables in SQLite or PostgreSQL, opened as the journal opens its own.

Decisions that govern this module:

* The version of the tables is stored with them; another version is a typed error, never a guess.
* One writer at a time on both databases: on PostgreSQL it locks the book's own row, on SQLite the file. So whatever a
  transaction reads still holds when it commits, and nobody need think of isolation levels.
* Each book has an identity, drawn when it is made: a word that was signed for one serves in no other.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from pyjpm.errors.books import BookOfOtherVersion
from pyjpm.sending.postgresql import PostgresStore
from pyjpm.sending.sqlite import SqliteStore
from pyjpm.sending.store import Store

_SQLITE: Final = "sqlite:///"


def meta_table(metadata: MetaData, prefix: str) -> Table:
    """The table in which a book keeps its version and identity."""
    return Table(
        f"{prefix}_meta",
        metadata,
        Column("name", String(16), primary_key=True),
        Column("value", String(80), nullable=False),
    )


class Book:
    """One open book. Any number of threads may use it; close it, or use it as a context.

    Args:
        where: a file (its path, or ``sqlite:///path``), a ``postgresql://`` URL, or None for memory.
        meta: of :func:`meta_table`; its metadata has the book's tables.
        version: of the tables that this program knows.

    Raises:
        BookOfOtherVersion; InvalidJournal and JournalFailed with its subclasses, as every method does.

    Attributes:
        identity: 32 bytes, for ever the same.
        name: where it is, without a password.
    """

    def __init__(self, where: Path | str | None, meta: Table, version: int) -> None:
        if isinstance(where, str) and where.startswith(_SQLITE):
            where = where.removeprefix(_SQLITE)
        self._store: Store
        if isinstance(where, str) and "://" in where:
            self._store = PostgresStore(where)
        else:
            self._store = SqliteStore(None if where is None else Path(where))
        self.name = self._store.name
        self._meta = meta
        try:
            self.identity = self._prepared(version)
        except BaseException:
            self._store.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, alone: committed at the end, rolled back by an error."""
        with self._store.writing() as connection:
            connection.execute(select(self._meta.c.value).where(self._meta.c.name == "version").with_for_update())
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

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepared(self, version: int) -> bytes:
        with self._store.reading() as connection:
            if inspect(connection).has_table(self._meta.name):
                return self._identity(connection, version)
        with self._store.preparing() as connection:
            if not inspect(connection).has_table(self._meta.name):  # another process may have been faster
                self._meta.metadata.create_all(connection)
                identity = secrets.token_hex(32)
                rows = [{"name": "version", "value": str(version)}, {"name": "identity", "value": identity}]
                connection.execute(insert(self._meta), rows)
            return self._identity(connection, version)

    def _identity(self, connection: Connection, version: int) -> bytes:
        told = {row.name: row.value for row in connection.execute(select(self._meta))}
        if told["version"] != str(version):
            raise BookOfOtherVersion(
                f"The tables {self._meta.name} at {self.name} are of version {told['version']}.",
                path=self.name,
                book=self._meta.name,
                found=told["version"],
                supported=version,
            )
        return bytes.fromhex(told["identity"])
