"""The extra's screener: names across scripts and transliterations. Run by `make screening-extra`."""

from __future__ import annotations

import time

import pytest
from screening.screening_support import lists
from screening.transliterations import DIFFERENT, PAIRS

from pyjpm.screening import Kind, ListEntry, LogicScreener, Party, SanctionsList


def score(listed: str, asked: str, kind: Kind) -> int:
    one = SanctionsList("one", "1", 0, (ListEntry("1", kind, (listed,)),))
    return max((hit.score for hit in LogicScreener([one], cutoff=1).screen(Party(asked, kind))), default=0)


@pytest.mark.parametrize(("listed", "asked", "_", "by_extra"), PAIRS)
def test_transliterations_are_found_as_documented(listed: str, asked: str, _: bool, by_extra: bool) -> None:
    kind = Kind.ORGANISATION if listed == "Severstal" else Kind.PERSON
    found = score(listed, asked, kind)
    print(f"{listed} | {asked} | {found}")
    assert (found >= 70) is by_extra


@pytest.mark.parametrize(("listed", "asked"), DIFFERENT)
def test_others_are_others(listed: str, asked: str) -> None:
    assert score(listed, asked, Kind.PERSON) < 70


def test_it_finds_in_lists_what_the_default_misses() -> None:
    screener = LogicScreener(lists())
    assert screener.versions == {each.name: each.version for each in lists()}
    for asked, entry in {
        "Юсуф Каримов": "90001",
        "Gennadi Schtscherbakow": "90004",
        "Alexei Tchernychov": "EU.9001.1",
        "محمد حسن التستي": "TSi.001 8000001",
    }.items():
        assert entry in {hit.entry for hit in screener.screen(Party(asked, Kind.PERSON))}, asked
    assert screener.screen(Party("Maria Fernandes", Kind.PERSON)) == []


def test_one_party_is_never_screened_under_the_name_of_another() -> None:
    """nomenklatura remembers what it worked out by an entity's id alone."""
    screener = LogicScreener(lists())
    assert screener.screen(Party("Yusuf Karimov", Kind.PERSON))
    assert not screener.screen(Party("Maria Fernandes", Kind.PERSON))
    assert screener.screen(Party("Yusuf Karimov", Kind.PERSON))


def test_how_long_it_takes_against_many() -> None:
    many = tuple(ListEntry(str(n), Kind.PERSON, (f"Name{n} Surname{n * 7}",)) for n in range(5_000))
    screener = LogicScreener([SanctionsList("many", "1", 0, many)])
    screener.screen(Party("Yusuf Karimov", Kind.PERSON))
    started = time.perf_counter()
    screener.screen(Party("Olena Kovalenko", Kind.PERSON))
    took = time.perf_counter() - started
    print(f"5,000 entries: {took:.2f} s")
    assert took < 10
