"""The compiled contracts that ship in the package: one JSON file each, an index of what they were made of, and the
custom errors and the signed structures (``eip712``) of all of them in one table each.

Reading needs neither compiler nor sources. ``check`` compares with the sources and needs no compiler either.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyjpm.contracts import sources
from pyjpm.errors.artifacts import ArtifactNotFound, ArtifactsStale, LibrariesMismatch

FOLDER: Final = Path(__file__).resolve().parent / "artifacts"
INDEX: Final = "index.json"
ERRORS: Final = "errors.json"

_ADDRESS_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    ``bytecode`` creates it and ``deployed_bytecode`` is what then runs: hexadecimal with ``0x``, empty for an interface
    or abstract contract, with placeholders where external libraries are called. The ``*link_references`` say where:
    ``{source: {library: [{"start", "length"}]}}`` in bytes. ``immutable_references`` are the places of the deployed
    bytecode that its constructor fills in, ``[{"start", "length"}]``.
    """

    name: str
    source: str
    abi: list[dict[str, Any]]
    bytecode: str
    deployed_bytecode: str
    link_references: dict[str, dict[str, list[dict[str, int]]]]
    deployed_link_references: dict[str, dict[str, list[dict[str, int]]]]
    immutable_references: list[dict[str, int]]
    storage_layout: dict[str, Any]

    @property
    def libraries(self) -> tuple[str, ...]:
        """The names of the external libraries that its bytecode calls."""
        return tuple(sorted({name for by_name in self.link_references.values() for name in by_name}))

    def link(self, libraries: Mapping[str, str] | None = None) -> str:
        """The creation bytecode with each library's address in its place, hexadecimal with ``0x``.

        Raises:
            LibrariesMismatch: a library is missing, unknown or not an address.
        """
        return _link(self.name, self.bytecode, self.link_references, libraries or {})

    def link_deployed(self, libraries: Mapping[str, str] | None = None) -> str:
        """The runtime bytecode with each library's address in its place; see :meth:`link`."""
        return _link(self.name, self.deployed_bytecode, self.deployed_link_references, libraries or {})


@functools.cache
def load(name: str) -> Artifact:
    """The compiled contract of this Solidity name. Its parts are shared between callers: do not change them.

    Raises:
        ArtifactNotFound: there is none of this name.
    """
    if name not in names():
        raise ArtifactNotFound(f"There is no compiled contract {name!r}.", name=name, known=list(names()))
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return Artifact(
        name=data["contractName"],
        source=data["sourceName"],
        abi=data["abi"],
        bytecode=data["bytecode"],
        deployed_bytecode=data["deployedBytecode"],
        link_references=data["linkReferences"],
        deployed_link_references=data["deployedLinkReferences"],
        immutable_references=data["immutableReferences"],
        storage_layout=data["storageLayout"],
    )


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all compiled contracts, sorted."""
    return tuple(index()["artifacts"])


@functools.cache
def index() -> dict[str, Any]:
    """What the artifacts were made of: ``key``, ``compiler``, ``settings``, ``sources``; and the SHA-256 of each.

    Raises:
        ArtifactsStale: nothing has been compiled.
    """
    return _read_index(FOLDER)


@functools.cache
def custom_errors() -> dict[str, dict[str, Any]]:
    """Every custom error of every contract, ours and the libraries', by selector (``0x`` and eight digits):
    ``{"name", "signature", "inputs"}``, inputs as in an ABI."""
    table: dict[str, dict[str, Any]] = json.loads((FOLDER / ERRORS).read_text(encoding="utf-8"))
    return table


def check(root: Path | None = None, folder: Path = FOLDER) -> str:
    """The key of the artifacts in ``folder``, if they are those of the sources under ``root`` and nobody edited them.

    Raises:
        ArtifactsStale: they are not; says what differs.
        SourcesMissing: there is nothing to compare with.
    """
    recorded = _read_index(folder)
    current = sources.fingerprint(sources.gather(root or sources.project_root()))
    changes = [name for name in ("compiler", "settings") if recorded[name] != current[name]]
    changes += _differences(recorded["sources"], current["sources"])
    on_disk = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.json")}
    on_disk.pop(INDEX)
    expected = {f"{name}.json": digest for name, digest in recorded["artifacts"].items()} | recorded["tables"]
    changes += _differences(expected, on_disk)
    if changes or recorded["key"] != current["key"]:
        shown = ", ".join(changes[:5]) + (f" and {len(changes) - 5} more" if len(changes) > 5 else "")
        raise ArtifactsStale(f"The compiled artifacts do not match: {shown or 'the key'}.", changes=changes)
    return str(current["key"])


def _differences(recorded: Mapping[str, str], current: Mapping[str, str]) -> list[str]:
    return sorted(name for name in recorded.keys() | current.keys() if recorded.get(name) != current.get(name))


def _read_index(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactsStale("Nothing has been compiled yet.", changes=[INDEX]) from error
    return content


def _link(
    name: str,
    bytecode: str,
    references: Mapping[str, Mapping[str, list[dict[str, int]]]],
    libraries: Mapping[str, str],
) -> str:
    needed = {library for by_name in references.values() for library in by_name}
    if needed != libraries.keys():
        raise LibrariesMismatch(
            f"{name} calls the libraries {sorted(needed)}, given were {sorted(libraries)}.",
            contract=name,
            needed=sorted(needed),
            given=sorted(libraries),
        )
    digits = bytecode.removeprefix("0x")
    for by_name in references.values():
        for library, places in by_name.items():
            address = _address_digits(library, libraries[library])
            for place in places:
                start = 2 * place["start"]
                digits = digits[:start] + address + digits[start + 2 * place["length"] :]
    return f"0x{digits}" if digits else ""


def _address_digits(library: str, address: str) -> str:
    digits = address.removeprefix("0x").lower()
    if len(digits) != _ADDRESS_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise LibrariesMismatch(f"{address!r} is not an address for library {library}.", library=library)
    return digits
