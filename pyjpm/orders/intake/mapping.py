"""The mapping file of an intake: which status of a source means which status of which milestone.

It is TOML. Unknown keys, wrong types and contradictions are refused, each named by its key::

    [statuses]                    # numbers 1..255, as the orders' terms have them; attesters sign these
    DELIVERED = 2
    DAMAGED = 9

    [[rule]]                      # the first one that fits an event counts
    status = "done"               # the source's word, or a list of them
    part = "shipment"             # optional: only where the source calls the part of the order so
    source = "erp"                # optional: only from this source
    means = "DELIVERED"
    milestone = 0                 # optional: the milestone's index in the order's terms. Without it the order book
                                  # says which milestone the source's part is.
    [[rule]]
    status = ["draft", "waiting"]
    ignore = true                 # no business of payments

    [columns]                     # optional: how CSV columns and JSON members are called; these are the defaults
    order = "order"
    milestone = "milestone"       # optional in the data, as are accepted, complete, document and source
    seq = "seq"                   # without a value: the time of the status in unix seconds
    status = "status"
    at = "at"
    accepted = "accepted"         # cumulative, in major units of the currency; empty: all
    currency = "currency"         # of `accepted`; or { value = "USD" }
    complete = "complete"         # true, yes, 1 or false, no, 0; empty: true
    document = "document"         # base64; or, in a folder, the name of a file beside the data in `document_file`
    document_file = "document_file"
    extra = []                    # further CSV columns that scripts may want to know

    [file]                        # optional, as in the mapping of a log: delimiter, encoding, empty
    [time]                        # optional, likewise: zone, formats (here by default: iso or unix)
    [numbers]                     # optional, likewise: decimal_mark, group_mark

An event that no rule fits, or whose milestone nobody names, is reported with its place, and looked at again when the
mapping has changed.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, StrictInt, ValidationError, model_validator

from pyjpm.errors.intake import IntakeMappingInvalid
from pyjpm.orders.connectors.connector import StatusEvent
from pyjpm.orders.connectors.fields import EventColumns, EventFields
from pyjpm.orders.section import Section, Text
from pyjpm.orders.source import FileSection, NumberSection, TimeSection

_MOST_MILESTONES: Final = 16


class Rule(Section):
    """What an event means."""

    status: tuple[Text, ...] = Field(min_length=1)
    part: str | None = None
    source: Text | None = None
    means: Text | None = None
    milestone: StrictInt | None = Field(default=None, ge=0, lt=_MOST_MILESTONES)
    ignore: bool = False

    @model_validator(mode="before")
    @classmethod
    def _one_status(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("status"), str):
            return {**data, "status": (data["status"],)}
        return data

    @model_validator(mode="after")
    def _means_or_ignore(self) -> Self:
        if (self.means is None) != self.ignore:
            raise ValueError("one of `means` and `ignore = true` must be there, not both")
        if self.ignore and self.milestone is not None:
            raise ValueError("what is ignored has no milestone")
        return self

    def fits(self, event: StatusEvent) -> bool:
        """Whether the rule is about this event."""
        return (
            event.status in self.status and self.part in (None, event.milestone) and self.source in (None, event.source)
        )


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event means. ``milestone`` is None where the order book has to say."""

    status: str
    number: int
    milestone: int | None


class IntakeMapping(Section):
    """A whole mapping, valid in itself. Made by :func:`load_intake_mapping`, or from a dictionary of the same form."""

    statuses: dict[Text, StrictInt] = Field(min_length=1)
    rule: tuple[Rule, ...] = Field(min_length=1)
    columns: EventColumns = EventColumns()
    file: FileSection = FileSection()
    time: TimeSection = TimeSection(formats=("iso", "unix"))
    numbers: NumberSection = NumberSection()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [
            f"statuses.{name}: must be 1 to 255" for name, number in self.statuses.items() if not 1 <= number <= 255
        ]
        if len(set(self.statuses.values())) < len(self.statuses):
            problems.append("statuses: two statuses have one number")
        problems += [
            f"rule[{place}].means: {rule.means!r} is not in [statuses]"
            for place, rule in enumerate(self.rule)
            if rule.means is not None and rule.means not in self.statuses
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def sha256(self) -> str:
        """Of what it says, hexadecimal."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def fields(self, source: str) -> EventFields:
        """A reader of events that are written as this mapping says, from ``source`` where they name none."""
        return EventFields(source, self.columns, self.time, self.numbers)

    def meaning(self, event: StatusEvent) -> Meaning | None:
        """What the first rule that fits says; None to ignore the event.

        Raises:
            LookupError: no rule fits.
        """
        for rule in self.rule:
            if rule.fits(event):
                return None if rule.means is None else Meaning(rule.means, self.statuses[rule.means], rule.milestone)
        part = f" of {event.milestone!r}" if event.milestone else ""
        raise LookupError(f"No rule of the mapping fits the status {event.status!r}{part} from {event.source!r}.")


def load_intake_mapping(path: Path) -> IntakeMapping:
    """Read and check a mapping file.

    Raises:
        IntakeMappingInvalid: it cannot be opened, is no TOML, or not a mapping; every problem is named by its key.
    """
    try:
        data = tomllib.loads(path.read_bytes().decode(), parse_float=Decimal)
        return IntakeMapping.model_validate(data)
    except OSError as error:
        raise _invalid(path, [f"it cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(path, [f"it is no TOML: {error}"]) from error
    except ValidationError as error:
        raise _invalid(path, [_problem(detail["loc"], detail["msg"]) for detail in error.errors()]) from None


def _invalid(path: Path, problems: list[str]) -> IntakeMappingInvalid:
    return IntakeMappingInvalid(f"{path}: {'; '.join(problems)}.", path=str(path), problems=problems)


def _problem(location: tuple[int | str, ...], message: str) -> str:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    said = message.removeprefix("Value error, ").replace("Field required", "is missing")
    return f"{key}: {said}" if key else said
