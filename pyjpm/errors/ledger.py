"""What can be wrong between events, books and bank."""

from __future__ import annotations

from pyjpm.errors.base import PyjpmError


class LedgerError(PyjpmError):
    """Root of the errors about the ledger."""

    code = "LEDGER_ERROR"


class EventsInconsistent(LedgerError):
    """Events do not add up: something would fall below zero."""

    code = "EVENTS_INCONSISTENT"
    hint = "Read the events again from the platform's first block; do not book on these."


class LedgerNotFound(LedgerError):
    """There is no ledger at this place, and no platform was given to make one for. Details: ``path``."""

    code = "LEDGER_NOT_FOUND"
    hint = "Give the platform, and sync."


class LedgerOfOtherPlatform(LedgerError):
    """The ledger is of another chain or deployment. Details: ``path``, ``what``, ``expected``, ``actual``."""

    code = "LEDGER_OF_OTHER_PLATFORM"
    hint = "Give each platform a ledger of its own; one of a chain that was started anew is made anew."


class LedgerVersionUnknown(LedgerError):
    """Another release made the ledger's tables. Details: ``path``, ``schema``, ``supported``."""

    code = "LEDGER_VERSION_UNKNOWN"
    hint = "Use the release that made it, or drop the ledger's tables and sync again; its items are not on the chain."


class LedgerMoved(LedgerError):
    """Another process synced this ledger meanwhile; nothing was stored by this one. Details: ``block``."""

    code = "LEDGER_MOVED"
    hint = "Sync again, and let one process do so."


class LedgerReadsOnly(LedgerError):
    """This ledger was opened without a platform: it cannot ask the chain."""

    code = "LEDGER_READS_ONLY"
    hint = "Open it with the platform."


class LedgerBehind(LedgerError):
    """What is asked for lies after the last block that is in. Details: ``asked``, ``block``."""

    code = "LEDGER_BEHIND"
    hint = "Sync, or ask for an earlier block or time."


class AmountBeyondBooks(LedgerError):
    """An amount or total of 2**63 minor units or more, which the books do not hold.

    Details: ``block``, and of an amount ``log_index``.
    """

    code = "AMOUNT_BEYOND_BOOKS"
    hint = "No real amount is that large: find out who issued it."


class InvalidPeriod(LedgerError):
    """A moment, block or range that makes no sense. Details: what was given."""

    code = "INVALID_PERIOD"
    hint = "Give a block or a time, and a beginning that is not after the end."


class InvalidBankFile(LedgerError):
    """A row of a file of the bank that cannot be read. Details: ``path``, ``line``, ``field``."""

    code = "INVALID_BANK_FILE"
    hint = "See docs/ledger.md for the columns; nothing of the file was used."


class InvalidItem(LedgerError):
    """An invoice or credit note that cannot be kept. Details: ``field``, and ``line`` where it came from a file."""

    code = "INVALID_ITEM"
    hint = "See docs/ledger.md for the columns; nothing of the file was kept."


class ItemConflict(LedgerError):
    """There is another document of this kind and number between the two. Details: ``number``."""

    code = "ITEM_CONFLICT"
    hint = "Give a changed document a number of its own, and a credit note for the first one."
