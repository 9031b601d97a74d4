"""What can be wrong with an order log, its mapping and its queue. Caught together as :class:`OrdersError`."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class OrdersError(PyjpmError):
    """Root of the errors about order logs."""

    code: ClassVar[str] = "ORDERS_ERROR"


class MappingUnreadable(OrdersError):
    """The mapping file cannot be opened. Details: ``path``."""

    code: ClassVar[str] = "MAPPING_UNREADABLE"
    hint: ClassVar[str] = "Check the path given with --mapping."


class MappingInvalid(OrdersError):
    """The mapping is no TOML, or says something a mapping cannot say. Details: ``path``, ``problems`` by key."""

    code: ClassVar[str] = "MAPPING_INVALID"
    hint: ClassVar[str] = "Correct the keys named; pyjpm/orders/mapping.py describes the format."


class OrdersFileUnreadable(OrdersError):
    """The order log or the parties file cannot be opened. Details: ``path``."""

    code: ClassVar[str] = "ORDERS_FILE_UNREADABLE"
    hint: ClassVar[str] = "Check the path; a parties file is looked for beside the mapping."


class MissingColumns(OrdersError):
    """The header lacks columns that the mapping names. Details: ``path``, ``missing``, ``found``."""

    code: ClassVar[str] = "MISSING_COLUMNS"
    hint: ClassVar[str] = "Name the file's columns in the mapping, or export the file with them."


class RepeatedColumns(OrdersError):
    """The header has a column twice, so which one is meant is open. Details: ``path``, ``repeated``."""

    code: ClassVar[str] = "REPEATED_COLUMNS"
    hint: ClassVar[str] = "Rename or drop one of them in the file."


class PartiesUnusable(OrdersError):
    """A line of the parties file cannot be used. Details: ``path``, ``line``."""

    code: ClassVar[str] = "PARTIES_UNUSABLE"
    hint: ClassVar[str] = "Correct the line: who takes part must be known before any order runs."


class RowUnusable(OrdersError):
    """A row that cannot be used; reported with its line while the rest goes on. Details: ``reason``."""

    code: ClassVar[str] = "ROW_UNUSABLE"
    hint: ClassVar[str] = "Correct the row and replay the file."


class QueueOfOtherInput(OrdersError):
    """The queue file was filled from another order log, mapping or parties file. Details: ``path``."""

    code: ClassVar[str] = "QUEUE_OF_OTHER_INPUT"
    hint: ClassVar[str] = "Replay the input it was made from, or name another queue file for this one."


class QueueBusy(OrdersError):
    """Another process has the queue open. Details: ``path``."""

    code: ClassVar[str] = "QUEUE_BUSY"
    hint: ClassVar[str] = "Let the other replay end; two replays never share a queue."


class QueueUnusable(OrdersError):
    """The file is no event queue of this version, or the disk failed it. Details: ``path``."""

    code: ClassVar[str] = "QUEUE_UNUSABLE"
    hint: ClassVar[str] = "Name another queue file."


class QueueStateMismatch(OrdersError):
    """The queue is pinned to another chain, deployment or time shift. Details: ``name``, ``pinned``, ``given``."""

    code: ClassVar[str] = "QUEUE_STATE_MISMATCH"
    hint: ClassVar[str] = "Go on with what the replay was started with, or start a new queue."


class UnknownQueueItem(OrdersError):
    """The queue has no such order, party or event."""

    code: ClassVar[str] = "UNKNOWN_QUEUE_ITEM"
    hint: ClassVar[str] = "Ask for what the queue itself handed out."


class ReplayFailed(OrdersError):
    """A replay cannot go on: what every order stands on was refused. Details: ``error``."""

    code: ClassVar[str] = "REPLAY_FAILED"
    hint: ClassVar[str] = "Mend the cause and start the same command again: it goes on where it stopped."


class ShiftRequired(OrdersError):
    """The chain's clock is not ours to move, and the log's events are not in its future."""

    code: ClassVar[str] = "SHIFT_REQUIRED"
    hint: ClassVar[str] = "Give --shift-to TIME (RFC 3339), the time at which the log's first event is to happen."


class InvalidShift(OrdersError):
    """--shift-to is no usable time."""

    code: ClassVar[str] = "INVALID_SHIFT"
    hint: ClassVar[str] = "Write it as 2026-12-01T09:00:00+00:00."
