"""What trades come to together: each wallet's gross and net position, worked out from the terms alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from pyjpm.terms import Leg, LegKind, TradeTerms


@dataclass(frozen=True, slots=True)
class NetPosition:
    """What one wallet gives and gets of one thing, over all trades of a net.

    Attributes:
        kind: what the thing is.
        token: its contract.
        id: of a title document or a lot of goods (ERC-721, ERC-1155), else 0.
        wallet: whose position this is.
        paid: what it gives over all legs; minor units, units, or 1 for a title document.
        received: what it gets over all legs.
    """

    kind: LegKind
    token: str
    id: int
    wallet: str
    paid: int
    received: int

    @property
    def net(self) -> int:
        """What the wallet has more of in the end; below 0, what it must have at hand."""
        return self.received - self.paid

    def to_dict(self) -> dict[str, Any]:
        """The position as JSON-able data; amounts as decimal text, since they may exceed 2^53."""
        numbers = {name: str(getattr(self, name)) for name in ("id", "paid", "received", "net")}
        return {**asdict(self), "kind": self.kind.name, **numbers}


def rest_of(terms: TradeTerms, lots_settled: int) -> tuple[Leg, ...]:
    """The legs as the lots after the first ``lots_settled`` deliver them."""
    return tuple(
        Leg(
            kind=leg.kind,
            token=leg.token,
            sender=leg.sender,
            receiver=leg.receiver,
            amount=leg.amount - leg.amount * lots_settled // terms.lots,
            id=leg.id,
        )
        for leg in terms.legs
    )


def net_positions(legs: Iterable[Leg]) -> tuple[NetPosition, ...]:
    """Positions by thing and wallet, in the order in which the legs name them; those that net to nothing too."""
    sums: dict[tuple[LegKind, str, int, str], list[int]] = {}
    for leg in legs:
        thing = (leg.kind, to_checksum_address(leg.token), leg.id)
        for place, wallet in enumerate((leg.sender, leg.receiver)):
            sums.setdefault((*thing, to_checksum_address(wallet)), [0, 0])[place] += leg.amount
    return tuple(NetPosition(*of, paid=paid, received=received) for of, (paid, received) in sums.items())
