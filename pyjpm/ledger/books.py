"""The ledger's books as the comparison with the contracts reads them, and that comparison."""

from __future__ import annotations

import json

from sqlalchemy import Connection, func, select

from pyjpm.ledger import tables
from pyjpm.ledger.balances import account_totals
from pyjpm.ledger.comparison import Comparison, compare_figures, money_figures
from pyjpm.ledger.projection import Projection, TokenBook
from pyjpm.ledger.rules import Bucket
from pyjpm.session import Session


def books_at(connection: Connection, currencies: list[str], block: int) -> Projection:
    """What wallets had at the end of a block, what was issued, and what was attested behind it."""
    found = Projection(currencies)
    wallets = select(tables.wallet).where(tables.wallet.c.block <= block)
    found.participants = {row.wallet: row.participant for row in connection.execute(wallets)}
    totals = account_totals(connection, block)
    for row in connection.execute(select(tables.account).where(tables.account.c.block <= block)):
        add_account(found.books[row.currency], row.bucket, row.wallet, row.notary, totals[row.id])
    events = tables.event
    told = (
        select(events)
        .where(events.c.name.in_(("Recovered", "ReserveAttested")), events.c.block <= block)
        .order_by(events.c.block, events.c.log_index)
    )
    for row in connection.execute(told):
        detail = json.loads(row.detail)
        if row.name == "Recovered":
            found.successors[row.subject] = detail["successor"]
        else:
            found.books[row.subject].attested = int(detail["attested"])
    return found


def compare_books(session: Session, connection: Connection, block: int) -> Comparison:
    """Compares what the books say of every wallet with what the contracts answer at a block."""
    found = books_at(connection, list(session.record.tokens), block)
    told = {currency: list(money_figures(found, book)) for currency, book in found.books.items()}
    count = select(func.coalesce(func.sum(tables.block.c.events), 0)).where(tables.block.c.number <= block)
    return compare_figures(session, told, block=block, events=int(connection.execute(count).scalar_one()))


def add_account(book: TokenBook, bucket: str, wallet: str, notary: str, total: int) -> None:
    """Adds an account's total to a currency's book."""
    if bucket == Bucket.ISSUED:
        book.supply -= total
        return
    book.balances[wallet] += total
    if bucket == Bucket.HELD:
        book.held_for[notary, wallet] += total
    elif bucket == Bucket.FROZEN:
        book.frozen[wallet] += total
