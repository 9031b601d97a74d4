"""Entries of the bank's account, as they are in the book: what each is, and how far it has come."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from pyjpm.bank.channel import party_plain_of
from pyjpm.bank.desk import ReserveAccount, now
from pyjpm.bank.details import account_plain_of, agent_plain_of
from pyjpm.iso20022.entries import BankMessage, Movement
from pyjpm.money import Money


class EntryState(StrEnum):
    """How far an entry is."""

    RECEIVED = "RECEIVED"
    """In the book; nobody has dealt with it."""
    WAITING = "WAITING"
    """Matched; the chain does not take the mint now (reserve, ceiling, rate, pause). Tried again."""
    SENT = "SENT"
    """Its mint is on its way, or was about to be when the process ended."""
    DONE = "DONE"
    """Credits: minted. Debits: a payout settled, or a recall was taken. Nothing more happens."""
    SUSPENSE = "SUSPENSE"
    """Somebody must decide."""
    RECALLED = "RECALLED"
    """Asked back before it became tokens; somebody must decide."""
    RETURNING = "RETURNING"
    """It is being sent back."""
    RETURNED = "RETURNED"
    """It went back, and never became tokens."""


DECIDABLE = (EntryState.SUSPENSE, EntryState.RECALLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry of a reserve account.

    Attributes:
        id: of it here.
        account, credit, reference: the bank's own name of it.
        participant: to whom it was matched, None where to nobody.
        submission: of its mint.
        payout: outside reference of the payout that it settles, or that sends it back.
        reason_code, reason: why it waits or is in suspense.
        line, path: where it stood in the message ``message_id``.
    """

    id: str
    account: str
    credit: bool
    reference: str
    amount: Money
    end_to_end_id: str | None
    state: EntryState
    participant: int | None
    submission: str | None
    payout: str | None
    reason_code: str
    reason: str
    message_id: str
    line: int
    path: str

    def to_dict(self) -> dict[str, Any]:
        """The entry as JSON-able data."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "amount"}
        return {**plain, "amount": self.amount.to_dict(), "state": self.state.value}


def stored(row: Row[Any]) -> StoredEntry:
    """An entry out of its row."""
    return StoredEntry(
        id=row.id,
        account=row.account,
        credit=bool(row.credit),
        reference=row.reference,
        amount=Money.from_minor(int(row.amount), row.currency),
        end_to_end_id=row.end_to_end_id,
        state=EntryState(row.state),
        participant=row.participant,
        submission=row.submission,
        payout=row.payout,
        reason_code=row.reason_code,
        reason=row.reason,
        message_id=row.message_id,
        line=row.line,
        path=row.path,
    )


def row_of(account: ReserveAccount, item: Movement, message: BankMessage) -> dict[str, Any]:
    """What an item is in the book, before anything was done about it."""
    tx = item.transaction
    # Without a name of the bank's it is known by where it stood, and somebody decides about it.
    place = f"{item.entry.path}/{item.part}" if item.part else item.entry.path
    reference = item.reference or f"{message.message_id}{place}"
    named = f"{account.name}\n{item.credit}\n{reference}"
    # The side of a reversal is the other one: the entry that it takes back may have the same reference.
    return {
        "id": hashlib.sha256(named.encode()).hexdigest()[:32],
        "account": account.name,
        "credit": int(item.credit),
        "reference": reference if len(reference) <= 80 else hashlib.sha256(reference.encode()).hexdigest(),
        "currency": item.amount.currency,
        "amount": str(item.amount.minor),
        "end_to_end_id": item.end_to_end_id,
        "uetr": None if tx is None or tx.uetr is None else str(tx.uetr),
        "transaction_id": None if tx is None else tx.transaction_id,
        "counterparty": json.dumps(_counterparty(item)),
        "message_id": message.message_id,
        "line": item.entry.line,
        "path": item.entry.path,
        "state": EntryState.RECEIVED,
        "reason_code": "",
        "reason": "",
        "received_at": now(),
    }


def _counterparty(item: Movement) -> dict[str, Any]:
    tx = item.transaction
    if tx is None:
        return {"reversal": item.entry.reversal}
    party, account, agent = (
        (tx.debtor, tx.debtor_account, tx.debtor_agent)
        if item.credit
        else (tx.creditor, tx.creditor_account, tx.creditor_agent)
    )
    return {
        "party": party_plain_of(party),
        "account": account_plain_of(account),
        "agent": agent_plain_of(agent),
        "credited": account_plain_of(tx.creditor_account),
        "return_reason": tx.return_reason,
        "reversal": item.entry.reversal,
        "named": item.reference is not None,
    }
