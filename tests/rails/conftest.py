"""A bank, a payer and a payee on an Anvil of their own; the payer keeps a journal of its own on either database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rails.rails_support import Hub

from pyjpm import LocalSigner, Platform
from pyjpm.testing import backed_platform, new_company, start_chain


@pytest.fixture(scope="session")
def chain() -> Iterator[Any]:
    """Of these tests alone: some of them stop its mining."""
    with start_chain("anvil") as started:
        yield started


@pytest.fixture(scope="session")
def bank(chain: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """On that chain; what others keep for the session stands on another."""
    journal = tmp_path_factory.mktemp("rails") / "journal.sqlite"
    with backed_platform(
        chain.connection(), LocalSigner.generate(), journal=journal, currencies=("USD", "EUR")
    ) as deployed:
        yield deployed


@pytest.fixture
def opened(bank: Platform) -> Iterator[Callable[[LocalSigner, str | Path], Platform]]:
    """Opens clients over journals of their own, as processes of their own would, and closes them in the end."""
    clients: list[Platform] = []

    def open_client(signer: LocalSigner, journal: str | Path) -> Platform:
        clients.append(Platform.connect(bank.connection, bank.record, signer=signer, journal=journal, timeout=30))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


@pytest.fixture
def payer(bank: Platform, opened: Any, journal_url: str | Path) -> Platform:
    signer = LocalSigner.generate()
    new_company(bank, deposit="100000.00", signer=signer)
    client: Platform = opened(signer, journal_url)
    return client


@pytest.fixture
def payee(bank: Platform) -> Platform:
    return new_company(bank)


@pytest.fixture
def hub() -> Hub:
    return Hub()
