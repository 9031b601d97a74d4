"""The default screener: names by edit distance (rapidfuzz), on Latin letters as they are written.

Decisions that govern this module:

* It finds other orders of the words, accents, slips of the pen, further given names and legal forms left out. It does
  not know how one name is written in other scripts or by other rules of transliteration: for that there is the extra
  (:mod:`pyjpm.screening.logic`). docs/screening.md shows by name what each finds.
* Kind, country and birth do not quiet a name: they are for the people who decide the hit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pyjpm.directory.names import without_forms, written
from pyjpm.errors.screening import ScreeningSupportMissing
from pyjpm.screening.lists import ListEntry, SanctionsList
from pyjpm.screening.party import Hit, Party

CUTOFF: Final = 85
_LEAST_WORDS: Final = 2  # of a name that is looked for within a longer one
_LEAST_WORD: Final = 75.0  # of 100, for each of its words
_LIKELY: Final = 60.0


class FuzzyScreener:
    """Screens against lists.

    Args:
        cutoff: of 100; from this score on it is a hit.

    Raises:
        ScreeningSupportMissing: rapidfuzz is not installed.
    """

    def __init__(self, lists: Iterable[SanctionsList], *, cutoff: int = CUTOFF) -> None:
        try:
            from rapidfuzz import fuzz, process
        except ModuleNotFoundError as error:
            raise ScreeningSupportMissing("rapidfuzz is not installed.", extra="screening") from error
        self._fuzz, self._process = fuzz, process
        self._cutoff = cutoff
        self._lists = {each.name: each for each in lists}
        self._names: list[str] = []
        self._owners: list[tuple[SanctionsList, ListEntry, str]] = []
        for each in self._lists.values():
            for entry in each.entries:
                for name in entry.names:
                    for form in {comparable for comparable in map(_comparable, written(name)) if comparable}:
                        self._names.append(form)
                        self._owners.append((each, entry, name))

    @property
    def versions(self) -> dict[str, str]:
        """The lists, by name, with the version of each."""
        return {name: each.version for name, each in self._lists.items()}

    def screen(self, party: Party) -> list[Hit]:
        """Everybody whose name is close enough, closest first; one hit for each entry."""
        best: dict[tuple[str, str], Hit] = {}
        for asked in {comparable for comparable in map(_comparable, written(party.name)) if comparable}:
            for place, score in self._close(asked):
                listed, entry, name = self._owners[place]
                known = best.get((listed.name, entry.id))
                if known is None or known.score < score:
                    best[listed.name, entry.id] = Hit(
                        party, listed.name, listed.version, entry.id, name, score, entry.about(name)
                    )
        return sorted(best.values(), key=lambda hit: (-hit.score, hit.source, hit.entry))

    def _close(self, asked: str) -> Iterable[tuple[int, int]]:
        """Places of names, each with its score of 100."""
        found = self._process.extract(
            asked, self._names, scorer=self._fuzz.ratio, score_cutoff=self._cutoff, limit=None
        )
        for _, score, place in found:
            yield place, int(score)
        words = asked.split()
        if len(words) < _LEAST_WORDS:
            return
        # One name may leave out words that the other has: the shorter one's are looked for in the longer one.
        likely = self._process.extract(
            asked, self._names, scorer=self._fuzz.token_set_ratio, score_cutoff=_LIKELY, limit=None
        )
        for name, _, place in likely:
            score = self._contained(words, name.split())
            if score >= self._cutoff:
                yield place, int(score)

    def _contained(self, one: list[str], other: list[str]) -> float:
        """How well the words of the shorter name are found in the longer one, each once, of 100."""
        shorter, longer = sorted((one, other), key=len)
        if len(shorter) < _LEAST_WORDS:
            return 0.0
        left, scores = list(longer), []
        for word in shorter:
            best = max(left, key=lambda each: self._fuzz.ratio(word, each))
            scores.append(self._fuzz.ratio(word, best))
            left.remove(best)
        return sum(scores) / len(scores) if min(scores) >= _LEAST_WORD else 0.0


def _comparable(words: tuple[str, ...]) -> str:
    return " ".join(without_forms(words))
