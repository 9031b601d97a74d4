"""Dates and times as ISO 8601 writes them, out of text that others wrote.

Decisions that govern this module:

* ``fromisoformat`` alone is not strict: of ten digits Python 3.11 reads eight as a date and drops the rest, so that
  unix seconds such as 1796012767 (2026-11-30) became a day of the year 1796; and between a date and a time it takes
  any sign. What a text is must not depend on the second in which it was written: its form is checked first.
* A day is ``2026-11-30``, ``20261130`` or a week date (``2026-W49-1``), a time is a day, ``T`` or a space, and a time
  of the day with or without an offset. A run of digits is a day if they are eight, and nothing else.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from typing import Final

_DAY: Final = r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-?W[0-9]{2}(?:-?[0-9])?)"
_DATE: Final = re.compile(_DAY)
_DATETIME: Final = re.compile(_DAY + r"(?:[Tt ][0-9:.,]+(?:[Zz]|[+-][0-9:.]+)?)?")


def parse_date(text: str) -> date:
    """The day that ``text`` names.

    Raises:
        ValueError: it names none.
    """
    if _DATE.fullmatch(text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise ValueError(f"{text[:40]!r} is no day such as 2026-11-30")


def parse_datetime(text: str) -> datetime:
    """The time that ``text`` names, or 00:00 of a day; without a zone where it has no offset.

    Raises:
        ValueError: it names none.
    """
    if _DATETIME.fullmatch(text):
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    raise ValueError(f"{text[:40]!r} is no time such as 2026-11-30T04:25:33Z")
