"""What the README promises: its examples run as they stand, and its commands are there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pyjpm import LocalSigner, Platform, RuleState
from pyjpm.contracts.sources import project_root

README = (project_root() / "README.md").read_text()
FIRST, RULE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    assert len([line for line in FIRST.splitlines() if line.strip()]) <= 20
    (tmp_path / "build").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FIRST], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "FINAL USD 125.50\n"


def test_the_rule_can_be_agreed_on_as_it_stands(buyer: Platform, seller: Platform) -> None:
    treasurer, controller = (buyer.acting(LocalSigner.generate()) for _ in range(2))
    names = {
        "payer": buyer,
        "employee": seller.session.participant,
        "treasurer": treasurer.session.wallet,
        "controller": controller.session.wallet,
    }
    exec(RULE, names)
    signed = buyer.rules.authorize(names["payroll"])
    both = buyer.rules.collect([treasurer.rules.approve(signed), controller.rules.approve(signed)])
    buyer.rules.submit_mandate(both, idempotency_key="mandate").wait()
    buyer.rules.arm(both, idempotency_key="arm").wait()
    assert buyer.rules.get(both).state is RuleState.ARMED


def test_its_commands_and_folders_exist() -> None:
    makefile = (project_root() / "Makefile").read_text()
    for target in set(re.findall(r"`make ([\w-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for folder in re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE):
        assert (project_root() / folder).is_dir(), folder
    for script in re.findall(r"python scripts/(\w+)\.py", README):
        assert (project_root() / "scripts" / f"{script}.py").is_file(), script
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (project_root() / link).exists(), link
