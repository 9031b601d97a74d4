"""The bank side: what happens on the bank's account becomes tokens, and tokens become payouts.

    bank = BankSide("bank.db", platform, accounts=[reserve], resolve=directory.resolve,
                    channel=FileChannel(Path("to-bank")), treasury=treasury)
    bank.take(Path("camt054.xml").read_bytes())
    bank.carry_on()

Decisions that govern this module:

* What comes in is stored first, in one commit with its message's id; everything that follows goes on from there, after
  a crash too (``carry_on``), and is done once.
* An entry is the same in a notice, a report and a statement: by account, side and the bank's reference. The same
  reference with another amount is a problem that is told, and changes nothing.
* A statement that does not add up, or whose account cannot be read, is no ground to mint on: all of it is refused. An
  entry that cannot be used is told, and the others go on.
* Only what is booked counts. What the bank merely announces is not money, and what came back of something that is no
  payout of ours is no deposit until somebody says so.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from eth_utils.crypto import keccak
from sqlalchemy import Connection, Row, insert, select

from pyjpm.bank.deposits import Deposits
from pyjpm.bank.desk import Desk, ReserveAccount, Resolve, note_message
from pyjpm.bank.entries import EntryState, StoredEntry, row_of
from pyjpm.bank.payout import OPEN, PayoutState
from pyjpm.bank.payouts import Payouts
from pyjpm.bank.recall import ENDED, RecallState
from pyjpm.bank.recalls import Recalls
from pyjpm.bank.suspense import Suspense
from pyjpm.bank.tables import VERSION, decision, entry, meta, payout
from pyjpm.book import Book
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.iso20022 import MessageRefused
from pyjpm.iso20022.entries import AccountReport, BankMessage, Movement, movements
from pyjpm.iso20022.reading import parse
from pyjpm.iso20022.returns import Return, read_recalls, read_returns
from pyjpm.iso20022.statement_reading import read_bank_message
from pyjpm.iso20022.status import REJECTED, read_status
from pyjpm.money import Money
from pyjpm.sending.effects import Effects
from pyjpm.sending.outside import Outside

if TYPE_CHECKING:
    from pyjpm.platform import Platform

_UNDEALT = (EntryState.RECEIVED, EntryState.WAITING, EntryState.SENT, EntryState.RETURNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of a message.

    Attributes:
        kind, message_id: which one it was.
        entries: ids of the booked entries in it, new or known.
        payouts, recalls: names of those that it is about.
        ignored: how many entries are not booked.
        problems: what cannot be used or fits nothing, each with ``code``, ``text`` and, where known, its place.
    """

    kind: str
    message_id: str
    entries: tuple[str, ...] = ()
    payouts: tuple[str, ...] = ()
    recalls: tuple[str, ...] = ()
    ignored: int = 0
    problems: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON-able data."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


class BankSide:
    """One bank's side. Threads may share it.

    Args:
        where: of its book: an SQLite file, or a ``postgresql://`` URL; None for memory.
        platform: acting for the bank, with the roles issuer and, for recalls, compliance and resolution. Its journal
            keeps what the bank was told.
        accounts: on which the money is that tokens stand for; the first of a currency pays.
        resolve: whom an identifier names.
        channel: the way by which money leaves; None where none does.
        treasury: acting for a participant of the bank's own, to which recalled deposits are taken back.
        zone: of the account's bank: when its dates begin.
        effects: of another patience or clock than usual.

    Attributes:
        suspense, payouts, recalls: what people decide about.

    Raises as :class:`pyjpm.book.Book`.
    """

    def __init__(
        self,
        where: Path | str | None,
        platform: Platform,
        *,
        accounts: Sequence[ReserveAccount],
        resolve: Resolve,
        channel: Outside | None = None,
        treasury: Platform | None = None,
        zone: datetime.tzinfo = datetime.UTC,
        effects: Effects | None = None,
    ) -> None:
        self._book = Book(where, meta, VERSION)
        self._zone = zone
        self._desk = Desk(
            platform,
            self._book,
            tuple(accounts),
            resolve,
            effects or Effects(platform.session.journal.database),
            channel,
            treasury,
        )
        self._deposits = Deposits(self._desk)
        self.payouts = Payouts(self._desk)
        self.suspense = Suspense(self._desk, self._deposits, self.payouts)
        self.recalls = Recalls(self._desk, self._deposits, self.payouts, self.suspense)

    def close(self) -> None:
        """Drop its connections; the platforms stay open."""
        self._book.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- what comes in ---------------------------------------------------------------------------------------------

    def take(self, data: bytes) -> Taken:
        """Takes a message of the bank's in, and goes on with what it is about.

        It may be a camt.052, camt.053 or camt.054 (entries), a pain.002 (refused payouts), a pacs.004 (payouts that
        come back) or a camt.056 (deposits that are asked back).

        Raises:
            MalformedMessage, MessageForbidden, MessageUnknown, MessageUnexpected, AccountUnknown: nothing was taken in.
            DuplicateMessage: its id was used for another content.
            MessageRefused: what it says of the account is wrong, or does not add up.
            What the way to the chain or the book raises: stored, and gone on with by ``carry_on``.
        """
        kinds: dict[str, Callable[[bytes], Taken]] = {
            "camt.052": self._take_entries,
            "camt.053": self._take_entries,
            "camt.054": self._take_entries,
            "pain.002": self._take_status,
            "pacs.004": self._take_returns,
            "camt.056": self._take_recalls,
        }
        return kinds[parse(data, *kinds).name.kind](data)

    def carry_on(self) -> None:
        """Goes on with everything as far as it goes now: after a crash, and every few seconds.

        Raises as ``take``: the first error of any affair, once all the others were gone on with.
        """
        with self._book.reading() as connection:
            back = select(payout.c.outside).where(
                payout.c.state == PayoutState.SETTLED, payout.c.came_back.is_not(None)
            )
            returned = list(connection.execute(back).scalars())
        asked = self.recalls.list(*(state for state in RecallState if state not in ENDED))
        affairs: list[tuple[Callable[[str], object], str]] = [
            *((self._advance_entry, each.id) for each in self._deposits.list(*_UNDEALT, credit=False)),
            *((self.payouts.advance, each.outside) for each in self.payouts.list(*OPEN)),
            *((self.payouts.advance, outside) for outside in returned),
            *((self.recalls.advance, each.id) for each in asked),
            # After whatever asks for one of them back.
            *((self._advance_entry, each.id) for each in self._deposits.list(*_UNDEALT, credit=True)),
            # A return of an entry ends with its payout.
            *((self._advance_entry, each.id) for each in self._deposits.list(EntryState.RETURNING)),
        ]
        first: PyjpmError | None = None
        for advance, name in affairs:
            try:
                advance(name)
            except PyjpmError as error:
                first = first or error
        if first is not None:
            raise first

    # --- what is there ---------------------------------------------------------------------------------------------

    def entries(self, *states: EntryState, credit: bool | None = None) -> list[StoredEntry]:
        """Entries in these states (all, if none is given), the oldest first."""
        return self._deposits.list(*states, credit=credit)

    def entry(self, name: str) -> StoredEntry:
        """An entry by its id here, or by the bank's reference where one alone has it. Raises ``EntryUnknown``."""
        return self._deposits.find(name)

    def decisions(self) -> list[dict[str, Any]]:
        """Who decided what, and why, in its order."""
        with self._book.reading() as connection:
            return [dict(row._mapping) for row in connection.execute(select(decision).order_by(decision.c.seq))]

    # --- entries ---------------------------------------------------------------------------------------------------

    def _take_entries(self, data: bytes) -> Taken:
        message = read_bank_message(data, zone=self._zone)
        whole = [each.to_dict() for report in message.reports for each in report.problems]
        if whole:
            raise MessageRefused(
                f"The message is not one to act on: {whole[0]['text']}", message_id=message.message_id, problems=whole
            )
        reports = [
            (report, self._desk.account_of(report.account, report.currency, message.message_id))
            for report in message.reports
        ]
        names: dict[str, bool] = {}
        problems = message.problems()
        ignored = 0
        with self._book.writing() as connection:
            whose = ",".join(account.name for _, account in reports)
            note_message(connection, message.name.kind, whose, message.message_id, message.sha256)
            for report, account in reports:
                found, unbooked = _enter(connection, report, account, message, problems)
                names |= found
                ignored += unbooked
        # What is taken back in the same message never becomes tokens.
        for name in sorted(names, key=lambda name: names[name]):
            self._advance_entry(name)
        return Taken(
            kind=message.name.kind,
            message_id=message.message_id,
            entries=tuple(names),
            ignored=ignored,
            problems=tuple(problems),
        )

    def _advance_entry(self, name: str) -> None:
        row = self._deposits.row(name)
        if row.state == EntryState.RETURNING:
            return self.suspense.advance(name)
        if row.state == EntryState.RECEIVED and self._is_ours(row):
            return None
        return self._deposits.advance(name)

    def _is_ours(self, row: Row[Any]) -> bool:
        """Whether an entry is about a payout or a recall, or a debit that nobody knows; it is dealt with then."""
        told = json.loads(row.counterparty)
        with self._book.reading() as connection:
            paid = self.payouts.named(connection, row.end_to_end_id, row.uetr)
        if row.credit and paid is None:
            if told.get("reversal") or told.get("return_reason"):
                return self._suspended(row, "UNKNOWN_RETURN", "It came back, and no payout of ours has its name.")
            return False
        if not row.credit and told.get("reversal"):
            with self._book.writing() as connection:
                credit = self.recalls.taken(connection, row)
                asked = None if credit is None else self.recalls.note_taken(connection, credit, row)
            if credit is not None and asked is None:
                reason = f"The bank has taken the credit {credit.reference}, which was ordered back already."
                return self._suspended(row, "TAKEN_THOUGH_RETURNED", reason)
            if asked is not None:
                self._dealt(row, None, f"recall {asked}")
                self.recalls.advance(asked)
                return True
        if paid is None:
            return self._suspended(row, "UNKNOWN_DEBIT", "No payout of ours has its name.")
        amount = Money.from_minor(int(row.amount), row.currency)
        if row.credit:
            why = self.payouts.came_back(paid.outside, amount, keccak(text=f"{row.account}\n{row.reference}"))
        else:
            why = self.payouts.debited(paid.outside, amount, row.reference)
        if why is not None:
            return self._suspended(row, why, f"It names the payout {paid.outside}.")
        self._dealt(row, paid.outside, "")
        self.payouts.advance(paid.outside)
        return True

    def _dealt(self, row: Row[Any], outside: str | None, reason: str) -> None:
        self._deposits.move(row.id, EntryState.RECEIVED, EntryState.DONE, payout=outside, reason=reason)

    def _suspended(self, row: Row[Any], code: str, reason: str) -> bool:
        self._deposits.move(row.id, EntryState.RECEIVED, EntryState.SUSPENSE, reason_code=code, reason=reason)
        return True

    # --- what the bank says of payouts and deposits ----------------------------------------------------------------

    def _take_status(self, data: bytes) -> Taken:
        message, evidence = read_status(data), keccak(data)
        self._note("pain.002", message.message_id, message.sha256)
        refused = [
            (line.end_to_end_id or line.instruction_id, line.uetr, line.reasons)
            for line in message.lines
            if line.status == REJECTED
        ]
        if message.group_status == REJECTED and not message.lines:
            # Its message has the name of the one order in it.
            refused = [(message.original_message_id, None, message.group_reasons)]
        names: list[str] = []
        problems: list[dict[str, Any]] = []
        for end_to_end_id, uetr, reasons in refused:
            said = "; ".join(" ".join(reason) for reason in reasons) or "refused"
            self._told(
                end_to_end_id,
                uetr,
                lambda outside, said=said: self.payouts.refused(outside, evidence, said),  # type: ignore[misc]
                names,
                problems,
                {},
            )
        return Taken(kind="pain.002", message_id=message.message_id, payouts=tuple(names), problems=tuple(problems))

    def _take_returns(self, data: bytes) -> Taken:
        message, evidence = read_returns(data), keccak(data)
        self._note("pacs.004", message.message_id, message.sha256)
        names: list[str] = []
        problems = [each.to_dict() for line in message.lines for each in line.problems]
        for line in message.lines:
            if line.item is not None:
                item: Return = line.item
                self._told(
                    item.original.end_to_end_id,
                    None if item.original.uetr is None else str(item.original.uetr),
                    lambda outside, item=item: self.payouts.came_back(outside, item.amount, evidence),  # type: ignore[misc]
                    names,
                    problems,
                    {"line": line.line, "path": line.path},
                )
        return Taken(kind="pacs.004", message_id=message.message_id, payouts=tuple(names), problems=tuple(problems))

    def _told(
        self,
        end_to_end_id: str | None,
        uetr: str | None,
        tell: Callable[[str], str | None],
        names: list[str],
        problems: list[dict[str, Any]],
        place: dict[str, Any],
    ) -> None:
        with self._book.reading() as connection:
            paid = self.payouts.named(connection, end_to_end_id, uetr)
        if paid is None:
            problems.append({"code": "UNKNOWN_PAYOUT", "text": "No payout of ours has its name.", **place})
            return
        why = tell(paid.outside)
        if why is not None:
            problems.append({"code": why, "text": f"It names the payout {paid.outside}.", **place})
            return
        names.append(paid.outside)
        self.payouts.advance(paid.outside)

    def _take_recalls(self, data: bytes) -> Taken:
        message = read_recalls(data)
        problems = [each.to_dict() for line in message.lines for each in line.problems]
        with self._book.writing() as connection:
            note_message(connection, "camt.056", "", message.message_id, message.sha256)
            names = [self.recalls.note(connection, line.item) for line in message.lines if line.item is not None]
        for name in names:
            self.recalls.advance(name)
        return Taken(kind="camt.056", message_id=message.message_id, recalls=tuple(names), problems=tuple(problems))

    def _note(self, kind: str, message_id: str, sha256: str) -> None:
        with self._book.writing() as connection:
            note_message(connection, kind, "", message_id, sha256)


def _enter(
    connection: Connection,
    report: AccountReport,
    account: ReserveAccount,
    message: BankMessage,
    problems: list[dict[str, Any]],
) -> tuple[dict[str, bool], int]:
    """Stores a report's booked entries, those of them that are new; by their ids whether they are credits, and how many
    are not booked."""
    names: dict[str, bool] = {}
    booked = [each for each in report.entries if each.status == "BOOK"]
    for item in (item for each in booked for item in movements(each)):
        place = {"line": item.entry.line, "path": item.entry.path}
        if item.amount.currency != account.currency:
            problems.append({"code": "AM03", "text": "The entry is not in the account's currency.", **place})
            continue
        values = row_of(account, item, message)
        if values["id"] in names:
            # Within one report each entry stands once: these are two, and one name is not enough to mint both.
            text = "Another entry of this report has this reference; the first one counts."
            problems.append({"code": "REFERENCE_USED", "text": text, **place})
            continue
        there = connection.execute(select(entry).where(entry.c.id == values["id"])).one_or_none()
        if there is None:
            connection.execute(insert(entry).values(**values))
        elif not _same(there, item):
            text = "An entry of this reference is in the book with another amount."
            problems.append({"code": "REFERENCE_USED", "text": text, **place})
            continue
        names[values["id"]] = item.credit
    return names, len(report.entries) - len(booked)


def _same(row: Row[Any], item: Movement) -> bool:
    return (int(row.amount), row.currency) == (item.amount.minor, item.amount.currency)
