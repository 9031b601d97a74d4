"""A witness of the platform, and a watch over every act of its clients."""

from __future__ import annotations

import pytest
from watching import Watch

from pyjpm import Platform
from pyjpm.session import Session
from pyjpm.witnessing import ContractWitness


@pytest.fixture(scope="session")
def witness(platform: Platform) -> ContractWitness:
    return ContractWitness(platform.record)


@pytest.fixture
def watch(witness: ContractWitness, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Every act of any client is watched from here on."""
    watching = Watch(witness, Session.submit)
    monkeypatch.setattr(Session, "submit", lambda session, **asked: watching.submit(session, **asked))
    return watching
