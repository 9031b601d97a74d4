"""A sanctions list as it is screened against, whatever form it was published in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What somebody is; OTHER are vessels, aircraft, and who did not say."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One sanctioned party.

    Attributes:
        id: the publisher's own.
        names: the main one first, then aliases, in any script.
        weak: among them, those that the publisher calls weak (nicknames and the like).
        births: as published: a year, a date, or in words.
        countries: nationalities, citizenships and addresses, as published.
        identifiers: numbers of passports, registrations and the like, as published.
        programs: why it is listed, as published.
    """

    id: str
    kind: Kind
    names: tuple[str, ...]
    weak: frozenset[str] = frozenset()
    births: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def about(self, name: str) -> tuple[str, ...]:
        """What helps a person decide whether somebody found by this name of it is this one."""
        labels = {"program": self.programs, "born": self.births, "country": self.countries, "number": self.identifiers}
        told = [f"{label} {each}" for label, members in labels.items() for each in members]
        return (self.kind.value.lower(), *(["weak name"] if name in self.weak else []), *told)


@dataclass(frozen=True, slots=True)
class SanctionsList:
    """One list of one day.

    Attributes:
        name: such as ``OFAC SDN``.
        version: of exactly this content: the start of its hash.
        published: unix seconds (midnight UTC where only a day is known).
    """

    name: str
    version: str
    published: int
    entries: tuple[ListEntry, ...]


def distinct(names: list[str]) -> tuple[str, ...]:
    """Those that are not empty, each once, in their order, spaces made single."""
    return tuple(dict.fromkeys(" ".join(name.split()) for name in names if name and name.strip()))
