"""Copies of a journal as an operator's backup makes them, and the journal put back to one: an hour lost."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

from postgres import PostgresServer


class Copies:
    """Makes them and puts them back.

    Args:
        server: of the journals on PostgreSQL; None where there are none.
    """

    def __init__(self, server: PostgresServer | None = None) -> None:
        self._server = server
        self._made: list[str] = []

    def copy_of(self, journal: str | Path) -> str | Path:
        """A copy of what is committed, taken while it is used: again a path or URL, where a journal can be opened."""
        if isinstance(journal, Path):
            copy = journal.with_name(f"{journal.name}.copy{len(self._made)}")
            with (
                contextlib.closing(sqlite3.connect(journal)) as source,
                contextlib.closing(sqlite3.connect(copy)) as to,
            ):
                source.backup(to)
            self._made.append(copy.name)
            return copy
        assert self._server is not None
        name = self._server.create()
        self._made.append(name)
        self._server.dump(_database(journal), name)
        return self._server.url(name)

    def restore(self, journal: str | Path, copy: str | Path) -> None:
        """Have ``journal`` be what ``copy`` is. Nobody has an SQLite journal open; connections to another one break."""
        if isinstance(journal, Path):
            assert isinstance(copy, Path)
            for beside in ("-wal", "-shm"):
                journal.with_name(journal.name + beside).unlink(missing_ok=True)
            shutil.copyfile(copy, journal)
            return
        assert self._server is not None
        assert isinstance(copy, str)
        self._server.drop(_database(journal))
        self._server.administer(f"CREATE DATABASE {_database(journal)} TEMPLATE {_database(copy)}")

    def close(self) -> None:
        """Drop the databases that copies are in; files go with their folder."""
        for name in self._made:
            if self._server is not None:
                self._server.drop(name)


def _database(url: str | Path) -> str:
    return urlsplit(str(url)).path.removeprefix("/")
