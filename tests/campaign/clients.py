"""The clients of one history: companies that pay, ask again, and pay in another way where they are told no.

Decisions that govern this module:

* A client keeps its own books, which no fault touches: what it asked for, and what it was told.
* It asks again under the same key until it has a last word, and where the engine has forgotten the key.
* Where a company's threads ask at the same moment, their calls meet, and share what the engine does for them.
* Told a negative end it does what people do: pays by another key, tries the same one again, or lets it be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from campaign.record import ASKED, CONFLICT, FINAL, NEGATIVE, QUARANTINED, Line, Word
from pyjpm.sending import SubmissionState

FORGOTTEN = "FORGOTTEN"
"""The engine does not know the key."""
_MOST_RETRIES = 2
_MOST_KEYS = 3


@dataclass(frozen=True, slots=True)
class Company:
    """A payer: one participant with one wallet. ``place`` is its index."""

    place: int
    participant: int
    wallet: str


@dataclass(slots=True)
class Request:
    """One key of a company. ``amounts`` in minor units: several are a batch.

    ``meets``: a thread of its own asks for it, beside those of others that are due. ``not_before``, ``not_after``: the
    unix seconds between which it may be signed; None is no bound.
    """

    company: Company
    key: str
    currency: str
    payee: str
    amounts: tuple[int, ...]
    next_at: float
    accepted: bool = False
    told: list[str] = field(default_factory=list)
    retries: int = 0
    keys_before: int = 0
    asks_after_final: int = 0
    variant: int = 0
    turns: int = 0
    over: bool = False
    meets: bool = False
    not_before: int | None = None
    not_after: int | None = None

    @property
    def lines(self) -> list[Line]:
        """Its payments."""
        company = self.company
        places: list[int | None] = [None] if len(self.amounts) == 1 else list(range(len(self.amounts)))
        return [
            Line(
                company.participant,
                company.wallet,
                self.key,
                place,
                self.currency,
                self.payee,
                amount,
                variant=self.variant,
            )
            for place, amount in zip(places, self.amounts, strict=True)
        ]


class Service(Protocol):
    """What a client can say to the engine's process. An answer is a word for each line of a request."""

    def ask(self, requests: Sequence[Request]) -> list[list[str]]:
        """Hand in one, or several of one wallet that meet: states, or why not: a word of ``NEGATIVE``, CONFLICT, or
        anything else for what says nothing."""
        ...

    def states(self, request: Request) -> list[str]:
        """States as the engine has them, or FORGOTTEN."""
        ...


@dataclass
class Clients:
    """All requests of one history, and what was said about them."""

    chance: random.Random
    now: Callable[[], float]
    log: Callable[[str], None]
    requests: list[Request] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)

    @property
    def open(self) -> list[Request]:
        """Those that have no last word yet."""
        return [request for request in self.requests if not request.over]

    def lines(self) -> Iterator[Line]:
        """Every payment that was ever asked for."""
        for request in self.requests:
            yield from request.lines

    def step(self, service: Service) -> None:
        """Whoever is due asks, or asks what became of it."""
        for request in list(self.requests):
            if not self._is_due(request):
                continue
            if not request.accepted:
                self._ask([request, *self._met(request)], service)
                continue
            turn = self._turn(request)
            states = service.states(request)
            if request.turns == turn:
                self.hear(request, states)

    def _is_due(self, request: Request) -> bool:
        return not request.over and request.next_at <= self.now()

    def _met(self, request: Request) -> list[Request]:
        """The others of its wallet that ask at this moment; of one key one, the others wait for it."""
        mine = [each for each in self.requests if request.meets and each.meets and each.company == request.company]
        asking = {each.key: each for each in mine if not each.accepted and self._is_due(each)}
        return [each for key, each in asking.items() if key != request.key]

    def _ask(self, requests: Sequence[Request], service: Service) -> None:
        turns = []
        for request in requests:
            self._say(request, ASKED)
            request.told = []
            turns.append(self._turn(request))
        for request, turn, states in zip(requests, turns, service.ask(requests), strict=True):
            if request.turns == turn:
                request.accepted = all(state in SubmissionState.__members__ for state in states)
                self.hear(request, states)

    def _turn(self, request: Request) -> int:
        """It speaks now; an answer to an earlier turn comes too late: it has turned to another process meanwhile."""
        request.turns += 1
        request.next_at = self.now() + self.chance.uniform(0.5, 4.0)
        return request.turns

    def unheard(self) -> None:
        """The process died while somebody spoke to it: whoever waits comes back later."""
        for request in self.open:
            if request.next_at <= self.now():
                request.next_at = self.now() + self.chance.uniform(0.2, 3.0)

    def hear(self, request: Request, states: list[str]) -> None:
        """Note what the engine says of each line, and go on as one does after that."""
        before = request.told or [""] * len(states)
        for position, (state, known) in enumerate(zip(states, before, strict=True)):
            if state != known:
                self._say(request, state, None if len(states) == 1 else position)
        request.told = states
        request.next_at = self.now() + self.chance.uniform(0.5, 2.0)
        ended = [state in (FINAL, CONFLICT) or state in NEGATIVE for state in states]
        if FORGOTTEN in states:
            request.accepted = False
        elif all(state == FINAL for state in states):
            self._after_final(request)
        elif all(ended) and not NEGATIVE.intersection(states):
            request.over = True
        elif all(ended):
            self._after_no(request)
        elif QUARANTINED in states:
            request.next_at = self.now() + 10.0

    def _after_final(self, request: Request) -> None:
        if request.asks_after_final:
            # A company whose own books are slow asks once more for what it has.
            request.asks_after_final -= 1
            request.accepted = False
            request.next_at = self.now() + self.chance.uniform(5.0, 60.0)
        else:
            request.over = True

    def _after_no(self, request: Request) -> None:
        what = self.chance.random()
        denied = [amount for amount, told in zip(request.amounts, request.told, strict=True) if told in NEGATIVE]
        if what < 0.5 and request.keys_before < _MOST_KEYS:
            request.over = True
            other = Request(
                request.company,
                f"{request.key}{request.variant or ''}~",
                request.currency,
                request.payee,
                tuple(denied),
                next_at=self.now() + self.chance.uniform(0.0, 5.0),
                keys_before=request.keys_before + 1,
            )
            self.log(f"{request.company.place} pays {request.key} by another key")
            self.requests.append(other)
        elif what < 0.8 and request.retries < _MOST_RETRIES:
            request.retries += 1
            request.accepted = False
            request.next_at = self.now() + self.chance.uniform(1.0, 20.0)
        else:
            request.over = True

    def _say(self, request: Request, what: str, position: int | None = None) -> None:
        place = "" if position is None else f"[{position}]"
        named = request.key + place + "'" * request.variant
        self.log(f"{request.company.place} {'asks for' if what == ASKED else f'hears {what} of'} {named}")
        participant = request.company.participant
        self.words.append(Word(self.now(), participant, request.key, what, position, request.variant))
