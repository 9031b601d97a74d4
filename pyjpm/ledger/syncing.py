"""Brings the ledger up to the chain: page after page, each with the place behind it in one transaction.

Decisions that govern this module:

* The place is compared in the transaction that moves it: of two processes that sync one ledger, the later one stores
  nothing (LedgerMoved).
* The next page is fetched while one is stored; nothing of it is used unless that one was stored.
* What the chain took back is deleted, and the totals of the accounts go back with it, before anything else is read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from pyjpm.chain.nodes import Nodes
from pyjpm.errors.ledger import LedgerMoved
from pyjpm.ledger import tables
from pyjpm.ledger.indexing import Indexer
from pyjpm.ledger.reader import DEPTH, PATIENCE, Page, Reader, TakenBack
from pyjpm.ledger.store import LedgerStore, insert_rows
from pyjpm.ledger.telling import AccountKey, Rows
from pyjpm.record import DeploymentRecord


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync came to.

    Attributes:
        block: the last block that is in.
        events: how many were stored by this sync.
        taken_back: how many blocks the chain took back.
    """

    block: int
    events: int
    taken_back: int


@dataclass(frozen=True, slots=True)
class _Place:
    block: int
    hash: str
    highest: int


def sync(
    store: LedgerStore,
    nodes: Nodes,
    record: DeploymentRecord,
    *,
    until: int | None = None,
    patience: float = PATIENCE,
    progress: Callable[[int, int], None] = lambda block, events: None,
) -> Synced:
    """Reads on to the head, or to ``until``; ``progress`` is told the block and the events stored so far.

    Raises:
        LedgerMoved, EventsInconsistent, AmountBeyondBooks, ReorgTooDeep, and what reading the chain raises.
    """
    with store.reading() as connection:
        row = store.state(connection)
        place = _Place(row.block, row.block_hash, row.highest_head)
        names = json.loads(row.contracts)
        indexer, known = load(connection, record, names), known_blocks(connection)
    reader = Reader(nodes, list(names), until=until, patience=patience)
    events = taken_back = 0
    with ThreadPoolExecutor(1, thread_name_prefix="pyjpm-ledger") as ahead:

        def fetch() -> Future[Page | TakenBack | None]:
            return ahead.submit(reader.after, place.block, place.hash, dict(known), place.highest)

        coming = fetch()
        while (step := coming.result()) is not None:
            before = place
            if isinstance(step, TakenBack):
                place = _Place(step.to_block, step.hash, step.highest_head)
                taken_back += before.block - step.to_block
                with store.writing() as connection:
                    _expect(store, connection, before)
                    take_back(connection, step.to_block)
                    _move(connection, place)
                    indexer, known = load(connection, record, names), known_blocks(connection)
                coming = fetch()
                continue
            place = _Place(step.last, step.hash, step.highest_head)
            known |= {head.number: head.hash for head in step.heads}
            known = {number: name for number, name in known.items() if number >= place.block - DEPTH}
            coming = fetch()
            rows = indexer.add(step.logs, step.heads)
            with store.writing() as connection:
                _expect(store, connection, before)
                _insert(connection, rows)
                _move(connection, place)
            events += rows.logs
            progress(place.block, events)
    return Synced(place.block, events, taken_back)


def load(connection: Connection, record: DeploymentRecord, names: dict[str, str]) -> Indexer:
    """An indexer that goes on where the ledger ends."""
    accounts, totals = {}, {}
    for row in connection.execute(select(tables.account)):
        accounts[row.id] = AccountKey(row.currency, row.bucket, row.wallet, row.notary)
        totals[row.id] = row.total
    return Indexer(record, names, accounts, totals, connection.execute(select(tables.wallet.c.wallet)).scalars())


def known_blocks(connection: Connection) -> dict[int, str]:
    """Hashes of the newest blocks, by height: those that may be taken back, and the one before them."""
    blocks = tables.block
    last = select(tables.state.c.block).scalar_subquery()
    query = select(blocks.c.number, blocks.c.hash).where(blocks.c.number >= last - DEPTH)
    return {row.number: row.hash for row in connection.execute(query)}


def take_back(connection: Connection, to_block: int) -> None:
    """Deletes what came from blocks above this one, and takes it out of the totals."""
    postings, accounts = tables.posting, tables.account
    changes: dict[int, int] = defaultdict(int)
    for end, sign in ((postings.c.debit, 1), (postings.c.credit, -1)):
        query = select(end, func.sum(postings.c.amount)).where(postings.c.block > to_block).group_by(end)
        for number, amount in connection.execute(query):
            changes[number] += sign * int(amount)
    _change_totals(connection, changes)
    for table in (postings, tables.event, tables.remittance, tables.wallet, accounts):
        connection.execute(delete(table).where(table.c.block > to_block))
    connection.execute(delete(tables.block).where(tables.block.c.number > to_block))


def _insert(connection: Connection, rows: Rows) -> None:
    insert_rows(connection, tables.block, rows.blocks)
    insert_rows(connection, tables.wallet, rows.wallets)
    insert_rows(connection, tables.posting, rows.postings)
    insert_rows(connection, tables.event, rows.events)
    fresh = [(number, *key, block, rows.changes.pop(number, 0)) for number, key, block in rows.accounts]
    insert_rows(connection, tables.account, fresh)
    _change_totals(connection, rows.changes)


def _change_totals(connection: Connection, changes: dict[int, int]) -> None:
    changed: list[dict[str, Any]] = [
        {"number": number, "change": change} for number, change in sorted(changes.items()) if change
    ]
    if changed:
        accounts = tables.account
        statement = update(accounts).where(accounts.c.id == bindparam("number"))
        connection.execute(statement.values(total=accounts.c.total + bindparam("change")), changed)


def _expect(store: LedgerStore, connection: Connection, place: _Place) -> None:
    row = store.state(connection, lock=True)
    if (row.block, row.block_hash) != (place.block, place.hash):
        raise LedgerMoved(f"The ledger {store.name} is no longer at block {place.block}.", block=place.block)


def _move(connection: Connection, place: _Place) -> None:
    values = {"block": place.block, "block_hash": place.hash, "highest_head": place.highest}
    connection.execute(update(tables.state).values(**values))
    blocks = tables.block
    # Blocks without events are kept only as long as the way back may lead over them.
    connection.execute(delete(blocks).where(blocks.c.events == 0, blocks.c.number < place.block - DEPTH))
