"""What an operator sees: lanes, what waits and why, the whole life of one submission. Reads only, takes no lease."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, select

from pyjpm.sending.journal import Journal
from pyjpm.sending.lanes import Lane, LaneState
from pyjpm.sending.operation import LIVING, OPEN, WAITING, Submission
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.tables import approval, attempt, attempt_payment, payment

_STATES: Final[Mapping[State, str]] = {
    State.RECEIVED: "waits for a checker's approval",
    State.RESERVED: "has its nonce and is not signed: the signer is slow, failed, or nobody serves the wallet",
    State.SIGNED: "is signed; no node has taken it as far as we know",
    State.BROADCAST: "is with a node and waits to be mined",
    State.QUARANTINED: "may or may not have been signed elsewhere: void it",
    State.VOIDING: "its reference is being voided; it may still be paid until that is final",
    State.FINAL: "is done",
    State.SUPERSEDED: "was mined without effect: it was out of date by then",
    State.REVERTED: "was refused by the contract; may be retried",
    State.REJECTED: "was refused before it was mined; may be retried",
    State.EXPIRED: "was not signed before its last second",
    State.CANCELLED: "was withdrawn",
    State.VOIDED: "its reference was voided: nothing is ever paid under it",
    State.CONFLICT: "the chain holds other content under its reference",
}


class Overview:
    """Reads a journal for people."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._database = journal.database

    def lanes(self, *, now: int, chain_nonces: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
        """Each wallet's state, what is in flight, what waits, the age in seconds of the oldest that is open."""
        counted = (
            select(payment.c.wallet, payment.c.state, func.count().label("count"), func.min(payment.c.created_at))
            .where(payment.c.state.in_(OPEN))
            .group_by(payment.c.wallet, payment.c.state)
        )
        with self._database.reading() as connection:
            rows = connection.execute(counted).all()
        alarms = self._journal.alarms.list()
        told = []
        for lane in self._journal.lanes.all():
            mine = [row for row in rows if row[0] == lane.wallet]
            oldest = min((row[3] for row in mine), default=None)
            told.append(
                {
                    "wallet": lane.wallet,
                    "state": lane.state.value,
                    "next_nonce": lane.next_nonce,
                    "chain_nonce": None if chain_nonces is None else chain_nonces.get(lane.wallet),
                    "recover_to": lane.recover_to,
                    "in_flight": sum(row[2] for row in mine if row[1] in LIVING),
                    "waiting": sum(row[2] for row in mine if row[1] in WAITING),
                    "unsettled": sum(row[2] for row in mine if row[1] in (State.QUARANTINED, State.VOIDING)),
                    "oldest_age": None if oldest is None else max(0, now - int(oldest)),
                    "alarms": sum(each.wallet == lane.wallet for each in alarms),
                }
            )
        return told

    def list(self, *, state: State | None = None, wallet: str | None = None, all_: bool = False) -> Iterator[Any]:
        """Submissions with why they wait, oldest first; open ones only unless ``all_`` or a state is given."""
        lanes = {lane.wallet: lane for lane in self._journal.lanes.all()}
        for each in self._journal.list(state=state, wallet=wallet):
            if all_ or state is not None or each.is_pending:
                yield _said(each) | {"why": why(each, lanes.get(each.wallet))}

    def show(self, submission: str) -> dict[str, Any]:
        """The whole life of one submission. Raises SubmissionNotFound."""
        found = self._journal.get(submission)
        mine = select(attempt_payment.c.attempt).where(attempt_payment.c.payment == submission)
        places = select(attempt.c.lane, attempt.c.nonce).where(attempt.c.id.in_(mine)).distinct().subquery()
        tried = (
            select(attempt)
            .join(places, (places.c.lane == attempt.c.lane) & (places.c.nonce == attempt.c.nonce))
            .order_by(attempt.c.nonce, attempt.c.beside)
        )
        with self._database.reading() as connection:
            attempts = connection.execute(tried).all()
            words = connection.execute(select(approval).where(approval.c.payment == submission)).all()
        return found.to_dict() | {
            "why": why(found, self._journal.lanes.read(found.wallet)),
            "attempts": [
                {
                    "nonce": row.nonce,
                    "kind": row.kind,
                    "state": row.state,
                    "tx_hash": row.tx_hash,
                    "price": int(row.price or 0),
                    "refused_since": row.refused_since,
                    "block_number": row.block_number,
                    "gas_used": row.gas_used,
                }
                for row in attempts
            ],
            "approvals": [
                {
                    "checker": row.checker,
                    "approved": bool(row.approved),
                    "expires_at": row.expires_at,
                    "decided_at": row.decided_at,
                }
                for row in words
            ],
            "decisions": [each.to_dict() for each in self._journal.trail.of(submission)],
            "alarms": [each.to_dict() for each in self._journal.alarms.list(submission=submission, cleared=True)],
        }


def why(found: Submission, lane: Lane | None) -> str:
    """In a person's words: what it waits for, or how it ended."""
    said = _STATES.get(found.state, "")
    if found.state is State.SCHEDULED and found.not_before is not None:
        said = f"waits for its value date, {datetime.fromtimestamp(found.not_before, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if found.state in WAITING and lane is not None and lane.state is LaneState.HALTED:
        said = "its wallet is halted: somebody else used a nonce of it"
    elif found.state is State.APPROVED and lane is not None:
        recovering = lane.state is LaneState.RECOVERING
        said = f"its wallet recovers up to nonce {lane.recover_to}" if recovering else "waits for a nonce of its wallet"
    message = (found.error or {}).get("message")
    return f"{said} ({message})" if message else said


def _said(each: Submission) -> dict[str, Any]:
    names = ("id", "wallet", "key", "kind", "reference", "nonce", "tx_hash", "created_at", "not_before")
    return {name: getattr(each, name) for name in names} | {"state": each.state.value}
