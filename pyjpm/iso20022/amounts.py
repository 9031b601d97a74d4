"""Amounts, dates and times between messages and our values."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from pyjpm.errors.money import MoneyError, TooManyDecimals, UnknownCurrency
from pyjpm.iso8601 import parse_datetime
from pyjpm.iso20022.reading import Problem, find, problem, text
from pyjpm.money import Money

if TYPE_CHECKING:
    from lxml.etree import _Element


def read_money(element: _Element, path: str, found: list[Problem]) -> Money | None:
    """The amount at a path, with its ``Ccy``; what is wrong goes to ``found``, None where it is not there."""
    at = find(element, path)
    if at is None:
        return None
    try:
        return Money((at.text or "").strip(), str(at.get("Ccy") or ""))
    except TooManyDecimals as error:
        allowed = error.details.get("allowed")
        found.append(problem("AM12", f"The amount has more than the {allowed} decimals of its currency.", at))
    except UnknownCurrency:
        found.append(problem("AM03", "The amount is in no active ISO 4217 currency.", at))
    except MoneyError:
        found.append(problem("AM12", "This is no amount.", at))
    return None


def read_date(element: _Element, path: str, zone: datetime.tzinfo) -> datetime.datetime | None:
    """The date or time at a path: of a bare date its start, of a time without offset its moment, in this zone."""
    said = text(element, f"{path}/Dt", f"{path}/DtTm", path)
    return None if said is None else moment(said, zone)


def moment(said: str, zone: datetime.tzinfo) -> datetime.datetime | None:
    """An ISO 8601 date or time as a point in time, None where it is neither. A date's own offset counts."""
    try:
        if len(said) > 10 and "T" not in said:
            # 2026-11-30Z and 2026-11-30+01:00 are dates too.
            said = f"{said[:10]}T00:00:00{said[10:]}"
        found = parse_datetime(said)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def money_plain(money: Money) -> dict[str, str]:
    """An amount by element names, never below zero."""
    return {"value": str(abs(money).amount), "Ccy": money.currency}


def time_text(at: datetime.datetime) -> str:
    """A time as messages have it, to the second, with its offset."""
    assert at.tzinfo is not None
    said = at.replace(microsecond=0).isoformat()
    return said.replace("+00:00", "Z")


def date_text(at: datetime.date) -> str:
    """A date as messages have it."""
    return (at.date() if isinstance(at, datetime.datetime) else at).isoformat()


def total(amounts: list[Any]) -> Money | None:
    """The sum of amounts in one currency; None of none, or of several currencies."""
    currencies = {amount.currency for amount in amounts}
    if len(currencies) != 1:
        return None
    return Money.from_minor(sum(amount.minor for amount in amounts), currencies.pop())
