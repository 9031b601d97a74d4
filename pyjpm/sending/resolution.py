"""Finding out what became of transactions, and so of what was asked for.

Decisions that govern this module:

* Everything is read at one block of a node at the highest head ever seen; no view below it is used.
* A receipt for our hash with the operation's own event is success. A reverted one is not yet an answer: the contract
  is asked by the operation's name whether it is done, voided, or spent by other content.
* A used nonce without a receipt of ours says nothing before the transaction that used it is found. Ours are a hash of
  ours, a transfer of nothing to oneself, and a call that carries exactly the names bound to that nonce. Anything else
  is foreign, and halts the lane: somebody else has the key. Not found yet means not yet.
* A negative answer waits until it is allowed (``negative``). Until then its transaction has its end, and what it
  carried is DOUBTED: a lane recovers from what was mined, not from what may be told.
* What lost its nonce goes back to what waits, and a batch that reverted is tried line by line, unless somebody may have
  been told of it already (``Lanes.may_have_been_told``).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from pyjpm.chain.nodes import Nodes, View
from pyjpm.chain.values import Transaction
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import EffectMissing, ReferenceVoided
from pyjpm.errors.sending import ForeignNonce, TransactionReverted
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.clock import Clock
from pyjpm.sending.lanes import Lanes, LaneState, not_sent
from pyjpm.sending.mined import Consumers, Mined, find_mined
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.operation import ALIVE, AttemptKind, AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.outcomes import Alarm, Answer, Findings, Outcome, Outcomes
from pyjpm.sending.rows import Asked, Attempt, Flying
from pyjpm.sending.witness import Call, Effect, Verdict, Witness, is_absent

log = logging.getLogger(__name__)

Decoder = Callable[[bytes], PyjpmError]


class Resolver:
    """Reads what became of attempts and writes it. Safe to use from any number of threads at once."""

    def __init__(
        self,
        nodes: Nodes,
        lanes: Lanes,
        attempts: Attempts,
        outcomes: Outcomes,
        witness: Witness,
        decode: Decoder,
        clock: Clock,
    ) -> None:
        self._nodes = nodes
        self._lanes = lanes
        self._attempts = attempts
        self._outcomes = outcomes
        self._witness = witness
        self._decode = decode
        self._clock = clock
        self._negative = NegativeAnswers(nodes, lanes)

    def look(self, used: Mapping[str, int], view: View) -> tuple[list[Flying], list[Flying]]:
        """Store what became of these wallets' attempts.

        Args:
            used: by wallet how many of its nonces are used at the view's block.

        Returns:
            Those that have bytes and no outcome, by wallet and nonce; and those that have ended.

        Raises transport faults, Fenced.
        """
        flying = self._attempts.flying(list(used))
        findings = Findings()
        # None of the others can have been mined.
        ripe = self._attempts.recall([each for each in flying if each.nonce < used[each.wallet]])
        ended = self._mined(ripe, view, findings)
        self._used_nonces([each for each in ripe if (each.wallet, each.nonce) not in ended], view, findings)
        self._unsettled(list(used), view, findings)
        if findings:
            self._outcomes.write(findings, head=view.number, now=int(self._clock.time()))
        gone = {(each.attempt.wallet, each.attempt.nonce) for each in findings.outcomes}
        missing: list[Flying] = []
        over: list[Flying] = []
        for each in flying:
            (over if (each.wallet, each.nonce) in gone else missing).append(each)
        return missing, over

    def reverted(self, tx_hash: str, data: bytes | None, gas: int, gas_used: int) -> PyjpmError:
        """The typed error of a transaction that was mined and reverted."""
        if data is not None:
            return self._decode(data)
        return TransactionReverted(
            f"The transaction {tx_hash} reverted, for a reason that the node cannot tell.",
            tx_hash=tx_hash,
            gas=gas,
            gas_used=gas_used,
        )

    # --- mined -----------------------------------------------------------------------------------------------------

    def _mined(self, over: Sequence[Attempt], view: View, findings: Findings) -> set[tuple[str, int]]:
        """The (wallet, nonce) of those that were mined."""
        if not over:
            return set()
        topics = self._witness.topics([_call(attempt, asked) for attempt in over for asked in attempt.asked])
        found = find_mined([str(each.tx_hash) for each in over], view, topics)
        ended: set[tuple[str, int]] = set()
        reverted: list[tuple[Attempt, Mined]] = []
        for attempt in over:
            mined = found.get(str(attempt.tx_hash))
            if mined is None:
                continue
            ended.add((attempt.wallet, attempt.nonce))
            if not mined.succeeded:
                reverted.append((attempt, mined))
            elif attempt.kind is AttemptKind.CANCEL:
                findings.outcomes.append(self._cancelled(attempt, mined))
            else:
                self._succeeded(attempt, mined, view, findings)
        self._reverted(reverted, view, findings)
        return ended

    def _succeeded(self, attempt: Attempt, mined: Mined, view: View, findings: Findings) -> None:
        answers: list[Answer] = []
        for asked in attempt.asked:
            call = _call(attempt, asked)
            if self._witness.has_effect(call, mined.logs):
                answers.append(Answer(asked.id, State.FINAL, attempt=attempt.id))
                continue
            (verdict,) = self._verdicts([call], view)
            if verdict.effect is Effect.APPLIED:
                # Somebody else brought the very same about before.
                answers.append(Answer(asked.id, State.FINAL, None, attempt.id, verdict.tx_hash, verdict.block))
                continue
            missing = EffectMissing(
                f"The transaction {attempt.tx_hash} was mined without its effect: it was out of date by then.",
                tx_hash=attempt.tx_hash,
                submission=asked.id,
            )
            answers.append(Answer(asked.id, State.SUPERSEDED, missing, attempt.id))
            findings.alarms.append(Alarm(missing, attempt.wallet, asked.id))
        findings.outcomes.append(_outcome(attempt, mined, AttemptState.FINAL, answers))

    def _cancelled(self, attempt: Attempt, mined: Mined) -> Outcome:
        # Also what has no bytes yet: a priced cancel is signed beside it while its signer may be silent.
        beside = [each for each in self._attempts.at(attempt.wallet, attempt.nonce) if each.state in ALIVE]
        answers = [self._without_nonce(each, asked) for each in beside for asked in each.asked]
        return _outcome(attempt, mined, AttemptState.FINAL, answers)

    def _without_nonce(self, attempt: Attempt, asked: Asked) -> Answer:
        """What was bound to a nonce that is used waits for another."""
        if self._lanes.may_have_been_told(attempt.wallet, attempt.nonce):
            return Answer(asked.id, State.DOUBTED, not_sent(), attempt.id)
        return Answer(asked.id, State.APPROVED, attempt=attempt.id, cancelled=asked.refused)

    def _reverted(self, reverted: Sequence[tuple[Attempt, Mined]], view: View, findings: Findings) -> None:
        carried = [(attempt, mined.receipt, asked) for attempt, mined in reverted for asked in attempt.asked]
        verdicts = self._verdicts([_call(attempt, asked) for attempt, _, asked in carried], view)
        answers: dict[str, list[Answer]] = defaultdict(list)
        data: dict[str, bytes | None] = {}
        for (attempt, receipt, asked), verdict in zip(carried, verdicts, strict=True):
            assert receipt is not None, "only a receipt tells that it reverted"
            if attempt.id not in data:
                data[attempt.id] = view.connection.revert_data(receipt)
            error = self.reverted(receipt.transaction_hash, data[attempt.id], attempt.gas, receipt.gas_used)
            answers[attempt.id].append(self._by_name(attempt, asked, verdict, error, view, findings))
        for attempt, mined in reverted:
            found = _outcome(attempt, mined, AttemptState.REVERTED, answers[attempt.id], data.get(attempt.id))
            findings.outcomes.append(found)

    def _by_name(
        self, attempt: Attempt, asked: Asked, verdict: Verdict, error: PyjpmError, view: View, findings: Findings
    ) -> Answer:
        """The answer to what this attempt can no longer do; ``error`` where its name is unspent."""
        positive = self._positive(attempt.wallet, asked.id, verdict, findings, attempt.id)
        if positive is not None:
            return positive
        kept = verdict.effect is not Effect.VOIDED and len(attempt.asked) > 1
        if kept and not self._lanes.may_have_been_told(attempt.wallet, attempt.nonce):
            # One of them kept all from happening: each is tried by itself, once it was asked about again.
            return Answer(asked.id, State.APPROVED, attempt=attempt.id)
        if self._attempts.others_of([asked.id], [attempt.id]) or not self._negative.allowed(asked.owner, view):
            return Answer(asked.id, State.DOUBTED, error, attempt.id)
        if verdict.effect is Effect.VOIDED:
            return Answer(asked.id, State.VOIDED, _voided(asked.id), attempt.id)
        if not is_absent(self._witness, _call(attempt, asked), verdict):
            return Answer(asked.id, State.DOUBTED, error, attempt.id)
        return Answer(asked.id, State.REVERTED, error, attempt.id)

    def _positive(
        self, wallet: str, submission: str, verdict: Verdict, findings: Findings, attempt: str | None = None
    ) -> Answer | None:
        if verdict.effect is Effect.APPLIED:
            return Answer(submission, State.FINAL, None, attempt, verdict.tx_hash, verdict.block)
        if verdict.effect is Effect.CONFLICT:
            other = ReferenceConflict(
                f"The chain holds other content under the name of {submission}.",
                submission=submission,
                found=dict(verdict.detail),
            )
            findings.alarms.append(Alarm(other, wallet, submission))
            return Answer(submission, State.CONFLICT, other, attempt, verdict.tx_hash, verdict.block)
        return None

    def _verdicts(self, calls: Sequence[Call], view: View) -> list[Verdict]:
        return self._witness.read(calls, connection=view.connection, at=view.number) if calls else []

    # --- used nonces -----------------------------------------------------------------------------------------------

    def _used_nonces(self, over: Sequence[Attempt], view: View, findings: Findings) -> None:
        consumers = Consumers(view.connection, view.number)
        for wallet, nonce in dict.fromkeys((each.wallet, each.nonce) for each in over):
            consumer = consumers.of(wallet, nonce)
            if consumer is None:
                continue
            # All of ours, as they are by now: a hash of ours is ours, whatever became of it.
            there = self._attempts.at(wallet, nonce)
            living = [each for each in there if each.state in ALIVE]
            # One that lives was not shown to us yet, and is at the next look. Where none does, another thread saw it.
            if living and consumer.hash not in {each.tx_hash for each in living}:
                known = consumer.hash in {each.tx_hash for each in there}
                self._taken(living, consumer, view, findings, known=known)

    def _taken(
        self, attempts: Sequence[Attempt], consumer: Transaction, view: View, findings: Findings, *, known: bool
    ) -> None:
        """A nonce of ours was used by a transaction that is none of these; ``known``: the journal has its hash."""
        first = attempts[0]
        carried = [(attempt, asked) for attempt in attempts for asked in attempt.asked]
        calls = [_call(attempt, asked) for attempt, asked in carried]
        lane = self._lanes.read(first.wallet)
        recovering = lane is not None and lane.state is LaneState.RECOVERING
        by_us = (
            known
            or _is_cancel(consumer)
            or self._is_same(calls, consumer)
            or (recovering and all(each.kind is AttemptKind.CANCEL for each in attempts))
        )
        answers: list[Answer] = []
        for (attempt, asked), verdict in zip(carried, self._verdicts(calls, view), strict=True):
            answer = self._positive(attempt.wallet, asked.id, verdict, findings, attempt.id)
            if answer is None and verdict.effect is Effect.VOIDED:
                told = State.VOIDED if self._negative.allowed(asked.owner, view) else State.DOUBTED
                answer = Answer(asked.id, told, _voided(asked.id), attempt.id)
            if answer is None and by_us:
                answer = self._without_nonce(attempt, asked)
            if answer is None:
                foreign = foreign_nonce(first.wallet, first.nonce, attempt.tx_hash, consumer.hash)
                findings.alarms.append(Alarm(foreign, first.wallet, asked.id))
                answer = Answer(asked.id, State.QUARANTINED, foreign, attempt.id)
            answers.append(answer)
        findings.outcomes.append(Outcome(first, AttemptState.DEAD, answers))
        if not by_us:
            foreign = foreign_nonce(first.wallet, first.nonce, first.tx_hash, consumer.hash)
            log.error("wallet %s: nonce %d was used by foreign %s", first.wallet, first.nonce, consumer.hash)
            findings.halted.append(first.wallet)
            findings.alarms.append(Alarm(foreign, first.wallet))

    def _is_same(self, calls: Sequence[Call], consumer: Transaction) -> bool:
        """Whether the consumer carries exactly the names that were bound to its nonce."""
        bound = frozenset(chain.from_iterable(self._witness.references(call) for call in calls))
        if not bound or not calls or consumer.to != calls[0].to:
            return False
        return bound == self._witness.references(Call(consumer.sender, consumer.to, consumer.data, calls[0].kind))

    # --- what no attempt can end -----------------------------------------------------------------------------------

    def _unsettled(self, wallets: Sequence[str], view: View, findings: Findings) -> None:
        waiting = self._outcomes.unsettled(wallets)
        verdicts = self._verdicts([each.call for each in waiting], view)
        failed: dict[str, list[str]] = defaultdict(list)
        for each, verdict in zip(waiting, verdicts, strict=True):
            answer = self._positive(each.wallet, each.id, verdict, findings)
            if answer is None and each.state is State.DOUBTED and is_absent(self._witness, each.call, verdict):
                if not self._attempts.others_of([each.id], []) and self._negative.allowed(each.owner, view):
                    failed[each.wallet].append(each.id)
                continue
            if answer is None and verdict.effect is Effect.VOIDED and self._negative.allowed(each.owner, view):
                answer = Answer(each.id, State.VOIDED, _voided(each.id))
            if answer is not None:
                findings.answers.append((each.wallet, answer))
        for wallet, submissions in failed.items():
            self._outcomes.confirm_failures(wallet, submissions, head=view.number)


def foreign_nonce(wallet: str, nonce: int, ours: str | None, foreign: str | None) -> ForeignNonce:
    """The error for a nonce of ours that another transaction used."""
    return ForeignNonce(
        f"Nonce {nonce} of {wallet} was used by a transaction that is not ours.",
        wallet=wallet,
        nonce=nonce,
        tx_hash=ours,
        foreign=foreign,
    )


def _voided(submission: str) -> ReferenceVoided:
    return ReferenceVoided(f"The name of {submission} was voided on the chain.", submission=submission)


def _call(attempt: Attempt, asked: Asked) -> Call:
    return Call(attempt.wallet, asked.to, asked.data, asked.kind)


def _is_cancel(transaction: Transaction) -> bool:
    return transaction.to == transaction.sender and transaction.value == 0 and not transaction.data


def _outcome(
    attempt: Attempt, mined: Mined, state: AttemptState, answers: Sequence[Answer], data: bytes | None = None
) -> Outcome:
    receipt = mined.receipt
    contract = receipt.contract_address if receipt is not None and receipt.succeeded else None
    gas_used = None if receipt is None else receipt.gas_used
    return Outcome(attempt, state, answers, mined.block_number, gas_used, contract, data)
