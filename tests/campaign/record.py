"""What was asked, what was told, what the chain shows: all that the judge gets to see.

Decisions that govern this module:

* References are computed here a second time, from the written rule, not by the code under judgement: an engine that
  names payments wrongly must not be judged by its own names.
* Times are of one clock for clients and blocks, so that before and after can be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from eth_utils.crypto import keccak

ASKED = "ASKED"
FINAL = "FINAL"
QUARANTINED = "QUARANTINED"
REFUSED = "REFUSED"
"""The contract's rules refused it when it was handed in: a typed error, nothing was stored."""
CONFLICT = "CONFLICT"
"""The key, or its reference, stands for other content."""
NEGATIVE = frozenset({"REVERTED", "REJECTED", "EXPIRED", "CANCELLED", "VOIDED", REFUSED})
"""Answers after which a client pays in another way."""


@dataclass(frozen=True, slots=True)
class Line:
    """One payment that a client asked for.

    Attributes:
        participant: id of the payer.
        wallet: the payer's, checksummed.
        key: idempotency key; of the whole batch where ``position`` is set.
        position: place in the batch, from 0; None for a payment by itself.
        payee: wallet, checksummed.
        amount: minor units.
        remittance_hash: 0x-hex.
        variant: 0; others are other contents that a careless client asked for under the same key.
    """

    participant: int
    wallet: str
    key: str
    position: int | None
    currency: str
    payee: str
    amount: int
    remittance_hash: str = "0x" + keccak(b"").hex()
    variant: int = 0

    @property
    def name(self) -> str:
        """Its own key, also in a batch."""
        return self.key if self.position is None else f"{self.key}#{self.position}"

    @property
    def reference(self) -> str:
        """By the written rule, 0x-hex."""
        participant, name = self.participant.to_bytes(32, "big"), keccak(text=self.key)
        if self.position is None:
            return "0x" + keccak(keccak(text="pyjpm payment reference 1") + participant + name).hex()
        word = (self.position // 256).to_bytes(32, "big")
        upper = keccak(keccak(text="pyjpm batch reference 1") + participant + name + word)[:31]
        return "0x" + upper.hex() + f"{self.position % 256:02x}"

    def __str__(self) -> str:
        place = "" if self.position is None else f"[{self.position}]"
        marks = "'" * self.variant
        return f"{self.participant}/{self.key}{place}{marks} ({self.amount} {self.currency})"


@dataclass(frozen=True, slots=True)
class Word:
    """One thing said between a client and the engine about one key.

    Attributes:
        at: when, seconds.
        what: ASKED, or the answer: a state's name, or REFUSED; anything else means unknown.
        position: of the line it is about; None for all under this key.
        variant: of the content it is about.
    """

    at: float
    participant: int
    key: str
    what: str
    position: int | None = None
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Paid:
    """One ``Paid`` event of a token; ``at`` is when its block came to be."""

    at: float
    currency: str
    payer: str
    payee: str
    reference: str
    amount: int
    remittance_hash: str
    tx_hash: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """One checker's word on one payment, as it was handed in.

    Attributes:
        at: when, as of Word.
        wall: when by the clock that the engine reads, unix seconds.
        owner: ``participant ID``.
        key: of the payment; ``KEY#POSITION`` in a batch.
        expires: unix seconds from which on it is no word.
        taken: None where the process died over it.
    """

    at: float
    wall: int
    owner: str
    key: str
    checker: str
    approved: bool
    expires: int
    taken: bool | None = None

    def answered(self, *, taken: bool) -> Checked:
        """The same, answered."""
        return replace(self, taken=taken)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything about one run.

    Attributes:
        lines: each payment once, however often it was asked for.
        words: in the order in which they were said.
        paid: the chain's events, in order.
        opening, closing: balances by (currency, wallet), minor units.
        thieves: wallets of which the run let somebody else use a nonce.
        halted: wallets that the engine has stopped, at the end.
        thefts: hashes of the thieves' own payments, which nobody asked for.
        checked: checkers' words in the order in which they were handed in.
        above: payments above this many minor units need the words of ``needed`` checkers; None where none do.
    """

    lines: Sequence[Line]
    words: Sequence[Word]
    paid: Sequence[Paid]
    opening: Mapping[tuple[str, str], int] = field(default_factory=dict)
    closing: Mapping[tuple[str, str], int] = field(default_factory=dict)
    thieves: frozenset[str] = frozenset()
    halted: frozenset[str] = frozenset()
    thefts: frozenset[str] = frozenset()
    checked: Sequence[Checked] = ()
    above: int | None = None
    needed: int = 0
