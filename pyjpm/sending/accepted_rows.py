"""What an acceptance writes: a row for each request, for each transaction, and for what carries what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, update

from pyjpm.sending.bulk import write_many
from pyjpm.sending.lanes import advance
from pyjpm.sending.operation import AttemptKind, AttemptState
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.requests import Request
from pyjpm.sending.rows import Asked, Attempt
from pyjpm.sending.tables import attempt, attempt_payment, payment

# Asked for again after a failure: by which wallet and with which signatures inside may have changed, what it says not.
_RENEW: Final = (
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
    )
)
_ATTEMPT_AGAIN: Final = (
    update(payment)
    .where(payment.c.id == bindparam("b_id"))
    .values(attempt=bindparam("b_attempt"), state=bindparam("b_state"), error=None)
)


def again(connection: Connection, submission: str, state: State) -> None:
    """What ended is accepted anew, without a nonce."""
    values: dict[str, Any] = {"state": state, "attempt": None, "error": None, "cancels": 0}
    connection.execute(update(payment).where(payment.c.id == submission).values(**values))


_ATTEMPTS: Final = insert(attempt)
_PAYMENTS: Final = insert(payment)
_LINKS: Final = insert(attempt_payment)


@dataclass(slots=True)
class AcceptedRows:
    """What an acceptance writes."""

    attempts: list[dict[str, Any]] = field(default_factory=list)
    new: list[dict[str, Any]] = field(default_factory=list)
    renewed: list[dict[str, Any]] = field(default_factory=list)
    again: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    next_nonces: dict[str, int] = field(default_factory=dict)
    bound: list[Attempt] = field(default_factory=list)

    def bind(
        self, attempt_id: str, wallet: str, nonce: int, to: str | None, data: bytes, gas: int, asked: Sequence[Asked]
    ) -> None:
        """Adds a transaction and what it carries; in ``bound`` it is as it will be read."""
        self.attempts.append(
            {
                "id": attempt_id,
                "lane": wallet,
                "nonce": nonce,
                "kind": AttemptKind.CALL.value,
                "beside": 0,
                "to": to,
                "data": data,
                "gas": gas,
                "state": AttemptState.RESERVED.value,
            }
        )
        self.links += [{"attempt": attempt_id, "payment": each.id, "position": i} for i, each in enumerate(asked)]
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
        write_many(connection, _ATTEMPTS, self.attempts)
        write_many(connection, _PAYMENTS, self.new)
        write_many(connection, _RENEW, self.renewed)
        write_many(connection, _ATTEMPT_AGAIN, self.again)
        write_many(connection, _LINKS, self.links)
        advance(connection, self.next_nonces)


def payment_values(
    payment_id: str, wallet: str, request: Request, state: State, attempt_id: str | None, now: int
) -> dict[str, Any]:
    operation, found = request.operation, request.found
    return {
        "id": payment_id,
        "owner": request.owner,
        "wallet": wallet,
        "key": _key_of(request, state),
        "kind": operation.kind,
        "content": request.content,
        "request_sha256": request.sha256,
        "reference": operation.reference,
        "state": state.value,
        "to": request.to,
        "data": operation.data,
        "gas": operation.gas,
        "simulate": int(request.simulate),
        "debits": _debits(request.debits),
        "not_before": operation.not_before,
        "not_after": operation.not_after,
        "attempt": attempt_id,
        "proof_hash": None if found is None else found.tx_hash,
        "proof_block": None if found is None else found.block,
        "error": _error_of(request),
        "created_at": now,
    }


def renewed_values(
    payment_id: str, wallet: str, request: Request, state: State, attempt_id: str | None
) -> dict[str, Any]:
    operation, found = request.operation, request.found
    return {
        "b_id": payment_id,
        "b_key": _key_of(request, state),
        "b_error": _error_of(request),
        "b_wallet": wallet,
        "b_to": request.to,
        "b_data": operation.data,
        "b_gas": operation.gas,
        "b_debits": _debits(request.debits),
        "b_not_before": operation.not_before,
        "b_not_after": operation.not_after,
        "b_simulate": int(request.simulate),
        "b_proof_hash": None if found is None else found.tx_hash,
        "b_proof_block": None if found is None else found.block,
        "b_attempt": attempt_id,
        "b_state": state.value,
    }


def _key_of(request: Request, state: State) -> str | None:
    """Free for the content that the chain holds, where that is another."""
    return None if state is State.CONFLICT else request.operation.key


def _error_of(request: Request) -> str | None:
    return None if request.refused is None else json.dumps(request.refused.to_dict())


def _debits(debits: Mapping[str, int]) -> str | None:
    return json.dumps({token: str(minor) for token, minor in debits.items()}) if debits else None
