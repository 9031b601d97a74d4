"""What backs the tokens, witnessed by the reserve: attestations by sequence, auditors and tokens by address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import Described, Known, absent, applied, conflict, named, unknown
from pyjpm.witnessing.questions import Plan, View
from pyjpm.witnessing.settings import SAME
from pyjpm.witnessing.subject import Subject
from pyjpm.witnessing.telling import Told, agrees, agrees_on, by_event, by_state, own, plain, tells

RESERVE: Final = "Reserve"

_ADDED: Final = Told("AuditorAdded", "auditor")
_REMOVED: Final = Told("AuditorRemoved", "auditor")
_TOKEN: Final = Told("TokenRegistered", "token")
_THRESHOLD: Final = Told("ThresholdSet", content=agrees_on("threshold"))
_CYCLE: Final = Told("CycleSet", "currency", content=agrees_on("cycle"))
_ATTESTED: Final = Told(
    "ReserveAttested",
    named=lambda subject: {name: subject["attestation"][name] for name in ("currency", "sequence")},
    content=lambda subject: {
        name: subject["attestation"][name] for name in ("asOf", "validUntil", "documentHash", "lines")
    },
)


def read_attestation(subject: Subject) -> Plan[Verdict]:
    """APPLIED where this sequence was attested with this content, CONFLICT where a later one stands."""
    attestation = subject["attestation"]
    threshold, backing = yield [
        View(subject.address, RESERVE, "threshold"),
        View(subject.address, RESERVE, "backing", (attestation["currency"],)),
    ]
    if threshold is None:
        return unknown("a view did not answer")
    # Refused where no token of that currency is registered.
    if backing is None or backing["sequence"] < attestation["sequence"]:
        return absent()
    newest = yield from _ATTESTED.find(subject, {"currency": attestation["currency"]})
    if newest is None:
        return unknown("attested, and no event of it was found")
    event = yield from _ATTESTED.find(subject, _ATTESTED.name_of(subject))
    if event is None:
        return conflict(newest, superseded_by=newest.arguments["sequence"])
    if agrees(event, _ATTESTED.content(subject)):
        return applied(event)
    return conflict(event, found=plain({name: event.arguments[name] for name in ("attested", "documentHash")}))


def _once(face: str, told: Told, again: str, view: str, never: Callable[[list[Any]], bool]) -> Described:
    return Described(
        RESERVE,
        face,
        Known.LOCK,
        told.key,
        again,
        by_event(told, own(view, told.key), never),
        tells(told),
        lambda subject: [named(subject.function, subject.address, subject[told.key])],
    )


DESCRIBED: Final = (
    _once("addAuditor(auditor)", _ADDED, "AuditorKnown", "isAuditor", lambda seen: False),
    _once("removeAuditor(auditor)", _REMOVED, "NotAnAuditor", "isAuditor", lambda seen: seen[0] is True),
    _once("registerToken(token)", _TOKEN, "ReserveTokenKnown", "currencyOf", lambda seen: seen[0] == bytes(3)),
    Described(
        RESERVE,
        "setThreshold(threshold)",
        Known.STATE,
        "threshold",
        SAME,
        by_state(own("threshold"), lambda subject, seen: seen[0] == subject["threshold"], _THRESHOLD),
        tells(_THRESHOLD),
    ),
    Described(
        RESERVE,
        "setCycle(currency,cycle)",
        Known.STATE,
        "currency and cycle",
        SAME,
        by_state(own("cycleOf", "currency"), lambda subject, seen: seen[0] == subject["cycle"], _CYCLE),
        tells(_CYCLE),
    ),
    Described(
        RESERVE,
        "attestReserve(attestation,signatures)",
        Known.LOCK,
        "currency and the auditors' sequence",
        "ReserveAttestationSuperseded",
        read_attestation,
        tells(_ATTESTED),
        lambda subject: [named("attestReserve", *_ATTESTED.name_of(subject).values())],
    ),
)
