"""Many requests to a device that is far away, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

AT_ONCE: Final = 8
"""Requests on their way at a time: more than that, and quotas answer before keys do."""

A = TypeVar("A")
B = TypeVar("B")


def in_parallel(work: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """``work`` of each item, in the order of the items. The first error is raised, what has not begun is left."""
    if len(items) <= 1:
        return [work(item) for item in items]
    pool = ThreadPoolExecutor(min(AT_ONCE, len(items)))
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(cancel_futures=True)
