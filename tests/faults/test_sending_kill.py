"""Nothing is sent twice and nothing is lost when the sending process is killed, wherever it is."""

from __future__ import annotations

import os
import random
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sending_child import COUNT, POINTS

from pyjpm.chain.anvil import LocalAnvil
from pyjpm.chain.connection import Connection
from pyjpm.custody import Keystore

CHILD = Path(__file__).with_name("sending_child.py")
KILLS = 5
PATIENCE = 120


@dataclass
class Run:
    """One wallet's journal and keystore, before a chain that outlives every process that uses them."""

    connection: Connection
    url: str
    folder: Path
    wallet: str
    passphrase: str

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(CHILD), self.url, str(self.folder / "journal.db"), str(self.folder / "keys")],
            env={**os.environ, "KEY_PASSPHRASE": self.passphrase, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )

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
        assert [nonce for nonce, _ in sent] == list(range(COUNT))
        assert sorted(data for _, data in sent) == sorted(f"op-{i}" for i in range(COUNT))
        database = sqlite3.connect(self.folder / "journal.db")
        states = database.execute("SELECT state, count(*) FROM payment GROUP BY state").fetchall()
        attempts = database.execute("SELECT count(*), count(DISTINCT nonce) FROM attempt").fetchone()
        database.close()
        assert states == [("FINAL", COUNT)]
        assert attempts == (COUNT, COUNT)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    passphrase = secrets.token_hex(8)
    wallet = Keystore(tmp_path / "keys", kdf_work=2).create("wallet", passphrase)
    with LocalAnvil() as chain:
        yield Run(chain.connection(), chain.url, tmp_path, wallet, passphrase)


def test_killed_at_random_points_it_repeats_nothing(run: Run) -> None:
    seed = int(os.environ.get("PYJPM_SEED", secrets.randbits(32)))
    print(f"PYJPM_SEED={seed}")
    chance = random.Random(seed)
    killed = 0
    for _ in range(KILLS):
        with run.start() as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "started\n"
            time.sleep(chance.uniform(0.0, 0.8))
            child.send_signal(signal.SIGKILL)
            output = child.stdout.read()
        if output != "done\n":
            assert child.returncode == -signal.SIGKILL
            killed += 1
    assert killed > 0
    run.finish()
    run.check()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point_it_repeats_nothing(run: Run, point: str) -> None:
    """Once early and once in the middle: in a single, in a batch, in what the start before left behind."""
    for after in (3, 14):
        with run.start(DIE_AT=point, DIE_AFTER=str(after)) as child:
            child.communicate(timeout=PATIENCE)
        assert child.returncode == -signal.SIGKILL
    run.finish()
    run.check()
