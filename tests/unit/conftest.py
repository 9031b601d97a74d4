"""What the tests of a sender start from: an Anvil a file, a sender over a journal on either database, threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sending_support import sender_on

from pyjpm.chain.anvil import LocalAnvil
from pyjpm.chain.connection import Connection
from pyjpm.sending import Sender


@pytest.fixture(scope="module")
def anvil() -> Iterator[Connection]:
    with LocalAnvil() as chain:
        yield chain.connection()


@pytest.fixture
def sender(anvil: Connection, journal_url: str | Path) -> Iterator[Sender]:
    with sender_on(anvil, journal_url) as (sender, _):
        yield sender


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as threads:
        yield threads
