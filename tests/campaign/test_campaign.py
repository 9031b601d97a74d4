"""The short form of ``make faults``: forty histories, and three mistakes that must be caught, by its own command.

As a command of its own: the order of sets is part of a history, and that is settled when Python starts.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from campaign.mutants import MUTANTS

TESTS = Path(__file__).parents[1]


def campaign(*arguments: str) -> tuple[int, dict[str, object], str]:
    """Exit status, the figures, and what it says of them."""
    done = subprocess.run(
        [sys.executable, "-m", "campaign", *arguments], cwd=TESTS, capture_output=True, text=True, check=False
    )
    figures = ast.literal_eval(done.stdout.splitlines()[-1]) if done.stdout else {}
    return done.returncode, figures, done.stderr


def test_forty_histories_end_well() -> None:
    status, figures, said = campaign("--only", "histories", "--histories", "40", "--jobs", "2")
    assert status == 0, said
    wrong = ("unresolved", "duplicates", "lost", "negative_but_paid")
    assert [figures[name] for name in wrong] == [0, 0, 0, 0]
    assert figures["histories"] == 40
    payments, final = figures["payments"], figures["final"]
    assert isinstance(payments, int)
    assert isinstance(final, int)
    assert payments >= 800
    assert final > payments / 2


def test_three_mistakes_are_caught() -> None:
    names = ["hash_is_proof", "used_nonce_is_proof", "believes_a_refusal"]
    assert set(names) <= set(MUTANTS)
    status, figures, said = campaign("--only", "mutants", "--mutant", *names, "--jobs", "2")
    assert status == 0, said
    assert (figures["mutants"], figures["mutants_caught"]) == (3, 3)


def test_one_seed_is_one_history() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-m", "campaign", "--seed", "3"], cwd=TESTS, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert told[0] == told[1]
    assert len(told[0].splitlines()) > 60
