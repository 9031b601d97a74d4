"""The project in eth-brownie: it compiles there, and a script of ours runs there on a live network.

Runs in the environment of `make test-brownie`. Brownie's home is a folder of the test: nothing of the user's is read or
changed, and a network added here is gone afterwards.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjpm.chain.anvil import LocalAnvil
from pyjpm.contracts import artifacts, compiler, sources

REPOSITORY = Path(__file__).resolve().parents[2]
NETWORK = "pyjpm-test"
SCRIPTS = ("deploy", "dvp")


class Brownie:
    """The brownie command in a copy of this project, with a home of its own."""

    def __init__(self, home: Path, project: Path) -> None:
        self.project = project
        binaries = home / "solcx"
        compiler.write_launcher(binaries / f"solc-v{sources.SOLC_VERSION}", REPOSITORY)
        (project / "build").mkdir()  # brownie makes only the last folder of its build path
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        self.environment = {**kept, "HOME": str(home), "SOLCX_BINARY_PATH": str(binaries)}

    def __call__(self, *arguments: str, **environment: str) -> str:
        """Run one command and return what it printed."""
        done = subprocess.run(
            [Path(sys.executable).with_name("brownie"), *arguments],
            cwd=self.project,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def brownie(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brownie]:
    # Brownie imports a script by the path of its folder with dots for slashes, so no folder above it may have a dot
    # in its name; a checkout, or pytest's own folder, may.
    with tempfile.TemporaryDirectory(prefix="pyjpm_brownie_", dir="/tmp") as name:
        project = Path(name)
        for part in ("contracts", "scripts"):
            shutil.copytree(REPOSITORY / part, project / part)
        shutil.copy(REPOSITORY / "brownie-config.yaml", project)
        (project / "node_modules").symlink_to(REPOSITORY / "node_modules")
        yield Brownie(tmp_path_factory.mktemp("brownie"), project)


def test_the_contracts_compile_in_brownie(brownie: Brownie) -> None:
    assert "Project has been compiled" in brownie("compile")
    for name in artifacts.names():
        shipped = artifacts.load(name)
        built = json.loads((brownie.project / "build" / "brownie" / "contracts" / f"{name}.json").read_text())
        assert by_kind_and_name(built["abi"]) == by_kind_and_name(shipped.abi), name
        assert bool(built["bytecode"]) == bool(shipped.bytecode), name


def by_kind_and_name(abi: list[dict[str, object]]) -> list[str]:
    return sorted(json.dumps(entry, sort_keys=True) for entry in abi)


def test_scripts_run_in_brownie_on_anvil(brownie: Brownie, tmp_path: Path) -> None:
    with LocalAnvil() as anvil:
        brownie("networks", "add", "Ethereum", NETWORK, f"host={anvil.url}", f"chainid={anvil.chain_id}")
        try:
            said = {
                script: brownie("run", script, "--network", NETWORK, PYJPM_HOME=str(tmp_path)) for script in SCRIPTS
            }
        finally:
            brownie("networks", "delete", NETWORK)
        record = json.loads((tmp_path / "deployment.json").read_text())
        assert record["contracts"]["OrderEscrow"]["address"] in said["deploy"]
        assert anvil.connection().code(record["contracts"]["OrderEscrow"]["address"])
        assert re.search(r"status\s+SETTLED", said["dvp"])
