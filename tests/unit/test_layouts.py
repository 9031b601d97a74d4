"""A storage structure may grow at its end, and change nowhere else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyjpm.contracts import layouts
from pyjpm.errors.upgrades import LayoutBroken, LayoutUnknown

STATE = "struct TokenState"


def token() -> Any:
    return copy.deepcopy(layouts.current()["DepositToken"])


def word(label: str, slot: int, kind: str = "uint256", offset: int = 0) -> dict[str, Any]:
    return {"label": label, "slot": slot, "offset": offset, "type": kind}


def test_what_is_compiled_continues_what_was_deployed() -> None:
    assert {path.stem.rpartition("-")[0] for path in layouts.COMMITTED.glob("*.json")} == set(layouts.current())
    layouts.require_all_continued()


def test_every_contract_behind_a_proxy_has_a_layout_and_no_plain_storage() -> None:
    from pyjpm.contracts import artifacts

    upgradable = {
        name
        for name in artifacts.names()
        if artifacts.load(name).bytecode
        and any(entry.get("name") == "upgradeToAndCall" for entry in artifacts.load(name).abi)
    }
    assert upgradable == set(layouts.current())
    for name in upgradable:
        assert artifacts.load(name).storage_layout["storage"] == []


def test_a_structure_may_grow_at_its_end() -> None:
    after = token()
    after["types"][STATE]["members"].append(word("added", 99))
    layouts.require_continued("DepositToken", token(), after)
    after = token()  # the values of a mapping stand apart from each other
    after["types"]["struct MintCeiling"]["members"].append(word("added", 1))
    layouts.require_continued("DepositToken", token(), after)


def renamed(layout: Any) -> str:
    layout["types"][STATE]["members"][3]["label"] = "other"
    return "accounts"


def moved(layout: Any) -> str:
    layout["types"][STATE]["members"][4]["slot"] += 1
    return "limits"


def retyped(layout: Any) -> str:
    layout["types"][STATE]["members"][0]["type"] = "uint128"
    return "totalSupply"


def removed(layout: Any) -> str:
    return str(layout["types"][STATE]["members"].pop()["label"])


def inserted(layout: Any) -> str:
    layout["types"][STATE]["members"].insert(3, word("added", 1))
    return "accounts"


def value_changed(layout: Any) -> str:
    layout["types"]["struct MintCeiling"]["members"][1]["offset"] = 8
    return "ceilings[].outstanding"


def mapping_changed(layout: Any) -> str:
    layout["types"]["mapping(address => struct MintCeiling)"]["key"] = "uint32"
    return "ceilings"


def element_grown(layout: Any) -> str:
    layout["types"]["struct Interval"]["members"].append(word("added", 1))
    return "pauses[].added"


def narrowed(layout: Any) -> str:
    layout["types"]["AccountWord"]["numberOfBytes"] = 16
    return "accounts[]"


def forgotten(layout: Any) -> str:
    layout["storage"][0]["type"] = "struct Other"
    return ""


@pytest.mark.parametrize(
    "change",
    [
        renamed,
        moved,
        retyped,
        removed,
        inserted,
        value_changed,
        mapping_changed,
        element_grown,
        narrowed,
        forgotten,
    ],
)
def test_anything_else_is_refused_by_the_name_of_the_first_difference(change: Callable[[Any], str]) -> None:
    after = token()
    member = change(after)
    with pytest.raises(LayoutBroken) as caught:
        layouts.require_continued("DepositToken", token(), after)
    assert caught.value.details["member"] == member
    assert caught.value.details["contract"] == "DepositToken"
    assert caught.value.details["was"] != caught.value.details["now"]


def test_layouts_are_kept_by_version(tmp_path: Path) -> None:
    layouts.commit("7.0.0", tmp_path)
    assert layouts.committed("Reserve", "7.0.0", tmp_path) == layouts.current()["Reserve"]
    layouts.require_all_continued(tmp_path)
    with pytest.raises(LayoutUnknown):
        layouts.committed("Reserve", "7.0.1", tmp_path)
    (tmp_path / "Treasury-1.0.0.json").write_text((tmp_path / "Reserve-7.0.0.json").read_text())
    with pytest.raises(LayoutBroken):
        layouts.require_all_continued(tmp_path)
