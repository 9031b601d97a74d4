"""A bank, two companies, three attesters, and an intake over either database, on a real Anvil."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from intake_support import World
from sdk.orders import Attesters, new_attesters

from pyjpm import Platform

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def attesters(bank: Platform) -> Attesters:
    """Three attesters, of whom two must sign."""
    return new_attesters(bank)


@pytest.fixture
def world(
    bank: Platform, buyer: Platform, seller: Platform, attesters: Attesters, journal_url: str | Path
) -> Iterator[World]:
    """An intake of its own for each test, on SQLite and on PostgreSQL."""
    made = World(bank, buyer, seller, attesters, journal_url, f"erp-{next(_numbers)}")
    yield made
    made.close()
