"""What a SWIFT message says, and who writes one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pyjpm.money import Money
from pyjpm.rails.instruction import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One credit transfer, as a message says it.

    Attributes:
        reference: the message's own, 16 characters.
        created_at: unix seconds; the same however often the message is written.
        settlement: the day on which the creditor is to have it.
    """

    reference: str
    uetr: str
    end_to_end_id: str
    created_at: int
    settlement: date
    amount: Money
    debtor: Party
    creditor: Party
    remittance: str
    charges: str
    purpose: str


class MessageMaker(Protocol):
    """Who writes messages of one kind. Pure: the same transfer is the same text."""

    @property
    def kind(self) -> str:
        """Such as ``pacs.008.001.08`` or ``MT103``."""
        ...

    def make(self, transfer: Transfer) -> str:
        """The message; a typed error names the field that it cannot carry."""
        ...
