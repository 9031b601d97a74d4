"""The tests of the engine run on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from copies import Copies
from sending.engine_support import Place


@pytest.fixture
def place(journal_url: str | Path, copies: Copies) -> Place:
    """Where the test's journal is."""
    return Place(journal_url, copies)
