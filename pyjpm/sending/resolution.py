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
* What lost its nonce goes back to what waits, unless its lane recovers: then it may have been answered since, and is
  DOUBTED too.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain

from pyjpm.chain.connection import Connection
from pyjpm.chain.nodes import Nodes, View
from pyjpm.chain.values import Receipt, Transaction
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import ChainError
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import EffectMissing, ReferenceVoided
from pyjpm.errors.sending import ForeignNonce, TransactionReverted
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.clock import Clock
from pyjpm.sending.lanes import Lanes, LaneState, not_sent
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.operation import AttemptKind, AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.outcomes import Alarm, Answer, Findings, Outcome, Outcomes
from pyjpm.sending.rows import Asked, Attempt
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
        self._mutex = threading.Lock()
        self._asked_at: dict[str, int] = {}  # attempt: the head at which it had no receipt

    def look(self, wallets: Sequence[str], view: View) -> tuple[list[Attempt], list[Attempt]]:
        """Store what became of these wallets' attempts.

        Returns:
            Those that have bytes and no outcome, by wallet and nonce; and those that have ended.

        Raises transport faults, Fenced.
        """
        living = [each for each in self._attempts.living(wallets) if each.raw is not None]
        findings = Findings()
        ended = self._receipts(living, view, findings)
        open_ = [each for each in living if (each.wallet, each.nonce) not in ended]
        self._used_nonces(open_, view, findings)
        self._unsettled(wallets, view, findings)
        if findings:
            self._outcomes.write(findings, head=view.number, now=int(self._clock.time()))
        gone = {(each.attempt.wallet, each.attempt.nonce) for each in findings.outcomes}
        ended_now = [each for each in living if (each.wallet, each.nonce) in gone]
        with self._mutex:
            for each in ended_now:
                self._asked_at.pop(each.id, None)
        return [each for each in living if (each.wallet, each.nonce) not in gone], ended_now

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

    # --- receipts --------------------------------------------------------------------------------------------------

    def _receipts(self, living: Sequence[Attempt], view: View, findings: Findings) -> set[tuple[str, int]]:
        """The (wallet, nonce) of those that have a receipt."""
        with self._mutex:
            asked = [each for each in living if self._asked_at.get(each.id, -1) < view.number]
        receipts = view.connection.receipts([str(each.tx_hash) for each in asked]) if asked else []
        mined = [
            (attempt, receipt)
            for attempt, receipt in zip(asked, receipts, strict=True)
            if receipt is not None and receipt.block_number <= view.number
        ]
        ended = {(attempt.wallet, attempt.nonce) for attempt, _ in mined}
        with self._mutex:
            self._asked_at.update((each.id, view.number) for each in asked if (each.wallet, each.nonce) not in ended)
        reverted: list[tuple[Attempt, Receipt]] = []
        for attempt, receipt in mined:
            if not receipt.succeeded:
                reverted.append((attempt, receipt))
            elif attempt.kind is AttemptKind.CANCEL:
                beside = [each for each in living if (each.wallet, each.nonce) == (attempt.wallet, attempt.nonce)]
                findings.outcomes.append(self._cancelled(attempt, receipt, beside))
            else:
                self._succeeded(attempt, receipt, view, findings)
        self._reverted(reverted, view, findings)
        return ended

    def _succeeded(self, attempt: Attempt, receipt: Receipt, view: View, findings: Findings) -> None:
        answers: list[Answer] = []
        for asked in attempt.asked:
            call = _call(attempt, asked)
            if self._witness.has_effect(call, receipt.logs):
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
        findings.outcomes.append(_outcome(attempt, receipt, AttemptState.FINAL, answers))

    def _cancelled(self, attempt: Attempt, receipt: Receipt, beside: Sequence[Attempt]) -> Outcome:
        answers = [self._without_nonce(each, asked) for each in beside for asked in each.asked]
        return _outcome(attempt, receipt, AttemptState.FINAL, answers)

    def _without_nonce(self, attempt: Attempt, asked: Asked) -> Answer:
        """What was bound to a nonce that is used waits for another."""
        if self._recovers(attempt.wallet):
            return Answer(asked.id, State.DOUBTED, not_sent(), attempt.id)
        return Answer(asked.id, State.APPROVED, attempt=attempt.id, cancelled=asked.refused)

    def _recovers(self, wallet: str) -> bool:
        lane = self._lanes.read(wallet)
        return lane is not None and lane.state is LaneState.RECOVERING

    def _reverted(self, reverted: Sequence[tuple[Attempt, Receipt]], view: View, findings: Findings) -> None:
        carried = [(attempt, receipt, asked) for attempt, receipt in reverted for asked in attempt.asked]
        verdicts = self._verdicts([_call(attempt, asked) for attempt, _, asked in carried], view)
        answers: dict[str, list[Answer]] = defaultdict(list)
        data: dict[str, bytes | None] = {}
        for (attempt, receipt, asked), verdict in zip(carried, verdicts, strict=True):
            if attempt.id not in data:
                data[attempt.id] = view.connection.revert_data(receipt)
            error = self.reverted(receipt.transaction_hash, data[attempt.id], attempt.gas, receipt.gas_used)
            answers[attempt.id].append(self._by_name(attempt, asked, verdict, error, view, findings))
        for attempt, receipt in reverted:
            found = _outcome(attempt, receipt, AttemptState.REVERTED, answers[attempt.id], data.get(attempt.id))
            findings.outcomes.append(found)

    def _by_name(
        self, attempt: Attempt, asked: Asked, verdict: Verdict, error: PyjpmError, view: View, findings: Findings
    ) -> Answer:
        """The answer to what this attempt can no longer do; ``error`` where its name is unspent."""
        positive = self._positive(attempt.wallet, asked.id, verdict, findings, attempt.id)
        if positive is not None:
            return positive
        if verdict.effect is not Effect.VOIDED and len(attempt.asked) > 1 and not self._recovers(attempt.wallet):
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

    def _used_nonces(self, open_: Sequence[Attempt], view: View, findings: Findings) -> None:
        by_place: dict[tuple[str, int], list[Attempt]] = defaultdict(list)
        for each in open_:
            by_place[each.wallet, each.nonce].append(each)
        wallets = list(dict.fromkeys(each.wallet for each in open_))
        used = dict(zip(wallets, view.connection.transaction_counts(wallets, at=view.number), strict=True))
        for (wallet, nonce), attempts in by_place.items():
            if nonce >= used[wallet]:
                continue
            consumer = _consumer(view.connection, wallet, nonce, view.number)
            ours = {each.tx_hash for each in attempts}
            if consumer is not None and consumer.hash not in ours:
                self._taken(attempts, consumer, view, findings)
            elif consumer is not None:
                # Ours after all: its receipt was not shown to us yet.
                with self._mutex:
                    for each in attempts:
                        self._asked_at.pop(each.id, None)

    def _taken(self, attempts: Sequence[Attempt], consumer: Transaction, view: View, findings: Findings) -> None:
        """A nonce of ours was used by a transaction that the journal does not know."""
        first = attempts[0]
        carried = [(attempt, asked) for attempt in attempts for asked in attempt.asked]
        calls = [_call(attempt, asked) for attempt, asked in carried]
        recovering = self._recovers(first.wallet)
        by_us = (
            _is_cancel(consumer)
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
            self._outcomes.confirm_failures(wallet, submissions)


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
    attempt: Attempt, receipt: Receipt, state: AttemptState, answers: Sequence[Answer], data: bytes | None = None
) -> Outcome:
    contract = receipt.contract_address if receipt.succeeded else None
    return Outcome(attempt, state, answers, receipt.block_number, receipt.gas_used, contract, data)


def _consumer(connection: Connection, wallet: str, nonce: int, head: int) -> Transaction | None:
    """The transaction that used a nonce, None where this node cannot show it (yet)."""
    low, high = head - 1, head  # the first block after which the count is above the nonce lies in (low, high]
    try:
        # Back from the head in growing steps: nodes prune old state, and a nonce of ours was used lately.
        while low > 0 and connection.transaction_count(wallet, at=low) > nonce:
            low, high = max(0, low - 2 * (head - low)), low
        while high - low > 1:
            middle = (low + high) // 2
            if connection.transaction_count(wallet, at=middle) > nonce:
                high = middle
            else:
                low = middle
        for transaction in connection.block_transactions(high):
            if transaction.sender == wallet and transaction.nonce == nonce:
                return transaction
    except ChainError as error:
        # State that old may be pruned at this node; no answer is given then, rather than a wrong one.
        log.warning("cannot tell what used nonce %d of %s: %s", nonce, wallet, error.code)
    return None
