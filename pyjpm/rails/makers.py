"""Messages that banks take: pacs.008 and MT103, out of ``pyjpm.iso20022``. Needs the extra ``iso20022``."""

from __future__ import annotations

import datetime
import uuid
from typing import Final

from pyjpm.iso20022 import Account, Agent, CreditTransfer, Party, write_mt103, write_transfers
from pyjpm.rails.instruction import Party as RailParty
from pyjpm.rails.message import MessageMaker, Transfer
from pyjpm.remittance import Remittance


class Pacs008:
    """A pacs.008.001.08 from the debtor's bank.

    Args:
        to: BIC of the bank that it is sent to; the creditor's own where empty.
    """

    kind = "pacs.008.001.08"

    def __init__(self, to: str = "") -> None:
        self._to = to

    def make(self, transfer: Transfer) -> str:
        """Raises MessageNotWritable, InvalidBankIdentifier, Iso20022ExtraMissing."""
        return write_transfers(
            [_credit_transfer(transfer)],
            message_id=transfer.reference,
            instructing=Agent(bic=transfer.debtor.agent),
            instructed=Agent(bic=self._to or transfer.creditor.agent),
            created=datetime.datetime.fromtimestamp(transfer.created_at, datetime.UTC),
        ).decode()


class Mt103:
    """An MT103 from the debtor's bank.

    Args:
        to: BIC of the bank that it is sent to; the creditor's own where empty.
    """

    kind = "MT103"

    def __init__(self, to: str = "") -> None:
        self._to = to

    def make(self, transfer: Transfer) -> str:
        """Raises MessageNotWritable, InvalidBankIdentifier, Iso20022ExtraMissing."""
        return write_mt103(
            _credit_transfer(transfer), sender=transfer.debtor.agent, receiver=self._to or transfer.creditor.agent
        )


_MAKERS: Final[dict[str, type[Pacs008] | type[Mt103]]] = {"pacs.008": Pacs008, "mt103": Mt103}
KINDS: Final = tuple(_MAKERS)


def maker(kind: str, to: str = "") -> MessageMaker:
    """The maker of one of :data:`KINDS`."""
    return _MAKERS[kind](to)


def _credit_transfer(transfer: Transfer) -> CreditTransfer:
    return CreditTransfer(
        end_to_end_id=transfer.end_to_end_id,
        uetr=uuid.UUID(transfer.uetr),
        instruction_id=transfer.reference,
        transaction_id=transfer.reference,
        amount=transfer.amount,
        settle_on=transfer.settlement,
        debtor=_party(transfer.debtor),
        debtor_account=_account(transfer.debtor),
        debtor_agent=Agent(bic=transfer.debtor.agent),
        creditor=_party(transfer.creditor),
        creditor_account=_account(transfer.creditor),
        creditor_agent=Agent(bic=transfer.creditor.agent),
        charge_bearer=transfer.charges,
        purpose=transfer.purpose or None,
        remittance=Remittance(end_to_end_id=transfer.end_to_end_id, text=transfer.remittance)
        if transfer.remittance
        else None,
    )


def _party(party: RailParty) -> Party:
    return Party(
        name=party.name,
        lei=party.identifier if party.scheme == "LEI" else None,
        bic=party.identifier if party.scheme == "BIC" else None,
        customer=party.identifier if party.scheme == "CUSTOMER" else None,
        country=party.country,
        town=party.town or None,
        address=(party.street,) if party.street else (),
    )


def _account(party: RailParty) -> Account:
    return Account(
        iban=party.identifier if party.scheme == "IBAN" else None,
        number=party.identifier if party.scheme in ("ACCOUNT", "CUSTOMER") else None,
    )
