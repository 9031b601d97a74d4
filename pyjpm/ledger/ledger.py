"""The ledger: a platform's events as double-entry books in SQL.

    with Ledger("ledger.db", platform) as ledger:
        ledger.sync()
        ledger.balances(participant=7)
        ledger.statement(7, "USD", since=yesterday, until=today)

It can be read without a platform, by any number of processes; one of them syncs. Threads may share it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select

from pyjpm.chain.nodes import Nodes
from pyjpm.errors.ledger import InvalidPeriod, LedgerReadsOnly
from pyjpm.ledger import tables
from pyjpm.ledger.balances import LedgerBalance, balances, block_at, last_block_before, supply
from pyjpm.ledger.bank import BankEntry
from pyjpm.ledger.books import compare_books
from pyjpm.ledger.comparison import Comparison
from pyjpm.ledger.items import Item, OpenItems, add_items, open_items
from pyjpm.ledger.lives import OrderLife, Told, TradeLife, orders_of, told, trades_of
from pyjpm.ledger.matching import PayoutName
from pyjpm.ledger.payments import LedgerPayment, payments
from pyjpm.ledger.reader import PATIENCE
from pyjpm.ledger.reconciliation import Reconciliation, reconcile
from pyjpm.ledger.remittances import open_new
from pyjpm.ledger.statements import Statement, statement
from pyjpm.ledger.store import LedgerStore
from pyjpm.ledger.syncing import Synced, sync
from pyjpm.platform import Platform
from pyjpm.remittance import RemittanceKey
from pyjpm.session import Moment, Session


class Ledger:
    """One open ledger.

    Args:
        url: an SQLite file's path (made if need be) or a ``postgresql://`` URL.
        platform: whose events are booked; None for a ledger that is only read.
        nodes: what it is read from; the platform's own connection if None.
        keys: what opens remittances.
        patience: seconds for which a node that lags is waited for.

    Raises:
        LedgerNotFound, LedgerOfOtherPlatform, LedgerVersionUnknown, and what opening a database raises.
    """

    def __init__(
        self,
        url: str | Path,
        platform: Platform | Session | None = None,
        *,
        nodes: Nodes | None = None,
        keys: Sequence[RemittanceKey] = (),
        patience: float = PATIENCE,
    ) -> None:
        self._session = platform.session if isinstance(platform, Platform) else platform
        self._nodes = nodes
        self._keys = tuple(keys)
        self._patience = patience
        self.store = LedgerStore(url, None if self._session is None else self._session.record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({self.store.name})"

    def close(self) -> None:
        """Drop the connections."""
        self.store.close()

    @property
    def session(self) -> Session:
        """Of the platform. Raises LedgerReadsOnly."""
        if self._session is None:
            raise LedgerReadsOnly(f"The ledger {self.store.name} was opened without a platform.")
        return self._session

    @property
    def block(self) -> int:
        """The last block that is in."""
        with self.store.reading() as connection:
            return int(self.store.state(connection).block)

    # --- from the chain --------------------------------------------------------------------------------------------

    def sync(
        self, *, until: int | None = None, progress: Callable[[int, int], None] = lambda block, events: None
    ) -> Synced:
        """Brings it up to the chain's head, or to block ``until``.

        Args:
            progress: told the last block that is in, and how many events were stored.

        Raises:
            LedgerReadsOnly, LedgerMoved (another process syncs it), EventsInconsistent, AmountBeyondBooks,
            ReorgTooDeep, and what reading the chain raises.
        """
        session = self.session
        synced = sync(
            self.store, self._reached(), session.record, until=until, patience=self._patience, progress=progress
        )
        if self._keys:
            open_new(self.store, session, self._keys)
        return synced

    def _reached(self) -> Nodes:
        if self._nodes is None:
            self._nodes = Nodes([self.session.connection])
        return self._nodes

    # --- what it says ----------------------------------------------------------------------------------------------

    def balances(
        self,
        participant: int | None = None,
        currency: str | None = None,
        *,
        at_block: int | None = None,
        at_time: Moment | None = None,
    ) -> list[LedgerBalance]:
        """What participants own, by participant and currency: now, or at the end of a block or moment.

        Raises:
            LedgerBehind: the block is not in yet.
            InvalidPeriod: both a block and a time.
        """
        with self.store.reading() as connection:
            block = block_at(connection, at_block=at_block, at_time=at_time)
            return balances(connection, block, participant=participant, currency=currency)

    def supply(self, currency: str, *, at_block: int | None = None, at_time: Moment | None = None) -> int:
        """All tokens of a currency, minor units. Raises as :meth:`balances`."""
        with self.store.reading() as connection:
            return supply(connection, currency, block_at(connection, at_block=at_block, at_time=at_time))

    def statement(
        self,
        participant: int,
        currency: str,
        since: Moment | None = None,
        until: Moment | None = None,
        *,
        since_block: int | None = None,
        until_block: int | None = None,
    ) -> Statement:
        """What came and went, from ``since`` (included) to ``until`` (not included), or over blocks (both included).

        Without a beginning it starts with the platform, without an end it goes to the last block that is in.

        Raises:
            InvalidPeriod, LedgerBehind
        """
        if (since is not None and since_block is not None) or (until is not None and until_block is not None):
            raise InvalidPeriod("Give a block or a time, not both.", since_block=since_block, until_block=until_block)
        with self.store.reading() as connection:
            state = self.store.state(connection)
            first = state.first_block if since_block is None else max(since_block, state.first_block)
            if since is not None:
                first = last_block_before(connection, since) + 1
            last = block_at(connection, at_block=until_block, at_time=None)
            if until is not None:
                last = last_block_before(connection, until)
            return statement(connection, participant, currency, first, last)

    def payments(
        self,
        *,
        reference: str | None = None,
        end_to_end_id: str | None = None,
        uetr: str | None = None,
        participant: int | None = None,
        at_block: int | None = None,
    ) -> list[LedgerPayment]:
        """Payments, mints and redemptions in the order of the chain; those that match all that is given."""
        with self.store.reading() as connection:
            last = block_at(connection, at_block=at_block, at_time=None)
            return payments(
                connection,
                last,
                reference=reference,
                end_to_end_id=end_to_end_id,
                uetr=uetr,
                participant=participant,
            )

    def orders(self, order: str | None = None) -> dict[str, OrderLife]:
        """Orders of the escrow by id, each with its milestones and every event; or the one with this id."""
        with self.store.reading() as connection:
            names = json.loads(self.store.state(connection).contracts)
            return orders_of(told(connection, subject=order, contract="OrderEscrow"), names)

    def trades(self, trade: str | None = None) -> dict[str, TradeLife]:
        """Trades by id, each with every event; or the one with this id."""
        with self.store.reading() as connection:
            return trades_of(told(connection, subject=trade, contract="Settlement"))

    def events(self, *names: str, subject: str | None = None) -> list[Told]:
        """Events that are not told by postings alone: deposits, redemptions, freezes, attested reserves, mandates, ….

        Args:
            names: such as ``ReserveAttested``; all if none is given.
            subject: what they are about: an id, a reference, a participant, a wallet, a currency.
        """
        with self.store.reading() as connection:
            return told(connection, *names, subject=subject)

    # --- open items ------------------------------------------------------------------------------------------------

    def add_items(self, items: Iterable[Item]) -> int:
        """Keeps invoices and credit notes; those that are there already change nothing. How many were new.

        Raises:
            ItemConflict: another document has the kind and number of one, between the same two. None was kept then.
        """
        with self.store.writing() as connection:
            return add_items(connection, items)

    def open_items(
        self,
        creditor: int,
        *,
        debtor: int | None = None,
        at_block: int | None = None,
        at_time: Moment | None = None,
    ) -> OpenItems:
        """A creditor's documents and what payments settled of them, now or as of a block or moment. Reads remittances
        that a key of ours opened; what no payment names is open.

        Raises:
            LedgerBehind, InvalidPeriod
        """
        with self.store.reading() as connection:
            block = block_at(connection, at_block=at_block, at_time=at_time)
            return open_items(connection, creditor, block, debtor=debtor)

    # --- whether it is right ---------------------------------------------------------------------------------------

    def compare(self) -> Comparison:
        """Compares every figure of the books with what the contracts answer, at the last block that is in.

        Raises:
            LedgerReadsOnly, and what reading the chain raises.
        """
        with self.store.reading_beside_a_node() as connection:
            return compare_books(self.session, connection, int(self.store.state(connection).block))

    def reconcile(
        self,
        *,
        deposits: Sequence[BankEntry] | None = None,
        statement: Sequence[BankEntry] | None = None,
        since: date | None = None,
        until: date | None = None,
        payout_name: PayoutName | None = None,
        progress: Callable[[int, int], None] = lambda block, events: None,
    ) -> Reconciliation:
        """Compares ledger, chain and bank, as of the last block that is in, and names every break.

        Args:
            deposits: of the bank's own file of deposits and payouts (:func:`pyjpm.ledger.read_bank_file`).
            statement: of the bank's statement (camt.053); without either, only ledger and chain are compared.
            since, until: the first and last day that the bank's side covers (UTC); all if None.
            payout_name: what the bank calls the payout of a redemption, where that is not the redemption's reference.
            progress: told the last block compared, and how many events.

        Raises:
            InvalidPeriod: ``until`` is before ``since``.
            LedgerReadsOnly; ReorgTooDeep where the chain takes blocks back meanwhile; ViewBehind where no node is as
            far as the ledger; what else reading the chain raises.
        """
        return reconcile(
            self.store,
            self.session,
            self._reached(),
            deposits=deposits,
            statement=statement,
            since=since,
            until=until,
            payout_name=payout_name,
            keys=self._keys,
            patience=self._patience,
            progress=progress,
        )

    def digest(self) -> str:
        """SHA-256 over every row that is made from the chain: equal for equal ledgers, in either database."""
        found = hashlib.sha256()
        with self.store.reading() as connection:
            for table in tables.PROJECTED:
                query = select(table).order_by(*table.primary_key.columns)
                if table is tables.block:
                    # Of blocks without events it remembers those that were the newest when it came by.
                    query = query.where(table.c.events > 0)
                for row in connection.execute(query):
                    found.update(repr((table.name, *map(_plain, row))).encode())
        return found.hexdigest()


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value
