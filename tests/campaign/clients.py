"""The clients of one history: companies that pay, ask again, and pay in another way where they are told no.

Decisions that govern this module:

* A client keeps its own books, which no fault touches: what it asked for, and what it was told.
* It asks again under the same key until it has a last word, and where the engine has forgotten the key.
* Told a negative end it does what people do: pays by another key, tries the same one again, or lets it be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
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
    """One key of a company. ``amounts`` in minor units: several are a batch."""

    company: Company
    key: str
    currency: str
    payee: str
    amounts: tuple[int, ...]
    next_at: float
    accepted: bool = False
    told: str = ""
    retries: int = 0
    keys_before: int = 0
    asks_after_final: int = 0
    variant: int = 0
    turns: int = 0
    over: bool = False

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
    """What a client can say to the engine's process."""

    def ask(self, request: Request) -> str:
        """Hand it in: its state, or why not: a word of ``NEGATIVE``, or anything else for what says nothing."""
        ...

    def state(self, request: Request) -> str:
        """Its state as the engine has it, or FORGOTTEN."""
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
            if not request.over and request.next_at <= self.now():
                request.turns += 1
                turn, asks = request.turns, not request.accepted
                if asks:
                    self._say(request, ASKED)
                    request.told = ""
                request.next_at = self.now() + self.chance.uniform(0.5, 4.0)
                state = service.ask(request) if asks else service.state(request)
                if request.turns != turn:
                    continue  # it came too late: the client has turned to another process meanwhile
                if asks:
                    request.accepted = state in SubmissionState.__members__
                self.hear(request, state)

    def unheard(self) -> None:
        """The process died while somebody spoke to it: whoever waits comes back later."""
        for request in self.open:
            if request.next_at <= self.now():
                request.next_at = self.now() + self.chance.uniform(0.2, 3.0)

    def hear(self, request: Request, state: str) -> None:
        """Note what the engine says, and go on as one does after that."""
        now = self.now()
        if state != request.told:
            self._say(request, state)
        request.told = state
        request.next_at = now + self.chance.uniform(0.5, 2.0)
        if state == FORGOTTEN:
            request.accepted = False
        elif state == FINAL:
            self._after_final(request)
        elif state in NEGATIVE:
            self._after_no(request)
        elif state == CONFLICT:
            request.over = True
        elif state == QUARANTINED:
            request.next_at = now + 10.0

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
        if what < 0.5 and request.keys_before < _MOST_KEYS:
            request.over = True
            other = Request(
                request.company,
                f"{request.key}{request.variant or ''}~",
                request.currency,
                request.payee,
                request.amounts,
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

    def _say(self, request: Request, what: str) -> None:
        named = request.key + "'" * request.variant
        self.log(f"{request.company.place} {'asks for' if what == ASKED else f'hears {what} of'} {named}")
        company, variant = request.company, request.variant
        self.words.append(Word(self.now(), company.participant, request.key, what, variant=variant))
