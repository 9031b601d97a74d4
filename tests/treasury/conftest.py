"""The week, played once; ledgers of it on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from treasury.week import Week, at, play

from pyjpm import LocalSigner
from pyjpm.chain import LocalAnvil
from pyjpm.ledger import Ledger
from pyjpm.testing import backed_platform


@pytest.fixture(scope="session")
def anvil() -> Iterator[LocalAnvil]:
    with LocalAnvil(timestamp=at(1)) as started:
        yield started


@pytest.fixture(scope="session")
def week(anvil: LocalAnvil, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    journal = Path(tmp_path_factory.mktemp("week")) / "journal.sqlite"
    with backed_platform(anvil.connection(), LocalSigner.generate(), journal=journal) as bank:
        yield play(bank)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path, week: Week) -> Iterator[Ledger]:
    where = tmp_path / "ledger.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with Ledger(where, week.bank) as opened:
        opened.sync()
        yield opened
