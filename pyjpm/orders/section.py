"""What every section of a mapping file shares: nothing unknown in it, nothing changed after it was read."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator

from pyjpm.orders.times import parse_duration

MAX_DURATION = 366 * 86400
"""Seconds: the longest duration that the escrow takes."""

Text = Annotated[str, StringConstraints(strict=True, min_length=1)]


def _country(code: str) -> str:
    if not re.fullmatch("[A-Z]{2}", code):
        raise ValueError(f"{code!r} is no ISO 3166-1 alpha-2 code such as 'DE'")
    return code


CountryCode = Annotated[Text, AfterValidator(_country)]


def _seconds(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a duration such as '30d', '12h' or '1d12h'")
    return parse_duration(value)


def _escrow_seconds(value: Any) -> int:
    seconds = _seconds(value)
    if seconds > MAX_DURATION:
        raise ValueError("is more than 366 days")
    return seconds


def _some_seconds(value: Any) -> int:
    seconds = _escrow_seconds(value)
    if seconds == 0:
        raise ValueError("must be more than 0")
    return seconds


AnySeconds = Annotated[int, BeforeValidator(_seconds)]
"""A duration from TOML text, in seconds, without a bound of its own."""

EscrowSeconds = Annotated[int, BeforeValidator(_escrow_seconds)]
"""As the escrow bounds it: at most 366 days; 0 allowed."""

SomeSeconds = Annotated[int, BeforeValidator(_some_seconds)]
"""As the escrow bounds it: at most 366 days, more than 0."""


def _toml_time(value: Any) -> Any:
    if not isinstance(value, date):
        raise ValueError("must be a TOML date or time, without quotes, such as 1998-06-30")
    if not 1970 < value.year < 2106:
        raise ValueError("lies outside the years that a chain's clock can tell")
    return value


DayOrTime = Annotated[date | datetime, BeforeValidator(_toml_time)]
"""A day, meaning its last second, or a time, which is in the mapping's zone unless it has an offset."""


class Section(BaseModel):
    """A table of the mapping file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            allowed = [field.alias or name for name, field in cls.model_fields.items()]
            unknown = sorted(set(data) - set(allowed))
            if unknown:
                raise ValueError(f"unknown key {', '.join(unknown)}; allowed are {', '.join(allowed)}")
        return data
