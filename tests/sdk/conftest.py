"""The same tests on both chains, Anvil and in process on eth-tester; of a module that names ``CHAINS``, on them.

The chain's own fixture is given a parameter. One of the same name here would not do: what is kept for the session, such
as the platform, would go on standing on the chain of whatever directory asked for it first.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyjpm import Platform
from pyjpm.ledger import Ledger


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "chain" in metafunc.fixturenames:
        chains = getattr(metafunc.module, "CHAINS", ("anvil", "eth-tester"))
        metafunc.parametrize("chain", chains, indirect=True, scope="session")


@pytest.fixture(scope="module")
def bank(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The bank. Whatever a module's tests did, the books made of it agree with the contracts, orders and trades
    included."""
    yield platform
    with Ledger(tmp_path_factory.mktemp("books") / "ledger.db", platform) as ledger:
        ledger.sync()
        found = ledger.reconcile()
        assert found.clean, found.to_dict()["breaks"][:5]
