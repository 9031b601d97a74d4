"""Open items: invoices and credit notes beside the payments that say what they settle.

Decisions that govern this module:

* What a payment settles is what its remittance says, up to what was paid: credit notes count in full, then the invoices
  in the order in which they are named. So a short payment leaves its difference open, at the invoice named last. Of a
  credit note no more is used than the invoices take: the rest of it stays open.
* What was paid beyond the documents is unapplied, and documents that nobody knows are shown with it: neither is
  guessed at.
* Nothing is stored of a clearing: it follows from documents and payments, as of any block. A payment that the chain
  took back, or a document that comes late, changes it by itself.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from pyjpm.errors.ledger import InvalidItem, ItemConflict
from pyjpm.errors.money import MoneyError
from pyjpm.iso8601 import parse_date
from pyjpm.ledger import tables
from pyjpm.ledger.statements import StatementEntry, entries_of
from pyjpm.money import Money
from pyjpm.remittance import DocumentKind

_COLUMNS: Final = ("creditor", "debtor", "kind", "number", "amount", "currency")
_KINDS: Final = {
    "invoice": DocumentKind.INVOICE,
    "cinv": DocumentKind.INVOICE,
    "credit_note": DocumentKind.CREDIT_NOTE,
    "cren": DocumentKind.CREDIT_NOTE,
}


@dataclass(frozen=True, slots=True)
class Item:
    """An invoice or credit note. ``creditor`` and ``debtor`` are participant ids, ``amount_minor`` above zero."""

    creditor: int
    debtor: int
    kind: DocumentKind
    number: str
    amount_minor: int
    currency: str
    issued: date | None = None
    due: date | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.number) <= 35:
            raise InvalidItem("A document's number has 1 to 35 characters.", field="number")
        if self.amount_minor <= 0 or self.amount_minor >= 2**63:
            raise InvalidItem("A document's amount is above zero.", field="amount")
        if self.creditor == self.debtor or min(self.creditor, self.debtor) <= 0:
            raise InvalidItem("Creditor and debtor are two participants.", field="debtor")


@dataclass(frozen=True, slots=True)
class Settled:
    """What one payment settled of one document, minor units. ``payment`` is the id of the statement's entry."""

    payment: str
    block: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A document and how far it is settled. ``open_minor`` is what is left of it, 0 once it is closed."""

    item: Item
    settled: tuple[Settled, ...]

    @property
    def open_minor(self) -> int:
        """What is left of it, minor units."""
        return self.item.amount_minor - sum(each.amount_minor for each in self.settled)

    def to_dict(self) -> dict[str, Any]:
        """The item as JSON-able data: amounts in major units."""
        item = self.item
        return {
            "creditor": item.creditor,
            "debtor": item.debtor,
            "kind": item.kind.value,
            "number": item.number,
            "currency": item.currency,
            "amount": str(Money.from_minor(item.amount_minor, item.currency).amount),
            "open": str(Money.from_minor(self.open_minor, item.currency).amount),
            "issued": None if item.issued is None else item.issued.isoformat(),
            "due": None if item.due is None else item.due.isoformat(),
            "payments": [each.payment for each in self.settled],
        }


@dataclass(frozen=True, slots=True)
class Unapplied:
    """What of a payment settled nothing, minor units, and the documents it names that are not known or not so large."""

    payment: str
    block: int
    creditor: int
    debtor: int
    currency: str
    amount_minor: int
    documents: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The rest as JSON-able data: the amount in major units."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "amount_minor"}
        return {**plain, "amount": str(Money.from_minor(self.amount_minor, self.currency).amount)}


@dataclass(frozen=True, slots=True)
class OpenItems:
    """The items of a creditor as of a block, and what of its incoming payments settled none."""

    block: int
    items: tuple[OpenItem, ...]
    unapplied: tuple[Unapplied, ...]

    @property
    def open(self) -> tuple[OpenItem, ...]:
        """Those of which something is left."""
        return tuple(each for each in self.items if each.open_minor)

    def to_dict(self) -> dict[str, Any]:
        """The items as JSON-able data."""
        return {
            "block": self.block,
            "items": [each.to_dict() for each in self.items],
            "unapplied": [each.to_dict() for each in self.unapplied],
        }


def add_items(connection: Connection, items: Iterable[Item]) -> int:
    """Keeps documents; one that is there already as it is changes nothing. How many were new.

    Raises ItemConflict: another one has its kind and number between the two.
    """
    table, added = tables.item, 0
    for item in items:
        values = {
            "creditor": item.creditor,
            "debtor": item.debtor,
            "kind": item.kind.value,
            "number": item.number,
            "currency": item.currency,
            "amount": item.amount_minor,
            "issued": None if item.issued is None else item.issued.isoformat(),
            "due": None if item.due is None else item.due.isoformat(),
        }
        this = [table.c[name] == values[name] for name in ("creditor", "debtor", "kind", "number")]
        row = connection.execute(select(table).where(*this)).one_or_none()
        if row is None:
            connection.execute(table.insert().values(**values))
            added += 1
        elif dict(row._mapping) != values:
            raise ItemConflict(
                f"There is another {item.kind.name.lower()} {item.number} of participant {item.creditor}.",
                number=item.number,
            )
    return added


def open_items(connection: Connection, creditor: int, block: int, *, debtor: int | None = None) -> OpenItems:
    """The items of a creditor, by debtor, currency, kind and number, as of a block."""
    table = tables.item
    query = select(table).where(table.c.creditor == creditor)
    if debtor is not None:
        query = query.where(table.c.debtor == debtor)
    items = [_item(row) for row in connection.execute(query)]
    settled: dict[Item, list[Settled]] = defaultdict(list)
    known = {(each.debtor, each.currency, each.kind, each.number): each for each in items}
    unapplied = []
    for currency in sorted({each.currency for each in items} | set(_currencies(connection))):
        for entry in entries_of(connection, creditor, currency, 0, block):
            paid_by = entry.counterparty
            if entry.amount_minor <= 0 or paid_by is None or entry.remittance is None:
                continue
            if debtor is None or debtor == paid_by:
                rest, documents = _apply(entry, paid_by, currency, known, settled)
                if rest or documents:
                    unapplied.append(Unapplied(entry.id, entry.block, creditor, paid_by, currency, rest, documents))
    order = sorted(items, key=lambda each: (each.debtor, each.currency, each.kind, each.number))
    return OpenItems(block, tuple(OpenItem(each, tuple(settled[each])) for each in order), tuple(unapplied))


def _apply(
    entry: StatementEntry,
    debtor: int,
    currency: str,
    known: Mapping[tuple[int, str, DocumentKind, str], Item],
    settled: Mapping[Item, list[Settled]],
) -> tuple[int, tuple[str, ...]]:
    """Settles what a payment names; what is left of it, and the documents that it could not settle as it says."""
    assert entry.remittance is not None
    documents = entry.remittance.documents

    def settle(kind: DocumentKind, most: int) -> tuple[int, list[tuple[Item, int]], list[str]]:
        """How much of ``most`` the documents of a kind take, each its part, and which do not take what is said."""
        taken: dict[Item, int] = defaultdict(int)
        strange = []
        for document in documents:
            if document.kind is not kind:
                continue
            item = known.get((debtor, currency, kind, document.number))
            if item is None or document.amount.currency != currency:
                strange.append(document.number)
                continue
            left = item.amount_minor - taken[item] - sum(each.amount_minor for each in settled[item])
            asked = abs(document.settled.minor)
            amount = min(left, asked, most - sum(taken.values()))
            # An invoice that was paid short is not strange: what is left of it is open.
            if asked > (left if kind is DocumentKind.INVOICE else amount):
                strange.append(document.number)
            taken[item] += amount
        return sum(taken.values()), list(taken.items()), strange

    wanted, _, _ = settle(DocumentKind.INVOICE, sum(each.amount_minor for each in known.values()))
    credit, notes, strange_notes = settle(DocumentKind.CREDIT_NOTE, wanted)
    paid, invoices, strange = settle(DocumentKind.INVOICE, entry.amount_minor + credit)
    for item, amount in [*notes, *invoices]:
        if amount:
            settled[item].append(Settled(entry.id, entry.block, amount))
    return entry.amount_minor + credit - paid, (*strange_notes, *strange)


def _currencies(connection: Connection) -> Sequence[str]:
    return [row.currency for row in connection.execute(select(tables.account.c.currency).distinct())]


def _item(row: Any) -> Item:
    return Item(
        row.creditor,
        row.debtor,
        DocumentKind(row.kind),
        row.number,
        row.amount,
        row.currency,
        None if row.issued is None else date.fromisoformat(row.issued),
        None if row.due is None else date.fromisoformat(row.due),
    )


def read_items_file(path: str | Path) -> list[Item]:
    """The documents of a CSV file: ``creditor, debtor, kind, number, amount, currency``, and ``issued, due`` if wanted.

    ``kind`` is ``invoice`` or ``credit_note`` (``CINV``, ``CREN``), ``amount`` in major units, days as ``2026-11-29``.

    Raises:
        InvalidItem: it cannot be read, a column is missing, or a row makes no sense; its line and field are named.
    """
    where = str(path)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise InvalidItem(f"{where} has no column {missing[0]!r}.", path=where, line=1, field=missing[0])
            return [_row(where, rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidItem(f"{where} cannot be read: {type(error).__name__}.", path=where) from error


def _row(where: str, line: int, row: Mapping[str, str | None]) -> Item:
    text = {name: (row.get(name) or "").strip() for name in (*_COLUMNS, "issued", "due")}
    field = "creditor"
    try:
        creditor = int(text[field])
        field = "debtor"
        debtor = int(text[field])
        field = "kind"
        kind = _KINDS[text[field].lower()]
        field = "currency"
        Money.zero(text[field])
        field = "amount"
        amount = Money(text[field], text["currency"])
        field = "issued"
        issued = parse_date(text[field]) if text[field] else None
        field = "due"
        due = parse_date(text[field]) if text[field] else None
    except (ValueError, KeyError, MoneyError) as error:
        raise InvalidItem(
            f"Line {line} of {where} has no usable {field}: {text[field]!r}.", path=where, line=line, field=field
        ) from error
    try:
        return Item(creditor, debtor, kind, text["number"], amount.minor, amount.currency, issued, due)
    except InvalidItem as error:
        raise InvalidItem(f"Line {line} of {where}: {error.message}", path=where, line=line, **error.details) from error
