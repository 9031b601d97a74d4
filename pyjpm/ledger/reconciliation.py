"""Reconciliation: ledger, chain and bank, block by block and day by day; every break by its name.

Decisions that govern this module:

* The chain is what the others are measured by. Its events are read anew and made into rows as a sync does it; whatever
  the ledger has is compared with them, and so are the bank's entries: a ledger that somebody wrote to hides nothing.
* The chain is measured by itself as well: what its events add up to is compared with what its contracts answer, so
  that a node which leaves events out is found, even where the ledger was filled from it.
* All of it is as of the last block that is in the ledger, by nodes that have come as far as the ledger has seen: what a
  node does not have yet would be compared with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from pyjpm.chain.nodes import Nodes
from pyjpm.errors.ledger import EventsInconsistent, InvalidPeriod
from pyjpm.ledger.bank import BankEntry
from pyjpm.ledger.books import add_account
from pyjpm.ledger.breaks import Break, BreakKind
from pyjpm.ledger.comparison import compare_figures, money_figures
from pyjpm.ledger.indexing import Indexer
from pyjpm.ledger.lives import Told, TradeLife, mints_of, orders_of, payouts_of, told_by, trades_of
from pyjpm.ledger.matching import Day, PayoutName, days_of, match
from pyjpm.ledger.projection import Projection
from pyjpm.ledger.reader import PATIENCE, Page, Reader, TakenBack
from pyjpm.ledger.remittances import check_remittances
from pyjpm.ledger.rows import RowComparison
from pyjpm.ledger.rules import Bucket, Kind
from pyjpm.ledger.store import LedgerStore, contracts_of
from pyjpm.ledger.telling import Rows
from pyjpm.order import OrderState
from pyjpm.remittance import RemittanceKey
from pyjpm.session import Session
from pyjpm.trade import TradeState

_LIFE: Final = ("OrderEscrow", "Settlement")
_STATES: Final = tuple(OrderState)
_TRADE_STATES: Final = tuple(TradeState)
_ENDED: Final = (TradeState.SETTLED, TradeState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a reconciliation found.

    Attributes:
        first_block, block: from which block to which.
        events: how many of the chain were compared with the ledger's rows.
        figures: how many of the contracts' answers with what the events add up to.
        entries: how many of the bank; None where no bank side was given.
        breaks: all of them; empty where everything agrees.
        days: what came and went by day and currency, where a bank side was given.
    """

    first_block: int
    block: int
    events: int
    figures: int
    entries: int | None
    breaks: tuple[Break, ...]
    days: tuple[Day, ...]

    @property
    def clean(self) -> bool:
        """Whether everything agrees."""
        return not self.breaks

    def to_dict(self) -> dict[str, Any]:
        """The outcome as JSON-able data."""
        return {
            "clean": self.clean,
            "first_block": self.first_block,
            "block": self.block,
            "events": self.events,
            "figures": self.figures,
            "entries": self.entries,
            "breaks": [each.to_dict() for each in self.breaks],
            "days": [each.to_dict() for each in self.days],
        }


def reconcile(
    store: LedgerStore,
    session: Session,
    nodes: Nodes,
    *,
    deposits: Sequence[BankEntry] | None = None,
    statement: Sequence[BankEntry] | None = None,
    since: date | None = None,
    until: date | None = None,
    payout_name: PayoutName | None = None,
    keys: Sequence[RemittanceKey] = (),
    patience: float = PATIENCE,
    progress: Callable[[int, int], None] = lambda block, events: None,
) -> Reconciliation:
    """Compares everything; see :meth:`pyjpm.ledger.Ledger.reconcile`."""
    if since is not None and until is not None and until < since:
        raise InvalidPeriod(f"The days that the bank's side covers end on {until}, before they begin on {since}.")
    with store.reading_beside_a_node() as connection:
        state = store.state(connection)
        run = _Run(connection, session, nodes, state.block, patience, progress)
        breaks = run.compare(state.first_block, max(state.block, state.highest_head))
        breaks += check_remittances(connection, session, run.remittance_hashes, keys)
    block = int(state.block)
    figures = 0
    if not run.inconsistent:
        found, figures = _against_contracts(session, run, block)
        breaks += found
    days: tuple[Day, ...] = ()
    entries = [*(deposits or ()), *(statement or ())]
    with_bank = deposits is not None or statement is not None
    if with_bank:
        mints, payouts = mints_of(run.told), payouts_of(run.told)
        breaks += match(
            mints,
            payouts,
            deposits=deposits,
            statement=statement,
            covered=lambda day: (since is None or since <= day) and (until is None or day <= until),
            payout_name=payout_name,
        )
        days = days_of(mints, payouts, statement if statement is not None else entries)
    return Reconciliation(
        int(state.first_block),
        block,
        run.events,
        figures,
        len(entries) if with_bank else None,
        tuple(breaks),
        days,
    )


class _Run:
    """One reading of all the chain's events beside the ledger's rows."""

    def __init__(
        self,
        connection: Connection,
        session: Session,
        nodes: Nodes,
        until: int,
        patience: float,
        progress: Callable[[int, int], None],
    ) -> None:
        self._connection = connection
        self._nodes = nodes
        self._until = until
        self._patience = patience
        self._progress = progress
        self.names = contracts_of(session.record)
        self.indexer = Indexer(session.record, self.names)
        self.events = 0
        self.inconsistent = False
        self.told: list[Told] = []
        self.wallets: dict[str, int] = {}
        self.remittance_hashes: dict[tuple[int, int], tuple[str, str]] = {}
        self.unexplained: list[tuple[int, int]] = []
        self.traded: set[str] = set()

    def compare(self, first_block: int, highest_head: int) -> list[Break]:
        comparison = RowComparison(self._connection, self.indexer)
        comparison.outside(first_block, self._until)
        try:
            for page in self._pages(first_block, highest_head):
                rows = self.indexer.add(page.logs, page.heads)
                self._remember(rows)
                comparison.page(page, rows)
                self._progress(page.last, self.events)
        except EventsInconsistent as error:
            self.inconsistent = True
            block = error.details["block"]
            comparison.breaks.append(
                Break(BreakKind.EVENTS_INCONSISTENT, error.message, f"events up to block {block}", block=block)
            )
            return comparison.breaks
        comparison.end()
        return comparison.breaks + [
            Break(
                BreakKind.EVENTS_INCONSISTENT,
                f"Tokens came or went in block {block}, and no mint or redemption says why.",
                f"event {block}-{log_index}",
                block=block,
            )
            for block, log_index in self.unexplained
        ]

    def _pages(self, first_block: int, highest_head: int) -> Iterator[Page]:
        reader = Reader(self._nodes, list(self.names), until=self._until, patience=self._patience)
        block, name, highest = first_block - 1, "", highest_head
        while (page := reader.after(block, name, {block: name}, highest)) is not None:
            # Blocks that are taken back meanwhile: ReorgTooDeep, as none but the last is known here.
            assert not isinstance(page, TakenBack)
            block, name, highest = page.last, page.hash, page.highest_head
            yield page

    def _remember(self, rows: Rows) -> None:
        self.events += rows.logs
        times = {number: at for number, _, at, _ in rows.blocks}
        self.wallets |= {wallet: participant for wallet, participant, _ in rows.wallets}
        self.told += [told_by(row, times[row[0]]) for row in rows.events if _is_kept(row)]
        self.remittance_hashes |= {(row[0], row[1]): (row[3], row[9]) for row in rows.postings if row[9] is not None}
        # A trade's money carries the trade's id: of one that is hidden as well.
        self.traded |= {row[8] for row in rows.postings if row[4] is Kind.TRADE and row[8] is not None}
        issued = {number for number, key in self.indexer.accounts.items() if key.bucket == Bucket.ISSUED}
        self.unexplained += [
            (row[0], row[1])
            for row in rows.postings
            if (row[5] in issued and row[4] is not Kind.MINT) or (row[6] in issued and row[4] is not Kind.REDEMPTION)
        ]


def _is_kept(row: Sequence[Any]) -> bool:
    return row[3] in _LIFE or row[4] in ("DepositMinted", "Recovered", "ReserveAttested") or row[4][:10] == "Redemption"


def _against_contracts(session: Session, run: _Run, block: int) -> tuple[list[Break], int]:
    """What the contracts answer beside what their events add up to, and the reserve beside what was issued."""
    books = Projection(session.record.tokens)
    books.participants = dict(run.wallets)
    for number, key in run.indexer.accounts.items():
        add_account(books.books[key.currency], key.bucket, key.wallet, key.notary, run.indexer.totals[number])
    for each in run.told:
        if each.name == "Recovered":
            books.successors[each.subject or ""] = each.detail["successor"]
        elif each.name == "ReserveAttested":
            books.books[each.subject or ""].attested = int(each.detail["attested"])
    figures = {currency: list(money_figures(books, book)) for currency, book in books.books.items()}
    compared = compare_figures(session, figures, block=block, events=run.events)
    figures_compared = compared.figures
    breaks = [
        Break(
            BreakKind.FIGURE_DIFFERS,
            f"By events {each.figure} of {each.of or each.currency} is {each.events}, the contract says {each.chain}.",
            f"{each.currency} {each.figure} {each.of}".strip(),
            block=block,
            currency=each.currency,
            expected=each.chain,
            found=each.events,
        )
        for each in compared.differences
    ]
    for currency, book in books.books.items():
        if book.attested < book.supply:
            breaks.append(
                Break(
                    BreakKind.RESERVE_SHORT,
                    f"Less {currency} is attested than was issued.",
                    f"{currency} reserve",
                    block=block,
                    currency=currency,
                    expected=book.supply,
                    found=book.attested,
                )
            )
    for part in (_owners(session, books, block), _lives(session, run, block)):
        breaks += part[0]
        figures_compared += part[1]
    return breaks, figures_compared


def _owners(session: Session, books: Projection, block: int) -> tuple[list[Break], int]:
    """Whose each wallet is."""
    wallets = sorted(books.participants.keys() | {each for book in books.books.values() for each in book.balances})
    answers = session.calls([("ParticipantRegistry", "walletOf", (wallet,)) for wallet in wallets], block=block)
    breaks = [
        Break(
            BreakKind.FIGURE_DIFFERS,
            f"By events wallet {wallet} is of participant {said}, the registry says {answer[0]}.",
            f"participant of {wallet}",
            block=block,
            expected=answer[0],
            found=said,
        )
        for wallet, answer in zip(wallets, answers, strict=True)
        if (said := books.participants.get(wallet, 0)) != answer[0]
    ]
    return breaks, len(wallets)


def _lives(session: Session, run: _Run, block: int) -> tuple[list[Break], int]:
    currencies = {address: name for address, name in run.names.items() if name in session.record.tokens}
    orders = orders_of(run.told, currencies)
    parts: list[tuple[str, int, OrderState | None]] = [
        (order.id, index, part.state) for order in orders.values() for index, part in enumerate(order.milestones)
    ]
    # Of an order whose opening is hidden one milestone tells enough.
    hidden = {
        each.subject: each.number
        for each in run.told
        if each.contract == "OrderEscrow" and each.name.startswith("Milestone") and each.subject not in orders
    }
    parts += [(name or "", number or 0, None) for name, number in hidden.items()]
    asked = [("OrderEscrow", "stateOf", (bytes.fromhex(name[2:]), index)) for name, index, _ in parts]
    breaks = [
        Break(
            BreakKind.ORDER_STATE_DIFFERS,
            f"By events milestone {index} of order {name} is {state or 'not there'}, the contract says "
            f"{_STATES[answer]}.",
            f"order {name} milestone {index}",
            block=block,
            expected=_STATES[answer].value,
            found=None if state is None else state.value,
        )
        for (name, index, state), answer in zip(parts, session.calls(asked, block=block), strict=True)
        if _STATES[answer] is not state
    ]
    trades = list(({name: TradeLife(name) for name in sorted(run.traded)} | trades_of(run.told)).values())
    questions = [("Settlement", "tradeOf", (bytes.fromhex(each.id[2:]),)) for each in trades]
    for trade, seen in zip(trades, session.calls(questions, block=block), strict=True):
        says = _TRADE_STATES[seen["state"]]
        # Whether a trade that waits is affirmed or has expired is the clock's to say.
        if says is not trade.state and not {says, trade.state}.isdisjoint(_ENDED):
            breaks.append(
                Break(
                    BreakKind.TRADE_STATE_DIFFERS,
                    f"By events trade {trade.id} is {trade.state}, the contract says {says}.",
                    f"trade {trade.id}",
                    block=block,
                    expected=says.value,
                    found=trade.state.value,
                )
            )
    return breaks, len(parts) + len(trades)
