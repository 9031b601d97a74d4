"""A Tryton for the tests of the connector and of the module, one for all of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tryton_server import CONNECTOR, DATABASE, TrytonServer

from pyjpm.orders.connectors.tryton_rpc import TrytonRpc


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonServer]:
    # Nobody listens on port 9: what is posted there waits until it is posted again.
    with TrytonServer(Path(tmp_path_factory.mktemp("tryton")), notices="http://127.0.0.1:9/") as server:
        yield server


@pytest.fixture
def rpc(tryton: TrytonServer) -> Iterator[TrytonRpc]:
    made = TrytonRpc(tryton.url, DATABASE, user="pyjpm", password=lambda: CONNECTOR)
    yield made
    made.close()
