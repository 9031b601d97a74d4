"""Deposits and redemptions, witnessed by the bank's deposit references and the participants' redemption references."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import Described, Known, absent, applied, conflict, named, unknown
from pyjpm.witnessing.payments import same_holder
from pyjpm.witnessing.questions import Plan, View, newest
from pyjpm.witnessing.subject import REGISTRY, TOKEN, Subject
from pyjpm.witnessing.telling import Told, agrees, plain, tells

_REFERENCE_PLACE: Final = 2


class RedemptionStatus(IntEnum):
    """As the deposit token has it."""

    NONE = 0
    REQUESTED = 1
    INSTRUCTED = 2
    SETTLED = 3
    RETURNED = 4


_MINTED: Final = Told(
    "DepositMinted", "depositRef", 3, content=lambda subject: {"to": subject["to"], "amount": subject["amount"]}
)
_REQUESTED: Final = Told(
    "RedemptionRequested",
    "ref",
    3,
    named=lambda subject: {"wallet": subject.caller},
    content=lambda subject: {"amount": subject["amount"], "payoutHash": subject["payoutHash"]},
)
_INSTRUCTED: Final = Told(
    "RedemptionInstructed", "ref", _REFERENCE_PLACE, lambda subject: {"participant": subject["participant"]}
)
_SETTLED: Final = Told(
    "RedemptionSettled",
    "ref",
    _REFERENCE_PLACE,
    lambda subject: {"participant": subject["participant"]},
    lambda subject: {"fiatReference": subject["fiatReference"]},
)
_RETURNED: Final = Told(
    "RedemptionReturned",
    "ref",
    _REFERENCE_PLACE,
    lambda subject: {"participant": subject["participant"]},
    lambda subject: {"evidenceHash": subject["evidenceHash"]},
)


def read_mint(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the deposit was minted with this content, by whichever issuer."""
    (minted,) = yield [View(subject.address, TOKEN, "mintedFor", (subject["depositRef"],))]
    if minted is None:
        return unknown("a view did not answer")
    if not minted:
        return absent()
    event = yield from newest(subject.address, TOKEN, "DepositMinted", 3, subject["depositRef"])
    if event is None:
        return unknown("minted, and no event of it was found")
    told = event.arguments
    same_payee = told["to"] == subject["to"] or (yield from same_holder(subject, told["to"], subject["to"]))
    if same_payee and told["amount"] == subject["amount"]:
        return applied(event)
    return conflict(event, found=plain(told), asked={"to": subject["to"], "amount": subject["amount"]})


def read_request(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the participant has this redemption, whatever became of it since. Every token is asked: a restored
    database may have requested it in another currency."""
    (owner,) = yield [View(subject.book.registry, REGISTRY, "walletOf", (subject.caller,))]
    if owner is None:
        return unknown("a view did not answer")
    tokens = list(subject.book.tokens)
    answers = yield [View(token, TOKEN, "redemptionOf", (owner[0], subject["ref"])) for token in tokens]
    if any(answer is None for answer in answers):
        return unknown("a view did not answer")
    found: dict[str, Any] = dict(zip(tokens, answers, strict=True))
    here = found.pop(subject.address)
    state = RedemptionStatus(here["status"]).name
    if here["status"] == RedemptionStatus.NONE:
        for token, other in found.items():
            if other["status"] != RedemptionStatus.NONE:
                shown = {"currency": subject.book.tokens[token], **plain(other)}
                return conflict(state=state, found=shown, asked=_asked(subject))
        return absent(state=state)
    event = yield from newest(
        subject.address,
        TOKEN,
        "RedemptionRequested",
        3,
        subject["ref"],
        lambda each: agrees(each, {"participant": owner[0]}),
    )
    same = {"amount": subject["amount"], "payoutHash": subject["payoutHash"]}
    if all(here[name] == value for name, value in same.items()):
        return applied(event, state=state)
    return conflict(event, state=state, found=plain(here), asked=_asked(subject))


def _asked(subject: Subject) -> dict[str, Any]:
    return plain({"amount": subject["amount"], "payoutHash": subject["payoutHash"]})


def _step(told: Told, reached: tuple[RedemptionStatus, ...], barred: tuple[RedemptionStatus, ...]) -> Any:
    """A step of the bank: done in the states ``reached``; from those ``barred`` it never will be."""

    def read(subject: Subject) -> Plan[Verdict]:
        arguments = (subject["participant"], subject["ref"])
        (seen,) = yield [View(subject.address, TOKEN, "redemptionOf", arguments)]
        if seen is None:
            return unknown("a view did not answer")
        state = RedemptionStatus(seen["status"])
        if state in (*reached, *barred):
            event = yield from told.find(subject, told.name_of(subject))
            if event is not None and agrees(event, told.content(subject)):
                return applied(event, state=state.name)
            if event is not None or state in barred:
                found = None if event is None else plain(event.arguments)
                return conflict(event, state=state.name, found=found)
            return unknown("done, and no event of it was found", state=state.name)
        return absent(state=state.name)

    return read


def _redemption(subject: Subject) -> list[bytes]:
    return [named(subject.function, subject["participant"], subject["ref"])]


DESCRIBED: Final = (
    Described(
        TOKEN,
        "mint(depositRef,to,amount)",
        Known.LOCK,
        "deposit reference",
        "AlreadyMinted",
        read_mint,
        tells(_MINTED),
        lambda subject: [subject["depositRef"]],
    ),
    Described(
        TOKEN,
        "requestRedemption(amount,ref,payoutHash)",
        Known.LOCK,
        "redemption reference of the participant",
        "RedemptionExists, in this currency; witnessed in every one",
        read_request,
        tells(_REQUESTED),
        lambda subject: [subject["ref"]],
    ),
    Described(
        TOKEN,
        "instructRedemption(participant,ref)",
        Known.LOCK,
        "redemption and step",
        "RedemptionNotIn",
        _step(
            _INSTRUCTED,
            (RedemptionStatus.INSTRUCTED, RedemptionStatus.SETTLED),
            (RedemptionStatus.RETURNED,),
        ),
        tells(_INSTRUCTED),
        _redemption,
    ),
    Described(
        TOKEN,
        "settleRedemption(participant,ref,fiatReference)",
        Known.LOCK,
        "redemption and step",
        "RedemptionNotIn",
        _step(_SETTLED, (RedemptionStatus.SETTLED,), (RedemptionStatus.RETURNED,)),
        tells(_SETTLED),
        _redemption,
    ),
    Described(
        TOKEN,
        "returnRedemption(participant,ref,evidenceHash)",
        Known.LOCK,
        "redemption and step",
        "RedemptionNotIn",
        _step(_RETURNED, (RedemptionStatus.RETURNED,), (RedemptionStatus.SETTLED,)),
        tells(_RETURNED),
        _redemption,
    ),
)
