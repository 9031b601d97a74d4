"""A replay killed at random points goes on to the same end, and repeats no transaction.

The chain outlives the replay. ``PYJPM_SEED`` repeats a run's kill points; the seed is printed.
"""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pyjpm import Connection, Keystore, LocalAnvil
from pyjpm.contracts.sources import project_root
from pyjpm.testing import backed_platform

NORTHWIND = project_root() / "examples" / "northwind"
ORDERS = 60
KILLS = 5
START = 836_265_600  # 1996-07-02 00:00 UTC
PASSPHRASE = "a passphrase for this test only"


@dataclass
class Stage:
    """A chain with a platform, and a folder for one replay on it."""

    anvil: LocalAnvil
    folder: Path

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "pyjpm.cli", "orders", "replay", str(self.folder / "orders.csv")),
            *("--mapping", str(NORTHWIND / "mapping.toml"), "--rpc", self.anvil.url),
            *("--record", str(self.folder / "record.json"), "--keystore", str(self.folder / "keys")),
            *("--passphrase-file", str(self.folder / "passphrase"), "--work", str(self.folder / "work")),
            *("--json", str(self.folder / "report.json")),
        ]

    def run(self, kill_after: float | None = None) -> int:
        """Runs the command; with ``kill_after`` ends it by SIGKILL after so many seconds. The exit code."""
        with (self.folder / "output").open("ab") as output:
            process = subprocess.Popen(self.command(), stdout=output, stderr=output)
            try:
                return process.wait(kill_after if kill_after is not None else 300)
            except subprocess.TimeoutExpired:
                assert kill_after is not None, (self.folder / "output").read_text()
                process.send_signal(signal.SIGKILL)
                return process.wait()

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found


def prepared(anvil: LocalAnvil, folder: Path) -> Stage:
    """A platform on the chain, the bank's key in a keystore, and the log's first orders."""
    folder.mkdir()
    keystore = Keystore(folder / "keys", kdf_work=2**12)
    keystore.create("bank", PASSPHRASE)
    (folder / "passphrase").touch(mode=0o600)
    (folder / "passphrase").write_text(PASSPHRASE)
    bank = keystore.load("bank", PASSPHRASE)
    backed_platform(anvil.url, bank, record=folder / "record.json", journal=folder / "deploy.sqlite").close()
    with (NORTHWIND / "orders.csv").open(newline="") as source, (folder / "orders.csv").open("w", newline="") as log:
        writer = csv.writer(log)
        writer.writerows(row for row, _ in zip(csv.reader(source), range(ORDERS + 1), strict=False))
    return Stage(anvil, folder)


@pytest.fixture
def stages(tmp_path: Path) -> Iterator[tuple[Stage, Stage]]:
    with (
        LocalAnvil(timestamp=START, block_gas_limit=4_000_000_000, history_blocks=None) as one,
        LocalAnvil(timestamp=START, block_gas_limit=4_000_000_000, history_blocks=None) as other,
    ):
        yield prepared(one, tmp_path / "undisturbed"), prepared(other, tmp_path / "killed")


def calls(connection: Connection) -> Counter[tuple[str, str | None, bytes]]:
    """Every transaction of the chain by sender, recipient and data."""
    found: Counter[tuple[str, str | None, bytes]] = Counter()
    nonces: dict[str, list[int]] = {}
    for number in range(1, connection.head().number + 1):
        for transaction in connection.block_transactions(number):
            found[transaction.sender, transaction.to, transaction.data] += 1
            nonces.setdefault(transaction.sender, []).append(transaction.nonce)
    for sender, used in nonces.items():
        assert used == list(range(len(used))), f"{sender} has gaps or repeats"
    return found


def test_a_killed_replay_ends_like_an_undisturbed_one(stages: tuple[Stage, Stage]) -> None:
    seed = int(os.environ.get("PYJPM_SEED", random.SystemRandom().randrange(2**32)))
    print(f"PYJPM_SEED={seed}")
    chance = random.Random(seed)
    undisturbed, killed = stages

    started = time.monotonic()
    assert undisturbed.run() == 0, (undisturbed.folder / "output").read_text()
    whole = time.monotonic() - started

    survived = 0
    for _ in range(KILLS):
        # Five lives that are each a quarter of an undisturbed one at most: the work outlasts all of them.
        if killed.run(kill_after=0.8 + chance.random() * whole / 4) == 0:
            survived += 1
    assert killed.run() == 0, (killed.folder / "output").read_text()
    assert survived <= 2, "most kills came after the end: the log is too short for this machine"

    same = ("orders", "released_orders", "refunded_orders", "cancelled_orders", "mixed_orders", "currencies")
    one, other = undisturbed.report(), killed.report()
    assert {name: one[name] for name in same} == {name: other[name] for name in same}
    assert (one["outcomes"], other["events_match_chain"]) == (other["outcomes"], True)
    assert one["rows"] == other["rows"]

    quiet, disturbed = calls(undisturbed.anvil.connection()), calls(killed.anvil.connection())
    assert set(disturbed.values()) == {1}, "a transaction was repeated"
    assert disturbed.total() == quiet.total()
    # The chain is given back as it was found: it mines by itself again.
    assert killed.anvil.connection().web3.provider.make_request("anvil_getAutomine", [])["result"] is True
