"""What an order log says, once read: orders, the events of their lives, and rows that say nothing usable.

Decisions that govern this module:

* Events run in the order (time, order, seq). Of one order at one second: it opens, then its statuses by their seq,
  then deadlines that have passed; the end of the clock comes after everything of its second. So a status carried in
  the very second after the last one allowed meets the milestone as it was, and is reported as late.
* ``seq`` of a status is the source's own revision or timestamp, never a counter of ours: the same status read twice is
  the same attestation. Openings (0) and deadlines (from 2**48 up) take places outside its range; no chain sees those.
* Times are unix seconds of the source's clock. ``shifted`` moves them to another clock and leaves ``seq`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from pyjpm.money import Money

OPEN_SEQ: Final = 0
DEADLINE_SEQ: Final = 2**48
"""A deadline's place in the order of events: this plus its milestone's index."""


class EventKind(StrEnum):
    """What happens."""

    OPEN = "OPEN"
    STATUS = "STATUS"
    DEADLINE = "DEADLINE"
    END = "END"


class MilestoneMode(StrEnum):
    """When the money of a milestone moves into place."""

    PREFUND = "PREFUND"
    ON_ATTEST = "ON_ATTEST"


class RowReason(StrEnum):
    """Why a row, or one status of it, cannot be used."""

    MALFORMED_ROW = "MALFORMED_ROW"
    MISSING_VALUE = "MISSING_VALUE"
    BAD_AMOUNT = "BAD_AMOUNT"
    TOO_MANY_DECIMALS = "TOO_MANY_DECIMALS"
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE"
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"
    UNKNOWN_CURRENCY = "UNKNOWN_CURRENCY"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    BAD_DATE = "BAD_DATE"
    BAD_SEQ = "BAD_SEQ"
    BAD_FLAG = "BAD_FLAG"
    UNKNOWN_PARTY = "UNKNOWN_PARTY"
    SAME_PARTY = "SAME_PARTY"
    NO_TERMS = "NO_TERMS"
    BAD_DEADLINE = "BAD_DEADLINE"
    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    CONFLICTING_ORDER = "CONFLICTING_ORDER"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    UNKNOWN_STATUS = "UNKNOWN_STATUS"
    AFTER_CLOCK_END = "AFTER_CLOCK_END"


@dataclass(frozen=True, slots=True)
class Party:
    """Someone who buys or sells in the log.

    ``country`` is an ISO 3166-1 alpha-2 code, None where the mapping names no source for it.
    """

    id: str
    name: str
    country: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class OrderMilestone:
    """One milestone of one order, with what its terms come to.

    ``amount_minor`` in minor units of the order's currency, more than zero; ``fund_by`` (0 for ON_ATTEST) and
    ``attest_by`` in unix seconds, the last second that is in time; the durations in seconds.
    """

    amount_minor: int
    mode: MilestoneMode
    required: int
    fund_by: int
    attest_by: int
    inspection: int
    pay_within: int
    ruling_within: int
    partial: bool

    def shifted(self, seconds: int) -> OrderMilestone:
        """The same milestone on a clock that is ``seconds`` ahead."""
        fund_by = self.fund_by + seconds if self.fund_by else 0
        return replace(self, fund_by=fund_by, attest_by=self.attest_by + seconds)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One order of the log, with the terms that its row chose.

    ``line`` is the line of the file (1 is the header); ``opened`` unix seconds; ``submit_grace`` seconds;
    ``negative`` the status numbers that dispute; ``fallback_basis_points`` the seller's part where a party disputed
    and nobody ruled.
    """

    id: str
    line: int
    buyer: str
    seller: str
    amount: Money
    opened: int
    terms: str
    submit_grace: int
    fallback_basis_points: int
    negative: tuple[int, ...]
    milestones: tuple[OrderMilestone, ...]

    def attest_end(self, milestone: int) -> int:
        """Unix seconds: the last second in which the required status can still be handed in."""
        return self.milestones[milestone].attest_by + self.submit_grace

    def shifted(self, seconds: int) -> OrderRecord:
        """The same order on a clock that is ``seconds`` ahead."""
        milestones = tuple(milestone.shifted(seconds) for milestone in self.milestones)
        return replace(self, opened=self.opened + seconds, milestones=milestones)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "amount": self.amount.to_dict()}


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """One status of one order as the log has it.

    ``at`` unix seconds; ``seq`` from 1 to 2**48 - 1; ``accepted`` the cumulative amount accepted so far where the log
    says one (partial deliveries), None for all of it; ``complete`` whether nothing more will come.
    """

    order: str
    line: int
    name: str
    number: int
    at: int
    seq: int
    accepted: Money | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class UnusableRow:
    """A row that could not be used, or one status of a row whose rest was used.

    ``line`` is the line of the file on which the row starts (1 is the header), ``order`` is empty where the row names
    none.
    """

    line: int
    order: str
    reason: RowReason
    message: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One thing that happens in a replay.

    ``id`` names the event in its queue; ``at`` unix seconds; ``order`` is empty for END. ``payload``:

    * OPEN, END: nothing.
    * STATUS: ``line``, ``name``, ``number``, ``at`` (when the log says it was reached; the event itself waits for its
      order to be open), ``accepted`` (minor units of the order's currency, or None for all of it), ``complete``.
    * DEADLINE: ``milestone`` (index) whose required status can no longer come in time, one second after its attestEnd.
    """

    id: int
    at: int
    order: str
    seq: int
    kind: EventKind
    payload: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    def shifted(self, seconds: int) -> OrderEvent:
        """The same event on a clock that is ``seconds`` ahead; ``seq`` stays the source's."""
        return replace(self, at=self.at + seconds)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "id": self.id,
            "at": self.at,
            "order": self.order,
            "seq": self.seq,
            "kind": str(self.kind),
            "payload": dict(self.payload),
        }
