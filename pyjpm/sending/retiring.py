"""A halted lane signs nothing more: what it has not signed is given back, what it may have signed is kept apart.

Committed bytes of a halted lane are still sent and resolved: they are what clients asked for. What never had bytes is
rejected, so that its client may ask through another wallet; where the signer's mark says that its nonce was signed all
the same, bytes that we do not know may be alive, and it is quarantined.
"""

from __future__ import annotations

from pyjpm.chain.nodes import Nodes, View
from pyjpm.errors.custody import SignerMarkLost
from pyjpm.errors.sending import LaneHalted
from pyjpm.sending.clock import Clock
from pyjpm.sending.journal import Journal
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.operation import AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.outcomes import Alarm, Answer, Findings, Outcome
from pyjpm.sending.signing import TransactionSigner
from pyjpm.sending.witness import Call, Witness, is_absent


class Retiring:
    """Ends what a halted lane will not send."""

    def __init__(self, nodes: Nodes, journal: Journal, witness: Witness, clock: Clock) -> None:
        self._chain_id = nodes.chain_id
        self._journal = journal
        self._witness = witness
        self._clock = clock
        self._negative = NegativeAnswers(nodes, journal.lanes)

    def retire(self, wallet: str, signer: TransactionSigner, view: View) -> None:
        """Reject or quarantine what this halted wallet has not signed."""
        findings = Findings()
        error = LaneHalted(f"The wallet {wallet} sends nothing: somebody else used a nonce of it.", wallet=wallet)
        try:
            highest = signer.highest_nonce(self._chain_id)
        except SignerMarkLost:
            highest = None
        for attempt in self._journal.attempts.unsigned([wallet]):
            answers = []
            for asked in attempt.asked:
                call = Call(wallet, asked.to, asked.data, asked.kind)
                if highest is not None and attempt.nonce > highest and self._deniable(asked.owner, call, view):
                    answers.append(Answer(asked.id, State.REJECTED, error, attempt.id))
                else:
                    findings.alarms.append(Alarm(error, wallet, asked.id))
                    answers.append(Answer(asked.id, State.QUARANTINED, error, attempt.id))
            findings.outcomes.append(Outcome(attempt, AttemptState.DEAD, answers))
        for each in self._journal.acceptance.waiting(wallet):
            if self._deniable(each.owner, each.call, view):
                findings.answers.append((wallet, Answer(each.id, State.REJECTED, error, before=each.state)))
        if findings:
            self._journal.outcomes.write(findings, head=view.number, now=int(self._clock.time()))

    def _deniable(self, owner: str, call: Call, view: View) -> bool:
        (verdict,) = self._witness.read([call], connection=view.connection, at=view.number)
        return is_absent(self._witness, call, verdict) and self._negative.allowed(owner, view)
