"""Money that lay idle: each account's available balance times the days that it lay there.

Decisions that govern this module:

* What lies is what an account could have spent, at each second of the period; held and frozen money is none of it.
* At T+n each payment of a member needs its money so many business days earlier: it lies there for that time beside
  what lies anyway. That is assumed, and an upper bound, as one buffer may serve several payments. What is released for
  orders is not among them: it stood, which ``orders`` tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select

from pyjpm.ledger import Bucket, Kind, Ledger, tables
from pyjpm.treasury.assumptions import DAY, Assumptions
from pyjpm.treasury.flows import Flow, Period
from pyjpm.treasury.orders import major_days


@dataclass(frozen=True, slots=True)
class IdleMoney:
    """One participant's account in one currency. Amounts times days, in major units; ``at_settle`` by n of T+n."""

    participant: int
    currency: str
    amount_days: Decimal
    at_settle: dict[int, Decimal]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "participant": self.participant,
            "currency": self.currency,
            "amount_days": str(self.amount_days),
            "assumed": {f"amount_days_at_t_plus_{n}": str(value) for n, value in self.at_settle.items()},
        }


def idle_money(
    ledger: Ledger, participants: frozenset[int], period: Period, found: Sequence[Flow], assumptions: Assumptions
) -> tuple[IdleMoney, ...]:
    """By participant and currency; those that had an account in the period."""
    seconds = _available_seconds(ledger, participants, period)
    ahead: dict[tuple[int, str, int], int] = defaultdict(int)
    for flow in found:
        if flow.payer in participants and flow.kind is not Kind.ESCROW:
            for n in assumptions.settle:
                days = assumptions.days_before(flow.at, n)
                ahead[flow.payer, flow.currency, n] += flow.amount * days * DAY
    return tuple(
        IdleMoney(
            participant,
            currency,
            major_days(lay, currency),
            {n: major_days(lay + ahead[participant, currency, n], currency) for n in assumptions.settle},
        )
        for (participant, currency), lay in sorted(seconds.items())
    )


def _available_seconds(ledger: Ledger, participants: frozenset[int], period: Period) -> dict[tuple[int, str], int]:
    """Available minor units times seconds, by participant and currency."""
    account, wallet, posting, block = tables.account, tables.wallet, tables.posting, tables.block
    with ledger.store.reading() as connection:
        accounts = {
            row.id: (row.participant, row.currency)
            for row in connection.execute(
                select(account.c.id, account.c.currency, wallet.c.participant)
                .join(wallet, wallet.c.wallet == account.c.wallet)
                .where(account.c.bucket == Bucket.AVAILABLE.value, wallet.c.participant.in_(sorted(participants)))
            )
        }
        ids = sorted(accounts)
        query = (
            select(posting.c.debit, posting.c.credit, posting.c.amount, block.c.at)
            .join(block, block.c.number == posting.c.block)
            .where(or_(posting.c.debit.in_(ids), posting.c.credit.in_(ids)), block.c.at < period.until)
            .order_by(posting.c.block, posting.c.log_index, posting.c.part)
        )
        rows = connection.execute(query).all()
    totals: dict[int, int] = defaultdict(int)
    since: dict[int, int] = {}
    lay: dict[tuple[int, str], int] = defaultdict(int)

    def settle(number: int, at: int) -> None:
        start = max(since.get(number, at), period.since)
        if at > start:
            lay[accounts[number]] += max(0, totals[number]) * (at - start)
        since[number] = at

    for row in rows:
        for number, sign in ((row.debit, -1), (row.credit, 1)):
            if number in accounts:
                settle(number, row.at)
                totals[number] += sign * row.amount
                lay[accounts[number]] += 0
    for number in list(since):
        settle(number, period.until)
    return lay
