"""Credits of the bank's account become tokens: matched to a participant, minted once, or left to somebody.

Decisions that govern this module:

* A credit is minted under the bank's own reference, which the token takes once, ever. A credit without one, or whose
  reference another account has used, is never minted by itself.
* Who is credited is whom the account names that the money was sent to, where that is an account of its own; else whom
  the account names that it came from. A name names nobody, and no two ways are tried where an account was said.
* What the chain does not take now, for the reserve, ceilings or a pause, waits and is tried again. Any other refusal
  goes to suspense with its code: whoever decides sees why.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Row, select, update

from pyjpm.bank.acts import End, Outcome, ask, look
from pyjpm.bank.channel import party_from
from pyjpm.bank.desk import Desk
from pyjpm.bank.entries import EntryState, StoredEntry, stored
from pyjpm.bank.tables import entry
from pyjpm.errors.bank import EntryUnknown
from pyjpm.iso20022.parties import NO_PARTY, Account
from pyjpm.money import Money

# Refusals that pass by themselves.
_PASSING: Final = frozenset(
    {"RESERVE_MISSING", "RESERVE_STALE", "RESERVE_SHORT", "MINT_CEILING_EXCEEDED", "MINT_RATE_EXCEEDED", "TOKEN_PAUSED"}
)


class Deposits:
    """Credits, from the book to the chain."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, name: str) -> StoredEntry:
        """An entry by its id here, or by the bank's reference where one entry alone has it. Raises ``EntryUnknown``."""
        return stored(self.row(name))

    def row(self, name: str) -> Row[Any]:
        """As :meth:`find`, as it is in the book."""
        with self._desk.book.reading() as connection:
            row = connection.execute(select(entry).where(entry.c.id == name)).one_or_none()
            if row is None:
                rows = connection.execute(select(entry).where(entry.c.reference == name)).all()
                row = rows[0] if len(rows) == 1 else None
        if row is None:
            raise EntryUnknown(f"There is no entry {name[:80]!r}.", entry=name[:80])
        return row

    def list(self, *states: EntryState, credit: bool | None = None) -> list[StoredEntry]:
        """Entries in these states (all, if none is given), the oldest first."""
        query = select(entry).order_by(entry.c.received_at, entry.c.id)
        if states:
            query = query.where(entry.c.state.in_([each.value for each in states]))
        if credit is not None:
            query = query.where(entry.c.credit == int(credit))
        with self._desk.book.reading() as connection:
            return [stored(row) for row in connection.execute(query)]

    def advance(self, name: str) -> None:
        """Goes on with a credit as far as it goes now."""
        row = self.row(name)
        match EntryState(row.state):
            case EntryState.RECEIVED:
                self._match(row)
            case EntryState.WAITING:
                self.mint(row, row.participant)
            case EntryState.SENT if row.submission is None:
                self.mint(row, row.participant)
            case EntryState.SENT:
                self._settled(row, row.participant, look(self._desk.platform, row.submission))
            case _:
                pass

    def mint(self, row: Row[Any], participant: int) -> None:
        """Mints a credit for a participant, unless it has become something else meanwhile."""
        before = EntryState(row.state)
        # Said before it is asked for: a recall that comes in between would hold what becomes tokens after all.
        if before is not EntryState.SENT and not self.move(
            row.id, before, EntryState.SENT, participant=participant, submission=None
        ):
            return
        amount = Money.from_minor(int(row.amount), row.currency)
        platform = self._desk.platform
        outcome = ask(
            platform,
            f"deposit/{row.id}/{participant}",
            lambda key: platform.deposits.mint(
                participant, amount, deposit_reference=row.reference, idempotency_key=key
            ),
        )
        self._settled(row, participant, outcome)

    def move(self, name: str, before: EntryState, after: EntryState, **values: Any) -> bool:
        """Compare the state and set."""
        this = (entry.c.id == name) & (entry.c.state == before)
        with self._desk.book.writing() as connection:
            return connection.execute(update(entry).where(this).values(state=after, **values)).rowcount == 1

    # --- within ----------------------------------------------------------------------------------------------------

    def _match(self, row: Row[Any]) -> None:
        told = json.loads(row.counterparty)
        if not told.get("named"):
            return self._suspend(row, "NO_REFERENCE", "The bank gives the entry no reference of its own.")
        with self._desk.book.reading() as connection:
            same = select(entry.c.id).where(
                entry.c.reference == row.reference, entry.c.credit == 1, entry.c.account != row.account
            )
            if connection.execute(same).first() is not None:
                return self._suspend(row, "REFERENCE_USED", "An entry of another account has this reference.")
        participant = self._depositor(told)
        if participant is None:
            return self._suspend(row, "UNMATCHED", "Neither account names a participant.")
        return self.mint(row, participant)

    def _depositor(self, told: dict[str, Any]) -> int | None:
        credited = Account(**told["credited"])
        own = {each.account for each in self._desk.accounts}
        if credited.identifiers and credited not in own:
            return self._desk.named(credited, NO_PARTY)
        return self._desk.named(Account(**told["account"]), party_from(told["party"]))

    def _settled(self, row: Row[Any], participant: int, outcome: Outcome) -> None:
        sent, about = EntryState.SENT, {"participant": participant, "submission": outcome.submission}
        if outcome.end is End.FINAL:
            self.move(row.id, sent, EntryState.DONE, **about, reason_code="", reason="")
        elif outcome.end is End.OPEN:
            self.move(row.id, sent, sent, **about, reason_code="", reason="")
        elif outcome.code in _PASSING:
            self.move(row.id, sent, EntryState.WAITING, **about, reason_code=outcome.code, reason=outcome.message)
        else:
            self.move(row.id, sent, EntryState.SUSPENSE, reason_code=outcome.code, reason=outcome.message)

    def _suspend(self, row: Row[Any], code: str, reason: str) -> None:
        self.move(row.id, EntryState(row.state), EntryState.SUSPENSE, reason_code=code, reason=reason)
