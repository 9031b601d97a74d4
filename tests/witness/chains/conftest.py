"""The same tests on both chains: on Anvil, and in process on eth-tester.

The chain's own fixture is given a parameter. One of the same name here would not do: what is kept for the session, such
as the platform, would go on standing on the chain of whatever directory asked for it first.
"""

from __future__ import annotations

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "chain" in metafunc.fixturenames:
        metafunc.parametrize("chain", ["anvil", "eth-tester"], indirect=True, scope="session")
