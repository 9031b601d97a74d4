"""The default screener: what it finds, and what it is documented not to find."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest
from screening.screening_support import lists
from screening.transliterations import DIFFERENT, PAIRS

from pyjpm.screening import FuzzyScreener, Kind, ListEntry, Party, SanctionsList


def finds(listed: str, asked: str) -> bool:
    one = SanctionsList("one", "1", 0, (ListEntry("1", Kind.OTHER, (listed,)),))
    return bool(FuzzyScreener([one]).screen(Party(asked)))


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        ("Yusuf Karimov", "90001"),
        ("KARIMOV, Yusuf Rashidovich", "90001"),
        ("Yusuf Karimow", "90001"),
        ("Nightshade Trading and Shipping", "90002"),
        ("Night-shade Trading & Shipping Ltd.", "90002"),
        ("Muhammad Hasan al-Tasti", "TSi.001 8000001"),
        ("TRF International Inc", "TSe.002 8000002"),
        ("Alexei Chernyšov", "EU.9001.1"),
        ("Чернышов Алексей", "EU.9001.1"),
        ("Rassvet Machine Works OOO", "EU.9002.2"),
    ],
)
def test_it_finds(asked: str, entry: str) -> None:
    found = FuzzyScreener(lists()).screen(Party(asked))
    assert [hit.entry for hit in found] == [entry]
    assert 85 <= found[0].score <= 100
    assert found[0].party.name == asked


def test_a_hit_tells_what_helps_to_decide_it() -> None:
    (hit,) = FuzzyScreener(lists()).screen(Party("The Baker"))
    assert (hit.source, hit.entry, hit.name, hit.score) == ("OFAC SDN", "90001", "THE BAKER", 100)
    assert hit.version == lists()[0].version
    assert hit.about == (
        *("person", "weak name", "program TEST-PROGRAM", "program TEST-SECOND"),
        *("born 02 Mar 1961", "country Testland", "number X0000001"),
    )


@pytest.mark.parametrize("asked", ["Northwind Traders Inc", "John Smith", "Test", "Ltd", "", "...", "Mohammed"])
def test_it_leaves_alone(asked: str) -> None:
    assert FuzzyScreener(lists()).screen(Party(asked)) == []


@pytest.mark.parametrize(("listed", "asked", "by_default", "_"), PAIRS)
def test_transliterations_are_found_as_documented(listed: str, asked: str, by_default: bool, _: bool) -> None:
    assert finds(listed, asked) is by_default


@pytest.mark.parametrize(("listed", "asked"), DIFFERENT)
def test_others_are_others(listed: str, asked: str) -> None:
    assert not finds(listed, asked)


def test_it_is_quick_against_many() -> None:
    seed = 8
    print(f"seed {seed}")
    random.seed(seed)
    letters = "abcdefghijklmnoprstuvz"
    many = tuple(
        ListEntry(str(number), Kind.PERSON, (" ".join("".join(random.choices(letters, k=7)) for _ in range(3)),))
        for number in range(20_000)
    )
    screener = FuzzyScreener([SanctionsList("many", "1", 0, many)])
    asked = many[12_345].names[0]
    started = time.perf_counter()
    found = screener.screen(Party(asked))
    took = time.perf_counter() - started
    assert found[0].entry == "12345"
    assert took < 0.5  # some 10 ms here


@pytest.mark.parametrize(
    ("hidden", "made", "extra"),
    [("rapidfuzz", "FuzzyScreener", "screening"), ("nomenklatura", "LogicScreener", "nomenklatura")],
)
def test_a_missing_library_is_named(hidden: str, made: str, extra: str) -> None:
    code = (
        f"import sys\nsys.modules[{hidden!r}] = None\n"
        f"from pyjpm.screening import {made}\nfrom pyjpm.errors import ScreeningSupportMissing\n"
        f"try:\n    {made}([])\nexcept ScreeningSupportMissing as error:\n    print(error.details['extra'], error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{extra} ")
    assert f"pip install 'pyjpm[{extra}]'" in done.stdout or f"'pyjpm[{extra}]'" in done.stdout
