"""Rows of a CSV file, one at a time, whatever is wrong with some of them.

Decisions that govern this module:

* A file whose header lacks a column that is needed stops the run; a bad row never does. It comes out as a row with a
  ``problem``, and the next one follows.
* A row must have as many fields as the header: one that has not is shifted, and every value in it is doubtful.
* Memory is that of one row (csv bounds a field at 128 KB, so an unclosed quote cannot swallow the rest of the file).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyjpm.errors.orders import MissingColumns, OrdersFileUnreadable, RepeatedColumns


@dataclass(frozen=True, slots=True)
class FileLayout:
    """How a CSV file is written. ``empty``: what stands for no value, beside nothing at all."""

    delimiter: str = ","
    encoding: str = "utf-8"
    empty: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it starts on (1 is the header), its needed values by column, blanks trimmed.

    ``problem`` says what makes the row unreadable, in which case it has no values.
    """

    line: int
    values: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def read_rows(
    path: Path, layout: FileLayout, columns: Collection[str], optional: Collection[str] = ()
) -> Iterator[Row]:
    """The rows of ``path``, streaming; empty lines are skipped.

    Args:
        columns: those that are needed. Others may be there.
        optional: those that are read too where the file has them.

    Raises:
        OrdersFileUnreadable: the file cannot be opened or decoded at all.
        MissingColumns, RepeatedColumns: of the header, at the first row.
    """
    # a byte that is no text of the encoding must spoil its row only: it passes as a lone surrogate and is found there
    encoding = "utf-8-sig" if layout.encoding == "utf-8" else layout.encoding
    try:
        with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
            reader = csv.reader(file, delimiter=layout.delimiter, strict=True)
            header = _header(reader, path, columns, optional)
            wanted = {*columns, *(column for column in optional if column in header)}
            places = [(column, header.index(column)) for column in sorted(wanted)]
            line = reader.line_num + 1
            for fields, problem in _records(reader):
                if problem:
                    through = f" (lines {line} to {reader.line_num})" if reader.line_num > line else ""
                    yield Row(line, problem=problem + through)
                elif fields:
                    yield _row(line, fields, len(header), places, layout.empty)
                line = reader.line_num + 1
    except (OSError, UnicodeError) as error:
        raise OrdersFileUnreadable(f"{path} cannot be read: {_cause(error)}.", path=str(path)) from error


def _header(reader: Iterator[list[str]], path: Path, columns: Collection[str], optional: Collection[str]) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise OrdersFileUnreadable(f"The header of {path} cannot be read: {error}.", path=str(path)) from error
    missing = sorted(set(columns) - set(header))
    if missing:
        raise MissingColumns(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(header) or 'no header'}.",
            path=str(path),
            missing=missing,
            found=header,
        )
    used = {*columns, *optional}
    repeated = sorted(name for name, count in Counter(header).items() if count > 1 and name in used)
    if repeated:
        raise RepeatedColumns(f"{path} has column {', '.join(repeated)} twice.", path=str(path), repeated=repeated)
    return header


def _records(reader: Iterator[list[str]]) -> Iterator[tuple[list[str], str]]:
    while True:
        try:
            yield next(reader), ""
        except csv.Error as error:
            yield [], f"no CSV row: {error}"
        except StopIteration:
            return


def _row(line: int, fields: list[str], width: int, places: list[tuple[str, int]], empty: frozenset[str]) -> Row:
    if len(fields) != width:
        return Row(line, problem=f"{len(fields)} fields where the header has {width}")
    text = "".join(fields)
    if "\0" in text or (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)):
        return Row(line, problem="bytes that are no text of the file's encoding")
    values = {column: fields[place].strip() for column, place in places}
    return Row(line, {column: "" if value in empty else value for column, value in values.items()})


def _cause(error: OSError | UnicodeError) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
