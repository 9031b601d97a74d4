"""What a process leaves that a test has die in this one is collected before the next test begins.

A transaction of it that is still open complains when it is collected, wherever that happens: amid another test's import
CPython 3.11 answers it with a SystemError.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()
