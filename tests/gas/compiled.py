"""Creation code of what is measured beside the platform: our own Bench.sol, and T-REX as its publisher compiled it."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

import solcx

from pyjpm.contracts.codec import Parameter, encode_parameters
from pyjpm.contracts.sources import SETTINGS, project_root

ROOT = project_root()
PACKAGES = ROOT / "node_modules"
TREX = PACKAGES / "@tokenysolutions" / "t-rex" / "artifacts"
ADDRESS: Parameter = {"type": "address"}


def creation(name: str, *addresses: str) -> bytes:
    """Creation bytecode of a contract of Bench.sol, compiled with the project's settings."""
    return _bench()[name] + encode_parameters([ADDRESS] * len(addresses), addresses)


@functools.cache
def _bench() -> dict[str, bytes]:
    output = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": {"Bench.sol": {"content": (ROOT / "tests" / "gas" / "Bench.sol").read_text()}},
            "settings": {
                **SETTINGS,
                "remappings": ["@openzeppelin/=node_modules/@openzeppelin/", "solady/=node_modules/solady/"],
                "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
            },
        },
        solc_binary=ROOT / "build" / "solc",
        base_path=ROOT,
        allow_paths=[ROOT],
    )
    found: dict[str, Any] = output["contracts"]["Bench.sol"]
    return {name: bytes.fromhex(contract["evm"]["bytecode"]["object"]) for name, contract in found.items()}


@dataclass(frozen=True)
class Published:
    """A contract as its package ships it: interface and bytecode."""

    abi: list[dict[str, Any]]
    bytecode: bytes

    def creation(self, *arguments: Any) -> bytes:
        inputs = [entry["inputs"] for entry in self.abi if entry["type"] == "constructor"]
        return self.bytecode + encode_parameters(inputs[0] if inputs else [], arguments)

    def function(self, name: str) -> dict[str, Any]:
        (entry,) = (entry for entry in self.abi if entry["type"] == "function" and entry["name"] == name)
        return entry


@functools.cache
def published(name: str) -> Published:
    """A contract of T-REX or of ONCHAINID by its name."""
    (path,) = TREX.rglob(f"{name}.sol/{name}.json")
    found = json.loads(path.read_text())
    return Published(found["abi"], bytes.fromhex(found["bytecode"].removeprefix("0x")))


def version(package: str) -> str:
    return str(json.loads((PACKAGES / package / "package.json").read_text())["version"])
