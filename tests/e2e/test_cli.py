"""What a user meets at the command line when the input is wrong: one clear line, an exit code, nothing half done."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pyjpm import Keystore, LocalAnvil, Platform
from pyjpm.contracts.sources import project_root

NORTHWIND = project_root() / "examples" / "northwind"
HEADER, FIRST, *_ = (NORTHWIND / "orders.csv").read_text().splitlines()


def run(*arguments: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pyjpm.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def refused(done: subprocess.CompletedProcess[str], code: str) -> str:
    """The one line of an error that ends a command."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith(code + ":")]
    assert len(lines) == 1, done.stderr
    assert lines[0] == done.stderr.splitlines()[-1]
    return lines[0]


def test_help_is_quick_and_lists_the_commands() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("demo", "orders", "compile"))
    assert run("orders", "replay", "--help").returncode == 0
    assert run("nonsense").returncode == 2


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(f"{HEADER}\n{FIRST}\n")
    return path


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    for name in ("mapping.toml", "customers.csv"):
        shutil.copy(NORTHWIND / name, tmp_path / name)
    return tmp_path / "mapping.toml"


def test_missing_columns_stop_the_run(log: Path, mapping: Path) -> None:
    log.write_text("order_id,customer_id\n1,VINET\n")
    assert "amount_usd" in refused(run("orders", "replay", log, "--mapping", mapping), "MISSING_COLUMNS")


def test_files_that_are_not_there(log: Path, mapping: Path, tmp_path: Path) -> None:
    refused(run("orders", "replay", tmp_path / "none.csv", "--mapping", mapping), "ORDERS_FILE_UNREADABLE")
    refused(run("orders", "replay", log, "--mapping", tmp_path / "none.toml"), "MAPPING_UNREADABLE")


def test_a_mapping_that_makes_no_sense(log: Path, mapping: Path) -> None:
    mapping.write_text(mapping.read_text().replace('required = "SHIPPED"', 'required = "SENT"'))
    assert "SENT" in refused(run("orders", "replay", log, "--mapping", mapping), "MAPPING_INVALID")


def test_options_that_belong_together(log: Path, mapping: Path, tmp_path: Path) -> None:
    base = ("orders", "replay", log, "--mapping", mapping)
    refused(run(*base, "--shift-to", "2026-01-01T00:00:00Z"), "INVALID_REQUEST")
    refused(run(*base, "--rpc", "http://127.0.0.1:1"), "INVALID_REQUEST")
    refused(run(*base, "--rpc", "http://127.0.0.1:1", "--record", tmp_path / "r.json"), "INVALID_REQUEST")
    refused(run(*base, "--shift-to", "tomorrow"), "INVALID_SHIFT")
    refused(run(*base, "--shift-to", "2026-01-01T00:00:00"), "INVALID_SHIFT")


def test_unusable_rows_are_reported_and_the_rest_goes_on(log: Path, mapping: Path, tmp_path: Path) -> None:
    import json

    fields = FIRST.split(",")

    def row(order: str, **changes: str) -> str:
        names = HEADER.split(",")
        return ",".join({**dict(zip(names, fields, strict=True)), "order_id": order, **changes}.values())

    rows = [
        HEADER,
        FIRST,
        row("2", amount_usd="1.005"),
        row("3", amount_usd="-5.00"),
        row("4", amount_usd="0"),
        row("5", amount_usd="abc"),
        row("6", order_date="1996-13-01"),
        row("7", customer_id="NOBODY"),
        FIRST,
        row("9", order_date="1996-07-05"),
    ]
    log.write_text("\n".join(rows) + "\n")
    done = run("orders", "replay", log, "--mapping", mapping, "--json", tmp_path / "report.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    found = {row["line"]: row["reason"] for row in report["rows"]}
    assert found == {
        3: "TOO_MANY_DECIMALS",
        4: "AMOUNT_NOT_POSITIVE",
        5: "AMOUNT_NOT_POSITIVE",
        6: "BAD_AMOUNT",
        7: "BAD_DATE",
        8: "UNKNOWN_PARTY",
        9: "DUPLICATE_ORDER",
    }
    assert (report["orders"], report["released_orders"], report["released"]) == (2, 2, "880.00")
    assert report["events_match_chain"] is True


class TestOnANode:
    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("node")
        keystore = Keystore(folder / "keys", kdf_work=2**12)
        keystore.create("bank", "right")
        with LocalAnvil() as anvil:
            signer = keystore.load("bank", "right")
            Platform.deploy(anvil.url, signer, record=folder / "record.json", journal=folder / "deploy.sqlite").close()
        for name in ("right", "wrong"):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(name)
        return folder

    def command(self, log: Path, mapping: Path, folder: Path, rpc: str, passphrase: str = "right") -> list[str | Path]:
        return [
            *("orders", "replay", log, "--mapping", mapping, "--rpc", rpc, "--record", folder / "record.json"),
            *("--keystore", folder / "keys", "--passphrase-file", folder / passphrase),
            *("--work", log.parent / "work"),
        ]

    def test_a_node_that_is_down(self, log: Path, mapping: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        line = refused(run(*self.command(log, mapping, folder, f"http://127.0.0.1:{port}")), "NODE_UNREACHABLE")
        assert str(port) in line

    def test_the_wrong_chain(self, log: Path, mapping: Path, folder: Path) -> None:
        with LocalAnvil(chain_id=4711) as other:
            refused(run(*self.command(log, mapping, folder, other.url)), "RECORD_OF_OTHER_CHAIN")
            assert other.connection().head().number == 0

    def test_the_wrong_passphrase(self, log: Path, mapping: Path, folder: Path) -> None:
        with LocalAnvil() as anvil:
            line = refused(run(*self.command(log, mapping, folder, anvil.url, "wrong")), "WRONG_PASSPHRASE")
            assert "wrong" not in line.replace("WRONG_PASSPHRASE", "").lower().replace("wrong passphrase", "")


def test_stale_artifacts_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    shutil.copytree(project_root() / "contracts", root / "contracts")
    (root / "node_modules").symlink_to(project_root() / "node_modules")
    assert run("compile", "--check", "--root", root).returncode == 0
    with (root / "contracts" / "Settlement.sol").open("a") as source:
        source.write("// a change\n")
    line = refused(run("compile", "--check", "--root", root), "ARTIFACTS_STALE")
    assert "contracts/Settlement.sol" in line
    assert "pyjpm compile" in line


def test_keys_are_made_and_listed(tmp_path: Path) -> None:
    import json

    (tmp_path / "passphrase").touch(mode=0o600)
    (tmp_path / "passphrase").write_text("a passphrase")
    arguments = ("--keystore", tmp_path / "keys", "--passphrase-file", tmp_path / "passphrase")
    made = run("keys", "create", "bank", *arguments)
    assert made.returncode == 0, made.stderr
    listed = json.loads(run("keys", "list", "--keystore", tmp_path / "keys", "--json").stdout)
    assert listed == {"bank": made.stdout.strip()}
    refused(run("keys", "create", "bank", *arguments), "KEY_EXISTS")
