"""The checkers of a history: people whose signed words payments above an amount wait for.

Decisions that govern this module:

* They decide by the package's own approvals, over the journal of whatever process serves.
* Words are as people's are: some lapse within seconds, some are a "no", and some are signed now and handed in later,
  when what they are about may have come further, have been asked for anew, or be another wallet's.
* Their books are the world's: what was handed in, when, and whether it was taken. The judge reckons from these anew
  which payments had words enough.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from campaign.keys import CampaignSigner
from campaign.record import Checked
from pyjpm.errors.chain import ChainError
from pyjpm.errors.outbox import ApprovalRefused, NotDecidable
from pyjpm.errors.sending import SubmissionNotFound
from pyjpm.money import Money
from pyjpm.sending import Journal
from pyjpm.sending.approvals import ApprovalPolicy, Approvals, Rule
from pyjpm.sending.operation import SubmissionState as State

CHECKERS = 3
LOOKS = 0.5
"""How often a checker who looks decides about what waits."""
YES, LATE = 0.85, 0.3
LAPSES = (2, 10, 60, 600)
AT_EASE = 10_000
"""Seconds for which a word stands; the last once everything is healed."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """A word that is signed; handed in at ``due``, of the clock that no jump moves."""

    due: float
    submission: str
    owner: str
    key: str
    checker: str
    approved: bool
    expires: int
    signature: bytes


@dataclass(slots=True)
class Checkers:
    """Who says yes or no to payments above ``above`` minor units; ``needed`` of them must say yes."""

    chance: random.Random
    log: Callable[[str], None]
    currency: str
    above: int
    needed: int
    said: list[Checked] = field(default_factory=list)
    healed: bool = False
    _people: list[CampaignSigner] = field(default_factory=list)
    _letters: list[_Letter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._people = [CampaignSigner(self.chance.randbytes(32), None) for _ in range(CHECKERS)]

    @property
    def policy(self) -> ApprovalPolicy:
        """As the engine is given it."""
        people = frozenset(each.address for each in self._people)
        return ApprovalPolicy(
            (Rule(("payments.pay",), Money.from_minor(self.above, self.currency), people, self.needed),)
        )

    def look(self, approvals: Approvals, journal: Journal, clock: Any) -> None:
        """Each decides about some of what waits, and hands in what is due."""
        letters, self._letters = self._letters, []
        for letter in letters:
            if letter.due <= clock.monotonic():
                self._hand_in(letter, approvals, clock)
            else:
                self._letters.append(letter)
        for waiting in [each for each in journal.list() if each.state is State.RECEIVED]:
            if not self.healed and self.chance.random() >= LOOKS:
                continue
            letter = self._written(waiting.id, waiting.owner, waiting.key or "", approvals, clock)
            if letter.due <= clock.monotonic():
                self._hand_in(letter, approvals, clock)
            else:
                self._letters.append(letter)

    def _written(self, submission: str, owner: str, key: str, approvals: Approvals, clock: Any) -> _Letter:
        checker, now = self.chance.choice(self._people), clock.monotonic()
        approved = self.healed or self.chance.random() < YES
        expires = int(clock.time()) + (AT_EASE if self.healed else self.chance.choice(LAPSES))
        due = now if self.healed or self.chance.random() >= LATE else now + self.chance.uniform(1.0, 30.0)
        signature = approvals.sign(submission, checker, approved=approved, expires=expires)
        return _Letter(due, submission, owner, key, checker.address, approved, expires, signature)

    def _hand_in(self, letter: _Letter, approvals: Approvals, clock: Any) -> None:
        now = int(clock.time())
        entry = Checked(
            clock.monotonic(), now, letter.owner, letter.key, letter.checker, letter.approved, letter.expires
        )
        # Noted before it is handed in: a process that dies over it may have taken it.
        self.said.append(entry)
        try:
            approvals.decide(
                letter.submission,
                checker=letter.checker,
                approved=letter.approved,
                expires=letter.expires,
                signature=letter.signature,
                reason="a history asks for it",
                now=now,
            )
        except (ApprovalRefused, NotDecidable, SubmissionNotFound, ChainError) as error:
            self.said[-1] = entry.answered(taken=False)
            self.log(f"a checker's {'yes' if letter.approved else 'no'} to {letter.key} is not taken: {error.code}")
        else:
            self.said[-1] = entry.answered(taken=True)
            self.log(f"a checker says {'yes' if letter.approved else 'no'} to {letter.key}")
