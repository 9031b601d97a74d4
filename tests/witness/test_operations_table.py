"""The table of operations against the ABIs: every function that changes state has a name and a witness, or a reason."""

from __future__ import annotations

import ast
import os
from typing import Any

import pytest
from operations_page import page

from pyjpm.contracts import artifacts
from pyjpm.contracts.sources import project_root
from pyjpm.witnessing.described import Known
from pyjpm.witnessing.table import ALL, TABLE

DOCUMENT = project_root() / "docs" / "operations.md"


def deployable() -> dict[str, list[dict[str, Any]]]:
    """The functions that change state of every contract that can be deployed."""
    found = {}
    for name in artifacts.names():
        artifact = artifacts.load(name)
        if artifact.bytecode not in ("", "0x"):
            functions = (entry for entry in artifact.abi if entry["type"] == "function")
            found[name] = [entry for entry in functions if entry["stateMutability"] not in ("view", "pure")]
    return {name: functions for name, functions in found.items() if functions}


def test_every_function_has_a_row_and_every_row_a_function() -> None:
    functions = {
        (name, entry["name"], len(entry["inputs"])) for name, entries in deployable().items() for entry in entries
    }
    assert functions == TABLE.keys()
    assert len(functions) == len(ALL) > 150


def test_a_name_and_the_number_of_its_parameters_say_which_function() -> None:
    for name, entries in deployable().items():
        faces = [(entry["name"], len(entry["inputs"])) for entry in entries]
        assert len(set(faces)) == len(faces), name


def test_the_parameters_that_the_abi_names_have_the_same_names() -> None:
    """Where it names them at all: a row in another order would read one argument for another."""
    renamed = {"c": "consent", "hash": "documentHash", "tokenId": "id"}
    for name, entries in deployable().items():
        for entry in entries:
            row = TABLE[name, entry["name"], len(entry["inputs"])]
            for part, given in zip(entry["inputs"], row.parameters, strict=True):
                told = part["name"].rstrip("_")
                if told and row.known is not Known.NOTHING and (name, row.function) != ("TitleDocument", "approve"):
                    assert renamed.get(told, told) == given, (name, row.face)


@pytest.mark.parametrize("artifact", sorted({each.artifact for each in ALL}))
def test_what_is_named_has_a_witness_and_its_names(artifact: str) -> None:
    for each in (row for row in ALL if row.artifact == artifact):
        assert each.name
        assert each.again
        if each.function in ("cleared", "execute", "multicall") and artifact != "PaymentRules":
            assert "inside" in each.name or each.known is Known.NOTHING
        elif each.known in (Known.LOCK, Known.EVENT):
            assert each.read is not None, each.face
            assert each.names is not None, each.face
        elif each.known is Known.STATE:
            assert each.read is not None, each.face
        else:
            assert each.read is None, each.face


def test_what_may_not_be_repeated_is_looked_for_first() -> None:
    """The rows of which a second execution would do more: each is kept by its events, or is no operation of ours."""
    again = {each.face for each in ALL if "again" in each.again or "another" in each.again}
    assert again == {each.face for each in ALL if each.known is Known.EVENT} | _moving()


def _moving() -> set[str]:
    return {
        each.face for each in ALL if each.known is Known.NOTHING and each.again.split()[0] in ("moves", "allows", "as")
    }


def test_nothing_else_is_sent_without_a_name() -> None:
    nameless = {
        (each.artifact, each.function) for each in ALL if each.effect is not None and each.known is Known.NOTHING
    }
    # Sent by the SDK, and nothing on chain names them: whoever adds one has to say so here.
    assert nameless == {("UnitToken", "issue"), ("UnitToken", "retire")}


def test_the_page_is_the_table() -> None:
    if os.environ.get("PYJPM_UPDATE_OPERATIONS"):
        DOCUMENT.write_text(page(), encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == page(), "PYJPM_UPDATE_OPERATIONS=1 writes it"


def test_what_the_table_says_is_never_sent_is_in_no_source_of_ours() -> None:
    never = {each.function for each in ALL if "the SDK never sends it" in each.again} - {"approve"}
    assert {"transfer", "transferFrom", "permit"} <= never
    package = project_root() / "pyjpm"
    for path in sorted(package.rglob("*.py")):
        # These name functions to describe and to judge them, and send nothing.
        if path.parts[len(package.parts)] not in ("contracts", "witnessing", "errors", "custody"):
            told = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
            assert not never & told, path
