"""Payments: who paid whom how much, under which reference and what for; those of a net leg by leg."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, select

from pyjpm.ledger import tables
from pyjpm.ledger.lives import told
from pyjpm.ledger.rules import Kind
from pyjpm.ledger.statements import EMPTY_HASH
from pyjpm.money import Money
from pyjpm.remittance import Remittance


@dataclass(frozen=True, slots=True)
class LedgerPayment:
    """Money from one participant to another. Attributes as of :class:`pyjpm.ledger.StatementEntry`.

    ``payer`` and ``payee`` are participant ids; None is the bank, of which a mint comes and to which a redemption goes.
    Of kind ``NET`` it is a leg: what was paid for its reference, while balances changed by the nets.
    """

    id: str
    block: int
    tx_hash: str
    log_index: int
    at: int
    currency: str
    amount_minor: int
    payer: int | None
    payee: int | None
    kind: Kind
    reference: str | None
    remittance_hash: str | None
    end_to_end_id: str | None
    uetr: str | None
    remittance: Remittance | None

    def to_dict(self) -> dict[str, Any]:
        """The payment as JSON-able data: the amount in major units."""
        hidden = ("remittance", "amount_minor")
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in hidden}
        return {**plain, "amount": str(Money.from_minor(self.amount_minor, self.currency).amount)}


def payments(
    connection: Connection,
    last: int,
    *,
    reference: str | None = None,
    end_to_end_id: str | None = None,
    uetr: str | None = None,
    participant: int | None = None,
) -> list[LedgerPayment]:
    """Payments up to a block, in the order of the chain; those that match all that is given."""
    postings, blocks, remittances = tables.posting, tables.block, tables.remittance
    query = (
        select(postings, blocks.c.at, remittances.c.plain, remittances.c.end_to_end_id, remittances.c.uetr)
        .join(blocks, blocks.c.number == postings.c.block)
        .join(
            remittances,
            and_(remittances.c.block == postings.c.block, remittances.c.log_index == postings.c.log_index),
            isouter=True,
        )
        .where(postings.c.block <= last, postings.c.kind.in_([each.value for each in _PAYMENTS]))
    )
    if reference is not None:
        query = query.where(postings.c.reference == reference)
    if end_to_end_id is not None:
        query = query.where(remittances.c.end_to_end_id == end_to_end_id)
    if uetr is not None:
        query = query.where(remittances.c.uetr == uetr)
    accounts = {row.id: (row.currency, row.wallet) for row in connection.execute(select(tables.account))}
    participants: dict[str, int] = {row.wallet: row.participant for row in connection.execute(select(tables.wallet))}
    found = []
    for row in connection.execute(query.order_by(postings.c.block, postings.c.log_index)):
        currency, payer = accounts[row.debit]
        found.append(
            LedgerPayment(
                id=f"{row.block}-{row.log_index}",
                block=row.block,
                tx_hash=row.tx_hash,
                log_index=row.log_index,
                at=row.at,
                currency=currency,
                amount_minor=row.amount,
                payer=participants.get(payer),
                payee=participants.get(accounts[row.credit][1]),
                kind=Kind(row.kind),
                reference=row.reference,
                remittance_hash=None if row.remittance_hash == EMPTY_HASH else row.remittance_hash,
                end_to_end_id=row.end_to_end_id,
                uetr=row.uetr,
                remittance=None if row.plain is None else Remittance.from_bytes(bytes(row.plain)),
            )
        )
    if end_to_end_id is None and uetr is None:
        found += _legs(connection, last, reference, participants)
    mine = [each for each in found if participant is None or participant in (each.payer, each.payee)]
    return sorted(mine, key=lambda each: (each.block, each.log_index))


_PAYMENTS = (
    *(Kind.PAYMENT, Kind.TRANSFER, Kind.MINT, Kind.REDEMPTION, Kind.ESCROW, Kind.TRADE, Kind.RULE, Kind.HOLD_PAID),
    *(Kind.SEIZED,),
)


def _legs(
    connection: Connection, last: int, reference: str | None, participants: dict[str, int]
) -> list[LedgerPayment]:
    return [
        LedgerPayment(
            id=f"{each.block}-{each.log_index}",
            block=each.block,
            tx_hash=each.tx_hash,
            log_index=each.log_index,
            at=each.at,
            currency=each.contract,
            amount_minor=each.amount or 0,
            payer=participants.get(each.detail["payer"]),
            payee=participants.get(each.detail["to"]),
            kind=Kind.NET,
            reference=each.subject,
            remittance_hash=None,
            end_to_end_id=None,
            uetr=None,
            remittance=None,
        )
        for each in told(connection, "LegNetted", subject=reference)
        if each.block <= last
    ]
