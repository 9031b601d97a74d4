"""A chain on which everything has happened that moves or earmarks money, and ledgers of it on both databases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scene import Scene, play

from pyjpm import LocalSigner
from pyjpm.chain import LocalAnvil
from pyjpm.testing import backed_platform


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Nobody changes this chain any more: tests that do start one of their own.

    It starts at the beginning of a UTC day, so that all of it happens on one: the bank's side is of that day.
    """
    journal = Path(tmp_path_factory.mktemp("scene")) / "journal.sqlite"
    with (
        LocalAnvil(timestamp=int(time.time()) // 86_400 * 86_400) as anvil,
        backed_platform(anvil.connection(), LocalSigner.generate(), journal=journal) as bank,
    ):
        yield play(bank)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where a ledger may be made, on SQLite and on PostgreSQL: the test runs with both."""
    if request.param == "sqlite":
        return tmp_path / "ledger.db"
    url: str = request.getfixturevalue("postgres_url")
    return url
