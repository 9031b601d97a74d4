"""What a payment is for: ISO 20022's remittance information to and from ours.

Decisions that govern this module:

* Invoices and credit notes whose amounts are said become documents. What says no amount, is of another kind or
  currency, or does not fit, is not guessed at: it is kept as text, so that nothing the payer said is lost.
"""

from __future__ import annotations

import datetime
import uuid
from typing import TYPE_CHECKING, Any

from pyjpm.errors.remittance import InvalidRemittance
from pyjpm.iso20022.amounts import date_text, money_plain, read_money
from pyjpm.iso20022.reading import Problem, find, find_all, problem, text
from pyjpm.money import Money
from pyjpm.remittance import DocumentKind, Remittance, RemittanceDocument

if TYPE_CHECKING:
    from lxml.etree import _Element

_LINE = 140


def read_remittance(
    element: _Element | None, end_to_end_id: str, uetr: uuid.UUID | None, found: list[Problem]
) -> Remittance:
    """What an element ``RmtInf`` says; amounts that are none go to ``found``."""
    documents: list[RemittanceDocument] = []
    texts: list[str] = []
    if element is not None:
        texts += [(each.text or "").strip() for each in find_all(element, "Ustrd")]
        for structured in find_all(element, "Strd"):
            document = _document(structured, found)
            if document is not None and (not documents or documents[0].amount.currency == document.amount.currency):
                documents.append(document)
            else:
                texts += [
                    f"{_code(each)} {text(each, 'Nb') or ''}".strip() for each in find_all(structured, "RfrdDocInf")
                ]
            if reference := text(structured, "CdtrRefInf/Ref"):
                texts.append(reference)
            texts += [(each.text or "").strip() for each in find_all(structured, "AddtlRmtInf")]
    said = "\n".join(each for each in texts if each)
    try:
        return Remittance(end_to_end_id=end_to_end_id, uetr=uetr, documents=tuple(documents), text=said)
    except InvalidRemittance as error:
        assert element is not None  # ids alone are right, the standard's lengths are ours
        found.append(problem("NARR", error.message, element))
        return Remittance(end_to_end_id=end_to_end_id, uetr=uetr)


def _code(information: _Element) -> str:
    return text(information, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry") or ""


def _document(structured: _Element, found: list[Problem]) -> RemittanceDocument | None:
    referred = find_all(structured, "RfrdDocInf")
    amounts = find(structured, "RfrdDocAmt")
    if len(referred) != 1 or amounts is None:
        return None
    try:
        kind = DocumentKind(_code(referred[0]))
    except ValueError:
        return None
    due = read_money(amounts, "CdtNoteAmt" if kind is DocumentKind.CREDIT_NOTE else "DuePyblAmt", found)
    remitted = read_money(amounts, "RmtdAmt", found)
    amount = due if due is not None else remitted
    discount = "DscntApldAmt/Amt" if find(amounts, "DscntApldAmt/Amt") is not None else "DscntApldAmt"
    tax = "TaxAmt/Amt" if find(amounts, "TaxAmt/Amt") is not None else "TaxAmt"
    number = text(referred[0], "Nb")
    if amount is None or number is None:
        return None
    try:
        return RemittanceDocument(
            kind=kind,
            number=number,
            amount=amount,
            tax=read_money(amounts, tax, found),
            discount=read_money(amounts, discount, found),
            remitted=remitted,
            issued=_date(text(referred[0], "RltdDt/Dt", "RltdDt")),
        )
    except InvalidRemittance:
        return None


def _date(said: str | None) -> datetime.date | None:
    try:
        return None if said is None else datetime.date.fromisoformat(said[:10])
    except ValueError:
        return None


def remittance_plain(remittance: Remittance | None) -> dict[str, Any]:
    """A remittance by element names: its documents structured, its text in lines of 140 characters."""
    if remittance is None:
        return {}
    lines = [
        line[start : start + _LINE]
        for line in remittance.text.splitlines()
        for start in range(0, max(1, len(line)), _LINE)
    ]
    return {
        "Ustrd": [line for line in lines if line.strip()],
        "Strd": [_document_plain(document) for document in remittance.documents],
    }


def _document_plain(document: RemittanceDocument) -> dict[str, Any]:
    note = document.kind is DocumentKind.CREDIT_NOTE
    return {
        "RfrdDocInf": [
            {
                "Tp": {"CdOrPrtry": {"Cd": document.kind.value}},
                "Nb": document.number,
                "RltdDt": None if document.issued is None else date_text(document.issued),
            }
        ],
        "RfrdDocAmt": {
            "CdtNoteAmt" if note else "DuePyblAmt": money_plain(document.amount),
            "DscntApldAmt": [{"Amt": money_plain(part)} for part in _said(document.discount)],
            "TaxAmt": [{"Amt": money_plain(part)} for part in _said(document.tax)],
            "RmtdAmt": next((money_plain(part) for part in _said(document.remitted)), None),
        },
    }


def _said(amount: Money | None) -> tuple[Money, ...]:
    return () if amount is None else (amount,)
