"""The answer to a payment file (pain.002): one status for each instruction. Written, and read where a bank answers us.

Decisions that govern this module:

* The answer is in the version that belongs to the question: a pain.001.001.03 is answered by a pain.002.001.03.
* Every instruction of the file is in it, with the ids that it had, whatever became of it.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pyjpm.errors.iso20022 import MalformedMessage
from pyjpm.iso20022.amounts import time_text
from pyjpm.iso20022.checking import check, type_at
from pyjpm.iso20022.names import MessageName, written
from pyjpm.iso20022.parties import NO_PARTY, Party, party_plain
from pyjpm.iso20022.reading import Problem, find, find_all, parse, text
from pyjpm.iso20022.writing import render

ACCEPTED: Final = "ACSP"
SETTLED: Final = "ACSC"
PENDING: Final = "PDNG"
REJECTED: Final = "RJCT"
PARTLY: Final = "PART"
_OLDEST: Final = "03"
_LONGEST: Final = 105


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusLine:
    """What became of one instruction.

    Attributes:
        status: ``ACSC`` settled, ``ACSP`` on its way, ``PDNG`` waiting, ``RJCT`` refused.
        reasons: (ISO code, text) of a refusal, or of why it waits.
    """

    payment_id: str
    instruction_id: str | None
    end_to_end_id: str | None
    uetr: str | None
    status: str
    reasons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMessage:
    """A pain.002 as read."""

    message_id: str
    original_message_id: str
    group_status: str | None
    group_reasons: tuple[tuple[str, str], ...]
    lines: tuple[StatusLine, ...]
    sha256: str


def group_status(lines: Sequence[StatusLine]) -> str:
    """The status of a file out of those of its instructions."""
    states = {line.status for line in lines}
    if len(states) == 1:
        return states.pop()
    return PARTLY if REJECTED in states else PENDING if PENDING in states else ACCEPTED


def write_status(
    original: MessageName,
    *,
    message_id: str,
    original_message_id: str,
    count: int,
    control_sum: str | None,
    lines: Sequence[StatusLine],
    problems: Sequence[Problem] = (),
    sender: Party = NO_PARTY,
    created: datetime.datetime | None = None,
) -> bytes:
    """A pain.002.

    Args:
        original: name and version of what it answers, ``original_message_id`` its id.
        count, control_sum: as the file said them.
        lines: in the order of the file.
        problems: what refused the whole file.
        sender: the bank that answers.

    Raises:
        MessageNotWritable
    """
    old = original.version == _OLDEST
    now = created or datetime.datetime.now(datetime.UTC)
    blocks = [(name, list(each)) for name, each in groupby(lines, key=lambda line: line.payment_id)]
    body = {
        "GrpHdr": {"MsgId": message_id, "CreDtTm": time_text(now), "InitgPty": party_plain(sender)},
        "OrgnlGrpInfAndSts": {
            "OrgnlMsgId": original_message_id,
            "OrgnlMsgNmId": str(original),
            "OrgnlNbOfTxs": str(count),
            "OrgnlCtrlSum": control_sum,
            "GrpSts": REJECTED if problems else group_status(lines) if lines else None,
            "StsRsnInf": [_reason((each.code, f"{each.text} (line {each.line}, {each.path})")) for each in problems],
        },
        "OrgnlPmtInfAndSts": [
            {
                "OrgnlPmtInfId": name or "NOTPROVIDED",
                "PmtInfSts": group_status(each),
                "TxInfAndSts": [_line(line, old) for line in each],
            }
            for name, each in blocks
        ],
    }
    return render(written("pain.002", _OLDEST if old else None), body)


def _line(line: StatusLine, old: bool) -> dict[str, Any]:
    return {
        "OrgnlInstrId": line.instruction_id and line.instruction_id[:35],
        "OrgnlEndToEndId": line.end_to_end_id and line.end_to_end_id[:35],
        "OrgnlUETR": None if old else line.uetr,
        "TxSts": line.status,
        "StsRsnInf": [_reason(each) for each in line.reasons],
    }


def _reason(reason: tuple[str, str]) -> dict[str, Any]:
    code, said = reason
    pieces = [said[start : start + _LONGEST] for start in range(0, len(said), _LONGEST)]
    return {"Rsn": {"Cd": code}, "AddtlInf": pieces[:4]}


def read_status(source: bytes | Path) -> StatusMessage:
    """Reads a pain.002.

    Raises as :func:`pyjpm.iso20022.parse`; MalformedMessage also where it is not what the standard allows: it decides
    about payments, so nothing of it is used then.
    """
    message = parse(source, "pain.002")
    wrong = check(message.body, type_at(message.name.document, "CstmrPmtStsRpt"))
    header, original = find(message.body, "GrpHdr"), find(message.body, "OrgnlGrpInfAndSts")
    if wrong or header is None or original is None:
        line = wrong[0].line if wrong else int(message.body.sourceline or 0)
        raise MalformedMessage(
            "The report is not what the standard allows.", line=line, problems=[each.to_dict() for each in wrong]
        )
    lines = []
    for block in find_all(message.body, "OrgnlPmtInfAndSts"):
        payment_id, block_status = text(block, "OrgnlPmtInfId") or "", text(block, "PmtInfSts")
        for each in find_all(block, "TxInfAndSts"):
            lines.append(
                StatusLine(
                    payment_id=payment_id,
                    instruction_id=text(each, "OrgnlInstrId"),
                    end_to_end_id=text(each, "OrgnlEndToEndId"),
                    uetr=text(each, "OrgnlUETR"),
                    status=text(each, "TxSts") or block_status or "",
                    reasons=_reasons(each),
                )
            )
    return StatusMessage(
        message_id=text(header, "MsgId") or "",
        original_message_id=text(original, "OrgnlMsgId") or "",
        group_status=text(original, "GrpSts"),
        group_reasons=_reasons(original),
        lines=tuple(lines),
        sha256=message.sha256,
    )


def _reasons(element: Any) -> tuple[tuple[str, str], ...]:
    return tuple(
        (
            text(each, "Rsn/Cd", "Rsn/Prtry") or "",
            "".join(part.text or "" for part in find_all(each, "AddtlInf")),
        )
        for each in find_all(element, "StsRsnInf")
    )
