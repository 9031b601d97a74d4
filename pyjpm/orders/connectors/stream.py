"""Standard input, or any other stream of JSON lines, as a source.

Decisions that govern this module:

* A stream has no place to go on from: the cursor only counts. What was read and not stored when the process died is to
  be sent again, from as far back as the sender likes: events are stored once.
* A slow sender keeps nobody waiting: lines are read by a thread, and a poll takes those that are there. A fast one
  waits for us: the thread reads so many lines ahead and no more.
"""

from __future__ import annotations

import queue
import threading
from typing import IO, Final

from pyjpm.orders.connectors.connector import Batch, Problem, StatusEvent
from pyjpm.orders.connectors.fields import EventFields
from pyjpm.orders.connectors.folder import json_lines

_AHEAD: Final = 1_000
_AT_ONCE: Final = 500
_PATIENCE: Final = 0.2  # seconds that a poll waits for the first line


class StreamConnector:
    """Reads JSON lines from a binary stream.

    Attributes:
        ended: whether the stream has ended and everything of it was polled.
    """

    def __init__(self, stream: IO[bytes], fields: EventFields, *, label: str = "stdin") -> None:
        self.name = f"{label} {fields.source}"
        self.ended = False
        self._stream = stream
        self._fields = fields
        self._label = label
        self._read: queue.Queue[StatusEvent | Problem | None] = queue.Queue(_AHEAD)
        self._thread = threading.Thread(target=self._run, name=f"read {label}", daemon=True)

    def poll(self, cursor: str | None) -> Batch:
        """See ``Connector``."""
        if self._thread.ident is None:
            self._thread.start()
        entries: list[StatusEvent | Problem] = []
        while not self.ended and len(entries) < _AT_ONCE:
            try:
                entry = self._read.get(timeout=0 if entries else _PATIENCE)
            except queue.Empty:
                break
            if entry is None:
                self.ended = True
            else:
                entries.append(entry)
        return Batch(
            events=tuple(entry for entry in entries if isinstance(entry, StatusEvent)),
            problems=tuple(entry for entry in entries if isinstance(entry, Problem)),
            cursor=str(int(cursor or 0) + len(entries)),
            more=not self.ended,
        )

    def _run(self) -> None:
        try:
            for entry in json_lines(self._stream, self._fields, self._label):
                self._read.put(entry)
        except (OSError, ValueError) as error:
            self._read.put(Problem(self._label, f"The stream broke: {type(error).__name__}."))
        self._read.put(None)
