"""MT940: a statement as text, where a system still wants it. Written here, read with mt-940.

Decisions that govern this module:

* References are not cut: field 61 has room for 16 characters, so the whole EndToEndId is in field 86 (``/EREF/``).
* What is read is checked by its balances, as the format has no schema: a statement that does not add up is said to.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from pyjpm.errors.iso20022 import Iso20022ExtraMissing, MalformedMessage, MessageNotWritable
from pyjpm.errors.money import MoneyError
from pyjpm.iso20022.entries import AccountReport, BankEntry, Transaction
from pyjpm.iso20022.initiation import NOT_PROVIDED
from pyjpm.iso20022.parties import NO_AGENT, Account
from pyjpm.iso20022.reading import Problem
from pyjpm.iso20022.statement_writing import StatementEntry
from pyjpm.iso20022.swift_text import amount_text, day_text, lines, plain_text
from pyjpm.money import Money

_NO_REFERENCE: Final = "NONREF"
_CODE: Final = "/EREF/"
_BALANCE: Final = r"[CD][0-9]{6}[A-Z]{3}[0-9]{1,14},[0-9]{0,4}$"
_FORMS: Final = {
    ":61:": re.compile(r":61:[0-9]{6}([0-9]{4})?R?[CD][A-Z]?[0-9]{1,14},[0-9]{0,4}[NFS][A-Z0-9]{3}.+$"),
    ":60F:": re.compile(":60F:" + _BALANCE),
    ":62F:": re.compile(":62F:" + _BALANCE),
}


def write_mt940(
    entries: Sequence[StatementEntry],
    *,
    reference: str,
    account: Account,
    opening: Money,
    closing: Money,
    since: datetime.date,
    until: datetime.date,
    number: int = 1,
) -> str:
    """The text block of an MT940, lines ended by CR LF.

    Args:
        reference: of the statement (field 20), 1 to 16 characters.
        number: of the statement (field 28C), up to five digits.

    Raises:
        MessageNotWritable: it does not add up, or a reference does not fit.
    """
    moved = sum(entry.amount_minor for entry in entries)
    if opening.minor + moved != closing.minor or not 0 < len(reference) <= 16 or not 0 < number < 100_000:
        raise MessageNotWritable(
            "The statement does not add up, or its reference or number does not fit.",
            name="MT940",
            problems=[{"opening": opening.minor, "moved": moved, "closing": closing.minor}],
        )
    said = [
        f":20:{plain_text(reference)}",
        f":25:{account.iban or account.number or ''}",
        f":28C:{number}/1",
        ":60F:" + _balance(opening, since),
        *(line for entry in entries for line in _entry(entry, opening.currency)),
        ":62F:" + _balance(closing, until),
        "-",
    ]
    return "\r\n".join(said) + "\r\n"


def read_mt940(source: str) -> AccountReport:
    """Reads an MT940 of one statement.

    Raises:
        MalformedMessage: no MT940, or without its balances.
        Iso20022ExtraMissing
    """
    try:
        import mt940
    except ModuleNotFoundError as error:
        raise Iso20022ExtraMissing("mt-940 is not installed.", module=str(error.name)) from error
    # It would take a text without these for the name of a file.
    if "\n" not in source or ":20:" not in source or source.count(":60F:") != 1:
        raise MalformedMessage("This is no MT940 of one statement.", line=0)
    for number, line in enumerate(source.splitlines(), 1):
        # The library takes what it understands of a number, and passes over the rest.
        form = next((form for tag, form in _FORMS.items() if line.startswith(tag)), None)
        if form is not None and not form.match(line):
            raise MalformedMessage(f"Line {number} of this MT940 is none of its field.", line=number)
    try:
        # Whatever it stumbles over, this is no MT940.
        found = mt940.parse(source)
        balances = {
            "OPBD": _read_balance(found.data["final_opening_balance"]),
            "CLBD": _read_balance(found.data["final_closing_balance"]),
        }
        currency = balances["OPBD"].currency
        entries = tuple(_read_entry(each.data, currency) for each in found if each.data)
        account = str(found.data["account_identification"])
    except (MoneyError, MalformedMessage):
        raise MalformedMessage("An amount of this MT940 is none.", line=0) from None
    except Exception as error:
        raise MalformedMessage("This is no MT940.", line=0) from error
    moved = sum(entry.amount.minor if entry.credit else -entry.amount.minor for entry in entries)
    # What it could not make sense of, it leaves out: then there are fewer entries than fields.
    lost = source.count("\n:61:") != len(entries)
    adds_up = not lost and balances["OPBD"].minor + moved == balances["CLBD"].minor
    wrong = Problem("AM10", "The entries do not lead from the opening to the closing balance.", 0, ":62F:")
    return AccountReport(
        id=str(found.data.get("transaction_reference", "")),
        account=Account(iban=account) if account[:2].isalpha() else Account(number=account),
        servicer=NO_AGENT,
        currency=currency,
        balances=balances,
        entries=entries,
        rejected=(),
        problems=() if adds_up else (wrong,),
    )


def _balance(amount: Money, day: datetime.date) -> str:
    return f"{'C' if amount.minor >= 0 else 'D'}{day_text(day)}{amount.currency}{amount_text(amount)}"


def _entry(entry: StatementEntry, currency: str) -> list[str]:
    at = datetime.datetime.fromtimestamp(entry.at, datetime.UTC)
    reference = entry.end_to_end_id or ""
    short = plain_text(reference)
    own = short if 0 < len(short) <= 16 and "//" not in short and short == reference else _NO_REFERENCE
    amount = Money.from_minor(entry.amount_minor, currency)
    side = "C" if entry.amount_minor >= 0 else "D"
    said = f":61:{day_text(at)}{at:%m%d}{side}{amount_text(amount)}NTRF{own}//{entry.block}-{entry.log_index}"
    text = "" if entry.remittance is None else entry.remittance.text
    details = ([_CODE + short] if reference else []) + lines(text, 65, 5)
    return [said, *([f":86:{details[0]}", *details[1:]] if details else [])]


def _read_balance(found: Any) -> Money:
    return Money(Decimal(found.amount.amount), str(found.amount.currency))


def _read_entry(data: dict[str, Any], currency: str) -> BankEntry:
    signed = Money(Decimal(data["amount"].amount), currency)
    status = str(data["status"])
    # A reversed credit (RC) lowers the balance, a reversed debit (RD) raises it; the library signs C and D only.
    credit = status in ("C", "RD")
    details = str(data.get("transaction_details") or "")
    first, _, rest = details.partition("\n")
    own = str(data.get("customer_reference") or "")
    reference = first.removeprefix(_CODE) if first.startswith(_CODE) else own
    known = reference not in ("", _NO_REFERENCE, NOT_PROVIDED)
    bank = str(data.get("bank_reference") or "")
    at = datetime.datetime(data["date"].year, data["date"].month, data["date"].day, tzinfo=datetime.UTC)
    return BankEntry(
        reference=bank,
        bank_reference=bank or None,
        amount=abs(signed),
        credit=credit,
        reversal=status.startswith("R"),
        status="BOOK",
        booked=at,
        value=at,
        code=str(data.get("id") or ""),
        transactions=(
            Transaction(
                amount=abs(signed),
                credit=credit,
                end_to_end_id=reference if known else None,
                bank_reference=bank or None,
                information=rest if first.startswith(_CODE) else details,
            ),
        ),
        line=0,
        path=":61:",
    )
