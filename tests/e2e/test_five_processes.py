"""Bank, buyer, seller and two attesters as five processes, and the auditor of the bank's reserve as a sixth, each with
its own key, exchanging signed documents only.

Run as root, each process takes a user id of its own, so that the operating system keeps the keys apart. Otherwise they
share one user, and what keeps them apart is that each key is encrypted under a passphrase of its own process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from company import COMPANIES, PRICE, ROLES, TITLE

from pyjpm import DeploymentRecord, Document, LocalAnvil, Platform

FIRST_UID = 61_000
PROGRAM = Path(__file__).with_name("company.py")


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Path]:
    """A folder that other users can reach: pytest's own lies behind folders of whoever runs the tests."""
    if os.getuid() != 0:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="pyjpm-five-", dir="/tmp") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_an_order_and_a_dvp_between_five_processes(ground: Path) -> None:
    root = os.getuid() == 0
    mail, homes = ground / "mail", ground / "homes"
    mail.mkdir()
    homes.mkdir()
    if root:
        homes.chmod(0o711)
        mail.chmod(0o777)
    with LocalAnvil() as anvil:
        running: dict[str, subprocess.Popen[str]] = {}
        for number, role in enumerate(ROLES):
            home = homes / role
            home.mkdir(mode=0o700)
            uid = FIRST_UID + number if root else 0
            command = [sys.executable, PROGRAM, role, anvil.url, mail, home, uid]
            running[role] = subprocess.Popen(
                list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        try:
            said = {role: process.communicate(timeout=150)[0] for role, process in running.items()}
        finally:
            for process in running.values():
                process.kill()
        for role, process in running.items():
            assert process.returncode == 0, f"{role}: {said[role]}"

        order, trade = (Document.load(mail / name) for name in ("order.json", "trade.json"))
        with Platform.connect(anvil.url, DeploymentRecord.load(mail / "deployment.json")) as reader:
            wallets = {role: json.loads((mail / f"{role}.link.json").read_text())["body"]["wallet"] for role in ROLES}
            assert len(set(wallets.values())) == 6
            assert reader.reserve.backing("USD").surplus.minor == 0
            token = reader.contract("USD")
            minor = {role: token.functions.balanceOf(wallets[role]).call() for role in ("buyer", "seller")}
            assert minor == {"buyer": 200_000 - 2 * PRICE.minor, "seller": 2 * PRICE.minor}
            assert token.functions.held(wallets["buyer"]).call() == 0
            titles = trade.body["legs"][0]["token"]
            assert reader.assets.owner_of_title(titles, TITLE) == wallets["buyer"]
            assert [each.state for each in reader.escrow.get(order).milestones] == ["RELEASED"]

    # Nothing but signed documents, and the record of what was deployed, went between them.
    letters = [path for path in mail.iterdir() if not path.name.startswith("theft.")]
    assert {path.name for path in letters} == {
        "deployment.json",
        *(f"{role}.link.json" for role in ROLES),
        "reserve.proposed.json",
        "reserve.json",
        "order.proposed.json",
        "order.json",
        "attester1.attestation.json",
        "attester2.attestation.json",
        "trade.proposed.json",
        "trade.json",
    }
    for path in letters:
        if path.name not in ("deployment.json", "reserve.proposed.json"):  # what is proposed, the auditor signs
            assert Document.load(path).signatures, path.name

    # Every process tried every other one's key.
    thefts = {path.name: path.read_text() for path in mail.glob("theft.*")}
    assert len(thefts) == 6 * 5
    assert set(thefts.values()) == {"PermissionError" if root else "WrongPassphrase"}
    assert set(COMPANIES) < set(ROLES)
