"""Orders to banks: a pain.001 to our own bank, a pacs.008 to the next one. And a pacs.008 read.

Decisions that govern this module:

* Both are written from the same values: which one goes out depends on whether we are the bank's customer or a bank.
* A payment that leaves has a UETR: it is found by it all along its way.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyjpm.errors.iso20022 import MalformedMessage, MessageNotWritable
from pyjpm.iso20022.amounts import date_text, money_plain, read_date, read_money, time_text, total
from pyjpm.iso20022.checking import check, type_at
from pyjpm.iso20022.initiation import NOT_PROVIDED
from pyjpm.iso20022.names import written
from pyjpm.iso20022.parties import (
    NO_ACCOUNT,
    NO_AGENT,
    NO_PARTY,
    Account,
    Agent,
    Party,
    account_plain,
    agent_plain,
    party_plain,
    read_account,
    read_agent,
    read_party,
)
from pyjpm.iso20022.reading import Problem, find, find_all, parse, paths, text
from pyjpm.iso20022.remitting import read_remittance, remittance_plain
from pyjpm.iso20022.writing import render
from pyjpm.money import Money
from pyjpm.remittance import Remittance

if TYPE_CHECKING:
    from lxml.etree import _Element

_TRANSFER: Final = "FIToFICstmrCdtTrf/CdtTrfTxInf"
_SHARED: Final = "SHAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTransfer:
    """One payment that a bank is to carry out, or has carried out.

    Attributes:
        end_to_end_id: the payer's reference, 1 to 35 characters.
        uetr: its identity among banks.
        instruction_id, transaction_id: the sender's own names of it, up to 35 characters.
        amount: more than zero.
        settle_on: its date.
        charge_bearer: ``DEBT``, ``CRED``, ``SHAR`` or ``SLEV``.
        remittance: what it is for.
    """

    end_to_end_id: str
    uetr: uuid.UUID | None = None
    instruction_id: str | None = None
    transaction_id: str | None = None
    amount: Money
    settle_on: datetime.date
    debtor: Party = NO_PARTY
    debtor_account: Account = NO_ACCOUNT
    debtor_agent: Agent = NO_AGENT
    creditor: Party = NO_PARTY
    creditor_account: Account = NO_ACCOUNT
    creditor_agent: Agent = NO_AGENT
    ultimate_debtor: Party = NO_PARTY
    ultimate_creditor: Party = NO_PARTY
    charge_bearer: str = _SHARED
    purpose: str | None = None
    remittance: Remittance | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLine:
    """One payment of a pacs.008 as it stands there: what it is, or what is wrong with it."""

    line: int
    path: str
    end_to_end_id: str | None
    transfer: CreditTransfer | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMessage:
    """A pacs.008 as read."""

    message_id: str
    lines: tuple[TransferLine, ...]
    sha256: str


def write_payment_file(
    transfers: Sequence[CreditTransfer],
    *,
    message_id: str,
    sender: Party,
    created: datetime.datetime | None = None,
    payment_id: str | None = None,
) -> bytes:
    """A pain.001.001.09: payments of one debtor's account on one day, for its bank to carry out.

    Raises:
        MessageNotWritable: none, of several debtors or days, or something does not fit.
    """
    now = created or datetime.datetime.now(datetime.UTC)
    first = _alike(transfers, "pain.001")
    sums = {"NbOfTxs": str(len(transfers)), "CtrlSum": _control_sum(transfers)}
    block = {
        "PmtInfId": payment_id or message_id,
        "PmtMtd": "TRF",
        **sums,
        "ReqdExctnDt": {"Dt": date_text(first.settle_on)},
        "Dbtr": party_plain(first.debtor),
        "DbtrAcct": account_plain(first.debtor_account),
        "DbtrAgt": agent_plain(first.debtor_agent, needed=True),
        "CdtTrfTxInf": [
            {
                "PmtId": _payment_id(each),
                "Amt": {"InstdAmt": money_plain(each.amount)},
                "ChrgBr": each.charge_bearer,
                "UltmtDbtr": party_plain(each.ultimate_debtor),
                "CdtrAgt": agent_plain(each.creditor_agent),
                "Cdtr": party_plain(each.creditor),
                "CdtrAcct": account_plain(each.creditor_account),
                "UltmtCdtr": party_plain(each.ultimate_creditor),
                "Purp": {"Cd": each.purpose},
                "RmtInf": remittance_plain(each.remittance),
            }
            for each in transfers
        ],
    }
    header = {"MsgId": message_id, "CreDtTm": time_text(now), **sums, "InitgPty": party_plain(sender)}
    return render(written("pain.001"), {"GrpHdr": header, "PmtInf": [block]})


def write_transfers(
    transfers: Sequence[CreditTransfer],
    *,
    message_id: str,
    instructing: Agent,
    instructed: Agent,
    created: datetime.datetime | None = None,
    settlement: str = "INDA",
) -> bytes:
    """A pacs.008.001.08: customers' payments from one bank to the next.

    Args:
        settlement: ``INDA``, ``INGA``, ``COVE`` or ``CLRG``.

    Raises:
        MessageNotWritable: none, a payment without UETR, or something does not fit.
    """
    now = created or datetime.datetime.now(datetime.UTC)
    if not transfers or any(each.uetr is None for each in transfers):
        raise MessageNotWritable("A pacs.008 has payments, each with its UETR.", name="pacs.008", problems=[])
    summed = total([each.amount for each in transfers])
    header = {
        "MsgId": message_id,
        "CreDtTm": time_text(now),
        "NbOfTxs": str(len(transfers)),
        "TtlIntrBkSttlmAmt": None if summed is None or not _one_day(transfers) else money_plain(summed),
        "IntrBkSttlmDt": date_text(transfers[0].settle_on) if _one_day(transfers) else None,
        "SttlmInf": {"SttlmMtd": settlement},
        "InstgAgt": agent_plain(instructing),
        "InstdAgt": agent_plain(instructed),
    }
    payments = [
        {
            "PmtId": {**_payment_id(each), "TxId": each.transaction_id},
            "IntrBkSttlmAmt": money_plain(each.amount),
            "IntrBkSttlmDt": None if _one_day(transfers) else date_text(each.settle_on),
            "InstdAmt": money_plain(each.amount),
            "ChrgBr": each.charge_bearer,
            "UltmtDbtr": party_plain(each.ultimate_debtor),
            "Dbtr": party_plain(each.debtor),
            "DbtrAcct": account_plain(each.debtor_account),
            "DbtrAgt": agent_plain(each.debtor_agent or instructing, needed=True),
            "CdtrAgt": agent_plain(each.creditor_agent, needed=True),
            "Cdtr": party_plain(each.creditor),
            "CdtrAcct": account_plain(each.creditor_account),
            "UltmtCdtr": party_plain(each.ultimate_creditor),
            "Purp": {"Cd": each.purpose},
            "RmtInf": remittance_plain(each.remittance),
        }
        for each in transfers
    ]
    return render(written("pacs.008"), {"GrpHdr": header, "CdtTrfTxInf": payments})


def read_transfers(source: bytes | Path) -> TransferMessage:
    """Reads a pacs.008, payment by payment, each with its place and what is wrong with it.

    Raises as :func:`pyjpm.iso20022.parse`; MalformedMessage also where its header cannot be used.
    """
    message = parse(source, "pacs.008")
    document = message.name.document
    wrong = check(message.body, type_at(document, "FIToFICstmrCdtTrf"), without={"CdtTrfTxInf"})
    header = find(message.body, "GrpHdr")
    payments = find_all(message.body, "CdtTrfTxInf")
    count = None if header is None else text(header, "NbOfTxs")
    message_id = None if header is None else text(header, "MsgId")
    if wrong or header is None or message_id is None or count is None or int(count) != len(payments):
        line = wrong[0].line if wrong else int(message.body.sourceline or 0)
        raise MalformedMessage("The message has no usable header.", line=line, problems=[p.to_dict() for p in wrong])
    kind = type_at(document, _TRANSFER)
    day = read_date(header, "IntrBkSttlmDt", datetime.UTC)
    return TransferMessage(
        message_id=message_id,
        lines=tuple(_transfer_line(each, path, kind, day) for each, path in paths(payments)),
        sha256=message.sha256,
    )


def _transfer_line(element: _Element, path: str, kind: type[Any], day: datetime.datetime | None) -> TransferLine:
    wrong = check(element, kind)
    transfer = None if wrong else _transfer(element, day, wrong)
    return TransferLine(
        line=int(element.sourceline or 0),
        path=path,
        end_to_end_id=text(element, "PmtId/EndToEndId"),
        transfer=None if wrong else transfer,
        problems=tuple(wrong),
    )


def _transfer(element: _Element, day: datetime.datetime | None, wrong: list[Problem]) -> CreditTransfer | None:
    amount = read_money(element, "IntrBkSttlmAmt", wrong)
    said = text(element, "PmtId/UETR")
    uetr = None if said is None else uuid.UUID(said)
    end_to_end_id = text(element, "PmtId/EndToEndId") or NOT_PROVIDED
    own_day = read_date(element, "IntrBkSttlmDt", datetime.UTC) or day
    if amount is None or own_day is None:
        return None
    return CreditTransfer(
        end_to_end_id=end_to_end_id,
        uetr=uetr,
        instruction_id=text(element, "PmtId/InstrId"),
        transaction_id=text(element, "PmtId/TxId"),
        amount=amount,
        settle_on=own_day.date(),
        debtor=read_party(find(element, "Dbtr"), wrong),
        debtor_account=read_account(find(element, "DbtrAcct"), "AC02", wrong),
        debtor_agent=read_agent(find(element, "DbtrAgt"), "RC03", wrong),
        creditor=read_party(find(element, "Cdtr"), wrong),
        creditor_account=read_account(find(element, "CdtrAcct"), "AC03", wrong),
        creditor_agent=read_agent(find(element, "CdtrAgt"), "RC04", wrong),
        ultimate_debtor=read_party(find(element, "UltmtDbtr"), wrong),
        ultimate_creditor=read_party(find(element, "UltmtCdtr"), wrong),
        charge_bearer=text(element, "ChrgBr") or _SHARED,
        purpose=text(element, "Purp/Cd"),
        remittance=read_remittance(find(element, "RmtInf"), end_to_end_id, uetr, wrong),
    )


def _payment_id(transfer: CreditTransfer) -> dict[str, Any]:
    return {
        "InstrId": transfer.instruction_id,
        "EndToEndId": transfer.end_to_end_id,
        "UETR": None if transfer.uetr is None else str(transfer.uetr),
    }


def _alike(transfers: Sequence[CreditTransfer], kind: str) -> CreditTransfer:
    sides = {(each.debtor, each.debtor_account, each.debtor_agent, each.settle_on) for each in transfers}
    if len(sides) != 1:
        raise MessageNotWritable("These payments are not of one debtor's account on one day.", name=kind, problems=[])
    return transfers[0]


def _one_day(transfers: Sequence[CreditTransfer]) -> bool:
    return len({each.settle_on for each in transfers}) == 1


def _control_sum(transfers: Sequence[CreditTransfer]) -> str:
    return str(sum((each.amount.amount for each in transfers[1:]), transfers[0].amount.amount))
