"""Payments, witnessed by their references.

Decisions that govern this module:

* A reference belongs to the payer's participant: the payment may have been made by any of its wallets, lost ones
  included. Others may pay under the same 32 bytes, which says nothing about ours.
* It is read in every token of the record: a restored database may have paid it in another currency.
* What was paid is what its event says. A payee that was lost since stands for its successor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple

from eth_utils.abi import function_signature_to_4byte_selector

from pyjpm.chain.connection import Connection
from pyjpm.chain.reading import WORTH_IT
from pyjpm.chain.values import Log
from pyjpm.contracts.codec import Event, codec
from pyjpm.errors.chain import ExecutionFailed, Reverted
from pyjpm.hashing import keccak256
from pyjpm.sending.witness import Effect, Verdict
from pyjpm.witnessing.described import (
    Described,
    Known,
    absent,
    applied,
    conflict,
    emits,
    named,
    unknown,
    voided,
)
from pyjpm.witnessing.questions import Events, Found, Plan, View, newest, together
from pyjpm.witnessing.subject import REGISTRY, TOKEN, Subject

_NOTHING: Final = "0x" + 40 * "0"
_REF_PLACE: Final = 3
_WORD: Final = 32
_STATE_VIEW: Final = "referenceState(address,bytes32)"
_REFERENCE_STATE: Final = function_signature_to_4byte_selector(_STATE_VIEW)
_AUTHORIZED: Final = ("transferWithAuthorization", "receiveWithAuthorization")


class ReferenceState(IntEnum):
    """As the deposit token has it."""

    UNSPENT = 0
    PAID = 1
    VOIDED = 2


class Paying(NamedTuple):
    """One payment that a call makes. ``amount`` in minor units."""

    payer: str
    to: str
    amount: int
    reference: bytes
    remittance_hash: bytes

    def to_dict(self) -> dict[str, Any]:
        """For people."""
        return _shown(self.payer, self.to, self.amount, self.remittance_hash)


def payments_of(subject: Subject) -> list[Paying]:
    """The payments that a call makes, in order; none for other calls."""
    if subject.artifact != TOKEN:
        return []
    if subject.function == "pay":
        return [_paying(subject.caller, subject.arguments)]
    if subject.function == "payBatch":
        return [_paying(subject.caller, item) for item in subject["payments"]]
    if subject.function in _AUTHORIZED:
        return [
            Paying(subject["from"], subject["to"], subject["value"], subject["ref"], keccak256(subject["remittance"]))
        ]
    return []


def _paying(payer: str, item: Any) -> Paying:
    return Paying(payer, item["to"], item["amount"], item["ref"], keccak256(item["remittance"]))


# --- reading ---


@dataclass(frozen=True, slots=True)
class _Seen:
    """What became of one payment's reference."""

    paying: Paying
    effect: Effect
    state: str
    event: Event | None = None
    found: dict[str, Any] | None = None
    same_but_remittance: bool = False
    reason: str = ""


def read_payments(subject: Subject) -> Plan[Verdict]:
    """APPLIED where all were paid as the call says; ABSENT where none has its reference spent."""
    wanted = payments_of(subject)
    tokens = list(subject.book.tokens)
    states = [_state_of(token, each) for each in wanted for token in tokens]
    authorization = _authorization(subject)
    answers = yield [*states, *authorization]
    if any(answer is None for answer in answers):
        return unknown("a view did not answer")
    used = bool(authorization and answers.pop())
    count = len(tokens)
    by_payment = [
        dict(zip(tokens, answers[start : start + count], strict=True)) for start in range(0, len(answers), count)
    ]
    if len(wanted) == 1:
        return _single((yield from _look(subject, wanted[0], by_payment[0])), used)
    # Side by side: their searches of the log are one.
    seen = yield from together([_look(subject, each, its) for each, its in zip(wanted, by_payment, strict=True)])
    return _batch(seen)


def unspent(subjects: Sequence[Subject | None], connection: Connection, at: int) -> list[int]:
    """The places of those single payments whose reference no token has spent at the end of block ``at``.

    Nearly all that is asked about before it is accepted: one question to all of them, where ``read_payments`` would
    plan for each. The others are for it, as are all where they are few or a token does not answer. Raises
    BlockNotAvailable, HeadNotServed, transport faults.
    """
    singles = [
        (place, subject)
        for place, subject in enumerate(subjects)
        if subject is not None and subject.artifact == TOKEN and subject.function == "pay"
    ]
    if len(singles) < WORTH_IT:
        return []
    tokens = list(singles[0][1].book.tokens)
    questions = [
        (token, _question(subject.caller, subject.arguments["ref"])) for _, subject in singles for token in tokens
    ]
    try:
        answers = connection.words(questions, block=at)
    except (Reverted, ExecutionFailed):
        return []
    nothing, count = bytes(_WORD), len(tokens)
    return [
        place
        for number, (place, _) in enumerate(singles)
        if all(answer == nothing for answer in answers[number * count : (number + 1) * count])
    ]


def _authorization(subject: Subject) -> list[View]:
    """The question whether the authorization that a call brings was used or cancelled."""
    if subject.function not in _AUTHORIZED:
        return []
    return [View(subject.address, TOKEN, "authorizationState", (subject["from"], subject["nonce"]))]


def _state_of(token: str, paying: Paying) -> View:
    """By hand: every payment is asked for, and the ABI's way costs as much as the node's answer."""
    return View(token, TOKEN, _STATE_VIEW, data=_question(paying.payer, paying.reference))


def _question(payer: str, reference: bytes) -> bytes:
    return _REFERENCE_STATE + bytes(12) + bytes.fromhex(payer[2:]) + reference


def _look(subject: Subject, paying: Paying, states: dict[str, int]) -> Plan[_Seen]:
    own = ReferenceState(states[subject.address])
    elsewhere = [token for token, state in states.items() if state == ReferenceState.PAID and token != subject.address]
    if own is ReferenceState.VOIDED:
        return _Seen(paying, Effect.VOIDED, own.name)
    if own is ReferenceState.UNSPENT and not elsewhere:
        return _Seen(paying, Effect.ABSENT, own.name)
    token = subject.address if own is ReferenceState.PAID else elsewhere[0]
    (owner,) = yield [View(subject.book.registry, REGISTRY, "walletOf", (paying.payer,))]
    if owner is None:
        return _Seen(paying, Effect.UNKNOWN, own.name, reason="a view did not answer")
    event = yield from _event_of(subject, token, paying.reference, owner[0])
    if event is None:
        by_mandate = yield from newest(token, TOKEN, "PaidByMandate", 2, paying.reference)
        if by_mandate is None:
            return _Seen(paying, Effect.UNKNOWN, own.name, reason="paid, and no event of it was found")
        return _Seen(paying, Effect.CONFLICT, own.name, by_mandate, {"by": "a mandate"})
    told = event.arguments
    found = _shown(told["from"], told["to"], told["amount"], told["remittanceHash"])
    found["currency"] = subject.book.tokens[token]
    same_payee = told["to"] == paying.to or (yield from same_holder(subject, told["to"], paying.to))
    same = token == subject.address and same_payee and told["amount"] == paying.amount
    if same and told["remittanceHash"] == paying.remittance_hash:
        return _Seen(paying, Effect.APPLIED, own.name, event, found)
    return _Seen(paying, Effect.CONFLICT, own.name, event, found, same_but_remittance=same)


def _event_of(subject: Subject, token: str, reference: bytes, participant: int) -> Plan[Event | None]:
    """The participant's own ``Paid`` under a reference; there is at most one in a token."""
    before: int | None = None
    while True:
        found: Found = (yield [Events(token, TOKEN, "Paid", _REF_PLACE, reference, before)])[0]
        payers = [event.arguments["from"] for event in found.events]
        owners = yield [View(subject.book.registry, REGISTRY, "walletOf", (payer,)) for payer in payers]
        for event, owner in zip(found.events, owners, strict=True):
            if owner is not None and owner[0] == participant:
                return event
        if found.rest is None:
            return None
        before = found.rest


def same_holder(subject: Subject, one: str, other: str) -> Plan[bool]:
    """Whether two wallets are today the same: one was lost and the other succeeded it."""
    ones, others = yield [View(subject.book.registry, REGISTRY, "resolve", (wallet,)) for wallet in (one, other)]
    return ones is not None and ones != _NOTHING and ones == others


def _single(one: _Seen, authorization_used: bool) -> Verdict:
    detail: dict[str, Any] = {"state": one.state}
    match one.effect:
        case Effect.APPLIED:
            return applied(one.event, **detail)
        case Effect.VOIDED:
            return voided(**detail)
        case Effect.UNKNOWN:
            return unknown(one.reason, **detail)
        case Effect.ABSENT if authorization_used:
            # Cancelled: the payment may still be made in another way, by this authorization never.
            return voided(**detail, authorization="cancelled")
        case Effect.ABSENT:
            return absent(**detail)
    detail |= {"found": one.found, "asked": one.paying.to_dict(), "same_but_remittance": one.same_but_remittance}
    return conflict(one.event, **detail)


def _batch(seen: Sequence[_Seen]) -> Verdict:
    lists: dict[str, Any] = {
        "paid": _references(seen, Effect.APPLIED),
        "unspent": _references(seen, Effect.ABSENT),
        "voided": _references(seen, Effect.VOIDED),
        "conflict": _references(seen, Effect.CONFLICT),
        "unread": _references(seen, Effect.UNKNOWN),
    }
    events = [one.event for one in seen if one.event is not None and one.effect is Effect.APPLIED]
    if lists["unread"]:
        return unknown(next(one.reason for one in seen if one.reason), **lists)
    if len(lists["paid"]) == len(seen):
        newest = max(events, key=lambda event: event.block)
        if len({event.tx for event in events}) == 1:
            return applied(newest, **lists)
        return Verdict(
            Effect.APPLIED, block=newest.block, detail={**lists, "txs": sorted({each.tx for each in events})}
        )
    if len(lists["unspent"]) == len(seen):
        return absent(**lists)
    if len(lists["voided"]) == len(seen):
        return voided(**lists)
    others = [one for one in seen if one.effect is Effect.CONFLICT]
    return conflict(
        **lists,
        partial=bool(lists["paid"] or lists["voided"] or lists["unspent"]),
        found={"0x" + one.paying.reference.hex(): one.found for one in others},
        same_but_remittance=bool(others)
        and len(others) + len(lists["paid"]) == len(seen)
        and all(one.same_but_remittance for one in others),
    )


def _references(seen: Sequence[_Seen], effect: Effect) -> list[str]:
    return ["0x" + one.paying.reference.hex() for one in seen if one.effect is effect]


def _shown(payer: str, to: str, amount: int, remittance_hash: bytes) -> dict[str, Any]:
    return {"payer": payer, "to": to, "amount": amount, "remittance_hash": "0x" + remittance_hash.hex()}


# --- voiding ---


def read_void(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the reference is void, CONFLICT where it was paid."""
    arguments = (subject["participant"], subject["ref"])
    (state,) = yield [View(subject.address, TOKEN, "referenceState(uint32,bytes32)", arguments)]
    if state is None:
        return unknown("a view did not answer")
    if state == ReferenceState.UNSPENT:
        return absent(state="UNSPENT")
    if state == ReferenceState.PAID:
        event = yield from _event_of(subject, subject.address, subject["ref"], subject["participant"])
        return conflict(event, state="PAID")
    whose = subject["participant"]
    event = yield from newest(
        subject.address,
        TOKEN,
        "ReferenceVoided",
        2,
        subject["ref"],
        lambda each: each.arguments["participant"] == whose,
    )
    return applied(event, state="VOIDED")


def read_cancelled_authorization(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the authorization was cancelled, CONFLICT where it was used."""
    (spent,) = yield [View(subject.address, TOKEN, "authorizationState", (subject["authorizer"], subject["nonce"]))]
    if spent is None:
        return unknown("a view did not answer")
    if not spent:
        return absent()
    authorizer = subject["authorizer"]
    for kind, say in (("AuthorizationCanceled", applied), ("AuthorizationUsed", conflict)):
        event = yield from newest(
            subject.address, TOKEN, kind, 2, subject["nonce"], lambda each: each.arguments["authorizer"] == authorizer
        )
        if event is not None:
            return say(event, by=kind)
    return unknown("the authorization is spent, and no event of it was found")


# --- receipts ---


def all_paid(subject: Subject, logs: Sequence[Log]) -> bool:
    """Whether the events hold every payment of the call."""
    told = {(log.topics, log.data) for log in logs if log.address == subject.address}
    return all(_event_words(each) in told for each in payments_of(subject))


def _event_words(paying: Paying) -> tuple[tuple[bytes, ...], bytes]:
    """Topics and data of the event of a payment, by hand: every payment's is looked for."""
    topics = (
        codec(TOKEN).topic("Paid"),
        bytes(12) + bytes.fromhex(paying.payer[2:]),
        bytes(12) + bytes.fromhex(paying.to[2:]),
        paying.reference,
    )
    return topics, paying.amount.to_bytes(_WORD, "big") + paying.remittance_hash


def voids(subject: Subject, logs: Sequence[Log]) -> bool:
    """Whether the events hold the voiding."""
    return emits(subject, logs, "ReferenceVoided", participant=subject["participant"], ref=subject["ref"])


def _spends(subject: Subject) -> list[bytes]:
    return [each.reference for each in payments_of(subject)]


_PAID: Final = ("Paid",)
_PAID_AGAIN: Final = "AlreadyPaid, in this currency; witnessed in every one"


DESCRIBED: Final = (
    Described(
        TOKEN,
        "pay(to,amount,ref,remittance)",
        Known.LOCK,
        "reference of the payer's participant",
        _PAID_AGAIN,
        read_payments,
        all_paid,
        _spends,
        _PAID,
    ),
    Described(
        TOKEN,
        "payBatch(payments)",
        Known.LOCK,
        "all its references",
        _PAID_AGAIN,
        read_payments,
        all_paid,
        _spends,
        _PAID,
    ),
    *(
        Described(
            TOKEN,
            f"{function}(from,to,value,validAfter,validBefore,nonce,ref,remittance,signature)",
            Known.LOCK,
            "reference of the payer's participant, and the authorization's nonce",
            "AuthorizationSpent, AlreadyPaid",
            read_payments,
            all_paid,
            _spends,
            _PAID,
        )
        for function in _AUTHORIZED
    ),
    Described(
        TOKEN,
        "cancelAuthorization(authorizer,nonce,signature)",
        Known.LOCK,
        "authorizer and nonce",
        "AuthorizationSpent",
        read_cancelled_authorization,
        lambda subject, logs: emits(
            subject, logs, "AuthorizationCanceled", authorizer=subject["authorizer"], nonce=subject["nonce"]
        ),
        lambda subject: [named("cancelAuthorization", subject["authorizer"], subject["nonce"])],
    ),
    Described(
        TOKEN,
        "voidReference(participant,ref)",
        Known.LOCK,
        "participant and reference",
        "AlreadyPaid",
        read_void,
        voids,
        lambda subject: [subject["ref"]],
    ),
    Described(
        TOKEN,
        "cleared(call,deadline,clearance)",
        Known.LOCK,
        "that of the call inside",
        "as the call inside; ClearanceSpent",
    ),
)
