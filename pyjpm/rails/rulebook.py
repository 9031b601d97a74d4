"""The rules by which payments go by token or by SWIFT: a TOML file that treasury and operations can read.

    otherwise = "SWIFT"            # where no rule applies: TOKEN, SWIFT or NONE

    [group]                        # who is internal
    participants = [12, 13, 14]

    [cut_off.USD]                  # until when a SWIFT message still makes the requested day
    at = "17:00"
    zone = "America/New_York"
    holidays = [2026-12-25]        # besides Saturdays and Sundays

    [[rule]]
    name = "within the group"
    rail = "TOKEN"
    on_chain = true
    internal = true

    [[rule]]
    name = "late or large euros"
    rail = "TOKEN"
    on_chain = true
    currency = ["EUR"]
    at_least = "50000.00"

The first rule all of whose conditions hold decides. Conditions: ``on_chain``, ``internal`` (true or false),
``currency`` (a list), ``at_least`` and ``below`` (with exactly one currency), ``from`` and ``to`` (the debtor's and the
creditor's countries), ``not_to``, ``cut_off`` (``"before"`` or ``"after"``), ``payments_at_least`` and
``payments_below`` within ``days`` to the same creditor.

Decisions that govern this module:

* Nothing unknown in the file, no rule without a condition, no two rules of one name: each would decide silently.
* A rule cannot make a rail possible. A rule for a rail that a payment cannot take is passed over, and that is told.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.rails import RulebookInvalid, RulebookUnreadable
from pyjpm.money import Money, minor_units


class Rail(StrEnum):
    """How a payment goes."""

    TOKEN = "TOKEN"  # noqa: S105
    """Bank money on the chain."""
    SWIFT = "SWIFT"
    """A message to another bank."""
    NONE = "NONE"
    """Not at all."""


Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100)]


def _currency(code: str) -> str:
    try:
        minor_units(code)
    except PyjpmError as error:
        raise ValueError(error.message) from None
    return code


def _country(code: str) -> str:
    if not re.fullmatch("[A-Z]{2}", code):
        raise ValueError(f"{code!r} is no ISO 3166-1 alpha-2 code such as 'DE'")
    return code


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone such as 'Europe/Berlin'") from None
    return name


def _time_of_day(value: Any) -> time:
    if not isinstance(value, str) or not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError("must be a time of day such as '17:00'")
    return time.fromisoformat(value)


def _toml_day(value: Any) -> date:
    if type(value) is not date:
        raise ValueError("must be a TOML date, without quotes, such as 2026-12-25")
    return value


def _decimal_text(value: Any) -> Decimal:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,25}(\.[0-9]{1,4})?", value):
        raise ValueError("must be an amount in quotes such as '50000.00'")
    return Decimal(value)


Currency = Annotated[Text, AfterValidator(_currency)]
Country = Annotated[Text, AfterValidator(_country)]
Amount = Annotated[Decimal, BeforeValidator(_decimal_text)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CutOff(_Table):
    """Until when a SWIFT message still makes a day, in a zone of its own."""

    at: Annotated[time, BeforeValidator(_time_of_day)]
    zone: Annotated[Text, AfterValidator(_zone)]
    holidays: list[Annotated[date, BeforeValidator(_toml_day)]] = []

    def is_business_day(self, day: date) -> bool:
        """Whether money moves on this day."""
        return day.weekday() < 5 and day not in self.holidays


class Group(_Table):
    """Whose payments among each other are internal."""

    participants: list[Annotated[int, Field(gt=0)]] = []


class Rule(_Table):
    """One rule: a rail, and the conditions under which it is taken."""

    name: Text
    rail: Rail = Field(strict=False)
    on_chain: bool | None = None
    internal: bool | None = None
    currency: Annotated[list[Currency], Field(min_length=1)] | None = None
    at_least: Amount | None = None
    below: Amount | None = None
    debtor_in: Annotated[list[Country], Field(min_length=1)] | None = Field(default=None, alias="from")
    creditor_in: Annotated[list[Country], Field(min_length=1)] | None = Field(default=None, alias="to")
    creditor_not_in: Annotated[list[Country], Field(min_length=1)] | None = Field(default=None, alias="not_to")
    cut_off: Literal["before", "after"] | None = None
    days: Annotated[int, Field(ge=1, le=366)] | None = None
    payments_at_least: Annotated[int, Field(ge=0)] | None = None
    payments_below: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        conditions = set(type(self).model_fields) - {"name", "rail", "days"}
        if all(getattr(self, name) is None for name in conditions):
            raise ValueError("has no condition, so that no rule after it would count; say it with 'otherwise'")
        if self.at_least is not None or self.below is not None:
            if self.currency is None or len(self.currency) != 1:
                raise ValueError("at_least and below are amounts of one currency: name exactly one")
            for bound in (self.at_least, self.below):
                if bound is not None:
                    self._money(bound)
        counts = self.payments_at_least is not None or self.payments_below is not None
        if counts != (self.days is not None):
            raise ValueError("days goes with payments_at_least or payments_below, and they with it")
        return self

    def money(self, bound: Decimal) -> Money:
        """A bound as money of the rule's currency."""
        return self._money(bound)

    def _money(self, bound: Decimal) -> Money:
        assert self.currency is not None
        try:
            return Money(bound, self.currency[0])
        except PyjpmError as error:
            raise ValueError(error.message) from None


class Rulebook(_Table):
    """A rule file, read and checked."""

    otherwise: Rail = Field(strict=False)
    group: Group = Group()
    cut_off: dict[Currency, CutOff] = {}
    rule: list[Rule] = []
    _sha256: str = PrivateAttr("")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [rule.name for rule in self.rule]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules have the name {', '.join(twice)}")
        for rule in self.rule:
            if rule.cut_off is not None:
                missing = sorted(set(rule.currency or ()) - set(self.cut_off))
                if rule.currency is None or missing:
                    raise ValueError(
                        f"rule {rule.name!r} asks for a cut-off: name its currencies, each with a [cut_off.…] table"
                    )
        return self

    def zone(self, currency: str) -> ZoneInfo:
        """Whose days count for a currency: its cut-off's, else UTC."""
        cut_off = self.cut_off.get(currency)
        return ZoneInfo("UTC" if cut_off is None else cut_off.zone)

    @property
    def sha256(self) -> str:
        """Of the file as it was read, 64 hex digits: which rules decided."""
        return self._sha256


def load_rulebook(path: Path) -> Rulebook:
    """Read and check a rule file.

    Raises:
        RulebookUnreadable: it cannot be opened.
        RulebookInvalid: every problem is named by its place.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RulebookUnreadable(f"{path} cannot be read: {error.strerror}.", path=str(path)) from error
    return parse_rulebook(content, str(path))


def parse_rulebook(content: bytes, path: str = "the rules") -> Rulebook:
    """The rules of a file's content. Raises RulebookInvalid."""
    try:
        rulebook = Rulebook.model_validate(tomllib.loads(content.decode(), parse_float=Decimal))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulebookInvalid(f"{path} is no TOML: {error}.", path=path, problems=[str(error)]) from error
    except ValidationError as error:
        problems = [_problem(detail["loc"], detail["msg"]) for detail in error.errors()]
        raise RulebookInvalid(f"{path}: {'; '.join(problems)}.", path=path, problems=problems) from None
    rulebook._sha256 = hashlib.sha256(content).hexdigest()
    return rulebook


def _problem(location: tuple[int | str, ...], message: str) -> str:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    said = message.removeprefix("Value error, ").replace("Field required", "is missing")
    return f"{key}: {said}" if key else said
