"""Submissions and attempts as they are read from the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, select

from pyjpm.sending.operation import Submission, SubmissionState
from pyjpm.sending.tables import attempt, payment

_VARIABLES: Final = 500  # values in one IN list; SQLite's oldest limit is 999

SUBMISSIONS: Final = select(
    payment,
    attempt.c.nonce,
    attempt.c.tx_hash,
    attempt.c.block_number,
    attempt.c.gas_used,
    attempt.c.contract_address,
).join_from(payment, attempt, payment.c.attempt == attempt.c.id)

# Each submission's newest attempt.
ATTEMPTS: Final = select(attempt, payment.c.id.label("submission")).join_from(
    payment, attempt, payment.c.attempt == attempt.c.id
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One transaction for one submission. ``raw`` and ``tx_hash`` are None until signed."""

    id: str
    submission: str
    wallet: str
    nonce: int
    to: str | None
    data: bytes
    gas: int
    raw: bytes | None
    tx_hash: str | None
    state: SubmissionState


def to_submission(row: Row[Any]) -> Submission:
    """A row of SUBMISSIONS."""
    return Submission(
        id=row.id,
        wallet=row.wallet,
        key=row.key,
        kind=row.kind,
        content=json.loads(row.content),
        request_sha256=row.request_sha256,
        reference=row.reference,
        state=SubmissionState(row.state),
        nonce=row.nonce,
        tx_hash=row.tx_hash,
        block_number=row.block_number,
        gas_used=row.gas_used,
        contract_address=row.contract_address,
        created_at=row.created_at,
        error=None if row.error is None else json.loads(row.error),
    )


def to_attempt(row: Row[Any]) -> Attempt:
    """A row of ATTEMPTS."""
    return Attempt(
        id=row.id,
        submission=row.submission,
        wallet=row.lane,
        nonce=row.nonce,
        to=row.to,
        data=row.data,
        gas=row.gas,
        raw=row.raw,
        tx_hash=row.tx_hash,
        state=SubmissionState(row.state),
    )


def in_parts(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """``values`` in parts small enough for one IN list."""
    return (values[start : start + _VARIABLES] for start in range(0, len(values), _VARIABLES))
