"""What all tests may use: a journal on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from copies import Copies
from postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server: one for each process that runs tests, started by the first test that wants it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database of its own for each test."""
    database = postgres.create()
    yield postgres.url(database)
    postgres.drop(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where a journal may be opened, on SQLite and on PostgreSQL: the test runs with both."""
    if request.param == "sqlite":
        return tmp_path / "journal.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def copies(journal_url: str | Path, request: pytest.FixtureRequest) -> Iterator[Copies]:
    """Copies of the journal at ``journal_url``, and the way back to one."""
    server = None if isinstance(journal_url, Path) else request.getfixturevalue("postgres")
    made = Copies(server)
    yield made
    made.close()
