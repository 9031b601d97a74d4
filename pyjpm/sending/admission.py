"""Whether an operation may be accepted: what the chain says of it already, and whether the contract would take it.

Decisions that govern this module:

* The chain is asked for the operation's name first: what lost bytes did is adopted, what the chain holds otherwise is
  refused. A simulation that refuses lets the contract's own reason speak.
* Nothing is refused while the lane recovers: lost bytes may be doing what is asked. It is accepted, and waits.
* Only what has a name on the chain is adopted before it was sent: a state that is as asked for now may be changed by
  what is on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pyjpm.chain.nodes import View
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import Reverted
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import InFlightExceedsFunds, ReferenceVoided
from pyjpm.errors.token import AlreadyPaid
from pyjpm.sending.acceptance import Batch, Carrier, Request
from pyjpm.sending.funds import Funds, require_funds
from pyjpm.sending.journal import Journal
from pyjpm.sending.keeper import LaneKeeper
from pyjpm.sending.lanes import LaneState
from pyjpm.sending.resolution import Decoder
from pyjpm.sending.witness import Call, Effect, Verdict, Witness


class Admission:
    """Asks the chain about what is asked for, before it is accepted."""

    def __init__(self, journal: Journal, lanes: LaneKeeper, witness: Witness, funds: Funds, decode: Decoder) -> None:
        self._journal = journal
        self._lanes = lanes
        self._witness = witness
        self._funds = funds
        self._decode = decode

    def admit(self, batch: Batch, view: View, *, simulate: bool) -> Batch:
        """The batch with what the chain says already; refused here, nothing of it is to be stored.

        Raises ReferenceConflict, ReferenceVoided, InFlightExceedsFunds, the contract's decoded error, transport faults.
        """
        calls = [Call(batch.wallet, each.to, each.operation.data, each.operation.kind) for each in batch.requests]
        verdicts = self._witness.read(calls, connection=view.connection, at=view.number)
        lane = self._journal.lanes.read(batch.wallet)
        sure = lane is not None and lane.state is not LaneState.RECOVERING
        there = [self._is_there(*each) for each in zip(batch.requests, calls, verdicts, strict=True)]
        refusals: Sequence[PyjpmError | None] = [None] * len(calls)
        if simulate and sure:
            refusals = self._refusals(batch, there, view)
        requests = [
            self._request(*each, sure=sure)
            for each in zip(batch.requests, calls, verdicts, there, refusals, strict=True)
        ]
        if simulate and sure:
            self._require_funds(batch, requests, view)
        return replace(batch, requests=requests)

    def _request(
        self,
        request: Request,
        call: Call,
        verdict: Verdict,
        there: bool,
        refusal: PyjpmError | None,
        *,
        sure: bool,
    ) -> Request:
        if refusal is None or isinstance(refusal, AlreadyPaid):
            if verdict.effect is Effect.CONFLICT and not there:
                raise _held_by_other(request, verdict)
            if verdict.effect is Effect.VOIDED and sure:
                raise _voided(request)
        if refusal is not None and verdict.effect is not Effect.APPLIED:
            raise refusal
        done = there or refusal is not None
        return replace(request, found=verdict if done else None, debits={} if done else self._funds.own_debits(call))

    def _is_there(self, request: Request, call: Call, verdict: Verdict) -> bool:
        if verdict.effect is Effect.CONFLICT:
            return request.operation.sealed and bool(verdict.detail.get("same_but_remittance"))
        return verdict.effect is Effect.APPLIED and self._witness.is_named(call)

    def _refusals(self, batch: Batch, there: Sequence[bool], view: View) -> list[PyjpmError | None]:
        if batch.carrier is not None and not any(there):
            return [self._refusal(batch.wallet, batch.carrier, view)] * len(there)
        return [
            None if done or each.to is None else self._refusal(batch.wallet, _single(each, each.to), view)
            for each, done in zip(batch.requests, there, strict=True)
        ]

    def _refusal(self, wallet: str, call: Carrier, view: View) -> PyjpmError | None:
        """Why the contract would refuse it now, None where it would not."""
        try:
            view.connection.call(call.to, call.data, sender=wallet)
        except Reverted as reverted:
            return self._decode(reverted.data)
        return None

    def _require_funds(self, batch: Batch, requests: Sequence[Request], view: View) -> None:
        try:
            require_funds(self._funds, self._journal.acceptance, batch.wallet, requests, view)
        except InFlightExceedsFunds:
            # What was mined meanwhile is off the balance already.
            self._lanes.carry_on([batch.wallet])
            require_funds(self._funds, self._journal.acceptance, batch.wallet, requests, self._lanes.view())


def _single(request: Request, to: str) -> Carrier:
    return Carrier(to, request.operation.data, request.operation.gas)


def _held_by_other(request: Request, verdict: Verdict) -> ReferenceConflict:
    key = request.operation.key
    return ReferenceConflict(
        f"The chain holds other content under the name of {key!r}.", key=key, found=dict(verdict.detail)
    )


def _voided(request: Request) -> ReferenceVoided:
    return ReferenceVoided(f"The name of {request.operation.key!r} was voided on the chain.", submission=None)
