"""Who is screened, what a hit is, and what a screener does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from pyjpm.screening.lists import Kind


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who pays or is paid.

    Attributes:
        name: in full, in any script.
        kind: OTHER where it is not known.
        country: ISO 3166-1 alpha-2, or empty.
        birth: date or year (ISO 8601), of a person, or empty.
    """

    name: str
    kind: Kind = Kind.OTHER
    country: str = ""
    birth: str = ""

    @property
    def key(self) -> str:
        """Names exactly this party: another spelling, country or birth is another party."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Hit:
    """A party that may be one on a list.

    Attributes:
        source, version, entry: the list, its version, and the publisher's number on it.
        name: the one of the entry that is closest.
        score: of 100, as the screener counts.
        about: what the list says of the entry, for whoever decides.
    """

    party: Party
    source: str
    version: str
    entry: str
    name: str
    score: int
    about: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return asdict(self)


class Screener(Protocol):
    """Compares parties with lists. Whoever writes another one implements this; see docs/screening.md."""

    @property
    def versions(self) -> dict[str, str]:
        """The lists it has, by name, with the version of each."""
        ...

    def screen(self, party: Party) -> list[Hit]:
        """Everybody on the lists who may be this party; nobody decides here. An error means: not screened."""
        ...
