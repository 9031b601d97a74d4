"""What an acceptance writes: a row for each request, for each transaction, and for what carries what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from pyjpm.errors.sending import JournalCollision
from pyjpm.sending.bulk import Bulk, Row
from pyjpm.sending.lanes import advance
from pyjpm.sending.operation import RETRIED, AttemptKind, AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.requests import Request
from pyjpm.sending.rows import Asked, Attempt, in_parts
from pyjpm.sending.tables import approval, attempt, attempt_payment, payment

# Asked for again after a failure: by which wallet and with which signatures inside may have changed, what it says not.
_RENEW: Final = Bulk(
    update(payment)
    .where(payment.c.id == bindparam("b_id"))
    .values(
        key=bindparam("b_key"),
        wallet=bindparam("b_wallet"),
        to=bindparam("b_to"),
        data=bindparam("b_data"),
        gas=bindparam("b_gas"),
        debits=bindparam("b_debits"),
        not_before=bindparam("b_not_before"),
        not_after=bindparam("b_not_after"),
        simulate=bindparam("b_simulate"),
        proof_hash=bindparam("b_proof_hash"),
        proof_block=bindparam("b_proof_block"),
        attempt=bindparam("b_attempt"),
        state=bindparam("b_state"),
        cancels=0,
        error=bindparam("b_error"),
    ),
    "b_key",
    "b_wallet",
    "b_to",
    "b_data",
    "b_gas",
    "b_debits",
    "b_not_before",
    "b_not_after",
    "b_simulate",
    "b_proof_hash",
    "b_proof_block",
    "b_attempt",
    "b_state",
    "b_error",
    "b_id",
)
_ATTEMPT_AGAIN: Final = Bulk(
    update(payment)
    .where(payment.c.id == bindparam("b_id"))
    .values(attempt=bindparam("b_attempt"), state=bindparam("b_state"), error=None),
    "b_attempt",
    "b_state",
    "b_id",
)


def add_payment(connection: Connection, row: Row) -> None:
    """Store one payment (``payment_row``)."""
    _PAYMENTS.write(connection, [row])


def again(connection: Connection, submission: str, state: State) -> None:
    """What ended is accepted anew, without a nonce."""
    _forget_words(connection, [submission])
    values: dict[str, Any] = {"state": state, "attempt": None, "error": None, "cancels": 0}
    connection.execute(update(payment).where(payment.c.id == submission).values(**values))


_ATTEMPTS: Final = Bulk(insert(attempt), "id", "lane", "nonce", "kind", "beside", "to", "data", "gas", "state")
_PAYMENTS: Final = Bulk(
    insert(payment),
    "id",
    "owner",
    "wallet",
    "key",
    "kind",
    "content",
    "request_sha256",
    "reference",
    "state",
    "to",
    "data",
    "gas",
    "debits",
    "simulate",
    "not_before",
    "not_after",
    "attempt",
    "proof_hash",
    "proof_block",
    "error",
    "created_at",
)
_CALL: Final = AttemptKind.CALL.value
_RESERVED: Final = AttemptState.RESERVED.value
_LINKS: Final = Bulk(insert(attempt_payment), "attempt", "payment", "position")


@dataclass(slots=True)
class AcceptedRows:
    """What an acceptance writes."""

    attempts: list[Row] = field(default_factory=list)
    new: list[Row] = field(default_factory=list)
    renewed: list[Row] = field(default_factory=list)
    again: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    next_nonces: dict[str, int] = field(default_factory=dict)
    bound: list[Attempt] = field(default_factory=list)

    def bind(
        self, attempt_id: str, wallet: str, nonce: int, to: str | None, data: bytes, gas: int, asked: Sequence[Asked]
    ) -> None:
        """Adds a transaction and what it carries; in ``bound`` it is as it will be read."""
        self.attempts.append((attempt_id, wallet, nonce, _CALL, 0, to, data, gas, _RESERVED))
        self.links += [(attempt_id, each.id, i) for i, each in enumerate(asked)]
        self.bound.append(
            Attempt(
                id=attempt_id,
                wallet=wallet,
                nonce=nonce,
                kind=AttemptKind.CALL,
                beside=0,
                to=to,
                data=data,
                gas=gas,
                price=0,
                raw=None,
                tx_hash=None,
                state=AttemptState.RESERVED,
                refused_since=None,
                asked=tuple(asked),
            )
        )

    def write(self, connection: Connection) -> None:
        _ATTEMPTS.write(connection, self.attempts)
        _PAYMENTS.write(connection, self.new)
        _require_failed(connection, [row[-1] for row in self.renewed])
        _forget_words(connection, [row[-1] for row in self.renewed])
        _RENEW.write(connection, self.renewed)
        _ATTEMPT_AGAIN.write(connection, self.again)
        _LINKS.write(connection, self.links)
        advance(connection, self.next_nonces)


def payment_row(payment_id: str, wallet: str, request: Request, state: State, attempt_id: str | None, now: int) -> Row:
    """A payment as _PAYMENTS has it."""
    operation, found = request.operation, request.found
    return (
        payment_id,
        request.owner,
        wallet,
        _key_of(request, state),
        operation.kind,
        request.content,
        request.sha256,
        operation.reference,
        state.value,
        request.to,
        operation.data,
        operation.gas,
        _debits(request.debits),
        int(request.simulate),
        operation.not_before,
        operation.not_after,
        attempt_id,
        None if found is None else found.tx_hash,
        None if found is None else found.block,
        _error_of(request),
        now,
    )


def _require_failed(connection: Connection, ids: Sequence[str]) -> None:
    """Locks these. Raises JournalCollision where one is attempted again already, over another wallet of its owner."""
    for part in in_parts(ids):
        still = select(payment.c.id).where(payment.c.id.in_(part), payment.c.state.in_(RETRIED)).with_for_update()
        if len(connection.execute(still).all()) < len(part):
            raise JournalCollision("Somebody else asked for the same again first.")


def _forget_words(connection: Connection, ids: Sequence[str]) -> None:
    """What is attempted once more waits for new words: one was a "no", or they were about another wallet's payment."""
    for part in in_parts(ids):
        connection.execute(delete(approval).where(approval.c.payment.in_(part)))


def renewed_row(payment_id: str, wallet: str, request: Request, state: State, attempt_id: str | None) -> Row:
    """A payment that is asked for again as _RENEW has it."""
    operation, found = request.operation, request.found
    return (
        _key_of(request, state),
        wallet,
        request.to,
        operation.data,
        operation.gas,
        _debits(request.debits),
        operation.not_before,
        operation.not_after,
        int(request.simulate),
        None if found is None else found.tx_hash,
        None if found is None else found.block,
        attempt_id,
        state.value,
        _error_of(request),
        payment_id,
    )


def _key_of(request: Request, state: State) -> str | None:
    """Free for the content that the chain holds, where that is another."""
    return None if state is State.CONFLICT else request.operation.key


def _error_of(request: Request) -> str | None:
    return None if request.refused is None else json.dumps(request.refused.to_dict())


def _debits(debits: Mapping[str, int]) -> str | None:
    return json.dumps({token: str(minor) for token, minor in debits.items()}) if debits else None
