"""The clock of a development chain: time and mining as a test or a replay wants them.

Decisions that govern this module:

* Only Anvil and LocalTester. Every other chain refuses with NotADevelopmentChain, before anything is asked of it.
* The chain's time is that of its last block, which is also what a call at ``latest`` sees. It runs on with the wall
  clock from wherever it was set. Blocks may share a second (on Besu they do not).
"""

from __future__ import annotations

from pyjpm.chain.broadcast import ClientKind
from pyjpm.chain.connection import Connection
from pyjpm.chain.values import Block
from pyjpm.errors.chain import ClockBackwards, NotADevelopmentChain

DEVELOPMENT = frozenset({ClientKind.ANVIL, ClientKind.ETH_TESTER})


class DevClock:
    """Moves a development chain's time and mines its blocks. Times are seconds since 1970 (UTC).

    Raises NotADevelopmentChain when made for any other chain.
    """

    def __init__(self, connection: Connection) -> None:
        if connection.kind not in DEVELOPMENT:
            raise NotADevelopmentChain(
                f"The clock of {connection.client_version} cannot be moved.", client=connection.client_version
            )
        self._connection = connection

    def now(self) -> int:
        """The time of the last block."""
        return self._connection.head().timestamp

    def set_next(self, timestamp: int) -> None:
        """The next block, whenever it is mined, has exactly this time. Raises ClockBackwards before the last block."""
        head = self.now()
        if timestamp < head:
            raise ClockBackwards(
                f"The chain's clock is at {head}; it cannot go back to {timestamp}.", timestamp=timestamp, head=head
            )
        self._connection.development_request("evm_setNextBlockTimestamp", timestamp)

    def advance(self, seconds: int) -> int:
        """Mine a block ``seconds`` after the last one; its time. Raises ClockBackwards if negative."""
        return self.mine_at(self.now() + seconds).timestamp

    def mine(self) -> Block:
        """Mine one block of what is pending, at the chain's time."""
        self._connection.development_request("evm_mine")
        return self._connection.block("latest")

    def mine_at(self, timestamp: int) -> Block:
        """Mine one block of what is pending at exactly this time; see its ``transactions`` for what found room."""
        self.set_next(timestamp)
        return self.mine()

    def automine(self, on: bool) -> None:
        """Whether each transaction gets a block at once, or waits for ``mine`` and ``mine_at``.

        What waits when it is switched on is mined then, at the chain's time.
        """
        self._connection.development_request("evm_setAutomine", on)
