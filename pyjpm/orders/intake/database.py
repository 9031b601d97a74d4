"""The database of an intake: opened like a journal's (durable, SQLite or PostgreSQL), bound to one deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, insert, inspect, select

from pyjpm.errors.intake import IntakeOfOtherChain, IntakeSchemaUnknown
from pyjpm.errors.sending import JournalCollision
from pyjpm.orders.intake import tables
from pyjpm.sending.postgresql import PostgresStore
from pyjpm.sending.sqlite import SqliteStore
from pyjpm.sending.store import Store

_COLLISIONS: Final = 8

T = TypeVar("T")


class IntakeDatabase:
    """One open database. Any number of threads may use it, and any number of processes may have it open.

    Args:
        where: an SQLite file's path, a ``postgresql://`` URL (the journal's will do), or None for memory.
        genesis_hash, escrow: the deployment that its orders are of.

    Raises:
        IntakeOfOtherChain, IntakeSchemaUnknown; as every method does, what a journal raises (``JournalFailed``, …).
    """

    def __init__(self, where: Path | str | None, *, genesis_hash: str, escrow: str) -> None:
        self._store: Store
        if isinstance(where, str) and "://" in where:
            self._store = PostgresStore(where)
        else:
            self._store = SqliteStore(None if where is None else Path(where))
        self.name = self._store.name
        try:
            self._prepare(genesis_hash, escrow)
        except BaseException:
            self._store.close()
            raise

    def __repr__(self) -> str:
        return f"IntakeDatabase({self.name})"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction that writes; rolled back by an error."""
        with self._store.writing() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of all that is committed."""
        with self._store.reading() as connection:
            yield connection

    def repeated(self, step: Callable[[Connection], T]) -> T:
        """One transaction, made again where another process stored the same name meanwhile."""
        for turn in range(_COLLISIONS):
            try:
                with self.transaction() as connection:
                    return step(connection)
            except JournalCollision:
                if turn == _COLLISIONS - 1:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Drop the connections."""
        self._store.close()

    def _prepare(self, genesis_hash: str, escrow: str) -> None:
        with self._store.preparing() as connection:
            if not inspect(connection).has_table(tables.place.name):
                tables.metadata.create_all(connection, checkfirst=False)
                values = {"id": 1, "schema": tables.SCHEMA_VERSION, "genesis_hash": genesis_hash, "escrow": escrow}
                connection.execute(insert(tables.place).values(**values))
                return
            row = connection.execute(select(tables.place)).one()
        if row.schema != tables.SCHEMA_VERSION:
            raise IntakeSchemaUnknown(
                f"The intake's tables in {self.name} have schema {row.schema}; "
                f"this version knows {tables.SCHEMA_VERSION}.",
                path=self.name,
                schema=row.schema,
                supported=tables.SCHEMA_VERSION,
            )
        stored, given = (row.genesis_hash, row.escrow.lower()), (genesis_hash, escrow.lower())
        if stored != given:
            raise IntakeOfOtherChain(
                f"The intake's tables in {self.name} belong to another deployment.",
                path=self.name,
                stored=list(stored),
                given=list(given),
            )
