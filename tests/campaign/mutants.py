"""Engines that are wrong on purpose: each mistake is one that somebody has made, and the judge must see each.

Decisions that govern this module:

* A mutant replaces a piece of the engine in this process while it is applied; the pieces are named as they stand in
  ``pyjpm.sending``, so a change there that takes a piece away breaks the mutant, not its meaning.
* A mutant names what must go wrong around it for its mistake to show, and its histories have these disasters beside
  those that are drawn. It is caught by the first history in which the judge finds anything.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from chains.model.transactions import sign as sign_priced
from sqlalchemy import func, select, update

import campaign.process
import pyjpm.sending.taking
from campaign import disasters
from campaign.disasters import Disaster
from campaign.failpoints import unwatched
from pyjpm.chain.broadcast import SendOutcome
from pyjpm.chain.nodes import Nodes, View
from pyjpm.errors.chain import ChainError
from pyjpm.errors.custody import SignerMarkLost
from pyjpm.sending import lease, payment_reference
from pyjpm.sending.acceptance import Acceptance
from pyjpm.sending.admission import Admission
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.delivery import Delivery
from pyjpm.sending.keeper import LaneKeeper
from pyjpm.sending.lanes import Lanes, LaneState
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.operation import AttemptKind, AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.outcomes import Answer, Outcome
from pyjpm.sending.recovery import Recovery
from pyjpm.sending.resolution import Resolver
from pyjpm.sending.sender import Sender
from pyjpm.sending.tables import attempt, lane, payment
from pyjpm.sending.told import Told
from pyjpm.sending.witness import Effect, Verdict
from pyjpm.witnessing import ContractWitness

Replace = Callable[[Any, str, Any], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. ``why`` says what it is, ``needs`` what must happen for it to show."""

    name: str
    why: str
    needs: tuple[Disaster, ...]
    apply: Callable[[Replace], None]


MUTANTS: dict[str, Mutant] = {}


def mutant(*needs: Disaster) -> Callable[[Callable[[Replace], None]], Callable[[Replace], None]]:
    """Enters a mistake under its function's name."""

    def enter(apply: Callable[[Replace], None]) -> Callable[[Replace], None]:
        name = apply.__name__
        MUTANTS[name] = Mutant(name, (apply.__doc__ or "").strip(), needs, apply)
        return apply

    return enter


class PieceMissing(Exception):
    """The engine has no such piece any more: the mistake must be planted elsewhere."""


@contextmanager
def applied(name: str, *, planted: bool = True) -> Iterator[tuple[Disaster, ...]]:
    """The engine with this mistake while inside; what the mistake needs to show.

    Args:
        planted: False leaves the engine as it is: the same history must then end well.
    """
    with ExitStack() as patches:
        if planted:
            try:
                MUTANTS[name].apply(
                    lambda owner, piece, new: patches.enter_context(patch.object(owner, piece, new)) and None
                )
            except AttributeError as missing:
                raise PieceMissing(f"{name}: {missing}") from missing
        yield MUTANTS[name].needs


# --- sending ---------------------------------------------------------------------------------------------------------


@mutant(disasters.crashes, disasters.crashes, disasters.alone, disasters.lower_limit, disasters.lower_limit)
def sends_before_commit(replaced: Replace) -> None:
    """Signs and sends a payment before the commit that binds its nonce."""
    accept, init = Acceptance.accept, Sender.__init__

    def remembering(self: Sender, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        self._journal.acceptance.keeper = self._lanes  # type: ignore[attr-defined]

    def sending(self: Any, batches: Any, **kwargs: Any) -> Any:
        keeper = self.keeper
        for batch in batches:
            row = self._lanes.read(batch.wallet)
            nonce = row.next_nonce
            for request in batch.requests if row.state is LaneState.OK else ():
                transaction = {
                    "type": 2,
                    "chainId": keeper._nodes.chain_id,
                    "nonce": nonce,
                    "to": request.to,
                    "value": 0,
                    "gas": request.operation.gas,
                    "maxFeePerGas": 0,
                    "maxPriorityFeePerGas": 0,
                    "data": request.operation.data,
                }
                signer = keeper._signers[batch.wallet]._signer
                with patch.object(signer, "_marks", None):  # before everything, the mark too
                    raw = signer.sign_transaction(transaction).raw
                keeper._nodes.send([raw], lanes=[batch.wallet])
                nonce += 1
        return accept(self, batches, **kwargs)

    replaced(Sender, "__init__", remembering)
    replaced(Acceptance, "accept", sending)


@mutant(disasters.bad_wires, disasters.bad_wires)
def reuses_a_nonce_on_error(replaced: Replace) -> None:
    """Where no node answered that it has the bytes, the payment is told REJECTED and its nonce goes to the next."""
    note = Delivery._note_refusals

    def giving_back(self: Delivery, attempts: Any, answers: Any, findings: Any) -> None:
        note(self, attempts, answers, findings)
        taken = (SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN, SendOutcome.NONCE_USED)
        for each, said in zip(attempts, answers, strict=True):
            if each.state is AttemptState.SIGNED and not any(answer.outcome in taken for answer in said):
                with self._attempts._lanes.writing([each.wallet]) as connection:
                    spare = 1_000 + secrets.randbits(20)
                    dead = {"state": AttemptState.DEAD, "beside": spare}
                    connection.execute(update(attempt).where(attempt.c.id == each.id).values(**dead))
                    told = update(payment).where(payment.c.attempt == each.id).values(state=State.REJECTED)
                    connection.execute(told)
                    connection.execute(update(lane).where(lane.c.wallet == each.wallet).values(next_nonce=each.nonce))

    replaced(Delivery, "_note_refusals", giving_back)


def _proof(replaced: Replace, *proofs: SendOutcome) -> None:
    def believing(self: Delivery, attempts: Any, answers: Any, findings: Any) -> None:
        for each, said in zip(attempts, answers, strict=True):
            if any(answer.outcome in proofs for answer in said):
                told = [Answer(asked.id, State.FINAL, attempt=each.id) for asked in each.asked]
                findings.outcomes.append(Outcome(each, AttemptState.FINAL, told))

    replaced(Delivery, "_note_refusals", believing)


@mutant(disasters.no_quorum)
def known_is_proof(replaced: Replace) -> None:
    """Takes "Known transaction" and "Nonce too low" for proof of payment."""
    _proof(replaced, SendOutcome.ALREADY_KNOWN, SendOutcome.NONCE_USED)


@mutant(disasters.restart)
def hash_is_proof(replaced: Replace) -> None:
    """Takes a returned hash for proof of payment."""
    _proof(replaced, SendOutcome.ACCEPTED)


@mutant(disasters.forgotten_pools, disasters.restart)
def sends_once(replaced: Replace) -> None:
    """Does not send again what a node said it has."""
    send = Delivery.send

    def once(self: Delivery, attempts: Any) -> Any:
        return send(self, [each for each in attempts if each.state is not AttemptState.BROADCAST])

    replaced(Delivery, "send", once)


@mutant(disasters.no_quorum, disasters.no_quorum)
def reprices_after_a_timeout(replaced: Replace) -> None:
    """Signs a payment again with a price where it is not mined within seconds."""
    send = LaneKeeper.send

    def pricing(self: LaneKeeper, attempts: Any, view: View) -> None:
        send(self, attempts, view)
        first = self.__dict__.setdefault("first_sent", {})
        now = self._clock.monotonic()
        for each in attempts:
            if each.kind is AttemptKind.CALL and now - first.setdefault(each.id, now) > 5.0:
                key = self._signers[each.wallet]._key  # type: ignore[attr-defined]
                raw = sign_priced(
                    key,
                    chain_id=self._nodes.chain_id,
                    nonce=each.nonce,
                    to=each.to.lower(),
                    data=each.data,
                    gas=each.gas,
                    price=10**9,
                )
                self._nodes.send([raw], lanes=[each.wallet], priced=True)

    replaced(LaneKeeper, "send", pricing)


# --- calls that meet -------------------------------------------------------------------------------------------------


@mutant()
def answers_in_another_order(replaced: Replace) -> None:
    """Tells who met others what became of the others' payments."""
    plain = Sender._submit_plain

    def shuffled(self: Sender, signer: Any, operations: Any, **kwargs: Any) -> Any:
        return plain(self, signer, operations, **kwargs)[::-1]

    replaced(Sender, "_submit_plain", shuffled)


@mutant(*[disasters.strict_policy] * 3)
def one_refusal_for_all(replaced: Replace) -> None:
    """Tells everybody who met that the signer refused what it refused one of them."""

    def refused(self: Told, submission: Any) -> Any:
        return next(iter(self.refusals.values()), submission)

    replaced(Told, "answer", refused)


# --- concluding ------------------------------------------------------------------------------------------------------


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


# --- starting, fencing, restoring ------------------------------------------------------------------------------------


@mutant(*[disasters.two_processes] * 3, disasters.stopped_payer, disasters.stopped_payer, disasters.refused)
def no_fence(replaced: Replace) -> None:
    """Writes whoever holds the lease."""
    replaced(lease, "require", lambda connection, wallets, token: None)


@mutant(disasters.restored, disasters.hoarded)
def no_recovering(replaced: Replace) -> None:
    """Signs at once on a restored database, from the chain's nonce on."""

    def taking(self: Recovery, signers: Any, view: View) -> Any:
        used = view.connection.transaction_counts(list(signers), at=view.number)
        lanes = []
        for wallet, count in zip(signers, used, strict=True):
            self._lanes.take(wallet, chain_nonce=count, known_to=0)
            with self._lanes.writing([wallet]) as connection:
                below = (lane.c.wallet == wallet) & (lane.c.next_nonce < count)
                connection.execute(update(lane).where(below).values(next_nonce=count))
            lanes.append(self._lanes.read(wallet))
        return lanes

    replaced(Recovery, "take", taking)


@mutant(disasters.hoarded, disasters.restored, disasters.lower_limit, disasters.lower_limit)
def no_while_recovering(replaced: Replace) -> None:
    """Tells and stores negative answers while a lane is RECOVERING."""
    admit = Admission.admit

    def sure(self: Admission, *args: Any, **kwargs: Any) -> Any:
        lanes = self._journal.lanes
        read = type(lanes).read_many

        def fine(own: Any, wallets: Any) -> Any:
            return {wallet: replace(row, state=LaneState.OK) for wallet, row in read(own, wallets).items()}

        with patch.object(type(lanes), "read_many", fine):
            return admit(self, *args, **kwargs)

    replaced(Admission, "admit", sure)
    replaced(NegativeAnswers, "allowed", lambda self, owner, view: True)


@mutant(disasters.hoarded, disasters.restored, disasters.lower_limit, disasters.lower_limit)
def recovered_too_early(replaced: Replace) -> None:
    """Takes a lane for recovered as soon as its cancels are signed, before all unknown nonces are used."""
    step = Recovery.step

    def hasty(self: Recovery, row: Any, view: View) -> bool:
        done = step(self, row, view)
        if not done and not self._attempts.unsigned([row.wallet]):
            self._lanes.recovered(row.wallet, row.recover_to or row.next_nonce, head=0)
            return True
        return done

    replaced(Recovery, "step", hasty)


@mutant(disasters.crashes, disasters.crashes, disasters.crash)
def skips_a_reserved_nonce(replaced: Replace) -> None:
    """Gives what had a nonce and no bytes when the process died another nonce, and leaves a gap."""
    take_up = LaneKeeper.take_up

    def skipping(self: LaneKeeper, signers: Any, view: View, *, again: bool = False) -> None:
        take_up(self, signers, view, again=again)
        if again:
            unsigned = [each.id for each in self._journal.attempts.unsigned(list(signers))]
            with self._journal.lanes.writing(list(signers)) as connection:
                connection.execute(update(attempt).where(attempt.c.id.in_(unsigned)).values(state=AttemptState.DEAD))
                waits = update(payment).where(payment.c.attempt.in_(unsigned))
                connection.execute(waits.values(state=State.APPROVED, attempt=None))

    replaced(LaneKeeper, "take_up", skipping)


@mutant(disasters.lost_all, disasters.lost_all, disasters.forgotten_pools)
def ignores_a_lost_mark(replaced: Replace) -> None:
    """Takes a signer that lost its mark for one that never signed."""
    below = Recovery._signed_below

    def forgetting(self: Recovery, signer: Any) -> int | None:
        try:
            signer.highest_nonce(self._nodes.chain_id)
        except SignerMarkLost:
            return 0
        return below(self, signer)

    replaced(Recovery, "_signed_below", forgetting)


@mutant(disasters.restored)
def reference_from_a_counter(replaced: Replace) -> None:
    """Names payments by a counter in the database, which a restore rewinds."""
    singly = campaign.process.Process._singly

    def counted(self: Any, request: Any) -> Any:
        with unwatched(), self._journal.database.reading() as connection:
            mine = select(payment.c.seq).where(payment.c.key == request.key)
            known = connection.execute(mine).scalar_one_or_none()
            count = known or (connection.execute(select(func.max(payment.c.seq))).scalar_one() or 0) + 1
        named = lambda participant, key: payment_reference(participant, f"payment {count}")  # noqa: E731
        with patch.object(campaign.process, "payment_reference", named):
            return singly(self, request)

    replaced(campaign.process.Process, "_singly", counted)
