"""The ledger's rows beside those that the chain's events make now: which is missing, altered, or of nobody.

Decisions that govern this module:

* Postings are compared by what their accounts are of, not by number: after an event that was missed numbers differ.
* A row that is not there was either never made or taken away. The block's count of events, kept beside its hash, tells:
  if it is the chain's, all of them were seen.
* What follows from a break that is named already is no break of its own: one finding for one cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, or_, select

from pyjpm.ledger import tables
from pyjpm.ledger.balances import posted_between
from pyjpm.ledger.breaks import Break, BreakKind
from pyjpm.ledger.indexing import Indexer
from pyjpm.ledger.matching import day_of
from pyjpm.ledger.reader import Page
from pyjpm.ledger.telling import AccountKey, Rows

Place = tuple[int, ...]
Row = tuple[Any, ...]


class RowComparison:
    """Compares page by page; ``breaks`` are those found so far.

    Args:
        connection: of one reading transaction.
        indexer: that makes the chain's rows; it started with nothing.
    """

    def __init__(self, connection: Connection, indexer: Indexer) -> None:
        self.breaks: list[Break] = []
        self._connection = connection
        self._indexer = indexer
        self._accounts = {
            row.id: AccountKey(row.currency, row.bucket, row.wallet, row.notary)
            for row in connection.execute(select(tables.account))
        }
        self._totals, self._first_blocks = {}, {}
        for row in connection.execute(select(tables.account)):
            self._totals[row.id], self._first_blocks[row.id] = row.total, row.block
        self._chain_first_blocks: dict[int, int] = {}
        self._stored_wallets = {
            row.wallet: (row.participant, row.block) for row in connection.execute(select(tables.wallet))
        }
        self._chain_wallets: dict[str, tuple[int, int]] = {}
        self._missed = False

    def page(self, page: Page, rows: Rows) -> None:
        """Compares the blocks of a page."""
        counts, replaced = self._blocks(page, rows)
        times = {number: at for number, _, at, _ in rows.blocks}
        chain_keys, stored_keys = self._indexer.accounts, self._keys()
        within = (page.first, page.last)
        for table, size, chain, stored in (
            (
                tables.posting,
                3,
                (self._posting(row, chain_keys) for row in rows.postings),
                (self._posting(row, stored_keys) for row in self._select(tables.posting, within)),
            ),
            (tables.event, 2, iter(rows.events), (tuple(row) for row in self._select(tables.event, within))),
        ):
            self._compare(table, size, chain, stored, counts, replaced, times)
        self._chain_wallets |= {wallet: (participant, block) for wallet, participant, block in rows.wallets}
        self._chain_first_blocks |= {number: block for number, _, block in rows.accounts}
        self._counts(counts, replaced, times)

    def _counts(self, counts: Mapping[int, tuple[int, int]], replaced: set[int], times: Mapping[int, int]) -> None:
        """Blocks that lack events by their count alone: then it is the block's own row that somebody touched."""
        told = {each.block for each in self.breaks} | replaced
        for number, (of_chain, of_ledger) in counts.items():
            if of_ledger < of_chain and number not in told:
                kind = BreakKind.LEDGER_ROW_ALTERED if of_ledger else BreakKind.LEDGER_ROW_MISSING
                self._add(kind, tables.block, number, of_chain, of_ledger or None, number, times.get(number))

    def outside(self, first: int, last: int) -> None:
        """Rows of blocks before the first or after the last: no event stands behind them, yet they change balances."""
        for table, column in ((tables.posting, "block"), (tables.event, "block"), (tables.block, "number")):
            place = table.c[column]
            for row in self._connection.execute(select(table).where(or_(place < first, place > last))):
                size = len(table.primary_key)
                self._one(table, "-".join(map(str, row[:size])), None, tuple(row)[size:], row[0], None)

    def end(self) -> None:
        """Compares wallets, accounts and their totals. Where events were missed, what they would have made is not."""
        for wallet in sorted(self._chain_wallets.keys() | self._stored_wallets.keys()):
            stored = self._stored_wallets.get(wallet)
            if stored is not None or not self._missed:
                self._one(tables.wallet, wallet, self._chain_wallets.get(wallet), stored, None, None)
        by_key = {key: number for number, key in self._accounts.items()}
        seen = {key: number for number, key in self._indexer.accounts.items()}
        if self._missed:
            # A total is right by what was posted, or, beside a posting that was altered, by what the chain says.
            posted = posted_between(self._connection, 0, None)
            for number, key in self._accounts.items():
                if self._totals[number] != posted.get(number, 0) and key in seen:
                    self._compare_total(number, key, self._indexer.totals[seen[key]])
            return
        altered = self._altered_accounts()
        for key, number in seen.items():
            if number in altered:
                self._add(BreakKind.LEDGER_ROW_ALTERED, tables.account, number, key, self._accounts[number])
            elif key not in by_key:
                self._add(BreakKind.LEDGER_ROW_MISSING, tables.account, number, key, None)
            elif self._first_blocks[by_key[key]] != (block := self._chain_first_blocks[number]):
                kept = self._first_blocks[by_key[key]]
                self._add(BreakKind.LEDGER_ROW_ALTERED, tables.account, by_key[key], (*key, block), (*key, kept))
        for key, number in by_key.items():
            if key not in seen and number not in altered:
                self._add(BreakKind.LEDGER_ROW_UNKNOWN, tables.account, number, None, key)
        self._compare_totals(by_key, seen)

    def _blocks(self, page: Page, rows: Rows) -> tuple[dict[int, tuple[int, int]], set[int]]:
        """Compares the blocks; their counts of events by chain and ledger, and those with another hash."""
        stored = {row.number: row for row in self._select(tables.block, (page.first, page.last), "number")}
        counts, replaced = {}, set()
        for number, name, at, events in rows.blocks:
            row = stored.pop(number, None)
            counts[number] = (events, 0 if row is None else row.events)
            if row is not None and row.hash != name:
                replaced.add(number)
                self._add(BreakKind.BLOCK_REPLACED, tables.block, number, name, row.hash, number, at)
            elif row is not None and (row.at != at or row.events > events):
                self._add(BreakKind.LEDGER_ROW_ALTERED, tables.block, number, (at, events), tuple(row)[2:], number, at)
        for number, row in stored.items():
            # Blocks without events are remembered for a while, and are no concern of the books.
            if row.events:
                counts[number] = (0, row.events)
                self._add(BreakKind.LEDGER_ROW_UNKNOWN, tables.block, number, None, tuple(row)[1:], number, row.at)
        return counts, replaced

    def _compare(
        self,
        table: Table,
        size: int,
        chain: Iterable[Row],
        stored: Iterable[Row],
        counts: Mapping[int, tuple[int, int]],
        replaced: set[int],
        times: Mapping[int, int],
    ) -> None:
        by_chain, by_ledger = ({row[:size]: row[size:] for row in rows} for rows in (chain, stored))
        if by_chain == by_ledger:
            return
        for place in sorted(by_chain.keys() | by_ledger.keys()):
            if place[0] not in replaced:
                of_chain, of_ledger = counts.get(place[0], (0, 0))
                missed = of_ledger < of_chain
                where = "-".join(map(str, place))
                self._one(
                    table, where, by_chain.get(place), by_ledger.get(place), place[0], times.get(place[0]), missed
                )

    def _one(
        self,
        table: Table,
        where: object,
        chain: object,
        stored: object,
        block: int | None,
        at: int | None,
        missed: bool = False,
    ) -> None:
        if chain == stored:
            return
        if stored is None:
            self._missed = self._missed or missed
            kind = BreakKind.EVENT_MISSED if missed else BreakKind.LEDGER_ROW_MISSING
        elif chain is None:
            kind = BreakKind.LEDGER_ROW_UNKNOWN
        else:
            self._missed = self._missed or missed
            kind = BreakKind.EVENT_MISSED if missed else BreakKind.LEDGER_ROW_ALTERED
        self._add(kind, table, where, chain, stored, block, at)

    def _keys(self) -> Mapping[int, AccountKey]:
        """The accounts of stored numbers; of one that was altered what it was, as it is named by itself."""
        gone = {number: key for number, key in self._indexer.accounts.items() if number not in self._accounts}
        return {**gone, **self._accounts, **self._altered_accounts()}

    def _altered_accounts(self) -> dict[int, AccountKey]:
        there, seen = set(self._accounts.values()), self._indexer.accounts
        known = set(seen.values())
        return {
            number: seen[number]
            for number, key in self._accounts.items()
            if number in seen and seen[number] not in there and key not in known
        }

    def _compare_totals(self, by_key: Mapping[AccountKey, int], seen: Mapping[AccountKey, int]) -> None:
        for key, number in seen.items():
            if key in by_key:
                self._compare_total(by_key[key], key, self._indexer.totals[number])

    def _compare_total(self, number: int, key: AccountKey, expected: int) -> None:
        if self._totals[number] != expected:
            self.breaks.append(
                Break(
                    BreakKind.LEDGER_TOTAL_DIFFERS,
                    f"The total of {key.bucket} of {key.wallet} in {key.currency} is not what was posted.",
                    f"{tables.account.name} {number}",
                    currency=key.currency,
                    expected=expected,
                    found=self._totals[number],
                )
            )

    def _add(
        self,
        kind: BreakKind,
        table: Table,
        where: object,
        chain: object,
        stored: object,
        block: int | None = None,
        at: int | None = None,
    ) -> None:
        what = {
            BreakKind.EVENT_MISSED: "The ledger never saw an event of the chain",
            BreakKind.LEDGER_ROW_MISSING: "A row that the chain's events make is not there",
            BreakKind.LEDGER_ROW_ALTERED: "A row is not what the chain's events make it",
            BreakKind.LEDGER_ROW_UNKNOWN: "No event of the chain makes this row",
            BreakKind.BLOCK_REPLACED: "The chain has another block at this height",
        }[kind]
        self.breaks.append(
            Break(
                kind,
                f"{what}: {table.name} {where}.",
                f"{table.name} {where}",
                block=block,
                day=None if at is None else day_of(at),
                expected=None if chain is None else _shown(chain),
                found=None if stored is None else _shown(stored),
            )
        )

    def _select(self, table: Table, within: tuple[int, int], column: str = "block") -> Iterable[Any]:
        place = table.c[column]
        return self._connection.execute(select(table).where(place >= within[0], place <= within[1]))

    def _posting(self, row: Any, keys: Mapping[int, AccountKey]) -> Row:
        block, index, part, tx, kind, debit, credit, *rest = row
        return (block, index, part, tx, str(kind), keys.get(debit, debit), keys.get(credit, credit), *rest)


def _shown(value: object) -> str:
    """A row for people: values, without the names of our own types."""
    if isinstance(value, tuple):
        return " ".join(_shown(each) for each in value if each is not None)
    return str(value)
