"""A bank's statement as a reconciliation takes it: one entry for each payment that is booked.

Decisions that govern this module:

* What is pending, or only a notice, is not on the account and is left out.
* An entry of several payments is several, each under the bank's reference of it: its own, or the entry's with its
  place, as the bank side mints and settles them. What the bank gave no name is known by its EndToEndId.
"""

from __future__ import annotations

from pyjpm.errors.ledger import InvalidBankFile
from pyjpm.iso20022.entries import AccountReport, BankMessage, Movement, movements
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
                found += [_payment(each) for each in movements(entry)]
    return found


def _payment(movement: Movement) -> Booked:
    entry, transaction = movement.entry, movement.transaction
    when = entry.booked or entry.value
    if when is None:
        raise InvalidBankFile("An entry of the statement has no date.", line=entry.line, field=entry.path)
    # NtryRef names the whole entry, none of its parts.
    reference = movement.reference or ("" if movement.part else entry.reference)
    named = movement.end_to_end_id or (None if transaction is None else transaction.instruction_id)
    amount = movement.amount
    return Booked(
        reference or named or (f"line {entry.line}/{movement.part}" if movement.part else f"line {entry.line}"),
        amount.minor,
        amount.currency,
        movement.credit,
        when.date(),
        named,
    )
