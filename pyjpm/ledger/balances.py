"""What each participant has, now or as of any block: the totals, less what was posted since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from pyjpm.errors.ledger import InvalidPeriod, LedgerBehind
from pyjpm.ledger import tables
from pyjpm.ledger.rules import Bucket
from pyjpm.money import Money
from pyjpm.session import Moment, unix_seconds


@dataclass(frozen=True, slots=True)
class LedgerBalance:
    """One participant's money in one currency over all its wallets, at the end of ``block``. Minor units.

    Attributes:
        participant: its id; 0 for wallets that name none.
        balance: what it owns: ``balance = held + frozen`` and what is left of it, ``available``.
        available: what it can spend; 0 where more is frozen than is there.
        held: by notaries, and for redemptions.
        frozen: by compliance.
    """

    participant: int
    currency: str
    balance: int
    available: int
    held: int
    frozen: int
    block: int

    def to_dict(self) -> dict[str, Any]:
        """The balance as JSON-able data: amounts in major units."""
        amounts = {
            name: str(Money.from_minor(getattr(self, name), self.currency).amount)
            for name in ("balance", "available", "held", "frozen")
        }
        return {"participant": self.participant, "currency": self.currency, **amounts, "block": self.block}


def block_at(connection: Connection, *, at_block: int | None, at_time: Moment | None) -> int:
    """The last block at or before a height or a time; the last that is in where neither is given.

    Raises InvalidPeriod, LedgerBehind, InvalidRequest (a time without a zone).
    """
    last: int = connection.execute(select(tables.state.c.block)).scalar_one()
    if at_block is not None and at_time is not None:
        raise InvalidPeriod("Give a block or a time, not both.", at_block=at_block)
    if at_block is not None:
        if at_block > last:
            raise LedgerBehind(f"The ledger is at block {last}, not yet at {at_block}.", asked=at_block, block=last)
        return at_block
    if at_time is None:
        return last
    at = unix_seconds(at_time)
    assert at is not None
    return last_block_by(connection, at)


def last_block_by(connection: Connection, at: int) -> int:
    """The last block whose time is not after ``at`` (unix seconds); the one before the first where there is none.

    From the time of the newest block with events on that is the last block that is in.
    """
    blocks = tables.block
    newest = connection.execute(select(func.max(blocks.c.at))).scalar_one()
    if newest is None or at >= newest:
        return int(connection.execute(select(tables.state.c.block)).scalar_one())
    found = connection.execute(select(func.max(blocks.c.number)).where(blocks.c.at <= at)).scalar_one()
    if found is None:
        return int(connection.execute(select(tables.state.c.first_block)).scalar_one()) - 1
    return int(found)


def last_block_before(connection: Connection, moment: Moment) -> int:
    """The last block whose time is before a moment. Raises InvalidRequest (a time without a zone)."""
    at = unix_seconds(moment)
    assert at is not None
    whole = isinstance(moment, int) or not moment.microsecond
    return last_block_by(connection, at - 1 if whole else at)


def account_totals(connection: Connection, block: int) -> dict[int, int]:
    """The total of each account at the end of a block, by its number."""
    accounts = tables.account
    totals = {
        row.id: row.total
        for row in connection.execute(select(accounts.c.id, accounts.c.total).where(accounts.c.block <= block))
    }
    for number, amount in posted_between(connection, block + 1, None).items():
        if number in totals:
            totals[number] -= amount
    return totals


def posted_between(connection: Connection, first: int, last: int | None) -> dict[int, int]:
    """What the postings of these blocks come to, by account; only of those that have any."""
    postings = tables.posting
    within = postings.c.block >= first
    if last is not None:
        within &= postings.c.block <= last
    changes: dict[int, int] = defaultdict(int)
    for end, sign in ((postings.c.debit, -1), (postings.c.credit, 1)):
        for number, amount in connection.execute(select(end, func.sum(postings.c.amount)).where(within).group_by(end)):
            changes[number] += sign * int(amount)
    return changes


def balances(
    connection: Connection, block: int, *, participant: int | None = None, currency: str | None = None
) -> list[LedgerBalance]:
    """By participant and currency, in this order; those that ever had an account."""
    accounts, wallets = tables.account, tables.wallet
    query = (
        select(accounts.c.id, accounts.c.currency, accounts.c.bucket, accounts.c.wallet, wallets.c.participant)
        .join(wallets, wallets.c.wallet == accounts.c.wallet, isouter=True)
        .where(accounts.c.bucket != Bucket.ISSUED.value, accounts.c.block <= block)
    )
    if currency is not None:
        query = query.where(accounts.c.currency == currency)
    if participant is not None:
        query = query.where(wallets.c.participant == participant)
    totals = account_totals(connection, block)
    sums: dict[tuple[int, str], dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for row in connection.execute(query):
        sums[row.participant or 0, row.currency][row.wallet][row.bucket] += totals[row.id]
    return [_balance(who, money, wallets.values(), block) for (who, money), wallets in sorted(sums.items())]


def _balance(participant: int, currency: str, wallets: Iterable[dict[str, int]], block: int) -> LedgerBalance:
    """Wallet by wallet, as the contract answers: one wallet's frozen money is no other's."""
    balance = available = held = frozen = 0
    for buckets in wallets:
        balance += sum(buckets.values())
        available += max(0, buckets[Bucket.AVAILABLE])
        held += buckets[Bucket.HELD]
        frozen += buckets[Bucket.FROZEN]
    return LedgerBalance(participant, currency, balance, available, held, frozen, block)


def supply(connection: Connection, currency: str, block: int) -> int:
    """All tokens of a currency at the end of a block, minor units."""
    accounts = tables.account
    query = select(accounts.c.id).where(accounts.c.currency == currency, accounts.c.bucket == Bucket.ISSUED.value)
    totals = account_totals(connection, block)
    return -sum(totals.get(number, 0) for (number,) in connection.execute(query))
