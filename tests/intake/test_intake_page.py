"""The page on orders: its example runs as it stands, its commands and codes exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pyjpm import errors
from pyjpm.contracts.sources import project_root
from pyjpm.orders.intake import IntakeMapping
from pyjpm.orders.intake.states import EventState

PAGE = (project_root() / "docs" / "orders.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text(blocks("python")[0])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_mapping_is_one() -> None:
    import tomllib

    assert IntakeMapping.model_validate(tomllib.loads(blocks("toml")[0])).statuses == {"DELIVERED": 2}


def test_states_and_codes_are_those_of_the_program() -> None:
    told = re.search(r"^States: (.*?)\.", PAGE, re.MULTILINE)
    assert told is not None
    assert set(told[1].split(", ")) == set(EventState) - {EventState.CONFLICT, EventState.INVALID}
    known = {error.code for error in vars(errors).values() if hasattr(error, "code")}
    source = "\n".join(path.read_text() for path in (project_root() / "pyjpm" / "orders" / "intake").glob("*.py"))
    codes = re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE)
    assert len(codes) > 10
    assert [code for code in codes if code not in known and f'"{code}"' not in source] == []
