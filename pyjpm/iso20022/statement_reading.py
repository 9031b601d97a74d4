"""camt.052, camt.053 and camt.054 read: what a bank says happened on an account, entry by entry.

Decisions that govern this module:

* An entry that cannot be used is named with its place; the others stand. A bank's statement is not sent back for one
  line.
* Booked balances are checked where both are there: a statement that does not add up is said to, and is not mended.
* Details whose amounts do not come to the entry's are a problem of that entry: nobody guesses which one is right.
"""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyjpm.errors.iso20022 import MalformedMessage
from pyjpm.iso20022.amounts import read_date, read_money, total
from pyjpm.iso20022.checking import check, type_at
from pyjpm.iso20022.entries import NO_NAME, AccountReport, BankEntry, BankMessage, Rejected, Transaction
from pyjpm.iso20022.parties import read_account, read_agent, read_party
from pyjpm.iso20022.reading import Message, Problem, find, find_all, local_name, parse, paths, problem, text
from pyjpm.iso20022.remitting import read_remittance
from pyjpm.money import Money

if TYPE_CHECKING:
    from lxml.etree import _Element

KINDS: Final = {"camt.052": "Rpt", "camt.053": "Stmt", "camt.054": "Ntfctn"}
_OPENING: Final = ("OPBD", "PRCD")


def read_bank_message(source: bytes | Path, *expected: str, zone: datetime.tzinfo = datetime.UTC) -> BankMessage:
    """Reads an account report (camt.052), statement (camt.053) or debit and credit notice (camt.054).

    Args:
        source: its bytes, or a file.
        expected: which of the three; any if none is given.
        zone: of the bank: when its dates begin.

    Raises as :func:`pyjpm.iso20022.parse`; MalformedMessage also without a message id.
    """
    message = parse(source, *(expected or tuple(KINDS)))
    part = KINDS[message.name.kind]
    wrong = check(message.body, type_at(message.name.document, local_name(message.body)), without={part})
    header = find(message.body, "GrpHdr")
    message_id = None if header is None else text(header, "MsgId")
    if header is None or message_id is None or wrong:
        line = wrong[0].line if wrong else int(message.body.sourceline or 0)
        raise MalformedMessage("The message has no usable header.", line=line, problems=[p.to_dict() for p in wrong])
    reader = _Reader(message, zone)
    return BankMessage(
        name=message.name,
        message_id=message_id,
        created=text(header, "CreDtTm") or "",
        reports=tuple(reader.report(each) for each in find_all(message.body, part)),
        sha256=message.sha256,
    )


class _Reader:
    def __init__(self, message: Message, zone: datetime.tzinfo) -> None:
        where = f"{local_name(message.body)}/{KINDS[message.name.kind]}"
        self._report_type = type_at(message.name.document, where)
        self._entry_type = type_at(message.name.document, f"{where}/Ntry")
        self._zone = zone

    def report(self, element: _Element) -> AccountReport:
        """One account's part."""
        wrong = check(element, self._report_type, without={"Ntry"})
        account = find(element, "Acct")
        currency = None if account is None else text(account, "Ccy")
        entries: list[BankEntry] = []
        rejected: list[Rejected] = []
        for each, path in paths(find_all(element, "Ntry")):
            found = self._entry(each, path)
            if isinstance(found, BankEntry):
                entries.append(found)
            else:
                rejected.append(found)
        balances = _balances(element, wrong)
        if not rejected:
            wrong += _adds_up(element, balances, entries)
        return AccountReport(
            id=text(element, "Id") or "",
            account=read_account(account, "AC01", wrong),
            servicer=read_agent(None if account is None else find(account, "Svcr"), "RC01", wrong),
            currency=currency,
            balances=balances,
            entries=tuple(entries),
            rejected=tuple(rejected),
            problems=tuple(wrong),
        )

    def _entry(self, element: _Element, path: str) -> BankEntry | Rejected:
        wrong = check(element, self._entry_type)
        line = int(element.sourceline or 0)
        amount = None if wrong else read_money(element, "Amt", wrong)
        if amount is not None and amount.minor <= 0:
            wrong.append(problem("AM01", "The amount is not more than zero.", element, "Amt"))
        if amount is None or wrong:
            return Rejected(line=line, path=path, problems=tuple(wrong))
        credit = text(element, "CdtDbtInd") == "CRDT"
        transactions = tuple(self._transaction(each, credit, wrong) for each in find_all(element, "NtryDtls/TxDtls"))
        amounts = [each.amount for each in transactions if each.amount is not None]
        # Charges and exchange make them differ; where they are in the account's currency, they must come to the entry.
        if len(amounts) == len(transactions) > 1 and {each.currency for each in amounts} == {amount.currency}:
            signed = [each if tx.credit == credit else -each for each, tx in zip(amounts, transactions, strict=True)]
            if total(signed) != amount:
                wrong.append(problem("AM09", "Its transactions do not come to the entry's amount.", element, "Amt"))
        if wrong:
            return Rejected(line=line, path=path, problems=tuple(wrong))
        return BankEntry(
            reference=_reference(element, "AcctSvcrRef") or _reference(element, "NtryRef") or "",
            bank_reference=_reference(element, "AcctSvcrRef"),
            amount=amount,
            credit=credit,
            reversal=text(element, "RvslInd") in ("true", "1"),
            status=text(element, "Sts/Cd", "Sts/Prtry", "Sts") or "",
            booked=read_date(element, "BookgDt", self._zone),
            value=read_date(element, "ValDt", self._zone),
            code=_code(element),
            transactions=transactions,
            line=line,
            path=path,
        )

    def _transaction(self, element: _Element, entry_credit: bool, wrong: list[Problem]) -> Transaction:
        said = text(element, "CdtDbtInd")
        reference = text(element, "Refs/EndToEndId")
        uetr = text(element, "Refs/UETR")
        identity = None if uetr is None else uuid.UUID(uetr)
        path = "Amt" if find(element, "Amt") is not None else "AmtDtls/TxAmt/Amt"
        # What is wrong with how somebody else is named is no reason to refuse money that the bank has booked.
        ignored: list[Problem] = []
        return Transaction(
            amount=read_money(element, path, wrong),
            credit=entry_credit if said is None else said == "CRDT",
            end_to_end_id=reference,
            instruction_id=text(element, "Refs/InstrId"),
            transaction_id=text(element, "Refs/TxId"),
            uetr=identity,
            bank_reference=_reference(element, "Refs/AcctSvcrRef"),
            message_id=text(element, "Refs/MsgId"),
            debtor=read_party(find(element, "RltdPties/Dbtr"), ignored),
            debtor_account=read_account(find(element, "RltdPties/DbtrAcct"), "AC02", ignored),
            debtor_agent=read_agent(find(element, "RltdAgts/DbtrAgt"), "RC03", ignored),
            creditor=read_party(find(element, "RltdPties/Cdtr"), ignored),
            creditor_account=read_account(find(element, "RltdPties/CdtrAcct"), "AC03", ignored),
            creditor_agent=read_agent(find(element, "RltdAgts/CdtrAgt"), "RC04", ignored),
            return_reason=text(element, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"),
            remittance=None
            if reference is None
            else read_remittance(find(element, "RmtInf"), reference, identity, ignored),
            information=text(element, "AddtlTxInf") or "",
        )


def _reference(element: _Element, path: str) -> str | None:
    said = text(element, path)
    return None if said in NO_NAME else said


def _code(element: _Element) -> str:
    domain = [text(element, f"BkTxCd/Domn/{path}") for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    said = [each for each in domain if each]
    return "/".join(said) if said else text(element, "BkTxCd/Prtry/Cd") or ""


def _balances(element: _Element, wrong: list[Problem]) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for balance in find_all(element, "Bal"):
        amount = read_money(balance, "Amt", wrong)
        code = text(balance, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry")
        if amount is not None and code is not None:
            found[code] = amount if text(balance, "CdtDbtInd") == "CRDT" else -amount
    return found


def _adds_up(element: _Element, balances: dict[str, Money], entries: list[BankEntry]) -> list[Problem]:
    opening = next((balances[code] for code in _OPENING if code in balances), None)
    closing = balances.get("CLBD")
    if opening is None or closing is None:
        return []
    booked = [entry for entry in entries if entry.status == "BOOK"]
    currencies = {each.currency for each in (opening, closing, *(entry.amount for entry in booked))}
    moved = sum(entry.amount.minor if entry.credit else -entry.amount.minor for entry in booked)
    if len(currencies) == 1 and opening.minor + moved == closing.minor:
        return []
    return [problem("AM10", "The entries do not lead from the opening to the closing balance.", element, "Bal")]
