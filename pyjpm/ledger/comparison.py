"""Do the events match the chain? The books rebuilt from events beside what the contracts answer, at one block."""

from __future__ import annotations

from collections.abc import Iterable
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
    figures, differences = 0, []
    for currency, book in projection.books.items():
        told = list(_figures(session, projection, book, today))
        asked = [_question(session, currency, figure, arguments) for figure, _, _, arguments in told]
        figures += len(told)
        for (figure, of, by_events, _), answer in zip(told, session.calls(asked, block=block), strict=True):
            position = _QUESTIONS[figure][1]
            by_chain = answer if position is None else answer[position]
            if by_events != by_chain:
                differences.append(Difference(currency, figure, of, by_events, by_chain))
    return Comparison(block, count, figures, tuple(differences))


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


def _figures(
    session: Session, projection: Projection, book: TokenBook, today: int
) -> Iterable[tuple[str, str, int, tuple[Any, ...]]]:
    """Every figure to compare: name, of what, by the events, and the arguments to ask the chain with."""
    yield "supply", "", book.supply, ()
    yield "attested", "", book.attested, ()
    for issuer in sorted(book.ceilings.keys() | book.rates.keys()):
        yield "ceiling", issuer, book.ceilings.get(issuer, 0), (issuer,)
        yield "rate", issuer, book.rates.get(issuer, 0), (issuer,)
    wallets = projection.participants.keys() | book.balances.keys()
    for wallet in sorted(wallets):
        yield "balance", wallet, book.balances.get(wallet, 0), (wallet,)
        yield "held", wallet, book.held(wallet), (wallet,)
        yield "frozen", wallet, book.frozen.get(wallet, 0), (wallet,)
    for notary, wallet in sorted(book.held_for):
        # The contract answers for a lost wallet with what its successor has.
        amount = book.held_for.get((notary, projection.resolve(wallet)), 0)
        yield "held_for", f"{notary}/{wallet}", amount, (notary, wallet)
    for participant in sorted(set(projection.participants.values())):
        yield "limit", str(participant), book.limits.get(participant, 0), (participant,)
        yield "spent", str(participant), book.spent_on(participant, today), (participant,)
