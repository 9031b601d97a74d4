"""ISO 20022 at the edge: payment files in, statements out, and what banks say to each other in between.

Needs ``pip install 'pyjpm[iso20022]'``. What each message becomes is in docs/iso20022.md.
"""

from __future__ import annotations

from pyjpm.iso20022.entries import AccountReport, BankEntry, BankMessage, Rejected, Transaction
from pyjpm.iso20022.files import PaymentFiles
from pyjpm.iso20022.identifiers import check_bic, check_iban, check_lei
from pyjpm.iso20022.initiation import Instruction, Line, PaymentFile, read_payment_file
from pyjpm.iso20022.mt103 import read_mt103, write_mt103
from pyjpm.iso20022.mt940 import read_mt940, write_mt940
from pyjpm.iso20022.names import READ, WRITTEN, MessageName
from pyjpm.iso20022.parties import Account, Agent, Party
from pyjpm.iso20022.reading import Message, Problem, parse
from pyjpm.iso20022.returns import (
    ItemLine,
    ItemMessage,
    Original,
    Recall,
    Return,
    read_recalls,
    read_returns,
    write_recalls,
    write_returns,
)
from pyjpm.iso20022.statement_reading import read_bank_message
from pyjpm.iso20022.statement_writing import write_statement
from pyjpm.iso20022.status import StatusLine, StatusMessage, read_status, write_status
from pyjpm.iso20022.taken import TakenFile, TakenInstruction
from pyjpm.iso20022.transfers import (
    CreditTransfer,
    TransferLine,
    TransferMessage,
    read_transfers,
    write_payment_file,
    write_transfers,
)

__all__ = [
    "READ",
    "WRITTEN",
    "Account",
    "AccountReport",
    "Agent",
    "BankEntry",
    "BankMessage",
    "CreditTransfer",
    "Instruction",
    "ItemLine",
    "ItemMessage",
    "Line",
    "Message",
    "MessageName",
    "Original",
    "Party",
    "PaymentFile",
    "PaymentFiles",
    "Problem",
    "Recall",
    "Rejected",
    "Return",
    "StatusLine",
    "StatusMessage",
    "TakenFile",
    "TakenInstruction",
    "Transaction",
    "TransferLine",
    "TransferMessage",
    "check_bic",
    "check_iban",
    "check_lei",
    "parse",
    "read_bank_message",
    "read_mt103",
    "read_mt940",
    "read_payment_file",
    "read_recalls",
    "read_returns",
    "read_status",
    "read_transfers",
    "write_mt103",
    "write_mt940",
    "write_payment_file",
    "write_recalls",
    "write_returns",
    "write_statement",
    "write_status",
    "write_transfers",
]
