"""Deposits that are asked back, or that the bank has taken back: frozen at once, then reversed, or lifted.

Decisions that govern this module:

* Which deposit is meant is told by names (UETR, else EndToEndId and amount, else transaction id), and by one deposit
  alone: a recall that fits none, or several, freezes nobody.
* Freezing has no delay and takes nothing from anybody; what is frozen also catches what comes later. Reversing takes
  the whole amount or nothing: what is lacking is a shortfall, which somebody claims.
* A reversal takes the tokens to the bank's own participant, redeems them there, and sends the money back as a payout;
  where the bank has debited it already, they are redeemed against that debit.
* A deposit that never became tokens is held, and sent back by the same decision.
* One deposit goes back once: a second recall of it changes nothing, unless the first was refused. One that got stuck
  before the return was ordered is decided again. What the bank takes itself though its recall was refused is frozen and
  decided anew; what it takes though we have ordered it back goes to somebody.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from pyjpm.bank.acts import End, Outcome, ask, look
from pyjpm.bank.channel import RETURN
from pyjpm.bank.deposits import Deposits
from pyjpm.bank.desk import Desk, note_decision, now
from pyjpm.bank.details import outside_name
from pyjpm.bank.entries import EntryState
from pyjpm.bank.payout import REVERSAL, TAKEN, PayoutState
from pyjpm.bank.payouts import Payouts
from pyjpm.bank.recall import DECIDABLE, WITHOUT_EFFECT, RecallState, StoredRecall, stored_recall
from pyjpm.bank.suspense import Suspense, original_of, returning
from pyjpm.bank.tables import entry, recall
from pyjpm.errors.bank import RecallNotOpen, RecallUnknown, Shortfall, TreasuryMissing
from pyjpm.iso20022.returns import Recall
from pyjpm.money import Money
from pyjpm.sending import payment_reference

_TAKEN_BACK: Final = "RVSL"


class Recalls:
    """``bank.recalls``."""

    def __init__(self, desk: Desk, deposits: Deposits, payouts: Payouts, suspense: Suspense) -> None:
        self._desk, self._deposits, self._payouts, self._suspense = desk, deposits, payouts, suspense

    def find(self, name: str) -> StoredRecall:
        """A recall by its id here, or by the asker's where one alone has it. Raises ``RecallUnknown``."""
        return stored_recall(self._row(name))

    def list(self, *states: RecallState) -> list[StoredRecall]:
        """Recalls in these states (all, if none is given), the oldest first."""
        query = select(recall).order_by(recall.c.received_at, recall.c.id)
        if states:
            query = query.where(recall.c.state.in_([each.value for each in states]))
        with self._desk.book.reading() as connection:
            return [stored_recall(row) for row in connection.execute(query)]

    # --- what the bank says ----------------------------------------------------------------------------------------

    def note(self, connection: Connection, asked: Recall) -> str:
        """Stores a camt.056's request; the same again is the same. Its id here."""
        said = asked.original
        named = [asked.recall_id, str(said.uetr), said.end_to_end_id, said.transaction_id]
        meant = _meant(connection, asked)
        state = RecallState.UNMATCHED if meant is None else RecallState.RECEIVED
        earlier = None if meant is None else _earlier(connection, meant.id)
        if earlier is None:
            return _insert(connection, named, asked.recall_id, meant, asked.reason, state, None)
        reason = f"recall {earlier.recall_id}"
        return _insert(connection, named, asked.recall_id, meant, asked.reason, RecallState.DUPLICATE, None, reason)

    def taken(self, connection: Connection, debit: Row[Any]) -> Row[Any] | None:
        """The credit of ours that the bank has reversed by this debit; None where it names none."""
        query = select(entry).where(
            entry.c.account == debit.account, entry.c.credit == 1, entry.c.amount == debit.amount
        )
        for column, said in (
            (entry.c.reference, debit.reference),
            (entry.c.uetr, debit.uetr),
            (entry.c.end_to_end_id, debit.end_to_end_id),
        ):
            found = [] if said is None else connection.execute(query.where(column == said)).all()
            if len(found) == 1:
                return found[0]
        return None

    def note_taken(self, connection: Connection, credit: Row[Any], debit: Row[Any]) -> str | None:
        """Stores that the bank has reversed this credit. The recall's id here; None where it is ordered back already,
        or is back."""
        there = _earlier(connection, credit.id)
        if there is None:
            if credit.state in (EntryState.RETURNING, EntryState.RETURNED):
                return None
            named = [debit.account, debit.reference]
            return _insert(
                connection, named, debit.reference, credit, _TAKEN_BACK, RecallState.RECEIVED, debit.reference
            )
        if there.taken_by == debit.reference:
            return str(there.id)
        ordered = there.state in (RecallState.REVERSING, RecallState.REVERSED) or self._is_ordered(connection, there)
        if there.taken_by is not None or ordered:
            return None
        connection.execute(update(recall).where(recall.c.id == there.id).values(taken_by=debit.reference))
        return str(there.id)

    # --- what a person decides -------------------------------------------------------------------------------------

    def reverse(self, name: str, *, who: str, reason: str) -> StoredRecall:
        """Takes the deposit back, and sends it to where it came from.

        Raises:
            RecallUnknown, RecallNotOpen, ReasonMissing; TreasuryMissing, PayoutChannelMissing.
            Shortfall: not all of it is there; the amount stays frozen.
        """
        row = self._row(name)
        with self._desk.book.reading() as connection:
            unredeemed = _is_stuck_after(row) and not self._is_ordered(connection, row)
        if unredeemed:
            self._treasury()
            self._decide(row, RecallState.REDEEMING, "reverse", who, reason, submission=None)
            self.advance(row.id)
            return self.find(row.id)
        if not _is_decidable(row):
            raise RecallNotOpen(f"The recall is {row.state}.", recall=row.id, state=row.state)
        if row.taken_by is None:
            self._suspense.require_returnable(row.entry)
        if row.state == RecallState.HELD:
            self._decide(row, RecallState.REVERSING, "reverse", who, reason)
            self._send_back(row, who, reason)
            self.advance(row.id)
            return self.find(row.id)
        self._treasury()
        amount = Money.from_minor(int(row.amount), row.currency)
        balance = self._desk.platform.deposits.balance(row.wallet, currency=row.currency)
        there = balance.balance - balance.held
        if there < amount:
            self._decide(row, RecallState.SHORTFALL, "reverse", who, reason)
            raise Shortfall(
                f"Of {amount} only {there} is there and not held.",
                recall=row.id,
                participant=row.participant,
                currency=row.currency,
                wanted=amount.minor,
                there=there.minor,
            )
        self._decide(row, RecallState.SEIZING, "reverse", who, reason, submission=None)
        self.advance(row.id)
        return self.find(row.id)

    def lift(self, name: str, *, who: str, reason: str) -> StoredRecall:
        """Refuses the recall: the depositor keeps the deposit, and what was frozen is free. Raises as ``reverse``."""
        row = self._row(name)
        if not _is_decidable(row) or row.taken_by is not None:
            raise RecallNotOpen(
                f"The recall is {row.state}, and the bank has {'' if row.taken_by else 'not '}taken the money.",
                recall=row.id,
                state=row.state,
            )
        if row.state == RecallState.HELD:
            self._decide(row, RecallState.LIFTED, "lift", who, reason)
            self._deposits.move(
                row.entry, EntryState.RECALLED, EntryState.SUSPENSE, reason_code="RECALL_LIFTED", reason=reason
            )
        else:
            self._decide(row, RecallState.LIFTING, "lift", who, reason, submission=None)
            self.advance(row.id)
        return self.find(row.id)

    # --- going on --------------------------------------------------------------------------------------------------

    def advance(self, name: str) -> None:
        """Goes on with a recall as far as it goes now."""
        for _ in RecallState:
            if not self._step(self._row(name)):
                break

    def _step(self, row: Row[Any]) -> bool:
        governance = self._desk.platform.governance
        # Only what names no deposit has no amount, and goes no further.
        amount = Money.from_minor(int(row.amount or 0), row.currency or "USD")
        order = f"recall/{row.id}"
        match RecallState(row.state):
            case RecallState.RECEIVED:
                return self._begin(row)
            case RecallState.FREEZING:
                return self._act(
                    row,
                    "freeze",
                    lambda key: governance.freeze_amount(row.wallet, amount, order=order, idempotency_key=key),
                    RecallState.FROZEN,
                )
            case RecallState.LIFTING:
                return self._act(
                    row,
                    "lift",
                    lambda key: governance.unfreeze_amount(row.wallet, amount, order=order, idempotency_key=key),
                    RecallState.LIFTED,
                )
            case RecallState.SEIZING:
                target = self._treasury().session.wallet
                return self._act(
                    row,
                    "seize",
                    lambda key: governance.seize(
                        row.wallet, target, amount, order=order, idempotency_key=key, frozen_released=amount
                    ),
                    RecallState.REDEEMING,
                    payout=outside_name("R", row.id),
                )
            case RecallState.REDEEMING:
                return self._redeem(row)
            case RecallState.REVERSING:
                return self._reversed(row)
            case _:
                return False

    def _begin(self, row: Row[Any]) -> bool:
        """Freeze what became tokens, hold what did not."""
        if self._deposits.row(row.entry).state == EntryState.SENT:
            self._deposits.advance(row.entry)
        deposit = self._deposits.row(row.entry)
        match EntryState(deposit.state):
            case EntryState.DONE:
                wallet = self._desk.platform.session.wallet_of(int(deposit.participant))
                about = {"participant": deposit.participant, "wallet": wallet, "submission": None}
                return self._moved(row, RecallState.FREEZING, **about)
            case EntryState.SENT:
                return False
            case EntryState.RETURNING | EntryState.RETURNED:
                return self._moved(row, RecallState.TOO_LATE)
            case EntryState.RECALLED:
                return self._moved(row, RecallState.HELD)
            case before:
                self._deposits.move(
                    deposit.id, before, EntryState.RECALLED, reason_code=row.code, reason=f"recall {row.recall_id}"
                )
                return True

    def _redeem(self, row: Row[Any]) -> bool:
        treasury, deposit = self._treasury(), self._deposits.row(row.entry)
        amount, details = returning(deposit)
        key = f"recall/{row.id}/redeem"
        outcome = (
            look(treasury, row.submission)
            if row.submission is not None
            else ask(
                treasury,
                key,
                lambda key: treasury.deposits.request_redemption(amount, payout=details.hash, idempotency_key=key),
            )
        )
        if outcome.end is not End.FINAL:
            return self._waits(row, outcome)
        participant = treasury.session.participant
        reference = "0x" + payment_reference(participant, key).hex()
        outside = outside_name("R", row.id)
        kind = REVERSAL if row.taken_by is None else TAKEN
        content = self._payouts.order(outside, amount, details, order=RETURN, original=original_of(deposit, row.code))
        with self._desk.book.writing() as connection:
            # In one: the bank may have taken it itself while this was redeemed, and then it is not ordered.
            moved = _move(connection, row, RecallState.REVERSING, payout=outside)
            if moved:
                self._payouts.add(
                    connection,
                    outside,
                    kind,
                    amount,
                    content,
                    participant=participant,
                    reference=reference,
                    bank_reference=row.taken_by,
                )
        return moved

    def _reversed(self, row: Row[Any]) -> bool:
        if row.payout is None:
            state = EntryState(self._deposits.row(row.entry).state)
            if state is EntryState.RECALLED:
                self._send_back(row, "the book", "as decided")
                return True
            self._suspense.advance(row.entry)
            done = EntryState(self._deposits.row(row.entry).state) is EntryState.RETURNED
            return done and self._moved(row, RecallState.REVERSED)
        found = self._payouts.advance(row.payout)
        if found.state is PayoutState.SETTLED:
            return self._moved(row, RecallState.REVERSED)
        if found.state is PayoutState.RETURNED:
            return self._moved(row, RecallState.STUCK, reason=found.reason)
        return False

    def _send_back(self, row: Row[Any], who: str, reason: str) -> None:
        if row.taken_by is not None:
            self._deposits.move(row.entry, EntryState.RECALLED, EntryState.RETURNED)
        elif EntryState(self._deposits.row(row.entry).state) is EntryState.RECALLED:
            self._suspense.send_back(row.entry, who=who, reason=reason, code=row.code or "NARR")

    def _act(self, row: Row[Any], step: str, act: Any, after: RecallState, **values: Any) -> bool:
        platform = self._desk.platform
        outcome = look(platform, row.submission) if row.submission else ask(platform, f"recall/{row.id}/{step}", act)
        if outcome.end is End.FINAL:
            return self._moved(row, after, submission=None, **values)
        return self._waits(row, outcome)

    def _waits(self, row: Row[Any], outcome: Outcome) -> bool:
        if outcome.end is End.REFUSED:
            return self._moved(row, RecallState.STUCK, reason=f"{outcome.code}: {outcome.message}")
        if row.submission == outcome.submission:
            return False
        return self._moved(row, RecallState(row.state), submission=outcome.submission)

    def _treasury(self) -> Any:
        if self._desk.treasury is None:
            raise TreasuryMissing("There is no participant of the bank's to take tokens back to.")
        return self._desk.treasury

    # --- storing ---------------------------------------------------------------------------------------------------

    def _is_ordered(self, connection: Connection, row: Row[Any]) -> bool:
        """Whether the return of what was seized was ordered."""
        return row.payout is not None and self._payouts.named(connection, row.payout, None) is not None

    def _decide(self, row: Row[Any], after: RecallState, act: str, who: str, reason: str, **values: Any) -> None:
        with self._desk.book.writing() as connection:
            note_decision(connection, who, act, row.id, reason)
            if not _move(connection, row, after, **values):
                raise RecallNotOpen("Somebody was faster.", recall=row.id, state=row.state)

    def _moved(self, row: Row[Any], after: RecallState, **values: Any) -> bool:
        with self._desk.book.writing() as connection:
            return _move(connection, row, after, **values)

    def _row(self, name: str) -> Row[Any]:
        row = self._desk.row(recall, recall.c.id, name)
        if row is None:
            with self._desk.book.reading() as connection:
                rows = connection.execute(select(recall).where(recall.c.recall_id == name)).all()
            row = rows[0] if len(rows) == 1 else None
        if row is None:
            raise RecallUnknown(f"There is no recall {name[:80]!r}.", recall=name[:80])
        return row


def _is_stuck_after(row: Row[Any]) -> bool:
    """Whether it got stuck when the tokens were the bank's already."""
    return row.state == RecallState.STUCK and row.payout is not None


def _is_decidable(row: Row[Any]) -> bool:
    return row.state in DECIDABLE or (row.state == RecallState.STUCK and not _is_stuck_after(row))


def _move(connection: Connection, row: Row[Any], after: RecallState, **values: Any) -> bool:
    """Whether it was as it was read, also by whether the bank has taken it, and has moved."""
    as_read = recall.c.taken_by.is_not_distinct_from(row.taken_by) & (recall.c.state == row.state)
    moved = update(recall).where(recall.c.id == row.id, as_read).values(state=after, **values)
    return connection.execute(moved).rowcount == 1


def _earlier(connection: Connection, deposit: str) -> Row[Any] | None:
    """The recall of a deposit that is open, or has taken it back."""
    theirs = select(recall).where(recall.c.entry == deposit, recall.c.state.not_in(WITHOUT_EFFECT))
    return connection.execute(theirs.order_by(recall.c.received_at, recall.c.id)).first()


def _meant(connection: Connection, asked: Recall) -> Row[Any] | None:
    """The one deposit that a recall names."""
    said = asked.original
    credits = select(entry).where(entry.c.credit == 1)
    if said.amount is not None:
        credits = credits.where(entry.c.amount == str(said.amount.minor), entry.c.currency == said.amount.currency)
    names = (
        (entry.c.uetr, None if said.uetr is None else str(said.uetr)),
        (entry.c.end_to_end_id, said.end_to_end_id if said.amount is not None else None),
        (entry.c.transaction_id, said.transaction_id),
    )
    for column, name in names:
        if name is not None and name != "NOTPROVIDED":
            found = connection.execute(credits.where(column == name)).all()
            if found:
                return found[0] if len(found) == 1 else None
    return None


def _insert(
    connection: Connection,
    named: list[Any],
    recall_id: str,
    meant: Row[Any] | None,
    code: str,
    state: RecallState,
    taken_by: str | None,
    reason: str = "",
) -> str:
    name = hashlib.sha256(json.dumps(named).encode()).hexdigest()[:32]
    if connection.execute(select(recall.c.id).where(recall.c.id == name)).first() is None:
        values = {
            "id": name,
            "recall_id": recall_id[:80],
            "entry": None if meant is None else meant.id,
            "currency": None if meant is None else meant.currency,
            "amount": None if meant is None else meant.amount,
            "code": code[:35],
            "state": state,
            "taken_by": taken_by,
            "reason": reason,
            "received_at": now(),
        }
        connection.execute(insert(recall).values(**values))
    return name
