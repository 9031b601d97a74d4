"""docs/ledger.md says what is so: its examples run, its tables name every break and error there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from planted import bank_side
from scene import Scene
from test_ledger_command import Desk

from pyjpm.cli import main
from pyjpm.errors import ledger as errors
from pyjpm.ledger import BreakKind, Ledger, read_items_file

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_examples_run(scene: Scene, tmp_path: Path, capsys: Any) -> None:
    desk = Desk(scene, tmp_path / "books.db", tmp_path, capsys)
    names: dict[str, Any] = {
        "NODE": scene.bank.connection.where,
        "RECORD": desk.record,
        "LEDGER": desk.where,
        "DEPOSITS": desk.file(bank_side(scene)),
        "PARTICIPANT": scene.bob.session.participant,
        "YESTERDAY": scene.bank.session.now() - 86_400,
        "read_items_file": lambda name: read_items_file(tmp_path / name),
    }
    first, second = blocks("python")
    exec(first, names)
    assert names["found"].clean
    assert names["statement"].closing == scene.bob.deposits.balance(currency="USD").balance.minor
    (tmp_path / "invoices.csv").write_text(
        "creditor,debtor,kind,number,amount,currency\n"
        f"{scene.bob.session.participant},{scene.alice.session.participant},invoice,INV-1,12.00,USD\n"
    )
    with Ledger(desk.where, scene.bank, keys=tuple(scene.keys.values())) as ledger:
        ledger.sync()
        names["ledger"] = ledger
        capsys.readouterr()
        exec(second, names)
        assert capsys.readouterr().out == "INV-1 200\n"


def test_the_commands_are_there(capsys: Any) -> None:
    commands = [line.split() for line in blocks("sh")[0].splitlines()]
    for words in commands:
        assert words[0] == "pyjpm"
        options = {word for word in words if word.startswith("--")}
        command = words[1:3] if words[1] == "ledger" else words[1:2]
        assert main([*command, "--help"]) == 0
        shown = capsys.readouterr().out
        assert all(option in shown for option in options), (command, options)


def test_every_break_and_every_error_is_on_the_page() -> None:
    for kind in BreakKind:
        assert f"`{kind.value}`" in PAGE
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.LedgerError) and error is not errors.LedgerError:
            assert f"`{error.code}`" in PAGE, error.code
