"""What the Sender writes into the journal.

Decisions that govern this module:

* A nonce is bound to an operation in the same commit that stores the operation, and never to a second one. It is one
  above the highest bound before, or the chain's where that is higher: no number is skipped.
* Bytes are stored before they are sent, and never replaced.
* An outcome is written once: FINAL and REVERTED are not overwritten.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, bindparam, insert, or_, select, update

from pyjpm.errors.sending import ForeignNonce, IdempotencyConflict, LaneHalted
from pyjpm.sending.database import Database
from pyjpm.sending.operation import LIVING, Operation, Submission, SubmissionState
from pyjpm.sending.reference import canonical
from pyjpm.sending.rows import ATTEMPTS, SUBMISSIONS, Attempt, in_parts, to_attempt, to_submission
from pyjpm.sending.tables import attempt, attempt_payment, lane, payment

_OK: Final = "OK"
_HALTED: Final = "HALTED"


@dataclass(frozen=True, slots=True)
class Request:
    """An operation that was checked: its checksummed recipient and the hash of what it says."""

    operation: Operation
    to: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one wallet is asked to send, in the order of its nonces."""

    wallet: str
    requests: Sequence[Request]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a receipt says about an attempt; ``error`` and ``revert_data`` where it reverted."""

    attempt: Attempt
    succeeded: bool
    block_number: int
    gas_used: int
    contract_address: str | None
    revert_data: bytes | None = None
    error: dict[str, Any] | None = None


class Attempts:
    """Lanes and their attempts. Wallets are checksummed addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lanes: dict[str, threading.RLock] = {}
        self._mutex = threading.Lock()

    @contextmanager
    def lanes(self, wallets: Iterable[str]) -> Iterator[None]:
        """Held from binding a nonce to sending its bytes, so that a wallet's transactions leave in their order."""
        with ExitStack() as held:
            # Always in this order: two threads with several lanes each never wait for one another.
            for wallet in sorted(wallets):
                with self._mutex:
                    lock = self._lanes.setdefault(wallet, threading.RLock())
                held.enter_context(lock)
            yield

    # --- reading ---------------------------------------------------------------------------------------------------

    def known(self, batches: Sequence[Batch]) -> list[dict[str, Submission]]:
        """The submissions that exist under each batch's keys, by key.

        Raises IdempotencyConflict where one says something else, or two of these share a key and do not agree.
        """
        with self._database.transaction() as connection:
            return [_known(connection, batch) for batch in batches]

    def living(self, wallet: str | None = None) -> list[Attempt]:
        """Attempts without an outcome, by wallet and nonce."""
        query = ATTEMPTS.where(attempt.c.state.in_(LIVING))
        return self._read(query if wallet is None else query.where(attempt.c.lane == wallet))

    def unsigned(self, wallets: Sequence[str]) -> list[Attempt]:
        """The RESERVED attempts of these wallets, by wallet and nonce: none of a halted one."""
        halted = select(lane.c.wallet).where(lane.c.state == _HALTED)
        waiting = ATTEMPTS.where(attempt.c.state == SubmissionState.RESERVED, attempt.c.lane.not_in(halted))
        return [each for part in in_parts(wallets) for each in self._read(waiting.where(attempt.c.lane.in_(part)))]

    def of(self, submission_ids: Sequence[str]) -> list[Attempt]:
        """The newest attempt of each submission, by wallet and nonce."""
        found = [
            each for part in in_parts(submission_ids) for each in self._read(ATTEMPTS.where(payment.c.id.in_(part)))
        ]
        return sorted(found, key=lambda each: (each.wallet, each.nonce))

    def revert_data(self, submission_id: str) -> bytes | None:
        """What the newest attempt reverted with, where that is known."""
        query = (
            select(attempt.c.revert_data)
            .join_from(payment, attempt, payment.c.attempt == attempt.c.id)
            .where(payment.c.id == submission_id)
        )
        with self._database.transaction() as connection:
            data: bytes | None = connection.execute(query).scalar_one()
        return data

    def is_halted(self, wallet: str) -> bool:
        """Whether the wallet sends nothing more."""
        with self._database.transaction() as connection:
            state = connection.execute(select(lane.c.state).where(lane.c.wallet == wallet)).scalar_one_or_none()
        return state == _HALTED

    def _read(self, query: Any) -> list[Attempt]:
        with self._database.transaction() as connection:
            rows = connection.execute(query.order_by(attempt.c.lane, attempt.c.nonce))
            return [to_attempt(row) for row in rows]

    # --- writing ---------------------------------------------------------------------------------------------------

    def reserve(self, batches: Sequence[Batch], chain_nonces: Sequence[int]) -> list[list[str]]:
        """Store requests and bind a nonce to each, in one commit; those that live or are final stay as they are.

        Args:
            batches: of different wallets.
            chain_nonces: each wallet's next nonce by the chain.

        Returns:
            For each batch its submissions' ids, one for each request.

        Raises:
            IdempotencyConflict, LaneHalted; nothing is stored then.
        """
        rows = _Rows()
        with self._database.transaction() as connection:
            ids = [
                _reserve(connection, batch, chain_nonce, rows)
                for batch, chain_nonce in zip(batches, chain_nonces, strict=True)
            ]
            rows.write(connection)
        return ids

    def commit_bytes(self, signed: Sequence[Attempt]) -> None:
        """Store the bytes and hashes of attempts that had none: RESERVED becomes SIGNED."""
        with self._database.transaction() as connection:
            connection.execute(
                update(attempt)
                .where(attempt.c.id == bindparam("b_id"), attempt.c.state == SubmissionState.RESERVED)
                .values(state=SubmissionState.SIGNED, raw=bindparam("b_raw"), tx_hash=bindparam("b_hash")),
                [{"b_id": each.id, "b_raw": each.raw, "b_hash": each.tx_hash} for each in signed],
            )
            _advance_payments(connection, signed, SubmissionState.RESERVED, SubmissionState.SIGNED)

    def mark_broadcast(self, attempts: Sequence[Attempt]) -> None:
        """A node said that it has their bytes: SIGNED becomes BROADCAST."""
        with self._database.transaction() as connection:
            connection.execute(
                update(attempt)
                .where(attempt.c.id == bindparam("b_id"), attempt.c.state == SubmissionState.SIGNED)
                .values(state=SubmissionState.BROADCAST),
                [{"b_id": each.id} for each in attempts],
            )
            _advance_payments(connection, attempts, SubmissionState.SIGNED, SubmissionState.BROADCAST)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Store what receipts say. An outcome that is there already stays."""
        with self._database.transaction() as connection:
            connection.execute(
                update(attempt)
                .where(attempt.c.id == bindparam("b_id"), _alive(attempt))
                .values(
                    state=bindparam("b_state"),
                    block_number=bindparam("b_block"),
                    gas_used=bindparam("b_gas"),
                    contract_address=bindparam("b_contract"),
                    revert_data=bindparam("b_revert"),
                ),
                [
                    {
                        "b_id": each.attempt.id,
                        "b_state": _state_after(each),
                        "b_block": each.block_number,
                        "b_gas": each.gas_used,
                        "b_contract": each.contract_address,
                        "b_revert": each.revert_data,
                    }
                    for each in outcomes
                ],
            )
            # Only where it is the newest attempt: an earlier one's outcome says nothing about a later one.
            connection.execute(
                update(payment)
                .where(
                    payment.c.id == bindparam("b_id"),
                    payment.c.attempt == bindparam("b_attempt"),
                    _alive(payment),
                )
                .values(state=bindparam("b_state"), error=bindparam("b_error")),
                [
                    {
                        "b_id": each.attempt.submission,
                        "b_attempt": each.attempt.id,
                        "b_state": _state_after(each),
                        "b_error": _error_text(each.error),
                    }
                    for each in outcomes
                ],
            )

    def halt(self, taken: Attempt, error: ForeignNonce) -> None:
        """Stop a wallet of which somebody else used a nonce."""
        with self._database.transaction() as connection:
            connection.execute(update(lane).where(lane.c.wallet == taken.wallet).values(state=_HALTED))
            connection.execute(
                update(payment).where(payment.c.id == taken.submission).values(error=_error_text(error.to_dict()))
            )


_ATTEMPT_AGAIN: Final = (
    update(payment)
    .where(payment.c.id == bindparam("b_id"))
    .values(attempt=bindparam("b_attempt"), state=SubmissionState.RESERVED, error=None)
)


@dataclass(slots=True)
class _Rows:
    """What a reservation writes."""

    lanes: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    new: list[dict[str, Any]] = field(default_factory=list)
    again: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)

    def write(self, connection: Connection) -> None:
        for statement, values in (
            (_NEXT_NONCE, self.lanes),
            (insert(attempt), self.attempts),
            (insert(payment), self.new),
            (_ATTEMPT_AGAIN, self.again),
            (insert(attempt_payment), self.links),
        ):
            if values:
                connection.execute(statement, values)


_NEXT_NONCE: Final = update(lane).where(lane.c.wallet == bindparam("b_wallet")).values(next_nonce=bindparam("b_next"))


def _reserve(connection: Connection, batch: Batch, chain_nonce: int, rows: _Rows) -> list[str]:
    """Adds one wallet's rows; the ids of its requests' submissions."""
    known = _known(connection, batch)
    ids = {key: found.id for key, found in known.items() if found.state != SubmissionState.REVERTED}
    first = nonce = _next_nonce(connection, batch.wallet, chain_nonce)
    now = int(time.time())
    for request in batch.requests:
        key = request.operation.key
        if key in ids:
            continue
        attempt_id = secrets.token_hex(16)
        if key in known:
            ids[key] = known[key].id
            rows.again.append({"b_id": ids[key], "b_attempt": attempt_id})
        else:
            ids[key] = secrets.token_hex(16)
            rows.new.append(_payment_values(ids[key], batch.wallet, request, attempt_id, now))
        rows.attempts.append(_attempt_values(attempt_id, batch.wallet, nonce, request))
        rows.links.append({"attempt": attempt_id, "payment": ids[key], "position": 0})
        nonce += 1
    if nonce > first:
        rows.lanes.append({"b_wallet": batch.wallet, "b_next": nonce})
    return [ids[request.operation.key] for request in batch.requests]


def _known(connection: Connection, batch: Batch) -> dict[str, Submission]:
    wanted: dict[str, str] = {}
    for request in batch.requests:
        if wanted.setdefault(request.operation.key, request.sha256) != request.sha256:
            raise _conflict(request, None)
    found: dict[str, Submission] = {}
    for part in in_parts(list(wanted)):
        query = SUBMISSIONS.where(payment.c.wallet == batch.wallet, payment.c.key.in_(part))
        found.update((row.key, to_submission(row)) for row in connection.execute(query))
    for request in batch.requests:
        earlier = found.get(request.operation.key)
        if earlier is not None and earlier.request_sha256 != request.sha256:
            raise _conflict(request, earlier.id)
    return found


def _conflict(request: Request, earlier: str | None) -> IdempotencyConflict:
    operation = request.operation
    return IdempotencyConflict(
        f"The idempotency key {operation.key!r} was used for another request.",
        key=operation.key,
        kind=operation.kind,
        submission=earlier,
    )


def _next_nonce(connection: Connection, wallet: str, chain_nonce: int) -> int:
    row = connection.execute(select(lane).where(lane.c.wallet == wallet)).one_or_none()
    if row is None:
        connection.execute(insert(lane).values(wallet=wallet, next_nonce=chain_nonce, state=_OK))
        return chain_nonce
    if row.state == _HALTED:
        raise LaneHalted(f"The wallet {wallet} sends nothing: somebody else used a nonce of it.", wallet=wallet)
    return max(chain_nonce, int(row.next_nonce))


def _attempt_values(attempt_id: str, wallet: str, nonce: int, request: Request) -> dict[str, Any]:
    return {
        "id": attempt_id,
        "lane": wallet,
        "nonce": nonce,
        "kind": "call",
        "to": request.to,
        "data": request.operation.data,
        "gas": request.operation.gas,
        "state": SubmissionState.RESERVED,
    }


def _payment_values(payment_id: str, wallet: str, request: Request, attempt_id: str, now: int) -> dict[str, Any]:
    operation = request.operation
    return {
        "id": payment_id,
        "owner": f"wallet {wallet}",
        "wallet": wallet,
        "key": operation.key,
        "kind": operation.kind,
        "content": canonical(operation.content),
        "request_sha256": request.sha256,
        "reference": operation.reference,
        "state": SubmissionState.RESERVED,
        "to": request.to,
        "data": operation.data,
        "gas": operation.gas,
        "attempt": attempt_id,
        "created_at": now,
    }


def _advance_payments(
    connection: Connection, attempts: Sequence[Attempt], before: SubmissionState, after: SubmissionState
) -> None:
    connection.execute(
        update(payment).where(payment.c.id == bindparam("b_id"), payment.c.state == before).values(state=after),
        [{"b_id": each.submission} for each in attempts],
    )


def _alive(table: Table) -> ColumnElement[bool]:
    # Written out: SQLAlchemy expands an IN list per statement, which many rows at once do not allow.
    return or_(*(table.c.state == state for state in LIVING))


def _state_after(outcome: Outcome) -> SubmissionState:
    return SubmissionState.FINAL if outcome.succeeded else SubmissionState.REVERTED


def _error_text(error: dict[str, Any] | None) -> str | None:
    return None if error is None else json.dumps(error, default=str)
