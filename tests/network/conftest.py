"""Networks written once for all tests that only look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from network_support import CHEAP, PASSPHRASE

from pyjpm.chain.network import NetworkPlan, write_network


@pytest.fixture(scope="session", autouse=True)
def quick_keys() -> Iterator[None]:
    """Shorter RSA keys for tokens: a second saved for each network, and nothing here hangs on their length."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyjpm.chain.network.tokens._BITS", 2048)
        yield


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network as `pyjpm network init --validators 4 --out DIR` makes it."""
    folder = tmp_path_factory.mktemp("networks") / "plain"
    write_network(NetworkPlan(), folder, kdf_work=CHEAP)
    return folder


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Write a network of a plan's fields, and return its folder."""

    def write(**fields: object) -> Path:
        folder = tmp_path / "network"
        write_network(NetworkPlan(**fields), folder, passphrase=PASSPHRASE, kdf_work=CHEAP)
        return folder

    return write
