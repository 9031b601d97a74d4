"""Do the events match the chain? The books rebuilt from events beside what the contracts answer, at one block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyjpm.errors.ledger import EventsInconsistent
from pyjpm.ledger.projection import DAY, RESERVE, Entry, Projection, TokenBook
from pyjpm.session import Session


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure on which events and chain disagree, in minor units."""

    currency: str
    figure: str
    of: str
    events: int
    chain: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome at one block.

    Attributes:
        events: how many were applied.
        figures: how many figures were compared.
        differences: where they disagree; empty if the events match the chain.
        inconsistency: why the events do not even add up, empty if they do.
    """

    block: int
    events: int
    figures: int
    differences: tuple[Difference, ...]
    inconsistency: str = ""

    @property
    def matches(self) -> bool:
        """Whether the events say exactly what the chain says."""
        return not self.differences and not self.inconsistency

    def to_dict(self) -> dict[str, Any]:
        """The outcome as JSON-able data."""
        return {**asdict(self), "matches": self.matches}


def compare(session: Session, entries: Iterable[Entry], *, block: int) -> Comparison:
    """Applies events and compares ``balanceOf``, ``held``, ``heldFor``, ``frozen``, limits, what issuers may mint,
    ``totalSupply`` and what is attested behind it.

    Args:
        entries: of all events up to ``block``, such as :func:`pyjpm.ledger.read_events` gives.
        block: the height at which the chain is asked.
    """
    projection, count = Projection(session.record.tokens), 0
    try:
        for entry in entries:
            projection.apply(entry)
            count += 1
    except EventsInconsistent as error:
        return Comparison(block, count, 0, (), error.message)
    today = session.connection.block(block).timestamp // DAY
    told = {
        currency: [*money_figures(projection, book), *_other_figures(projection, book, today)]
        for currency, book in projection.books.items()
    }
    return compare_figures(session, told, block=block, events=count)


def compare_figures(session: Session, told: Mapping[str, Sequence[Figure]], *, block: int, events: int) -> Comparison:
    """Asks the contracts for these figures, by currency."""
    figures, differences = 0, []
    for currency, each in told.items():
        asked = [_question(session, currency, figure, arguments) for figure, _, _, arguments in each]
        figures += len(each)
        for (figure, of, by_events, _), answer in zip(each, session.calls(asked, block=block), strict=True):
            position = _QUESTIONS[figure][1]
            by_chain = answer if position is None else answer[position]
            if by_events != by_chain:
                differences.append(Difference(currency, figure, of, by_events, by_chain))
    return Comparison(block, events, figures, tuple(differences))


Figure = tuple[str, str, int, tuple[Any, ...]]
"""A figure's name, of what it is, what events say, and the arguments to ask the chain with."""

_QUESTIONS = {
    "supply": ("totalSupply", None),
    "balance": ("balanceOf", None),
    "held": ("held", None),
    "held_for": ("heldFor", None),
    "frozen": ("frozen", None),
    "limit": ("dailyLimit", 0),
    "spent": ("dailyLimit", 1),
    "ceiling": ("mintCeiling", 0),
    "rate": ("mintRate", 0),
    "attested": ("backingOf", 1),
}


def _question(
    session: Session, currency: str, figure: str, arguments: tuple[Any, ...]
) -> tuple[str, str, tuple[Any, ...]]:
    """Contract, function and arguments that answer for a figure: the token, or the reserve about it."""
    if figure == "attested":
        return RESERVE, _QUESTIONS[figure][0], (session.address(currency),)
    return currency, _QUESTIONS[figure][0], arguments


def money_figures(projection: Projection, book: TokenBook) -> Iterator[Figure]:
    """What a currency's wallets have, and what was issued and attested."""
    yield "supply", "", book.supply, ()
    yield "attested", "", book.attested, ()
    wallets = projection.participants.keys() | book.balances.keys()
    held: dict[str, int] = defaultdict(int)
    for (_, wallet), amount in book.held_for.items():
        held[wallet] += amount
    for wallet in sorted(wallets):
        yield "balance", wallet, book.balances.get(wallet, 0), (wallet,)
        yield "held", wallet, held[wallet], (wallet,)
        yield "frozen", wallet, book.frozen.get(wallet, 0), (wallet,)
    for notary, wallet in sorted(book.held_for):
        # The contract answers for a lost wallet with what its successor has.
        amount = book.held_for.get((notary, projection.resolve(wallet)), 0)
        yield "held_for", f"{notary}/{wallet}", amount, (notary, wallet)


def _other_figures(projection: Projection, book: TokenBook, today: int) -> Iterator[Figure]:
    """What its issuers and participants may do."""
    for issuer in sorted(book.ceilings.keys() | book.rates.keys()):
        yield "ceiling", issuer, book.ceilings.get(issuer, 0), (issuer,)
        yield "rate", issuer, book.rates.get(issuer, 0), (issuer,)
    for participant in sorted(set(projection.participants.values())):
        yield "limit", str(participant), book.limits.get(participant, 0), (participant,)
        yield "spent", str(participant), book.spent_on(participant, today), (participant,)
