"""Submissions and attempts as they are read from the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import Connection, Row, String, column, select, table

from pyjpm.sending.operation import AttemptKind, AttemptState, Submission, SubmissionState
from pyjpm.sending.tables import attempt, payment

_VARIABLES: Final = 400  # of one statement, two for each at most; SQLite's oldest limit is 999

T = TypeVar("T")

_newest = attempt.c.id == payment.c.attempt

_SUBMISSION: Final = (
    payment,
    attempt.c.nonce,
    attempt.c.tx_hash,
    attempt.c.block_number,
    attempt.c.gas_used,
    attempt.c.contract_address,
)
SUBMISSIONS: Final = select(*_SUBMISSION).join_from(payment, attempt, _newest, isouter=True)

# Each attempt with the payments of which it is the newest: a cancel has none.
ATTEMPTS: Final = select(
    attempt,
    payment.c.id.label("submission"),
    payment.c.kind.label("submission_kind"),
    payment.c.owner.label("submission_owner"),
    payment.c.state.label("submission_state"),
    payment.c.to.label("submission_to"),
    payment.c.data.label("submission_data"),
    payment.c.error.label("submission_error"),
).join_from(attempt, payment, _newest, isouter=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """A submission as its attempt sees it. ``refused``: it waits for the cancel of what nobody took or signed."""

    id: str
    kind: str
    owner: str
    state: SubmissionState
    to: str | None
    data: bytes
    refused: bool


@dataclass(frozen=True, slots=True)
class Attempt:
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


def to_submission(row: Row[Any]) -> Submission:
    """A row of SUBMISSIONS."""
    return Submission(
        id=row.id,
        wallet=row.wallet,
        owner=row.owner,
        key=row.key,
        kind=row.kind,
        content=json.loads(row.content),
        request_sha256=row.request_sha256,
        reference=row.reference,
        state=SubmissionState(row.state),
        nonce=row.nonce,
        tx_hash=row.proof_hash or row.tx_hash,
        block_number=row.proof_block or row.block_number,
        gas_used=row.gas_used,
        contract_address=row.contract_address,
        created_at=row.created_at,
        not_before=row.not_before,
        error=None if row.error is None else json.loads(row.error),
    )


def to_attempts(rows: Iterable[Row[Any]]) -> list[Attempt]:
    """Rows of ATTEMPTS, those of one attempt next to each other."""
    found: list[Attempt] = []
    asked: list[Asked] = []
    last: Row[Any] | None = None
    for row in rows:
        if last is not None and row.id != last.id:
            found.append(_attempt(last, asked))
            asked = []
        if row.submission is not None:
            asked.append(_asked(row))
        last = row
    if last is not None:
        found.append(_attempt(last, asked))
    return found


def _asked(row: Row[Any]) -> Asked:
    return Asked(
        id=row.submission,
        kind=row.submission_kind,
        owner=row.submission_owner,
        state=SubmissionState(row.submission_state),
        to=row.submission_to,
        data=row.submission_data,
        refused=row.submission_error is not None,
    )


def _attempt(row: Row[Any], asked: Sequence[Asked]) -> Attempt:
    return Attempt(
        id=row.id,
        wallet=row.lane,
        nonce=row.nonce,
        kind=AttemptKind(row.kind),
        beside=row.beside,
        to=row.to,
        data=row.data,
        gas=row.gas,
        price=int(row.price or 0),
        raw=row.raw,
        tx_hash=row.tx_hash,
        state=AttemptState(row.state),
        refused_since=row.refused_since,
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


def in_parts(values: Sequence[T]) -> Iterable[Sequence[T]]:
    """``values`` in parts small enough for one statement."""
    return (values[start : start + _VARIABLES] for start in range(0, len(values), _VARIABLES))
