"""Money that a payer holds in place itself, its consents and its mandates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from pyjpm.chain.values import Log
from pyjpm.contracts.codec import abi_type, codec, from_abi
from pyjpm.contracts.eip712 import struct_hash
from pyjpm.sending.witness import Verdict
from pyjpm.witnessing import order_table, trades
from pyjpm.witnessing.described import Described, Known, absent, applied, conflict, emits, named, unknown, voided
from pyjpm.witnessing.orders import ESCROW
from pyjpm.witnessing.questions import Plan, View, newest
from pyjpm.witnessing.subject import TOKEN, Subject
from pyjpm.witnessing.telling import Told, by_event, tells, word
from pyjpm.witnessing.trades import SETTLEMENT

ON_ATTEST: Final = 1  # of the terms' Mode


# --- holding for a notary ---


def purpose_of(subject: Subject) -> Subject | None:
    """What the notary of a ``holdAndCall`` is told, as a call of its own; None for other notaries than the record's."""
    record = subject.book.record
    try:
        for name, artifact, function, parameter in (
            (ESCROW, ESCROW, "fund", "terms"),
            (SETTLEMENT, SETTLEMENT, "settle", "trade"),
        ):
            deployed = record.contracts.get(name)
            if deployed is not None and deployed.address.lower() == subject["notary"].lower():
                shape = codec(artifact).parameter(function, parameter)
                return _escrow(subject, shape) if name == ESCROW else _settlement(subject, shape)
    except (DecodingError, OverflowError, IndexError):
        return None
    return None


def _escrow(subject: Subject, shape: Any) -> Subject:
    terms, milestone, _, _ = decode([abi_type(shape), "uint256", "bytes", "bytes"], subject["data"])
    arguments = {"terms": from_abi(shape, terms), "milestone": milestone, "amount": subject["amount"]}
    due = arguments["terms"]["milestones"][milestone]["mode"] == ON_ATTEST
    return Subject(subject.book, subject.caller, subject["notary"], ESCROW, "pay" if due else "fund", arguments)


def _settlement(subject: Subject, shape: Any) -> Subject:
    (trade,) = decode([abi_type(shape)], subject["data"])
    arguments = {"trade": from_abi(shape, trade), "token": subject.address, "payer": subject.caller}
    return Subject(subject.book, subject.caller, subject["notary"], SETTLEMENT, "hold", arguments)


def read_hold(subject: Subject) -> Plan[Verdict]:
    """What the notary accounts for: a milestone, or a trade."""
    purpose = purpose_of(subject)
    if purpose is None:
        return unknown("the notary is not of this platform, or what it is told is not understood")
    if purpose.artifact == SETTLEMENT:
        return (yield from trades.read_hold(purpose))
    described = order_table.PAY if purpose.function == "pay" else order_table.FUND
    assert described.read is not None
    return (yield from described.read(purpose))


def _tells_hold(subject: Subject, logs: Sequence[Log]) -> bool:
    told = {"notary": subject["notary"], "payer": subject.caller, "ref": subject["ref"], "amount": subject["amount"]}
    return emits(subject, logs, "Held", **told)


def _hold_names(subject: Subject) -> list[bytes]:
    purpose = purpose_of(subject)
    if purpose is not None and purpose.function == "pay":
        return [named("pay", subject["ref"], subject["amount"])]
    return [subject["ref"]]


# --- consents ---


def read_cancelled_consent(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the consent was called off, CONFLICT where it was used."""
    (spent,) = yield [View(subject.address, TOKEN, "consentSpent", (subject.caller, subject["nonce"]))]
    if spent is None:
        return unknown("a view did not answer")
    if not spent:
        return absent()
    nonce = subject["nonce"]
    event = yield from newest(
        subject.address,
        TOKEN,
        "ConsentCancelled",
        1,
        word(subject.caller),
        lambda each: each.arguments["nonce"] == nonce,
    )
    return conflict(consent="used") if event is None else applied(event)


# --- mandates ---

MANDATE_STATES: Final = ("NONE", "ACTIVE", "REVOKED")
_REVOKED: Final = Told("MandateRevoked", "mandateId")


def _mandate(subject: Subject) -> bytes:
    return struct_hash("Mandate", subject["mandate"])


def read_mandate(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the mandate was given, also if it was revoked since; VOIDED where its signature was called off."""
    (seen,) = yield [View(subject.address, TOKEN, "mandateState", (subject["mandate"],))]
    if seen is None:
        return unknown("a view did not answer")
    state = MANDATE_STATES[seen[0]]
    if seen[0]:
        event = yield from newest(subject.address, TOKEN, "MandateRegistered", 1, _mandate(subject))
        return applied(event, state=state)
    if "nonce" in subject.arguments:
        arguments = (subject["mandate"]["payer"], subject["nonce"])
        (spent,) = yield [View(subject.address, TOKEN, "consentSpent", arguments)]
        if spent is None:
            return unknown("a view did not answer")
        if spent:
            return voided(state=state, signature="called off, or used for something else")
    return absent(state=state)


def _tells_mandate(subject: Subject, logs: Sequence[Log]) -> bool:
    return emits(subject, logs, "MandateRegistered", mandateId=_mandate(subject))


_BY_NOTARIES: Final = (
    "only a registered notary, a contract of the platform, is let in; its own function is the operation"
)

DESCRIBED: Final = (
    Described(
        TOKEN,
        "holdAndCall(notary,amount,ref,data)",
        Known.LOCK,
        "what the notary names: order and milestone, or trade and payer",
        "WrongState, WrongAmount or CashAlreadyHeld, from the notary",
        read_hold,
        _tells_hold,
        _hold_names,
    ),
    Described(
        TOKEN,
        "cancelConsent(nonce)",
        Known.LOCK,
        "payer and nonce",
        "ConsentSpent",
        read_cancelled_consent,
        lambda subject, logs: emits(subject, logs, "ConsentCancelled", payer=subject.caller, nonce=subject["nonce"]),
        lambda subject: [named("cancelConsent", subject.caller, subject["nonce"])],
    ),
    *(
        Described(
            TOKEN,
            face,
            Known.LOCK,
            "mandate",
            "MandateExists",
            read_mandate,
            _tells_mandate,
            lambda subject: [_mandate(subject)],
        )
        for face in ("registerMandate(mandate)", "registerMandateBySignature(mandate,nonce,deadline,signature)")
    ),
    Described(
        TOKEN,
        "revokeMandate(mandateId)",
        Known.LOCK,
        "mandate",
        "MandateNotActive",
        by_event(_REVOKED),
        tells(_REVOKED),
        lambda subject: [named("revokeMandate", subject["mandateId"])],
    ),
    *(
        Described(TOKEN, face, Known.NOTHING, "none", _BY_NOTARIES)
        for face in (
            "hold(payer,amount,ref,nonce,deadline,signature)",
            "executeByConsent(payer,to,amount,ref,nonce,deadline,signature)",
            "executeByMandate(mandate,to,amount,ref)",
            "execute(payer,to,amount,ref)",
            "executeNet(sources)",
            "release(payer,amount,ref,day)",
            "cancelByOrder(payer,amount,ref,orderHash)",
        )
    ),
)
