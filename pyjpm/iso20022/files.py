"""A corporate's payment file becomes payments on the chain, each once, and is answered instruction by instruction.

    files = PaymentFiles("build/iso20022.db", [treasury], resolve=directory.resolve)
    taken = files.take(Path("run-4711.xml").read_bytes())
    Path("run-4711.pain.002.xml").write_bytes(files.report(taken))

Decisions that govern this module:

* Stored first, then carried out, one instruction after the other in the order of the file. Whatever dies in between,
  ``take`` again, or ``carry_on``, goes on: the idempotency key is made of the file's message id and the instruction's
  own, so that nothing is paid twice, nor under a sender's name that was spelled differently.
* Same message id and content: the stored answer. Same id and other content: ``DuplicateMessage``, unless the first was
  refused as a whole, of which nothing was carried out.
* The payer is whom the debtor's account names, and only if this process acts for that participant. The payee is whom
  the creditor's account or identifiers name; if nobody, the instruction waits, UNROUTED, for whoever decides about
  rails: it is never guessed.
* Where an account is named, only the account says who is paid: somebody with a LEI here may want the money elsewhere.
  Customer and account numbers of a bank mean something only where that bank is named, and is us.
* What refuses one payment refuses that one. A fault of the way there ends the run, and the rest waits.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from eth_utils.crypto import keccak
from sqlalchemy import Row, delete, insert, select, update

from pyjpm.book import Book
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.iso20022 import DuplicateMessage, MessageNotTaken
from pyjpm.iso20022.identifiers import check_bic
from pyjpm.iso20022.initiation import Instruction, Line, PaymentFile, read_payment_file
from pyjpm.iso20022.parties import CUSTOMER, NO_PARTY, Account, Party
from pyjpm.iso20022.refusals import REFUSALS, reason_of
from pyjpm.iso20022.status import REJECTED, StatusLine, write_status
from pyjpm.iso20022.tables import VERSION, instruction, message, meta
from pyjpm.iso20022.taken import (
    CONCLUDED,
    RECEIVED,
    REFUSED,
    SENT,
    UNROUTED,
    TakenFile,
    TakenInstruction,
    submissions_of,
    taken_instruction,
)
from pyjpm.session import Session

if TYPE_CHECKING:
    from pyjpm.platform import Platform

Resolve = Callable[[str, str], int | None]
"""(scheme, identifier) → the participant it names now, or None."""

_TAKEN: Final = "TAKEN"
_WHOLE: Final = "REFUSED"


class PaymentFiles:
    """Payment files into payments.

    Args:
        where: database of its own tables: an SQLite file, or a ``postgresql://`` URL; None for memory.
        platforms: clients acting for the participants whose money may be moved.
        resolve: whom an identifier names.
        bics: of the bank itself: where its customer and account numbers mean somebody.
        zone: of the bank: when a requested execution date begins.
        readers: further public keys that each remittance is sealed to, such as the bank's.
        check: asked before a payment is made, such as a screening; (ISO code, text) refuses it.
        knows_bank: whether a BIC names a bank that can be reached; any may if None.

    Raises as :class:`pyjpm.book.Book`.
    """

    def __init__(
        self,
        where: Path | str | None,
        platforms: Iterable[Platform],
        *,
        resolve: Resolve,
        bics: Collection[str] = (),
        zone: datetime.tzinfo = datetime.UTC,
        readers: Sequence[bytes] = (),
        check: Callable[[Instruction, int], tuple[str, str] | None] | None = None,
        knows_bank: Callable[[str], bool] | None = None,
    ) -> None:
        self._platforms = {platform.session.participant: platform for platform in platforms}
        self._resolve, self._zone, self._readers = resolve, zone, tuple(readers)
        self._bics = frozenset(check_bic(each) for each in bics)
        self._check, self._knows_bank = check, knows_bank
        self._book = Book(where, meta, VERSION)

    def close(self) -> None:
        """Drop its connections; the platforms stay open."""
        self._book.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- taking in -------------------------------------------------------------------------------------------------

    def take(self, data: bytes) -> TakenFile:
        """Takes a file in and pays what can be paid; the same file again is the same payments.

        What was sent by a journal that was lost since is asked for again, under its key: it may have been paid.

        Raises:
            MalformedMessage, MessageForbidden, MessageUnknown, MessageUnexpected: nothing was taken in.
            DuplicateMessage: its id was used for another content.
            What the way to the chain or the database raises: stored, and to be taken again.
        """
        now = int(time.time())
        file = self._read(data, now)
        name = self._store(file, data, now)
        self._ask_again(name)
        self._carry_out(name, file)
        return self.find(name)

    def carry_on(self) -> list[TakenFile]:
        """Goes on with every file that has instructions nobody has dealt with, as after a crash. Raises as ``take``."""
        query = select(instruction.c.message).where(instruction.c.state == RECEIVED).distinct()
        with self._book.reading() as connection:
            names = sorted(connection.execute(query).scalars())
        for name in names:
            row = self._row(name)
            self._carry_out(name, self._read(row.content, row.received_at))
        return [self.find(name) for name in names]

    def find(self, name: str) -> TakenFile:
        """A file by its id (or its message id, where no two senders have it), as it is now; one look at the chain.

        Raises:
            MessageNotTaken
        """
        row = self._row(name)
        file = self._read(row.content, row.received_at)
        with self._book.reading() as connection:
            query = select(instruction).where(instruction.c.message == row.id).order_by(instruction.c.position)
            rows = connection.execute(query).all()
        sent = submissions_of(self._sessions(), rows, look=True)
        return TakenFile(id=row.id, file=file, instructions=tuple(taken_instruction(each, sent) for each in rows))

    def files(self) -> list[str]:
        """The ids of all files, in the order in which they came."""
        with self._book.reading() as connection:
            return list(
                connection.execute(select(message.c.id).order_by(message.c.received_at, message.c.id)).scalars()
            )

    # --- answering -------------------------------------------------------------------------------------------------

    def report(
        self,
        taken: TakenFile,
        *,
        message_id: str | None = None,
        bank: Party = NO_PARTY,
        created: datetime.datetime | None = None,
    ) -> bytes:
        """The pain.002 that answers a file: one status for each instruction.

        Args:
            message_id: of the report; one made of the file's and of what it says, if None.
            bank: who answers.

        Raises MessageNotWritable.
        """
        lines = [
            StatusLine(
                payment_id=each.payment_id,
                instruction_id=each.instruction_id,
                end_to_end_id=each.end_to_end_id,
                uetr=each.uetr,
                status=REJECTED if taken.refused else each.status,
                reasons=each.reasons,
            )
            for each in taken.instructions
        ]
        said = "|".join([taken.id, *(f"{each.status}{each.reasons}" for each in lines)])
        return write_status(
            taken.file.name,
            message_id=message_id or f"S{hashlib.sha256(said.encode()).hexdigest()[:30]}",
            original_message_id=taken.file.message_id,
            count=taken.file.count,
            control_sum=taken.file.control_sum,
            lines=lines,
            problems=taken.file.problems,
            sender=bank,
            created=created,
        )

    # --- other rails -----------------------------------------------------------------------------------------------

    def unrouted(self) -> list[tuple[str, Instruction]]:
        """(file id, instruction) of all that name nobody here: for whoever decides by which rail they leave."""
        query = select(instruction).where(instruction.c.state == UNROUTED)
        with self._book.reading() as connection:
            rows = connection.execute(query.order_by(instruction.c.message, instruction.c.position)).all()
        found: list[tuple[str, Instruction]] = []
        files: dict[str, PaymentFile] = {}
        for row in rows:
            if row.message not in files:
                stored = self._row(row.message)
                files[row.message] = self._read(stored.content, stored.received_at)
            wanted = files[row.message].lines[row.position].instruction
            assert wanted is not None  # only what can be carried out is ever unrouted
            found.append((row.message, wanted))
        return found

    def conclude(self, name: str, position: int, *, rejected: bool, code: str, text: str) -> TakenInstruction:
        """Stores what another rail made of an unrouted instruction: gone out (``rejected`` False), or refused.

        Raises:
            MessageNotTaken: no such instruction is unrouted.
        """
        this = (instruction.c.message == name) & (instruction.c.position == position)
        state = REFUSED if rejected else CONCLUDED
        with self._book.writing() as connection:
            values = {"state": state, "reasons": json.dumps([[code, text]])}
            changed = connection.execute(
                update(instruction).where(this, instruction.c.state == UNROUTED).values(**values)
            ).rowcount
            row = connection.execute(select(instruction).where(this)).one_or_none()
        if changed != 1 or row is None:
            raise MessageNotTaken("There is no such unrouted instruction.", message_id=name, position=position)
        return taken_instruction(row, {})

    # --- within ----------------------------------------------------------------------------------------------------

    def _read(self, data: bytes, received_at: int) -> PaymentFile:
        # By the moment it came, so that reading it again says the same.
        return read_payment_file(
            data, zone=self._zone, today=datetime.datetime.fromtimestamp(received_at, datetime.UTC)
        )

    def _row(self, name: str) -> Row[Any]:
        with self._book.reading() as connection:
            row = connection.execute(select(message).where(message.c.id == name)).one_or_none()
            if row is None:
                rows = connection.execute(select(message).where(message.c.message_id == name)).all()
                row = rows[0] if len(rows) == 1 else None
        if row is None:
            raise MessageNotTaken(f"No file {name[:64]!r} was taken in.", message_id=name[:64])
        return row

    def _store(self, file: PaymentFile, data: bytes, now: int) -> str:
        sender = file.sender_key[:200]
        name = hashlib.sha256(f"{sender}\n{file.message_id}".encode()).hexdigest()[:32]
        with self._book.writing() as connection:
            row = connection.execute(select(message).where(message.c.id == name)).one_or_none()
            if row is not None and row.sha256 == file.sha256:
                return name
            if row is not None and row.state != _WHOLE:
                raise DuplicateMessage(
                    f"The message id {file.message_id} was used for another content.",
                    message_id=file.message_id,
                    kind="pain.001",
                )
            if row is not None:
                connection.execute(delete(instruction).where(instruction.c.message == name))
                connection.execute(delete(message).where(message.c.id == name))
            connection.execute(
                insert(message).values(
                    id=name,
                    sender=sender,
                    message_id=file.message_id,
                    sha256=file.sha256,
                    content=data,
                    state=_WHOLE if file.problems else _TAKEN,
                    received_at=now,
                )
            )
            if file.lines:
                connection.execute(insert(instruction), [_line_row(name, line, file) for line in file.lines])
        return name

    def _carry_out(self, name: str, file: PaymentFile) -> None:
        query = select(instruction).where(instruction.c.message == name, instruction.c.state == RECEIVED)
        with self._book.reading() as connection:
            waiting = {row.position: row for row in connection.execute(query)}
        for each in file.instructions:
            if each.position in waiting:
                values = self._dealt_with(file, each, waiting[each.position].payee)
                # Of two that took the same file, the one whose payment is on its way is right.
                before = (RECEIVED, REFUSED, UNROUTED) if values["state"] == SENT else (RECEIVED,)
                this = (instruction.c.message == name) & (instruction.c.position == each.position)
                with self._book.writing() as connection:
                    connection.execute(
                        update(instruction).where(this, instruction.c.state.in_(before)).values(**values)
                    )

    def _dealt_with(self, file: PaymentFile, each: Instruction, asked: int | None) -> dict[str, Any]:
        """What becomes of an instruction, as its row says it. ``asked``: whom it was to pay when it was sent before."""
        # The file came to us, so that a bank it does not name is us.
        here = each.debtor_agent.bic is None or each.debtor_agent.bic in self._bics
        payer = self._named(each.debtor_account, each.debtor, here=here)
        key = f"pain001/{file.message_id}/{each.key}"
        platform = None if payer is None else self._platforms.get(payer)
        if platform is None or payer is None:
            for number, other in self._platforms.items():
                if (earlier := _accepted(other.session, key, each)) is not None:
                    return _sent(number, *earlier)
            return _refused("AC02", "The debtor's account is none that this service acts for.", payer=payer)
        try:
            values = self._asked(platform, payer, each, key, asked)
        except PyjpmError:
            if (earlier := _accepted(platform.session, key, each)) is not None:
                return _sent(payer, *earlier)
            raise
        # It may have been accepted before whatever went wrong, or by somebody who took the same file: then it is on its
        # way, and nobody may be told that it is not, nor pay it by another rail, whoever is named or refused by now.
        if values["state"] != SENT and (earlier := _accepted(platform.session, key, each)) is not None:
            return _sent(payer, *earlier)
        return values

    def _asked(self, platform: Platform, payer: int, each: Instruction, key: str, asked: int | None) -> dict[str, Any]:
        payee = asked
        if payee is None:
            payee = self._named(each.creditor_account, each.creditor, here=each.creditor_agent.bic in self._bics)
        if payee is None:
            bic = each.creditor_agent.bic
            if bic is not None and self._knows_bank is not None and not self._knows_bank(bic):
                return _refused("RC04", "The creditor's bank is not known.", payer=payer)
            waits = [["NARR", "The creditor is no participant here: another rail decides."]]
            return {"state": UNROUTED, "payer": payer, "reasons": json.dumps(waits)}
        refused = None if self._check is None or asked is not None else self._check(each, payee)
        if refused is not None:
            return _refused(*refused, payer=payer, payee=payee)
        try:
            payment = platform.payments.create(
                payee,
                each.amount,
                idempotency_key=key,
                remittance=each.remittance,
                readers=self._readers,
                not_before=each.execute_on,
            )
        except REFUSALS as error:
            return _refused(*reason_of(error), payer=payer, payee=payee)
        return _sent(payer, payee, payment.id, payment.reference)

    def _named(self, account: Account, party: Party, *, here: bool) -> int | None:
        identifiers = account.identifiers or party.identifiers
        meant = [each for each in identifiers if here or each[0] != CUSTOMER]
        return next((found for each in meant if (found := self._resolve(*each)) is not None), None)

    def _ask_again(self, name: str) -> None:
        this = (instruction.c.message == name) & (instruction.c.state == SENT)
        with self._book.reading() as connection:
            rows = connection.execute(select(instruction).where(this)).all()
        lost = [position for position, found in submissions_of(self._sessions(), rows).items() if found is None]
        with self._book.writing() as connection:
            for position in lost:
                connection.execute(
                    update(instruction).where(this, instruction.c.position == position).values(state=RECEIVED)
                )

    def _sessions(self) -> dict[int, Session]:
        return {payer: platform.session for payer, platform in self._platforms.items()}


def _accepted(session: Session, key: str, each: Instruction) -> tuple[int, str, str | None] | None:
    """(payee, submission, reference) of a payment that was accepted under a key, if it is what an instruction asks for.

    It was sealed to other bytes, and may have gone to another wallet that its payee had.
    """
    earlier = session.journal.find(session.wallet, key)
    if earlier is None:
        return None
    said = earlier.content
    plain = "0x" + keccak(each.remittance.to_bytes()).hex()
    same = (said.get("amount"), said.get("currency"), said.get("remittance_plain"))
    if same != (each.amount.minor, each.amount.currency, plain):
        return None
    return session.participant_of(said["to"]), earlier.id, earlier.reference


def _line_row(name: str, line: Line, file: PaymentFile) -> dict[str, Any]:
    usable = line.instruction
    refused = file.problems or line.problems
    said = [[each.code, f"{each.text} (line {each.line}, {each.path})"] for each in refused]
    return {
        "message": name,
        "position": line.position,
        "payment_id": line.payment_id[:35],
        "instruction_id": line.instruction_id and line.instruction_id[:35],
        "end_to_end_id": line.end_to_end_id and line.end_to_end_id[:35],
        "uetr": line.uetr if line.uetr and len(line.uetr) == 36 else None,
        "currency": usable.amount.currency if usable else None,
        "amount": str(usable.amount.minor) if usable else None,
        "state": RECEIVED if usable else REFUSED,
        "reasons": json.dumps(said),
    }


def _refused(code: str, text: str, *, payer: int | None = None, payee: int | None = None) -> dict[str, Any]:
    return {"state": REFUSED, "payer": payer, "payee": payee, "reasons": json.dumps([[code, text]])}


def _sent(payer: int, payee: int, submission: str, reference: str | None) -> dict[str, Any]:
    return {
        "state": SENT,
        "payer": payer,
        "payee": payee,
        "submission": submission,
        "reference": reference,
        "reasons": "[]",
    }
