"""A corporate's payment file (pain.001), read: instruction by instruction, each with its place and what is wrong.

Decisions that govern this module:

* What concerns the whole file (its header, the number of payments, the control sum) refuses all of it; what concerns
  one block (``PmtInf``) refuses that block; what concerns one instruction refuses that one. The others go on.
* Sums are of what the file says, taken before any instruction is judged: a wrong instruction must not hide a lost one.
* An instruction is known by block and instruction id (else EndToEndId): a second one under the same is a duplicate,
  wherever it stands. ``NOTPROVIDED`` names nothing; then the place in the file does.
* What is not carried out is refused, never half understood: cheques, exchange, equivalent amounts.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyjpm.errors.iso20022 import MalformedMessage
from pyjpm.iso20022.amounts import read_date, read_money
from pyjpm.iso20022.checking import check, type_at
from pyjpm.iso20022.names import MessageName
from pyjpm.iso20022.parties import NO_PARTY, Account, Agent, Party, read_account, read_agent, read_party
from pyjpm.iso20022.reading import Message, Problem, find, find_all, parse, paths, problem, text
from pyjpm.iso20022.remitting import read_remittance
from pyjpm.money import Money
from pyjpm.remittance import Remittance

if TYPE_CHECKING:
    from lxml.etree import _Element

NOT_PROVIDED: Final = "NOTPROVIDED"
_BLOCK: Final = "CstmrCdtTrfInitn/PmtInf"
_FARTHEST: Final = datetime.timedelta(days=366)
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One payment of a file, nothing wrong with it.

    Attributes:
        position: in the file as received, from 0, over all its blocks.
        payment_id, instruction_id, end_to_end_id, uetr: what names it; ``instruction_id`` may be missing.
        amount: more than zero.
        execute_on: not before; of a date its start in the bank's time zone.
        remittance: what it is for, with EndToEndId and UETR.
        key: of the instruction within its file, ever the same; its idempotency key has the message id before it.
    """

    position: int
    payment_id: str
    instruction_id: str | None
    end_to_end_id: str
    uetr: uuid.UUID | None
    amount: Money
    execute_on: datetime.datetime
    debtor: Party
    debtor_account: Account
    debtor_agent: Agent
    creditor: Party
    creditor_account: Account
    creditor_agent: Agent
    ultimate_debtor: Party
    ultimate_creditor: Party
    charge_bearer: str | None
    purpose: str | None
    remittance: Remittance = field(repr=False)
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One instruction as it stands in the file: what it is, or what is wrong with it."""

    position: int
    line: int
    path: str
    payment_id: str
    instruction_id: str | None
    end_to_end_id: str | None
    uetr: str | None
    instruction: Instruction | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFile:
    """A pain.001 as read.

    Attributes:
        name: its version.
        message_id, created: of its header.
        sender: who sent it; ``sender_key`` names them, for what is unique per sender.
        count, control_sum: as the file says them.
        problems: what refuses all of it.
        lines: every instruction, in the order of the file.
        sha256: of its bytes.
    """

    name: MessageName
    message_id: str
    created: str
    sender: Party
    count: int
    control_sum: str | None
    problems: tuple[Problem, ...]
    lines: tuple[Line, ...]
    sha256: str

    @property
    def sender_key(self) -> str:
        """The sender's most certain identifier, else its name."""
        return ":".join(self.sender.identifiers[0]) if self.sender.identifiers else f"NAME:{self.sender.name}"

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """Those with which nothing is wrong."""
        return tuple(line.instruction for line in self.lines if line.instruction is not None)


def read_payment_file(
    source: bytes | Path, *, zone: datetime.tzinfo = datetime.UTC, today: datetime.datetime | None = None
) -> PaymentFile:
    """Reads a pain.001.

    Args:
        source: its bytes, or a file.
        zone: of the bank: when a requested execution date begins.
        today: now, by which a date may be too far away; the clock's if None.

    Raises as :func:`pyjpm.iso20022.parse`; MalformedMessage also where there is no message id to answer to.
    """
    message = parse(source, "pain.001")
    header = find(message.body, "GrpHdr")
    message_id = None if header is None else text(header, "MsgId")
    if header is None or message_id is None or len(message_id) > 35:
        raise MalformedMessage("The file has no header with a message id.", line=int(message.body.sourceline or 0))
    document = message.name.document
    blocks = find_all(message.body, "PmtInf")
    found = check(message.body, type_at(document, "CstmrCdtTrfInitn"), without={"PmtInf"})
    sender = read_party(find(header, "InitgPty"), found)
    everything = [each for block in blocks for each in find_all(block, "CdtTrfTxInf")]
    found += _sums(header, everything, ("AM19", "AM16"))
    reader = _Reader(message, zone, today or datetime.datetime.now(datetime.UTC), tuple(found))
    lines = [line for block, _ in paths(blocks) for line in reader.block(block)]
    return PaymentFile(
        name=message.name,
        message_id=message_id,
        created=text(header, "CreDtTm") or "",
        sender=sender,
        count=len(everything),
        control_sum=text(header, "CtrlSum"),
        problems=tuple(found),
        lines=tuple(lines),
        sha256=message.sha256,
    )


def _sums(header: _Element, payments: list[_Element], codes: tuple[str, str]) -> list[Problem]:
    """Whether the number and the sum that a header says are those of its payments."""
    found = []
    count, control = text(header, "NbOfTxs"), text(header, "CtrlSum")
    if count is not None and count.isdecimal() and int(count) != len(payments):
        found.append(problem(codes[0], f"It says {int(count)} payments, there are {len(payments)}.", header, "NbOfTxs"))
    if control is not None and _NUMBER.fullmatch(control):
        amounts = [text(each, "Amt/InstdAmt", "Amt/EqvtAmt/Amt") or "" for each in payments]
        summed = sum((Decimal(each) for each in amounts if _NUMBER.fullmatch(each)), Decimal())
        if summed != Decimal(control):
            found.append(problem(codes[1], "The control sum is not the sum of the amounts.", header, "CtrlSum"))
    return found


class _Reader:
    """The instructions of one file, in order."""

    def __init__(
        self, message: Message, zone: datetime.tzinfo, now: datetime.datetime, refused: tuple[Problem, ...]
    ) -> None:
        document = message.name.document
        self._zone, self._now, self._refused = zone, now, refused
        self._block_type = type_at(document, _BLOCK)
        self._payment_type = type_at(document, f"{_BLOCK}/CdtTrfTxInf")
        self._blocks: set[str] = set()
        self._keys: Counter[str] = Counter()
        self._position = 0

    def block(self, block: _Element) -> list[Line]:
        """All of a block's instructions."""
        wrong = check(block, self._block_type, without={"CdtTrfTxInf"})
        payments = find_all(block, "CdtTrfTxInf")
        wrong += _sums(block, payments, ("AM20", "AM17"))
        payment_id = text(block, "PmtInfId") or ""
        if payment_id in self._blocks:
            wrong.append(problem("DU02", "Another block of this file has this id.", block, "PmtInfId"))
        self._blocks.add(payment_id)
        if (method := text(block, "PmtMtd")) is not None and method != "TRF":
            wrong.append(problem("FF05", "Only transfers (TRF) are carried out.", block, "PmtMtd"))
        execute_on = read_date(block, "ReqdExctnDt", self._zone)
        if execute_on is None:
            wrong.append(problem("DT01", "There is no requested execution date.", block, "ReqdExctnDt"))
        elif execute_on > self._now + _FARTHEST:
            wrong.append(problem("CH03", "The requested execution date is too far away.", block, "ReqdExctnDt"))
        payer = (
            read_party(find(block, "Dbtr"), wrong),
            read_account(find(block, "DbtrAcct"), "AC02", wrong),
            read_agent(find(block, "DbtrAgt"), "RC03", wrong),
            read_party(find(block, "UltmtDbtr"), wrong),
        )
        # A fault of the file refuses each of its instructions, and is said once, of the file.
        stopped = bool(self._refused)
        return [
            self._line(block, each, path, payment_id, execute_on, payer, tuple(wrong), stopped)
            for each, path in paths(payments)
        ]

    def _line(
        self,
        block: _Element,
        element: _Element,
        path: str,
        payment_id: str,
        execute_on: datetime.datetime | None,
        payer: tuple[Party, Account, Agent, Party],
        block_wrong: tuple[Problem, ...],
        stopped: bool,
    ) -> Line:
        position, self._position = self._position, self._position + 1
        wrong = check(element, self._payment_type)
        instruction_id, end_to_end_id = text(element, "PmtId/InstrId"), text(element, "PmtId/EndToEndId")
        said_uetr = text(element, "PmtId/UETR")
        key = self._key(element, payment_id, instruction_id, end_to_end_id, position, wrong)
        instruction = None
        if not wrong:
            instruction = self._instruction(
                block, element, position, payment_id, end_to_end_id or "", execute_on, payer, key, wrong
            )
        problems = (*block_wrong, *wrong)
        return Line(
            position=position,
            line=int(element.sourceline or 0),
            path=path,
            payment_id=payment_id,
            instruction_id=instruction_id,
            end_to_end_id=end_to_end_id,
            uetr=said_uetr,
            instruction=None if problems or stopped else instruction,
            problems=problems,
        )

    def _key(
        self,
        element: _Element,
        payment_id: str,
        instruction_id: str | None,
        end_to_end_id: str | None,
        position: int,
        wrong: list[Problem],
    ) -> str:
        by_reference = end_to_end_id is not None and end_to_end_id != NOT_PROVIDED
        name = instruction_id or (end_to_end_id if by_reference else None)
        if name is None:
            return f"{payment_id}/#{position}"
        key = f"{payment_id}/{'I' if instruction_id else 'E'}/{name}"
        self._keys[key] += 1
        if self._keys[key] > 1:
            code, path = ("DU03", "PmtId/InstrId") if instruction_id else ("DU04", "PmtId/EndToEndId")
            wrong.append(
                problem(code, "Another instruction of this block has this id; the first one counts.", element, path)
            )
        return key

    def _instruction(
        self,
        block: _Element,
        element: _Element,
        position: int,
        payment_id: str,
        end_to_end_id: str,
        execute_on: datetime.datetime | None,
        payer: tuple[Party, Account, Agent, Party],
        key: str,
        wrong: list[Problem],
    ) -> Instruction | None:
        amount = read_money(element, "Amt/InstdAmt", wrong)
        for path, said in (("Amt/EqvtAmt", "equivalent amounts"), ("XchgRateInf", "exchange"), ("ChqInstr", "cheques")):
            if find(element, path) is not None:
                wrong.append(problem("FF05", f"Orders with {said} are not carried out.", element, path))
        if amount is not None and amount.minor <= 0:
            wrong.append(problem("AM01", "The amount is not more than zero.", element, "Amt/InstdAmt"))
        said_uetr = text(element, "PmtId/UETR")
        uetr = None if said_uetr is None else uuid.UUID(said_uetr)
        creditor = read_party(find(element, "Cdtr"), wrong)
        account = read_account(find(element, "CdtrAcct"), "AC03", wrong)
        agent = read_agent(find(element, "CdtrAgt"), "RC04", wrong)
        ultimate = read_party(find(element, "UltmtCdtr"), wrong)
        remittance = read_remittance(find(element, "RmtInf"), end_to_end_id, uetr, wrong)
        if not (account.identifiers or creditor.identifiers):
            wrong.append(problem("AC03", "Nothing but a name says who is to be paid.", element, "Cdtr"))
        if amount is None or execute_on is None or wrong:
            return None
        debtor, debtor_account, debtor_agent, ultimate_debtor = payer
        own_ultimate = read_party(find(element, "UltmtDbtr"), wrong)
        return Instruction(
            position=position,
            payment_id=payment_id,
            instruction_id=text(element, "PmtId/InstrId"),
            end_to_end_id=end_to_end_id,
            uetr=uetr,
            amount=amount,
            execute_on=execute_on,
            debtor=debtor,
            debtor_account=debtor_account,
            debtor_agent=debtor_agent,
            creditor=creditor,
            creditor_account=account,
            creditor_agent=agent,
            ultimate_debtor=own_ultimate if own_ultimate != NO_PARTY else ultimate_debtor,
            ultimate_creditor=ultimate,
            charge_bearer=text(element, "ChrgBr") or text(block, "ChrgBr"),
            purpose=text(element, "Purp/Cd", "Purp/Prtry"),
            remittance=remittance,
            key=key,
        )
