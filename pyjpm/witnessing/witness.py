"""The witness of a platform's operations: what the contracts say became of them.

Decisions that govern this module:

* ABSENT and CONFLICT are read from state at one block; APPLIED says by which transaction where an event tells it.
* What is not understood, a creation, a node without the state: UNKNOWN with the reason. Nothing follows from it.
* ``is_named`` tells what may be adopted before anything is sent: an operation whose name the chain keeps. State that
  merely is as wanted proves nothing while other operations of ours are on their way.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyjpm.chain.connection import Connection
from pyjpm.chain.values import Log
from pyjpm.contracts.codec import codec
from pyjpm.errors.chain import BlockNotAvailable, HeadNotServed
from pyjpm.record import DeploymentRecord
from pyjpm.sending.witness import Call, Effect, Verdict
from pyjpm.witnessing.debits import ContractFunds
from pyjpm.witnessing.described import Described, Known, absent, unknown
from pyjpm.witnessing.payments import ReferenceState, unspent
from pyjpm.witnessing.questions import Plan, carry_out, together
from pyjpm.witnessing.subject import Book, Subject
from pyjpm.witnessing.table import FACES, TABLE


class ContractWitness:
    """Witness of everything that a platform's contracts can be told. Safe among threads and forks.

    Args:
        record: of the platform.

    Attributes:
        funds: what payers of the same platform have, and what calls take.
    """

    def __init__(self, record: DeploymentRecord) -> None:
        self._book = Book(record, FACES)
        self.funds = ContractFunds(record, self._book)

    def read(self, calls: Sequence[Call], *, connection: Connection, at: int) -> list[Verdict]:
        """One verdict for each call, at the end of block ``at``, in few requests. Raises transport faults only."""
        subjects = [self._book.read(call) for call in calls]
        try:
            verdicts = dict.fromkeys(unspent(subjects, connection, at), absent(state=ReferenceState.UNSPENT.name))
            rest = [place for place in range(len(calls)) if place not in verdicts]
            plans = [_plan(calls[place], subjects[place]) for place in rest]
            found = carry_out(plans, connection, at=at, first_block=self._book.record.first_block)
        except (BlockNotAvailable, HeadNotServed) as error:
            return [unknown(error.code) for _ in calls]
        verdicts.update(zip(rest, found, strict=True))
        return [verdicts[place] for place in range(len(calls))]

    def has_effect(self, call: Call, logs: Sequence[Log]) -> bool:
        """Whether the events of a successful receipt hold the call's own effect."""
        subject = self._book.read(call)
        return subject is None or _holds(subject, logs)

    def topics(self, calls: Sequence[Call]) -> Sequence[bytes]:
        """The first topics of the events that ``has_effect`` looks for, over all these calls; none: it may be any."""
        found: set[bytes] = set()
        # One call for all that look alike: what this leaves out is still found, by its receipt.
        for call in {(call.to, call.data[:4]): call for call in calls}.values():
            subject = self._book.read(call)
            described: Described | None = None if subject is None else TABLE.get(subject.key)
            if described is None or not described.events:
                return ()
            found.update(codec(described.artifact).topic(event) for event in described.events)
        return sorted(found)

    def references(self, call: Call) -> frozenset[bytes]:
        """What the call spends, 32 bytes each: payment, deposit and redemption references as they are, for other
        functions a hash of what makes their operation id; none for calls that have no name."""
        subject = self._book.read(call)
        return frozenset() if subject is None else frozenset(_names(subject))

    def is_named(self, call: Call) -> bool:
        """Whether the chain keeps the operation's name, so that APPLIED before sending means: done already."""
        subject = self._book.read(call)
        return subject is not None and _is_named(subject)


def _plan(call: Call, subject: Subject | None) -> Plan[Verdict]:
    if subject is None:
        return _nothing("a creation has no name on chain" if call.to is None else "the call is not understood")
    return _reading(subject)


def _described(subject: Subject) -> Described:
    described: Described = TABLE[subject.key]
    return described


def _reading(subject: Subject) -> Plan[Verdict]:
    if subject.parts is not None:
        return _all_of(subject.parts)
    described = _described(subject)
    return _nothing(described.again) if described.read is None else described.read(subject)


def _nothing(reason: str) -> Plan[Verdict]:
    return unknown(reason)
    yield []  # what makes it a plan


def _all_of(parts: Sequence[Subject | None]) -> Plan[Verdict]:
    """Several calls in one: all or none of them happen together."""
    if not parts or any(part is None for part in parts):
        return unknown("a call inside is not understood")
    verdicts = yield from together([_reading(part) for part in parts if part is not None])
    effects = {verdict.effect for verdict in verdicts}
    detail = {"parts": [verdict.effect.value for verdict in verdicts]}
    for decisive in (Effect.UNKNOWN, Effect.CONFLICT, Effect.VOIDED, Effect.ABSENT):
        if decisive in effects:
            return Verdict(decisive, detail=detail)
    return Verdict(Effect.APPLIED, detail=detail)


def _holds(subject: Subject, logs: Sequence[Log]) -> bool:
    if subject.parts is not None:
        return all(part is None or _holds(part, logs) for part in subject.parts)
    effect = _described(subject).effect
    return effect is None or effect(subject, logs)


def _names(subject: Subject) -> list[bytes]:
    if subject.parts is not None:
        return [name for part in subject.parts if part is not None for name in _names(part)]
    names = _described(subject).names
    return [] if names is None else list(names(subject))


def _is_named(subject: Subject) -> bool:
    if subject.parts is not None:
        return all(part is not None and _is_named(part) for part in subject.parts)
    return _described(subject).known in (Known.LOCK, Known.EVENT)
