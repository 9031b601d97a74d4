"""A payer whose outbox is a journal of its own, on either database, and the command line over it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyjpm import Platform
from pyjpm.cli import main
from pyjpm.custody import LocalSigner
from pyjpm.testing import backed_platform, new_company, start_chain

Command = Callable[..., Any]


@pytest.fixture(scope="session")
def chain() -> Iterator[Any]:
    """Of these tests alone: some of them stop its mining."""
    with start_chain("anvil") as started:
        yield started


@pytest.fixture(scope="session")
def bank(chain: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    journal = tmp_path_factory.mktemp("operator") / "journal.sqlite"
    with backed_platform(
        chain.connection(), LocalSigner.generate(), journal=journal, currencies=("USD", "EUR")
    ) as deployed:
        yield deployed


@pytest.fixture
def record(bank: Platform, tmp_path: Path) -> Path:
    path = tmp_path / "deployment.json"
    bank.record.save(path)
    return path


@pytest.fixture
def payer(bank: Platform, chain: Any, record: Path, journal_url: str | Path) -> Iterator[Platform]:
    signer = new_company(bank, deposit="1000.00").session.signer
    with Platform.connect(chain.connection(), record, signer=signer, journal=journal_url) as platform:
        yield platform


@pytest.fixture
def paused(chain: Any) -> Iterator[Callable[[], None]]:
    """No block is made until the test calls this."""
    connection = chain.connection()
    connection.development_request("evm_setAutomine", False)

    def mine() -> None:
        connection.development_request("evm_mine")

    yield mine
    connection.development_request("evm_setAutomine", True)
    connection.development_request("evm_mine")


@pytest.fixture
def command(journal_url: str | Path, record: Path, chain: Any, capsys: pytest.CaptureFixture[str]) -> Command:
    """``pyjpm outbox ACT …`` with what it needs; its JSON, or (exit code, what it said) where it fails."""

    def call(act: str, *arguments: str, decides: bool = False, fails: bool = False) -> Any:
        where = ["--journal", str(journal_url)]
        if decides:
            where += ["--rpc", chain.url, "--record", str(record), "--who", "Ada", "--reason", "because"]
        capsys.readouterr()
        code = main(["outbox", act, *arguments, *where, "--json"])
        said = capsys.readouterr()
        if fails:
            return code, said.err
        assert code == 0, said.err
        return json.loads(said.out)

    return call
