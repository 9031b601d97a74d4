"""Money that leaves: redemptions and returns, told to the bank once, settled when the bank has paid.

Decisions that govern this module:

* Nothing is told to the bank before the redemption is INSTRUCTED for good: from then on the client cannot have it back
  without evidence. It is burned only when the bank's account shows the debit, by the same name.
* The bank is told through the journal's effects: a deterministic name, an intent before the call, asked before it is
  ever told again.
* What the bank refuses, or sends back before it was settled, returns to the client with the evidence. What comes back
  after it was settled is minted once, under the name under which it had left.
* A payout of which the chain refuses a step is stuck. Once what was wrong is mended (a paused currency moves again, a
  key has its role back), somebody has it done: which step it was follows from the chain and from what the bank said.
* What arrives is believed for what it is: a debit or a return of another amount is nobody's payout, and goes to
  somebody. Each word of the bank's is judged in the transaction that stores it, so that no two are believed of which
  one denies the other.
"""

from __future__ import annotations

import datetime
import json
from contextlib import suppress
from typing import Any, Final

from eth_utils.crypto import keccak
from sqlalchemy import Connection, Row, insert, select, update

from pyjpm.bank.acts import End, ask, look
from pyjpm.bank.channel import TRANSFER, party_plain_of
from pyjpm.bank.desk import Desk, note_decision, now
from pyjpm.bank.details import PayoutDetails, account_plain_of, agent_plain_of, payout_name, uetr_of
from pyjpm.bank.payout import ON_CHAIN, REDEMPTION, TAKEN, PayoutState, StoredPayout, stored_payout
from pyjpm.bank.tables import payout
from pyjpm.errors.bank import PayoutMismatch, PayoutNotStuck, PayoutUnknown
from pyjpm.errors.effects import UnknownEffect
from pyjpm.money import Money
from pyjpm.sending.effects import EffectState


class Payouts:
    """``bank.payouts``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # --- asking ----------------------------------------------------------------------------------------------------

    def accept(self, participant: int, reference: str, details: PayoutDetails, *, currency: str) -> StoredPayout:
        """Takes a client's payout details for its redemption; again is the same payout.

        Args:
            reference: of the redemption, as the chain has it.
            details: what the client requested it with.

        Raises:
            PayoutUnknown: the chain has no such redemption waiting.
            PayoutMismatch: it was requested with other details.
            AccountUnknown: there is no account to pay from.
        """
        session = self._desk.platform.session
        found = session.call(currency, "redemptionOf", participant, bytes.fromhex(reference.removeprefix("0x")))
        if found["status"] == 0:
            raise PayoutUnknown("The chain has no such redemption.", reference=reference)
        if found["payoutHash"] != details.hash:
            raise PayoutMismatch("The redemption was requested with other payout details.", reference=reference)
        outside = payout_name(session.record.chain_id, session.address(currency), participant, reference)
        amount = Money.from_minor(found["amount"], currency)
        content = self.order(outside, amount, details)
        return self.store(outside, REDEMPTION, amount, content, participant=participant, reference=reference)

    def waiting(self, currency: str) -> list[dict[str, Any]]:
        """Redemptions that clients have requested and whose details nobody has brought: participant, reference,
        minor units."""
        session = self._desk.platform.session
        with self._desk.book.reading() as connection:
            query = select(payout.c.participant, payout.c.reference).where(payout.c.currency == currency)
            known = {(row.participant, row.reference) for row in connection.execute(query)}
        found = []
        for event in session.events(currency, "RedemptionRequested"):
            told = event.arguments
            participant, reference = told["participant"], "0x" + told["ref"].hex()
            state = self._desk.platform.deposits.redemption_state(participant, reference, currency=currency)
            if state in ("REQUESTED", "INSTRUCTED") and (participant, reference) not in known:
                found.append({"participant": participant, "reference": reference, "amount": told["amount"]})
        return found

    def find(self, outside: str) -> StoredPayout:
        """A payout by its name outside. Raises ``PayoutUnknown``."""
        return stored_payout(self._row(outside))

    def list(self, *states: PayoutState) -> list[StoredPayout]:
        """Payouts in these states (all, if none is given), the oldest first."""
        query = select(payout).order_by(payout.c.created_at, payout.c.outside)
        if states:
            query = query.where(payout.c.state.in_([each.value for each in states]))
        with self._desk.book.reading() as connection:
            return [stored_payout(row) for row in connection.execute(query)]

    def named(self, connection: Connection, end_to_end_id: str | None, uetr: str | None) -> Row[Any] | None:
        """The payout that something of the bank's is about."""
        for column, said in ((payout.c.outside, end_to_end_id), (payout.c.uetr, uetr)):
            if said is not None:
                row = connection.execute(select(payout).where(column == said)).one_or_none()
                if row is not None:
                    return row
        return None

    # --- what a person decides -------------------------------------------------------------------------------------

    def retry(self, outside: str, *, who: str, reason: str) -> StoredPayout:
        """Goes on with a payout that is stuck, once what was wrong is mended.

        Raises:
            PayoutUnknown, PayoutNotStuck, ReasonMissing; what ``advance`` raises.
        """
        row = self._row(outside)
        if row.state != PayoutState.STUCK:
            raise PayoutNotStuck(f"The payout is {row.state}.", payout=outside, state=row.state)
        before = self._stuck_at(row)
        with self._desk.book.writing() as connection:
            note_decision(connection, who, "retry", outside, reason)
            if not _move(connection, row, before, submission=None, reason=""):
                raise PayoutNotStuck("Somebody was faster.", payout=outside, state=row.state)
        return self.advance(outside)

    def _stuck_at(self, row: Row[Any]) -> PayoutState:
        """The state whose step the chain refused."""
        deposits = self._desk.platform.deposits
        seen = deposits.redemption_state(row.participant, row.reference, currency=row.currency)
        if seen == "INSTRUCTED":
            unpaid = row.bank_reference is None and row.came_back in (None, row.amount)
            return PayoutState.REFUSED if unpaid and row.evidence is not None else PayoutState.TELLING
        return {"SETTLED": PayoutState.SETTLED, "RETURNED": PayoutState.RETURNED}.get(seen, PayoutState.ACCEPTED)

    # --- what the bank says ----------------------------------------------------------------------------------------

    def debited(self, outside: str, amount: Money, bank_reference: str) -> str | None:
        """The bank's account shows the debit. None, or why it is not this payout's."""
        with self._desk.book.writing() as connection:
            row = _require(connection, outside)
            if amount != Money.from_minor(int(row.amount), row.currency):
                return "AMOUNT_DIFFERS"
            if row.bank_reference is not None:
                same = row.bank_reference in (bank_reference, _returned(outside))
                return None if same else "PAID_TWICE"
            if row.state in _GIVEN_BACK and row.came_back is None:
                return "PAID_THOUGH_REFUSED"
            _set(connection, outside, bank_reference=bank_reference)
        return None

    def refused(self, outside: str, evidence: bytes, reason: str) -> str | None:
        """The bank says that it will not pay. None, or why that cannot be."""
        with self._desk.book.writing() as connection:
            row = _require(connection, outside)
            if row.state in _GIVEN_BACK:
                return None
            if row.bank_reference is not None or row.state not in (PayoutState.TELLING, PayoutState.TOLD):
                return "REFUSED_THOUGH_PAID"
            said = {"state": PayoutState.REFUSED, "evidence": "0x" + evidence.hex(), "reason": reason}
            _set(connection, outside, **said)
        return None

    def came_back(self, outside: str, amount: Money, evidence: bytes) -> str | None:
        """What was paid has come back, all or less for charges. None, or why it is not this payout's."""
        with self._desk.book.writing() as connection:
            row = _require(connection, outside)
            whole = Money.from_minor(int(row.amount), row.currency)
            if row.kind != REDEMPTION or amount.currency != whole.currency or amount > whole:
                return "RETURN_DIFFERS"
            if row.came_back is not None:
                return None if int(row.came_back) == amount.minor else "RETURNED_TWICE"
            if row.state in _UNPAID:
                return "RETURN_OF_UNPAID"
            _set(connection, outside, came_back=str(amount.minor), evidence="0x" + evidence.hex())
        return None

    # --- going on --------------------------------------------------------------------------------------------------

    def advance(self, outside: str) -> StoredPayout:
        """Goes on with a payout as far as it goes now.

        Raises:
            PayoutChannelMissing; EffectConflict; what the way to the chain raises.
        """
        for _ in PayoutState:
            row = self._row(outside)
            if PayoutState(row.state) is PayoutState.SETTLED and row.came_back is None:
                break
            if not self._step(row):
                break
        return self.find(outside)

    def _step(self, row: Row[Any]) -> bool:
        """One step; whether there was one."""
        state, deposits = PayoutState(row.state), self._desk.platform.deposits
        about = (row.participant, row.reference)
        match state:
            case PayoutState.ACCEPTED if row.kind not in ON_CHAIN:
                return self._moved(row, PayoutState.TELLING)
            case PayoutState.ACCEPTED:
                return self._act(
                    row,
                    "instruct",
                    lambda key: deposits.instruct_redemption(*about, currency=row.currency, idempotency_key=key),
                    PayoutState.INSTRUCTING,
                    "INSTRUCTED",
                )
            case PayoutState.INSTRUCTING:
                return self._ended(row, PayoutState.TELLING, "INSTRUCTED")
            case PayoutState.TELLING:
                return self._tell(row)
            case PayoutState.TOLD:
                return self._paid(row)
            case PayoutState.SETTLING:
                return self._ended(row, PayoutState.SETTLED, "SETTLED")
            case PayoutState.REFUSED if row.kind not in ON_CHAIN:
                return self._moved(row, PayoutState.RETURNED)
            case PayoutState.REFUSED:
                evidence = bytes.fromhex(row.evidence[2:])
                return self._act(
                    row,
                    "return",
                    lambda key: deposits.return_redemption(
                        *about, currency=row.currency, idempotency_key=key, evidence=evidence
                    ),
                    PayoutState.RETURNING,
                    "RETURNED",
                )
            case PayoutState.RETURNING:
                return self._ended(row, PayoutState.RETURNED, "RETURNED")
            case PayoutState.SETTLED:
                back = Money.from_minor(int(row.came_back), row.currency)
                return self._act(
                    row,
                    "mint",
                    lambda key: deposits.mint(
                        row.participant, back, deposit_reference=row.outside, idempotency_key=key
                    ),
                    PayoutState.MINTING,
                    None,
                )
            case PayoutState.MINTING:
                return self._ended(row, PayoutState.MINTED, None)
            case _:
                return False

    def _tell(self, row: Row[Any]) -> bool:
        if row.kind == TAKEN or row.bank_reference is not None:
            return self._moved(row, PayoutState.TOLD)
        outside, effects = self._desk.outside(), self._desk.effects
        content = json.loads(row.content)
        with suppress(UnknownEffect):
            # A book that was lost and told anew says another day: what the bank may have been told is what counts.
            earlier = effects.find(row.outside).content
            content |= {name: earlier[name] for name in ("day", "created")}
        effects.intend(row.outside, "payout", content)
        effect = effects.carry_out(row.outside, outside)
        if effect.state is EffectState.CONFIRMED:
            return self._moved(row, PayoutState.TOLD)
        if effect.state is EffectState.FAILED:
            evidence = keccak(text=f"{row.outside}\n{effect.detail}")
            return self._moved(
                row, PayoutState.REFUSED, evidence="0x" + evidence.hex(), reason=effect.detail or "refused"
            )
        return False

    def _paid(self, row: Row[Any]) -> bool:
        if row.bank_reference is None and row.came_back is not None:
            # It left, whatever of it came back: that it did is told by what came.
            if row.came_back == row.amount:
                return self._moved(row, PayoutState.REFUSED, reason="It came back.")
            return self._moved(row, PayoutState.TOLD, bank_reference=_returned(row.outside))
        if row.bank_reference is None:
            return False
        if row.kind not in ON_CHAIN:
            return self._moved(row, PayoutState.SETTLED)
        return self._act(
            row,
            "settle",
            lambda key: self._desk.platform.deposits.settle_redemption(
                row.participant,
                row.reference,
                currency=row.currency,
                fiat_reference=row.bank_reference,
                idempotency_key=key,
            ),
            PayoutState.SETTLING,
            "SETTLED",
        )

    def _act(self, row: Row[Any], step: str, act: Any, after: PayoutState, proof: str | None) -> bool:
        """Ask the chain for a step. Where it refuses, the redemption's state may show that it was done before."""
        outcome = ask(self._desk.platform, f"payout/{row.outside}/{step}", act)
        if outcome.end is End.REFUSED and not self._proven(row, proof):
            return self._moved(row, PayoutState.STUCK, reason=f"{outcome.code}: {outcome.message}")
        done = outcome.end is not End.OPEN
        return self._moved(row, _DONE[after] if done else after, submission=outcome.submission)

    def _ended(self, row: Row[Any], after: PayoutState, proof: str | None) -> bool:
        outcome = look(self._desk.platform, row.submission)
        if outcome.end is End.OPEN:
            return False
        if outcome.end is End.REFUSED and not self._proven(row, proof):
            return self._moved(row, PayoutState.STUCK, reason=f"{outcome.code}: {outcome.message}")
        return self._moved(row, after)

    def _proven(self, row: Row[Any], proof: str | None) -> bool:
        if proof is None:
            return False
        deposits = self._desk.platform.deposits
        return deposits.redemption_state(row.participant, row.reference, currency=row.currency) == proof

    def _moved(self, row: Row[Any], after: PayoutState, **values: Any) -> bool:
        with self._desk.book.writing() as connection:
            return _move(connection, row, after, **values)

    # --- storing ---------------------------------------------------------------------------------------------------

    def order(
        self,
        outside: str,
        amount: Money,
        details: PayoutDetails,
        *,
        order: str = TRANSFER,
        original: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """What the bank is told. Raises ``AccountUnknown``."""
        source, at = self._desk.paying_account(amount.currency), now()
        return {
            "order": order if original is not None else TRANSFER,
            "uetr": str(uetr_of(outside)),
            "amount": str(amount.minor),
            "currency": amount.currency,
            "day": datetime.datetime.fromtimestamp(at, datetime.UTC).date().isoformat(),
            "created": at,
            "debtor": party_plain_of(source.owner),
            "debtor_account": account_plain_of(source.account),
            "debtor_agent": agent_plain_of(source.agent),
            "creditor": party_plain_of(details.creditor),
            "creditor_account": account_plain_of(details.account),
            "creditor_agent": agent_plain_of(details.agent),
            "text": details.text,
            "original": original,
        }

    def store(
        self,
        outside: str,
        kind: str,
        amount: Money,
        content: dict[str, Any],
        *,
        participant: int | None = None,
        reference: str | None = None,
        bank_reference: str | None = None,
    ) -> StoredPayout:
        """Stores a payout; one that is there stays as it is, the day on which it was ordered included."""
        with self._desk.book.writing() as connection:
            self.add(
                connection,
                outside,
                kind,
                amount,
                content,
                participant=participant,
                reference=reference,
                bank_reference=bank_reference,
            )
        return self.find(outside)

    def add(
        self,
        connection: Connection,
        outside: str,
        kind: str,
        amount: Money,
        content: dict[str, Any],
        *,
        participant: int | None,
        reference: str | None,
        bank_reference: str | None,
    ) -> None:
        """As :meth:`store`, in the caller's transaction."""
        values = {
            "outside": outside,
            "uetr": str(uetr_of(outside)),
            "kind": kind,
            "participant": participant,
            "reference": reference,
            "currency": amount.currency,
            "amount": str(amount.minor),
            "content": json.dumps(content),
            "state": PayoutState.ACCEPTED,
            "bank_reference": bank_reference,
            "reason": "",
            "created_at": now(),
        }
        there = connection.execute(select(payout.c.outside).where(payout.c.outside == outside)).first()
        if there is None:
            connection.execute(insert(payout).values(**values))

    def _row(self, outside: str) -> Row[Any]:
        with self._desk.book.reading() as connection:
            return _require(connection, outside)


def _require(connection: Connection, outside: str) -> Row[Any]:
    row = connection.execute(select(payout).where(payout.c.outside == outside)).one_or_none()
    if row is None:
        raise PayoutUnknown(f"There is no payout {outside[:40]!r}.", payout=outside[:40])
    return row


def _move(connection: Connection, row: Row[Any], after: PayoutState, **values: Any) -> bool:
    """Whether it was as it was read, also by what the bank has said of it, and has moved."""
    this = (payout.c.outside == row.outside) & (payout.c.state == row.state)
    for said in (payout.c.bank_reference, payout.c.came_back):
        this &= said.is_not_distinct_from(row._mapping[said.name])
    return connection.execute(update(payout).where(this).values(state=after, **values)).rowcount == 1


def _set(connection: Connection, outside: str, **values: Any) -> None:
    connection.execute(update(payout).where(payout.c.outside == outside).values(**values))


def _returned(outside: str) -> str:
    """What stands for the debit of a payout that came back in part before the debit was seen."""
    return f"returned/{outside}"


_GIVEN_BACK: Final = (PayoutState.REFUSED, PayoutState.RETURNING, PayoutState.RETURNED)
_UNPAID: Final = (PayoutState.ACCEPTED, PayoutState.INSTRUCTING, PayoutState.RETURNING, PayoutState.RETURNED)
_DONE: Final = {
    PayoutState.INSTRUCTING: PayoutState.TELLING,
    PayoutState.SETTLING: PayoutState.SETTLED,
    PayoutState.RETURNING: PayoutState.RETURNED,
    PayoutState.MINTING: PayoutState.MINTED,
}
