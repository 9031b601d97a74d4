"""What who submits is told once all of it is stored: how far it is, or what its signer said.

Decisions that govern this module:

* A refusal for good is told to who asked for nothing else, and never of what somebody else asked for. Of several in one
  call each has its own end: who asked for them sees by their states which was refused.
* It is a "no", and told only where one may be (``negative``). Everybody else finds it by waiting.
* A failure for now is told to who has something stored without bytes. It says nothing of what becomes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyjpm.errors.base import PyjpmError
from pyjpm.sending.operation import Submission, SubmissionState


@dataclass(frozen=True, slots=True)
class Told:
    """What is stored of one call.

    Attributes:
        submissions: for each wallet, in the order in which they were asked for.
        refusals: by submission, of these and others, what a signer refused for good and may be told.
        failed: what signers raised that failed for now.
    """

    submissions: list[list[Submission]]
    refusals: Mapping[str, PyjpmError]
    failed: Sequence[PyjpmError]

    def answer(self, submission: Submission) -> Submission | PyjpmError:
        """What is told of this one alone."""
        if submission.id in self.refusals:
            return self.refusals[submission.id]
        return self.failed[0] if self._lacks_bytes(submission) else submission

    def answer_if_sure(self, submission: Submission) -> Submission | PyjpmError | None:
        """The same for one of several callers; None: to ask by itself, as it may be signed by then."""
        return None if self._lacks_bytes(submission) else self.answer(submission)

    def _lacks_bytes(self, submission: Submission) -> bool:
        """Whether a signer failed for now, and this waits for its signature."""
        refused = submission.id in self.refusals
        return bool(self.failed) and submission.state is SubmissionState.RESERVED and not refused

    def raise_what_signers_said(self) -> None:
        """Raises for who asked for all of them in one call."""
        every = [each for its in self.submissions for each in its]
        if every and all(each.id in self.refusals for each in every):
            raise self.refusals[every[0].id]
        if self.failed and any(each.state is SubmissionState.RESERVED for each in every):
            raise self.failed[0]
