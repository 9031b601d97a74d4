"""The lock between the rails: a payment's token reference, voided on the chain before any message exists.

Decisions that govern this module:

* What the contract says of a reference once it is spent, it says for ever: PAID and VOIDED are facts, UNSPENT is not.
* The reference is looked up in every token: a restored database may have paid it in another currency.
* What waits without a nonce is cancelled, what has one is voided by the outbox's own decision; either leaves its trail.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Final

from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import NotDecidable
from pyjpm.errors.sending import StillPending
from pyjpm.errors.token import AlreadyPaid
from pyjpm.payments import REFERENCE_STATES
from pyjpm.platform import Platform
from pyjpm.rails.instruction import Instruction
from pyjpm.rails.names import Names
from pyjpm.rails.store import Choices
from pyjpm.sending import Submission, SubmissionState
from pyjpm.sending.operation import LIVING, RETRIED, WAITING

KIND: Final = "rails.lock"
"""Of the call that voids a reference: an approval policy may ask for words on it, as on a payment."""
_A_BLOCK: Final = 2.0  # seconds that one look waits for the void

log = logging.getLogger(__name__)


class Spent(StrEnum):
    """What the tokens say of a reference."""

    UNSPENT = "UNSPENT"
    PAID = "PAID"
    VOIDED = "VOIDED"


class TokenLock:
    """Closes the token rail of payments, a leg at a time."""

    def __init__(self, platform: Platform, choices: Choices) -> None:
        self._platform = platform
        self._choices = choices

    def spent(self, names: Names) -> Spent:
        """PAID or VOIDED where any token says so. Raises transport faults."""
        asked = [
            (currency, "referenceState(uint32,bytes32)", (names.participant, names.reference))
            for currency in self._platform.record.tokens
        ]
        states = {Spent(REFERENCE_STATES[state]) for state in self._platform.session.calls(asked)}
        return next((state for state in (Spent.PAID, Spent.VOIDED) if state in states), Spent.UNSPENT)

    def close(self, names: Names, instruction: Instruction, *, again: bool) -> Spent:
        """Has the reference voided, and says what became of it: UNSPENT is not yet.

        Args:
            again: a void that was refused before, perhaps by a checker, is asked for once more.

        Raises:
            OperationRejected and the like: the void was refused; transport faults
        """
        spent = self.spent(names)
        if spent is not Spent.UNSPENT:
            return spent
        found = self._choices.submission(names.token_key)
        submission = None if found is None else self._platform.session.journal.get(found)
        if submission is not None and submission.is_pending:
            submission = self._withdraw(names, submission)
        if submission is None or not submission.is_pending:
            self._void(names, instruction, again=again)
        return self.spent(names)

    def _withdraw(self, names: Names, submission: Submission) -> Submission:
        session, outbox = self._platform.session, self._platform.outbox
        session.serve()
        who, reason = "rails", f"the payment {names.key} goes by SWIFT"
        now = session.sender.refresh_many([submission.id])[0]
        try:
            if now.state in WAITING:
                outbox.decisions.cancel(submission.id, who=who, reason=reason)
            elif now.state in (*LIVING, SubmissionState.QUARANTINED):
                outbox.void(submission.id, who=who, reason=reason)
        except NotDecidable:
            log.info("payment %s came further meanwhile", names.key)
        session.sender.carry_on()
        return session.sender.refresh_many([submission.id])[0]

    def _void(self, names: Names, instruction: Instruction, *, again: bool) -> None:
        session, amount = self._platform.session, instruction.amount
        earlier = self._choices.submission(names.lock_key)
        if earlier is not None and not again and session.journal.get(earlier).state in RETRIED:
            return
        token = self._token(amount.currency)
        try:
            void = session.submit(
                kind=KIND,
                key=names.lock_key,
                content={
                    "participant": names.participant,
                    "reference": "0x" + names.reference.hex(),
                    "token": token,
                    "amount": amount.minor,
                    "currency": amount.currency,
                    "creditor": instruction.creditor_key,
                },
                contract=token,
                function="voidReference",
                arguments=(names.participant, names.reference),
                reference="0x" + names.reference.hex(),
            )
            session.sender.wait(void.id, min(_A_BLOCK, session.timeout))
        except (AlreadyPaid, ReferenceConflict, StillPending):
            pass  # it was paid meanwhile, or may yet be: what became of it the contract says

    def _token(self, currency: str) -> str:
        """The token that keeps the lock: the payment's own, or, where there is none, the platform's first."""
        tokens = self._platform.record.tokens
        return currency if currency in tokens else min(tokens)
