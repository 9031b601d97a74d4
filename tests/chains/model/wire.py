"""What can happen between a client and a node, request by request.

Decisions that govern this module:

* A fault is drawn from the wire's own seeded randomness for every request, or ordered in advance for the next request
  of a method. Each node has its own wire.
* What is delayed beyond the client's patience still arrives: the node acts on it later.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from enum import StrEnum

SEND = "eth_sendRawTransaction"


class Fault(StrEnum):
    """One way for a request to go wrong."""

    DROP_REQUEST = "request lost"
    DROP_RESPONSE = "answer lost"
    RESET = "connection reset before the request arrived"
    RESET_AFTER = "connection reset after the node acted"
    DUPLICATE = "carried out twice"
    DUPLICATE_LATER = "carried out again, much later"
    DELAY = "late"
    REORDER = "batch carried out in another order"
    OVERLOADED = "HTTP 502 before the node"
    OVERLOADED_AFTER = "HTTP 502 after the node acted"
    TRUNCATED = "answer cut short"
    WRONG_HASH = "another hash answered to a sent transaction"
    WRONG_ERROR = "an error answered although the node acted"
    OF_ANOTHER = "another request's answer"
    UNAUTHORIZED = "token refused"


class Wire:
    """The way to one node.

    Attributes:
        rates: how likely each fault is, per request; together at most 1.
        until: when the rates end (virtual seconds), None for never.
    """

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.rates: dict[Fault, float] = {}
        self.until: float | None = None
        self._ordered: list[tuple[Fault, str | None]] = []

    def disturb(self, rates: Mapping[Fault, float], *, until: float | None = None) -> None:
        """Let faults happen at these rates; an empty mapping ends it."""
        assert sum(rates.values()) <= 1
        self.rates, self.until = dict(rates), until

    def order(self, fault: Fault, method: str | None = None, *, times: int = 1) -> None:
        """Have this fault happen to the next request (of a method, where given; in a batch or alone)."""
        self._ordered += [(fault, method)] * times

    def draw(self, methods: Iterable[str], now: float) -> Fault | None:
        """What happens to a request of these methods."""
        if self._ordered:
            asked = set(methods)
            for place, (fault, method) in enumerate(self._ordered):
                if method is None or method in asked:
                    del self._ordered[place]
                    return fault
        if not self.rates or (self.until is not None and now >= self.until):
            return None
        drawn = self.random.random()
        for fault, rate in self.rates.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return None
