"""What nobody could match: a person assigns it to a participant, or sends it back. Once.

Decisions that govern this module:

* A decision has a name and a reason, and is stored with what it changes, in one commit. The first one stands.
* What is sent back leaves like a payout, by a name that follows from the entry, to the account that it came from.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, update

from pyjpm.bank.channel import RETURN, party_from
from pyjpm.bank.deposits import Deposits
from pyjpm.bank.desk import Desk, note_decision
from pyjpm.bank.details import PayoutDetails, outside_name
from pyjpm.bank.entries import DECIDABLE, EntryState, StoredEntry
from pyjpm.bank.payout import UNMINTED, PayoutState
from pyjpm.bank.payouts import Payouts
from pyjpm.bank.tables import entry
from pyjpm.errors.bank import EntryNotInSuspense
from pyjpm.iso20022.parties import Account, Agent
from pyjpm.money import Money

_NO_SALT = bytes(16)
_NO_CODE = "NARR"


class Suspense:
    """``bank.suspense``."""

    def __init__(self, desk: Desk, deposits: Deposits, payouts: Payouts) -> None:
        self._desk, self._deposits, self._payouts = desk, deposits, payouts

    def list(self) -> list[StoredEntry]:
        """What waits for somebody: credits and debits, the oldest first."""
        return self._deposits.list(*DECIDABLE)

    def assign(self, name: str, participant: int, *, who: str, reason: str) -> StoredEntry:
        """Mints a credit for this participant.

        Args:
            name: of the entry here, or the bank's reference of it.
            who: decides, and ``reason`` why; both stay.

        Raises:
            EntryUnknown, EntryNotInSuspense, ReasonMissing.
        """
        row = self._deposits.row(name)
        told = json.loads(row.counterparty)
        # Without a reference of the bank's it might come again, under one; that is for whoever can see both.
        if not row.credit or row.state == EntryState.RECALLED or not told.get("named"):
            raise _undecidable(row, "Only a credit that the bank names and has not asked back is minted.")
        self._decide(row, EntryState.WAITING, f"assign to {participant}", who, reason, participant=participant)
        self._deposits.advance(row.id)
        return self._deposits.find(row.id)

    def send_back(self, name: str, *, who: str, reason: str, code: str = _NO_CODE) -> StoredEntry:
        """Sends a credit back to the account that it came from.

        Args:
            code: ISO reason of a pacs.004.

        Raises:
            EntryUnknown, EntryNotInSuspense, ReasonMissing, PayoutChannelMissing; AccountUnknown.
        """
        row = self.require_returnable(name)
        outside = outside_name("B", row.account, row.reference)
        self._decide(row, EntryState.RETURNING, "send back", who, reason, payout=outside, reason_code=code)
        self._store(row, outside, code)
        self._payouts.advance(outside)
        return self._deposits.find(row.id)

    def close(self, name: str, *, who: str, reason: str) -> StoredEntry:
        """Takes a debit, or a credit without a name, off the list: it was dealt with elsewhere.

        Raises as ``assign``.
        """
        row = self._deposits.row(name)
        told = json.loads(row.counterparty)
        if row.credit and told.get("named"):
            raise _undecidable(row, "A credit that the bank names is assigned or sent back.")
        self._decide(row, EntryState.DONE, "close", who, reason)
        return self._deposits.find(row.id)

    def advance(self, name: str) -> None:
        """Goes on with a return as far as it goes now."""
        row = self._deposits.row(name)
        if row.state != EntryState.RETURNING:
            return
        self._store(row, row.payout, row.reason_code or _NO_CODE)
        state = self._payouts.advance(row.payout).state
        if state is PayoutState.SETTLED:
            self._deposits.move(row.id, EntryState.RETURNING, EntryState.RETURNED)
        elif state is PayoutState.RETURNED:
            said = "The bank refused to send it back."
            self._deposits.move(row.id, EntryState.RETURNING, EntryState.SUSPENSE, reason_code="REFUSED", reason=said)

    def require_returnable(self, name: str) -> Row[Any]:
        """An entry that can be sent back. Raises as :meth:`send_back`."""
        row = self._deposits.row(name)
        told = json.loads(row.counterparty)
        if not row.credit or "account" not in told or not Account(**told["account"]).identifiers:
            raise _undecidable(row, "Only a credit whose sender's account is known is sent back.")
        self._desk.outside()
        return row

    # --- within ----------------------------------------------------------------------------------------------------

    def _store(self, row: Row[Any], outside: str, code: str) -> None:
        content = self._payouts.order(outside, *returning(row), order=RETURN, original=original_of(row, code))
        self._payouts.store(outside, UNMINTED, Money.from_minor(int(row.amount), row.currency), content)

    def _decide(self, row: Row[Any], after: EntryState, act: str, who: str, reason: str, **values: Any) -> None:
        states = [each.value for each in DECIDABLE]
        this = (entry.c.id == row.id) & entry.c.state.in_(states)
        with self._desk.book.writing() as connection:
            note_decision(connection, who, act, row.id, reason)
            changed = connection.execute(update(entry).where(this).values(state=after, **values)).rowcount
            if changed != 1:
                raise EntryNotInSuspense(f"The entry is {row.state}.", entry=row.id, state=row.state)


def returning(row: Row[Any]) -> tuple[Money, PayoutDetails]:
    """How much of an entry goes back, and where to."""
    told = json.loads(row.counterparty)
    details = PayoutDetails(
        creditor=party_from(told["party"]),
        account=Account(**told["account"]),
        agent=Agent(**told["agent"]),
        text=f"Return of {row.end_to_end_id or row.reference}",
        salt=_NO_SALT,
    )
    return Money.from_minor(int(row.amount), row.currency), details


def original_of(row: Row[Any], code: str) -> dict[str, Any]:
    """What a pacs.004 says of the payment that goes back."""
    return {
        "end_to_end_id": row.end_to_end_id,
        "transaction_id": row.transaction_id,
        "uetr": row.uetr,
        "code": code,
    }


def _undecidable(row: Row[Any], why: str) -> EntryNotInSuspense:
    return EntryNotInSuspense(why, entry=row.id, state=row.state)
