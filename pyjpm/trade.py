"""What a trade looks like at one moment, as the chain has it, and several that settle together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from pyjpm.acts import Act
from pyjpm.documents import Document
from pyjpm.money import Money
from pyjpm.netting import NetPosition


class TradeState(StrEnum):
    """State of a trade, in the contract's order; ``EXPIRED`` is derived from the clock."""

    NONE = "NONE"
    AFFIRMED = "AFFIRMED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class TradeReader(Protocol):
    """Who can read a trade again: ``platform.settlement``."""

    def get(self, document: Document) -> Trade: ...


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade at one moment.

    Attributes:
        id: the EIP-712 hash of its terms, ``0x…``.
        status: see :class:`TradeState`.
        reference: the trade reference on chain, ``0x…``.
        amount: its cash, by currency.
        matched: every wallet has affirmed on chain.
        lots_settled: of the lots in the terms.
        act: the accepted call that led here, None for one that was only read.
    """

    id: str
    status: TradeState
    reference: str
    amount: tuple[Money, ...]
    matched: bool
    lots_settled: int
    document: Document
    act: Act | None = None
    noun: TradeReader = field(repr=False, compare=False, kw_only=True)

    def wait(self, timeout: float | None = None) -> Trade:
        """The trade once the call that led here is on the chain.

        Raises:
            StillPending: not yet, after ``timeout`` seconds; it may still come.
            ContractError: the chain refused it.
        """
        act = self.act.wait(timeout) if self.act else None
        return replace(self.noun.get(self.document), act=act)

    def refresh(self) -> Trade:
        """The trade as it is now."""
        return replace(self.noun.get(self.document), act=self.act.refresh() if self.act else None)

    def to_dict(self) -> dict[str, Any]:
        """The trade as JSON-able data."""
        return {
            "id": self.id,
            "status": self.status,
            "reference": self.reference,
            "amount": [money.to_dict() for money in self.amount],
            "matched": self.matched,
            "lots_settled": self.lots_settled,
            "act": self.act.to_dict() if self.act else None,
        }


@dataclass(frozen=True, slots=True)
class NetSettlement:
    """Trades that settle together, by their nets.

    Attributes:
        trades: as they are now, in the order given; their ``act`` is this one.
        positions: what each wallet gives and gets of each thing.
        act: the accepted call.
    """

    trades: tuple[Trade, ...]
    positions: tuple[NetPosition, ...]
    act: Act

    def wait(self, timeout: float | None = None) -> NetSettlement:
        """The same once its call is on the chain: all trades settled.

        Raises:
            StillPending: not yet, after ``timeout`` seconds; it may still come.
            ContractError: the chain refused it; every trade is as live as before.
        """
        return self._at(self.act.wait(timeout))

    def refresh(self) -> NetSettlement:
        """The same as it is now."""
        return self._at(self.act.refresh())

    def _at(self, act: Act) -> NetSettlement:
        trades = tuple(replace(trade.noun.get(trade.document), act=act) for trade in self.trades)
        return replace(self, trades=trades, act=act)

    def to_dict(self) -> dict[str, Any]:
        """The settlement as JSON-able data."""
        return {
            "trades": [trade.to_dict() for trade in self.trades],
            "positions": [position.to_dict() for position in self.positions],
            "act": self.act.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class SettledTrade:
    """A settlement as its event tells."""

    id: str
    reference: str
    lots: int
    complete: bool
    block: int

    def to_dict(self) -> dict[str, Any]:
        """The settlement as JSON-able data."""
        return {name: getattr(self, name) for name in self.__slots__}
