"""Watching a source: polled, stored, carried on, for as long as it is wanted.

Decisions that govern this module:

* A source that is down or slow is told of once, and asked again after a pause that grows to a minute; meanwhile what
  was stored goes on. One that refuses us is not asked again: somebody has to mend it.
* A run that is to happen once ends when the source has nothing more and everything that can go on has.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from pyjpm.errors.intake import SourceUnavailable
from pyjpm.orders.connectors.connector import Connector, Problem
from pyjpm.orders.intake.intake import Intake
from pyjpm.orders.intake.states import EventState, Receipt

INTERVAL: Final = 5.0
_LONGEST_PAUSE: Final = 60.0
_STEP: Final = 0.2
_TRIES: Final = 3

Told = Receipt | Problem | SourceUnavailable
Tell = Callable[[Told], None]


class Watch:
    """Runs an intake over one source.

    Args:
        connector: None where events are pushed, by a webhook server: then only what was stored is carried on.
        tell: told of each event that was new or came further, each problem, and each time the source goes down.
        interval: seconds between polls that bring nothing.
        patience: seconds that a run which happens once waits for the chain.
    """

    def __init__(
        self,
        intake: Intake,
        connector: Connector | None,
        *,
        tell: Tell = lambda told: None,
        interval: float = INTERVAL,
        patience: float = 60.0,
    ) -> None:
        self._intake = intake
        self._connector = connector
        self._tell = tell
        self._interval = interval
        self._patience = patience
        self._awake = threading.Event()
        self._stopped = threading.Event()
        self._failures = 0

    def wake(self) -> None:
        """Something has arrived: carry on now. From any thread."""
        self._awake.set()

    def stop(self) -> None:
        """End the run after the step that is under way. From any thread, or a signal's handler."""
        self._stopped.set()
        self._awake.set()

    def run(self, *, once: bool = False) -> None:
        """Watches until it is stopped, or, ``once``, until there is nothing more to do.

        Raises:
            SourceRefused; SourceUnavailable where it happens once and the source stays away; CursorMoved; Fenced,
            JournalFailed and others of the databases.
        """
        while not self._stopped.is_set():
            more = self._poll(once)
            self._told(self._intake.work())
            if once and not more:
                self._told(self._intake.settle(self._patience))
                return
            if not more or self._failures:
                self._rest()
            elif not self._stored:
                self._sleep(_STEP)

    def _poll(self, once: bool) -> bool:
        """Whether another poll would bring something; False where nobody is asked."""
        self._stored = 0
        if self._connector is None:
            return False
        try:
            batch, receipts = self._intake.poll(self._connector)
        except SourceUnavailable as error:
            self._failures += 1
            if once and self._failures >= _TRIES:
                raise
            if self._failures == 1 or once:
                self._tell(error)
            return True
        self._failures = 0
        self._stored = len(receipts) + len(batch.problems)
        for problem in batch.problems:
            self._tell(problem)
        self._told([receipt for receipt in receipts if receipt.new or receipt.state in _NEVER_STORED])
        return batch.more

    def _told(self, receipts: list[Receipt]) -> None:
        for receipt in receipts:
            self._tell(receipt)

    def _rest(self) -> None:
        if self._failures:
            self._sleep(min(_LONGEST_PAUSE, 2.0 ** min(self._failures - 1, 10)))
            return
        # What is on its way to the chain, or waits for seconds only, is looked at sooner than the source.
        busy = self._intake.stored.rows([EventState.SUBMITTED], limit=1)
        self._sleep(min(self._interval, _STEP) if busy else self._interval)

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._awake.wait(min(left, 1.0)):
                self._awake.clear()
                return
            if self._intake.stored.due(1):
                return


_NEVER_STORED: Final[Any] = (EventState.CONFLICT, EventState.INVALID)
