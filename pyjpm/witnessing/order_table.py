"""The order escrow's functions: see ``orders`` for their witnesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from pyjpm.chain.values import Log
from pyjpm.sending.witness import Effect, Verdict
from pyjpm.witnessing import orders
from pyjpm.witnessing.described import Described, Known, named
from pyjpm.witnessing.orders import ESCROW, order_id, tells_of
from pyjpm.witnessing.questions import Plan, together
from pyjpm.witnessing.subject import Subject

_STEP: Final = "order, milestone and step"


def _with_milestone(read: Callable[[Subject], Plan[Verdict]]) -> Callable[[Subject], Plan[Verdict]]:
    """An agreement names its milestone inside."""
    return lambda subject: read(_agreement(subject))


def _agreement(subject: Subject) -> Subject:
    return replace(subject, arguments={**subject.arguments, "milestone": subject["agreement"]["milestone"]})


def _step(
    face: str,
    again: str,
    read: Callable[[Subject], Plan[Verdict]],
    effect: Callable[[Subject, Sequence[Log]], bool],
) -> Described:
    return Described(ESCROW, face, Known.LOCK, _STEP, again, read, effect, orders.step_name)


def _many(face: str, one: Described, name: str, again: str) -> Described:
    """A batch skips what cannot be done, and what is done already changes nothing: it may be sent again."""
    assert one.read is not None
    assert one.effect is not None
    assert one.names is not None
    read_one, effect_one, names_one = one.read, one.effect, one.names

    def read(subject: Subject) -> Plan[Verdict]:
        verdicts = yield from together([read_one(item) for item in orders.items_of(subject)])
        detail: dict[str, Any] = {"items": [verdict.effect.value for verdict in verdicts]}
        open_ = [each for each in verdicts if each.effect in (Effect.ABSENT, Effect.UNKNOWN)]
        if open_:
            unread = any(each.effect is Effect.UNKNOWN for each in open_)
            return Verdict(Effect.UNKNOWN if unread else Effect.ABSENT, detail=detail)
        if any(each.effect is Effect.APPLIED for each in verdicts):
            return Verdict(Effect.APPLIED, detail=detail)
        return Verdict(Effect.CONFLICT, detail=detail)

    return Described(
        ESCROW,
        face,
        Known.LOCK,
        name,
        again,
        read,
        lambda subject, logs: any(effect_one(item, logs) for item in orders.items_of(subject)),
        lambda subject: [each for item in orders.items_of(subject) for each in names_one(item)],
    )


def _attesting(function: str) -> Described:
    return Described(
        ESCROW,
        f"{function}(terms,attestation,signatures)",
        Known.LOCK,
        "order, milestone and the source's revision (seq)",
        "AttestationIgnored, which changes nothing; with other content ConflictingAttestation",
        orders.read_attestation,
        orders.tells_attestation,
        orders.attestation_name,
    )


_RELEASE: Final = _step(
    "release(terms,milestone)",
    "WrongState or NothingOwed",
    orders.release,
    tells_of("MilestoneReleased", "milestone"),
)
_ATTEST: Final = _attesting("attestAndRelease")

FUND: Final = Described(
    ESCROW,
    "fund(terms,milestone,consent)",
    Known.LOCK,
    "order and milestone",
    "WrongState",
    orders.fund,
    tells_of("MilestoneFunded", "milestone"),
    lambda subject: [orders.hold_reference(subject)],
)
PAY: Final = Described(
    ESCROW,
    "pay(terms,milestone,consent)",
    Known.LOCK,
    "order and milestone; of a partial delivery the sum too",
    "WrongState: what is due is paid once",
    orders.pay,
    tells_of("MilestoneFunded", "milestone"),
    lambda subject: [named("pay", orders.hold_reference(subject), subject.arguments.get("amount", 0))],
)

DESCRIBED: Final = (
    Described(
        ESCROW,
        "open(terms,buyerSignature,sellerSignature)",
        Known.LOCK,
        "order",
        "OrderAlreadyOpen",
        orders.read_open,
        tells_of("OrderOpened"),
        lambda subject: [order_id(subject)],
    ),
    FUND,
    PAY,
    _attesting("attest"),
    _ATTEST,
    _many(
        "attestMany(terms,attestations,signatures)",
        _ATTEST,
        "those of its attestations",
        "AttestationIgnored for each that was recorded",
    ),
    _RELEASE,
    _many("releaseMany(terms,milestones)", _RELEASE, "those of its milestones", "ItemSkipped for each that is done"),
    _step("refund(terms,milestone)", "WrongState", orders.refund, tells_of("MilestoneRefunded", "milestone")),
    _step("cancel(terms,milestone)", "WrongState", orders.cancel, orders.tells_end),
    _step(
        "cancelTogether(terms,milestone,deadline,buyerSignature,sellerSignature)",
        "WrongState",
        orders.cancel,
        orders.tells_end,
    ),
    _step("writeOff(terms,milestone)", "WrongState", orders.cancel, orders.tells_end),
    _step(
        "cancelByOrder(terms,milestone,orderHash)",
        "WrongState",
        orders.cancel_by_order,
        tells_of("MilestoneCancelled", "milestone", "orderHash"),
    ),
    _step(
        "dispute(terms,milestone)",
        "WrongState",
        orders.dispute,
        tells_of("MilestoneDisputed", "milestone", byParty=True),
    ),
    _step(
        "rule(terms,milestone,sellerAmount)",
        "WrongState",
        orders.rule,
        tells_of("MilestoneDecided", "milestone", "sellerAmount", how=orders.RULING),
    ),
    _step(
        "decideByFallback(terms,milestone)",
        "WrongState",
        orders.fallback,
        tells_of("MilestoneDecided", "milestone", how=orders.FALLBACK),
    ),
    Described(
        ESCROW,
        "agree(terms,agreement,buyerSignature,sellerSignature)",
        Known.LOCK,
        "the agreement, its nonce included",
        "AgreementUsed",
        _with_milestone(orders.agree),
        lambda subject, logs: orders.tells_agreement(_agreement(subject), logs),
        lambda subject: [named("agree", *subject["agreement"].values())],
    ),
    Described(
        ESCROW,
        "amend(previous,next,deadline,buyerSignature,sellerSignature,consents)",
        Known.LOCK,
        "both orders",
        "OrderAlreadyOpen",
        orders.read_amendment,
        orders.tells_amendment,
        lambda subject: [order_id(subject, "next")],
    ),
    Described(
        ESCROW,
        "refundReleased(terms,milestone,amount,creditNote,consent)",
        Known.LOCK,
        "order, milestone and credit note",
        "CreditNoteUsed",
        orders.read_credit,
        tells_of("ReleasedRefunded", "milestone", "creditNote", "amount"),
        lambda subject: [named("credit", order_id(subject), subject["milestone"], subject["creditNote"])],
    ),
)
