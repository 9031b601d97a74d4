"""docs/directory.md: its example runs as it stands, and its commands do on a real chain what the page says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyjpm.cli import main
from pyjpm.contracts.sources import project_root
from pyjpm.custody import Keystore, LocalSigner
from pyjpm.testing import backed_platform, new_company, start_chain

PAGE = (project_root() / "docs" / "directory.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(pyjpm directory .*)$", PAGE, re.MULTILINE)
PASSPHRASE = "correct horse battery"

Command = Callable[..., Any]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.chdir(tmp_path)
    for name, value in {"DIRECTORY": "directory.db", "STAFF": "staff.toml"}.items():
        monkeypatch.setenv(f"PYJPM_{name}", value)

    def run(line: str, *, code: int = 0) -> Any:
        assert main(shlex.split(line)[1:]) == code
        said = capsys.readouterr()
        if code and said.err:
            return said.err
        return json.loads(said.out) if "--json" in line else said.out

    return run


def people(*names: str) -> dict[str, str]:
    """Keys of these names in ``keys``, and their addresses."""
    Path("passphrase").write_text(PASSPHRASE)
    Path("passphrase").chmod(0o600)
    store = Keystore(Path("keys"), kdf_work=2**12)
    for name in names:
        store.create(name, PASSPHRASE)
    found = {name: store.load(name, PASSPHRASE).address for name in names}
    if "ben" in found:
        Path("staff.toml").write_text(f'makers = ["{found["anna"]}"]\ncheckers = ["{found["ben"]}"]\n')
    return found


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/directory.md", "exec"), {})


def test_the_commands_do_what_the_page_says(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    addresses = people("anna", "ben", "desk")
    desk = Keystore(Path("keys"), kdf_work=2**12).load("desk", PASSPHRASE)
    with start_chain("anvil") as chain:
        record = tmp_path / "deployment.json"
        with backed_platform(chain.url, LocalSigner.generate(), record=record) as bank:
            new_company(bank, signer=desk)
        monkeypatch.setenv("PYJPM_RPC", chain.url)
        monkeypatch.setenv("PYJPM_RECORD", str(record))
        propose, listing, approve, resolve, verify_payee, anchor, verify = COMMANDS
        change = command(propose)
        assert (change["state"], change["maker"]) == ("PENDING", addresses["anna"])
        assert command(propose)["id"] == change["id"]
        assert change["id"][:8] in command(listing)
        command(resolve, code=1)
        assert command(approve.replace("CHANGE", change["id"]))["revision"] == 1
        assert command(resolve) == {"participant": 1, "name": "Acme GmbH"}
        assert command(verify_payee) == {"result": "MATCH", "participant": 1, "name_on_file": "Acme GmbH"}
        told = command(anchor)
        assert command(anchor) == told
        assert command(verify) == {"revision": 1, "anchored": 1, "anchors": [told]}
        unknown = propose.replace("--participant 1", "--participant 99")
        assert command(unknown, code=1).startswith("INVALID_ENTRY: There is no participant 99.")


def test_a_maker_does_not_check_himself(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    people("anna", "ben")
    change = command(COMMANDS[0])
    own = COMMANDS[2].replace("CHANGE", change["id"]).replace("--key ben", "--key anna")
    assert command(own, code=1).startswith("WORD_REFUSED: ")
    no = COMMANDS[2].replace("approve", "reject").replace("CHANGE", change["id"])
    assert command(no)["state"] == "REJECTED"
    slip = COMMANDS[3].replace("DE89", "DE88")
    assert command(slip, code=1).startswith("INVALID_IDENTIFIER: ")


@pytest.mark.parametrize(
    ("hidden", "call"),
    [
        ("schwifty", "normal('IBAN', 'DE89370400440532013000')"),
        ("schwifty", "normal('BIC', 'DEUTDEFF')"),
        ("stdnum", "normal('LEI', '5493001KJTIIGC8Y1R12')"),
        ("rapidfuzz", "compare('Acme', 'Amce')"),
    ],
)
def test_a_missing_library_is_named(hidden: str, call: str) -> None:
    code = (
        f"import sys\nsys.modules[{hidden!r}] = None\n"
        "from pyjpm.directory.identifiers import normal\nfrom pyjpm.directory.names import compare\n"
        f"from pyjpm.errors import DirectorySupportMissing\ntry:\n    {call}\n"
        "except DirectorySupportMissing as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'pyjpm[directory]'" in done.stdout
