"""``pyjpm treasury``, and the page that it writes, of the week that was played."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from treasury.week import Week

from pyjpm.chain import LocalAnvil
from pyjpm.cli import main
from pyjpm.treasury import load_assumptions, load_group

PAGE = Path(__file__).parents[2] / "docs" / "treasury.md"
Run = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def run(
    week: Week, anvil: LocalAnvil, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.chdir(tmp_path)
    week.bank.record.save(Path("record.json"))
    members = "".join(f'[[member]]\nname = "{m.name}"\nparticipant = {m.participant}\n' for m in week.group.member)
    Path("group.toml").write_text(f'name = "{week.group.name} <&>"\n{members}')
    Path("assumptions.toml").write_text('[rates]\nEUR = "1.08"\n')
    where = f"--group group.toml --ledger ledger.db --rpc {anvil.url} --record record.json"

    def command(line: str) -> tuple[int, str, str]:
        code = main(f"treasury {line} {where}".split())
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def test_the_view(run: Run) -> None:
    code, out, err = run("view --assumptions assumptions.toml")
    assert (code, err) == (0, "")
    assert "USD 99283.00" in out
    assert "in all USD 207499.00 (by the assumed rates)" in out
    code, out, _ = run("view --json --at 2027-03-01T11:00:00Z")
    told = json.loads(out)
    assert (code, [each["amount"] for each in told["totals"]]) == (0, ["100000.00", "100000.00"])
    assert told["assumed"]["in_base"] is None
    for bad in ("yesterday", "2027-03-01T11:00:00"):
        code, _, err = run(f"view --at {bad}")
        assert (code, err.split(":")[0]) == (1, "INVALID_REQUEST")


def test_the_report_and_its_page(run: Run) -> None:
    period = "--since 2027-03-01T00:00:00Z --until 2027-03-08T00:00:00Z"
    code, out, err = run(f"report {period} --assumptions assumptions.toml --html report.html")
    assert (code, err) == (0, "")
    assert "11 bank transfers would have been, 8 movements were" in out
    assert "assumed: USD 277.63 saved" in out
    code, out, _ = run(f"report {period} --assumptions assumptions.toml --json")
    told = json.loads(out)
    assert told["saved"]["assumed"]["total"]["amount"] == "277.63"
    assert told["assumptions"]["correspondent"]["others"] == {"fee": "25.00", "days": 2, "spread_bps": "30"}
    code, _, err = run(f"report {period}")
    assert (code, err.split(":")[0]) == (1, "RATE_MISSING")

    page = Path("report.html").read_text()
    tree = ElementTree.fromstring(page.removeprefix("<!doctype html>").replace('<meta charset="utf-8">', ""))
    text = " ".join("".join(tree.itertext()).split())
    assert "Acme group <&>: treasury report" in text
    for figure in ("99,283.00", "USD 277.63", "12,000.00", "USD 25.00, 2 business days, 30 bps"):
        assert figure in text
    assert "<script" not in page
    # The longest bar is the largest figure, and the shortest the smallest.
    for drawing in tree.iter("svg"):
        bars = [int(each.attrib["width"]) for each in drawing.iter("rect")]
        assert bars == sorted(bars)
        assert bars[-1] == 420


def test_the_pages_files_are_files(tmp_path: Path) -> None:
    group, assumptions = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "group.toml").write_text(group)
    (tmp_path / "assumptions.toml").write_text(assumptions)
    assert load_group(tmp_path / "group.toml").name == "Acme"
    said = load_assumptions(tmp_path / "assumptions.toml")
    assert (said.days("EUR"), said.days("USD")) == (1, 2)
