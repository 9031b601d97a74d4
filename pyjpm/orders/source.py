"""How a log's files, times and amounts are written: the sections [file], [time] and [numbers] of a mapping."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from pyjpm.errors.money import InvalidAmount
from pyjpm.orders.rows import FileLayout
from pyjpm.orders.section import Section, Text
from pyjpm.orders.times import TimeReader, check_format, zone_of


class FileSection(Section):
    """How the log and the parties file are written."""

    delimiter: Text = ","
    encoding: Text = "utf-8"
    empty: tuple[str, ...] = ()

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str) -> str:
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ValueError("must be one character, no quote and no line end")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "a".encode(encoding)
        except (LookupError, UnicodeError):
            raise ValueError("is no text encoding known here") from None
        return encoding.lower()

    def layout(self) -> FileLayout:
        """The same as the row reader wants it."""
        return FileLayout(self.delimiter, self.encoding, frozenset(self.empty))


class TimeSection(Section):
    """How times are written."""

    zone: Text = "UTC"
    formats: tuple[Text, ...] = Field(default=("iso",), min_length=1)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        zone_of(zone)
        return zone

    @field_validator("formats")
    @classmethod
    def _usable_formats(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in formats:
            check_format(pattern)
        return formats

    def reader(self) -> TimeReader:
        """A reader of such times."""
        return TimeReader(zone_of(self.zone), self.formats)


class NumberSection(Section):
    """How amounts are written."""

    decimal_mark: Text = "."
    group_mark: str = ""

    @model_validator(mode="after")
    def _distinct_marks(self) -> Self:
        for mark in (self.decimal_mark, self.group_mark):
            if len(mark) > 1 or mark.isalnum() or mark in ("+", "-"):
                raise ValueError("marks must be one character that is no digit, letter or sign")
        if self.decimal_mark == self.group_mark:
            raise ValueError("decimal_mark and group_mark must differ")
        return self

    def plain(self, text: str) -> str:
        """The amount as :class:`pyjpm.money.Money` reads it: no groups, and a point.

        Raises:
            InvalidAmount: not written as this section says.
        """
        if self.decimal_mark == "." and not self.group_mark:
            return text
        group, mark = re.escape(self.group_mark), re.escape(self.decimal_mark)
        whole = rf"[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" if group else "[0-9]+"
        if not re.fullmatch(rf"[+-]?(?:{whole})(?:{mark}[0-9]+)?", text):
            raise InvalidAmount(f"{text[:40]!r} is no number with the mapping's marks.")
        return text.replace(self.group_mark, "").replace(self.decimal_mark, ".")
