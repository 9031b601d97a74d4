"""How far a call has come, in the words its caller needs: fewer than the states of a submission."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pyjpm.sending import Submission, SubmissionState


class Status(StrEnum):
    """How far an act of ours has come."""

    ACCEPTED = "ACCEPTED"
    """Stored, and on its way: it may still happen."""
    QUARANTINED = "QUARANTINED"
    """Somebody else used its nonce; it may still happen, until the bank has voided it."""
    FINAL = "FINAL"
    """On the chain, with its effect."""
    SUPERSEDED = "SUPERSEDED"
    """On the chain, without effect: it was out of date by then."""
    REVERTED = "REVERTED"
    """Refused by the chain."""
    REJECTED = "REJECTED"
    """Refused before it came to the chain."""
    EXPIRED = "EXPIRED"
    """Its last day passed."""
    CANCELLED = "CANCELLED"
    """Withdrawn."""
    VOIDED = "VOIDED"
    """Its reference was voided."""
    CONFLICT = "CONFLICT"
    """The chain has other content under its reference."""


_STATUS: Final = {state: Status(state.value) for state in SubmissionState if state.value in Status.__members__}


def status_of(submission: Submission) -> Status:
    """The public status behind a submission's state."""
    return _STATUS.get(submission.state, Status.ACCEPTED)
