"""Giving nonces to what waits: checked again, in the order of acceptance, inside the window.

Decisions that govern this module:

* No lane reserves beyond the chain's nonce plus the window: a lost mark costs at most so many cancels, and a node holds
  only so many transactions of one sender.
* What waits is asked for again before it is numbered: done already, refused by the contract now, lapsed, or refused
  twice by every node. Only what may be denied is denied (``negative``); the rest goes on waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pyjpm.chain.nodes import Nodes, View
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import Reverted
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import NobodyTakesIt, OperationExpired, ReferenceVoided
from pyjpm.sending.acceptance import Waiting
from pyjpm.sending.attempts import CANCELS
from pyjpm.sending.clock import Clock
from pyjpm.sending.journal import Journal
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.outcomes import Alarm, Answer, Findings
from pyjpm.sending.resolution import Decoder
from pyjpm.sending.used import UsedNonces
from pyjpm.sending.witness import Effect, Verdict, Witness, is_absent

Standing = Callable[[str, int], bool]
"""Whether a submission needs nobody's word, or has it, at a unix second."""


class Numbering:
    """Numbers what waits on a lane, and ends what must not be sent any more."""

    def __init__(
        self,
        nodes: Nodes,
        journal: Journal,
        witness: Witness,
        decode: Decoder,
        used: UsedNonces,
        clock: Clock,
        *,
        window: int,
        standing: Standing,
    ) -> None:
        self._journal = journal
        self._witness = witness
        self._decode = decode
        self._used = used
        self._clock = clock
        self._window = window
        self._standing = standing
        self._negative = NegativeAnswers(nodes, journal.lanes)

    def window(self, wallets: Sequence[str], view: View) -> Mapping[str, int]:
        """By wallet the nonce below which nonces may be bound."""
        return {wallet: count + self._window for wallet, count in self._used.recall(wallets, view).items()}

    def number(self, wallet: str, view: View) -> None:
        """Bind nonces to what is due on a lane that is OK."""
        now = int(self._clock.time())
        waiting = self._journal.acceptance.due(wallet, now=now, limit=self._window)
        if not waiting:
            return
        verdicts = self._witness.read([each.call for each in waiting], connection=view.connection, at=view.number)
        findings, ready = Findings(), []
        for each, verdict in zip(waiting, verdicts, strict=True):
            answer = self._ended(each, verdict, view, now, findings)
            if answer is None:
                ready.append(each)
            elif answer.state is not each.state:
                findings.answers.append((wallet, answer))
        if findings:
            self._journal.outcomes.write(findings, head=view.number, now=now)
        if ready:
            self._journal.acceptance.number(wallet, ready, window=self.window([wallet], view)[wallet])

    def _ended(self, each: Waiting, verdict: Verdict, view: View, now: int, findings: Findings) -> Answer | None:
        """What ends it; an answer with its own state where it is to wait on; None where it is to be numbered."""
        if verdict.effect is Effect.APPLIED:
            return Answer(each.id, State.FINAL, proof_hash=verdict.tx_hash, proof_block=verdict.block)
        if verdict.effect is Effect.CONFLICT:
            other = ReferenceConflict(
                f"The chain holds other content under the name of {each.id}.",
                submission=each.id,
                found=dict(verdict.detail),
            )
            findings.alarms.append(Alarm(other, each.wallet, each.id))
            return Answer(each.id, State.CONFLICT, other)
        no = self._denied(each, verdict, view, now)
        if no is None:
            return None if self._standing(each.id, now) else Answer(each.id, State.RECEIVED, before=each.state)
        state, error = no
        known = state is State.VOIDED or is_absent(self._witness, each.call, verdict)
        if not known or not self._negative.allowed(each.owner, view):
            return Answer(each.id, each.state)
        # What was doubted since, as another wallet was found behind, may be done by lost bytes.
        return Answer(each.id, state, error, before=each.state)

    def _denied(self, each: Waiting, verdict: Verdict, view: View, now: int) -> tuple[State, PyjpmError] | None:
        if verdict.effect is Effect.VOIDED:
            return State.VOIDED, ReferenceVoided(f"The name of {each.id} was voided on the chain.", submission=each.id)
        if each.not_after is not None and each.not_after < now:
            return State.EXPIRED, OperationExpired(f"The last second of {each.id} has passed.", submission=each.id)
        if each.cancels >= CANCELS:
            said = f": {each.why}" if each.why else "."
            nobody = NobodyTakesIt(f"Nobody takes the transactions of {each.id}{said}", submission=each.id)
            return State.REJECTED, nobody
        if each.simulate and each.to is not None:
            try:
                view.connection.call(each.to, each.data, sender=each.wallet, block=view.number)
            except Reverted as reverted:
                return State.REJECTED, self._decode(reverted.data)
        return None
