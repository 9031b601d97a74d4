"""Statements: what came and went of one participant's money in one currency, between two moments.

Decisions that govern this module:

* An entry is a change of what the participant owns. Holds and freezes are none: they change what it can spend.
* What goes between two wallets of the participant itself is none either.
* Opening and entries add up to closing; this is asserted, not hoped for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from pyjpm.errors.ledger import InvalidPeriod
from pyjpm.ledger import tables
from pyjpm.ledger.balances import balances
from pyjpm.ledger.rules import Bucket, Kind
from pyjpm.money import Money
from pyjpm.remittance import Remittance

EMPTY_HASH = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
"""keccak256 of nothing: what a payment without remittance carries."""


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One change of what a participant owns.

    Attributes:
        id: ``block-log_index``, unique on the platform.
        at: the block's time, unix seconds.
        amount_minor: minor units, below zero for what went.
        kind: see :class:`pyjpm.ledger.rules.Kind`.
        counterparty: participant id; None for a mint or a redemption.
        reference: the 32 bytes on chain as ``0x…``, None for a plain transfer and for what is left of a net.
        deposit_reference: of a mint: the hash of what the bank calls the deposit.
        remittance_hash: of what travelled with it, None where nothing did.
        end_to_end_id, uetr, remittance: where a key of ours opens it.
    """

    id: str
    block: int
    tx_hash: str
    log_index: int
    at: int
    amount_minor: int
    kind: Kind
    counterparty: int | None
    reference: str | None
    deposit_reference: str | None
    remittance_hash: str | None
    end_to_end_id: str | None
    uetr: str | None
    remittance: Remittance | None

    def to_dict(self, currency: str) -> dict[str, Any]:
        """The entry as JSON-able data."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "remittance"}
        text = None if self.remittance is None else self.remittance.text
        documents = () if self.remittance is None else self.remittance.documents
        amount = str(Money.from_minor(self.amount_minor, currency).amount)
        return {**plain, "amount": amount, "text": text, "documents": [each.number for each in documents]}


@dataclass(frozen=True, slots=True)
class Statement:
    """What came and went between two blocks, both included. Amounts in minor units: what the participant owned."""

    participant: int
    currency: str
    first_block: int
    last_block: int
    opening: int
    closing: int
    entries: tuple[StatementEntry, ...]

    def to_dict(self) -> dict[str, Any]:
        """The statement as JSON-able data: amounts in major units."""
        amounts = {
            name: str(Money.from_minor(getattr(self, name), self.currency).amount) for name in ("opening", "closing")
        }
        return {
            "participant": self.participant,
            "currency": self.currency,
            "first_block": self.first_block,
            "last_block": self.last_block,
            **amounts,
            "entries": [entry.to_dict(self.currency) for entry in self.entries],
        }


def statement(connection: Connection, participant: int, currency: str, first: int, last: int) -> Statement:
    """The statement over the blocks ``first`` to ``last``. Raises InvalidPeriod."""
    if first > last + 1:
        raise InvalidPeriod(f"A statement from block {first} to {last} has no end.", first=first, last=last)
    entries = tuple(entries_of(connection, participant, currency, first, last))
    opening, closing = (_owned(connection, participant, currency, block) for block in (first - 1, last))
    assert opening + sum(entry.amount_minor for entry in entries) == closing, "a statement that does not add up"
    return Statement(participant, currency, first, last, opening, closing, entries)


def entries_of(connection: Connection, participant: int, currency: str, first: int, last: int) -> list[StatementEntry]:
    """The entries of a statement, in the order of the chain."""
    accounts, wallets, postings = tables.account, tables.wallet, tables.posting
    of_currency = {
        row.id: (row.participant, row.bucket)
        for row in connection.execute(
            select(accounts.c.id, accounts.c.bucket, wallets.c.participant)
            .join(wallets, wallets.c.wallet == accounts.c.wallet, isouter=True)
            .where(accounts.c.currency == currency)
        )
    }
    mine = (
        select(accounts.c.id)
        .join(wallets, wallets.c.wallet == accounts.c.wallet)
        .where(
            wallets.c.participant == participant,
            accounts.c.currency == currency,
            accounts.c.bucket == Bucket.AVAILABLE.value,
        )
    )
    blocks, remittances = tables.block, tables.remittance
    found = connection.execute(
        select(postings, blocks.c.at, remittances.c.plain, remittances.c.end_to_end_id, remittances.c.uetr)
        .join(blocks, blocks.c.number == postings.c.block)
        .join(
            remittances,
            and_(remittances.c.block == postings.c.block, remittances.c.log_index == postings.c.log_index),
            isouter=True,
        )
        .where(postings.c.block >= first, postings.c.block <= last)
        .where(or_(postings.c.debit.in_(mine), postings.c.credit.in_(mine)))
        .order_by(postings.c.block, postings.c.log_index, postings.c.part)
    )
    entries = []
    for row in found:
        debtor, creditor = of_currency[row.debit][0], of_currency[row.credit][0]
        if debtor != creditor:
            sign, other = (-1, row.credit) if debtor == participant else (1, row.debit)
            entries.append(_entry(row, sign, None if of_currency[other][1] == Bucket.ISSUED else of_currency[other][0]))
    return entries


def _entry(row: Row[Any], sign: int, counterparty: int | None) -> StatementEntry:
    kind = Kind(row.kind)
    return StatementEntry(
        id=f"{row.block}-{row.log_index}",
        block=row.block,
        tx_hash=row.tx_hash,
        log_index=row.log_index,
        at=row.at,
        amount_minor=sign * row.amount,
        kind=kind,
        counterparty=counterparty,
        reference=row.reference,
        deposit_reference=row.reference if kind is Kind.MINT else None,
        remittance_hash=None if row.remittance_hash == EMPTY_HASH else row.remittance_hash,
        end_to_end_id=row.end_to_end_id,
        uetr=row.uetr,
        remittance=None if row.plain is None else Remittance.from_bytes(bytes(row.plain)),
    )


def _owned(connection: Connection, participant: int, currency: str, block: int) -> int:
    return sum(each.balance for each in balances(connection, block, participant=participant, currency=currency))
