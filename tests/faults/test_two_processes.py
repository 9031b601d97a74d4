"""Two real processes are started on one outbox by mistake: the older is fenced, and nothing is sent twice."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_sending_kill import CHILD, PATIENCE

from pyjpm.chain.anvil import LocalAnvil
from pyjpm.custody import Keystore
from pyjpm.errors.sending import Fenced

COUNT = 200


@pytest.mark.parametrize("head_start", [0.0, 0.3])
def test_the_older_of_two_processes_is_fenced(tmp_path: Path, head_start: float) -> None:
    passphrase = secrets.token_hex(8)
    wallet = Keystore(tmp_path / "keys", kdf_work=2).create("wallet", passphrase)
    with LocalAnvil(mining=1) as chain:
        arguments = [chain.url, str(tmp_path / "journal.db"), str(tmp_path / "keys"), str(COUNT)]

        def start() -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, str(CHILD), *arguments],
                env={**os.environ, "KEY_PASSPHRASE": passphrase},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            return process

        with start() as older:
            time.sleep(head_start)
            with start() as younger:
                _, complaint = older.communicate(timeout=PATIENCE)
                said, _ = younger.communicate(timeout=PATIENCE)
        assert older.returncode != 0
        assert Fenced.__name__ in complaint
        assert (younger.returncode, said) == (0, "done\n")
        connection = chain.connection()
        sent = [
            (each.nonce, each.data.decode())
            for height in range(connection.head().number + 1)
            for each in connection.block_transactions(height)
            if each.sender == wallet
        ]
    assert sorted(data for _, data in sent) == sorted(f"op-{i}" for i in range(COUNT))
    assert [nonce for nonce, _ in sent] == list(range(COUNT))
