"""The package declares what it imports, ships what it reads, and its lock names no registry."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from pyjpm import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

# Needed though no line of ours imports it.
IMPLICIT = {"coincurve": "eth-keys signs with it where it is installed, ten times faster"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\s<>=!~\[;]", requirement)[0]) for requirement in requirements}


def imported() -> set[str]:
    """Distributions of other people that some module of the package imports, wherever in it the import stands."""
    modules: set[str] = set()
    for path in (REPOSITORY / "pyjpm").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    known = packages_distributions()
    outside = modules - sys.stdlib_module_names - {"pyjpm", "brownie"}
    # an extra that is not installed here is known by the name of its module
    return {normal(name) for module in outside for name in known.get(module, [module])}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    runtime = declared(PROJECT["dependencies"])
    extras = set().union(
        *(declared(names) for extra, names in PROJECT["optional-dependencies"].items() if extra != "dev")
    )
    plugin = {"pytest"}  # pyjpm.testing is loaded by pytest itself, and by nobody else
    assert imported() - extras - plugin <= runtime
    assert runtime - IMPLICIT.keys() <= imported()


def test_every_constraint_is_exact() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    versions = [line for line in lines if not line.startswith("#")]
    assert versions
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in versions)


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((REPOSITORY / "package-lock.json").read_text())
    assert all("resolved" not in package for package in lock["packages"].values())
    assert "://" not in "".join(line for line in json.dumps(lock, indent=0).splitlines() if '"url"' not in line)


@pytest.mark.parametrize("tool", ["anvil", "forge"])
def test_the_lock_has_the_native_binaries_of_every_platform(tool: str) -> None:
    packages = json.loads((REPOSITORY / "package-lock.json").read_text())["packages"]
    for platform in ("linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"):
        assert packages[f"node_modules/@foundry-rs/{tool}-{platform}"]["optional"] is True


def test_the_wheel_carries_artifacts_and_types(tmp_path: Path) -> None:
    wheel = next(WheelBuilder(str(REPOSITORY)).build(directory=str(tmp_path), versions=["standard"]))
    assert __version__ in Path(wheel).name
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    for path in (REPOSITORY / "pyjpm").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            assert path.relative_to(REPOSITORY).as_posix() in shipped
    assert {"pyjpm/py.typed", "pyjpm/contracts/artifacts/index.json", "pyjpm/contracts/solc.js"} <= shipped
    assert not any(name.startswith(("tests/", "scripts/")) for name in shipped)
