"""Velocity and structuring: payments that are each in order, and together are not.

Decisions that govern this module:

* Amounts are integers of minor units, windows are seconds of the chain's time, and a rule is about one currency:
  nothing is converted, nothing is rounded.
* A rule makes an alert, which a person decides like a hit; it refuses nothing for good.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from pyjpm.money import Money


@dataclass(frozen=True, slots=True)
class Moved:
    """One payment as rules see it.

    Attributes:
        movement: names it for ever.
        payer, payee: participants.
        at: unix seconds.
    """

    movement: str
    payer: int
    payee: int
    amount: Money
    at: int


class Rule(Protocol):
    """What may be wrong with a payment in the light of those before it."""

    @property
    def name(self) -> str:
        """As it is called in the queue."""
        ...

    @property
    def window(self) -> int:
        """Seconds that it looks back."""
        ...

    def alert(self, moved: Moved, before: Sequence[Moved]) -> str | None:
        """What is wrong with it, or None. ``before``: the payer's own of the window, in any currency, without it."""
        ...


@dataclass(frozen=True, slots=True)
class Velocity:
    """More than ``most`` minor units, or more than ``count`` payments, of one payer within ``window`` seconds."""

    name: str
    currency: str
    window: int
    most: int | None = None
    count: int | None = None

    def alert(self, moved: Moved, before: Sequence[Moved]) -> str | None:
        """See :class:`Rule`."""
        if moved.amount.currency != self.currency:
            return None
        together = [moved, *(each for each in before if each.amount.currency == self.currency)]
        total = sum(each.amount.minor for each in together)
        if self.most is not None and total > self.most:
            most = Money.from_minor(self.most, self.currency)
            return f"{Money.from_minor(total, self.currency)} in {self.window} s are more than {most}"
        if self.count is not None and len(together) > self.count:
            return f"{len(together)} payments in {self.window} s are more than {self.count}"
        return None


@dataclass(frozen=True, slots=True)
class Structuring:
    """Payments that each stay below a threshold and together reach it.

    Attributes:
        threshold: minor units.
        near: minor units from which a payment below the threshold counts.
        count: how many of them, this one included, it takes.
        same_payee: only those to one payee count together.
    """

    name: str
    currency: str
    window: int
    threshold: int
    near: int = 1
    count: int = 2
    same_payee: bool = False

    def alert(self, moved: Moved, before: Sequence[Moved]) -> str | None:
        """See :class:`Rule`."""
        if not self._counts(moved):
            return None
        payees = {moved.payee} if self.same_payee else None
        together = [moved, *(each for each in before if self._counts(each) and (not payees or each.payee in payees))]
        total = sum(each.amount.minor for each in together)
        if len(together) < self.count or total < self.threshold:
            return None
        threshold = Money.from_minor(self.threshold, self.currency)
        return f"{len(together)} payments in {self.window} s stay below {threshold} each and reach it together"

    def _counts(self, moved: Moved) -> bool:
        return moved.amount.currency == self.currency and self.near <= moved.amount.minor < self.threshold


def version_of(rules: Iterable[Velocity | Structuring], moved: Moved) -> str:
    """Names exactly these rules, and what was moved: an alert is released under these, for this amount and payee."""
    content = [moved.payee, moved.amount.currency, moved.amount.minor]
    said = json.dumps([[[type(rule).__name__, asdict(rule)] for rule in rules], content], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
