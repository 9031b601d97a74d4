"""What buyer and seller agree on, and what a trade's parties affirm, in Python's words.

``to_message`` gives exactly the structure that the contracts hash (names of the Solidity members); it serves the
EIP-712 hash and the call alike, so that what is signed is what is sent. Ids are EIP-712 struct hashes: equal terms are
the same order.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.contracts.eip712 import struct_hash
from pyjpm.errors.documents import MalformedDocument

DAY: Final = 86_400


class Mode(IntEnum):
    """When the money of a milestone moves into place."""

    PREFUND = 0
    ON_ATTEST = 1


class LegKind(IntEnum):
    """What a leg of a trade delivers."""

    CASH = 0
    ERC20 = 1
    ERC721 = 2
    ERC1155 = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """One step of an order. ``amount`` in minor units; dates in unix seconds (chain time); durations in seconds.

    ``payer`` is a participant id, 0 for the buyer. ``fund_by`` is for PREFUND only.
    """

    amount: int
    mode: Mode
    required_status: int
    attest_by: int
    fund_by: int = 0
    payer: int = 0
    inspection: int = 0
    pay_within: int = 30 * DAY
    ruling_within: int = 30 * DAY
    partial: bool = False

    def to_message(self, buyer: int) -> dict[str, Any]:
        """The Solidity ``Milestone``."""
        return {
            "amount": self.amount,
            "mode": int(self.mode),
            "payer": self.payer or buyer,
            "requiredStatus": self.required_status,
            "fundBy": self.fund_by,
            "attestBy": self.attest_by,
            "inspection": self.inspection,
            "payWithin": self.pay_within,
            "rulingWithin": self.ruling_within,
            "partialDelivery": self.partial,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """The terms of one order between two participants. ``order_reference`` and ``document_root`` are 32 bytes."""

    buyer: int
    seller: int
    token: str
    order_reference: bytes
    attester_set: int
    threshold: int
    open_by: int
    milestones: tuple[Milestone, ...]
    floor_epoch: int = 1
    arbiter: int = 0
    fallback_split: int = 5_000
    submit_grace: int = 3 * DAY
    negative_statuses: frozenset[int] = frozenset()
    document_root: bytes = bytes(32)

    def to_message(self) -> dict[str, Any]:
        """The Solidity ``Terms``."""
        return {
            "buyer": self.buyer,
            "seller": self.seller,
            "token": to_checksum_address(self.token),
            "orderReference": self.order_reference,
            "documentRoot": self.document_root,
            "arbiter": self.arbiter,
            "attesterSet": self.attester_set,
            "floorEpoch": self.floor_epoch,
            "threshold": self.threshold,
            "fallbackSplit": self.fallback_split,
            "submitGrace": self.submit_grace,
            "negativeStatuses": sum(1 << status for status in self.negative_statuses),
            "openBy": self.open_by,
            "milestones": [milestone.to_message(self.buyer) for milestone in self.milestones],
        }

    @property
    def id(self) -> bytes:
        """The order's id, 32 bytes."""
        return _order_id(self)

    def to_body(self) -> dict[str, Any]:
        """The terms as JSON-able document body: the Solidity members, bytes and the bit set as ``0x…``, amounts as
        decimal text, since they may exceed 2^53."""
        message = self.to_message()
        message["milestones"] = [{**part, "amount": str(part["amount"])} for part in message["milestones"]]
        message["negativeStatuses"] = hex(message["negativeStatuses"])
        return {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in message.items()}

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> OrderTerms:
        """The terms of a document body.

        Raises:
            MalformedDocument: members are missing, unknown or of the wrong form.
        """
        try:
            bits = int(body["negativeStatuses"], 16)
            terms = cls(
                buyer=body["buyer"],
                seller=body["seller"],
                token=body["token"],
                order_reference=bytes.fromhex(body["orderReference"][2:]),
                document_root=bytes.fromhex(body["documentRoot"][2:]),
                arbiter=body["arbiter"],
                attester_set=body["attesterSet"],
                floor_epoch=body["floorEpoch"],
                threshold=body["threshold"],
                fallback_split=body["fallbackSplit"],
                submit_grace=body["submitGrace"],
                negative_statuses=frozenset(status for status in range(256) if bits >> status & 1),
                open_by=body["openBy"],
                milestones=tuple(_milestone(part) for part in body["milestones"]),
            )
            if terms.to_body() != {**body, "token": to_checksum_address(body["token"])}:
                raise MalformedDocument("The order terms have parts that this version does not know.")
            terms.id  # noqa: B018 - every member is of its type
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedDocument(f"The order terms are malformed: {error!r}.") from error
        return terms


@functools.lru_cache(maxsize=1_024)
def _order_id(terms: OrderTerms) -> bytes:
    return struct_hash("Terms", terms.to_message())


def _milestone(part: Mapping[str, Any]) -> Milestone:
    return Milestone(
        amount=int(part["amount"]),
        mode=Mode(part["mode"]),
        required_status=part["requiredStatus"],
        attest_by=part["attestBy"],
        fund_by=part["fundBy"],
        payer=part["payer"],
        inspection=part["inspection"],
        pay_within=part["payWithin"],
        ruling_within=part["rulingWithin"],
        partial=part["partialDelivery"],
    )


def hold_reference(order_id: bytes, milestone: int) -> bytes:
    """The reference under which a milestone's money is held (OrderTerms.holdReference), 32 bytes."""
    return keccak(encode(["bytes32", "uint256"], [order_id, milestone]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One movement of a trade between two wallets. ``amount`` in minor units, units, or 1 for a title document."""

    kind: LegKind
    token: str
    sender: str
    receiver: str
    amount: int
    id: int = 0

    def to_message(self) -> dict[str, Any]:
        """The Solidity ``Leg``."""
        return {
            "kind": int(self.kind),
            "token": to_checksum_address(self.token),
            "from": to_checksum_address(self.sender),
            "to": to_checksum_address(self.receiver),
            "id": self.id,
            "amount": self.amount,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeTerms:
    """All legs or none. ``trade_reference`` is 32 bytes; ``settle_after`` and ``expiry`` are unix seconds."""

    legs: tuple[Leg, ...]
    trade_reference: bytes
    expiry: int
    settle_after: int = 0
    agent: str = "0x" + 40 * "0"
    lots: int = 1

    def to_message(self) -> dict[str, Any]:
        """The Solidity ``Trade``."""
        return {
            "legs": [leg.to_message() for leg in self.legs],
            "tradeReference": self.trade_reference,
            "settleAfter": self.settle_after,
            "expiry": self.expiry,
            "agent": to_checksum_address(self.agent),
            "lots": self.lots,
        }

    @property
    def id(self) -> bytes:
        """The trade's id, 32 bytes."""
        return struct_hash("Trade", self.to_message())

    @property
    def wallets(self) -> tuple[str, ...]:
        """Distinct wallets in order of appearance, sender before receiver: the order of the affirmation bits."""
        seen = dict.fromkeys(to_checksum_address(wallet) for leg in self.legs for wallet in (leg.sender, leg.receiver))
        return tuple(seen)

    def cash_of(self, wallet: str) -> dict[str, int]:
        """What ``wallet`` pays in cash, by token address, in minor units."""
        totals: dict[str, int] = {}
        for leg in self.legs:
            if leg.kind is LegKind.CASH and leg.sender.lower() == wallet.lower():
                token = to_checksum_address(leg.token)
                totals[token] = totals.get(token, 0) + leg.amount
        return totals

    def to_body(self) -> dict[str, Any]:
        """The trade as JSON-able document body; amounts and ids as decimal text, since they may exceed 2^53."""
        message = self.to_message()
        legs = [{**leg, "id": str(leg["id"]), "amount": str(leg["amount"])} for leg in message["legs"]]
        return {**message, "legs": legs, "tradeReference": "0x" + self.trade_reference.hex()}

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> TradeTerms:
        """The trade of a document body.

        Raises:
            MalformedDocument: members are missing, unknown or of the wrong form.
        """
        try:
            terms = cls(
                legs=tuple(
                    Leg(
                        kind=LegKind(leg["kind"]),
                        token=leg["token"],
                        sender=leg["from"],
                        receiver=leg["to"],
                        id=int(leg["id"]),
                        amount=int(leg["amount"]),
                    )
                    for leg in body["legs"]
                ),
                trade_reference=bytes.fromhex(body["tradeReference"][2:]),
                settle_after=body["settleAfter"],
                expiry=body["expiry"],
                agent=body["agent"],
                lots=body["lots"],
            )
            if terms.to_body() != dict(body):
                raise MalformedDocument("The trade has parts that this version does not know.")
            terms.id  # noqa: B018 - every member is of its type
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedDocument(f"The trade is malformed: {error!r}.") from error
        return terms
