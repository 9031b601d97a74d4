"""Handing over, looking and upgrading, as operators do it: by scripts, each with a key of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from test_scripts import Operator

from pyjpm import DeploymentRecord, LocalAnvil, LocalSigner, Platform
from pyjpm.contracts import artifacts
from pyjpm.roles import every_role

DELAY = 7200


@pytest.fixture(scope="module")
def anvil() -> Iterator[LocalAnvil]:
    with LocalAnvil() as started:
        yield started


@pytest.fixture(scope="module")
def bank(anvil: LocalAnvil, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    operator = Operator(anvil.url, tmp_path_factory.mktemp("governed"))
    assert operator.result("deploy", "--currencies", "USD")["platform"] == "deployed"
    return operator


def written(keys: dict[str, list[LocalSigner]], file: Path) -> Path:
    """Assignments of each role to its keys."""
    lines = ["format = 1"]
    for name, role in every_role().items():
        lines += [f"[roles.{name}]", f"members = {json.dumps([key.address for key in keys[name]])}"]
        lines += [f"delay = {DELAY}"] if role.delayed else []
    lines += ["[mint.USD]", 'ceiling = "1000.00"', 'per_day = "100.00"']
    file.write_text("\n".join(lines))
    return file


def test_the_present_code_continues_itself_and_is_no_upgrade(bank: Operator) -> None:
    assert bank.result("upgrade", "check", "USD") == {"contract": "USD", "layout": "continued", "version": "1.0.0"}
    refused = bank.run("upgrade", "deploy", "Reserve")
    assert refused.returncode == 1
    assert "1.0.0 is not above" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_upgrade_is_deployed_announced_and_executed(anvil: LocalAnvil, bank: Operator) -> None:
    code = artifacts.load("Reserve")
    record = DeploymentRecord.load(bank.home / "deployment.json")
    with Platform.connect(
        anvil.url, record, signer=LocalSigner.generate(), journal=bank.home / "developer.journal"
    ) as anybody:
        old, new = (f"640{text.encode().hex()[:-1]}" for text in ("1.0.0", "1.1.0"))
        next_code = artifacts.Artifact(
            **{name: getattr(code, name) for name in code.__slots__} | {"bytecode": code.bytecode.replace(old, new)}
        )
        made = anybody.upgrades.deploy("Reserve", code=next_code, idempotency_key="the next release")
    (bank.home / "upgrade-Reserve.json").write_text(json.dumps(asdict(made)))
    bank_wallet = bank.result("deploy")["bank"]
    with Platform.connect(anvil.url, record) as reader:
        assert reader.governance.has_role("UPGRADER", bank_wallet)
    done = bank.result("upgrade", "execute", "Reserve")  # on a development chain the bank has no delay
    assert done["version"] == "1.1.0"
    renewed = DeploymentRecord.load(Path(done["record"]))
    renewed.verify(anvil.connection())
    assert renewed.contracts["Reserve"].implementation == made.address
    (bank.home / "deployment.json").write_bytes(Path(done["record"]).read_bytes())


def test_handing_over_leaves_the_bank_with_nothing(anvil: LocalAnvil, bank: Operator, tmp_path: Path) -> None:
    before = bank.run("who_can")
    assert before.returncode == 1
    assert "! DEPLOYER_HAS_ROLE" in before.stdout
    assert "PAUSER      pause()" in before.stdout

    keys = {name: [LocalSigner.generate() for _ in range(2)] for name in every_role()}
    file = written(keys, tmp_path / "assignments.toml")
    assert bank.result("hand_over", file, "--check")["PAUSER"].count("0x") == 2
    assert bank.result("hand_over", file)["deployer's roles"] == "none"

    after = bank.result("who_can")
    assert after["anomalies"] == []
    assert {role["name"] for role in after["roles"] if role["holders"]} == set(every_role())
    assert bank.result("hand_over", file)["deployer's roles"] == "none"
    text = bank.run("who_can")
    assert text.returncode == 0
    assert "nothing is amiss" in text.stdout
    assert f"{keys['UPGRADER'][0].address}  announces its acts 2:00:00 before" in text.stdout

    bad = tmp_path / "bad.toml"
    bad.write_text("format = 1\n")
    refused = bank.run("hand_over", bad)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1


def test_a_platform_is_deployed_and_handed_over_in_one(anvil: LocalAnvil, tmp_path: Path) -> None:
    operator = Operator(anvil.url, tmp_path / "home")
    bad = tmp_path / "bad.toml"
    bad.write_text("format = 1\n")
    height = anvil.connection().head().number
    assert operator.run("deploy", "--currencies", "USD", "--hand-over", bad).returncode == 1
    assert anvil.connection().head().number == height, "refused before anything was sent"
    keys = {name: [LocalSigner.generate() for _ in range(2)] for name in every_role()}
    file = written(keys, tmp_path / "assignments.toml")
    assert operator.result("deploy", "--currencies", "USD", "--hand-over", file)["platform"] == "deployed"
    assert operator.run("who_can").returncode == 0
    assert operator.result("deploy", "--hand-over", file)["platform"] == "found"
