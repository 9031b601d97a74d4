"""Attester sets, witnessed by their events: a key is announced, added and revoked once in a set."""

from __future__ import annotations

from typing import Final

from eth_utils.address import to_checksum_address

from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import Described, Known, absent, applied, conflict, named, unknown
from pyjpm.witnessing.questions import Plan, View, newest
from pyjpm.witnessing.subject import REGISTRY, Subject
from pyjpm.witnessing.telling import Told, agrees, agrees_on, tells, word

SETS: Final = "AttesterSets"

_CREATED: Final = Told("AttesterSetCreated", content=agrees_on("minimumSize", "attesters"))
_ANNOUNCED: Final = Told("AttesterAnnounced", "attester", 2, agrees_on("setId"))
_ADDED: Final = Told("AttesterAdded", "attester", 2, agrees_on("setId"))
_REMOVED: Final = Told("AttesterRemoved", "attester", 2, agrees_on("setId"))


def read_set(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the caller's participant has such a set already: the contract would make another one."""
    (owner,) = yield [View(subject.book.registry, REGISTRY, "walletOf", (subject.caller,))]
    if owner is None:
        return unknown("a view did not answer")
    wanted = _CREATED.content(subject)
    event = yield from newest(
        subject.address, SETS, "AttesterSetCreated", 2, word(owner[0]), lambda each: agrees(each, wanted)
    )
    return absent() if event is None else applied(event, set_id=event.arguments["setId"])


def read_announcement(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the key was announced, CONFLICT where it is in the set without, or was revoked."""
    for told, say in ((_ANNOUNCED, applied), (_REMOVED, conflict)):
        event = yield from told.find(subject, told.name_of(subject))
        if event is not None:
            return say(event)
    (active,) = yield [View(subject.address, SETS, "isAttester", (subject["setId"], subject["attester"]))]
    return conflict(attester="from the beginning") if active else absent()


def read_addition(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the key was added, CONFLICT where its announcement was taken back."""
    for told, say in ((_ADDED, applied), (_REMOVED, conflict)):
        event = yield from told.find(subject, told.name_of(subject))
        if event is not None:
            return say(event)
    return absent()


def read_removal(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the key was revoked."""
    event = yield from _REMOVED.find(subject, _REMOVED.name_of(subject))
    return absent() if event is None else applied(event)


def _names(subject: Subject) -> list[bytes]:
    return [named(subject.function, subject["setId"], to_checksum_address(subject["attester"]))]


DESCRIBED: Final = (
    Described(
        SETS,
        "createSet(minimumSize,attesters)",
        Known.EVENT,
        "administrator, minimum size and attesters",
        "another set of the same keys",
        read_set,
        tells(_CREATED),
        lambda subject: [named("createSet", subject["minimumSize"], *subject["attesters"])],
    ),
    Described(
        SETS,
        "announceAttester(setId,attester)",
        Known.LOCK,
        "set and key",
        "AttesterKnown",
        read_announcement,
        tells(_ANNOUNCED),
        _names,
    ),
    Described(
        SETS,
        "addAttester(setId,attester)",
        Known.LOCK,
        "set and key",
        "AttesterNotAnnounced",
        read_addition,
        tells(_ADDED),
        _names,
    ),
    Described(
        SETS,
        "removeAttester(setId,attester)",
        Known.LOCK,
        "set and key",
        "AttesterRevoked",
        read_removal,
        tells(_REMOVED),
        _names,
    ),
)
