"""Times and durations as order logs write them.

Decisions that govern this module:

* Everything becomes whole unix seconds; fractions of a second are cut off.
* A date is 00:00 of that day; "the end of" a day is its last second, 23:59:59. Both in the mapping's time zone, UTC
  unless it says otherwise. A time with an offset of its own keeps it.
* A local time that a change to winter time makes ambiguous is the first of the two.
* Chains keep times as unsigned words: before 1970 and from 2106 on (2**32 seconds) is no usable time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from pyjpm.errors.orders import RowUnusable
from pyjpm.iso8601 import parse_date, parse_datetime
from pyjpm.orders.events import RowReason

MAX_TIME: Final = 2**32 - 1
_UNITS: Final = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION: Final = re.compile(r"(?:[0-9]{1,9}[wdhms])+")
_TIME_OF_DAY: Final = re.compile(r"%[-#]?[HIMSfpXcTR]")
_SAMPLE: Final = datetime(2001, 2, 3, 4, 5, 6)


def parse_duration(text: str) -> int:
    """Seconds of a duration such as ``"30d"``, ``"12h"`` or ``"1d12h"`` (w, d, h, m, s).

    Raises:
        ValueError: not written so.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration such as '30d', '12h' or '1d12h' (units w, d, h, m, s)")
    return sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"([0-9]+)([wdhms])", text))


def check_format(pattern: str) -> None:
    """Refuse a time format that could not tell days apart.

    Args:
        pattern: ``"iso"`` (ISO 8601), ``"unix"`` (whole seconds) or a ``strptime`` pattern.

    Raises:
        ValueError: another word, or a pattern that loses the year, month or day.
    """
    if pattern in ("iso", "unix"):
        return
    problem = f"{pattern!r} is no time format: 'iso', 'unix' or a strptime pattern with year, month and day"
    try:
        again = datetime.strptime(_SAMPLE.strftime(pattern), pattern)
    except ValueError:
        raise ValueError(problem) from None
    if again.date() != _SAMPLE.date():
        raise ValueError(problem)


def zone_of(name: str) -> tzinfo:
    """The time zone of an IANA name.

    Raises:
        ValueError: no such zone on this machine.
    """
    if name == "UTC":  # needs no database
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone known here, such as 'UTC' or 'Europe/Berlin'") from None


class TimeReader:
    """Reads the times of one source.

    Args:
        zone: of dates, and of times without an offset.
        formats: tried in this order, see :func:`check_format`.
    """

    def __init__(self, zone: tzinfo, formats: Sequence[str]) -> None:
        self._zone = zone
        self._formats = tuple(formats)

    def moment(self, text: str) -> int:
        """Unix seconds of a time, or of 00:00 of a date.

        Raises:
            RowUnusable: BAD_DATE.
        """
        return self._checked(self._read(text), text)

    def end_of_day(self, text: str) -> int:
        """Unix seconds of the last second of the day on which ``text`` falls.

        Raises:
            RowUnusable: BAD_DATE.
        """
        value = self._read(text)
        day = value.astimezone(self._zone).date() if isinstance(value, datetime) else value
        return self._checked(self._end(day), text)

    def last_second(self, value: date | datetime) -> int:
        """Unix seconds of a time as TOML has it, or of the last second of a date.

        Raises:
            RowUnusable: BAD_DATE.
        """
        return self._checked(value if isinstance(value, datetime) else self._end(value), str(value))

    def _end(self, day: date) -> datetime:
        if day == date.max:
            return datetime.combine(day, time.max, self._zone)
        return datetime.fromtimestamp(self._midnight(day + timedelta(days=1)).timestamp() - 1, UTC)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self._zone)

    def _checked(self, value: date | datetime, text: str) -> int:
        if not isinstance(value, datetime):
            value = self._midnight(value)
        elif value.tzinfo is None:
            value = value.replace(tzinfo=self._zone)
        # not timestamp(), whose float would round the last microseconds of a second up
        seconds = (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
        if not 1 <= seconds <= MAX_TIME:
            raise RowUnusable(
                f"{text!r} lies outside the years 1970 to 2105 that a chain's clock can tell.",
                reason=RowReason.BAD_DATE,
            )
        return seconds

    def _read(self, text: str) -> date | datetime:
        for pattern in self._formats:
            value = _parsed(text, pattern)
            if value is not None:
                return value
        expected = " or ".join(self._formats)
        raise RowUnusable(f"{text!r} is no time ({expected}).", reason=RowReason.BAD_DATE)


def _parsed(text: str, pattern: str) -> date | datetime | None:
    try:
        if pattern == "iso":
            return parse_date(text) if len(text) <= 10 else parse_datetime(text)
        if pattern == "unix":
            return datetime.fromtimestamp(int(text), UTC) if re.fullmatch("[0-9]{1,11}", text) else None
        value = datetime.strptime(text, pattern)
    except (ValueError, OverflowError):
        return None
    return value if _TIME_OF_DAY.search(pattern) else value.date()
