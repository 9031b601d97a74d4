"""One commit for what many threads write at the same time: a disk takes few commits a second, but large ones.

Decisions that govern this module:

* Nobody waits for company: the first to come commits at once, and whoever comes meanwhile shares the next commit, made
  by the first of them. So one thread alone is as fast as without, and many are as fast as the disk takes large commits.
* A work that fails takes nobody with it: the shared transaction is rolled back, the others are done again without it,
  and it is done again by itself after them, as its failure may have come from what they had not committed yet. So a
  work may be called several times, by another thread than its caller's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.sending import JournalBusy, JournalLost
from pyjpm.sending.database import Database

T = TypeVar("T")
_LARGEST: Final = 500  # works in one commit


class GroupCommit:
    """Writes to lanes as ``Database.writing`` does, for any number of threads in few commits."""

    def __init__(self, database: Database, token: str) -> None:
        self._database = database
        self._token = token
        self._mutex = threading.Lock()
        self._queue: list[_Work] = []
        self._is_led = False

    def write(self, wallets: Iterable[str], work: Callable[[Connection], T]) -> T:
        """Do a work in a transaction that holds these lanes, and return its result once that is committed.

        Args:
            wallets: whose lanes it writes to.
            work: reads and writes over the connection it is given, and nothing else: it takes no lock, waits for
                nothing, and gives the same when it is called again. It does not commit.

        Raises:
            What the work raises, then nothing of it is stored. Otherwise as ``Database.writing``, for everybody whose
            work was in that commit.
        """
        mine = _Work(tuple(wallets), work)
        with self._mutex:
            self._queue.append(mine)
            mine.leads = not self._is_led
            self._is_led = True
        if not mine.leads:
            try:
                mine.woken.wait()
            except BaseException:
                self._leave(mine)
                raise
        if mine.leads:
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        result: T = mine.result
        return result

    def _lead(self, mine: _Work) -> None:
        with self._mutex:
            group, self._queue = self._queue[:_LARGEST], self._queue[_LARGEST:]
        assert group[0] is mine
        try:
            self._commit(group)
        except BaseException as error:
            # This thread is asked to end, perhaps just after its commit; the others only know that it did not say.
            for each in group[1:]:
                each.error = JournalLost(
                    f"The thread that wrote for others to the journal {self._database.name} was interrupted.",
                    path=self._database.name,
                    cause=type(error).__name__,
                    undecided=True,
                )
            raise
        finally:
            with self._mutex:
                self._hand_on()
            for each in group[1:]:
                each.woken.set()

    def _leave(self, mine: _Work) -> None:
        """For a thread that is asked to end while it waits: what is already being committed stays as it is."""
        with self._mutex:
            if mine in self._queue:
                self._queue.remove(mine)
                if mine.leads:
                    self._hand_on()

    def _hand_on(self) -> None:
        """Have whoever came first lead the next commit. The mutex is held."""
        self._is_led = bool(self._queue)
        if self._queue:
            self._queue[0].leads = True
            self._queue[0].woken.set()

    def _commit(self, group: list[_Work]) -> None:
        """Sets the result or the error of each."""
        alone = []
        while group:
            failing = self._transact(group)
            if failing is None:
                break
            group = [each for each in group if each is not failing]
            alone.append(failing)
        for each in alone:
            self._transact([each])

    def _transact(self, group: list[_Work]) -> _Work | None:
        """One transaction. Nothing of it is stored, and no error is set, where it returns the work that failed."""
        doing: _Work | None = None
        try:
            with self._database.writing(
                {wallet for each in group for wallet in each.wallets}, self._token
            ) as connection:
                for doing in group:
                    doing.result = doing.do(connection)
                doing = None
        except (JournalLost, JournalBusy) as error:
            _fail(group, error)
        except Exception as error:
            if doing is not None and len(group) > 1:
                return doing
            _fail(group, error)
        return None


def _fail(group: list[_Work], error: Exception) -> None:
    for each in group:
        each.error = error
        if len(group) > 1 and isinstance(error, PyjpmError):
            # Raised by as many threads, each of which adds its own trace to it.
            each.error = type(error)(error.message, **error.details)
            each.error.__cause__ = error


@dataclass(slots=True, eq=False)
class _Work:
    wallets: tuple[str, ...]
    do: Callable[[Connection], Any]
    woken: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    result: Any = None
    error: Exception | None = None
