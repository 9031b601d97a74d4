"""The database of an intake: a book bound to one deployment, as another one has other orders."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from operator import eq
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Select, and_, insert, or_, select

from pyjpm.book import Book
from pyjpm.errors.intake import IntakeOfOtherChain
from pyjpm.orders.intake import tables

_AT_ONCE: Final = 200  # names in one question


class IntakeDatabase:
    """One open database. Any number of threads may use it, and any number of processes may have it open.

    Args:
        where: an SQLite file's path, a ``postgresql://`` URL (the journal's will do), or None for memory.
        genesis_hash, escrow: the deployment that its orders are of.

    Raises:
        IntakeOfOtherChain, BookOfOtherVersion; as every method does, ``JournalFailed`` with its subclasses.
    """

    def __init__(self, where: Path | str | None, *, genesis_hash: str, escrow: str) -> None:
        self._book = Book(where, tables.meta, tables.SCHEMA_VERSION)
        self.name = self._book.name
        try:
            self._expect(genesis_hash, escrow)
        except BaseException:
            self._book.close()
            raise

    def __repr__(self) -> str:
        return f"IntakeDatabase({self.name})"

    def transaction(self) -> AbstractContextManager[Connection]:
        """One transaction that writes, alone; rolled back by an error."""
        return self._book.writing()

    def reading(self) -> AbstractContextManager[Connection]:
        """One state of all that is committed."""
        return self._book.reading()

    def close(self) -> None:
        """Drop the connections."""
        self._book.close()

    def _expect(self, genesis_hash: str, escrow: str) -> None:
        given = {"genesis_hash": genesis_hash, "escrow": escrow.lower()}
        with self.transaction() as connection:
            row = connection.execute(select(tables.place)).one_or_none()
            if row is None:
                connection.execute(insert(tables.place).values(id=1, **given))
                return
        stored = {"genesis_hash": row.genesis_hash, "escrow": row.escrow}
        if stored != given:
            told = f"The intake's tables in {self.name} belong to another deployment."
            raise IntakeOfOtherChain(told, path=self.name, stored=stored, given=given)


def rows_named(
    connection: Connection, query: Select[Any], columns: Sequence[Column[Any]], names: Collection[tuple[Any, ...]]
) -> Iterator[Row[Any]]:
    """The rows of a query whose columns have one of these names, in questions of a size that databases take."""
    asked = sorted(set(names))
    for start in range(0, len(asked), _AT_ONCE):
        # Not ``(a, b) IN …``, for which SQLite reads the whole table.
        some = [and_(*map(eq, columns, name)) for name in asked[start : start + _AT_ONCE]]
        yield from connection.execute(query.where(or_(*some)))
