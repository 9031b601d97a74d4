"""A bank, two companies, three attesters, and an intake over either database, on a real Anvil."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from intake_support import ATTESTER_KEYS, World
from sdk.orders import Attesters

from pyjpm import LocalSigner, Platform
from pyjpm.testing import new_company

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def attesters(bank: Platform) -> Attesters:
    """Three attesters, of whom two must sign; their keys are known, so that other processes may sign with them."""
    signers = [LocalSigner.from_key(key) for key in ATTESTER_KEYS]
    administrator = new_company(bank)
    created = administrator.attestations.create_set(
        [signer.address for signer in signers], minimum=2, idempotency_key="set"
    ).wait()
    return Attesters(administrator.attestations.set_of(created), signers, bank)


@pytest.fixture
def world(
    chain: Any, bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters, journal_url: str | Path
) -> Iterator[World]:
    """An intake of its own for each test, on SQLite and on PostgreSQL."""
    made = World(chain.url, bank, buyer, seller, attesters, journal_url, f"erp-{next(_numbers)}")
    yield made
    made.close()
