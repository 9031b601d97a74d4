"""Balances, holds, freezes, limits, supply and what backs it, rebuilt from events alone.

Whoever keeps books must be able to do so from what the chain announces, without asking the contracts. The rules by
which events add up stand in ``IDepositToken``: a ``Transfer`` always moves balances; ``HoldExecuted``, ``Seized``,
``Recovered`` and the mint and burn events stand right before the ``Transfer`` they explain; any other ``Transfer``
between two participants, and every ``Held``, is charged to the payer's limit of the block's UTC day. A net says itself
what it charges (``NetSettled``), and how many of the ``Transfer`` that follow are of it (``NetExecuted``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pyjpm.contracts.codec import Event
from pyjpm.errors.ledger import EventsInconsistent
from pyjpm.ledger.rules import MOVES, NOT_CHARGED, OWN_HOLD, Bucket, End
from pyjpm.session import ZERO_ADDRESS, Session

DAY: Final = 86_400
REGISTRY: Final = "ParticipantRegistry"
RESERVE: Final = "Reserve"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of one contract of the platform, with its block's time in unix seconds."""

    contract: str
    event: Event
    timestamp: int


@dataclass(slots=True)
class TokenBook:
    """One currency's books, in minor units. Wallets are checksummed addresses."""

    supply: int = 0
    balances: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    held_for: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    frozen: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    limits: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    spent: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Participant -> (UTC day, minor units spent that day)."""
    ceilings: dict[str, int] = field(default_factory=dict)
    rates: dict[str, int] = field(default_factory=dict)
    """Issuer -> minor units in the period of its rate."""
    attested: int = 0
    net_transfers: int = 0
    """How many of the next ``Transfer`` belong to a net."""

    def spent_on(self, participant: int, day: int) -> int:
        """What a participant has spent of its limit on a UTC day."""
        last, amount = self.spent.get(participant, (day, 0))
        return amount if last == day else 0


class Projection:
    """The books after a number of events, applied one by one in the order of the chain."""

    def __init__(self, currencies: Iterable[str]) -> None:
        self.books = {currency: TokenBook() for currency in currencies}
        self.participants: dict[str, int] = {}
        self.successors: dict[str, str] = {}
        self._previous: Event | None = None

    def apply(self, entry: Entry) -> None:
        """Adds one event.

        Raises:
            EventsInconsistent: a balance or hold would fall below zero, so an earlier event is missing.
        """
        event = entry.event
        if entry.contract == REGISTRY:
            if event.name == "WalletLinked":
                self.participants[event.arguments["wallet"]] = event.arguments["participant"]
            return
        if entry.contract == RESERVE:
            if event.name == "ReserveAttested":
                self.books[event.arguments["currency"].decode()].attested = event.arguments["attested"]
            return
        self._apply_to_token(self.books[entry.contract], event, entry.timestamp // DAY)
        self._previous = event

    def resolve(self, wallet: str) -> str:
        """The wallet that has today what ``wallet`` had."""
        while wallet in self.successors:
            wallet = self.successors[wallet]
        return wallet

    def _apply_to_token(self, book: TokenBook, event: Event, today: int) -> None:
        told = event.arguments
        for move in MOVES.get(event.name, ()):
            self._change(book, event, move.out, -told[move.amount])
            self._change(book, event, move.into, told[move.amount])
        match event.name:
            case "Transfer":
                self._charge_transfer(book, event, today)
            case "Held":
                self._charge(book, told["payer"], told["amount"], today)
            case "NetSettled":
                self._charge(book, told["wallet"], told["charged"], today)
            case "NetExecuted":
                book.net_transfers = told["transfers"]
            case "HoldReleased" | "HoldNetted":
                if told["day"] == today:
                    self._give_back(book, told["payer"], told["amount"], today)
            case "AmountFrozen" | "AmountUnfrozen":
                self._require(
                    book.frozen[told["wallet"]] == told["frozen"], "What is frozen is not what is told", event
                )
            case "Recovered":
                self.successors[told["lost"]] = told["successor"]
            case "MintCeilingSet":
                book.ceilings[told["issuer"]] = told["ceiling"]
            case "MintRateSet":
                book.rates[told["issuer"]] = told["amount"]
            case "DailyLimitSet":
                book.limits[told["participant"]] = told["limit"]

    def _change(self, book: TokenBook, event: Event, end: End, amount: int) -> None:
        wallet = event.arguments[end.wallet]
        if end.bucket is Bucket.HELD:
            notary = event.address if end.notary == OWN_HOLD else event.arguments[end.notary]
            book.held_for[notary, wallet] += amount
            self._require(
                book.held_for[notary, wallet] >= 0, f"The hold of {notary} on {wallet} would fall below zero", event
            )
        elif end.bucket is Bucket.FROZEN:
            book.frozen[wallet] += amount
            self._require(book.frozen[wallet] >= 0, f"What is frozen of {wallet} would fall below zero", event)
        elif event.name == "Transfer" and wallet == ZERO_ADDRESS:
            book.supply -= amount
        elif event.name == "Transfer":
            book.balances[wallet] += amount
            self._require(book.balances[wallet] >= 0, f"The balance of {wallet} would fall below zero", event)

    def _charge_transfer(self, book: TokenBook, event: Event, today: int) -> None:
        source, target, amount = event.arguments["from"], event.arguments["to"], event.arguments["value"]
        netted = book.net_transfers > 0
        book.net_transfers -= netted
        explained = self._previous is not None and (
            self._previous.name in NOT_CHARGED
            and self._previous.tx == event.tx
            and self._previous.log_index == event.log_index - 1
        )
        charged = ZERO_ADDRESS not in (source, target) and not explained and not netted
        if charged and self.participants.get(source) != self.participants.get(target):
            self._charge(book, source, amount, today)

    def _charge(self, book: TokenBook, payer: str, amount: int, today: int) -> None:
        participant = self.participants.get(payer, 0)
        book.spent[participant] = (today, book.spent_on(participant, today) + amount)

    def _give_back(self, book: TokenBook, payer: str, amount: int, today: int) -> None:
        participant = self.participants.get(payer, 0)
        book.spent[participant] = (today, max(0, book.spent_on(participant, today) - amount))

    def _require(self, holds: bool, what: str, event: Event) -> None:
        if not holds:
            raise EventsInconsistent(
                f"{what} in block {event.block}: an event before is missing.",
                block=event.block,
                log_index=event.log_index,
                tx=event.tx,
            )


def read_events(session: Session, *, to_block: int) -> Iterator[Entry]:
    """Every event of registry, reserve and deposit tokens up to a block, in the order of the chain; pages itself."""
    names = {session.address(name): name for name in (REGISTRY, RESERVE)}
    names |= {session.address(currency): currency for currency in session.record.tokens}
    found = session.connection.logs(list(names), from_block=session.record.first_block, to_block=to_block)
    for _, _, logs in found.pages():
        blocks = sorted({log.block_number for log in logs})
        times = dict(zip(blocks, session.connection.timestamps(blocks), strict=True))
        for log in logs:
            contract = names[log.address]
            event = session.codec(contract).decode_log(log)
            if event is not None:
                yield Entry(contract, event, times[event.block])
