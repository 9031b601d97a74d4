"""Nothing is sent twice and nothing is lost when the sending process is killed, wherever it is."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sending_child import POINTS
from sqlalchemy import text

from pyjpm.chain.anvil import LocalAnvil, Mining
from pyjpm.chain.connection import Connection
from pyjpm.custody import Keystore
from pyjpm.sending.database import Database

CHILD = Path(__file__).with_name("sending_child.py")
KILLS = 5
PATIENCE = 120


@dataclass
class Run:
    """One wallet's journal and keystore, before a chain that outlives every process that uses them."""

    connection: Connection
    url: str
    folder: Path
    journal: str | Path
    wallet: str
    passphrase: str
    count: int

    def start(self, **environment: str) -> subprocess.Popen[str]:
        folder = self.folder
        arguments = [self.url, str(self.journal), str(folder / "keys"), str(self.count)]
        return subprocess.Popen(
            [sys.executable, str(CHILD), *arguments],
            env={**os.environ, "KEY_PASSPHRASE": self.passphrase, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )

    def after_kill(self) -> None:
        """Has an automining Anvil mine what it holds: what a client handed in while it died, it otherwise mines only
        with the next transaction. (A chain whose blocks come by the clock needs no such help.)"""
        self.connection.development_request("evm_mine")

    def finish(self) -> None:
        with self.start() as child:
            output, _ = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0
        assert output.splitlines() == ["started", "done"]

    def sent(self) -> list[tuple[int, str]]:
        return [
            (each.nonce, each.data.decode())
            for height in range(self.connection.head().number + 1)
            for each in self.connection.block_transactions(height)
            if each.sender == self.wallet
        ]

    def check(self) -> None:
        """Every operation is on the chain exactly once, and no nonce is left out or used twice."""
        sent = self.sent()
        assert [nonce for nonce, _ in sent] == list(range(self.count))
        assert sorted(data for _, data in sent) == sorted(f"op-{i}" for i in range(self.count))
        with (
            contextlib.closing(
                Database(self.journal, genesis_hash=self.connection.genesis_hash, chain_id=self.connection.chain_id)
            ) as database,
            database.reading() as connection,
        ):
            states = connection.execute(text("SELECT state, count(*) FROM payment GROUP BY state")).all()
            attempts = connection.execute(text("SELECT count(*), count(DISTINCT nonce) FROM attempt")).one()
        assert states == [("FINAL", self.count)]
        assert attempts == (self.count, self.count)


Start = Callable[[int, Mining], Run]


@pytest.fixture
def start(tmp_path: Path, journal_url: str | Path) -> Iterator[Start]:
    with contextlib.ExitStack() as chains:

        def run(count: int, mining: Mining) -> Run:
            passphrase = secrets.token_hex(8)
            wallet = Keystore(tmp_path / "keys", kdf_work=2).create("wallet", passphrase)
            chain = chains.enter_context(LocalAnvil(mining=mining))
            return Run(chain.connection(), chain.url, tmp_path, journal_url, wallet, passphrase, count)

        yield run


@pytest.mark.parametrize(
    ("journal_url", "mining", "longest"),
    [("postgresql", "auto", 0.8), ("sqlite", 1, 3.0)],
    indirect=["journal_url"],
)
def test_killed_at_random_points_it_repeats_nothing(start: Start, mining: Mining, longest: float) -> None:
    """With blocks at once, and with blocks by the second, where it dies with transactions in the pool."""
    run = start(200, mining)
    chance = seeded()
    killed = 0
    for _ in range(KILLS):
        with run.start() as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "started\n"
            time.sleep(chance.uniform(0.0, longest))
            child.send_signal(signal.SIGKILL)
            output = child.stdout.read()
        if output != "done\n":
            assert child.returncode == -signal.SIGKILL
            killed += 1
        run.after_kill()
    assert killed > 0
    run.finish()
    run.check()


def test_killed_at_each_named_point_it_repeats_nothing(start: Start) -> None:
    """Before and after each step, in any order: each start meets what the one before left behind."""
    run = start(300, "auto")
    chance = seeded()
    for point in chance.sample(sorted(POINTS), len(POINTS)):
        after = chance.randrange(4)  # outcomes are written many at once: a life has few writes
        with run.start(DIE_AT=point, DIE_AFTER=str(after)) as child:
            child.communicate(timeout=PATIENCE)
        assert child.returncode == -signal.SIGKILL, (point, after)
        run.after_kill()
    run.finish()
    run.check()


def seeded() -> random.Random:
    """Chance that a failure shows how to repeat."""
    seed = int(os.environ.get("PYJPM_SEED", secrets.randbits(32)))
    print(f"PYJPM_SEED={seed}")
    return random.Random(seed)
