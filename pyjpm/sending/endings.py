"""What whoever waits for a submission is told where it is not FINAL: one typed error for each way to end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import (
    EffectMissing,
    OperationCancelled,
    OperationExpired,
    OperationRejected,
    ReferenceVoided,
)
from pyjpm.errors.sending import StillPending
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.operation import Submission
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.resolution import Resolver, foreign_nonce

_ERRORS: Final[Mapping[State, type[PyjpmError]]] = {
    State.REJECTED: OperationRejected,
    State.EXPIRED: OperationExpired,
    State.CANCELLED: OperationCancelled,
    State.VOIDED: ReferenceVoided,
    State.CONFLICT: ReferenceConflict,
    State.SUPERSEDED: EffectMissing,
}


def error_of(submission: Submission, attempts: Attempts, resolver: Resolver) -> PyjpmError:
    """Why it ended without effect: what the contract said, or what was stored for it."""
    error = submission.error or {}
    if submission.state is State.REVERTED:
        data = attempts.revert_data(submission.id)
        gas = int(error.get("details", {}).get("gas", 0))
        return resolver.reverted(str(submission.tx_hash), data, gas, submission.gas_used or 0)
    kind = _ERRORS[submission.state]
    return kind(
        error.get("message") or f"The submission {submission.id} is {submission.state}.",
        submission=submission.id,
        error=error,
    )


def raise_if_quarantined(submission: Submission) -> None:
    """Raises ForeignNonce."""
    if submission.state is State.QUARANTINED:
        details = (submission.error or {}).get("details", {})
        raise foreign_nonce(submission.wallet, submission.nonce or 0, submission.tx_hash, details.get("foreign"))


def still_pending(submission: Submission, answer: str) -> StillPending:
    """That it has not ended yet; ``answer``: what the node said last, if it did not serve us."""
    said = f" (last answer: {answer})" if answer else ""
    return StillPending(
        f"The submission {submission.id} has no outcome yet{said}.",
        submission=submission.id,
        state=submission.state.value,
        answer=answer or None,
    )
