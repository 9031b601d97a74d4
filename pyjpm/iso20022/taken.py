"""A payment file that was taken in, and what has become of each of its instructions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from pyjpm.errors.sending import SubmissionNotFound
from pyjpm.iso20022.initiation import PaymentFile
from pyjpm.iso20022.refusals import reason_for
from pyjpm.iso20022.status import ACCEPTED, PENDING, REJECTED, SETTLED
from pyjpm.money import Money
from pyjpm.sending import Submission
from pyjpm.session import Session
from pyjpm.status import Status, status_of

RECEIVED: Final = "RECEIVED"
SENT: Final = "SENT"
UNROUTED: Final = "UNROUTED"
CONCLUDED: Final = "CONCLUDED"
REFUSED: Final = "REJECTED"
_PENDING_STATES: Final = ("RECEIVED", "SCHEDULED")
_LOST: Final = ("NARR", "SUBMISSION_NOT_FOUND: Its journal was lost; the same file again asks for it again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenInstruction:
    """An instruction of a file that was taken in, as it is now.

    Attributes:
        state: ``RECEIVED``, ``SENT`` as a payment on the chain, ``UNROUTED``, ``CONCLUDED`` by another rail, or
            ``REJECTED``.
        status: ISO: ``ACSC`` settled, ``ACSP`` on its way, ``PDNG`` waiting, ``RJCT`` refused.
        amount: None where the file says none that can be used.
        payer, payee: participants, once known.
        submission, reference: of the payment on the chain.
        reasons: (ISO code, text).
    """

    position: int
    payment_id: str
    instruction_id: str | None
    end_to_end_id: str | None
    uetr: str | None
    amount: Money | None
    state: str
    status: str
    payer: int | None
    payee: int | None
    submission: str | None
    reference: str | None
    reasons: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """The instruction as JSON-able data."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in ("amount", "reasons")}
        amount = None if self.amount is None else self.amount.to_dict()
        return {**plain, "amount": amount, "reasons": [list(each) for each in self.reasons]}


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A file that was taken in. ``file`` is what it says, ``instructions`` what became of it, in its order."""

    id: str
    file: PaymentFile
    instructions: tuple[TakenInstruction, ...]

    @property
    def refused(self) -> bool:
        """Whether all of it was refused, for what is wrong with the file."""
        return bool(self.file.problems)

    def to_dict(self) -> dict[str, Any]:
        """The file as JSON-able data."""
        return {
            "id": self.id,
            "message_id": self.file.message_id,
            "sender": self.file.sender_key,
            "name": str(self.file.name),
            "refused": self.refused,
            "problems": [each.to_dict() for each in self.file.problems],
            "instructions": [
                {
                    **taken.to_dict(),
                    "line": line.line,
                    "path": line.path,
                    "problems": [each.to_dict() for each in line.problems],
                }
                for taken, line in zip(self.instructions, self.file.lines, strict=True)
            ],
        }


def submissions_of(
    sessions: Mapping[int, Session], rows: Sequence[Row[Any]], *, look: bool = False
) -> dict[int, Submission | None]:
    """What became of what was sent for the participants of these sessions, by position in the file.

    None where the journal does not know it: it was lost, or is an older copy. With ``look`` one look at the chain.
    """
    found: dict[int, Submission | None] = {}
    for payer, session in sessions.items():
        sent = {row.position: str(row.submission) for row in rows if row.state == SENT and row.payer == payer}
        known = _known(session, list(sent.values()))
        if look and known:
            session.serve()
            # Of many in few requests; what is quarantined raises nothing then, and the others are told.
            known = {each.id: each for each in session.sender.refresh_many(list(known))}
        found |= {position: known.get(submission) for position, submission in sent.items()}
    return found


def _known(session: Session, submissions: Sequence[str]) -> dict[str, Submission]:
    try:
        return {each.id: each for each in session.journal.get_many(submissions)}
    except SubmissionNotFound:
        if len(submissions) == 1:
            return {}
        half = len(submissions) // 2
        return _known(session, submissions[:half]) | _known(session, submissions[half:])


def taken_instruction(row: Row[Any], sent: Mapping[int, Submission | None]) -> TakenInstruction:
    """An instruction out of its row, and of what :func:`submissions_of` says of it."""
    status, reasons = _status(row, sent)
    return TakenInstruction(
        position=row.position,
        payment_id=row.payment_id,
        instruction_id=row.instruction_id,
        end_to_end_id=row.end_to_end_id,
        uetr=row.uetr,
        amount=None if row.amount is None else Money.from_minor(int(row.amount), row.currency),
        state=row.state,
        status=status,
        payer=row.payer,
        payee=row.payee,
        submission=row.submission,
        reference=row.reference,
        reasons=reasons,
    )


def _status(row: Row[Any], sent: Mapping[int, Submission | None]) -> tuple[str, tuple[tuple[str, str], ...]]:
    reasons = tuple((str(code), str(text)) for code, text in json.loads(row.reasons))
    if row.position in sent:
        submission = sent[row.position]
        if submission is None:
            return PENDING, (_LOST,)
        match status_of(submission):
            case Status.FINAL:
                return SETTLED, ()
            case Status.ACCEPTED | Status.QUARANTINED:
                return (PENDING if submission.state.value in _PENDING_STATES else ACCEPTED), ()
            case ended:
                error = submission.error or {"code": ended.value, "message": "It was not paid."}
                return REJECTED, (reason_for(str(error["code"]), str(error["message"])),)
    return {REFUSED: REJECTED, CONCLUDED: ACCEPTED, SENT: ACCEPTED}.get(row.state, PENDING), reasons
