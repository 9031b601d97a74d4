"""docs/screening.md: its examples run as they stand, its commands and the desk do on a real chain what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from screening.screening_support import FOLDER, data
from screening.transliterations import PAIRS

from pyjpm import Document, Flags, Keystore, Money, Platform, Status
from pyjpm.cli import main
from pyjpm.contracts.sources import project_root
from pyjpm.remittance import RemittanceKey
from pyjpm.screening import Config
from pyjpm.testing import backed_platform, new_company, start_chain

PAGE = (project_root() / "docs" / "screening.md").read_text(encoding="utf-8")
EXAMPLE, OWN, ASK = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(TOML,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^(pyjpm screening .*)$", PAGE, re.MULTILINE)
(DESK,) = re.findall(r"^(python scripts/clear_payments.py .*)$", PAGE, re.MULTILINE)
PASSPHRASE = "correct horse battery"
KEY = RemittanceKey(b"\x11" * 32)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that the page's configuration names, lists of today among it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYJPM_SCREENING", "screening.toml")
    for each in FOLDER.iterdir():
        today = datetime.now(UTC)
        text = each.read_bytes().replace(b"11/20/2026", today.strftime("%m/%d/%Y").encode())
        text = text.replace(b"2026-11-21T", f"{today:%Y-%m-%d}T".encode())
        (tmp_path / each.name).write_bytes(text.replace(b"2026-11-22T", f"{today:%Y-%m-%d}T".encode()))
    Path("passphrase").write_text(PASSPHRASE)
    store = Keystore(Path("keys"), kdf_work=2**12)
    for name in ("anna", "ben", "bank"):
        store.create(name, PASSPHRASE)
    anna, ben = (store.load(name, PASSPHRASE).address for name in ("anna", "ben"))
    Path("staff.toml").write_text(f'makers = ["{anna}"]\ncheckers = ["{ben}"]\n')
    Path("parties.toml").write_text('[participant.1]\nname = "Northwind Traders Inc"\n')
    Path("screening.toml").write_text(TOML)
    Path("bank.key").write_text("11" * 32)
    for name in ("passphrase", "bank.key"):
        Path(name).chmod(0o600)
    return tmp_path


@pytest.fixture
def command(place: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(line: str, *, code: int = 0) -> Any:
        assert main(shlex.split(line)[1:]) == code
        said = capsys.readouterr()
        return said.err if code and said.err else json.loads(said.out)

    return run


def test_the_examples_run(place: Path) -> None:
    for example in (EXAMPLE, OWN, ASK):
        exec(compile(example, "docs/screening.md", "exec"), {})


def test_the_table_of_names_is_what_the_tests_hold() -> None:
    lines = [line for line in PAGE.splitlines() if "| found | " in line or "| missed | " in line]
    rows = [line.strip("| ").split(" | ") for line in lines]
    told = {(row[0], row[1], row[2] == "found", row[3].startswith("found")) for row in rows}
    assert told == set(PAIRS)
    assert sum(pair[2] for pair in PAIRS) == 4
    assert sum(pair[3] for pair in PAIRS) == 13


def test_the_configuration_is_one(place: Path) -> None:
    config = Config.load(Path("screening.toml"))
    assert [rule.name for rule in config.policy.rules] == ["daily", "split"]
    uncommented = TOML.replace("# directory", "directory")
    Path("screening.toml").write_text(uncommented)
    assert Config.load(Path("screening.toml")).directory is not None


def clear(chain: Any, place: Path) -> dict[str, Any]:
    """The desk as a process of its own, with the page's command."""
    script, *arguments = shlex.split(DESK)[1:]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYJPM_")}
    own = {"PYJPM_RPC": chain.url, "PYJPM_HOME": str(place), "PYJPM_PASSPHRASE_FILE": str(place / "passphrase")}
    done = subprocess.run(
        [sys.executable, project_root() / script, *arguments, "--json"],
        env=kept | own,
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def publish(bank: Platform, who: Platform) -> None:
    participant = who.session.participant
    sent = bank.session.submit(
        kind="test.key",
        key=f"key {participant}",
        content={},
        contract="ParticipantRegistry",
        function="updateProfile",
        arguments=(participant, bytes(32), RemittanceKey.generate().public),
    )
    bank.session.sender.wait(sent.id, 60)


def test_the_desk_holds_a_hit_until_the_commands_have_released_it(place: Path, command: Callable[..., Any]) -> None:
    listing, check, queue, show, propose, approve, trail, travel = COMMANDS
    assert [row["entries"] for row in command(listing)] == [4, 2, 2]
    assert [row["entry"] for row in command(check, code=1)] == ["90001"]
    assert command(check.replace("Yusuf Karimov", "Contoso GmbH")) == []
    (place / "policy.json").write_text(
        json.dumps({"caps": {"USD": {"per_payment": "10000.00", "per_day": "50000.00"}}, "payees": "screened"})
    )
    requests = place / "requests"
    requests.mkdir()
    signer = Keystore(Path("keys"), kdf_work=2**12).load("bank", PASSPHRASE)
    with (
        start_chain("anvil") as chain,
        backed_platform(chain.url, signer, record=place / "deployment.json") as bank,
    ):
        payer, payee = new_company(bank, deposit="10000.00"), new_company(bank)
        for each in (payer, payee):
            publish(bank, each)
        who, to = payer.session.participant, payee.session.participant
        bank.restrictions.add_flags(who, Flags.CLEARANCE, idempotency_key="flag").wait()
        assert (who, to) == (1, 2)
        Path("parties.toml").write_text(
            '[participant.1]\nname = "Northwind Traders Inc"\n[participant.2]\nname = "Yusuf Karimov"\n'
        )
        amount = Money("3000.00", "USD")
        whole, namespace = data(amount), dict[str, Any]()
        exec(compile(ASK, "docs/screening.md", "exec"), namespace)
        asked, sealed = namespace["ask"](payer, to, amount, whole, KEY.public)
        asked.save(requests / "one.json")
        payer.clearances.request(to, amount, idempotency_key="bare").save(requests / "two.json")

        found = clear(chain, place)
        assert found["one.json"]["reason"].startswith("SCREENING_HELD: ")
        assert found["two.json"]["reason"].startswith("TRAVEL_DATA_MISSING: ")
        (held,) = command(queue)
        assert (held["party"]["name"], held["entry"], held["state"]) == ("Yusuf Karimov", "90001", "OPEN")

        def said(line: str, **more: Any) -> Any:
            return command(line.replace("HIT", held["id"]), **more)

        assert said(propose)[0]["state"] == "PROPOSED"
        assert said(approve.replace("--key ben", "--key anna"), code=1).startswith("WORD_REFUSED: ")
        assert said(approve)[0]["state"] == "RELEASED"
        assert [each["act"] for each in said(show)["trail"]] == [each["act"] for each in command(trail)]

        assert clear(chain, place)["one.json"]["status"] == "cleared"
        cleared = Document.load(place / "cleared" / "one.json")
        paid = payer.payments.create(to, amount, idempotency_key="PO-17", remittance=sealed, clearance=cleared).wait()
        assert (paid.status, paid.remittance_hash) == (Status.FINAL, "0x" + keccak(sealed).hex())
        assert bank.deposits.balance(payee.session.wallet, currency="USD").balance == amount
        movement = bank.clearances.read(asked).movements[0]
        assert command(travel.replace("MOVEMENT", shlex.quote(movement))) == whole.to_dict()


def test_a_config_that_is_not_usable_signs_nothing(place: Path) -> None:
    shutil.rmtree(place / "keys")
    (place / "sdn.xml").unlink()
    assert main(["screening", "lists"]) == 1
    Path("screening.toml").write_text(TOML.replace("window", "windw"))
    assert main(["screening", "queue"]) == 1
