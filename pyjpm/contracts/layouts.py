"""Where the contracts behind proxies keep what they know, and whether a new version finds it there.

Decisions:

* A contract's state is one structure at an ERC-7201 place, marked ``@custom:storage-location`` in its source. The
  compiler's storage layout covers plain variables only, so each structure is compiled as the one variable of a contract
  of its own, which exists for the compiler alone.
* ``layouts/NAME-VERSION.json`` is committed with each version, and never changed once that version is deployed. A
  structure may grow at its end; so may a structure that is a mapping's value. Everything else stays as it was: names,
  types, slots, offsets and sizes.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pyjpm.contracts import artifacts
from pyjpm.errors.upgrades import LayoutBroken, LayoutUnknown

Layout = Mapping[str, Any]

TABLE: Final = "layouts.json"
COMMITTED: Final = Path(__file__).resolve().parent / "layouts"
PREFIX: Final = "layouts/"

_MARKED = re.compile(r"@custom:storage-location erc7201:pyjpm\.storage\.(\w+)\s*\*?/?\s*struct (\w+)")
_OWNER = re.compile(r"^(?:abstract )?contract (\w+)", re.MULTILINE)


def probes(texts: Mapping[str, str]) -> dict[str, str]:
    """Sources that make the compiler lay out each marked structure: by the contract's name, ``layouts/NAME.sol``."""
    made: dict[str, str] = {}
    for source, text in texts.items():
        for found in _MARKED.finditer(text):
            contract, structure = found.groups()
            owners = _OWNER.findall(text[: found.start()])
            imported = owners[-1] if owners else structure
            kind = f"{imported}.{structure}" if owners else structure
            made[f"{PREFIX}{contract}.sol"] = (
                "// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.28;\n\n"
                f'import {{{imported}}} from "{source}";\n\ncontract Layout {{\n    {kind} internal state;\n}}\n'
            )
    return made


@functools.cache
def current() -> dict[str, Any]:
    """The layouts of the compiled contracts, by contract."""
    table: dict[str, Any] = json.loads((artifacts.FOLDER / TABLE).read_text(encoding="utf-8"))
    return table


def committed(contract: str, version: str, folder: Path = COMMITTED) -> Layout:
    """The layout of a contract's version as it was deployed.

    Raises:
        LayoutUnknown: none was committed.
    """
    path = folder / f"{contract}-{version}.json"
    try:
        layout: Layout = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LayoutUnknown(
            f"No storage layout of {contract} {version} is known.", contract=contract, version=version
        ) from error
    return layout


def require_continued(contract: str, before: Layout, after: Layout) -> None:
    """Whether code with the layout ``after`` finds everything that code with the layout ``before`` left.

    Raises:
        LayoutBroken: names the first member that is not where, or not what, it was.
    """
    (was,), (now,) = before["storage"], after["storage"]
    _Comparison(contract, before["types"], after["types"]).structure(was["type"], now["type"])


def commit(version: str, folder: Path = COMMITTED) -> list[Path]:
    """Keeps the compiled layouts as those of a version, for later versions to be compared with."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for contract, layout in current().items():
        path = folder / f"{contract}-{version}.json"
        path.write_text(json.dumps(layout, sort_keys=True, indent=1) + "\n", encoding="utf-8")
        written.append(path)
    return written


def require_all_continued(folder: Path = COMMITTED) -> None:
    """Every committed layout of every contract against the compiled one; raises as :func:`require_continued`."""
    for path in sorted(folder.glob("*.json")):
        contract = path.stem.rpartition("-")[0]
        now = current().get(contract, {"storage": [{"type": "nothing"}], "types": {}})
        require_continued(contract, json.loads(path.read_text(encoding="utf-8")), now)


class _Comparison:
    def __init__(self, contract: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        self._contract = contract
        self._before = before
        self._after = after

    def structure(self, was: str, now: str) -> None:
        if was != now:
            self._broken("", was, now)
        self._type("", was, may_grow=True)

    def _members(self, place: str, before: list[Any], after: list[Any], may_grow: bool) -> None:
        for index, was in enumerate(before):
            member = f"{place}.{was['label']}".strip(".")
            if index >= len(after):
                self._broken(member, was, "nothing")
            if was != after[index]:
                self._broken(member, was, after[index])
            self._type(member, was["type"])
        if len(after) > len(before) and not may_grow:
            added = after[len(before)]
            self._broken(f"{place}.{added['label']}", "nothing", added)

    def _type(self, member: str, kind: str, may_grow: bool = False) -> None:
        was, now = self._before[kind], self._after.get(kind, {})
        if not now:
            self._broken(member, kind, "nothing")
        if "members" in was:
            self._members(member, was["members"], now.get("members", []), may_grow)
            return
        if was != now:
            self._broken(member, was, now)
        if "value" in was:
            self._type(f"{member}[]", was["key"])
            self._type(f"{member}[]", was["value"], may_grow=True)
        elif "base" in was:
            self._type(f"{member}[]", was["base"])

    def _broken(self, member: str, was: Any, now: Any) -> None:
        shown = [each if isinstance(each, str) else _shown(each) for each in (was, now)]
        raise LayoutBroken(
            f"In the storage of {self._contract}, {member} was {shown[0]} and is {shown[1]}.",
            contract=self._contract,
            member=member,
            was=shown[0],
            now=shown[1],
        )


def _shown(entry: Mapping[str, Any]) -> str:
    if "label" in entry:
        return f"{entry['type']} {entry['label']} at slot {entry['slot']}, byte {entry['offset']}"
    return ", ".join(f"{name} {value}" for name, value in sorted(entry.items()))
