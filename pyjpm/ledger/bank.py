"""The bank's side: entries on the account that stands behind the tokens, from its own file or from a statement.

The file is CSV with a header; columns in any order, others are ignored:

==================  ===================================================================================================
``booked_on``       the day of booking, ``2026-11-29``
``direction``       ``credit`` (a deposit came in) or ``debit`` (a payout left); ``CRDT`` and ``DBIT`` too
``amount``          in major units with a decimal point, more than zero
``currency``        ISO 4217
``reference``       of a deposit: what it was minted under; of a payout: the fiat reference it was settled with
``end_to_end_id``   optional
==================  ===================================================================================================
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from pyjpm.errors.ledger import InvalidBankFile
from pyjpm.errors.money import MoneyError
from pyjpm.iso8601 import parse_date
from pyjpm.money import Money

_DIRECTIONS: Final = {"credit": True, "crdt": True, "debit": False, "dbit": False}
_COLUMNS: Final = ("booked_on", "direction", "amount", "currency", "reference")


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One entry on the bank's account. ``amount_minor`` above zero; ``credit`` is money that came in."""

    reference: str
    amount_minor: int
    currency: str
    credit: bool
    booked_on: date
    end_to_end_id: str | None = None


def read_bank_file(path: str | Path) -> list[BankEntry]:
    """The entries of a CSV file.

    Raises:
        InvalidBankFile: it cannot be read, a column is missing, or a row makes no sense; its line and field are named.
    """
    where = str(path)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise InvalidBankFile(f"{where} has no column {missing[0]!r}.", path=where, line=1, field=missing[0])
            return [_entry(where, rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidBankFile(f"{where} cannot be read: {type(error).__name__}.", path=where) from error


def _entry(where: str, line: int, row: Mapping[str, str | None]) -> BankEntry:
    text = {name: (row.get(name) or "").strip() for name in (*_COLUMNS, "end_to_end_id")}
    field = "booked_on"
    try:
        booked_on = parse_date(text[field])
        field = "direction"
        credit = _DIRECTIONS[text[field].lower()]
        field = "currency"
        Money.zero(text[field])
        field = "amount"
        amount = Money(text[field], text["currency"]).require_positive()
        field = "reference"
        if not text[field]:
            raise ValueError("no reference")
    except (ValueError, KeyError, MoneyError) as error:
        raise InvalidBankFile(
            f"Line {line} of {where} has no usable {field}: {text[field]!r}.", path=where, line=line, field=field
        ) from error
    return BankEntry(
        text["reference"], amount.minor, text["currency"], credit, booked_on, text["end_to_end_id"] or None
    )


def without_repeats(entries: Sequence[BankEntry]) -> tuple[list[BankEntry], list[BankEntry]]:
    """The first entry under each reference and direction, and those that repeat one."""
    first: dict[tuple[str, bool], BankEntry] = {}
    again = []
    for entry in entries:
        if (entry.reference, entry.credit) in first:
            again.append(entry)
        else:
            first[entry.reference, entry.credit] = entry
    return list(first.values()), again
