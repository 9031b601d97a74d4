"""What an order and its milestones look like at one moment, as the chain has them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from pyjpm.acts import Act
from pyjpm.documents import Document
from pyjpm.money import Money


class OrderState(StrEnum):
    """State of a milestone, in the contract's order; ``MIXED`` is an order whose milestones differ."""

    NONE = "NONE"
    OPEN = "OPEN"
    FUNDED = "FUNDED"
    ACCEPTED = "ACCEPTED"
    DUE = "DUE"
    DISPUTED = "DISPUTED"
    RELEASED = "RELEASED"
    REFUNDED = "REFUNDED"
    CANCELLED = "CANCELLED"
    AMENDED = "AMENDED"
    MIXED = "MIXED"


@dataclass(frozen=True, slots=True)
class MilestoneState:
    """A milestone as the chain has it. Money at that moment: ``funded = held + released + refunded``."""

    state: OrderState
    amount: Money
    funded: Money
    held: Money
    released: Money
    refunded: Money
    payer: str
    last_seq: int
    last_status: int

    def to_dict(self) -> dict[str, Any]:
        """The milestone as JSON-able data."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {name: value.to_dict() if isinstance(value, Money) else value for name, value in plain.items()}


class OrderReader(Protocol):
    """What reads an order again."""

    def get(self, document: Document) -> Order:
        """The order as the chain has it."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """An order at one moment.

    Attributes:
        id: the EIP-712 hash of its terms, ``0x…``.
        status: the state that all milestones share, else ``MIXED``.
        reference: the order reference on chain, ``0x…``.
        amount: of all milestones.
        act: the accepted call that led here, None for one that was only read.
    """

    id: str
    status: OrderState
    reference: str
    amount: Money
    milestones: tuple[MilestoneState, ...]
    document: Document
    act: Act | None = None
    noun: OrderReader = field(repr=False, compare=False, kw_only=True)

    def wait(self, timeout: float | None = None) -> Order:
        """The order once the call that led here is on the chain.

        Raises:
            StillPending: not yet, after ``timeout`` seconds; it may still come.
            ContractError: the chain refused it.
        """
        act = self.act.wait(timeout) if self.act else None
        return replace(self.noun.get(self.document), act=act)

    def refresh(self) -> Order:
        """The order as it is now."""
        return replace(self.noun.get(self.document), act=self.act.refresh() if self.act else None)

    def to_dict(self) -> dict[str, Any]:
        """The order as JSON-able data."""
        return {
            "id": self.id,
            "status": self.status,
            "reference": self.reference,
            "amount": self.amount.to_dict(),
            "milestones": [milestone.to_dict() for milestone in self.milestones],
            "act": self.act.to_dict() if self.act else None,
        }


@dataclass(frozen=True, slots=True)
class OpenedOrder:
    """An order as its opening event tells: what can be listed without its terms."""

    id: str
    buyer: int
    seller: int
    reference: str
    currency: str
    status: OrderState
    opened_at_block: int

    def to_dict(self) -> dict[str, Any]:
        """The order as JSON-able data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class ToAttest:
    """An order's document, the collected attestation about it, and whether to release at once where the terms allow."""

    order: Document
    attestation: Document
    release: bool = True
