"""Compiling: the artifacts follow the sources, say so when they do not, and link; on a project made for these tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_tester import EthereumTester
from web3 import EthereumTesterProvider, Web3

from pyjpm.cli import COMMANDS, main
from pyjpm.contracts import artifacts, compiler, sources
from pyjpm.errors.artifacts import (
    ArtifactNotFound,
    ArtifactsStale,
    CompileFailed,
    CompilerNotFound,
    LibrariesMismatch,
    SourcesMissing,
)

REPOSITORY = Path(__file__).resolve().parents[2]
STAND_IN = REPOSITORY / "pyjpm" / "contracts" / "solc.js"

HEADER = "// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.28;\n"
SCALE = HEADER + "library Scale {\n    function twice(uint256 x) external pure returns (uint256) { return 2 * x; }\n}\n"
VAULT = (
    HEADER
    + """
// import {Nothing} from "./Nothing.sol";
/* import "./NothingElse.sol"; */
import {
    ERC20
} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Scale} from "./parts/Scale.sol";

contract Vault is ERC20 {
    struct Account { uint128 balance; uint128 held; }
    error VaultClosed(address who, uint256 amount);
    uint256 public immutable factor;
    mapping(address => Account) private _accounts;
    constructor(uint256 factor_) ERC20("Vault", "V") { factor = factor_; }
    function scaled(uint256 x) external view returns (uint256) { return factor * Scale.twice(x); }
    function close() external view { revert VaultClosed(msg.sender, _accounts[msg.sender].held); }
}
"""
)


def project(root: Path) -> Path:
    """A checkout with two contracts of its own and the real libraries."""
    (root / "contracts" / "parts").mkdir(parents=True)
    (root / "contracts" / "Vault.sol").write_text(VAULT)
    (root / "contracts" / "parts" / "Scale.sol").write_text(SCALE)
    (root / "node_modules").symlink_to(REPOSITORY / "node_modules")
    return root


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = project(tmp_path_factory.mktemp("compiled"))
    assert compiler.compile_project(root, root / "artifacts") == ("Scale", "Vault")
    return root


@pytest.fixture
def checkout(compiled: Path, tmp_path: Path) -> Path:
    """A copy of the compiled project, to be spoilt."""
    return Path(shutil.copytree(compiled, tmp_path / "checkout", symlinks=True))


def forget_loaded() -> None:
    for cached in (artifacts.load, artifacts.names, artifacts.index, artifacts.custom_errors):
        cached.cache_clear()


@pytest.fixture
def shipped(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The compiled project stands where the package's own artifacts are."""
    monkeypatch.setattr(artifacts, "FOLDER", compiled / "artifacts")
    forget_loaded()
    yield compiled
    forget_loaded()


def stale_changes(root: Path) -> list[str]:
    with pytest.raises(ArtifactsStale) as caught:
        artifacts.check(root, root / "artifacts")
    changes: list[str] = caught.value.details["changes"]
    return changes


# --- freshness ----------------------------------------------------------------------------------------------------


def test_fresh_artifacts_pass_the_check(compiled: Path) -> None:
    key = artifacts.check(compiled, compiled / "artifacts")
    assert re.fullmatch(r"[0-9a-f]{64}", key)


def test_the_same_sources_give_the_same_bytes_wherever_they_are(compiled: Path, tmp_path: Path) -> None:
    other = project(tmp_path / "elsewhere")
    compiler.compile_project(other, other / "artifacts")
    first = {path.name: path.read_bytes() for path in (compiled / "artifacts").iterdir()}
    second = {path.name: path.read_bytes() for path in (other / "artifacts").iterdir()}
    assert first == second
    assert set(first) == {"Scale.json", "Vault.json", "eip712.json", "errors.json", "index.json", "layouts.json"}


def test_an_edited_source_makes_them_stale(checkout: Path) -> None:
    source = checkout / "contracts" / "Vault.sol"
    source.write_text(source.read_text() + "// one more line\n")
    assert stale_changes(checkout) == ["contracts/Vault.sol"]


def test_added_and_removed_sources_make_them_stale(checkout: Path) -> None:
    (checkout / "contracts" / "New.sol").write_text(HEADER + "interface New {}\n")
    assert stale_changes(checkout) == ["contracts/New.sol"]
    (checkout / "contracts" / "New.sol").unlink()
    (checkout / "contracts" / "Vault.sol").unlink()
    assert "contracts/Vault.sol" in stale_changes(checkout)


def test_another_release_of_an_imported_library_makes_them_stale(checkout: Path) -> None:
    name = "@openzeppelin/contracts/token/ERC20/ERC20.sol"
    (checkout / "node_modules").unlink()
    shutil.copytree(
        REPOSITORY / "node_modules" / "@openzeppelin" / "contracts", checkout / "node_modules/@openzeppelin/contracts"
    )
    artifacts.check(checkout, checkout / "artifacts")
    library = checkout / "node_modules" / name
    library.write_text(library.read_text().replace("OpenZeppelin", "OpenZepp"))
    assert stale_changes(checkout) == [name]


@pytest.mark.parametrize("spoil", ["edit", "remove", "add"])
def test_an_artifact_that_somebody_touched_is_stale(checkout: Path, spoil: str) -> None:
    folder = checkout / "artifacts"
    touched = folder / ("Extra.json" if spoil == "add" else "Vault.json")
    if spoil == "remove":
        touched.unlink()
    else:
        touched.write_text((folder / "Vault.json").read_text().replace("0x60", "0x61", 1))
    assert stale_changes(checkout) == [touched.name]


@pytest.mark.parametrize(("part", "value"), [("compiler", "0.8.36"), ("settings", {"evmVersion": "paris"})])
def test_another_compiler_or_other_settings_make_them_stale(checkout: Path, part: str, value: object) -> None:
    index = checkout / "artifacts" / "index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {part: value}))
    assert stale_changes(checkout) == [part]


def test_nothing_compiled_yet_is_stale(tmp_path: Path) -> None:
    assert stale_changes(project(tmp_path / "fresh")) == ["index.json"]


def test_compiling_again_removes_artifacts_of_contracts_that_are_gone(checkout: Path) -> None:
    (checkout / "contracts" / "Vault.sol").unlink()
    assert compiler.compile_project(checkout, checkout / "artifacts") == ("Scale",)
    assert not (checkout / "artifacts" / "Vault.json").exists()
    artifacts.check(checkout, checkout / "artifacts")


def test_the_check_imports_neither_compiler_nor_web3(compiled: Path) -> None:
    code = (
        "import sys; from pyjpm.cli import main; assert main(sys.argv[1:]) == 0; "
        "assert not {'solcx', 'web3', 'eth_utils'} & set(sys.modules)"
    )
    arguments = ["compile", "--check", "--root", str(compiled), "--output", str(compiled / "artifacts")]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env={"PATH": ""})


# --- what the compiler refuses ------------------------------------------------------------------------------------


def test_a_warning_about_our_own_source_is_an_error_and_leaves_the_artifacts(checkout: Path) -> None:
    before = (checkout / "artifacts" / "index.json").read_bytes()
    (checkout / "contracts" / "Warns.sol").write_text(
        HEADER + "contract Warns {\n    function unused(uint256 x) external pure returns (uint256) { return 1; }\n}\n"
    )
    with pytest.raises(CompileFailed, match=r"Unused function parameter"):
        compiler.compile_project(checkout, checkout / "artifacts")
    assert (checkout / "artifacts" / "index.json").read_bytes() == before


def test_a_source_that_does_not_compile_says_where_and_nothing_else(checkout: Path) -> None:
    (checkout / "contracts" / "Broken.sol").write_text(HEADER + "contract Broken { uint256 x = true; }\n")
    with pytest.raises(CompileFailed, match=r"contracts/Broken\.sol:3") as caught:
        compiler.compile_project(checkout, checkout / "artifacts")
    assert "outputSelection" not in str(caught.value)


def test_a_missing_import_names_the_file(checkout: Path) -> None:
    (checkout / "contracts" / "Lost.sol").write_text(HEADER + 'import "./Gone.sol";\n')
    with pytest.raises(SourcesMissing, match=r"contracts/Gone\.sol"):
        compiler.compile_project(checkout, checkout / "artifacts")


def test_two_contracts_of_one_name_are_refused(checkout: Path) -> None:
    (checkout / "contracts" / "Twin.sol").write_text(SCALE)
    with pytest.raises(CompileFailed, match="Two contracts are named Scale"):
        compiler.compile_project(checkout, checkout / "artifacts")


# --- reading and linking ------------------------------------------------------------------------------------------


def test_unknown_names_are_refused(shipped: Path) -> None:
    with pytest.raises(ArtifactNotFound):
        artifacts.load("Nonsense")
    with pytest.raises(ArtifactNotFound):
        artifacts.load("index")


def test_storage_layout_is_told_by_solidity_names(shipped: Path) -> None:
    layout = artifacts.load("Vault").storage_layout
    accounts = layout["storage"][-1]
    assert accounts == {
        "label": "_accounts",
        "slot": 5,
        "offset": 0,
        "type": "mapping(address => struct Vault.Account)",
    }
    account = layout["types"]["struct Vault.Account"]
    assert [(member["label"], member["offset"]) for member in account["members"]] == [("balance", 0), ("held", 16)]


def test_custom_errors_of_ours_and_of_libraries_by_selector(shipped: Path) -> None:
    table = artifacts.custom_errors()
    closed = table["0x" + Web3.keccak(text="VaultClosed(address,uint256)")[:4].hex()]
    assert (closed["name"], [argument["name"] for argument in closed["inputs"]]) == ("VaultClosed", ["who", "amount"])
    assert "0x" + Web3.keccak(text="ERC20InsufficientBalance(address,uint256,uint256)")[:4].hex() in table


def test_linked_bytecode_runs_and_its_immutables_are_where_they_are_said_to_be(shipped: Path) -> None:
    chain = Web3(EthereumTesterProvider(EthereumTester()))
    payer = chain.eth.accounts[0]

    def deploy(abi: list[dict[str, object]], bytecode: str, *arguments: int) -> str:
        sent = chain.eth.contract(abi=abi, bytecode=bytecode).constructor(*arguments).transact({"from": payer})
        return str(chain.eth.get_transaction_receipt(sent)["contractAddress"])

    vault, scale = artifacts.load("Vault"), artifacts.load("Scale")
    assert vault.libraries == ("Scale",)
    library = deploy(scale.abi, scale.link())
    address = deploy(vault.abi, vault.link({"Scale": library}), 3)
    assert chain.eth.contract(address=address, abi=vault.abi).functions.scaled(7).call() == 42

    code = bytearray(chain.eth.get_code(address))
    for place in vault.immutable_references:
        assert int.from_bytes(code[place["start"] : place["start"] + place["length"]]) == 3
        code[place["start"] : place["start"] + place["length"]] = bytes(place["length"])
    assert "0x" + code.hex() == vault.link_deployed({"Scale": library})


@pytest.mark.parametrize("libraries", [{}, {"Scale": "0x12"}, {"Scale": "0x" + "11" * 20, "Other": "0x" + "22" * 20}])
def test_linking_wants_exactly_the_libraries_that_are_called(shipped: Path, libraries: dict[str, str]) -> None:
    with pytest.raises(LibrariesMismatch):
        artifacts.load("Vault").link(libraries)


# --- the compiler itself ------------------------------------------------------------------------------------------


def test_the_stand_in_speaks_solc(compiled: Path) -> None:
    def solc(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([STAND_IN, *arguments], cwd=compiled, capture_output=True, text=True, check=False)

    assert re.search(rf"^Version: {re.escape(sources.SOLC_VERSION)}\+commit\.[0-9a-f]+", solc("--version").stdout, re.M)
    remapping = "@openzeppelin/=node_modules/@openzeppelin/"
    wanted = ("--combined-json", "abi,bin,srcmap-runtime,ast", "--optimize", "--evm-version", "cancun")
    combined = json.loads(solc(*wanted, remapping, "contracts/Vault.sol").stdout)
    assert combined["contracts"]["contracts/Vault.sol:Vault"]["bin"].startswith("60")
    assert combined["sources"]["contracts/Vault.sol"]["AST"]["nodeType"] == "SourceUnit"
    refused = solc("--model-checker-engine", "all")
    assert refused.returncode == 1
    assert "unrecognised option '--model-checker-engine'" in refused.stderr


def test_a_native_solc_is_preferred_only_at_the_pinned_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    native = tmp_path / "bin" / "solc"
    native.parent.mkdir()
    monkeypatch.setenv("PATH", f"{native.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path / "kept"))
    native.write_text("#!/bin/sh\necho 'Version: 0.8.20+commit.a1b79de6.Linux.g++'\n")
    native.chmod(0o755)
    assert compiler.native_solc() is None
    native.write_text(f'#!/bin/sh\nexec "{STAND_IN}" "$@"\n')
    assert compiler.native_solc() == native
    root = project(tmp_path / "project")
    (root / "node_modules").unlink()
    (root / "node_modules").mkdir()
    (root / "node_modules" / "@openzeppelin").symlink_to(REPOSITORY / "node_modules" / "@openzeppelin")
    assert compiler.compile_project(root, root / "artifacts") == ("Scale", "Vault")


def test_no_compiler_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path / "kept"))
    with pytest.raises(CompilerNotFound):
        compiler.write_launcher(tmp_path / "solc", tmp_path)
    assert not (tmp_path / "solc").exists()


def test_every_tool_compiles_with_the_same_settings() -> None:
    foundry = tomllib.loads((REPOSITORY / "foundry.toml").read_text())["profile"]["default"]
    optimizer = sources.SETTINGS["optimizer"]
    assert (foundry["evm_version"], foundry["optimizer"]) == (sources.SETTINGS["evmVersion"], optimizer["enabled"])
    assert (foundry["optimizer_runs"], foundry["via_ir"]) == (optimizer["runs"], sources.SETTINGS["viaIR"])
    assert foundry["bytecode_hash"] == sources.SETTINGS["metadata"]["bytecodeHash"]
    brownie = (REPOSITORY / "brownie-config.yaml").read_text()
    assert f"evm_version: {sources.SETTINGS['evmVersion']}" in brownie
    assert f"version: {sources.SOLC_VERSION}" in brownie
    assert f"runs: {optimizer['runs']}" in brownie
    packages = json.loads((REPOSITORY / "package.json").read_text())["devDependencies"]
    assert packages["solc"] == sources.SOLC_VERSION


# --- the command line ---------------------------------------------------------------------------------------------


def test_check_on_the_command_line(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compile", "--check", "--json", "--root", str(checkout), "--output", str(checkout / "artifacts")]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["fresh"] is True
    (checkout / "contracts" / "parts" / "Scale.sol").write_text(SCALE + "\n")
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("ARTIFACTS_STALE: ")
    assert "contracts/parts/Scale.sol" in said.err
    assert "pyjpm compile" in said.err


def test_a_command_line_without_sense_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert main(["compile", "--nonsense"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_help_lists_every_command_quickly() -> None:
    """Of a machine that does other things meanwhile, the quickest of many counts."""
    seconds = [1.0]
    while min(seconds) > 0.25 and len(seconds) <= 20:
        started = time.perf_counter()
        answer = subprocess.run(
            [sys.executable, "-m", "pyjpm.cli", "--help"], capture_output=True, text=True, check=True
        )
        seconds.append(time.perf_counter() - started)
    assert all(name in answer.stdout for name in COMMANDS)
    assert min(seconds) <= 0.25
