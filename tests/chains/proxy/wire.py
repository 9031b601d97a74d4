"""What can happen between a client and a node, request by request, over real HTTP.

Decisions that govern this module:

* What happens to a request is a function of the seed, the node, what is asked, and how often that was asked before: not
  of when it arrives. So threads may race and the same seed still does the same to the same requests.
* Faults come at rates, or are ordered in advance for the next request of a method. What was given is counted.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

SEND = "eth_sendRawTransaction"


class Fault(StrEnum):
    """One way for a request to go wrong. Named as the in-process model names them, where both have them."""

    DROP_REQUEST = "request lost: the client waits in vain"
    DROP_RESPONSE = "answer lost after the node acted: the client waits in vain"
    RESET = "connection reset before the request arrived"
    RESET_AFTER = "connection reset after the node acted"
    DUPLICATE = "carried out twice"
    DUPLICATE_LATER = "carried out again, later"
    DELAY = "late"
    REORDER = "batch carried out in another order"
    OVERTAKEN = "held until requests of other connections went first"
    OVERLOADED = "HTTP 502 before the node"
    OVERLOADED_AFTER = "HTTP 502 after the node acted"
    TRUNCATED = "answer cut short"
    WRONG_HASH = "another hash answered to a sent transaction"
    WRONG_ERROR = "an error answered although the node acted"
    CROSSED = "answered with the id of another request"
    UNAUTHORIZED = "token refused"


ONLY_SENDS = frozenset({Fault.WRONG_HASH, Fault.WRONG_ERROR})


class Wire:
    """The way to one node.

    Attributes:
        rates: how likely each fault is, per request; together at most 1.
        given: how often each fault happened.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.rates: dict[Fault, float] = {}
        self.given: Counter[Fault] = Counter()
        self._only: frozenset[str] | None = None
        self._ordered: list[tuple[Fault, str | None]] = []
        self._asked: Counter[bytes] = Counter()

    def disturb(self, rates: Mapping[Fault, float], *, only: Iterable[str] | None = None) -> None:
        """Let faults happen at these rates to requests with one of these methods; an empty mapping ends it."""
        assert sum(rates.values()) <= 1
        self.rates, self._only = dict(rates), None if only is None else frozenset(only)

    def order(self, fault: Fault, method: str | None = None, *, times: int = 1) -> None:
        """Have this fault happen to the next request (of a method, where given; in a batch or alone)."""
        self._ordered += [(fault, method)] * times

    def draw(self, requests: Sequence[Mapping[str, Any]]) -> tuple[Fault | None, random.Random]:
        """What happens to one HTTP request, and the dice for its details."""
        content = json.dumps([[each.get("method"), each.get("params")] for each in requests]).encode()
        digest = hashlib.sha256(content).digest()
        self._asked[digest] += 1
        dice = random.Random(f"{self.seed}/{digest.hex()}/{self._asked[digest]}")
        fault = self._fault({str(each.get("method")) for each in requests}, dice)
        if fault is not None:
            self.given[fault] += 1
        return fault, dice

    def _fault(self, methods: set[str], dice: random.Random) -> Fault | None:
        for place, (fault, method) in enumerate(self._ordered):
            if method is None or method in methods:
                del self._ordered[place]
                return fault
        drawn = dice.random()
        if self._only is not None and not methods & self._only:
            return None
        for fault, rate in self.rates.items():
            if drawn < rate:
                return fault if SEND in methods or fault not in ONLY_SENDS else None
            drawn -= rate
        return None
