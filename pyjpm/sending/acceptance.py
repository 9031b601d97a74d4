"""Taking requests in: one row per key, a nonce where there is room for one.

Decisions that govern this module:

* Accepted means stored: in one commit, with its nonce where the lane can take it at once. What finds no room, or whose
  day has not come, waits in the order of acceptance and is numbered later.
* A nonce is one above the highest bound before: no number is skipped, none is bound twice.
* A key says one thing for ever. It is looked up by owner and by wallet: a wallet that was onboarded since, or changed
  its participant, meets what it asked for before.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, insert, or_, select, update

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import OperationExpired, ReferenceVoided
from pyjpm.errors.sending import IdempotencyConflict, JournalCollision
from pyjpm.sending.bulk import write_many
from pyjpm.sending.database import Database
from pyjpm.sending.lanes import Lane, Lanes, LaneState, advance, read_lane, read_lanes
from pyjpm.sending.operation import LIVING, RETRIED, WAITING, AttemptKind, AttemptState, Operation, Submission
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.reference import canonical
from pyjpm.sending.rows import by_key, in_parts
from pyjpm.sending.tables import attempt, attempt_payment, payment
from pyjpm.sending.witness import Call, Verdict


@dataclass(frozen=True, slots=True)
class Request:
    """An operation that was checked.

    Attributes:
        to: its checksummed recipient.
        sha256: what it says.
        owner: whose key it is.
        found: what the chain already shows under its name, if that ends it.
        refused: why it is not to be sent; it is stored as what that makes of it.
        doubtful: it would be refused, but nobody may be told so yet: it waits, and is asked about again.
        debits: minor units that it takes off its wallet while it is on its way, by token.
        needs_approval: it waits for somebody's word.
        simulate: it is simulated before it is numbered.
    """

    operation: Operation
    to: str | None
    sha256: str
    owner: str
    found: Verdict | None = None
    refused: PyjpmError | None = None
    doubtful: bool = False
    debits: Mapping[str, int] = field(default_factory=dict)
    needs_approval: bool = False
    simulate: bool = False


@dataclass(frozen=True, slots=True)
class Carrier:
    """One call that does what many requests ask for, all or none: address, calldata, gas limit."""

    to: str
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one wallet is asked to send, in the order of its nonces.

    Attributes:
        carrier: takes all of them on one nonce, if all of them can leave now; None: each on its own.
    """

    wallet: str
    requests: Sequence[Request]
    carrier: Carrier | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A submission without a nonce, as it will be called."""

    id: str
    wallet: str
    owner: str
    kind: str
    state: State
    to: str | None
    data: bytes
    gas: int
    simulate: bool
    cancels: int
    not_after: int | None

    @property
    def call(self) -> Call:
        """What a witness asks about."""
        return Call(self.wallet, self.to, self.data, self.kind)


class Acceptance:
    """Writes what is asked for. Wallets are checksummed, and their leases taken."""

    def __init__(self, database: Database, lanes: Lanes) -> None:
        self._database = database
        self._lanes = lanes

    def known(self, batches: Sequence[Batch]) -> list[dict[str, Submission]]:
        """The submissions that exist under each batch's keys, by key.

        Raises IdempotencyConflict where one says something else, or two of these share a key and do not agree.
        """
        with self._database.reading() as connection:
            return _known(connection, batches)

    def accept(self, batches: Sequence[Batch], *, window: Mapping[str, int], now: int) -> list[list[str]]:
        """Store requests in one commit, each with a nonce where there is room; those that live or ended stay.

        Args:
            batches: of different wallets.
            window: by wallet, the nonce below which nonces may be bound.
            now: unix seconds.

        Returns:
            For each batch its submissions' ids, one for each request.

        Raises:
            IdempotencyConflict, Fenced; nothing is stored then.
        """
        try:
            return self._accept(batches, window, now)
        except JournalCollision:
            # Another wallet of the owner stored the same key meanwhile: now it is found.
            return self._accept(batches, window, now)

    def _accept(self, batches: Sequence[Batch], window: Mapping[str, int], now: int) -> list[list[str]]:
        rows = _Rows()
        wallets = [batch.wallet for batch in batches]
        with self._lanes.writing(wallets) as connection:
            lanes, waiting = read_lanes(connection, wallets), _wallets_with_waiting(connection, wallets)
            ids = []
            for batch, known in zip(batches, _known(connection, batches), strict=True):
                lane = lanes[batch.wallet]
                free = lane.state is LaneState.OK and batch.wallet not in waiting
                ids.append(_accept(batch, known, lane, window[batch.wallet] if free else 0, now, rows))
            rows.write(connection)
        return ids

    def due(self, wallet: str, *, now: int, limit: int) -> list[Waiting]:
        """What may be numbered now or has lapsed, oldest first."""
        query = select(payment).where(payment.c.wallet == wallet, _is_due(now)).order_by(payment.c.seq).limit(limit)
        with self._database.reading() as connection:
            return [to_waiting(row) for row in connection.execute(query)]

    def wallets_due(self, wallets: Sequence[str], *, now: int) -> set[str]:
        """Those of these wallets that have anything due."""
        query = select(payment.c.wallet).where(_is_due(now)).distinct()
        with self._database.reading() as connection:
            return {
                wallet
                for part in in_parts(wallets)
                for wallet in connection.execute(query.where(payment.c.wallet.in_(part))).scalars()
            }

    def waiting(self, wallet: str) -> list[Waiting]:
        """All that has no nonce, oldest first."""
        query = select(payment).where(payment.c.wallet == wallet, payment.c.state.in_(WAITING)).order_by(payment.c.seq)
        with self._database.reading() as connection:
            return [to_waiting(row) for row in connection.execute(query)]

    def number(self, wallet: str, waiting: Sequence[Waiting], *, window: int) -> None:
        """Bind nonces to what waits, in this order, below ``window``; what changed meanwhile is passed over."""
        rows = _Rows()
        with self._lanes.writing([wallet]) as connection:
            lane = read_lane(connection, wallet)
            if lane.state is not LaneState.OK:
                return
            nonce = lane.next_nonce
            still = set(
                connection.execute(
                    select(payment.c.id).where(
                        payment.c.wallet == wallet, payment.c.state.in_((State.APPROVED, State.SCHEDULED))
                    )
                ).scalars()
            )
            for each in waiting:
                if each.id in still and nonce < window:
                    attempt_id = secrets.token_hex(16)
                    rows.bind(attempt_id, wallet, nonce, each.to, each.data, each.gas, [each.id])
                    rows.again.append({"b_id": each.id, "b_attempt": attempt_id, "b_state": State.RESERVED})
                    nonce += 1
            if nonce > lane.next_nonce:
                rows.next_nonces[wallet] = nonce
            rows.write(connection)

    def add_waiting(self, connection: Connection, wallet: str, request: Request, now: int) -> str:
        """Store a request without a nonce inside a transaction that has the wallet's lane locked; its id.

        What ended under its key without effect is attempted again. Raises IdempotencyConflict.
        """
        known = _known(connection, [Batch(wallet, [request])])[0].get(request.operation.key)
        if known is None:
            payment_id = secrets.token_hex(16)
            values = _payment_values(payment_id, wallet, request, _first_state(request, now), None, now)
            connection.execute(insert(payment).values(**values))
            return payment_id
        if known.state in RETRIED:
            again(connection, known.id, _first_state(request, now))
        return known.id

    def in_flight(self, *, wallet: str | None = None, owner: str | None = None) -> dict[str, int]:
        """Minor units by token that unanswered operations of a wallet, or of an owner, take off; waiting ones too."""
        whose = payment.c.owner == owner if wallet is None else payment.c.wallet == wallet
        query = select(payment.c.debits).where(
            whose, payment.c.debits.is_not(None), payment.c.state.in_((*WAITING, *LIVING, State.VOIDING))
        )
        total: dict[str, int] = {}
        with self._database.reading() as connection:
            for text in connection.execute(query).scalars():
                for token, minor in json.loads(text).items():
                    total[token] = total.get(token, 0) + int(minor)
        return total


def _is_due(now: int) -> ColumnElement[bool]:
    return or_(
        payment.c.state == State.APPROVED,
        (payment.c.state == State.SCHEDULED) & (payment.c.not_before <= now),
        payment.c.state.in_(WAITING) & (payment.c.not_after < now),
    )


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
class _Rows:
    """What an acceptance writes."""

    attempts: list[dict[str, Any]] = field(default_factory=list)
    new: list[dict[str, Any]] = field(default_factory=list)
    renewed: list[dict[str, Any]] = field(default_factory=list)
    again: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    next_nonces: dict[str, int] = field(default_factory=dict)

    def bind(
        self, attempt_id: str, wallet: str, nonce: int, to: str | None, data: bytes, gas: int, payments: Sequence[str]
    ) -> None:
        self.attempts.append(
            {
                "id": attempt_id,
                "lane": wallet,
                "nonce": nonce,
                "kind": AttemptKind.CALL,
                "beside": 0,
                "to": to,
                "data": data,
                "gas": gas,
                "state": AttemptState.RESERVED,
            }
        )
        self.links += [{"attempt": attempt_id, "payment": each, "position": i} for i, each in enumerate(payments)]

    def write(self, connection: Connection) -> None:
        write_many(connection, _ATTEMPTS, self.attempts)
        write_many(connection, _PAYMENTS, self.new)
        write_many(connection, _RENEW, self.renewed)
        write_many(connection, _ATTEMPT_AGAIN, self.again)
        write_many(connection, _LINKS, self.links)
        advance(connection, self.next_nonces)


def _accept(batch: Batch, known: Mapping[str, Submission], lane: Lane, window: int, now: int, rows: _Rows) -> list[str]:
    """Adds one wallet's rows; the ids of its requests' submissions. No nonce is bound at or above ``window``."""
    ids = {key: found.id for key, found in known.items() if found.state not in RETRIED}
    nonce = lane.next_nonce
    fresh = [request for request in batch.requests if request.operation.key not in ids]
    together = nonce < window and _go_together(batch, fresh, known, now)
    carrier_id = secrets.token_hex(16)
    for request in fresh:
        operation = request.operation
        state = _first_state(request, now)
        attempt_id = None
        if together:
            state, attempt_id = State.RESERVED, carrier_id
        elif state is State.APPROVED and not request.doubtful and nonce < window:
            state, attempt_id = State.RESERVED, secrets.token_hex(16)
        again = known.get(operation.key)
        payment_id = ids[operation.key] = secrets.token_hex(16) if again is None else again.id
        if again is None:
            rows.new.append(_payment_values(payment_id, batch.wallet, request, state, attempt_id, now))
        else:
            rows.renewed.append(_renewed_values(payment_id, batch.wallet, request, state, attempt_id))
        if attempt_id is not None and not together:
            rows.bind(attempt_id, batch.wallet, nonce, request.to, operation.data, operation.gas, [payment_id])
            nonce += 1
    if together and batch.carrier is not None:
        carried = [ids[request.operation.key] for request in fresh]
        carrier = batch.carrier
        rows.bind(carrier_id, batch.wallet, nonce, carrier.to, carrier.data, carrier.gas, carried)
        nonce += 1
    if nonce > lane.next_nonce:
        rows.next_nonces[batch.wallet] = nonce
    return [ids[request.operation.key] for request in batch.requests]


def _go_together(batch: Batch, fresh: Sequence[Request], known: Mapping[str, Submission], now: int) -> bool:
    """Whether one transaction carries all of a batch: only all of it, as it was asked for, for the first time."""
    return (
        batch.carrier is not None
        and bool(fresh)
        and not known
        and all(_first_state(request, now) is State.APPROVED and not request.doubtful for request in fresh)
    )


_REFUSED: Final[Mapping[type[PyjpmError], State]] = {
    ReferenceConflict: State.CONFLICT,
    ReferenceVoided: State.VOIDED,
    OperationExpired: State.EXPIRED,
}


def _first_state(request: Request, now: int) -> State:
    if request.found is not None:
        return State.FINAL
    if request.refused is not None:
        return _REFUSED.get(type(request.refused), State.REJECTED)
    if request.needs_approval:
        return State.RECEIVED
    not_before = request.operation.not_before
    return State.SCHEDULED if not_before is not None and not_before > now else State.APPROVED


def _wallets_with_waiting(connection: Connection, wallets: Sequence[str]) -> set[str]:
    """Those of these wallets on which something waits for a nonce."""
    query = select(payment.c.wallet).where(payment.c.state == State.APPROVED).distinct()
    return {
        wallet
        for part in in_parts(wallets)
        for wallet in connection.execute(query.where(payment.c.wallet.in_(part))).scalars()
    }


def _known(connection: Connection, batches: Sequence[Batch]) -> list[dict[str, Submission]]:
    keys = [_keys_of(batch) for batch in batches]
    by_owner = [
        [(owner, key) for owner in sorted({request.owner for request in batch.requests}) for key in its]
        for batch, its in zip(batches, keys, strict=True)
    ]
    by_wallet = [[(batch.wallet, key) for key in its] for batch, its in zip(batches, keys, strict=True)]
    of_owners = by_key(connection, "owner", [pair for pairs in by_owner for pair in pairs])
    of_wallets = by_key(connection, "wallet", [pair for pairs in by_wallet for pair in pairs])
    known = []
    for batch, owners, wallets in zip(batches, by_owner, by_wallet, strict=True):
        found = {pair[1]: of_owners[pair] for pair in owners if pair in of_owners} if of_owners else {}
        if of_wallets:
            found |= {pair[1]: of_wallets[pair] for pair in wallets if pair in of_wallets}
        for request in batch.requests if found else ():
            earlier = found.get(request.operation.key)
            if earlier is not None and earlier.request_sha256 != request.sha256:
                raise _conflict(request, earlier.id)
        known.append(found)
    return known


def _keys_of(batch: Batch) -> list[str]:
    """Raises IdempotencyConflict where two requests share a key and do not agree."""
    said: dict[str, str] = {}
    for request in batch.requests:
        if said.setdefault(request.operation.key, request.sha256) != request.sha256:
            raise _conflict(request, None)
    return list(said)


def _conflict(request: Request, earlier: str | None) -> IdempotencyConflict:
    operation = request.operation
    return IdempotencyConflict(
        f"The idempotency key {operation.key!r} was used for another request.",
        key=operation.key,
        kind=operation.kind,
        submission=earlier,
    )


def _payment_values(
    payment_id: str, wallet: str, request: Request, state: State, attempt_id: str | None, now: int
) -> dict[str, Any]:
    operation, found = request.operation, request.found
    return {
        "id": payment_id,
        "owner": request.owner,
        "wallet": wallet,
        "key": _key_of(request, state),
        "kind": operation.kind,
        "content": canonical(operation.content),
        "request_sha256": request.sha256,
        "reference": operation.reference,
        "state": state,
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


def _renewed_values(
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
        "b_state": state,
    }


def _key_of(request: Request, state: State) -> str | None:
    """Free for the content that the chain holds, where that is another."""
    return None if state is State.CONFLICT else request.operation.key


def _error_of(request: Request) -> str | None:
    return None if request.refused is None else json.dumps(request.refused.to_dict())


def _debits(debits: Mapping[str, int]) -> str | None:
    return json.dumps({token: str(minor) for token, minor in debits.items()}) if debits else None


def to_waiting(row: Any) -> Waiting:
    return Waiting(
        id=row.id,
        wallet=row.wallet,
        owner=row.owner,
        kind=row.kind,
        state=State(row.state),
        to=row.to,
        data=row.data,
        gas=row.gas,
        simulate=bool(row.simulate),
        cancels=row.cancels,
        not_after=row.not_after,
    )
