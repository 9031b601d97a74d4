"""The same tests on both chains: on Anvil, and in process on eth-tester."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from watching import Watch

from pyjpm import Platform
from pyjpm.session import Session
from pyjpm.testing import start_chain
from pyjpm.witnessing import ContractWitness


@pytest.fixture(scope="session", params=["anvil", "eth-tester"])
def chain(request: pytest.FixtureRequest) -> Iterator[Any]:
    with start_chain(request.param) as started:
        yield started


@pytest.fixture(scope="session")
def witness(platform: Platform) -> ContractWitness:
    return ContractWitness(platform.record)


@pytest.fixture
def watch(witness: ContractWitness, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Every act of any client is watched from here on."""
    watching = Watch(witness, Session.submit)
    monkeypatch.setattr(Session, "submit", lambda session, **asked: watching.submit(session, **asked))
    return watching
