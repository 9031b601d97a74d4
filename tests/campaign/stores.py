"""Databases for the process that is killed, other than a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401 (here, so that no copy of a process has to)
from postgres import PostgresServer


@contextmanager
def postgresql() -> Iterator[Callable[[int], str]]:
    """A PostgreSQL server, and the URL of an empty database for each run; that of the run before is dropped."""
    with PostgresServer() as server:
        made: list[str] = []

        def fresh(run: int) -> str:
            while made:
                server.drop(made.pop())
            made.append(server.create())
            return server.url(made[-1])

        yield fresh
