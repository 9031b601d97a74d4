"""Mistakes in starting, fencing and restoring."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sqlalchemy import func, select, update

import campaign.process
from campaign import disasters
from campaign.failpoints import unwatched
from campaign.mutants.register import Replace, mutant
from pyjpm.chain.nodes import View
from pyjpm.errors.custody import SignerMarkLost
from pyjpm.sending import lease, payment_reference
from pyjpm.sending.admission import Admission
from pyjpm.sending.keeper import LaneKeeper
from pyjpm.sending.lanes import LaneState
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.operation import AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.recovery import Recovery
from pyjpm.sending.tables import attempt, lane, payment


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
