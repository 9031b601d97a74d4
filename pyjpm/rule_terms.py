"""What a standing rule says, in Python's words: when, on which condition, how much, to whom.

``RuleTerms.to_message`` gives exactly the structure that the contract hashes. Conditions combine as in Python::

    payday = Schedule.monthly(31, "09:00")  # the last day of shorter months
    enough = Condition.available_at_least(token, wallet, 50_000_00)
    shipped = Condition.attested(escrow, order_id, milestone=0, status=5)
    trigger = enough & (shipped | ~Condition.from_time(1_900_000_000))

Amounts are minor units, times unix seconds, calendars UTC. Which tokens, wallets and escrows: ``platform.rules`` fills
these in from currencies, participants and documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.contracts.eip712 import struct_hash
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.documents import MalformedDocument

WHOLE: Final = 10_000
"""All shares of a rule together."""
ZERO: Final = "0x" + 40 * "0"
_NO_KEY: Final = bytes(32)


class Every(IntEnum):
    """What a schedule counts in."""

    INTERVAL = 0
    DAY = 1
    WEEK = 2
    MONTH = 3
    QUARTER = 4
    YEAR = 5


class NodeKind(IntEnum):
    """What a node of a trigger asks."""

    AND = 0
    OR = 1
    NOT = 2
    TIME = 3
    CALENDAR = 4
    BALANCE_AT_LEAST = 5
    BALANCE_AT_MOST = 6
    AVAILABLE_AT_LEAST = 7
    AVAILABLE_AT_MOST = 8
    MILESTONE = 9
    ATTESTED = 10


class ActionKind(IntEnum):
    """How much a rule moves."""

    PAY = 0
    SWEEP_ABOVE = 1
    TOP_UP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a rule's periods fall due, one second each. Made by :meth:`monthly` and its siblings.

    Of a month that is shorter than ``day`` the last day counts.
    """

    every: Every
    month: int = 0
    day: int = 0
    second: int = 0
    length: int = 0

    @classmethod
    def interval(cls, seconds: int) -> Self:
        """Every so many seconds, from the rule's start on."""
        return cls(every=Every.INTERVAL, length=seconds)

    @classmethod
    def daily(cls, at: str = "00:00") -> Self:
        """Every day at a UTC time, ``HH:MM`` or ``HH:MM:SS``."""
        return cls(every=Every.DAY, second=_second(at))

    @classmethod
    def weekly(cls, day: int, at: str = "00:00") -> Self:
        """Every week on a day, 1 (Monday) to 7."""
        return cls(every=Every.WEEK, day=day, second=_second(at))

    @classmethod
    def monthly(cls, day: int, at: str = "00:00") -> Self:
        """Every month on a day, 1 to 31."""
        return cls(every=Every.MONTH, day=day, second=_second(at))

    @classmethod
    def quarterly(cls, month: int, day: int, at: str = "00:00") -> Self:
        """Every quarter in its first, second or third month, on a day."""
        return cls(every=Every.QUARTER, month=month, day=day, second=_second(at))

    @classmethod
    def yearly(cls, month: int, day: int, at: str = "00:00") -> Self:
        """Every year in a month, 1 to 12, on a day."""
        return cls(every=Every.YEAR, month=month, day=day, second=_second(at))

    def to_message(self) -> dict[str, Any]:
        """The Solidity ``Recurrence``."""
        return {
            "every": int(self.every),
            "month": self.month,
            "day": self.day,
            "second": self.second,
            "length": self.length,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of a trigger; see NodeKind.sol for what the members mean."""

    kind: NodeKind
    source: str = ZERO
    key: bytes = _NO_KEY
    value: int = 0

    def to_message(self) -> dict[str, Any]:
        """The Solidity ``Node``."""
        source = to_checksum_address(self.source)
        return {"kind": int(self.kind), "source": source, "key": self.key, "value": self.value}


@dataclass(frozen=True, slots=True)
class Condition:
    """A tree of conditions; combine with ``&``, ``|`` and ``~``. At most 16 nodes."""

    nodes: tuple[Node, ...]

    def __and__(self, other: Condition) -> Condition:
        return Condition((*self.nodes, *other.nodes, Node(kind=NodeKind.AND)))

    def __or__(self, other: Condition) -> Condition:
        return Condition((*self.nodes, *other.nodes, Node(kind=NodeKind.OR)))

    def __invert__(self) -> Condition:
        return Condition((*self.nodes, Node(kind=NodeKind.NOT)))

    @classmethod
    def from_time(cls, second: int) -> Condition:
        """From that second on."""
        return cls((Node(kind=NodeKind.TIME, value=second),))

    @classmethod
    def on(cls, days: Schedule) -> Condition:
        """On the days of a schedule, from its second to midnight."""
        packed = _packed((int(days.every), 8), (days.month, 8), (days.day, 8), (days.second, 32))
        return cls((Node(kind=NodeKind.CALENDAR, value=packed),))

    @classmethod
    def balance_at_least(cls, token: str, wallet: str, minor: int) -> Condition:
        """A wallet's balance is at least that."""
        return cls._about_wallet(NodeKind.BALANCE_AT_LEAST, token, wallet, minor)

    @classmethod
    def balance_at_most(cls, token: str, wallet: str, minor: int) -> Condition:
        """A wallet's balance is at most that."""
        return cls._about_wallet(NodeKind.BALANCE_AT_MOST, token, wallet, minor)

    @classmethod
    def available_at_least(cls, token: str, wallet: str, minor: int) -> Condition:
        """What a wallet could pay is at least that."""
        return cls._about_wallet(NodeKind.AVAILABLE_AT_LEAST, token, wallet, minor)

    @classmethod
    def available_at_most(cls, token: str, wallet: str, minor: int) -> Condition:
        """What a wallet could pay is at most that."""
        return cls._about_wallet(NodeKind.AVAILABLE_AT_MOST, token, wallet, minor)

    @classmethod
    def milestone_in(cls, escrow: str, order_id: bytes, milestone: int, states: int) -> Condition:
        """A milestone is in one of the states, a bit each in the contract's order."""
        value = _packed((milestone, 8), (states, 248))
        return cls((Node(kind=NodeKind.MILESTONE, source=escrow, key=order_id, value=value),))

    @classmethod
    def attested(cls, escrow: str, order_id: bytes, *, milestone: int, status: int, least_seq: int = 1) -> Condition:
        """A milestone's last attested status is that one, of this revision or a later one."""
        value = _packed((milestone, 8), (status, 8), (least_seq, 48))
        return cls((Node(kind=NodeKind.ATTESTED, source=escrow, key=order_id, value=value),))

    @classmethod
    def _about_wallet(cls, kind: NodeKind, token: str, wallet: str, minor: int) -> Condition:
        key = bytes.fromhex(wallet[2:]).rjust(32, b"\0")
        return cls((Node(kind=kind, source=token, key=key, value=minor),))


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePayee:
    """Who gets a share (of 10,000): a participant at its current wallet, or at a named one."""

    participant: int
    share: int = WHOLE
    wallet: str = ZERO

    def to_message(self) -> dict[str, Any]:
        """The Solidity ``Payee``."""
        return {
            "participant": self.participant,
            "wallet": to_checksum_address(self.wallet),
            "share": self.share,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTerms:
    """A standing rule of one wallet; see RuleTerms.sol. ``rule_reference`` is 32 bytes."""

    payer: str
    token: str
    rule_reference: bytes
    action: ActionKind
    amount: int
    payees: tuple[RulePayee, ...]
    schedule: Schedule
    start: int
    end: int
    cap_per_payment: int
    cap_per_period: int
    cap_period: int
    approvers: tuple[str, ...]
    threshold: int = 1
    catch_up: bool = False
    trigger: tuple[Node, ...] = ()

    def to_message(self) -> dict[str, Any]:
        """The Solidity ``Rule``."""
        return {
            "payer": to_checksum_address(self.payer),
            "token": to_checksum_address(self.token),
            "ruleReference": self.rule_reference,
            "trigger": [node.to_message() for node in self.trigger],
            "action": int(self.action),
            "amount": self.amount,
            "payees": [payee.to_message() for payee in self.payees],
            "schedule": self.schedule.to_message(),
            "catchUp": self.catch_up,
            "start": self.start,
            "end": self.end,
            "capPerPayment": self.cap_per_payment,
            "capPerPeriod": self.cap_per_period,
            "capPeriod": self.cap_period,
            "approvers": [to_checksum_address(each) for each in self.approvers],
            "threshold": self.threshold,
        }

    @property
    def id(self) -> bytes:
        """The rule's id, 32 bytes."""
        return struct_hash("Rule", self.to_message())

    def mandate(self, notary: str) -> dict[str, Any]:
        """The Solidity ``Mandate`` that the payer gives to the rules contract."""
        return {
            "payer": to_checksum_address(self.payer),
            "notary": to_checksum_address(notary),
            "ruleId": self.id,
            "capPerPayment": self.cap_per_payment,
            "capPerPeriod": self.cap_per_period,
            "period": self.cap_period,
            "start": self.start,
            "end": self.end,
        }

    def reference(self, period: int, payee: int = 0) -> bytes:
        """The payment reference of one payee's share in one period, 32 bytes."""
        serial = period * 8 + payee
        word = keccak(encode(["bytes32", "uint256"], [self.id, serial >> 8]))
        return word[:31] + bytes([serial & 0xFF])

    def to_body(self) -> dict[str, Any]:
        """The rule as JSON-able document body; amounts and values as decimal text, since they may exceed 2^53."""
        message = self.to_message()
        trigger = [
            {**node, "key": "0x" + node["key"].hex(), "value": str(node["value"])} for node in message["trigger"]
        ]
        money = {name: str(message[name]) for name in ("amount", "capPerPayment", "capPerPeriod")}
        return {**message, **money, "trigger": trigger, "ruleReference": "0x" + self.rule_reference.hex()}

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> RuleTerms:
        """The rule of a document body.

        Raises:
            MalformedDocument: members are missing, unknown or of the wrong form.
        """
        try:
            schedule = body["schedule"]
            terms = cls(
                payer=body["payer"],
                token=body["token"],
                rule_reference=bytes.fromhex(body["ruleReference"][2:]),
                action=ActionKind(body["action"]),
                amount=int(body["amount"]),
                payees=tuple(
                    RulePayee(participant=each["participant"], wallet=each["wallet"], share=each["share"])
                    for each in body["payees"]
                ),
                schedule=Schedule(**{**schedule, "every": Every(schedule["every"])}),
                start=body["start"],
                end=body["end"],
                cap_per_payment=int(body["capPerPayment"]),
                cap_per_period=int(body["capPerPeriod"]),
                cap_period=body["capPeriod"],
                approvers=tuple(body["approvers"]),
                threshold=body["threshold"],
                catch_up=body["catchUp"],
                trigger=tuple(
                    Node(
                        kind=NodeKind(each["kind"]),
                        source=each["source"],
                        key=bytes.fromhex(each["key"][2:]),
                        value=int(each["value"]),
                    )
                    for each in body["trigger"]
                ),
            )
            if terms.to_body() != dict(body):
                raise MalformedDocument("The rule has parts that this version does not know.")
            terms.id  # noqa: B018 - every member is of its type
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedDocument(f"The rule is malformed: {error!r}.") from error
        return terms


def _packed(*parts: tuple[int, int]) -> int:
    """Numbers of so many bits each in one word, the first one lowest. Raises InvalidRequest where one does not fit."""
    word = place = 0
    for number, bits in parts:
        if not 0 <= number < 1 << bits:
            raise InvalidRequest(f"{number} is not from 0 to {(1 << bits) - 1}.", number=number)
        word |= number << place
        place += bits
    return word


def _second(at: str) -> int:
    """Second of the day of ``HH:MM`` or ``HH:MM:SS``."""
    try:
        hour, minute, second = (int(part) for part in (at + ":00" if at.count(":") == 1 else at).split(":"))
    except ValueError as error:
        raise InvalidRequest(f"{at!r} is no time of day: HH:MM or HH:MM:SS.", at=at) from error
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        raise InvalidRequest(f"{at!r} is no time of day.", at=at)
    return hour * 3_600 + minute * 60 + second
