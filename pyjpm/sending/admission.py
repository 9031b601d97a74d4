"""Whether an operation may be accepted: what the chain says of it already, and whether the contract would take it.

Decisions that govern this module:

* The chain is asked for the operation's name first: what lost bytes did is adopted, what the chain holds otherwise is
  refused. A simulation that refuses lets the contract's own reason speak.
* Nothing is refused while a lane of its owner recovers, or while nobody can read what became of it: lost bytes may be
  doing what is asked. It is accepted, and waits.
* Only what has a name on the chain is adopted before it was sent: a state that is as asked for now may be changed by
  what is on its way.
* One call may ask for many things. If none of them ever happened, a refusal of one is raised and none is stored. If one
  of them did, or may have, each is answered by itself: "refused" over all would deny that one too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pyjpm.chain.nodes import View
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import Reverted
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import InFlightExceedsFunds, OperationExpired, ReferenceVoided
from pyjpm.errors.sending import LaneHalted
from pyjpm.errors.token import AlreadyPaid
from pyjpm.sending.clock import Clock
from pyjpm.sending.funds import Funds, require_funds
from pyjpm.sending.journal import Journal
from pyjpm.sending.keeper import LaneKeeper
from pyjpm.sending.lanes import Lane, LaneState
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.requests import Batch, Request
from pyjpm.sending.resolution import Decoder
from pyjpm.sending.witness import Call, Effect, Verdict, Witness, is_absent


class Admission:
    """Asks the chain about what is asked for, before it is accepted."""

    def __init__(
        self,
        journal: Journal,
        lanes: LaneKeeper,
        negative: NegativeAnswers,
        witness: Witness,
        funds: Funds,
        decode: Decoder,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._lanes = lanes
        self._negative = negative
        self._witness = witness
        self._funds = funds
        self._decode = decode
        self._clock = clock

    def admit(self, batches: Sequence[Batch], view: View, *, simulate: bool) -> list[Batch]:
        """The batches with what is said of each request: done already, refused, or refused but not to be told yet.

        Whether a refusal is raised or stored is for the caller, who knows what else was asked for in one call. Raises
        transport faults.
        """
        calls = [
            [Call(batch.wallet, each.to, each.operation.data, each.operation.kind) for each in batch.requests]
            for batch in batches
        ]
        read = self._witness.read([call for each in calls for call in each], connection=view.connection, at=view.number)
        verdicts = iter(read)
        lanes = self._journal.lanes.read_many([batch.wallet for batch in batches])  # their leases are taken
        return [
            self._admit(batch, lanes[batch.wallet], its, [next(verdicts) for _ in its], view, simulate)
            for batch, its in zip(batches, calls, strict=True)
        ]

    def within_funds(self, batches: Sequence[Batch], view: View) -> list[Batch]:
        """What ``admit`` said, where something was stored for the same payers since: refused, or not to be told yet,
        where that and these are more than they have. Raises transport faults."""
        lanes = self._journal.lanes.read_many([batch.wallet for batch in batches])
        return [
            replace(batch, requests=self._within_funds(batch.wallet, list(batch.requests), view))
            if lanes[batch.wallet].state is LaneState.OK
            else batch
            for batch in batches
        ]

    def _admit(
        self, batch: Batch, lane: Lane, calls: Sequence[Call], verdicts: Sequence[Verdict], view: View, simulate: bool
    ) -> Batch:
        there = [self._is_there(*each) for each in zip(batch.requests, calls, verdicts, strict=True)]
        refusals: Sequence[PyjpmError | None] = [None] * len(calls)
        if simulate and lane.state is LaneState.OK:
            refusals = self._refusals(batch, there, view)
        requests = []
        for request, call, verdict, done, refusal in zip(batch.requests, calls, verdicts, there, refusals, strict=True):
            if done:
                requests.append(request._replace(found=verdict))
                continue
            reason = self._reason(request, verdict, refusal, lane)
            if reason is None:
                debits = self._funds.own_debits(call)
                requests.append(request._replace(debits=debits) if debits else request)
            elif self._may_say(refusal, request.owner, call, verdict, lane, view):
                requests.append(request._replace(refused=reason))
            else:
                requests.append(request._replace(doubtful=True, debits=self._funds.own_debits(call)))
        if simulate and lane.state is LaneState.OK:
            requests = self._within_funds(batch.wallet, requests, view)
        return replace(batch, requests=requests)

    def _is_there(self, request: Request, call: Call, verdict: Verdict) -> bool:
        if verdict.effect is Effect.CONFLICT:
            return request.operation.sealed and bool(verdict.detail.get("same_but_remittance"))
        return verdict.effect is Effect.APPLIED and self._witness.is_named(call)

    def _reason(self, request: Request, verdict: Verdict, refusal: PyjpmError | None, lane: Lane) -> PyjpmError | None:
        """Why it is not to be sent. Where the contract gives a reason of its own, that one."""
        key, not_after = request.operation.key, request.operation.not_after
        if refusal is None or isinstance(refusal, AlreadyPaid):
            if verdict.effect is Effect.CONFLICT:
                return ReferenceConflict(
                    f"The chain holds other content under the name of {key!r}.", key=key, found=dict(verdict.detail)
                )
            if verdict.effect is Effect.VOIDED:
                return ReferenceVoided(f"The name of {key!r} was voided on the chain.", submission=None)
        if lane.state is LaneState.HALTED:
            return LaneHalted(
                f"The wallet {lane.wallet} sends nothing: somebody else used a nonce of it.", wallet=lane.wallet
            )
        if not_after is not None and not_after < self._clock.time():
            return OperationExpired(f"The last second of {key!r} has passed.", submission=None)
        return refusal

    def _may_say(
        self, refusal: PyjpmError | None, owner: str, call: Call, verdict: Verdict, lane: Lane, view: View
    ) -> bool:
        """Whether its client may hear of it. Where its name stands for something else, it can never happen."""
        if verdict.effect is Effect.CONFLICT:
            return True
        known = verdict.effect is Effect.VOIDED
        if not known and is_absent(self._witness, call, verdict):
            # Spent since its name was read: it is read again.
            known = not isinstance(refusal, AlreadyPaid)
        # What has no name of its own may be as asked by somebody else's doing: the contract's refusal stands.
        known = known or not self._witness.is_named(call)
        return known and lane.state is not LaneState.RECOVERING and self._negative.allowed(owner, view)

    def _refusals(self, batch: Batch, there: Sequence[bool], view: View) -> list[PyjpmError | None]:
        """Why the contract would refuse each now, None where it would not; what is there already is not tried."""
        if batch.carrier is not None and not any(there):
            return self._tried(batch.wallet, [(batch.carrier.to, batch.carrier.data)], view) * len(there)
        calls = [
            (each.to, each.operation.data)
            for each, done in zip(batch.requests, there, strict=True)
            if each.to is not None and not done
        ]
        tried = iter(self._tried(batch.wallet, calls, view))
        return [
            None if done or each.to is None else next(tried) for each, done in zip(batch.requests, there, strict=True)
        ]

    def _tried(self, wallet: str, calls: Sequence[tuple[str, bytes]], view: View) -> list[PyjpmError | None]:
        answers = view.connection.trials(calls, sender=wallet)
        return [self._decode(each.data) if isinstance(each, Reverted) else None for each in answers]

    def _within_funds(self, wallet: str, requests: list[Request], view: View) -> list[Request]:
        """The same; where what is on its way leaves too little for all that would be sent, none of it is."""
        wanted = [each for each in requests if each.is_plain]
        try:
            require_funds(self._funds, self._journal.acceptance, wallet, wanted, view)
        except InFlightExceedsFunds:
            # What was mined meanwhile is off the balance already.
            self._lanes.carry_on([wallet])
            try:
                require_funds(self._funds, self._journal.acceptance, wallet, wanted, self._lanes.view())
            except InFlightExceedsFunds as too_little:
                sure = self._negative.allowed(wanted[0].owner, view)
                changes: dict[str, Any] = {"refused": too_little, "debits": {}} if sure else {"doubtful": True}
                return [each._replace(**changes) if each in wanted else each for each in requests]
        return requests
