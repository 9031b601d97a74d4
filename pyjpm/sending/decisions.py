"""What an operator decides about single submissions and wallets.

Decisions that govern this module:

* Each decision is one commit with its trail (``trail``). None binds a nonce or takes a lease: what is to be sent is
  stored, and whoever serves the wallet sends it with its next step.
* A cancellation is a "no": given only before any bytes exist, where the contract says at the highest head that the
  operation is not done, and nobody may be alive who could do it (``negative``).
* From its nonce on a payment is not withdrawn but voided: the contract spends its reference without paying. Until that
  is final it may still be paid, and then it is FINAL. A cancel beside it gives way to the void on its own lane.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from pyjpm.chain.nodes import Nodes, View
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.outbox import NotDecidable, OperationCancelled
from pyjpm.sending import binding
from pyjpm.sending.accepted_rows import again
from pyjpm.sending.attempts import CANCEL, CANCEL_GAS, PRICED_CANCEL
from pyjpm.sending.clock import Clock
from pyjpm.sending.ids import new_id
from pyjpm.sending.journal import Journal
from pyjpm.sending.lanes import Lane, LaneState, read_lane, recover
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.operation import ALIVE, LIVING, RETRIED, WAITING, AttemptKind, AttemptState, Operation, Submission
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.outcomes import clear_alarms
from pyjpm.sending.requests import Request
from pyjpm.sending.tables import attempt, lane, payment
from pyjpm.sending.trail import Word, record
from pyjpm.sending.witness import Witness, is_absent

VOIDABLE = (*LIVING, State.QUARANTINED, State.VOIDING)
PAYMENT_KIND = "payments.pay"


@dataclass(frozen=True, slots=True)
class Voiding:
    """The call that voids a payment's reference, by whose wallet."""

    wallet: str
    operation: Operation


class Decisions:
    """Decides about a journal's submissions and lanes.

    Args:
        needs_approval: which operations wait for somebody's word when they are accepted again.
    """

    def __init__(
        self,
        nodes: Nodes,
        journal: Journal,
        witness: Witness,
        clock: Clock,
        *,
        needs_approval: Callable[[str], bool] = lambda submission: False,
    ) -> None:
        self._nodes = nodes
        self._journal = journal
        self._witness = witness
        self._clock = clock
        self._needs_approval = needs_approval
        self._negative = NegativeAnswers(nodes, journal.lanes)

    # --- submissions -----------------------------------------------------------------------------------------------

    def cancel(self, submission: str, *, who: str, reason: str) -> Submission:
        """Withdraw what has no nonce: CANCELLED, for good.

        Raises SubmissionNotFound, ReasonMissing, NotDecidable where it may have been sent or is done, transport faults.
        """
        word, found = Word(who, "cancel", submission, reason), self._journal.get(submission)
        _require(found, WAITING, "it has a nonce or an answer: from its nonce on a payment is voided")
        view = self.require_deniable(found)
        cancelled = OperationCancelled(f"Cancelled by {who}: {reason}", submission=submission)
        now = self._now()
        with self._journal.trail.deciding([found.wallet]) as connection:
            self.require_known(connection, found, view)
            move(connection, found, WAITING, State.CANCELLED, cancelled)
            binding.raise_head(connection, view.number)
            clear_alarms(connection, now=now, submission=submission)
            record(connection, word, State.CANCELLED, now)
        return self._journal.get(submission)

    def require_deniable(self, found: Submission) -> View:
        """The view at which a "no" may be told. Raises NotDecidable, transport faults."""
        view = self._view()
        asked = self._journal.trail.asked(found.id)
        (verdict,) = self._witness.read([asked.call], connection=view.connection, at=view.number)
        if not is_absent(self._witness, asked.call, verdict):
            raise _undecidable(found, f"the chain says {verdict.effect}: it ends so with the next look at its wallet")
        if self._journal.attempts.others_of([found.id], []) or not self._negative.allowed(found.owner, view):
            raise _undecidable(found, "a wallet of its owner recovers, and lost bytes may still do it")
        return view

    def require_known(self, connection: Connection, found: Submission, view: View) -> None:
        """Once more before a "no" that was looked for at this view, in its transaction, which has its lane locked.

        Raises NotDecidable while a wallet of its owner recovers.
        """
        if self._journal.lanes.unsure_of(connection, {found.owner}, head=view.number):
            raise _undecidable(found, "a wallet of its owner recovers, and lost bytes may still do it")

    def retry(self, submission: str, *, who: str, reason: str) -> Submission:
        """Accept what was reverted or rejected again, under the same key and reference.

        Raises SubmissionNotFound, ReasonMissing, NotDecidable.
        """
        word, found = Word(who, "retry", submission, reason), self._journal.get(submission)
        _require(found, RETRIED, "only what was reverted or rejected is tried again")
        now, asked = self._now(), self._journal.trail.asked(submission)
        if asked.not_after is not None and asked.not_after < now:
            raise _undecidable(found, "its last second has passed: ask for it under a new key")
        later = found.not_before is not None and found.not_before > now
        state = State.SCHEDULED if later else State.APPROVED
        if self._needs_approval(submission):
            state = State.RECEIVED
        with self._journal.trail.deciding([found.wallet]) as connection:
            if read_lane(connection, found.wallet).state is LaneState.HALTED:
                raise _undecidable(found, "its wallet is halted: reopen it first, or pay from another wallet")
            move(connection, found, RETRIED, state)
            again(connection, submission, state)
            clear_alarms(connection, now=now, submission=submission)
            record(connection, word, state, now)
        return self._journal.get(submission)

    def void(
        self, submission: str, *, who: str, reason: str, voiding: Callable[[Submission], Voiding]
    ) -> tuple[Submission, Submission]:
        """Have a payment's reference voided: VOIDING, until the contract says VOIDED, or that it was paid.

        Args:
            voiding: the call, by a wallet that may send it.

        Returns:
            The payment, and the submission that voids it.

        Raises SubmissionNotFound, ReasonMissing, NotDecidable, transport faults.
        """
        word, found = Word(who, "void", submission, reason), self._journal.get(submission)
        if found.kind != PAYMENT_KIND or found.reference is None:
            raise _undecidable(found, "only payments have a reference that can be voided")
        _require(found, VOIDABLE, "without a nonce it is cancelled, and an answer stays what it is")
        by, now, view = voiding(found), self._now(), self._view()
        operation = by.operation
        to = operation.checked_to(view.connection.block(view.number).gas_limit)
        owner = operation.owner or f"wallet {by.wallet}"
        request = Request.of(operation, to, owner)
        used = view.connection.transaction_count(by.wallet, at=view.number)
        with self._journal.trail.deciding([found.wallet, by.wallet]) as connection:
            voider = _lane_for(connection, by.wallet, used)
            if voider.state is LaneState.HALTED:
                raise _undecidable(found, f"{by.wallet} is halted and signs no void: give the bank's key")
            move(connection, found, VOIDABLE, State.VOIDING)
            _cancel_beside(connection, submission)
            void_id = self._journal.acceptance.add_waiting(connection, by.wallet, request, now)
            record(connection, word, f"{State.VOIDING} by {void_id}", now)
        return self._journal.get(submission), self._journal.get(void_id)

    # --- wallets ---------------------------------------------------------------------------------------------------

    def reopen(self, wallet: str, *, who: str, reason: str, highest_nonce: int | None) -> Lane:
        """Let a halted wallet send again, after it was found out whose the foreign transaction was: it recovers first.

        Args:
            highest_nonce: the highest nonce that its signer ever signed; None where its signer keeps no mark.

        Raises NotDecidable unless it is halted, ReasonMissing, transport faults.
        """
        word, view, now = Word(who, "reopen", wallet, reason), self._view(), self._now()
        used = view.connection.transaction_count(wallet, at=view.number)
        pending = self._nodes.pending_counts([wallet])[wallet].next_nonce or 0
        known = max(used, pending, -1 if highest_nonce is None else highest_nonce + 1)
        with self._journal.trail.deciding([wallet]) as connection:
            found = connection.execute(select(lane.c.state).where(lane.c.wallet == wallet)).scalar_one_or_none()
            if found != LaneState.HALTED:
                raise NotDecidable(f"{wallet} is not halted.", target=wallet, state=found)
            recover(connection, wallet, max(known, read_lane(connection, wallet).next_nonce))
            binding.raise_head(connection, view.number)
            clear_alarms(connection, now=now, wallet=wallet)
            record(connection, word, f"{LaneState.RECOVERING} up to {known}", now)
            return read_lane(connection, wallet)

    def free(self, wallet: str, nonce: int, price: int, raw: bytes, tx_hash: str, *, who: str, reason: str) -> None:
        """Have a signed, priced cancel sent on a jammed nonce; what was bound to it goes again on another.

        The alarm stays until the nonce is used: whoever frees the wallet may die before it has the ether.

        Raises NotDecidable where nothing of ours waits on that nonce, or a priced cancel is there already.
        """
        word, now = Word(who, "unjam", wallet, reason), self._now()
        with self._journal.trail.deciding([wallet]) as connection:
            there = connection.execute(
                select(attempt.c.beside).where(
                    attempt.c.lane == wallet, attempt.c.nonce == nonce, attempt.c.state.in_(ALIVE)
                )
            ).scalars()
            besides = set(there)
            if not besides or PRICED_CANCEL in besides:
                raise NotDecidable(
                    f"Nonce {nonce} of {wallet} " + ("has a priced cancel." if besides else "has nothing of ours."),
                    target=wallet,
                    state=None,
                )
            values = _cancel(wallet, nonce, PRICED_CANCEL) | {
                "price": str(price),
                "raw": raw,
                "tx_hash": tx_hash,
                "state": AttemptState.SIGNED,
            }
            connection.execute(insert(attempt).values(**values))
            record(connection, word, f"nonce {nonce} at {price} wei: {tx_hash}", now)

    def _view(self) -> View:
        return self._nodes.best(self._journal.highest_head)

    def _now(self) -> int:
        return int(self._clock.time())


def _undecidable(found: Submission, why: str) -> NotDecidable:
    return NotDecidable(f"{found.id} is {found.state}; {why}.", target=found.id, state=found.state.value)


def _require(found: Submission, states: tuple[State, ...], why: str) -> None:
    if found.state not in states:
        raise _undecidable(found, why)


def move(
    connection: Connection,
    found: Submission,
    before: tuple[State, ...],
    after: State,
    error: PyjpmError | None = None,
) -> None:
    """What was decided of it, in a transaction that has its wallet's lane locked.

    Whatever was looked at before may have changed until the lane was locked: it may have been sent, or be another
    wallet's by now. So this is of what was read then, or of nothing.

    Raises NotDecidable where it is not in one of these states, or not as it was found.
    """
    as_found = (payment.c.wallet == found.wallet) & payment.c.not_before.is_not_distinct_from(found.not_before)
    changed = connection.execute(
        update(payment)
        .where(payment.c.id == found.id, payment.c.state.in_(before), as_found)
        .values(state=after, error=None if error is None else json.dumps(error.to_dict()))
    )
    if not changed.rowcount:
        raise _undecidable(found, "meanwhile it came further")


def _lane_for(connection: Connection, wallet: str, next_nonce: int) -> Lane:
    """The wallet's lane, made where it never sent; nobody holds it then."""
    if connection.execute(select(lane.c.wallet).where(lane.c.wallet == wallet)).first() is None:
        connection.execute(insert(lane).values(wallet=wallet, next_nonce=next_nonce, state=LaneState.OK))
    return read_lane(connection, wallet)


def _cancel(wallet: str, nonce: int, beside: int) -> dict[str, object]:
    return {
        "id": new_id(),
        "lane": wallet,
        "nonce": nonce,
        "kind": AttemptKind.CANCEL,
        "beside": beside,
        "to": wallet,
        "data": b"",
        "gas": CANCEL_GAS,
        "state": AttemptState.RESERVED,
    }


def _cancel_beside(connection: Connection, submission: str) -> None:
    """A cancel on the nonce of a payment that may still be mined: the one that it has now, not when it was found."""
    newest = select(attempt.c.lane, attempt.c.nonce).join(payment, payment.c.attempt == attempt.c.id)
    place = connection.execute(newest.where(payment.c.id == submission, attempt.c.state.in_(ALIVE))).one_or_none()
    if place is None:
        return
    wallet, nonce = place
    there = select(attempt.c.id).where(attempt.c.lane == wallet, attempt.c.nonce == nonce, attempt.c.beside == CANCEL)
    if connection.execute(there).first() is None:
        # The payment stays beside it, signed or not: another process may be signing it at this moment.
        connection.execute(insert(attempt).values(**_cancel(wallet, nonce, CANCEL)))
