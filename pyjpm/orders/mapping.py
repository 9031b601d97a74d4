"""The mapping file: what the columns of an order log mean, and which terms its orders have.

It is TOML. Unknown keys, wrong types and contradictions are refused, each named by its key::

    clock_end = 1998-06-30               # optional: the replay's clock runs to the end of this day (or to a time)

    [file]                               # optional, all with these defaults
    delimiter = ","
    encoding = "utf-8"
    empty = []                           # texts that mean no value, such as "NULL"

    [time]                               # optional
    zone = "UTC"                         # of dates, and of times without an offset
    formats = ["iso"]                    # tried in order: "iso", "unix", or strptime patterns

    [numbers]                            # optional
    decimal_mark = "."
    group_mark = ""                      # "," in 1,234.50

    [columns]                            # a column's name, or { value = "..." } for a constant
    order = "order_id"
    buyer = "customer_id"
    seller = { value = "NORTHWIND" }
    amount = "amount_usd"                # in major units; buyer to seller, more than zero
    currency = { value = "USD" }
    opened = "order_date"                # long shape with `opening`: the opening row's time unless given

    [statuses]                           # the log's words as numbers 1..255, which attesters sign
    SHIPPED = 1
    DAMAGED = { number = 9, negative = true }     # negative: disputes what it is attested for

    # One of two shapes.
    [wide]                               # one row an order, a column of times for each status; empty: not reached
    SHIPPED = "shipped_date"             # a wide status' seq is its time in unix seconds

    [long]                               # one row a status
    status = "status"
    at = "at"
    seq = "revision"                     # optional: 1 to 2**48 - 1; without it the status' time in unix seconds
    opening = "CREATED"                  # optional: the status whose row opens the order and holds its columns.
                                         # Without it every row repeats them, and the first one opens the order.
    ignore = ["NOTE ADDED"]              # optional: statuses that are no business of payments
    accepted = "accepted_amount"         # optional, for partial milestones: cumulative, in major units; empty: all
    complete = "is_last"                 # optional, with `accepted`: true, yes, 1 or false, no, 0, empty

    [[terms]]                            # the first whose `when` matches an order's row is the order's
    name = "goods-first"
    when = { column = "ship_country", in = ["Germany", "USA"] }      # without it: everybody else, as the last
    submit_grace = "0s"                  # optional: attestations may come in so much after attest_by
    fallback_to_seller = 50              # optional, percent: where a party disputed and nobody ruled in time
    [[terms.milestones]]
    mode = "on_attest"                   # or "prefund"
    share = "rest"                       # percent of the amount, rounded down to the minor unit, or "rest".
                                         # One milestone of several is the rest; a single one needs no share.
                                         # A milestone that comes to nothing is left out of its order.
    required = "SHIPPED"                 # the status that releases
    attest_by = { end_of_day = "required_date" }  # or { at = column }, { after_opened = "30d" } or
                                         # { fixed = 1998-06-30 }; each also with plus = "2d"
    # fund_by = { after_opened = "1d" }  # optional, prefund only; attest_by unless given
    inspection = "0s"                    # optional; 0: released from the attesting transaction on
    pay_within = "30d"                   # optional; after acceptance, on_attest
    ruling_within = "30d"                # optional; after a dispute
    partial = false                      # optional: paid as accepted amounts come in; only as a single milestone
                                         # without inspection

    [parties]                            # optional; without a file everybody named in the log takes part
    file = "customers.csv"               # beside the mapping; whoever is in neither file nor list is unknown
    id = "customer_id"
    name = "company_name"                # optional
    country = "country"                  # optional
    countries = { Germany = "DE" }       # optional: the file's words as ISO 3166-1 alpha-2
    also = [{ id = "NORTHWIND", name = "Northwind Traders", country = "US" }]

    [attesters]                          # optional
    count = 3
    threshold = 2                        # M: signatures that an attestation needs

Durations are written "30d", "12h" or "1d12h". Limits are the contract's: dates at most 1,096 days after opening,
durations at most 366 days and more than 0 but for inspection and submit_grace, 16 milestones an order.
"""

from __future__ import annotations

import hashlib
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, PrivateAttr, StrictInt, ValidationError, field_validator, model_validator

from pyjpm.errors.money import MoneyError
from pyjpm.errors.orders import MappingInvalid, MappingUnreadable
from pyjpm.money import minor_units
from pyjpm.orders.section import CountryCode, DayOrTime, Section, Text
from pyjpm.orders.source import FileSection, NumberSection, TimeSection
from pyjpm.orders.terms import TermsRule

STATUS_NUMBERS: Final = range(1, 256)


class ColumnOrValue(Section):
    """Where a value comes from: a column of the log, or the same for every row."""

    column: Text | None = None
    value: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_name(cls, data: Any) -> Any:
        return {"column": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise ValueError('must be a column\'s name or { value = "..." }')
        return self

    def of(self, row: dict[str, str]) -> str:
        """The value for this row; empty where the column is."""
        return row[self.column] if self.column is not None else self.value or ""


class Columns(Section):
    """Where an order's own values stand."""

    order: ColumnOrValue
    buyer: ColumnOrValue
    seller: ColumnOrValue
    amount: ColumnOrValue
    currency: ColumnOrValue
    opened: ColumnOrValue | None = None

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, source: ColumnOrValue) -> ColumnOrValue:
        if source.value is not None:
            try:
                minor_units(source.value)
            except MoneyError as error:
                raise ValueError(str(error)) from None
        return source


class Status(Section):
    """A status' number in attestations, and whether it disputes."""

    number: StrictInt
    negative: bool = False

    @model_validator(mode="before")
    @classmethod
    def _plain_number(cls, data: Any) -> Any:
        return {"number": data} if isinstance(data, int) else data

    @field_validator("number")
    @classmethod
    def _eight_bits(cls, number: int) -> int:
        if number not in STATUS_NUMBERS:
            raise ValueError("must be 1 to 255")
        return number


class LongShape(Section):
    """Where a row that is one status has its parts."""

    status: Text
    at: Text
    seq: Text | None = None
    opening: Text | None = None
    ignore: tuple[Text, ...] = ()
    accepted: Text | None = None
    complete: Text | None = None

    @model_validator(mode="after")
    def _complete_needs_accepted(self) -> Self:
        if self.complete is not None and self.accepted is None:
            raise ValueError("complete needs accepted")
        return self


class KnownParty(Section):
    """A party that the parties file does not have."""

    id: Text
    name: Text
    country: CountryCode | None = None


class Parties(Section):
    """Who takes part, and where they are."""

    file: Text | None = None
    id: Text | None = None
    name: Text | None = None
    country: Text | None = None
    countries: dict[str, CountryCode] = Field(default_factory=dict)
    also: tuple[KnownParty, ...] = ()

    @model_validator(mode="after")
    def _file_and_id(self) -> Self:
        if (self.file is None) != (self.id is None):
            raise ValueError("file and id (its column) go together")
        if self.file is None and (self.name or self.country or self.countries):
            raise ValueError("name, country and countries describe a file")
        return self


class Attesters(Section):
    """Who attests: ``count`` attesters, of whom ``threshold`` sign."""

    count: StrictInt = 3
    threshold: StrictInt = 2

    @model_validator(mode="after")
    def _threshold_of_count(self) -> Self:
        if not 1 <= self.threshold <= self.count <= 255:
            raise ValueError("must be 1 <= threshold <= count <= 255")
        return self


class OrderMapping(Section):
    """A whole mapping, valid in itself. Made by :func:`load_mapping`."""

    clock_end: DayOrTime | None = None
    file: FileSection = FileSection()
    time: TimeSection = TimeSection()
    numbers: NumberSection = NumberSection()
    columns: Columns
    statuses: dict[Text, Status]
    wide: dict[Text, Text] | None = None
    long: LongShape | None = None
    terms: tuple[TermsRule, ...]
    parties: Parties | None = None
    attesters: Attesters = Attesters()

    _path: Path = PrivateAttr(default=Path())
    _sha256: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._shape_problems(), *self._status_problems(), *self._terms_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _shape_problems(self) -> list[str]:
        if (self.wide is None) == (self.long is None):
            return ["one of [wide] and [long] must be there, not both"]
        opening = self.long is not None and self.long.opening is not None
        if self.columns.opened is None and not opening:
            return ["columns.opened must be there (only long.opening makes up for it)"]
        return []

    def _status_problems(self) -> list[str]:
        numbers = [status.number for status in self.statuses.values()]
        problems = ["statuses: two statuses have one number"] if len(set(numbers)) < len(numbers) else []
        unknown = sorted(set(self.wide or ()) - set(self.statuses))
        if unknown:
            problems.append(f"wide: {', '.join(unknown)} not in [statuses]")
        if self.long is not None:
            both = sorted(set(self.long.ignore) & {*self.statuses, self.long.opening})
            if both:
                problems.append(f"long.ignore: {', '.join(map(str, both))} cannot be ignored and used")
        return problems

    def _terms_problems(self) -> list[str]:
        problems = [] if self.terms else ["terms: none is given"]
        names = [rule.name for rule in self.terms]
        if len(set(names)) < len(names):
            problems.append("terms: two have one name")
        for rule in self.terms[:-1]:
            if rule.when is None:
                problems.append(
                    f"terms {rule.name}: only the last may lack `when`, for those after it are never reached"
                )
        for rule in self.terms:
            for milestone in rule.milestones:
                status = self.statuses.get(milestone.required)
                if status is None:
                    problems.append(f"terms {rule.name}: required = {milestone.required!r} is not in [statuses]")
                elif status.negative:
                    problems.append(f"terms {rule.name}: required = {milestone.required!r} is negative")
        return problems

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self._path

    @property
    def sha256(self) -> str:
        """Of the file's bytes, hexadecimal."""
        return self._sha256

    @property
    def parties_file(self) -> Path | None:
        """The parties file, beside the mapping."""
        return self._path.parent / self.parties.file if self.parties and self.parties.file else None

    @property
    def order_rows_repeat(self) -> bool:
        """Whether every row of the log repeats its order's columns."""
        return self.long is not None and self.long.opening is None

    @property
    def negative_statuses(self) -> tuple[int, ...]:
        """The numbers of the statuses that dispute, ascending."""
        return tuple(sorted(status.number for status in self.statuses.values() if status.negative))

    def needed_columns(self) -> frozenset[str]:
        """Every column of the log that this mapping names."""
        names: set[str | None] = set((self.wide or {}).values())
        for field in Columns.model_fields:
            source = getattr(self.columns, field)
            names.add(source.column if source is not None else None)
        if self.long is not None:
            long = self.long
            names |= {long.status, long.at, long.seq, long.accepted, long.complete}
        for rule in self.terms:
            names |= rule.needed_columns()
        return frozenset(name for name in names if name is not None)


def load_mapping(path: Path) -> OrderMapping:
    """Read and check a mapping file.

    Raises:
        MappingUnreadable: it cannot be opened.
        MappingInvalid: it is no TOML, or not a mapping; every problem is named by its key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MappingUnreadable(f"{path} cannot be read: {error.strerror}.", path=str(path)) from error
    try:
        data = tomllib.loads(content.decode(), parse_float=Decimal)
        mapping = OrderMapping.model_validate(data)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingInvalid(f"{path} is no TOML: {error}.", path=str(path), problems=[str(error)]) from error
    except ValidationError as error:
        problems = [_problem(detail["loc"], detail["msg"]) for detail in error.errors()]
        raise MappingInvalid(f"{path}: {'; '.join(problems)}.", path=str(path), problems=problems) from None
    mapping._path = path
    mapping._sha256 = hashlib.sha256(content).hexdigest()
    return mapping


def _problem(location: tuple[int | str, ...], message: str) -> str:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    said = message.removeprefix("Value error, ").replace("Field required", "is missing")
    return f"{key}: {said}" if key else said
