"""The screener of the extra: names across scripts and transliterations (nomenklatura, logic-v2).

Decisions that govern this module:

* It is an extra with an environment of its own in mind: some 700 MB, for what it knows of names in all scripts.
* nomenklatura remembers what it worked out of an entity by the entity's id: each one here has an id of its own, for
  ever, or one party would be screened under the name of another.
* Every entry of every list is compared, as its own preselection could leave out what this is for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Final

from pyjpm.errors.screening import ScreeningSupportMissing
from pyjpm.screening.lists import Kind, SanctionsList
from pyjpm.screening.party import Hit, Party

CUTOFF: Final = 70
_SCHEMAS: Final = {Kind.PERSON: "Person", Kind.ORGANISATION: "Organization", Kind.OTHER: "LegalEntity"}
_numbers = itertools.count()


class LogicScreener:
    """Screens against lists.

    Args:
        cutoff: of 100; from this score on it is a hit.

    Raises:
        ScreeningSupportMissing: nomenklatura is not installed.
    """

    def __init__(self, lists: Iterable[SanctionsList], *, cutoff: int = CUTOFF) -> None:
        try:
            from followthemoney import model
            from nomenklatura.matching import LogicV2
        except ModuleNotFoundError as error:
            raise ScreeningSupportMissing("nomenklatura is not installed.", extra="nomenklatura") from error
        self._model, self._algorithm, self._config = model, LogicV2, LogicV2.default_config()
        self._cutoff = cutoff
        self._lists = {each.name: each for each in lists}
        self._entries = [
            (each, entry, self._entity(entry.kind, entry.names))
            for each in self._lists.values()
            for entry in each.entries
        ]

    @property
    def versions(self) -> dict[str, str]:
        """The lists, by name, with the version of each."""
        return {name: each.version for name, each in self._lists.items()}

    def screen(self, party: Party) -> list[Hit]:
        """Everybody whose name is close enough, closest first."""
        asked = self._entity(party.kind, (party.name,))
        hits = []
        for listed, entry, entity in self._entries:
            score = round(self._algorithm.compare(asked, entity, self._config).score * 100)
            if score >= self._cutoff:
                name = entry.names[0]
                hits.append(Hit(party, listed.name, listed.version, entry.id, name, score, entry.about(name)))
        return sorted(hits, key=lambda hit: (-hit.score, hit.source, hit.entry))

    def _entity(self, kind: Kind, names: tuple[str, ...]) -> Any:
        entity = self._model.make_entity(_SCHEMAS[kind])
        entity.id = f"pyjpm-{next(_numbers)}"
        for name in names:
            entity.add("name", name, quiet=True, cleaned=True)
        return entity
