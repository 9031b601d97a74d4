"""One change of the directory: what it says, its salted hash, and how it stands."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy import RowMapping

from pyjpm.directory.identifiers import Scheme, normal, scheme_of
from pyjpm.errors.directory import InvalidEntry

_SECONDS = 1 << 40  # later than that is a slip, milliseconds say
_NAME = 140  # ISO 20022 Max140Text


class State(StrEnum):
    """How a change stands."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a change says: from when, and until when, an identifier means a participant.

    Attributes:
        participant: its id, or None: the identifier is mapped to nobody from then on.
        name: of the payee as it is shown to payers, 1 to 140 characters; empty without a participant.
        valid_from, valid_until: unix seconds, the second being the first one after it; None: until changed.
    """

    scheme: Scheme
    identifier: str
    participant: int | None
    name: str
    valid_from: int
    valid_until: int | None = None

    @classmethod
    def of(
        cls,
        scheme: Scheme | str,
        identifier: str,
        participant: int | None,
        name: str,
        valid_from: int,
        valid_until: int | None = None,
    ) -> Entry:
        """An entry in its one written form.

        Raises:
            InvalidIdentifier, InvalidEntry
        """
        kind = scheme_of(scheme)
        if participant is not None and (type(participant) is not int or not 0 < participant < 1 << 32):
            raise InvalidEntry(f"{participant!r} is no participant's id.", field="participant")
        if (participant is None) != (not name.strip()) or len(name) > _NAME:
            raise InvalidEntry("A mapping has a name of 1 to 140 characters, an ending has none.", field="name")
        for field, moment in (("valid_from", valid_from), ("valid_until", valid_until)):
            if moment is not None and (type(moment) is not int or not 0 <= moment < _SECONDS):
                raise InvalidEntry(f"{moment!r} is no time in unix seconds.", field=field)
        if valid_until is not None and valid_until <= valid_from:
            raise InvalidEntry("It would end before it starts.", field="valid_until")
        return cls(kind, normal(kind, identifier), participant, name.strip(), valid_from, valid_until)

    def hash(self, change: str, salt: bytes) -> bytes:
        """What is signed and goes into the chain of hashes, 32 bytes: tells nothing without the salt."""
        said = json.dumps({"change": change, **asdict(self)}, sort_keys=True, ensure_ascii=False)
        return keccak(salt + said.encode())


@dataclass(frozen=True, slots=True)
class Change:
    """A proposed or decided change. Times in unix seconds; people by the addresses of their keys.

    Attributes:
        revision: its place among the approved ones, from 1; None where it is not approved.
    """

    id: str
    entry: Entry
    state: State
    maker: str
    made_at: int
    made_why: str
    checker: str | None
    decided_at: int | None
    decided_why: str | None
    revision: int | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        told = asdict(self)
        return {"id": told.pop("id"), **told.pop("entry"), **told}


def entry_of(row: RowMapping) -> Entry:
    """What a stored change says."""
    return Entry(
        Scheme(row["scheme"]),
        row["identifier"],
        row["participant"],
        row["name"],
        row["valid_from"],
        row["valid_until"],
    )


def change_of(row: RowMapping) -> Change:
    """A stored change."""
    names = ("maker", "made_at", "made_why", "checker", "decided_at", "decided_why", "revision")
    return Change(row["id"], entry_of(row), State(row["state"]), *(row[name] for name in names))
