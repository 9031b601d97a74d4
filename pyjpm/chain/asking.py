"""Asking several nodes at once, and leaving behind the one that hangs.

Decisions that govern this module:

* Threads only where there is more than one thing to ask, and none at all where they are not wanted: an in-process
  chain is then asked node after node, always in the same order.
* Once one node has answered, the others are waited for a moment only. Who is left behind is not asked again until its
  thread is through, so that a node that hangs costs a thread or two, not one each look.
* A node has threads of its own, so that one that hangs holds up nobody else's requests.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from pyjpm.chain.connection import Connection
from pyjpm.chain.node import Node
from pyjpm.errors.chain import ChainError, HeadNotServed, NodeBadAnswer, NodeTimeout

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What a node answered; None and the code of why where it said nothing usable."""

    node: Node
    value: T | None
    fault: str = ""


class Asking:
    """Threads: any number may ask at once. Forks: a child starts without threads.

    Args:
        parallel: whether to ask at the same time, by threads.
        threads: how many a node may take.
    """

    def __init__(self, *, parallel: bool, threads: int) -> None:
        self._parallel = parallel
        self._most = threads
        self._pools: dict[Node, ThreadPoolExecutor] = {}
        self.lock = threading.Lock()
        _live.add(self)

    def each(self, nodes: Sequence[Node], ask: Callable[[Connection], T], grace: float | None) -> list[Reply[T]]:
        """The same question to several nodes; see ``works``."""
        return self.works([(node, ask) for node in nodes], grace)

    def works(self, works: Sequence[tuple[Node, Callable[[Connection], T]]], grace: float | None) -> list[Reply[T]]:
        """One reply to each question, in no order.

        Args:
            grace: seconds after which the others are left behind, once a node is through with all its questions;
                None waits for all.
        """
        if not self._parallel or len(works) < 2:
            return [_ask(node, ask) for node, ask in works]
        running = {self._threads(node).submit(_ask, node, ask): node for node, ask in works}
        waiting: set[Future[Reply[T]]] = set(running)
        replies: list[Reply[T]] = []
        ends: float | None = None
        while waiting:
            # Threads run on the machine's time, whatever clock the rest goes by.
            done, waiting = wait(waiting, None if ends is None else max(0.0, ends - time.monotonic()), FIRST_COMPLETED)
            replies += [each.result() for each in done]
            if not done:
                break
            busy = {running[each] for each in waiting}
            if grace is not None and ends is None and any(r.value is not None and r.node not in busy for r in replies):
                ends = time.monotonic() + grace
        for each in waiting:
            self._leave(each, running[each])
            replies.append(Reply(running[each], None, NodeTimeout.code))
        return replies

    def close(self) -> None:
        """End the threads, once they are through; they start again when needed."""
        with self.lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.shutdown(wait=True, cancel_futures=True)

    def _leave(self, future: Future[Reply[T]], node: Node) -> None:
        lock = self.lock
        with lock:
            node.late += 1

        def through(_: Future[Reply[T]]) -> None:
            with lock:
                node.late -= 1

        future.add_done_callback(through)

    def _threads(self, node: Node) -> ThreadPoolExecutor:
        with self.lock:
            if node not in self._pools:
                self._pools[node] = ThreadPoolExecutor(self._most, thread_name_prefix="pyjpm-node")
            return self._pools[node]

    def _forked(self) -> None:
        # A child has neither the threads nor whoever held the lock.
        for node in self._pools:
            node.late = 0
        self.lock = threading.Lock()
        self._pools = {}


def _ask(node: Node, ask: Callable[[Connection], T]) -> Reply[T]:
    before = node.fault
    try:
        value = ask(node.usable())
    except ChainError as fault:
        node.failed(fault)
        return Reply(node, None, fault.code)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # JSON-RPC by its form and nonsense by its content.
        node.failed(NodeBadAnswer(f"{node.where} answered nonsense ({type(error).__name__}).", url=node.where))
        return Reply(node, None, NodeBadAnswer.code)
    if node.fault is before:  # who sends meets a node's faults without raising them
        node.answered()
    if value is None:
        return Reply(node, None, HeadNotServed.code)
    return Reply(node, value)


_live: weakref.WeakSet[Asking] = weakref.WeakSet()


def _after_fork() -> None:
    for asking in list(_live):
        asking._forked()


os.register_at_fork(after_in_child=_after_fork)
