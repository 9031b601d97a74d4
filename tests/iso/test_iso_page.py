"""docs/iso20022.md: its examples run as they stand, and it names what is read and written."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from companies import Company
from samples import CREDITOR_IBAN, DEBTOR_IBAN, OTHER_IBAN, Pay, file_of

from pyjpm import Platform
from pyjpm.contracts.sources import project_root
from pyjpm.iso20022 import READ, WRITTEN
from pyjpm.ledger import Ledger

PAGE = (project_root() / "docs" / "iso20022.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


class Mapped:
    def __init__(self, names: dict[str, int]) -> None:
        self.names = names

    def resolve(self, scheme: str, identifier: str) -> int | None:
        return self.names.get(identifier)


def test_its_examples_run_as_they_stand(
    bank: Platform,
    company: Callable[..., Company],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    payer, payee = company(deposit="100.00"), company()
    given: dict[str, Any] = {
        "treasury": payer.platform,
        "directory": Mapped({DEBTOR_IBAN: payer.id, CREDITOR_IBAN: payee.id}),
        "data": file_of(Pay("A", "1.25"), Pay("B", "1.001"), Pay("C", iban=OTHER_IBAN)),
        "participant": payer.id,
        "since": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
        "until": datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC),
    }
    taking, problems, stating = EXAMPLES
    exec(taking, given)
    payer.platform.payments.get(given["taken"].instructions[0].submission).wait()
    assert [each.state for each in given["taken"].instructions] == ["SENT", "REJECTED", "UNROUTED"]
    exec(problems, given)
    assert "AM12" in capsys.readouterr().out
    with Ledger(tmp_path / "ledger.db", bank) as ledger:
        ledger.sync()
        exec(stating, {**given, "ledger": ledger})
    assert "USD 1.25" in capsys.readouterr().out


def test_it_names_the_versions() -> None:
    rows: dict[str, tuple[str, str]] = {}
    for names, read, written in re.findall(r"^\| ((?:\w+\.\d+(?:, )?)+) \| ([^|]*) \| ([^|]*) \|", PAGE, re.MULTILINE):
        rows |= dict.fromkeys(names.split(", "), (read, written))
    assert set(rows) == set(READ)
    for name, (read, written) in rows.items():
        assert written.startswith(f".{WRITTEN[name]}")
        said = re.findall(r"\.(\d\d)", read)
        assert said[0] == READ[name][0]
        assert said[-1] == READ[name][-1]
