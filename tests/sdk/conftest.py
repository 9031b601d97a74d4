"""The same tests on both chains: on Anvil, and in process on eth-tester."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyjpm import Platform
from pyjpm.ledger import Ledger
from pyjpm.testing import start_chain


@pytest.fixture(scope="session", params=["anvil", "eth-tester"])
def chain(request: pytest.FixtureRequest) -> Iterator[Any]:
    with start_chain(request.param) as started:
        yield started


@pytest.fixture(scope="module", autouse=True)
def books(bank: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever a module's tests did, the books made of it agree with the contracts, orders and trades included."""
    yield
    with Ledger(tmp_path_factory.mktemp("books") / "ledger.db", bank) as ledger:
        ledger.sync()
        found = ledger.reconcile()
        assert found.clean, found.to_dict()["breaks"][:5]
