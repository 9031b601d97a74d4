"""Taking requests in: one row per key, a nonce where there is room for one.

Decisions that govern this module:

* Accepted means stored: in one commit, with its nonce where the lane can take it at once. What finds no room, or whose
  day has not come, waits in the order of acceptance and is numbered later.
* A nonce is one above the highest bound before: no number is skipped, none is bound twice.
* A key says one thing for ever. It is looked up by owner and by wallet: a wallet that was onboarded since, or changed
  its participant, meets what it asked for before.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from pyjpm.errors.sending import JournalCollision
from pyjpm.sending.accepted_rows import AcceptedRows, add_payment, again, payment_row, renewed_row
from pyjpm.sending.database import Database
from pyjpm.sending.ids import new_id, new_ids
from pyjpm.sending.lanes import Lane, Lanes, LaneState, read_lane, read_lanes
from pyjpm.sending.operation import LIVING, RETRIED, WAITING, Submission
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.requests import Batch, Request, conflict, first_state, keys_of, owners_of
from pyjpm.sending.rows import Asked, Attempt, by_key, in_parts, wallets_unsigned
from pyjpm.sending.tables import payment
from pyjpm.sending.witness import Call


@dataclass(frozen=True, slots=True)
class Waiting:
    """A submission without a nonce, as it will be called; ``why``: what its nonces before were cancelled for."""

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
    why: str | None

    @property
    def call(self) -> Call:
        """What a witness asks about."""
        return Call(self.wallet, self.to, self.data, self.kind)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was stored.

    Attributes:
        ids: for each batch its submissions' ids, one for each request.
        to_sign: all that has a nonce and no bytes, as it would be read, of those wallets of which that is known.
        new: what was never asked for before, by submission.
        at: unix second.
    """

    ids: list[list[str]]
    to_sign: list[Attempt]
    new: Mapping[str, Request]
    at: int

    def as_signed(self, signed: Iterable[Attempt]) -> dict[str, Submission]:
        """What is new and was signed since, as it would be read."""
        told = {}
        for attempt in signed:
            for asked in attempt.asked:
                request = self.new.get(asked.id)
                if request is None:
                    continue
                operation = request.operation
                told[asked.id] = Submission(
                    id=asked.id,
                    wallet=attempt.wallet,
                    owner=asked.owner,
                    key=operation.key,
                    kind=asked.kind,
                    content=request.said,
                    request_sha256=request.sha256,
                    reference=operation.reference,
                    state=State.SIGNED,
                    nonce=attempt.nonce,
                    tx_hash=attempt.tx_hash,
                    block_number=None,
                    gas_used=None,
                    contract_address=None,
                    created_at=self.at,
                    not_before=operation.not_before,
                    error=None,
                )
        return told


class NotSure(Exception):
    """By now nobody may be told that these are refused: a lane of their owner was found behind the world."""


class Acceptance:
    """Writes what is asked for. Wallets are checksummed, and their leases taken."""

    def __init__(self, database: Database, lanes: Lanes) -> None:
        self._database = database
        self._lanes = lanes
        self._turns = itertools.count(1)
        self._stored: dict[str, int] = {}  # by wallet, and by owner, the turn in which something was stored for it here

    def stored(self, names: Iterable[str]) -> Mapping[str, int]:
        """By wallet or owner, when this journal last stored requests for it, counted by turns: where this is as it was
        before the journal was asked for anything, nothing was stored here since."""
        return {name: self._stored.get(name, 0) for name in names}

    def known(self, batches: Sequence[Batch]) -> list[dict[str, Submission]]:
        """The submissions that exist under each batch's keys, by key.

        Raises IdempotencyConflict where one says something else, or two of these share a key and do not agree.
        """
        with self._database.reading() as connection:
            return _known(connection, batches)

    def accept(
        self,
        batches: Sequence[Batch],
        *,
        window: Mapping[str, int],
        now: int,
        head: int,
        unknown_since: Mapping[str, int] | None = None,
    ) -> Accepted:
        """Store requests in one commit, each with a nonce where there is room; those that live or ended stay.

        Args:
            batches: of different wallets.
            window: by wallet, the nonce below which nonces may be bound.
            now: unix seconds.
            head: the height at which it was read what is refused.
            unknown_since: what ``stored`` said before none of the requests was ``known``; None: some are, or may be.

        Raises:
            IdempotencyConflict, Fenced, NotSure; nothing is stored then.
        """
        wallets = [batch.wallet for batch in batches]
        # Only this process stores for these wallets under their leases, but for an operator's void, whose key is its
        # owner's, as another wallet's may be: that collides.
        is_new = unknown_since is not None and self.stored(wallets) == {each: unknown_since[each] for each in wallets}
        try:
            return self._accept(batches, window, now, head, is_new=is_new)
        except JournalCollision:
            # Another wallet of the owner stored the same key meanwhile: now it is found.
            return self._accept(batches, window, now, head, is_new=False)
        finally:
            self._note_stored(
                [*wallets, *owners_of(batches)]
            )  # after an error, too: who knows whether it was committed

    def _note_stored(self, names: Iterable[str]) -> None:
        self._stored.update((name, next(self._turns)) for name in names)

    def _accept(
        self, batches: Sequence[Batch], window: Mapping[str, int], now: int, head: int, *, is_new: bool
    ) -> Accepted:
        rows = AcceptedRows()
        wallets = [batch.wallet for batch in batches]
        new: dict[str, Request] = {}
        refused = {each.owner for batch in batches for each in batch.requests if each.refused is not None}
        with self._lanes.writing(wallets) as connection:
            if refused and self._lanes.unsure_of(connection, refused, head=head):
                raise NotSure
            lanes, waiting = read_lanes(connection, wallets), _wallets_with_waiting(connection, wallets)
            unsigned = wallets_unsigned(connection, wallets)
            ids = []
            found: Sequence[Mapping[str, Submission]] = [{} for _ in batches] if is_new else _known(connection, batches)
            for batch, known in zip(batches, found, strict=True):
                lane = lanes[batch.wallet]
                free = lane.state is LaneState.OK and batch.wallet not in waiting
                ids.append(_accept(batch, known, lane, window[batch.wallet] if free else 0, now, rows))
                new.update(
                    (payment_id, request)
                    for request, payment_id in zip(batch.requests, ids[-1], strict=True)
                    if request.operation.key not in known
                )
            rows.write(connection)
        return Accepted(ids, [each for each in rows.bound if each.wallet not in unsigned], new, now)

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
        rows = AcceptedRows()
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
                    attempt_id = new_id()
                    asked = Asked(each.id, each.kind, each.owner, State.RESERVED, each.to, each.data, refused=False)
                    rows.bind(attempt_id, wallet, nonce, each.to, each.data, each.gas, [asked])
                    rows.again.append((attempt_id, State.RESERVED.value, each.id))
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
            payment_id = new_id()
            self._note_stored([wallet, request.owner])
            add_payment(connection, payment_row(payment_id, wallet, request, first_state(request, now), None, now))
            return payment_id
        if known.state in RETRIED:
            again(connection, known.id, first_state(request, now))
        return known.id

    def in_flight(self, *, wallet: str | None = None, owner: str | None = None) -> dict[str, int]:
        """Minor units by token that unanswered operations of a wallet, or of an owner, take off; waiting ones too."""
        whose = payment.c.owner == owner if wallet is None else payment.c.wallet == wallet
        # One text of all: there are as many as a block takes, at every call.
        query = select(func.aggregate_strings(payment.c.debits, ",")).where(
            whose, payment.c.debits.is_not(None), payment.c.state.in_((*WAITING, *LIVING, State.VOIDING))
        )
        with self._database.reading() as connection:
            texts = connection.execute(query).scalar_one() or ""
        total: dict[str, int] = {}
        for debits in json.loads(f"[{texts}]"):
            for token, minor in debits.items():
                total[token] = total.get(token, 0) + int(minor)
        return total


def _is_due(now: int) -> ColumnElement[bool]:
    # The states first, for the index: a wallet's payments are all that it ever made.
    return payment.c.state.in_(WAITING) & or_(
        payment.c.state == State.APPROVED,
        (payment.c.state == State.SCHEDULED) & (payment.c.not_before <= now),
        payment.c.not_after < now,
    )


def _accept(
    batch: Batch, known: Mapping[str, Submission], lane: Lane, window: int, now: int, rows: AcceptedRows
) -> list[str]:
    """Adds one wallet's rows; the ids of its requests' submissions. No nonce is bound at or above ``window``."""
    ids = {key: found.id for key, found in known.items() if found.state not in RETRIED}
    nonce = lane.next_nonce
    fresh = [request for request in batch.requests if request.operation.key not in ids]
    together = nonce < window and _go_together(batch, fresh, known, now)
    names = iter(new_ids(2 * len(fresh) + 1))
    carrier_id = next(names)
    for request in fresh:
        operation = request.operation
        state = first_state(request, now)
        attempt_id = None
        if together:
            state, attempt_id = State.RESERVED, carrier_id
        elif state is State.APPROVED and not request.doubtful and nonce < window:
            state, attempt_id = State.RESERVED, next(names)
        again = known.get(operation.key)
        payment_id = ids[operation.key] = next(names) if again is None else again.id
        if again is None:
            rows.new.append(payment_row(payment_id, batch.wallet, request, state, attempt_id, now))
        else:
            rows.renewed.append(renewed_row(payment_id, batch.wallet, request, state, attempt_id))
        if attempt_id is not None and not together:
            asked = _asked(request, payment_id)
            rows.bind(attempt_id, batch.wallet, nonce, request.to, operation.data, operation.gas, [asked])
            nonce += 1
    if together and batch.carrier is not None:
        carried = [_asked(request, ids[request.operation.key]) for request in fresh]
        carrier = batch.carrier
        rows.bind(carrier_id, batch.wallet, nonce, carrier.to, carrier.data, carrier.gas, carried)
        nonce += 1
    if nonce > lane.next_nonce:
        rows.next_nonces[batch.wallet] = nonce
    return [ids[request.operation.key] for request in batch.requests]


def _asked(request: Request, payment_id: str) -> Asked:
    """A request as the transaction sees it that was just bound for it."""
    operation = request.operation
    return Asked(payment_id, operation.kind, request.owner, State.RESERVED, request.to, operation.data, refused=False)


def _go_together(batch: Batch, fresh: Sequence[Request], known: Mapping[str, Submission], now: int) -> bool:
    """Whether one transaction carries all of a batch: only all of it, as it was asked for, for the first time."""
    return (
        batch.carrier is not None
        and bool(fresh)
        and not known
        and all(first_state(request, now) is State.APPROVED and not request.doubtful for request in fresh)
    )


def _wallets_with_waiting(connection: Connection, wallets: Sequence[str]) -> set[str]:
    """Those of these wallets on which something waits for a nonce."""
    query = select(payment.c.wallet).where(payment.c.state == State.APPROVED).distinct()
    return {
        wallet
        for part in in_parts(wallets)
        for wallet in connection.execute(query.where(payment.c.wallet.in_(part))).scalars()
    }


def _known(connection: Connection, batches: Sequence[Batch]) -> list[dict[str, Submission]]:
    keys = [keys_of(batch) for batch in batches]
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
                raise conflict(request, earlier.id)
        known.append(found)
    return known


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
        why=None if row.error is None else json.loads(row.error).get("message"),
    )
