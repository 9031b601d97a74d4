"""What can go wrong between accepting an operation and its final state on the chain.

Decisions that govern this module:

* ``StillPending`` is no failure: the operation is stored and goes on; only its outcome is not known yet.
* After any of these errors the same operation may be submitted again under the same key; it is never sent twice.
"""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class SendingError(PyjpmError):
    """Root of everything the sending layer raises."""

    code: ClassVar[str] = "SENDING_ERROR"


# --- what was asked for --------------------------------------------------------------------------------------------


class InvalidIdempotencyKey(SendingError):
    """An idempotency key is text of 1 to 255 characters."""

    code: ClassVar[str] = "INVALID_IDEMPOTENCY_KEY"
    hint: ClassVar[str] = (
        "Give a text of 1 to 255 characters that names this one operation, such as your document's id."
    )


class InvalidOperation(SendingError):
    """The operation could never be mined as it is; nothing was stored. Details: ``key``, ``kind``, ``field``."""

    code: ClassVar[str] = "INVALID_OPERATION"
    hint: ClassVar[str] = "Correct the field named in the details."


class IdempotencyConflict(SendingError):
    """The key was used before for another request. Details: ``key``, ``kind``, ``submission``."""

    code: ClassVar[str] = "IDEMPOTENCY_CONFLICT"
    hint: ClassVar[str] = "Repeat the first request exactly, or give the new request a key of its own."


class SubmissionNotFound(SendingError):
    """This journal has no submission with this id. Details: ``submission``."""

    code: ClassVar[str] = "SUBMISSION_NOT_FOUND"
    hint: ClassVar[str] = "Look it up in the journal it was made with, by wallet and idempotency key."


# --- what became of it ---------------------------------------------------------------------------------------------


class StillPending(SendingError):
    """Not final within the time given: stored and sent, outcome unknown.

    Details: ``submission``, ``state``, ``answer`` (what the node said last, if anything).
    """

    code: ClassVar[str] = "STILL_PENDING"
    hint: ClassVar[str] = (
        "Wait for it again by its id, or repeat the call with the same idempotency key; never a new one."
    )

    @property
    def submission_id(self) -> str:
        """The id to wait for."""
        return str(self.details["submission"])


class TransactionReverted(SendingError):
    """Mined and refused, for a reason the node cannot tell. Details: ``tx_hash``, ``gas``, ``gas_used``."""

    code: ClassVar[str] = "TRANSACTION_REVERTED"
    hint: ClassVar[str] = "If gas_used equals gas it ran out of gas; otherwise simulate the call to learn the reason."


class ForeignNonce(SendingError):
    """A transaction that is not ours used a nonce of this wallet; the wallet sends nothing more.

    Details: ``wallet``, ``nonce``, ``tx_hash`` (ours), ``foreign`` (the other's hash).
    """

    code: ClassVar[str] = "FOREIGN_NONCE"
    hint: ClassVar[str] = (
        "Somebody else signs with this wallet's key: suspend the wallet, find out who, replace the key."
    )


class LaneHalted(SendingError):
    """This wallet sends nothing because a foreign transaction used one of its nonces. Details: ``wallet``."""

    code: ClassVar[str] = "LANE_HALTED"
    hint: ClassVar[str] = "Use another wallet; recover this one's balance to a new wallet after the key was replaced."


class SignerMismatch(SendingError):
    """The signer returned other than the transaction it was asked to sign. Details: ``wallet``, ``field``."""

    code: ClassVar[str] = "SIGNER_MISMATCH"
    hint: ClassVar[str] = "Check which key and policy the signing device uses; nothing was sent."


# --- the journal ---------------------------------------------------------------------------------------------------


class JournalInUse(SendingError):
    """Another process, or another Journal of this one, has the file open. Details: ``path``."""

    code: ClassVar[str] = "JOURNAL_IN_USE"
    hint: ClassVar[str] = "Stop the other process, or give this one a journal and wallets of its own."


class JournalOfOtherChain(SendingError):
    """The journal belongs to another chain. Details: ``path``, ``what``, ``expected`` (the journal's), ``actual``."""

    code: ClassVar[str] = "JOURNAL_OF_OTHER_CHAIN"
    hint: ClassVar[str] = "Connect to the chain of this journal, or give the journal of this chain."


class JournalNotDurable(SendingError):
    """A commit might not survive a power cut. Details: ``path``, ``setting``, ``required``, ``actual``."""

    code: ClassVar[str] = "JOURNAL_NOT_DURABLE"
    hint: ClassVar[str] = "Put the journal on a local disk, and use an SQLite that supports WAL and synchronous=FULL."


class JournalTooNew(SendingError):
    """Written by a newer version of this package. Details: ``path``, ``schema``, ``supported``."""

    code: ClassVar[str] = "JOURNAL_TOO_NEW"
    hint: ClassVar[str] = "Upgrade pyjpm."


class JournalForked(SendingError):
    """A journal is used by the process that opened it, not by its forked children."""

    code: ClassVar[str] = "JOURNAL_FORKED"
    hint: ClassVar[str] = "Open the journal after the fork, in one process only."


class JournalClosed(SendingError):
    """The journal was closed."""

    code: ClassVar[str] = "JOURNAL_CLOSED"
    hint: ClassVar[str] = "Open the journal again."


class JournalFailed(SendingError):
    """The journal cannot be read or written. Details: ``path``, ``cause``."""

    code: ClassVar[str] = "JOURNAL_FAILED"
    hint: ClassVar[str] = "Check the disk and that the file is a journal; then repeat with the same idempotency key."
