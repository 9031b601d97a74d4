"""What can be wrong between events and books."""

from __future__ import annotations

from pyjpm.errors.base import PyjpmError


class LedgerError(PyjpmError):
    """Root of the errors about the ledger."""

    code = "LEDGER_ERROR"


class EventsInconsistent(LedgerError):
    """Events do not add up: something would fall below zero."""

    code = "EVENTS_INCONSISTENT"
    hint = "Read the events again from the platform's first block; do not book on these."
