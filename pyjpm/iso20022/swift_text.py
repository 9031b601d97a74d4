"""What SWIFT's text messages have in common: their characters, amounts and dates."""

from __future__ import annotations

import datetime
import re
import unicodedata

from pyjpm.money import Money

_OUTSIDE = re.compile(r"[^a-zA-Z0-9/\-?:().,'+ ]")


def plain_text(said: str) -> str:
    """Text in SWIFT's character set x: accents are dropped, whatever else it lacks becomes a full stop."""
    letters = "".join(each for each in unicodedata.normalize("NFKD", said) if not unicodedata.combining(each))
    return _OUTSIDE.sub(".", letters.replace("ß", "ss").replace("&", "+"))


def lines(said: str, width: int, most: int) -> list[str]:
    """Text as at most so many lines of at most so many characters. None begins with a colon or a hyphen, which would
    end the field."""
    found: list[str] = []
    for line in said.splitlines():
        rest = plain_text(line).strip()
        while rest:
            piece, rest = rest[:width], rest[width:]
            found.append("." + piece[1:] if piece[0] in ":-" else piece)
    return found[:most]


def amount_text(money: Money) -> str:
    """An amount as ``1234,56``; ``1234,`` where there are no decimals."""
    whole, _, decimals = str(abs(money).amount).partition(".")
    return f"{whole},{decimals}"


def day_text(day: datetime.date) -> str:
    """A date as YYMMDD."""
    return day.strftime("%y%m%d")
