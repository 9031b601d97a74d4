"""What one thread waits for, once, and others say has come."""

from __future__ import annotations

import threading


class Turn:
    """Of a bare lock: a ``threading.Event`` has one inside that a thread keeps which a signal's handler interrupts
    there, and whoever sets it waits for ever."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> None:
        """Returns once it has come."""
        self._lock.acquire()

    def come(self) -> None:
        """Lets go who waits; once more is nothing."""
        try:
            self._lock.release()
        except RuntimeError:  # it had come
            return
