"""The operator of a history: decides what only a person may, by the package's own decisions, as ``pyjpm outbox`` does.

What an operator decides is drawn: withdraw what waits, void what is on its way or quarantined, try again what failed,
reopen a wallet that was halted, free one that a priced transaction jams. What cannot be decided now is refused, typed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from campaign.keys import CampaignSigner
from pyjpm.chain.nodes import Nodes
from pyjpm.contracts import gas
from pyjpm.contracts.codec import codec
from pyjpm.errors.outbox import LaneJammed
from pyjpm.record import DeploymentRecord
from pyjpm.sending import Journal, Operation, Submission
from pyjpm.sending.approvals import ApprovalPolicy, standing_words
from pyjpm.sending.decisions import VOIDABLE, Decisions, Voiding
from pyjpm.sending.lanes import LaneState
from pyjpm.sending.operation import RETRIED, WAITING
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.unjamming import unjam
from pyjpm.witnessing import ContractWitness

WHO, WHY = "operator", "a history asks for it"


class Operator:
    """Decides about one process's journal.

    Attributes:
        decisions: the package's own.

    Args:
        participants: id by wallet.
        rescue: has ether.
        policy: which payments wait for checkers' words; None: none.
    """

    def __init__(
        self,
        nodes: Nodes,
        journal: Journal,
        record: DeploymentRecord,
        clock: Any,
        signers: Mapping[str, CampaignSigner],
        participants: Mapping[str, int],
        rescue: CampaignSigner,
        policy: ApprovalPolicy | None = None,
    ) -> None:
        self._nodes, self._journal, self._record, self._clock = nodes, journal, record, clock
        self._signers, self._participants, self._rescue = signers, participants, rescue
        stands = standing_words(journal, policy)
        self.decisions = Decisions(
            nodes,
            journal,
            ContractWitness(record),
            clock,
            needs_approval=lambda submission: not stands(submission, int(clock.time())),
        )

    def free_jammed(self) -> list[str]:
        """Frees what an alarm calls jammed; which wallets."""
        jammed = {alarm.wallet for alarm in self._journal.alarms.list() if alarm.code == LaneJammed.code}
        for wallet in sorted(filter(None, jammed)):
            unjam(
                self._nodes,
                self._journal,
                self.decisions,
                self._signers[wallet],
                self._rescue,
                who=WHO,
                reason=WHY,
                clock=self._clock,
                timeout=30.0,
            )
        return sorted(filter(None, jammed))

    def decide(self, act: str, chance: random.Random) -> str:
        """One decision of a kind (``cancel``, ``void``, ``retry``, ``reopen``) about whatever it fits; which."""
        if act == "reopen":
            halted = [lane.wallet for lane in self._journal.lanes.all() if lane.state is LaneState.HALTED]
            for wallet in halted:
                highest = self._signers[wallet].highest_nonce(self._nodes.chain_id)
                self.decisions.reopen(wallet, who=WHO, reason=WHY, highest_nonce=highest)
            return f"reopened {halted}"
        states = {"cancel": WAITING, "void": VOIDABLE, "retry": RETRIED}[act]
        found = [each for each in self._journal.list() if each.state in states and each.kind == "payments.pay"]
        if not found:
            return f"nothing to {act}"
        # What is quarantined ends by a void alone.
        one = chance.choice([each for each in found if each.state is State.QUARANTINED] or found)
        if act == "void":
            self.decisions.void(one.id, who=WHO, reason=WHY, voiding=self._voiding)
        elif act == "retry":
            self.decisions.retry(one.id, who=WHO, reason=WHY)
        else:
            self.decisions.cancel(one.id, who=WHO, reason=WHY)
        return f"{act} of {one.key}, which was {one.state}"

    def _voiding(self, found: Submission) -> Voiding:
        participant, currency = self._participants[found.wallet], str(found.content["currency"])
        arguments = (participant, bytes.fromhex(str(found.reference)[2:]))
        data = codec("DepositToken").encode("voidReference", *arguments)
        return Voiding(
            found.wallet,
            Operation(
                key=f"void {found.id}",
                kind="payments.void",
                content={"participant": participant, "reference": str(found.reference), "currency": currency},
                to=self._record.address(currency),
                data=data,
                gas=gas.ceiling("voidReference", arguments, len(data)),
                reference=found.reference,
                owner=f"participant {participant}",
            ),
        )
