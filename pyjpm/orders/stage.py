"""A stage of a replay: calls that do not depend on each other, sent together, waited for together.

Every call has an idempotency key that follows from the replay and the order, so a replay that goes on after a crash
meets its own submissions and repeats none. On a development chain a stage becomes one block (or a few) at the time of
its events; elsewhere blocks come by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pyjpm.chain import ClientKind, DevClock
from pyjpm.custody import Signer
from pyjpm.errors.sending import StillPending
from pyjpm.sending import Operation, Submission
from pyjpm.session import Session

DEVELOPMENT: Final = (ClientKind.ANVIL, ClientKind.ETH_TESTER)
_POLL: Final = 0.2


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a stage: who sends what, and what to do with the outcome."""

    signer: Signer
    operation: Operation
    done: Callable[[Submission], None] = lambda submission: None


class Pace:
    """The chain's clock as a replay needs it: moved on a development chain, waited for elsewhere."""

    def __init__(self, session: Session, *, move: bool) -> None:
        self._connection = session.connection
        self._clock = DevClock(session.connection) if move else None
        self._at = 0

    def start(self) -> None:
        """From here on blocks come when :meth:`mine` says, where the clock is ours."""
        if self._clock:
            self._clock.automine(False)
            self._at = self._clock.now()

    def stop(self) -> None:
        """Gives the chain back as it was found."""
        if self._clock:
            self._clock.automine(True)

    def reach(self, at: int) -> None:
        """Makes the next blocks' time ``at``, or waits until the chain's time is; it never goes back."""
        if self._clock:
            self._at = max(self._at, at)
            return
        while self._connection.head().timestamp < at:
            time.sleep(min(5.0, max(_POLL, at - time.time())))

    def mine(self) -> None:
        """One block at the time reached, where the clock is ours; else a moment's patience."""
        if self._clock:
            # Straight to the node: this runs thousands of times, and only we move this chain.
            self._connection.development_request("evm_mine", self._at)
        else:
            time.sleep(_POLL)


class Stage:
    """Sends stages one after the other."""

    def __init__(self, session: Session, pace: Pace, *, patience: float) -> None:
        self._session = session
        self._pace = pace
        self._patience = patience
        self.sent = 0

    def run(self, calls: Sequence[Call]) -> None:
        """Sends all calls and tells each what became of it (FINAL or REVERTED).

        Raises:
            StillPending: the chain did not take them within the patience (seconds).
        """
        if not calls:
            return
        by_wallet: dict[str, list[Call]] = {}
        for call in calls:
            by_wallet.setdefault(call.signer.address, []).append(call)
        groups = list(by_wallet.values())
        accepted = self._session.sender.submit_batches(
            [(group[0].signer, [call.operation for call in group]) for group in groups]
        )
        settled = self._settled([submission for some in accepted for submission in some])
        self.sent += len(settled)
        for submission, call in zip(settled, (call for group in groups for call in group), strict=True):
            call.done(submission)

    def _settled(self, found: Sequence[Submission]) -> Sequence[Submission]:
        deadline, ids = time.monotonic() + self._patience, [each.id for each in found]
        while pending := [each for each in found if each.is_pending]:
            if time.monotonic() > deadline:
                raise StillPending(
                    f"{len(pending)} of {len(ids)} transactions have no outcome after {self._patience:.0f} s.",
                    submission=pending[0].id,
                )
            self._pace.mine()
            found = self._session.sender.refresh_many(ids)
        return found
