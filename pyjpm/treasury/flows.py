"""What went between participants, as the ledger has it: every payment, every leg of a net, and what was left of nets.

Decisions that govern this module:

* A *flow* is one obligation between two participants that the chain settled: a payment, a hold paid out, or a leg of a
  net. What banks would have had to move for the same business is these, one by one.
* A *movement* is a change of two balances: flows without the legs of nets, and what was left of each net.
* Deposits, redemptions, and what compliance moves are neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from pyjpm.ledger import Bucket, Kind, Ledger, tables

FLOWS: Final = (Kind.PAYMENT, Kind.TRANSFER, Kind.ESCROW, Kind.TRADE, Kind.RULE, Kind.HOLD_PAID)
"""Kinds of postings that settle one obligation each."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One obligation that was settled. ``at`` in unix seconds, ``amount`` in minor units.

    ``kind``: of its posting; ``NET`` for a leg of a net, which moved nothing by itself. ``reference``: 32 bytes as
    ``0x…`` where it had one.
    """

    at: int
    tx_hash: str
    payer: int
    payee: int
    currency: str
    amount: int
    reference: str | None
    kind: Kind

    @property
    def netted(self) -> bool:
        """Whether it was a leg of a net."""
        return self.kind is Kind.NET


@dataclass(frozen=True, slots=True)
class Period:
    """Unix seconds, from ``since`` (included) to ``until`` (not included)."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Flows:
    """What went between participants in a period.

    Attributes:
        flows: in the order of the chain.
        left_of_nets: how many movements the nets came to.
    """

    flows: tuple[Flow, ...]
    left_of_nets: int

    @property
    def movements(self) -> int:
        """How many movements on chain settled all flows."""
        return sum(not flow.netted for flow in self.flows) + self.left_of_nets


def flows(ledger: Ledger, participants: frozenset[int], period: Period) -> Flows:
    """Flows to or from any of these participants, of a period."""
    with ledger.store.reading() as connection:
        owner = {row.wallet: row.participant for row in connection.execute(select(tables.wallet))}
        single = list(_postings(connection, owner, period))
        legs = list(_legs(connection, owner, period))
    concerned = [
        flow
        for flow in sorted([*(each for each in single if not each.netted), *legs], key=lambda each: each.at)
        if flow.payer != flow.payee and (flow.payer in participants or flow.payee in participants)
    ]
    left = sum(each.netted and (each.payer in participants or each.payee in participants) for each in single)
    return Flows(tuple(concerned), left)


def _postings(connection: Connection, owner: dict[str, int], period: Period) -> Iterator[Flow]:
    posting, account, block = tables.posting, tables.account, tables.block
    accounts = {
        row.id: row
        for row in connection.execute(select(account.c.id, account.c.currency, account.c.bucket, account.c.wallet))
    }
    query = (
        select(posting, block.c.at)
        .join(block, block.c.number == posting.c.block)
        .where(
            posting.c.kind.in_([kind.value for kind in (*FLOWS, Kind.NET)]),
            block.c.at >= period.since,
            block.c.at < period.until,
        )
        .order_by(posting.c.block, posting.c.log_index, posting.c.part)
    )
    for row in connection.execute(query):
        debit, credit = accounts[row.debit], accounts[row.credit]
        if Bucket.ISSUED.value in (debit.bucket, credit.bucket):
            continue
        yield Flow(
            row.at,
            row.tx_hash,
            owner.get(debit.wallet, 0),
            owner.get(credit.wallet, 0),
            debit.currency,
            row.amount,
            row.reference,
            Kind(row.kind),
        )


def _legs(connection: Connection, owner: dict[str, int], period: Period) -> Iterator[Flow]:
    event, block = tables.event, tables.block
    query = (
        select(event, block.c.at)
        .join(block, block.c.number == event.c.block)
        .where(event.c.name == "LegNetted", block.c.at >= period.since, block.c.at < period.until)
        .order_by(event.c.block, event.c.log_index)
    )
    for row in connection.execute(query):
        told = json.loads(row.detail)
        amount = int(told["amount"]) if row.amount is None else row.amount
        yield Flow(
            row.at,
            row.tx_hash,
            owner.get(told["payer"], 0),
            owner.get(told["to"], 0),
            row.contract,
            amount,
            row.subject,
            Kind.NET,
        )
