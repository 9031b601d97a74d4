"""From the compiler's output to the files that ship: sorted, without internal numbering, one per contract.

Two contracts of one name, or two custom errors of one selector, would make a lookup by name or selector guess: both are
refused here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector

from pyjpm.contracts import artifacts, eip712, layouts, sources
from pyjpm.errors.artifacts import CompileFailed

Contracts = Mapping[str, Mapping[str, dict[str, Any]]]


def artifact_files(contracts: Contracts, texts: Mapping[str, str]) -> dict[str, str]:
    """The content of every artifact file, by file name, from the compiler's output and the sources it compiled.

    Raises:
        CompileFailed: two contracts share a name, or two errors a selector.
    """
    shipped: dict[str, str] = {}
    origin: dict[str, str] = {}
    for source, name, output in _ours(contracts):
        if name in origin:
            raise CompileFailed(f"Two contracts are named {name}: in {origin[name]} and in {source}.", name=name)
        origin[name] = source
        shipped[name] = _json(_artifact(source, name, output))
    own = {name: text for name, text in texts.items() if name.startswith(sources.OWN_PREFIX)}
    tables = {
        artifacts.ERRORS: _json(_error_table(contracts)),
        eip712.TYPES_FILE: _json(eip712.extract_type_strings(own)),
        layouts.TABLE: _json(_namespaced(contracts)),
    }
    index = {
        **sources.fingerprint(texts),
        "artifacts": {name: _sha256(text) for name, text in sorted(shipped.items())},
        "tables": {name: _sha256(text) for name, text in tables.items()},
    }
    return {**{f"{name}.json": text for name, text in shipped.items()}, **tables, artifacts.INDEX: _json(index)}


def _ours(contracts: Contracts) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for source, by_name in contracts.items():
        if source.startswith(sources.OWN_PREFIX):
            for name, output in by_name.items():
                yield source, name, output


def _artifact(source: str, name: str, output: dict[str, Any]) -> dict[str, Any]:
    creation, runtime = output["evm"]["bytecode"], output["evm"]["deployedBytecode"]
    return {
        "contractName": name,
        "sourceName": source,
        "abi": output["abi"],
        "bytecode": _hexadecimal(creation["object"]),
        "deployedBytecode": _hexadecimal(runtime["object"]),
        "linkReferences": creation["linkReferences"],
        "deployedLinkReferences": runtime["linkReferences"],
        "immutableReferences": _places(runtime["immutableReferences"]),
        "storageLayout": _storage_layout(output.get("storageLayout") or {}),
    }


def _hexadecimal(digits: str) -> str:
    return f"0x{digits}" if digits else ""


def _places(references: Mapping[str, list[dict[str, int]]]) -> list[dict[str, int]]:
    # Without the variables, which the compiler names by numbers that change with any edit.
    return sorted((place for places in references.values() for place in places), key=lambda place: place["start"])


def _storage_layout(layout: dict[str, Any]) -> dict[str, Any]:
    """The layout with types by their Solidity names: the compiler's carry numbers that change with any edit."""
    types = layout.get("types") or {}
    label = {identifier: described["label"] for identifier, described in types.items()}

    def variable(entry: dict[str, Any]) -> dict[str, Any]:
        return {
            "label": entry["label"],
            "slot": int(entry["slot"]),
            "offset": entry["offset"],
            "type": label[entry["type"]],
        }

    def described(entry: dict[str, Any]) -> dict[str, Any]:
        plain = {"encoding": entry["encoding"], "numberOfBytes": int(entry["numberOfBytes"])}
        plain.update({part: label[entry[part]] for part in ("key", "value", "base") if part in entry})
        if "members" in entry:
            plain["members"] = [variable(member) for member in entry["members"]]
        return plain

    return {
        "storage": [variable(entry) for entry in layout.get("storage", [])],
        "types": {entry["label"]: described(entry) for entry in types.values()},
    }


def _namespaced(contracts: Contracts) -> dict[str, dict[str, Any]]:
    """The layout of each structure at an ERC-7201 place, by the name of its contract."""
    return {
        source.removeprefix(layouts.PREFIX).removesuffix(".sol"): _storage_layout(by_name["Layout"]["storageLayout"])
        for source, by_name in sorted(contracts.items())
        if source.startswith(layouts.PREFIX)
    }


def _error_table(contracts: Contracts) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    # Ours first: where a library declares the same error, our names of its arguments are the ones to show.
    for source in sorted(contracts, key=lambda name: (not name.startswith(sources.OWN_PREFIX), name)):
        for output in contracts[source].values():
            for entry in output["abi"]:
                if entry["type"] != "error":
                    continue
                signature = abi_to_signature(entry)
                selector = "0x" + function_signature_to_4byte_selector(signature).hex()
                known = table.setdefault(
                    selector, {"name": entry["name"], "signature": signature, "inputs": entry["inputs"]}
                )
                if known["signature"] != signature:
                    raise CompileFailed(f"The errors {known['signature']} and {signature} share selector {selector}.")
    return table


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
