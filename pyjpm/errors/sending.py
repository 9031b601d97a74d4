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


class Fenced(SendingError):
    """Another process took these wallets over; this one writes nothing more. Details: ``wallet``, ``path``."""

    code: ClassVar[str] = "FENCED"
    hint: ClassVar[str] = (
        "Stop this process: the one started last sends for these wallets. To take them back, stop the other and start "
        "this one anew."
    )


class JournalInUse(SendingError):
    """An older version of this package has the file open, and would not know the new schema. Details: ``path``."""

    code: ClassVar[str] = "JOURNAL_IN_USE"
    hint: ClassVar[str] = "Stop the other process first; then open the journal again, which migrates it."


class JournalOfOtherChain(SendingError):
    """The journal belongs to another chain. Details: ``path``, ``what``, ``expected`` (the journal's), ``actual``."""

    code: ClassVar[str] = "JOURNAL_OF_OTHER_CHAIN"
    hint: ClassVar[str] = "Connect to the chain of this journal, or give the journal of this chain."


class JournalNotFound(SendingError):
    """There is no journal here to look into, or one of an older version that no service has opened since. Details:
    ``path``."""

    code: ClassVar[str] = "JOURNAL_NOT_FOUND"
    hint: ClassVar[str] = "Give the file or URL of the journal that the service uses; starting the service migrates it."


class JournalNotDurable(SendingError):
    """A commit might not survive a power cut. Details: ``path``, ``setting``, ``required``, ``actual``."""

    code: ClassVar[str] = "JOURNAL_NOT_DURABLE"
    hint: ClassVar[str] = (
        "SQLite: a local disk, and a version that supports WAL and synchronous=FULL. PostgreSQL: give the setting in "
        "the details the required value in postgresql.conf, and for this database and role."
    )


class JournalTooNew(SendingError):
    """Written by a newer version of this package. Details: ``path``, ``schema``, ``supported``."""

    code: ClassVar[str] = "JOURNAL_TOO_NEW"
    hint: ClassVar[str] = "Upgrade pyjpm."


class JournalForked(SendingError):
    """A journal is used by the process that opened it, not by its forked children."""

    code: ClassVar[str] = "JOURNAL_FORKED"
    hint: ClassVar[str] = "Open the journal after the fork, in each process by itself."


class JournalClosed(SendingError):
    """The journal was closed."""

    code: ClassVar[str] = "JOURNAL_CLOSED"
    hint: ClassVar[str] = "Open the journal again."


class InvalidJournal(SendingError):
    """A journal is an SQLite file, or a PostgreSQL database by its URL. Details: ``url`` (without its password)."""

    code: ClassVar[str] = "INVALID_JOURNAL"
    hint: ClassVar[str] = "Give a path, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE."


class PostgresDriverMissing(SendingError):
    """The journal is on PostgreSQL, for which its driver is not installed."""

    code: ClassVar[str] = "POSTGRES_DRIVER_MISSING"
    hint: ClassVar[str] = "pip install 'pyjpm[postgres]'"


class JournalFailed(SendingError):
    """The journal cannot be read or written. Details: ``path``, ``cause``.

    Nothing of the transaction was stored, unless the error is JournalLost.
    """

    code: ClassVar[str] = "JOURNAL_FAILED"
    hint: ClassVar[str] = "Check the disk and that the file is a journal; then repeat with the same idempotency key."


class DiskFull(JournalFailed):
    """There is no room for the journal to grow; nothing of the transaction was stored."""

    code: ClassVar[str] = "DISK_FULL"
    hint: ClassVar[str] = "Free space where the journal lives; then repeat with the same idempotency key."


class JournalReadOnly(JournalFailed):
    """The journal's file, file system or database server takes no writes; nothing was stored."""

    code: ClassVar[str] = "JOURNAL_READ_ONLY"
    hint: ClassVar[str] = (
        "SQLite: make the file and its folder writable for this user, on a file system mounted for writing. "
        "PostgreSQL: connect to the primary, not to a standby, by a role that may write."
    )


class JournalCorrupt(JournalFailed):
    """The file is damaged, or no journal at all."""

    code: ClassVar[str] = "JOURNAL_CORRUPT"
    hint: ClassVar[str] = (
        "Check the path. If it is the journal: keep the damaged file, restore the newest copy and start; what the "
        "copy does not know is found again on the chain, once clients repeat their keys."
    )


class JournalBusy(JournalFailed):
    """Another process held what this transaction needed for too long; nothing was stored."""

    code: ClassVar[str] = "JOURNAL_BUSY"
    hint: ClassVar[str] = "Repeat with the same idempotency key; if it persists, look for a process that hangs."


class JournalCollision(JournalFailed):
    """Another thread or process stored a row of the same name first; nothing of this transaction was stored."""

    code: ClassVar[str] = "JOURNAL_COLLISION"
    hint: ClassVar[str] = "Repeat with the same idempotency key: what was stored first is the answer."


class JournalUnreachable(JournalFailed):
    """The database server of the journal cannot be reached, or lets nobody in by this name; nothing was stored."""

    code: ClassVar[str] = "JOURNAL_UNREACHABLE"
    hint: ClassVar[str] = "Start the database server, or correct the URL; then repeat with the same idempotency key."


class JournalLost(JournalFailed):
    """The database went away within a transaction. Details: ``path``, ``cause``, ``undecided``.

    Where ``undecided``, it went away while it was asked to commit: it may have stored everything or nothing, and only
    reading again tells. Otherwise nothing was stored.
    """

    code: ClassVar[str] = "JOURNAL_LOST"
    hint: ClassVar[str] = "Read what is stored before anything else; then repeat with the same idempotency key."
