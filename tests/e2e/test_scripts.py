"""The scripts, as an operator runs them: by python, on a node, from the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pyjpm import DeploymentRecord, Document, Keystore, LocalAnvil, Money, Platform
from pyjpm.contracts.sources import project_root

SCRIPTS = project_root() / "scripts"


@dataclass
class Operator:
    """Somebody with a home folder who runs scripts against one node."""

    rpc: str
    home: Path

    def run(self, script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYJPM_")}
        return subprocess.run(
            [sys.executable, SCRIPTS / f"{script}.py", *map(str, arguments)],
            env=kept | {"PYJPM_RPC": self.rpc, "PYJPM_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def result(self, script: str, *arguments: str | Path) -> dict[str, Any]:
        done = self.run(script, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def anvil() -> Iterator[LocalAnvil]:
    with LocalAnvil() as started:
        yield started


@pytest.fixture(scope="module")
def bank(anvil: LocalAnvil, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    operator = Operator(anvil.url, tmp_path_factory.mktemp("bank"))
    assert operator.result("deploy")["platform"] == "deployed"
    return operator


def test_deploying_again_finds_what_stands(anvil: LocalAnvil, bank: Operator) -> None:
    height = anvil.connection().head().number
    assert bank.result("deploy")["platform"] == "found"
    assert anvil.connection().head().number == height


def test_a_company_is_onboarded_by_its_document(anvil: LocalAnvil, bank: Operator, tmp_path: Path) -> None:
    company = Operator(anvil.url, tmp_path / "company")
    company.home.mkdir()
    (company.home / "deployment.json").write_bytes((bank.home / "deployment.json").read_bytes())
    link = tmp_path / "link.json"
    wallet = company.result("onboard", "--link", link, "--key", "acme", "--identifier", "lei=1")["wallet"]
    arguments = ("onboard", "--document", link, "--limit", "USD 5000.00")
    admitted = bank.result(*arguments)
    assert (admitted["wallet"], admitted["status"], admitted["limit USD"]) == (wallet, "ACTIVE", "USD 5000.00")
    height = anvil.connection().head().number
    assert bank.result(*arguments) == admitted
    assert anvil.connection().head().number == height


def test_the_desk_clears_what_its_policy_lets_pass(anvil: LocalAnvil, bank: Operator, tmp_path: Path) -> None:
    company = Operator(anvil.url, tmp_path / "company")
    company.home.mkdir()
    (company.home / "deployment.json").write_bytes((bank.home / "deployment.json").read_bytes())
    link = tmp_path / "link.json"
    company.result("onboard", "--link", link, "--key", "flagged", "--identifier", "lei=2")
    assert bank.result("onboard", "--document", link, "--limit", "USD 5000.00", "--cleared")["cleared"] is True

    requests, cleared, policy = tmp_path / "requests", tmp_path / "cleared", tmp_path / "policy.json"
    requests.mkdir()
    payee = json.loads(link.read_text())["body"]["wallet"]
    caps = {"USD": {"per_payment": "100.00", "per_day": "150.00"}}
    policy.write_text(json.dumps({"caps": caps, "payees": [payee]}))
    record = DeploymentRecord.load(bank.home / "deployment.json")
    signer = Keystore(company.home / "keys").load("flagged", (company.home / "passphrase").read_text().strip())
    with Platform.connect(anvil.connection(), record, signer=signer, journal=tmp_path / "journal") as platform:
        for name, amount in (("a", "100.00"), ("b", "50.01"), ("c", "100.01")):
            asked = platform.clearances.request(payee, Money(amount, "USD"), idempotency_key=name)
            asked.save(requests / f"{name}.json")
        (requests / "d.json").write_text("no document")
        found = bank.result("clear_payments", "--policy", policy, "--in", requests, "--out", cleared)
        assert [found[f"{name}.json"]["status"] for name in "abcd"] == ["cleared", "refused", "refused", "refused"]
        assert platform.clearances.verify(Document.load(cleared / "a.json")).payer == signer.address
    assert [path.name for path in cleared.iterdir()] == ["a.json"]
    (cleared / "a.json").unlink()
    again = bank.result("clear_payments", "--policy", policy, "--in", requests, "--out", cleared)
    assert again["a.json"] == found["a.json"]
    third = bank.result("clear_payments", "--policy", policy, "--in", requests, "--out", cleared)
    assert third["a.json"]["status"] == "done before"


def test_a_title_is_settled_against_money(bank: Operator) -> None:
    settled = bank.result("dvp")
    assert (settled["status"], settled["exporter has"]) == ("SETTLED", "USD 48000.00")
    assert bank.result("dvp")["trade"] == "settled before"


def test_a_status_releases_once(anvil: LocalAnvil, bank: Operator) -> None:
    released = bank.result("escrow_on_status")
    assert (released["status"], released["released"]) == ("RELEASED", "USD 1250.00")
    assert bank.result("escrow_on_status")["status"] == "RELEASED"
    record = DeploymentRecord.load(bank.home / "deployment.json")
    with Platform.connect(anvil.connection(), record) as reader:
        assert reader.deposits.supply("USD").minor == 4_800_000 + 125_000


def test_an_auditor_attests_what_the_bank_proposes(anvil: LocalAnvil, bank: Operator, tmp_path: Path) -> None:
    report, statement, signed = tmp_path / "report.txt", tmp_path / "statement.json", tmp_path / "signed.json"
    report.write_text("what the auditors counted")
    counted = (
        "--line",
        "TREASURY_BILL",
        "BANKUS44",
        "EUR 1.00",
        "--line",
        "CENTRAL_BANK",
        "BANKUS33",
        "EUR 4000000.00",
    )
    bank.result("attest_reserve", "propose", *counted, "--report", report, "--out", statement)
    unsigned = bank.run("attest_reserve", "submit", "--document", statement)
    assert (unsigned.returncode, unsigned.stderr.partition(":")[0]) == (1, "NOT_ENOUGH_ATTESTATIONS")
    stranger = bank.run("attest_reserve", "sign", "--document", statement, "--out", signed)
    assert (stranger.returncode, stranger.stderr.partition(":")[0]) == (1, "NOT_AN_AUDITOR")
    bank.result("attest_reserve", "sign", "--key", "auditor", "--document", statement, "--out", signed)
    backed = bank.result("attest_reserve", "submit", "--document", signed)
    assert (backed["freshness"], backed["attested"], backed["surplus"]) == ("FRESH", "EUR 4000001.00", "EUR 4000001.00")
    assert bank.result("attest_reserve", "submit", "--document", signed) == backed
    assert bank.result("attest_reserve")["EUR attested"] == "EUR 4000001.00"
    assert bank.run("attest_reserve", "propose", "--out", signed).returncode == 2


def test_errors_are_one_line(bank: Operator, tmp_path: Path) -> None:
    nobody = Operator(bank.rpc, tmp_path / "nobody")
    for done, code in (
        (nobody.run("dvp"), "RECORD_NOT_FOUND"),
        (Operator("http://127.0.0.1:1", tmp_path / "none").run("deploy"), "NODE_UNREACHABLE"),
        (bank.run("escrow_on_status", "--order", tmp_path / "none.json", "--attestation", "x"), "DOCUMENT_UNREADABLE"),
    ):
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stderr.startswith(code + ":")
    assert bank.run("escrow_on_status", "--order", "x").returncode == 2
    assert "PYJPM_RPC" in bank.run("deploy", "--help").stdout
