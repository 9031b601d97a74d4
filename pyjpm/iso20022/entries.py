"""What stands in a bank's account report, statement or notice: the same values for camt.052, camt.053 and camt.054."""

from __future__ import annotations

import datetime
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from pyjpm.iso20022.names import MessageName
from pyjpm.iso20022.parties import NO_ACCOUNT, NO_AGENT, NO_PARTY, Account, Agent, Party
from pyjpm.iso20022.reading import Problem
from pyjpm.money import Money
from pyjpm.remittance import Remittance

NO_NAME: Final = ("NOTPROVIDED", "NONREF")
"""What banks write where a name must be there and they have none, the second since SWIFT's MT940."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One payment within an entry.

    Attributes:
        amount: more than nothing; None where only the entry says one.
        credit: whether it came in.
        end_to_end_id, instruction_id, transaction_id, uetr: what names it; None where not said.
        bank_reference: the bank's own (``AcctSvcrRef``).
        return_reason: ISO code where it is a payment that came back.
        remittance: what it was for; None without an EndToEndId.
        information: what else is said of it.
    """

    amount: Money | None
    credit: bool
    end_to_end_id: str | None = None
    instruction_id: str | None = None
    transaction_id: str | None = None
    uetr: uuid.UUID | None = None
    bank_reference: str | None = None
    message_id: str | None = None
    debtor: Party = NO_PARTY
    debtor_account: Account = NO_ACCOUNT
    debtor_agent: Agent = NO_AGENT
    creditor: Party = NO_PARTY
    creditor_account: Account = NO_ACCOUNT
    creditor_agent: Agent = NO_AGENT
    return_reason: str | None = None
    remittance: Remittance | None = field(default=None, repr=False)
    information: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntry:
    """One entry of an account.

    Attributes:
        reference: the entry's own name: the bank's reference (``AcctSvcrRef``), else ``NtryRef``; "" where it has none.
        bank_reference: ``AcctSvcrRef`` alone: what the bank names it by in every message; None where it says none.
        amount: more than nothing.
        credit: whether the balance rises. A reversal of a credit has ``credit`` False and ``reversal`` True.
        status: ``BOOK``, ``PDNG``, ``INFO`` or ``FUTR``.
        booked, value: when; None where not said.
        transactions: what it is made of; none where the bank says nothing of it.
        line, path: where it stands.
    """

    reference: str
    bank_reference: str | None
    amount: Money
    credit: bool
    reversal: bool
    status: str
    booked: datetime.datetime | None
    value: datetime.datetime | None
    code: str
    transactions: tuple[Transaction, ...]
    line: int
    path: str


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement out of an entry: the whole of it, or one transaction of a batch."""

    entry: BankEntry
    transaction: Transaction | None
    amount: Money
    credit: bool
    reference: str | None
    """The bank's own; None where it gave none."""
    part: int = 0
    """Its place in a batch, from 1; 0 of the whole of an entry."""

    @property
    def end_to_end_id(self) -> str | None:
        """The payer's, or ours where it is a payout."""
        said = None if self.transaction is None else self.transaction.end_to_end_id
        return None if said in NO_NAME else said


def movements(entry: BankEntry) -> list[Movement]:
    """What an entry is made of. A batch is taken apart where each part has its own amount in the entry's currency.

    A part has its own side: charges may be taken off a batch of credits. Where the bank gives several parts one
    reference, such as the entry's, they are told apart by their places.
    """
    parts = entry.transactions
    amounts = [each.amount for each in parts if each.amount is not None]
    if len(parts) > 1 and len(amounts) == len(parts) and {each.currency for each in amounts} == {entry.amount.currency}:
        given = Counter(each.bank_reference for each in parts)
        return [
            Movement(entry, each, amount, each.credit, _part_reference(entry, each, number, given), number)
            for number, (each, amount) in enumerate(zip(parts, amounts, strict=True), 1)
        ]
    only = parts[0] if len(parts) == 1 else None
    own = None if only is None else only.bank_reference
    return [Movement(entry, only, entry.amount, entry.credit, entry.bank_reference or own)]


def _part_reference(entry: BankEntry, part: Transaction, number: int, given: Counter[str | None]) -> str | None:
    own = part.bank_reference
    if own is not None and given[own] == 1 and own != entry.bank_reference:
        return own
    shared = own or entry.bank_reference
    return None if shared is None else f"{shared}/{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An entry that cannot be used."""

    line: int
    path: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """One account's part of a message.

    Attributes:
        id: of the report or statement.
        account: whose entries they are; ``servicer`` the bank that keeps it.
        balances: by ISO code, such as ``OPBD`` and ``CLBD``; below zero where it is a debit.
        entries: those that can be used, ``rejected`` those that cannot.
        problems: what is wrong with the whole, such as balances that its entries do not lead to.
    """

    id: str
    account: Account
    servicer: Agent
    currency: str | None
    balances: dict[str, Money]
    entries: tuple[BankEntry, ...]
    rejected: tuple[Rejected, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BankMessage:
    """A camt.052, camt.053 or camt.054 as read."""

    name: MessageName
    message_id: str
    created: str
    reports: tuple[AccountReport, ...]
    sha256: str

    @property
    def entries(self) -> tuple[BankEntry, ...]:
        """Of all accounts."""
        return tuple(entry for report in self.reports for entry in report.entries)

    def problems(self) -> list[dict[str, Any]]:
        """All that is wrong, as JSON-able data."""
        return [
            each.to_dict()
            for report in self.reports
            for each in (*report.problems, *(each for rejected in report.rejected for each in rejected.problems))
        ]
