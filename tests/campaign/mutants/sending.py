"""Mistakes in sending: before the commit, twice, at another price, or once only."""

from __future__ import annotations

import secrets
from typing import Any
from unittest.mock import patch

from chains.model.transactions import sign as sign_priced
from sqlalchemy import update

from campaign import disasters
from campaign.mutants.register import Replace, mutant
from pyjpm.chain.broadcast import SendOutcome
from pyjpm.chain.nodes import View
from pyjpm.sending.acceptance import Acceptance
from pyjpm.sending.delivery import Delivery
from pyjpm.sending.keeper import LaneKeeper
from pyjpm.sending.lanes import LaneState
from pyjpm.sending.operation import AttemptKind, AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.outcomes import Answer, Outcome
from pyjpm.sending.sender import Sender
from pyjpm.sending.tables import attempt, lane, payment


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
