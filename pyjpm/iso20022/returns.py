"""Payments that come back (pacs.004), and requests that they should (camt.056). Read and written.

Decisions that govern this module:

* What they are about is named by the original's UETR, EndToEndId, transaction id and message id; never by amount alone.
* A return or a recall that cannot be used is named with its place; the others of its message stand.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pyjpm.errors.iso20022 import MalformedMessage
from pyjpm.iso20022.amounts import date_text, money_plain, read_date, read_money, time_text
from pyjpm.iso20022.checking import check, type_at
from pyjpm.iso20022.names import written
from pyjpm.iso20022.parties import Agent, agent_plain
from pyjpm.iso20022.reading import Message, Problem, find, find_all, local_name, parse, path_of, paths, text
from pyjpm.iso20022.writing import render
from pyjpm.money import Money

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNKNOWN: Final = "NOTPROVIDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The payment that a return or a recall is about.

    Attributes:
        message_id, message_name: of the message that it came in.
        end_to_end_id, instruction_id, transaction_id, uetr: its names.
        amount: of it.
        settled_on: when.
    """

    message_id: str | None = None
    message_name: str | None = None
    end_to_end_id: str | None = None
    instruction_id: str | None = None
    transaction_id: str | None = None
    uetr: uuid.UUID | None = None
    amount: Money | None = None
    settled_on: datetime.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A payment that comes back.

    Attributes:
        return_id: the sender's own name of the return, unique.
        amount: that comes back.
        reason: ISO code, such as ``AC04`` closed account.
    """

    return_id: str
    original: Original
    amount: Money
    reason: str
    settle_on: datetime.date
    information: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A request to give a payment back.

    Attributes:
        recall_id: the asker's own name of the request, unique.
        reason: ISO code, such as ``FRAD`` fraud, ``DUPL`` duplicate, ``TECH``.
    """

    recall_id: str
    original: Original
    reason: str
    information: str = ""


Item = TypeVar("Item", Return, Recall)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine(Generic[Item]):
    """One return or recall as it stands in its message: what it is, or what is wrong with it."""

    line: int
    path: str
    item: Item | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemMessage(Generic[Item]):
    """A pacs.004 or a camt.056 as read."""

    message_id: str
    lines: tuple[ItemLine[Item], ...]
    sha256: str


# --- reading ---------------------------------------------------------------------------------------------------------


def read_returns(source: bytes | Path) -> ItemMessage[Return]:
    """Reads a pacs.004. Raises as :func:`pyjpm.iso20022.parse`; MalformedMessage also where its header is unusable."""
    message = parse(source, "pacs.004")
    header = _header(message, "GrpHdr", "MsgId", without="TxInf")
    group = find(message.body, "OrgnlGrpInf")
    day = read_date(header, "IntrBkSttlmDt", datetime.UTC)
    kind = type_at(message.name.document, "PmtRtr/TxInf")

    def made(element: _Element, wrong: list[Problem]) -> Return | None:
        amount = read_money(element, "RtrdIntrBkSttlmAmt", wrong)
        settled = read_date(element, "IntrBkSttlmDt", datetime.UTC) or day
        original = _original(element, group, wrong)
        if amount is None or wrong:
            return None
        return Return(
            return_id=text(element, "RtrId") or f"{message.sha256[:16]}-{path_of(element).rpartition('/')[2]}",
            original=original,
            amount=amount,
            reason=_said_reason(element, "RtrRsnInf")
            or (_said_reason(group, "RtrRsnInf") if group is not None else ""),
            settle_on=(settled or datetime.datetime.now(datetime.UTC)).date(),
            information=_information(element, "RtrRsnInf"),
        )

    lines = tuple(_item(each, path, kind, made) for each, path in paths(find_all(message.body, "TxInf")))
    return ItemMessage(message_id=text(header, "MsgId") or "", lines=lines, sha256=message.sha256)


def read_recalls(source: bytes | Path) -> ItemMessage[Recall]:
    """Reads a camt.056; raises as :func:`read_returns`."""
    message = parse(source, "camt.056")
    header = _header(message, "Assgnmt", "Id", without="Undrlyg")
    kind = type_at(message.name.document, "FIToFIPmtCxlReq/Undrlyg/TxInf")

    def made(element: _Element, wrong: list[Problem]) -> Recall | None:
        original = _original(element, find(element, "OrgnlGrpInf"), wrong)
        if wrong:
            return None
        return Recall(
            recall_id=text(element, "CxlId") or f"{message.sha256[:16]}-{path_of(element).rpartition('/')[2]}",
            original=original,
            reason=_said_reason(element, "CxlRsnInf"),
            information=_information(element, "CxlRsnInf"),
        )

    groups = find_all(message.body, "Undrlyg")
    lines = tuple(
        _item(each, path, kind, made) for group, _ in paths(groups) for each, path in paths(find_all(group, "TxInf"))
    )
    return ItemMessage(message_id=text(header, "Id") or "", lines=lines, sha256=message.sha256)


def _header(message: Message, name: str, identifier: str, *, without: str) -> _Element:
    wrong = check(message.body, type_at(message.name.document, local_name(message.body)), without={without})
    header = find(message.body, name)
    if wrong or header is None or text(header, identifier) is None:
        line = wrong[0].line if wrong else int(message.body.sourceline or 0)
        raise MalformedMessage(
            "The message has no usable header.", line=line, problems=[each.to_dict() for each in wrong]
        )
    return header


def _item(
    element: _Element, path: str, kind: type[Any], made: Callable[[_Element, list[Problem]], Item | None]
) -> ItemLine[Item]:
    wrong = check(element, kind)
    item = None if wrong else made(element, wrong)
    return ItemLine(
        line=int(element.sourceline or 0),
        path=path,
        item=None if wrong else item,
        problems=tuple(wrong),
    )


def _original(element: _Element, group: _Element | None, wrong: list[Problem]) -> Original:
    uetr = text(element, "OrgnlUETR")
    own = find(element, "OrgnlGrpInf")
    where = own if own is not None else group
    settled = read_date(element, "OrgnlIntrBkSttlmDt", datetime.UTC)
    return Original(
        message_id=None if where is None else text(where, "OrgnlMsgId"),
        message_name=None if where is None else text(where, "OrgnlMsgNmId"),
        end_to_end_id=text(element, "OrgnlEndToEndId"),
        instruction_id=text(element, "OrgnlInstrId"),
        transaction_id=text(element, "OrgnlTxId"),
        uetr=None if uetr is None else uuid.UUID(uetr),
        amount=read_money(element, "OrgnlIntrBkSttlmAmt", wrong),
        settled_on=None if settled is None else settled.date(),
    )


def _said_reason(element: _Element, name: str) -> str:
    return text(element, f"{name}/Rsn/Cd", f"{name}/Rsn/Prtry") or ""


def _information(element: _Element, name: str) -> str:
    return " ".join(each.text or "" for each in find_all(element, f"{name}/AddtlInf"))


# --- writing ---------------------------------------------------------------------------------------------------------


def write_returns(
    returns: Sequence[Return],
    *,
    message_id: str,
    instructing: Agent,
    instructed: Agent,
    created: datetime.datetime | None = None,
    settlement: str = "INDA",
) -> bytes:
    """A pacs.004.001.11. Raises MessageNotWritable."""
    header = {
        "MsgId": message_id,
        "CreDtTm": time_text(created or datetime.datetime.now(datetime.UTC)),
        "NbOfTxs": str(len(returns)),
        "SttlmInf": {"SttlmMtd": settlement},
        "InstgAgt": agent_plain(instructing),
        "InstdAgt": agent_plain(instructed),
    }
    items = [
        {
            "RtrId": each.return_id,
            **_original_plain(each.original),
            "RtrdIntrBkSttlmAmt": money_plain(each.amount),
            "IntrBkSttlmDt": date_text(each.settle_on),
            "RtrRsnInf": [{"Rsn": {"Cd": each.reason}, "AddtlInf": [each.information[:105] or None]}],
        }
        for each in returns
    ]
    return render(written("pacs.004"), {"GrpHdr": header, "TxInf": items})


def write_recalls(
    recalls: Sequence[Recall],
    *,
    message_id: str,
    assigner: Agent,
    assignee: Agent,
    created: datetime.datetime | None = None,
) -> bytes:
    """A camt.056.001.08. Raises MessageNotWritable."""
    assignment = {
        "Id": message_id,
        "Assgnr": {"Agt": agent_plain(assigner)},
        "Assgne": {"Agt": agent_plain(assignee)},
        "CreDtTm": time_text(created or datetime.datetime.now(datetime.UTC)),
    }
    items = [
        {
            "CxlId": each.recall_id,
            **_original_plain(each.original),
            "CxlRsnInf": [{"Rsn": {"Cd": each.reason}, "AddtlInf": [each.information[:105] or None]}],
        }
        for each in recalls
    ]
    body = {"Assgnmt": assignment, "CtrlData": {"NbOfTxs": str(len(recalls))}, "Undrlyg": [{"TxInf": items}]}
    return render(written("camt.056"), body)


def _original_plain(original: Original) -> dict[str, Any]:
    named = original.message_id is not None or original.message_name is not None
    return {
        "OrgnlGrpInf": {
            "OrgnlMsgId": original.message_id or _UNKNOWN,
            "OrgnlMsgNmId": original.message_name or "pacs.008.001.08",
        }
        if named
        else None,
        "OrgnlInstrId": original.instruction_id,
        "OrgnlEndToEndId": original.end_to_end_id,
        "OrgnlTxId": original.transaction_id,
        "OrgnlUETR": None if original.uetr is None else str(original.uetr),
        "OrgnlIntrBkSttlmAmt": None if original.amount is None else money_plain(original.amount),
        "OrgnlIntrBkSttlmDt": None if original.settled_on is None else date_text(original.settled_on),
    }
