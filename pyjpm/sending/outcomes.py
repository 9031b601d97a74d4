"""What became of attempts and submissions, written once.

Decisions that govern this module:

* An answer is written once and never overwritten; an attempt's outcome touches a submission only while that attempt
  is its newest.
* Where one transaction used a nonce, all others on that nonce are dead, in the same commit.
* A "no" is stored only where its owner's lanes still know all, asked in its own transaction (``Lanes.unsure_of``). What
  was mined has its end all the same; what it carried is doubted, and what waits goes on waiting.
* What should wake somebody up is written in the commit of what woke it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, case, func, insert, or_, select, update

from pyjpm.errors.base import PyjpmError
from pyjpm.sending import binding, lanes
from pyjpm.sending.acceptance import Waiting, to_waiting
from pyjpm.sending.bulk import Bulk
from pyjpm.sending.database import Database
from pyjpm.sending.lanes import Lanes
from pyjpm.sending.operation import ALIVE, LIVING, NEGATIVE, OPEN, UNSETTLED, AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.rows import Attempt, in_parts
from pyjpm.sending.tables import alarm, attempt, payment


class Answer(NamedTuple):
    """What becomes of a submission.

    Attributes:
        submission: its id.
        state: its new state.
        attempt: only while this is its newest attempt; None: whichever is.
        error: why, where it failed.
        proof_hash, proof_block: the transaction that brought it about, where that is none of its attempts.
        cancelled: a cancel took its nonce, once more.
        before: only while it is in this state, in which it was when it was judged; None: in any that is open.
    """

    submission: str
    state: State
    error: PyjpmError | None = None
    attempt: str | None = None
    proof_hash: str | None = None
    proof_block: int | None = None
    cancelled: bool = False
    before: State | None = None


class Outcome(NamedTuple):
    """What became of an attempt, and of the submissions it carried."""

    attempt: Attempt
    state: AttemptState
    answers: Sequence[Answer] = ()
    block_number: int | None = None
    gas_used: int | None = None
    contract_address: str | None = None
    revert_data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that should wake somebody up."""

    error: PyjpmError
    wallet: str | None = None
    submission: str | None = None


@dataclass(slots=True)
class Findings:
    """What one look at the chain found, written in one commit."""

    outcomes: list[Outcome] = field(default_factory=list)
    answers: list[tuple[str, Answer]] = field(default_factory=list)  # (wallet, answer) without an attempt's outcome
    halted: list[str] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.outcomes or self.answers or self.halted or self.alarms)


class Outcomes:
    """Writes findings; wallets' leases are taken."""

    def __init__(self, database: Database, lanes: Lanes) -> None:
        self._database = database
        self._lanes = lanes

    def write(self, findings: Findings, *, head: int, now: int) -> None:
        """Store what was found at ``head``, at unix second ``now``. Raises Fenced; nothing is stored then."""
        wallets = {each.attempt.wallet for each in findings.outcomes} | {wallet for wallet, _ in findings.answers}
        with self._lanes.writing(wallets | set(findings.halted)) as connection:
            binding.raise_head(connection, head)
            _write_attempts(connection, findings.outcomes)
            answers = [answer for each in findings.outcomes for answer in each.answers]
            answers += [answer for _, answer in findings.answers]
            sure = self._sure(connection, answers, head)
            _write_answers(connection, sure)
            for submission in _settled(findings, sure):
                clear_alarms(connection, now=now, submission=submission)
            for wallet in {each.attempt.wallet for each in findings.outcomes if each.attempt.price}:
                # A priced cancel took the jammed nonce.
                clear_alarms(connection, now=now, wallet=wallet)
            for wallet in findings.halted:
                lanes.halt(connection, wallet)
            for each in findings.alarms:
                _raise_alarm(connection, each, now)

    def _sure(self, connection: Connection, answers: Sequence[Answer], head: int) -> list[Answer]:
        """What of these may be stored, after a look at ``head``."""
        negative = [each.submission for each in answers if each.state in NEGATIVE]
        unsure = self._unsure(connection, negative, head)
        return [
            each._replace(state=State.DOUBTED) if each.submission in unsure else each
            for each in answers
            if each.submission not in unsure or each.attempt is not None
        ]

    def _unsure(self, connection: Connection, submissions: Sequence[str], head: int) -> set[str]:
        """Those of these of whose owner nobody may say "no" by what was read at ``head``."""
        query = select(payment.c.id, payment.c.owner)
        owners = {
            row.id: row.owner
            for part in in_parts(submissions)
            for row in connection.execute(query.where(payment.c.id.in_(part)))
        }
        unsure = self._lanes.unsure_of(connection, set(owners.values()), head=head)
        return {submission for submission, owner in owners.items() if owner in unsure}

    def confirm_failures(self, wallet: str, submissions: Sequence[str], *, head: int) -> None:
        """These had failed, were doubted, and by what was read at ``head`` did fail: they are as they were. The
        wallet's lease is taken."""
        reverted = select(attempt.c.id).where(attempt.c.state == AttemptState.REVERTED)
        with self._lanes.writing([wallet]) as connection:
            unsure = self._unsure(connection, submissions, head)
            for part in in_parts([each for each in submissions if each not in unsure]):
                doubted = update(payment).where(payment.c.id.in_(part), payment.c.state == State.DOUBTED)
                connection.execute(doubted.where(payment.c.attempt.in_(reverted)).values(state=State.REVERTED))
                connection.execute(doubted.values(state=State.REJECTED))

    def unsettled(self, wallets: Sequence[str]) -> list[Waiting]:
        """Submissions that no attempt of ours can end any more."""
        query = select(payment).where(payment.c.state.in_(UNSETTLED))
        with self._database.reading() as connection:
            return [
                to_waiting(row)
                for part in in_parts(wallets)
                for row in connection.execute(query.where(payment.c.wallet.in_(part)))
            ]


def _settled(findings: Findings, answers: Sequence[Answer]) -> list[str]:
    """What was quarantined or being voided, and ended as asked, by the answers that are stored."""
    waited = {answer.submission for _, answer in findings.answers}
    carried = chain.from_iterable(each.attempt.asked for each in findings.outcomes)
    waited.update(asked.id for asked in carried if asked.state is State.VOIDING)
    ended = (each.submission for each in answers if each.state in (State.FINAL, State.VOIDED))
    return [submission for submission in ended if submission in waited]


# Spelled out: a list of values does not go with many rows of parameters.
_ALIVE: Final = or_(*(attempt.c.state == state for state in ALIVE))
_OPEN: Final = or_(*(payment.c.state == state for state in OPEN))
# PostgreSQL does not guess the type of a parameter that is compared with NULL alone.
_ATTEMPT: Final = bindparam("b_attempt", type_=payment.c.attempt.type)
_BEFORE: Final = bindparam("b_before", type_=payment.c.state.type)


_ENDED: Final = Bulk(
    update(attempt)
    .where(attempt.c.id == bindparam("b_id"), _ALIVE)
    .values(
        state=bindparam("b_state"),
        block_number=bindparam("b_block"),
        gas_used=bindparam("b_gas"),
        contract_address=bindparam("b_contract"),
        revert_data=bindparam("b_revert"),
    ),
    "b_state",
    "b_block",
    "b_gas",
    "b_contract",
    "b_revert",
    "b_id",
)
_OTHERS_DEAD: Final = Bulk(
    update(attempt)
    .where(attempt.c.lane == bindparam("b_lane"), attempt.c.nonce == bindparam("b_nonce"), _ALIVE)
    .values(state=AttemptState.DEAD),
    "b_lane",
    "b_nonce",
)
_BY_ATTEMPT: Final = or_(_ATTEMPT.is_(None), payment.c.attempt == _ATTEMPT)
_AS_JUDGED: Final = or_(_BEFORE.is_(None), payment.c.state == _BEFORE)
_ANSWER: Final = {
    "state": bindparam("b_state"),
    # What cancels were sent for is kept: whoever waits is told why in the end.
    "error": func.coalesce(bindparam("b_error"), case((bindparam("b_cancels") > 0, payment.c.error))),
    "proof_hash": bindparam("b_proof"),
    "proof_block": bindparam("b_block"),
    "cancels": payment.c.cancels + bindparam("b_cancels"),
}
_ENDED_BY: Final = (
    update(payment).where(payment.c.id == bindparam("b_id"), _BY_ATTEMPT, _AS_JUDGED, _OPEN).values(**_ANSWER)
)
_ANSWER_NAMES: Final = ("b_state", "b_error", "b_proof", "b_block", "b_cancels", "b_id", "b_attempt", "b_before")
_ENDING: Final = Bulk(_ENDED_BY, *_ANSWER_NAMES)
_ANSWERED: Final = Bulk(_ENDED_BY.where(payment.c.state != State.VOIDING), *_ANSWER_NAMES)
# It loses a nonce once, however many threads saw that: one of them may have had it wait already.
_FREED: Final = Bulk(_ENDED_BY.where(or_(*(payment.c.state == state for state in LIVING))), *_ANSWER_NAMES)


def _write_attempts(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        return
    _ENDED.write(
        connection,
        [
            (
                each.state.value,
                each.block_number,
                each.gas_used,
                each.contract_address,
                each.revert_data,
                each.attempt.id,
            )
            for each in outcomes
        ],
    )
    # Hardly any nonce has another transaction: where that is not known, it is looked up.
    ended = {(each.attempt.wallet, each.attempt.nonce) for each in outcomes}
    places = {(each.attempt.wallet, each.attempt.nonce) for each in outcomes if each.attempt.beside}
    query = select(attempt.c.lane, attempt.c.nonce).where(attempt.c.beside != 0, attempt.c.state.in_(ALIVE))
    for part in in_parts(sorted({wallet for wallet, _ in ended})):
        places.update((lane, nonce) for lane, nonce in connection.execute(query.where(attempt.c.lane.in_(part))))
    shared = sorted(places & ended)
    _OTHERS_DEAD.write(connection, shared)


# What is being voided is paid, voided or held by other content in the end; until then it stays what it is.
_ENDS_VOIDING: Final = (State.FINAL, State.VOIDED, State.CONFLICT, State.SUPERSEDED)


def _write_answers(connection: Connection, answers: Sequence[Answer]) -> None:
    """What becomes of open submissions, in a transaction that has their lanes locked."""
    by_statement: dict[Bulk, list[Answer]] = defaultdict(list)
    for each in answers:
        by_statement[_statement_of(each)].append(each)
    for statement, its in by_statement.items():
        _write_some(connection, its, statement)


def _statement_of(answer: Answer) -> Bulk:
    if answer.state in _ENDS_VOIDING:
        return _ENDING
    return _FREED if answer.state is State.APPROVED else _ANSWERED


def _write_some(connection: Connection, answers: Sequence[Answer], statement: Bulk) -> None:
    statement.write(
        connection,
        [
            (
                each.state.value,
                None if each.error is None else json.dumps(each.error.to_dict()),
                each.proof_hash,
                each.proof_block,
                int(each.cancelled),
                each.submission,
                each.attempt,
                None if each.before is None else each.before.value,
            )
            for each in answers
        ],
    )
    for each in answers:
        if each.state is State.CONFLICT:
            connection.execute(update(payment).where(payment.c.id == each.submission).values(key=None))


def _raise_alarm(connection: Connection, raised: Alarm, now: int) -> None:
    error = raised.error
    same = select(alarm.c.seq).where(
        alarm.c.code == error.code,
        alarm.c.wallet.is_(raised.wallet) if raised.wallet is None else alarm.c.wallet == raised.wallet,
        alarm.c.payment.is_(None) if raised.submission is None else alarm.c.payment == raised.submission,
        alarm.c.cleared_at.is_(None),
    )
    if connection.execute(same).first() is None:
        connection.execute(
            insert(alarm).values(
                at=now, code=error.code, wallet=raised.wallet, payment=raised.submission, message=str(error)
            )
        )


def clear_alarms(connection: Connection, *, now: int, wallet: str | None = None, submission: str | None = None) -> None:
    """What was raised about a wallet or a submission is over."""
    query: Any = update(alarm).where(alarm.c.cleared_at.is_(None))
    if wallet is not None:
        query = query.where(alarm.c.wallet == wallet)
    if submission is not None:
        query = query.where(alarm.c.payment == submission)
    connection.execute(query.values(cleared_at=now))
