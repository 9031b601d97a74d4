"""docs/custody.md: its policy is one, its commands and its example run as they stand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from policy.house import CHAIN, House, cancel, record

from pyjpm.cli import main
from pyjpm.contracts.sources import project_root
from pyjpm.custody.policy import read_policy
from pyjpm.custody.policy_judge import Judge

PAGE = (project_root() / "docs" / "custody.md").read_text(encoding="utf-8")
(POLICY,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
*_, EXAMPLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^(pyjpm signer .*)$", PAGE, re.MULTILINE)


def test_the_policy_of_the_page(house: House) -> None:
    house.write_record(record(7_777))
    house.write_policy(POLICY)
    policy = read_policy(house.policy)
    (rules,) = policy.wallets.values()
    assert policy.uids == {1_001}
    assert rules.limits["EUR"].approval_above == 5_000_000
    assert rules.allowed["EUR"].checked == {"requestRedemption"}


def test_the_example_and_the_commands(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(house.folder)
    house.serve_here()
    judge: Judge = house.serving[0]._process._judge  # type: ignore[index]
    monkeypatch.setattr(judge, "_clock", time.time)

    def here(text: str) -> str:
        for place, mine in {
            "/run/pyjpm/signer": str(house.socket),
            "/var/lib/pyjpm/book": str(house.book),
            "7777": str(CHAIN),
            "0x…": house.wallet,
            "request-sha256 …": "request-sha256 " + "ab" * 32,
            "keystore mine": "keystore checkers",
            "mine.txt": "passphrase",
        }.items():
            text = text.replace(place, mine)
        return text

    names = {"Path": Path}
    exec(here(EXAMPLE), names)
    signer = names["signer"]
    assert signer.sign_transaction(cancel(0, house.wallet)).raw  # type: ignore[attr-defined]

    check, serve, status, approve, hand_in = COMMANDS
    for command in (check, status, approve, hand_in):
        assert main(shlex.split(here(command))[1:]) == 0, command
    assert '"highest_nonce": 0' in capsys.readouterr().out
    assert judge.status(0)["approvals"] == 1
    # one is serving already; in a process of its own, because it hardens itself
    second = subprocess.run(
        [sys.executable, "-m", "pyjpm.cli", *shlex.split(here(serve))[1:]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.stderr.startswith("SIGNER_BOOK_IN_USE")
