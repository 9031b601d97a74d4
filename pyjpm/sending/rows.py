"""Submissions and attempts as they are read from the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final, Literal, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, String, column, exists, select, table

from pyjpm.sending.operation import AttemptKind, AttemptState, Submission, SubmissionState
from pyjpm.sending.tables import attempt, payment

_VARIABLES: Final = 400  # of one statement, two for each at most; SQLite's oldest limit is 999

T = TypeVar("T")

_newest = attempt.c.id == payment.c.attempt

_SUBMISSION: Final = (
    payment.c.id,
    payment.c.wallet,
    payment.c.owner,
    payment.c.key,
    payment.c.kind,
    payment.c.content,
    payment.c.request_sha256,
    payment.c.reference,
    payment.c.state,
    payment.c.proof_hash,
    payment.c.proof_block,
    payment.c.error,
    payment.c.created_at,
    payment.c.not_before,
    attempt.c.nonce,
    attempt.c.tx_hash,
    attempt.c.block_number,
    attempt.c.gas_used,
    attempt.c.contract_address,
    attempt.c.state.label("attempt_state"),
    payment.c.seq,
)
SUBMISSIONS: Final = select(*_SUBMISSION).join_from(payment, attempt, _newest, isouter=True)

# Each attempt with the payments of which it is the newest: a cancel has none.
ATTEMPTS: Final = select(
    attempt.c.id,
    attempt.c.lane,
    attempt.c.nonce,
    attempt.c.kind,
    attempt.c.beside,
    attempt.c.to,
    attempt.c.data,
    attempt.c.gas,
    attempt.c.price,
    attempt.c.raw,
    attempt.c.tx_hash,
    attempt.c.state,
    attempt.c.refused_since,
    payment.c.id.label("submission"),
    payment.c.kind.label("submission_kind"),
    payment.c.owner.label("submission_owner"),
    payment.c.state.label("submission_state"),
    payment.c.to.label("submission_to"),
    payment.c.data.label("submission_data"),
    payment.c.error.label("submission_error"),
).join_from(attempt, payment, _newest, isouter=True)
_STATE, _OF_ATTEMPT = 11, 13
_KINDS: Final = {each.value: each for each in AttemptKind}
_ATTEMPT_STATES: Final = {each.value: each for each in AttemptState}
_STATES: Final = {each.value: each for each in SubmissionState}
# What has a nonce and no answer is as far as its transaction: that is written there alone.
_RESERVED: Final = SubmissionState.RESERVED.value
_UNDERWAY: Final = {
    AttemptState.SIGNED.value: SubmissionState.SIGNED,
    AttemptState.BROADCAST.value: SubmissionState.BROADCAST,
}

_changed = exists().where(
    payment.c.attempt == attempt.c.id, (payment.c.state != SubmissionState.RESERVED) | payment.c.error.is_not(None)
)

# Of what is on its way, as much as every look needs.
FLYING: Final = select(
    attempt.c.lane,
    attempt.c.nonce,
    attempt.c.beside,
    attempt.c.id,
    attempt.c.kind,
    attempt.c.refused_since,
    _changed,
).where(attempt.c.raw.is_not(None))
# Sorted here: asked for in this order, SQLite reads all that a wallet ever attempted, as it has an index of that order.
_FLYING_PLACE: Final = itemgetter(0, 1, 2, 3)
_ATTEMPT_PLACE: Final = itemgetter(1, 2, 4, 0)


_UNSIGNED: Final = select(attempt.c.lane).where(attempt.c.state == AttemptState.RESERVED).distinct()


class Flying(NamedTuple):
    """A transaction that has bytes.

    Attributes:
        refused_since: unix seconds, as of Attempt.
        is_as_signed: what it carries, and what is known of it, is as it was when it was signed.
    """

    id: str
    wallet: str
    nonce: int
    kind: AttemptKind
    refused_since: int | None
    is_as_signed: bool


class Asked(NamedTuple):
    """A submission as its attempt sees it. ``refused``: it waits for the cancel of what nobody took or signed."""

    id: str
    kind: str
    owner: str
    state: SubmissionState
    to: str | None
    data: bytes
    refused: bool


class Attempt(NamedTuple):
    """One transaction. ``raw`` and ``tx_hash`` are None until signed; ``price`` in wei, 0 but for a priced cancel."""

    id: str
    wallet: str
    nonce: int
    kind: AttemptKind
    beside: int
    to: str | None
    data: bytes
    gas: int
    price: int
    raw: bytes | None
    tx_hash: str | None
    state: AttemptState
    refused_since: int | None
    asked: tuple[Asked, ...]

    def signed(self, raw: bytes, tx_hash: str) -> Attempt:
        """The same with its bytes; by place, as ``_replace`` costs as much as decoding them."""
        return Attempt(*self[:9], raw, tx_hash, AttemptState.SIGNED, *self[12:])


def is_in(state: SubmissionState) -> ColumnElement[bool]:
    """Of SUBMISSIONS those in this state."""
    if state in _UNDERWAY.values():
        return (payment.c.state == _RESERVED) & (attempt.c.state == state.value)
    if state is SubmissionState.RESERVED:
        unsigned = attempt.c.state.is_(None) | attempt.c.state.not_in(tuple(_UNDERWAY))
        return (payment.c.state == _RESERVED) & unsigned
    return payment.c.state == state


def to_submission(row: Sequence[Any]) -> Submission:
    """A row of SUBMISSIONS."""
    (
        id_, wallet, owner, key, kind, content, sha256, reference, state, proof_hash, proof_block, error, created_at,
        not_before, nonce, tx_hash, block_number, gas_used, contract_address, attempt_state, _,
    ) = row  # fmt: skip
    return Submission(
        id=id_,
        wallet=wallet,
        owner=owner,
        key=key,
        kind=kind,
        # Not orjson: it makes floats of numbers of more than 64 bits, and refuses half a character.
        content=json.loads(content),
        request_sha256=sha256,
        reference=reference,
        state=_state(state, attempt_state),
        nonce=nonce,
        tx_hash=proof_hash or tx_hash,
        block_number=proof_block or block_number,
        gas_used=gas_used,
        contract_address=contract_address,
        created_at=created_at,
        not_before=not_before,
        error=None if error is None else json.loads(error),
    )


def _state(of_payment: str, of_attempt: str | None) -> SubmissionState:
    underway = _UNDERWAY.get(of_attempt or "") if of_payment == _RESERVED else None
    return _STATES[of_payment] if underway is None else underway


def to_flying(rows: Iterable[Any]) -> list[Flying]:
    """Rows of FLYING, by wallet, nonce, and call before cancel."""
    return [
        Flying(id_, lane, nonce, _KINDS[kind], since, since is None and not changed)
        for lane, nonce, _, id_, kind, since, changed in sorted(map(tuple, rows), key=_FLYING_PLACE)
    ]


def to_attempts(rows: Iterable[Row[Any]]) -> list[Attempt]:
    """Rows of ATTEMPTS, by wallet, nonce, and call before cancel."""
    found: list[Attempt] = []
    asked: list[Asked] = []
    last: Sequence[Any] | None = None
    for row in sorted(map(tuple, rows), key=_ATTEMPT_PLACE):
        if last is not None and row[0] != last[0]:
            found.append(_attempt(last, asked))
            asked = []
        if row[_OF_ATTEMPT] is not None:
            id_, kind, owner, state, to, data, error = row[_OF_ATTEMPT:]
            asked.append(Asked(id_, kind, owner, _state(state, row[_STATE]), to, data, error is not None))
        last = row
    if last is not None:
        found.append(_attempt(last, asked))
    return found


def _attempt(row: Sequence[Any], asked: Sequence[Asked]) -> Attempt:
    id_, lane, nonce, kind, beside, to, data, gas, price, raw, tx_hash, state, since = row[:_OF_ATTEMPT]
    return Attempt(
        id=id_,
        wallet=lane,
        nonce=nonce,
        kind=_KINDS[kind],
        beside=beside,
        to=to,
        data=data,
        gas=gas,
        price=int(price or 0),
        raw=raw,
        tx_hash=tx_hash,
        state=_ATTEMPT_STATES[state],
        refused_since=since,
        asked=tuple(asked),
    )


_wanted = table("wanted", column("whose", String), column("name", String))
_by_key: dict[tuple[str, str], str] = {}


def by_key(
    connection: Connection, whose: Literal["owner", "wallet"], keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Submission]:
    """The submissions under these pairs of an owner, or a wallet, and its key.

    One search of an index for each, in one statement: of a list of pairs SQLite reads the whole table, and a list of
    owners beside a list of keys is every key of every owner.
    """
    found: dict[tuple[str, str], Submission] = {}
    dialect = connection.dialect
    if (dialect.name, whose) not in _by_key:
        named = (payment.c[whose] == _wanted.c.whose) & (payment.c.key == _wanted.c.name)
        joined = _wanted.join(payment, named).outerjoin(attempt, _newest)
        _by_key[dialect.name, whose] = str(select(*_SUBMISSION).select_from(joined).compile(dialect=dialect))
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    for part in in_parts(keys):
        pairs = ", ".join([f"({mark}, {mark})"] * len(part))
        query = f"WITH wanted(whose, name) AS (VALUES {pairs}) {_by_key[dialect.name, whose]}"
        for row in connection.exec_driver_sql(query, tuple([value for pair in part for value in pair])):
            found[getattr(row, whose), row.key] = to_submission(row)
    return found


def wallets_unsigned(connection: Connection, wallets: Sequence[str]) -> set[str]:
    """Those of these wallets that have a nonce without bytes."""
    return {
        wallet
        for part in in_parts(wallets)
        for wallet in connection.execute(_UNSIGNED.where(attempt.c.lane.in_(part))).scalars()
    }


def in_parts(values: Sequence[T]) -> Iterable[Sequence[T]]:
    """``values`` in parts small enough for one statement."""
    return (values[start : start + _VARIABLES] for start in range(0, len(values), _VARIABLES))
