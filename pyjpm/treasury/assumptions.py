"""What a report compares with, in the open: what correspondent banks would take and how long, and what money costs.

    base = "USD"                   # what everything is added up in
    zone = "America/New_York"      # whose days count
    holidays = [2026-12-25]        # besides Saturdays and Sundays
    funding_rate = "5.00"          # percent a year that money costs which is on its way or idle
    day_count = 360
    settle = [1, 3]                # the same flow at T+1 and T+3

    [rates]                        # how much of the base currency one of it is
    EUR = "1.08"

    [correspondent]                # a transfer by correspondent banks
    fee = "25.00"                  # in the base currency, each
    days = 2                       # business days in transit
    spread_bps = "30"              # of an exchange, against the middle rate

    [correspondent.EUR]            # otherwise in this currency
    fee = "8.00"
    days = 1

Every figure of a report that rests on one of these is marked by being in a section of its own (``assumed``); what the
chain says never depends on them. Defaults: as above, with no rates, holidays and exceptions, in UTC.
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.treasury import AssumptionsInvalid, RateMissing
from pyjpm.money import MINOR_UNITS, Money, minor_units
from pyjpm.treasury.group import told

DAY = 86_400


def _currency(code: str) -> str:
    try:
        minor_units(code)
    except PyjpmError as error:
        raise ValueError(error.message) from None
    return code


def _decimal(value: Any) -> Decimal:
    text = format(value, "f") if isinstance(value, Decimal) else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,12})?", text):
        raise ValueError("must be a number in quotes such as '25.00', not below 0")
    return Decimal(text)


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be more than 0")
    return value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone such as 'Europe/Berlin'") from None
    return name


def _day(value: Any) -> date:
    if type(value) is not date:
        raise ValueError("must be a TOML date, without quotes, such as 2026-12-25")
    return value


Currency = Annotated[str, AfterValidator(_currency)]
Number = Annotated[Decimal, BeforeValidator(_decimal)]
Days = Annotated[int, Field(ge=0, le=30)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Correspondent(_Table):
    """One transfer by correspondent banks; None where another table says it."""

    fee: Number | None = None
    days: Days | None = None
    spread_bps: Number | None = None


class Assumptions(_Table):
    """See this module's text. ``correspondent`` is by currency; ``""`` stands for all others."""

    base: Currency = "USD"
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    holidays: list[Annotated[date, BeforeValidator(_day)]] = []
    funding_rate: Number = Decimal("5.00")
    day_count: Annotated[int, Field(ge=360, le=366)] = 360
    settle: Annotated[list[Days], Field(min_length=1, max_length=5)] = [1, 3]
    rates: dict[Currency, Annotated[Number, AfterValidator(_positive)]] = {}
    correspondent: dict[str, Correspondent] = {}

    @model_validator(mode="before")
    @classmethod
    def _general_first(cls, data: Any) -> Any:
        """``[correspondent]`` itself is the general case, its tables are the exceptions."""
        if isinstance(data, dict) and isinstance(data.get("correspondent"), dict):
            given = data["correspondent"]
            general = {name: value for name, value in given.items() if not isinstance(value, (dict, Correspondent))}
            tables = {name: value for name, value in given.items() if isinstance(value, (dict, Correspondent))}
            return {**data, "correspondent": {**({"": general} if general else {}), **tables}}
        return data

    @model_validator(mode="after")
    def _known(self) -> Self:
        for currency in self.correspondent:
            if currency:
                _currency(currency)
        if self.base in self.rates:
            raise ValueError(f"a rate of the base currency {self.base} is none")
        self._as_money(self.fee(self.base))
        return self

    # --- what a transfer would take --------------------------------------------------------------------------------

    def fee(self, currency: str) -> Decimal:
        """Of one transfer, in the base currency."""
        said = (each.fee for each in self._tables(currency) if each.fee is not None)
        return next(said, Decimal("25.00"))

    def days(self, currency: str) -> int:
        """Business days in transit."""
        return next((each.days for each in self._tables(currency) if each.days is not None), 2)

    def spread_bps(self, currency: str) -> Decimal:
        """Of an exchange in which this currency is bought."""
        said = (each.spread_bps for each in self._tables(currency) if each.spread_bps is not None)
        return next(said, Decimal(30))

    def _tables(self, currency: str) -> list[Correspondent]:
        """What is said of a currency, the exception before the general case."""
        return [self.correspondent[place] for place in (currency, "") if place in self.correspondent]

    # --- days --------------------------------------------------------------------------------------------------------

    def days_after(self, at: int, business_days: int) -> int:
        """Calendar days until money that leaves at this unix second has arrived, so many later."""
        start = self._date(at)
        day = self._business(start, 1)
        for _ in range(business_days):
            day = self._business(day + timedelta(days=1), 1)
        return (day - start).days

    def days_before(self, at: int, business_days: int) -> int:
        """Calendar days before this unix second by which money has to leave, to be there so many later."""
        end = self._date(at)
        day = self._business(end, -1)
        for _ in range(business_days):
            day = self._business(day - timedelta(days=1), -1)
        return (end - day).days

    def _date(self, at: int) -> date:
        return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(self.zone)).date()

    def _business(self, day: date, step: int) -> date:
        while day.weekday() >= 5 or day in self.holidays:
            day += timedelta(days=step)
        return day

    # --- money -------------------------------------------------------------------------------------------------------

    def in_base(self, minor: int, currency: str) -> Decimal:
        """Minor units of a currency in major units of the base currency, exact.

        Raises:
            RateMissing
        """
        major = Decimal(minor).scaleb(-MINOR_UNITS[currency])
        if currency == self.base:
            return major
        rate = self.rates.get(currency)
        if rate is None:
            raise RateMissing(f"There is no rate of {currency} in {self.base}.", currency=currency, base=self.base)
        return major * rate

    def cost_of(self, amount_days: Decimal) -> Decimal:
        """What money costs, by its amount times its days."""
        return amount_days * self.funding_rate / 100 / self.day_count

    def money(self, amount: Decimal) -> Money:
        """An exact amount of the base currency, to its nearest minor unit, a half to the even one."""
        return Money(amount.quantize(Decimal(1).scaleb(-MINOR_UNITS[self.base]), ROUND_HALF_EVEN), self.base)

    def _as_money(self, amount: Decimal) -> None:
        try:
            Money(amount, self.base)
        except PyjpmError as error:
            raise ValueError(f"the fee: {error.message}") from None

    def to_dict(self) -> dict[str, Any]:
        """All of them as JSON-able data, defaults included."""
        currencies = sorted({self.base, *self.rates, *filter(None, self.correspondent)})
        return {
            "base": self.base,
            "zone": self.zone,
            "holidays": [day.isoformat() for day in self.holidays],
            "funding_rate_percent": str(self.funding_rate),
            "day_count": self.day_count,
            "settle": list(self.settle),
            "rates": {currency: str(rate) for currency, rate in sorted(self.rates.items())},
            "correspondent": {
                currency or "others": {
                    "fee": str(self.fee(currency)),
                    "days": self.days(currency),
                    "spread_bps": str(self.spread_bps(currency)),
                }
                for currency in (*currencies, "")
            },
        }


def load_assumptions(path: Path) -> Assumptions:
    """Read and check a file of assumptions.

    Raises:
        AssumptionsInvalid
    """
    try:
        return Assumptions.model_validate(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AssumptionsInvalid(
            f"{path} says nothing usable: {error}.", path=str(path), problems=[str(error)]
        ) from None
    except ValidationError as error:
        problems = told(error)
        raise AssumptionsInvalid(f"{path}: {'; '.join(problems)}.", path=str(path), problems=problems) from None
