"""Order events out of named values: the columns of a CSV row, the members of a JSON object.

Decisions that govern this module:

* A value is text, as a file or a message has it; JSON's numbers are taken as they are written, never as floats.
* What makes an event unusable is said of the event, with its place; the ones beside it go on.
* A document's file is one beside the data: a name that leads elsewhere is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pyjpm.bounded_json import read_json
from pyjpm.errors.money import MoneyError
from pyjpm.errors.orders import RowUnusable
from pyjpm.money import Money
from pyjpm.orders.connectors.connector import CURRENCY, Problem, StatusEvent
from pyjpm.orders.mapping import ColumnOrValue
from pyjpm.orders.section import Section, Text
from pyjpm.orders.source import NumberSection, TimeSection

MOST_BYTES: Final = 64 << 20
"""Of one file or document."""
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": True}


class EventColumns(Section):
    """How an event's columns and members are called. ``extra``: further columns that scripts may want to know; of JSON,
    all further members are handed on."""

    source: Text = "source"
    order: Text = "order"
    milestone: Text = "milestone"
    seq: Text = "seq"
    status: Text = "status"
    at: Text = "at"
    accepted: Text = "accepted"
    currency: ColumnOrValue = ColumnOrValue(column="currency")
    complete: Text = "complete"
    document: Text = "document"
    document_file: Text = "document_file"
    extra: tuple[Text, ...] = ()

    def needed(self) -> frozenset[str]:
        """Those that every row has."""
        return frozenset({self.order, self.status, self.at})

    def optional(self) -> frozenset[str]:
        """Those that it may have."""
        names = {self.source, self.milestone, self.seq, self.accepted, self.complete, self.document, self.document_file}
        currency = {self.currency.column} if self.currency.column else set()
        return frozenset(names | currency | set(self.extra))


class EventFields:
    """Reads events by the names and forms of a mapping.

    Args:
        source: of events that name none.
    """

    def __init__(self, source: str, columns: EventColumns, times: TimeSection, numbers: NumberSection) -> None:
        self.source = source
        self.columns = columns
        self._times = times.reader()
        self._numbers = numbers

    def event(self, values: Mapping[str, str], place: str, folder: Path | None = None) -> StatusEvent | Problem:
        """The event of these values, or what keeps them from being one.

        Args:
            folder: where a document's file may lie; None where there are no files.
        """
        try:
            return self._event(values, place, folder)
        except (RowUnusable, MoneyError) as error:
            return Problem(place, error.message)
        except ValueError as error:
            return Problem(place, str(error))

    def _event(self, values: Mapping[str, str], place: str, folder: Path | None) -> StatusEvent:
        names = self.columns

        def told(name: str) -> str:
            return values.get(name, "")

        for name in (names.order, names.status, names.at):
            if not told(name):
                raise ValueError(f"{name} is empty.")
        at = self._times.moment(told(names.at))
        used = (names.needed() | names.optional()) - set(names.extra)
        extra = {name: value for name, value in values.items() if name not in used and value}
        amount = self._accepted(values)
        return StatusEvent(
            source=told(names.source) or self.source,
            order=told(names.order),
            milestone=told(names.milestone),
            seq=_number(told(names.seq)) if told(names.seq) else at,
            status=told(names.status),
            accepted=None if amount is None else amount.minor,
            complete=_flag(told(names.complete)),
            document=_document(told(names.document), told(names.document_file), folder),
            at=at,
            extra={**extra, **({} if amount is None else {CURRENCY: amount.currency}), "place": place},
        )

    def _accepted(self, values: Mapping[str, str]) -> Money | None:
        text, currency = values.get(self.columns.accepted, ""), self.columns.currency
        if not text:
            return None
        name = currency.value if currency.column is None else values.get(currency.column, "")
        if not name:
            raise ValueError(f"{self.columns.accepted} is given without its currency.")
        return Money(self._numbers.plain(text), name)


def json_events(text: str | bytes, fields: EventFields, place: str) -> Iterator[StatusEvent | Problem]:
    """The events of a JSON text: one object, a list of them, or ``{"events": [...]}``.

    What is no JSON of this form is one problem.
    """
    try:
        data = read_json(text, parse_float=str)
    except ValueError as error:
        yield Problem(place, f"It is no JSON: {error}.")
        return
    if isinstance(data, dict) and isinstance(data.get("events"), list):
        data = data["events"]
    single = isinstance(data, dict)
    for number, item in enumerate([data] if single else data if isinstance(data, list) else [None]):
        where = place if single else f"{place}#{number}"
        if not isinstance(item, dict):
            yield Problem(where, "It is no JSON object.")
            continue
        nested = sorted(name for name, value in item.items() if isinstance(value, (dict, list)))
        if nested:
            yield Problem(where, f"{', '.join(nested)} is no single value.")
            continue
        yield fields.event({name: _text(value) for name, value in item.items()}, where)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value).strip()


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", text):
        raise ValueError(f"The seq {text[:40]!r} is no whole number.")
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(f"{text[:40]!r} is not true or false.")
    return _FLAGS[text.lower()]


def _document(encoded: str, name: str, folder: Path | None) -> bytes | None:
    if encoded:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("The document is no base64.") from None
    if not name:
        return None
    if folder is None:
        raise ValueError("A document's file can only be named in a folder.")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ValueError(f"There is no file {name[:80]!r} beside the data.")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"The file {name[:80]!r} is too long.")
    return path.read_bytes()
