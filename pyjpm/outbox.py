"""``platform.outbox``: what an operator sees and decides of a client's outbox.

Nothing here sends: a decision is stored with its reason, and whoever serves the wallet carries it out with its next
step.
"""

from __future__ import annotations

import time

from pyjpm.chain.nodes import Nodes
from pyjpm.contracts import gas
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.sending import Operation, Submission
from pyjpm.sending.approvals import ApprovalPolicy, Approvals, standing_words
from pyjpm.sending.decisions import Decisions, Voiding
from pyjpm.sending.overview import Overview
from pyjpm.sending.signing import TransactionSigner
from pyjpm.sending.unjamming import FreeingSigner, Unjammed, unjam
from pyjpm.session import Session
from pyjpm.witnessing import ContractWitness


class Outbox:
    """What waits in the outbox and why, and what is decided about it. Safe among threads.

    Attributes:
        overview: lanes, submissions, and the whole life of one.
        decisions: cancel, retry, void, reopen, free; each takes ``who`` and ``reason``.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.overview = Overview(session.journal)
        self._nodes = Nodes([session.connection])
        self.decisions = Decisions(
            self._nodes, session.journal, ContractWitness(session.record), time, needs_approval=self._needs_approval
        )

    def _needs_approval(self, submission: str) -> bool:
        return not standing_words(self._session.journal, self._session.approvals)(submission, int(time.time()))

    def approvals(self, policy: ApprovalPolicy | None = None) -> Approvals:
        """Takes checkers' words, by a policy; this client's own if None. Raises InvalidRequest where it has none."""
        asked = policy or self._session.approvals
        if asked is None:
            raise InvalidRequest("This client has no approval policy.")
        return Approvals(self._session.journal, asked, self.decisions)

    @property
    def chain_id(self) -> int:
        """Of the platform's chain."""
        return self._session.record.chain_id

    def unjam(
        self,
        signer: FreeingSigner,
        rescue: TransactionSigner,
        *,
        who: str,
        reason: str,
        price: int | None = None,
        timeout: float = 120.0,
    ) -> Unjammed:
        """Free a wallet that somebody else's priced transaction jams (see :func:`pyjpm.sending.unjamming.unjam`)."""
        return unjam(
            self._nodes,
            self._session.journal,
            self.decisions,
            signer,
            rescue,
            who=who,
            reason=reason,
            clock=time,
            price=price,
            timeout=timeout,
        )

    def void(
        self, submission: str, *, who: str, reason: str, wallet: str | None = None
    ) -> tuple[Submission, Submission]:
        """Have a payment's reference voided, so that it is never paid; it ends VOIDED, or FINAL if it was paid first.

        Args:
            wallet: whose transaction voids it: the payer's own if None, or the bank's.

        Returns:
            The payment (VOIDING), and the submission of the void; whoever serves ``wallet`` sends it.

        Raises SubmissionNotFound, ReasonMissing, NotDecidable, NotOnboarded, transport faults.
        """

        session = self._session

        def voiding(found: Submission) -> Voiding:
            by, currency = session.wallet_of(wallet or found.wallet), str(found.content["currency"])
            whose, voider = session.participant_of(found.wallet), session.participant_of(by)
            arguments = (whose, bytes.fromhex(str(found.reference).removeprefix("0x")))
            data = session.codec(currency).encode("voidReference", *arguments)
            return Voiding(
                by,
                Operation(
                    key=f"void {found.id} by {by}",
                    kind="payments.void",
                    content={"participant": whose, "reference": str(found.reference), "currency": currency},
                    to=session.address(currency),
                    data=data,
                    gas=gas.ceiling("voidReference", arguments, len(data)),
                    reference=found.reference,
                    owner=f"participant {voider}" if voider else None,
                ),
            )

        return self.decisions.void(submission, who=who, reason=reason, voiding=voiding)
