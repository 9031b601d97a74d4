"""The replay of an order log: rows become events in a queue on disk, then the events run against a platform.

Everything of a replay lives in one work folder: the queue, the cast's keys, and the journal of signed transactions. A
replay that is killed at any point goes on when the same command is given again; its idempotency keys follow from the
input, so no transaction is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyjpm.errors.orders import ShiftRequired
from pyjpm.orders.calls import Calls
from pyjpm.orders.cast import Cast
from pyjpm.orders.executor import Executor
from pyjpm.orders.filling import fingerprint, open_queue
from pyjpm.orders.keys import Keys
from pyjpm.orders.mapping import OrderMapping
from pyjpm.orders.queue import DONE, OrderQueue
from pyjpm.orders.reconcile import Reconciliation, reconcile
from pyjpm.orders.stage import DEVELOPMENT, Pace, Stage
from pyjpm.session import Session
from pyjpm.terms import DAY

QUEUE_FILE: Final = "queue.sqlite"
KEYS_FILE: Final = "cast.seed"
_KYC_TERM: Final = 3 * 365 * DAY
_REPORTED_ROWS: Final = 1_000

Progress = Callable[[str, int, int], None]
"""Told the name of the pass, how much of it is done, and how much there is (0: not known)."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay did, and what the chain says afterwards.

    Attributes:
        transactions: calls of this run, those taken up again after a crash included.
        outcomes: events by outcome (``DONE``, ``LATE``, …).
        rows: reported rows: unusable ones, and events that were late, repeated, out of order or refused; at most
            1,000 of each, all of them stand in the queue.
    """

    run: str
    events: int
    transactions: int
    outcomes: dict[str, int]
    unusable: int
    rows: tuple[dict[str, Any], ...]
    reconciliation: Reconciliation

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "run": self.run,
            "events": self.events,
            "transactions": self.transactions,
            "outcomes": self.outcomes,
            "unusable_rows": self.unusable,
            "rows": list(self.rows),
            **self.reconciliation.to_dict(),
        }


def replay(
    session: Session,
    log: Path,
    mapping: OrderMapping,
    *,
    work: Path,
    shift_to: int | None = None,
    progress: Progress = lambda what, done, of: None,
    patience: float = 120.0,
) -> ReplayReport:
    """Runs an order log against a platform, or goes on with it.

    Args:
        session: of the bank: its signer is issuer and onboarder.
        log: the CSV file.
        work: folder of this replay's own files; made where there is none.
        shift_to: unix seconds at which the first event is to happen; needed unless the chain's clock is ours.
        patience: seconds that a stage may take to be mined.

    Raises:
        ShiftRequired: neither a development chain nor ``shift_to``.
        ReplayFailed: the cast could not be onboarded.
        OrdersError: of the log, the mapping or the queue.
        StillPending: the chain takes no transactions; start again later.
    """
    work.mkdir(parents=True, exist_ok=True)
    run = "replay " + fingerprint(log, mapping)[:16]
    with open_queue(log, mapping, work / QUEUE_FILE, lambda rows: progress("reading rows", rows, 0)) as queue:
        shift = _shift(session, queue, shift_to)
        queue.pin("genesis", session.connection.genesis_hash)
        queue.pin("escrow", session.address("OrderEscrow"))
        pace = Pace(session, move=session.connection.kind in DEVELOPMENT and shift_to is None)
        stage = Stage(session, pace, patience=patience)
        cast = Cast(session, Keys(work / KEYS_FILE), run)
        calls = Calls(session, cast, run=run, threshold=mapping.attesters.threshold)
        executor = Executor(session, queue, calls, pace, stage, shift=shift)
        pace.start()
        try:
            _onboard(session, queue, cast, stage, pace, mapping, shift, progress)
            _run_events(queue, executor, progress)
        finally:
            pace.stop()
        counts = queue.counts()
        reconciliation = reconcile(
            session,
            (order.shifted(shift) for order in queue.orders()),
            calls.terms,
            [cast.signer(party.id).address for party in queue.parties()],
            sorted({total.currency for _, total in queue.buyer_totals()}),
            lambda done: progress("reconciling orders", done, counts["orders"]),
        )
        return ReplayReport(
            run=run,
            events=counts["events"],
            transactions=stage.sent,
            outcomes=queue.outcome_counts(),
            unusable=counts["unusable"],
            rows=tuple(_rows(queue)),
            reconciliation=reconciliation,
        )


def _shift(session: Session, queue: OrderQueue, shift_to: int | None) -> int:
    """Seconds by which the log's times are moved; the same for the whole life of a replay."""
    span = queue.span()
    pinned = queue.pinned("shift")
    if shift_to is None and session.connection.kind not in DEVELOPMENT:
        if pinned is None:
            raise ShiftRequired("This chain's clock is not ours to move.", chain=session.connection.kind.value)
        return int(pinned)
    shift = 0 if shift_to is None or span is None else shift_to - span[0]
    if shift_to is None and span is not None and span[0] < session.now() and pinned is None:
        # The chain is later than the log: the log's times move behind it, by whole days so that days stay days.
        shift = -(-(session.now() - span[0]) // DAY) * DAY
    if pinned is not None and shift_to is None:
        return int(pinned)
    queue.pin("shift", str(shift))
    return shift


def _onboard(
    session: Session,
    queue: OrderQueue,
    cast: Cast,
    stage: Stage,
    pace: Pace,
    mapping: OrderMapping,
    shift: int,
    progress: Progress,
) -> None:
    parties = queue.counts()["parties"]
    progress("onboarding companies", 0, parties)
    span = queue.span() or (0, 0)
    expiry = max(span[1] + shift, session.now()) + _KYC_TERM
    if queue.pinned("kyc_expiry") is None:
        queue.pin("kyc_expiry", str(expiry))
    expiry = int(queue.pinned("kyc_expiry") or expiry)
    attesters = mapping.attesters
    cast.onboard(queue, stage, attesters=attesters.count, threshold=attesters.threshold, kyc_expiry=expiry)
    progress("onboarding companies", parties, parties)


def _run_events(queue: OrderQueue, executor: Executor, progress: Progress) -> None:
    counts = queue.counts()
    total, done = counts["events"], counts["events"] - counts["pending"]
    executor.resume_inspections()
    for group in queue.groups():
        executor.run_group(group)
        done += len(group.events)
        progress("running events", done, total)
    executor.finish()


def _rows(queue: OrderQueue) -> list[dict[str, Any]]:
    """What has to be said about single rows of the log."""
    rows: list[dict[str, Any]] = [
        {"line": row.line, "order": row.order, "reason": row.reason.value, "message": row.message}
        for row, _ in zip(queue.unusable(), range(_REPORTED_ROWS), strict=False)
    ]
    for reported, outcome in enumerate(queue.outcomes(differing=True)):
        if reported == _REPORTED_ROWS:
            break
        assert outcome.outcome != DONE
        event = outcome.event
        line = event.payload.get("line") or queue.order(event.order).line
        rows.append({"line": line, "order": event.order, "reason": outcome.outcome, "message": outcome.detail})
    return rows
