"""The same tests on both chains: on Anvil, and in process on eth-tester."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyjpm.testing import start_chain


@pytest.fixture(scope="session", params=["anvil", "eth-tester"])
def chain(request: pytest.FixtureRequest) -> Iterator[Any]:
    with start_chain(request.param) as started:
        yield started
