"""A bank's statement as a reconciliation takes it: one entry for each payment that is booked.

Decisions that govern this module:

* What is pending, or only a notice, is not on the account and is left out.
* An entry of several payments is several, each under the bank's reference of it: its own, or the entry's with its
  place, as the bank side mints and settles them. What the bank gave no name is known by its EndToEndId.
"""

from __future__ import annotations

from pyjpm.errors.ledger import InvalidBankFile
from pyjpm.iso20022.entries import AccountReport, BankEntry, BankMessage, Transaction
from pyjpm.ledger import BankEntry as Booked


def booked_entries(statement: BankMessage | AccountReport) -> list[Booked]:
    """The booked payments of a statement.

    Raises:
        InvalidBankFile: an entry cannot be used, or has no date: a statement that is not whole cannot be reconciled.
    """
    reports = statement.reports if isinstance(statement, BankMessage) else (statement,)
    found = []
    for report in reports:
        for rejected in report.rejected:
            raise InvalidBankFile("An entry of the statement cannot be used.", line=rejected.line, field=rejected.path)
        for entry in report.entries:
            if entry.status == "BOOK":
                found += _payments(entry)
    return found


def _payments(entry: BankEntry) -> list[Booked]:
    if len(entry.transactions) < 2:
        only = next(iter(entry.transactions), None)
        own = None if only is None else only.bank_reference
        return [_payment(entry, only, entry.bank_reference or own or entry.reference)]
    name = entry.bank_reference
    return [
        _payment(entry, each, each.bank_reference or ("" if name is None else f"{name}/{place}"))
        for place, each in enumerate(entry.transactions, 1)
    ]


def _payment(entry: BankEntry, transaction: Transaction | None, reference: str) -> Booked:
    when = entry.booked or entry.value
    if when is None:
        raise InvalidBankFile("An entry of the statement has no date.", line=entry.line, field=entry.path)
    named = None if transaction is None else transaction.end_to_end_id or transaction.instruction_id
    amount = entry.amount if transaction is None or transaction.amount is None else transaction.amount
    return Booked(
        reference or named or f"line {entry.line}", amount.minor, amount.currency, entry.credit, when.date(), named
    )
