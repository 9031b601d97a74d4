"""Waiting for the next block: woken by subscriptions where there are any, by the clock where not.

Decisions that govern this module:

* Both ways end in a look at the chain by whoever waits. With a living subscription the clock is slower, never off: a
  subscription may be open and say nothing.
* A node announces a block up to some 50 ms before it shows it. So after an announcement it is looked often until the
  block is there, for a while.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from typing import Final, Self

from pyjpm.chain.node import Clock
from pyjpm.chain.nodes import Nodes
from pyjpm.chain.subscription import HeadSubscription

POLL: Final = 0.25
SUBSCRIBED_POLL: Final = 1.0
EAGER_POLL: Final = 0.01
EAGER_FOR: Final = 1.0


class HeadWatch:
    """Waits for new heads; a context manager. One waits at a time.

    Args:
        nodes: whose heads.
        subscribe: whether to try the nodes' own addresses for subscriptions (by HTTP only), or ws(s) URLs to use. Besu
            serves WebSocket at another port, which has to be given.
        poll: seconds between looks without a subscription.
        clock: what is waited by where nothing is subscribed to.
    """

    def __init__(
        self, nodes: Nodes, *, subscribe: bool | Sequence[str] = True, poll: float = POLL, clock: Clock = time
    ) -> None:
        self._poll = poll
        self._clock = clock
        self._pid = os.getpid()
        self._woken = threading.Event()
        self._announced = -1
        self._announced_at = 0.0
        self._subscriptions: list[HeadSubscription] = []
        if isinstance(subscribe, bool):
            addresses = [each.socket_address() for each in nodes.connections] if subscribe else []
            for address in addresses:
                if address is not None:
                    url, headers, tls = address
                    self._subscriptions.append(HeadSubscription(url, self._heard, headers=headers, tls=tls))
        else:
            self._subscriptions += [HeadSubscription(url, self._heard) for url in subscribe]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def subscribed(self) -> bool:
        """Whether a node announces its blocks to us now."""
        return any(each.alive for each in self._subscriptions)

    def wait(self, seen: int, timeout: float | None = None) -> None:
        """Wait until it is time to look again.

        Args:
            seen: the height of the newest block seen so far.
            timeout: seconds at most; None as long as between two looks.
        """
        if not self._subscriptions or os.getpid() != self._pid:
            self._clock.sleep(self._poll if timeout is None else min(self._poll, timeout))
            return
        pause = SUBSCRIBED_POLL if self.subscribed else self._poll
        if self._announced > seen and time.monotonic() - self._announced_at < EAGER_FOR:
            pause = EAGER_POLL
        self._woken.wait(pause if timeout is None else min(pause, timeout))
        self._woken.clear()

    def wake(self) -> None:
        """End the present wait, or the next one, at once. From any thread."""
        self._woken.set()

    def close(self) -> None:
        """End its subscriptions."""
        for each in self._subscriptions:
            each.close()

    def _heard(self, height: int | None) -> None:
        if height is not None:
            self._announced, self._announced_at = height, time.monotonic()
        self._woken.set()
