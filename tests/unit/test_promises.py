"""docs/adversaries.md names the tests in which somebody tries what others got wrong, docs/safety.md those that hold
what is promised: all of them exist."""

from __future__ import annotations

import re

import pytest

from pyjpm.contracts.sources import project_root

TESTS = project_root() / "tests"


def defined() -> set[str]:
    """Names of all tests, in Solidity and in Python."""
    names: set[str] = set()
    for pattern, path in ((r"function (test\w+)\(", "**/*.t.sol"), (r"^def (test_\w+)\(", "**/test_*.py")):
        for file in TESTS.glob(path):
            names.update(re.findall(pattern, file.read_text(), re.MULTILINE))
    return names


def rows(name: str) -> list[list[str]]:
    """The cells of every row of every table of a page, without heads and rules."""
    page = (project_root() / "docs" / name).read_text()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    return [cells for cells in found if cells[-1] != "tests" and not cells[0].startswith("---")]


@pytest.mark.parametrize("page", ["adversaries.md", "safety.md"])
def test_every_item_has_tests_and_every_test_exists(page: str) -> None:
    known = defined()
    assert len(rows(page)) > 20
    for cells in rows(page):
        named = re.findall(r"`(test\w+)`", cells[-1])
        assert named, cells[0]
        assert not set(named) - known, cells[0]


def test_every_collected_attack_is_on_the_page() -> None:
    page = (project_root() / "docs" / "adversaries.md").read_text()
    for file in sorted((TESTS / "contracts").glob("Anchors*.t.sol")):
        for name in re.findall(r"function (test\w+)\(", file.read_text()):
            assert f"`{name}`" in page, f"{file.name}: {name}"
