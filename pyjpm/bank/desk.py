"""What the parts of the bank side share: the platform, the book, the accounts, and whom identifiers name."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, insert, select

from pyjpm.bank.tables import decision, message
from pyjpm.book import Book
from pyjpm.errors.bank import AccountUnknown, PayoutChannelMissing
from pyjpm.errors.iso20022 import DuplicateMessage
from pyjpm.errors.outbox import ReasonMissing
from pyjpm.iso20022.parties import CUSTOMER, NO_AGENT, NO_PARTY, Account, Agent, Party
from pyjpm.sending.effects import Effects
from pyjpm.sending.outside import Outside

if TYPE_CHECKING:
    from pyjpm.platform import Platform

Resolve = Callable[[str, str], int | None]
"""(scheme, identifier) → the participant it names now, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveAccount:
    """An account of the bank's on which the money is that tokens stand for.

    Attributes:
        account: as the keeper's messages name it.
        currency: of it, and so of the tokens.
        agent: the bank that keeps it.
        owner: whose it is, as debtor of payouts.
    """

    account: Account
    currency: str
    agent: Agent = NO_AGENT
    owner: Party = NO_PARTY

    @property
    def name(self) -> str:
        """Of the account in the book."""
        return ":".join(self.account.identifiers[0])


@dataclass(frozen=True, slots=True)
class Desk:
    """See :class:`pyjpm.bank.BankSide`, which takes these."""

    platform: Platform
    book: Book = field(repr=False)
    accounts: Sequence[ReserveAccount]
    resolve: Resolve
    effects: Effects
    channel: Outside | None
    treasury: Platform | None

    def account_of(self, account: Account, currency: str | None, message_id: str) -> ReserveAccount:
        """The reserve account that a report is about. Raises ``AccountUnknown``."""
        for each in self.accounts:
            if each.account == account and currency in (None, each.currency):
                return each
        raise AccountUnknown("The message is about an account that is none of the reserve's.", message_id=message_id)

    def paying_account(self, currency: str) -> ReserveAccount:
        """From which payouts in a currency leave. Raises ``AccountUnknown``."""
        for each in self.accounts:
            if each.currency == currency:
                return each
        raise AccountUnknown(f"There is no reserve account in {currency}.", message_id=None)

    def outside(self) -> Outside:
        """The way by which money leaves. Raises ``PayoutChannelMissing``."""
        if self.channel is None:
            raise PayoutChannelMissing("There is no channel to the bank.")
        return self.channel

    def named(self, account: Account, party: Party) -> int | None:
        """The participant that an account names; only where no account is said, that the party's identifiers name.

        Customer and account numbers of whatever other bank name nobody here.
        """
        identifiers = [each for each in account.identifiers or party.identifiers if each[0] != CUSTOMER]
        return next((found for each in identifiers if (found := self.resolve(*each)) is not None), None)

    # --- the book --------------------------------------------------------------------------------------------------

    def row(self, table: Any, column: Any, value: str) -> Row[Any] | None:
        """The row of a table that a column names."""
        with self.book.reading() as connection:
            return connection.execute(select(table).where(column == value)).one_or_none()


def note_message(connection: Connection, kind: str, whose: str, message_id: str, sha256: str) -> None:
    """Stores that a message came in; again is nothing new.

    Raises:
        DuplicateMessage: its id was used for another content.
    """
    name = hashlib.sha256(f"{kind}\n{whose}\n{message_id}".encode()).hexdigest()
    found = connection.execute(select(message.c.sha256).where(message.c.id == name)).scalar_one_or_none()
    if found is None:
        values = {"id": name, "kind": kind, "message_id": message_id, "sha256": sha256, "received_at": now()}
        connection.execute(insert(message).values(**values))
    elif found != sha256:
        raise DuplicateMessage(
            f"The message id {message_id} was used for another content.", message_id=message_id, kind=kind
        )


def note_decision(connection: Connection, who: str, act: str, subject: str, reason: str) -> None:
    """Stores who decided what, and why. Raises ``ReasonMissing``."""
    if not who.strip() or not reason.strip():
        raise ReasonMissing("A decision has somebody who made it, and a reason.")
    values = {"at": now(), "who": who[:80], "act": act, "subject": subject, "reason": reason}
    connection.execute(insert(decision).values(**values))


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())
