"""One node of several: whether it is asked now.

Decisions that govern this module:

* A node that failed rests for a while, longer each time: its timeout would otherwise be paid at every look. Where too
  few others are awake it is asked all the same.
* Behind an address there may be another chain after it was away. So after a failure, and where it could not be reached
  at the start, its chain is verified before anything it says is used and before anything is sent to it.
* In a thread of its own a node may be left behind (``late``). It is not asked again until that thread is through with
  it, so that a node that hangs costs one thread, not one each look.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from pyjpm.chain.broadcast import ClientKind
from pyjpm.chain.connection import Connection
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import (
    HostNotAllowed,
    NodeBadAnswer,
    NodeError,
    NodeUnauthorized,
    TransportFault,
    WrongChain,
)

FIRST_REST: Final = 0.5
LONGEST_REST: Final = 8.0
# After these, how the node is cannot be told from what it said.
_ILL: Final = (TransportFault, NodeBadAnswer, NodeUnauthorized, HostNotAllowed, WrongChain)

log = logging.getLogger("pyjpm.chain")


class Clock(Protocol):
    """Seconds that only go forward, and waiting. The ``time`` module is one."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class Node:
    """How one node fares.

    Attributes:
        where: its address in public form.
        connection: the way to it, None until it was reached once.
        late: how many requests to it were left behind and still run.
        fault: why the last request to it failed, None if it did not.
    """

    def __init__(self, where: str, clock: Clock, way: Connection | Callable[[], Connection]) -> None:
        self.where = where
        self.connection = way if isinstance(way, Connection) else None
        self.late = 0
        self.fault: PyjpmError | None = None
        self._reach = way
        self._clock = clock
        self._rest = FIRST_REST
        self._rests_until = 0.0

    @property
    def resting(self) -> bool:
        """Whether it failed a short while ago."""
        return self.fault is not None and self._clock.monotonic() < self._rests_until

    @property
    def takes_gaps(self) -> bool:
        """Whether nonces that come before those below them wait in it, however many are missing.

        Known of Anvil only. Besu's limit is a setting of its own, by default it is 5.
        """
        return self.connection is not None and self.connection.kind is ClientKind.ANVIL

    def usable(self) -> Connection:
        """The way to it, verified where it has to be. Raises as Connection.open."""
        connection = self.connection
        if connection is None:
            assert not isinstance(self._reach, Connection)
            self.connection = connection = self._reach()
        elif self.fault is not None:
            connection.verify()
        return connection

    def answered(self) -> None:
        """It said something usable."""
        self.fault, self._rest = None, FIRST_REST

    def failed(self, fault: PyjpmError) -> None:
        """It did not; an error in an answer to the point (a NodeError) is no illness."""
        if isinstance(fault, NodeError) or not isinstance(fault, _ILL):
            return
        level = logging.ERROR if isinstance(fault, WrongChain) else logging.WARNING
        log.log(level, "node %s is passed over for %.1f s: %s", self.where, self._rest, fault.code)
        self.fault = fault
        self._rests_until = self._clock.monotonic() + self._rest
        self._rest = min(LONGEST_REST, self._rest * 2)
