"""Sending exactly once: operations in, submissions out, a journal between.

Every state-changing call of this package goes through :class:`Sender`, which stores what it is about to do before it
does it. A process that dies at any moment and starts again with :meth:`Sender.resume` repeats no transaction.
"""

from __future__ import annotations

from pyjpm.sending.journal import Journal
from pyjpm.sending.operation import Operation, Submission, SubmissionState
from pyjpm.sending.reference import batch_reference, payment_reference, request_sha256
from pyjpm.sending.sender import Sender
from pyjpm.sending.settings import Settings
from pyjpm.sending.signing import SignedBytes, TransactionSigner

__all__ = [
    "Journal",
    "Operation",
    "Sender",
    "Settings",
    "SignedBytes",
    "Submission",
    "SubmissionState",
    "TransactionSigner",
    "batch_reference",
    "payment_reference",
    "request_sha256",
]
