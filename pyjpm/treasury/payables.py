"""Intercompany payables: who in the group owes whom how much, from a CSV file of whatever keeps them.

Columns: ``id``, ``debtor``, ``creditor`` (participant ids), ``amount``, ``currency``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.treasury import InvalidPayables
from pyjpm.money import Money
from pyjpm.treasury.group import Group

COLUMNS: Final = ("id", "debtor", "creditor", "amount", "currency")


@dataclass(frozen=True, slots=True)
class Payable:
    """One debt between two participants. ``id`` is what its debtor's books call it."""

    id: str
    debtor: int
    creditor: int
    amount: Money


def load_payables(path: Path) -> list[Payable]:
    """Read a CSV file.

    Raises:
        InvalidPayables: the line is in its details.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise invalid(str(path), f"its columns are not {', '.join(COLUMNS)}")
            return [_payable(row, f"{path}:{reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise invalid(str(path), f"it cannot be read: {error}") from None


def checked(payables: Iterable[Payable], group: Group) -> list[Payable]:
    """The payables, sorted by currency and parties, if they can be netted.

    Raises:
        InvalidPayables: one twice, of somebody who is no member, to itself, or of no amount.
    """
    found, seen = list(payables), set()
    for each in found:
        for problem, holds in (
            ("it stands there twice", each.id.strip() in seen),
            ("it has no id", not each.id.strip()),
            ("debtor and creditor are the same", each.debtor == each.creditor),
            ("a party is no member of the group", not {each.debtor, each.creditor} <= group.participants),
            ("its amount is not more than zero", each.amount.minor <= 0),
        ):
            if holds:
                raise invalid(each.id, problem)
        seen.add(each.id.strip())
    return sorted(found, key=lambda each: (each.amount.currency, each.debtor, each.creditor, each.id))


def _payable(row: dict[str, str], place: str) -> Payable:
    try:
        return Payable(row["id"], int(row["debtor"]), int(row["creditor"]), Money(row["amount"], row["currency"]))
    except PyjpmError as error:
        raise invalid(place, error.message) from None
    except (ValueError, TypeError, KeyError):
        raise invalid(place, "a column is missing or no number") from None


def invalid(payable: str, problem: str) -> InvalidPayables:
    """The error about one payable."""
    return InvalidPayables(f"The payable {payable} cannot be netted: {problem}.", payable=payable, problem=problem)
