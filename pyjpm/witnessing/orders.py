"""Orders, witnessed by order id, milestone and step.

Decisions that govern this module:

* An id is the hash of the terms, so under it there is no other content; what can differ is how a milestone ended.
* A milestone that is over never changes again: a step that it did not take is then a conflict, before it is not.
* Of what M attesters say, a revision (seq) is the name. An older one changes nothing any more and is still no conflict:
  it may tell that the status was reached in time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from pyjpm.chain.values import Log
from pyjpm.contracts.codec import Event
from pyjpm.contracts.eip712 import struct_hash
from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import absent, applied, conflict, emits, named, unknown
from pyjpm.witnessing.questions import Plan, View, newest
from pyjpm.witnessing.subject import REGISTRY, Subject
from pyjpm.witnessing.telling import agrees, plain

ESCROW: Final = "OrderEscrow"


class State(IntEnum):
    """Of a milestone, as the escrow has it."""

    NONE = 0
    OPEN = 1
    FUNDED = 2
    ACCEPTED = 3
    DUE = 4
    DISPUTED = 5
    RELEASED = 6
    REFUNDED = 7
    CANCELLED = 8
    AMENDED = 9

    @property
    def is_over(self) -> bool:
        """Whether nothing changes it any more."""
        return self >= State.RELEASED


def order_id(subject: Subject, terms: str = "terms") -> bytes:
    """The order that a call is about."""
    return struct_hash("Terms", subject[terms])


def hold_reference(subject: Subject) -> bytes:
    """Under which the money of the call's milestone is held."""
    return keccak(encode(["bytes32", "uint256"], [order_id(subject), subject["milestone"]]))


def event_of(subject: Subject, event: str, order: bytes, **told: object) -> Plan[Event | None]:
    """The newest event of a kind about an order that says this."""
    return newest(subject.address, ESCROW, event, 1, order, lambda each: agrees(each, told))


def milestone_of(subject: Subject, index: int) -> Plan[Any]:
    """What the escrow knows of a milestone; None where it does not answer."""
    (seen,) = yield [View(subject.address, ESCROW, "milestoneOf", (order_id(subject), index))]
    return seen


Ends = Callable[[Subject, Any, State], Plan[Verdict]]


def of_milestone(step: Ends) -> Callable[[Subject], Plan[Verdict]]:
    """A witness that looks at the call's milestone first."""

    def read(subject: Subject) -> Plan[Verdict]:
        seen = yield from milestone_of(subject, subject["milestone"])
        if seen is None:
            return unknown("a view did not answer")
        return (yield from step(subject, seen, State(seen["state"])))

    return read


# --- opening, funding, paying ---


def read_open(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the order is there."""
    order = order_id(subject)
    (state,) = yield [View(subject.address, ESCROW, "stateOf", (order, 0))]
    if state is None:
        return unknown("a view did not answer")
    if state == State.NONE:
        return absent()
    event = yield from event_of(subject, "OrderOpened", order)
    return applied(event)


def _fund(subject: Subject, seen: Any, state: State) -> Plan[Verdict]:
    """APPLIED where the payer's participant funded it, by whichever wallet."""
    if int(seen["payer"], 16) == 0:
        return conflict(state=state.name) if state.is_over else absent(state=state.name)
    payer = payer_of(subject)
    ours, theirs = yield [View(subject.book.registry, REGISTRY, "walletOf", (each,)) for each in (payer, seen["payer"])]
    if ours is None or theirs is None:
        return unknown("a view did not answer")
    event = yield from event_of(subject, "MilestoneFunded", order_id(subject), milestone=subject["milestone"])
    if ours[0] == theirs[0]:
        return applied(event, state=state.name)
    return conflict(event, state=state.name, payer=seen["payer"])


def _pay(subject: Subject, seen: Any, state: State) -> Plan[Verdict]:
    """What is due is paid once; of a partial delivery more may become due, and the same sum again."""
    if state is State.DUE:
        return absent(state=state.name)
    told = {"milestone": subject["milestone"]}
    if "amount" in subject.arguments:
        told["amount"] = subject["amount"]
    event = yield from event_of(subject, "MilestoneFunded", order_id(subject), **told)
    if event is not None:
        return applied(event, state=state.name)
    return conflict(state=state.name) if state.is_over else absent(state=state.name)


def payer_of(subject: Subject) -> str:
    """The wallet whose money a call takes: that of its consent, or the caller itself."""
    consent = subject.arguments.get("consent")
    return subject.caller if consent is None else str(consent["payer"])


# --- attesting ---

_SAID: Final = ("status", "accepted", "attestedAt", "documentHash")
_CONTENT: Final = ("orderId", "milestone", "seq", "status", "accepted", "complete", "attestedAt", "documentHash")
_CONTENT_TYPES: Final = ("bytes32", "uint8", "uint48", "uint8", "uint88", "bool", "uint40", "bytes32")
_KEPT: Final = 27  # bytes of the content's hash that the escrow keeps


def read_attestation(subject: Subject) -> Plan[Verdict]:
    """APPLIED where this revision was recorded with this content, CONFLICT where it was with another."""
    attestation = subject["attestation"]
    seen = yield from milestone_of(subject, attestation["milestone"])
    if seen is None:
        return unknown("a view did not answer")
    state = State(seen["state"])
    revision = {"milestone": attestation["milestone"], "seq": attestation["seq"]}
    if state is State.NONE or (not state.is_over and attestation["seq"] > seen["lastSeq"] and _counts(subject)):
        return absent(state=state.name, superseded=False)
    event = yield from event_of(subject, "StatusAttested", order_id(subject), **revision)
    if event is None:
        return absent(state=state.name, superseded=state.is_over or seen["lastSeq"] > attestation["seq"])
    same = agrees(event, {name: attestation[name] for name in _SAID})
    kept = seen["contentDigest"][:_KEPT]
    if same and seen["lastSeq"] == attestation["seq"] and not state.is_over:
        # What the event does not tell: whether more will come. What ended the milestone may not be kept.
        content = keccak(encode(_CONTENT_TYPES, [attestation[name] for name in _CONTENT]))
        same = content[:_KEPT] == kept
    return applied(event, state=state.name) if same else conflict(event, found=plain(event.arguments))


def _counts(subject: Subject) -> bool:
    """Whether the milestone remembers such a status: another leaves no trace but its event."""
    terms, attestation = subject["terms"], subject["attestation"]
    if attestation["milestone"] >= len(terms["milestones"]):
        return False
    required = terms["milestones"][attestation["milestone"]]["requiredStatus"]
    return attestation["status"] == required or bool(terms["negativeStatuses"] >> attestation["status"] & 1)


# --- ends ---


def _release(subject: Subject, seen: Any, state: State) -> Plan[Verdict]:
    """Of a delivery in parts, what was accepted is released as it comes; then nothing is left to be."""
    if not state.is_over and (state in (State.ACCEPTED, State.NONE) or not 0 < seen["settled"] >= seen["accepted"]):
        return absent(state=state.name)
    event = yield from event_of(subject, "MilestoneReleased", order_id(subject), milestone=subject["milestone"])
    if event is not None:
        return applied(event, state=state.name)
    return conflict(state=state.name) if state.is_over else absent(state=state.name)


def _refund(subject: Subject, seen: Any, state: State) -> Plan[Verdict]:
    if state in (State.NONE, State.OPEN):
        return absent(state=state.name)
    if not state.is_over:
        (unpaid,) = yield [View(subject.address, ESCROW, "unpaidOf", (subject["terms"], subject["milestone"]))]
        if unpaid is None:
            return unknown("a view did not answer")
        if unpaid:
            return absent(state=state.name)
    event = yield from event_of(subject, "MilestoneRefunded", order_id(subject), milestone=subject["milestone"])
    if event is not None and state in (State.REFUNDED, State.RELEASED, State.ACCEPTED):
        return applied(event, state=state.name)
    return conflict(event, state=state.name) if state.is_over else absent(state=state.name)


_NO_ORDER: Final = bytes(32)


def _cancel(subject: Subject, seen: Any, state: State) -> Plan[Verdict]:
    """Of what is not held. One that was paid in part ends as released."""
    if not state.is_over:
        return absent(state=state.name)
    told = {"milestone": subject["milestone"]}
    if state is State.CANCELLED:
        event = yield from event_of(subject, "MilestoneCancelled", order_id(subject), **told)
        ours = event is not None and event.arguments["orderHash"] == subject.arguments.get("orderHash", _NO_ORDER)
        return applied(event, state=state.name) if ours else conflict(event, state=state.name)
    if state is State.RELEASED and not int(seen["payer"], 16):
        event = yield from event_of(subject, "MilestoneStateChanged", order_id(subject), **told, to=int(State.RELEASED))
        if event is not None and event.arguments["from"] in (State.OPEN, State.DUE):
            return applied(event, state=state.name)
    return conflict(state=state.name)


def _cancel_by_order(subject: Subject, seen: Any, state: State) -> Plan[Verdict]:
    if not state.is_over:
        return absent(state=state.name)
    told = {"milestone": subject["milestone"], "orderHash": subject["orderHash"]}
    event = yield from event_of(subject, "MilestoneCancelled", order_id(subject), **told)
    return conflict(state=state.name) if event is None else applied(event, state=state.name)


# --- disputes and decisions ---

RULING, AGREEMENT, FALLBACK = 0, 1, 2


def _dispute(subject: Subject, seen: Any, state: State) -> Plan[Verdict]:
    """APPLIED where a party disputed, whichever: there is one dispute of the parties."""
    if seen["disputedByParty"]:
        told = {"milestone": subject["milestone"], "byParty": True}
        event = yield from event_of(subject, "MilestoneDisputed", order_id(subject), **told)
        return applied(event, state=state.name)
    say = conflict if state.is_over or seen["decided"] else absent
    return say(state=state.name)


def _decided(how: int, told: Callable[[Subject], dict[str, object]]) -> Ends:
    def read(subject: Subject, seen: Any, state: State) -> Plan[Verdict]:
        if not seen["decided"]:
            return conflict(state=state.name) if state.is_over else absent(state=state.name)
        about = {"milestone": subject["milestone"]}
        event = yield from event_of(subject, "MilestoneDecided", order_id(subject), **about, how=how, **told(subject))
        if event is not None:
            return applied(event, state=state.name)
        if how == AGREEMENT and not state.is_over:
            return absent(state=state.name)  # the parties may still agree on what was decided
        other = yield from event_of(subject, "MilestoneDecided", order_id(subject), **about)
        return conflict(other, state=state.name, found=None if other is None else plain(other.arguments))

    return read


def _split(subject: Subject) -> dict[str, object]:
    agreement = subject["agreement"]
    return {
        "sellerAmount": agreement["sellerAmount"],
        "payerAmount": agreement["unpaid"] - agreement["sellerAmount"],
    }


# --- amending and paying back ---


def read_amendment(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the new order took the old one's place; an order that was opened by itself cannot any more."""
    previous, after = order_id(subject, "previous"), order_id(subject, "next")
    (state,) = yield [View(subject.address, ESCROW, "stateOf", (after, 0))]
    if state is None:
        return unknown("a view did not answer")
    if state == State.NONE:
        return absent()
    event = yield from event_of(subject, "OrderAmended", previous, next=after)
    return conflict(next="opened by itself") if event is None else applied(event)


def read_credit(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the credit note was paid with this amount, CONFLICT where it was with another."""
    about = {"orderId": order_id(subject), "milestone": subject["milestone"]}
    (credited,) = yield [View(subject.address, ESCROW, "creditedOf", (about["orderId"], about["milestone"]))]
    if credited is None:
        return unknown("a view did not answer")
    if not credited:
        return absent()
    event = yield from newest(
        subject.address, ESCROW, "ReleasedRefunded", 3, subject["creditNote"], lambda each: agrees(each, about)
    )
    if event is None:
        return absent()
    if event.arguments["amount"] == subject["amount"]:
        return applied(event)
    return conflict(event, found=plain(event.arguments))


# --- many ---


def items_of(subject: Subject) -> list[Subject]:
    """A batch as the calls that it stands for."""
    if subject.function == "attestMany":
        columns = zip(subject["terms"], subject["attestations"], subject["signatures"], strict=False)
        each = [dict(zip(("terms", "attestation", "signatures"), item, strict=True)) for item in columns]
        return [_item(subject, "attestAndRelease", arguments) for arguments in each]
    pairs = zip(subject["terms"], subject["milestones"], strict=False)
    return [_item(subject, "release", {"terms": terms, "milestone": index}) for terms, index in pairs]


def _item(subject: Subject, function: str, arguments: dict[str, Any]) -> Subject:
    return Subject(subject.book, subject.caller, subject.address, subject.artifact, function, arguments)


# --- what a receipt must hold, and names ---


def tells_of(event: str, *same: str, **fixed: object) -> Callable[[Subject, Sequence[Log]], bool]:
    """An event about the call's order and milestone, with these arguments of the call and these values."""

    def effect(subject: Subject, logs: Sequence[Log]) -> bool:
        told = {"orderId": order_id(subject), **{name: subject[name] for name in same}, **fixed}
        return emits(subject, logs, event, **told)

    return effect


def tells_attestation(subject: Subject, logs: Sequence[Log]) -> bool:
    """Whether this revision was recorded; one that was ignored changed nothing."""
    attestation = subject["attestation"]
    told = {name: attestation[name] for name in ("milestone", "seq", "status")}
    return emits(subject, logs, "StatusAttested", orderId=order_id(subject), **told)


def tells_end(subject: Subject, logs: Sequence[Log]) -> bool:
    """Whether the milestone was cancelled, or ended as released for what it had paid."""
    about = {"orderId": order_id(subject), "milestone": subject["milestone"]}
    return emits(subject, logs, "MilestoneCancelled", **about) or emits(
        subject, logs, "MilestoneStateChanged", **about, to=int(State.RELEASED)
    )


def tells_agreement(subject: Subject, logs: Sequence[Log]) -> bool:
    """Whether the parties' split was carried out."""
    about = {"orderId": order_id(subject), "milestone": subject["milestone"], "how": AGREEMENT}
    return emits(subject, logs, "MilestoneDecided", **about, **_split(subject))


def tells_amendment(subject: Subject, logs: Sequence[Log]) -> bool:
    """Whether the new order took the old one's place."""
    orders = {"previous": order_id(subject, "previous"), "next": order_id(subject, "next")}
    return emits(subject, logs, "OrderAmended", **orders)


def step_name(subject: Subject) -> list[bytes]:
    """Order, milestone and function."""
    return [named(subject.function, order_id(subject), subject["milestone"])]


def attestation_name(subject: Subject) -> list[bytes]:
    """Order, milestone and revision, whichever function brings it."""
    attestation = subject["attestation"]
    return [named("attest", order_id(subject), attestation["milestone"], attestation["seq"])]


fund, pay, release, refund = (of_milestone(step) for step in (_fund, _pay, _release, _refund))
cancel, cancel_by_order, dispute = (of_milestone(step) for step in (_cancel, _cancel_by_order, _dispute))
rule = of_milestone(_decided(RULING, lambda subject: {"sellerAmount": subject["sellerAmount"]}))
fallback = of_milestone(_decided(FALLBACK, lambda subject: {}))
agree = of_milestone(_decided(AGREEMENT, _split))
