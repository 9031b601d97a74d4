"""Mistakes in concluding what became of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update

import pyjpm.sending.taking
from campaign import disasters
from campaign.mutants.register import Replace, mutant
from pyjpm.chain.nodes import Nodes, View
from pyjpm.errors.chain import ChainError
from pyjpm.sending.admission import Admission
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.lanes import Lanes
from pyjpm.sending.operation import AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.outcomes import Answer, Outcome
from pyjpm.sending.resolution import Resolver
from pyjpm.sending.tables import attempt, payment
from pyjpm.sending.witness import Effect, Verdict
from pyjpm.witnessing import ContractWitness


@mutant(*[disasters.lagging] * 6, *[disasters.restored] * 2, disasters.lower_limit, *[disasters.stopped_payer] * 2)
def any_node_will_do(replaced: Replace) -> None:
    """One node's word for what was mined: the nodes are asked in turn, and believed however far they have come."""
    best, turns = Nodes.best, itertools.count()

    def next_in_turn(self: Nodes, at_least: int = 0) -> View:
        turn = next(turns) % len(self.connections)
        for connection in self.connections[turn:] + self.connections[:turn]:
            try:
                head = connection.newest()
            except ChainError:
                continue
            if head is not None:
                return View(connection, head.number, head.hash, head.timestamp)
        return best(self, at_least)

    replaced(Nodes, "best", next_in_turn)
    replaced(Lanes, "recovered_at", lambda self, wallet: 0)


@mutant(disasters.restored, disasters.hoarded)
def witness_below_the_head(replaced: Replace) -> None:
    """Asks the contract at a block below the highest head."""
    read = ContractWitness.read

    def older(self: ContractWitness, calls: Any, *, connection: Any, at: int) -> Any:
        return read(self, calls, connection=connection, at=max(0, at - 8))

    replaced(ContractWitness, "read", older)


@mutant(disasters.lower_limit, disasters.stopped_payer, disasters.no_quorum)
def receipt_is_success(replaced: Replace) -> None:
    """Takes any receipt for success."""

    def succeeding(self: Resolver, reverted: Any, view: View, findings: Any) -> None:
        for each, receipt in reverted:
            told = [Answer(asked.id, State.FINAL, attempt=each.id) for asked in each.asked]
            findings.outcomes.append(Outcome(each, AttemptState.FINAL, told, receipt.block_number))

    replaced(Resolver, "_reverted", succeeding)


@mutant(disasters.forgotten_pools, disasters.restart)
def forgotten_is_failed(replaced: Replace) -> None:
    """Takes a transaction that a node does not know any more for a failed one."""
    used = Resolver._used_nonces

    def failing(self: Resolver, over: Any, view: View, findings: Any) -> None:
        used(self, over, view, findings)
        ended = {each.attempt.id for each in findings.outcomes}
        for each in self._attempts.living():
            if (
                each.id not in ended
                and self._lanes.is_taken(each.wallet)
                and each.state is AttemptState.BROADCAST
                and view.connection.transaction(each.tx_hash) is None
            ):
                told = [Answer(asked.id, State.REVERTED, attempt=each.id) for asked in each.asked]
                findings.outcomes.append(Outcome(each, AttemptState.DEAD, told))

    replaced(Resolver, "_used_nonces", failing)


@mutant(disasters.theft, disasters.refused, disasters.restored)
def used_nonce_is_proof(replaced: Replace) -> None:
    """Takes a used nonce for proof that its payment was made."""

    def concluding(self: Resolver, over: Any, view: View, findings: Any) -> None:
        for each in over:
            told = [Answer(asked.id, State.FINAL, attempt=each.id) for asked in each.asked]
            findings.outcomes.append(Outcome(each, AttemptState.FINAL, told))

    replaced(Resolver, "_used_nonces", concluding)


@mutant(disasters.restored, disasters.restored, disasters.hoarded)
def adopts_without_comparing(replaced: Replace) -> None:
    """Adopts what is paid under a reference without comparing its content."""
    read = ContractWitness.read

    def adopting(self: ContractWitness, calls: Any, **kwargs: Any) -> Any:
        verdicts = read(self, calls, **kwargs)
        return [replace(each, effect=Effect.APPLIED) if each.effect is Effect.CONFLICT else each for each in verdicts]

    replaced(ContractWitness, "read", adopting)


@mutant(disasters.restored, disasters.hoarded)
def believes_a_refusal(replaced: Replace) -> None:
    """Tells ``AlreadyPaid`` of a simulation as a failure instead of looking up what was paid."""
    admit = Admission.admit

    class Blind:
        def read(self, calls: Sequence[Any], **_: Any) -> list[Verdict]:
            return [Verdict(Effect.ABSENT) for _ in calls]

        def is_named(self, call: Any) -> bool:
            return False

    def refusing(self: Admission, *args: Any, **kwargs: Any) -> Any:
        witness, self._witness = self._witness, Blind()  # type: ignore[assignment]
        try:
            return admit(self, *args, **kwargs)
        finally:
            self._witness = witness

    replaced(Admission, "admit", refusing)


@mutant(disasters.restored, disasters.lower_limit, disasters.lower_limit)
def refuses_the_whole_call(replaced: Replace) -> None:
    """Tells of one refusal as if nothing of its call had happened."""

    def refusing(asked: Any, known: Any) -> Any:
        refused = (each.refused for batch in asked for each in batch.requests)
        return next((each for each in refused if each is not None), None)

    replaced(pyjpm.sending.taking, "refusal_of_all", refusing)


@mutant(disasters.restored, disasters.lost_mark, disasters.no_quorum, disasters.lower_limit, disasters.lower_limit)
def a_revert_holds_up_recovery(replaced: Replace) -> None:
    """Leaves a reverted transaction without an end while nobody may be told of it."""
    reverted = Resolver._reverted

    def holding(self: Resolver, mined: Any, view: View, findings: Any) -> None:
        told = [each for each in mined if all(self._negative.allowed(asked.owner, view) for asked in each[0].asked)]
        reverted(self, told, view, findings)

    replaced(Resolver, "_reverted", holding)


@mutant(disasters.refused, disasters.refused)
def cancel_answered_at_once(replaced: Replace) -> None:
    """Tells REJECTED when the cancel is signed, before it is final."""
    add = Attempts.add_cancels

    def rejecting(self: Attempts, wallet: str, nonces: Any, *, because: Any = None) -> Any:
        wanted = list(nonces)
        added = add(self, wallet, wanted, because=because)
        if because is not None:
            mine = select(attempt.c.id).where(attempt.c.lane == wallet, attempt.c.nonce.in_(wanted))
            with self._lanes.writing([wallet]) as connection:
                connection.execute(update(payment).where(payment.c.attempt.in_(mine)).values(state=State.REJECTED))
        return added

    replaced(Attempts, "add_cancels", rejecting)
