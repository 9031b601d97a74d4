"""A journal in an SQLite file, or in memory.

Decisions that govern this module:

* A commit that returned survives a power cut: WAL with ``synchronous=FULL``, read back after it was set, or we do not
  start. Speed comes from putting much into one commit.
* A write begins with BEGIN IMMEDIATE: what it read cannot change before it commits, and it never fails halfway because
  another process wrote in between.
* After an error of the disk or a damaged page nothing more is written over this connection: what the kernel holds may
  not be what the disk holds. Opening the file again reads what the disk says.
* Its file is never opened or closed beside SQLite while it may be open in this process: by POSIX, closing any handle
  of a file drops all locks that the process has on it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from pyjpm.errors.sending import (
    DiskFull,
    JournalBusy,
    JournalCollision,
    JournalCorrupt,
    JournalFailed,
    JournalInUse,
    JournalLost,
    JournalNotDurable,
    JournalReadOnly,
)
from pyjpm.sending.store import transaction

_BUSY_SECONDS: Final = 30.0
_IDLE_READERS: Final = 4
# Bytes of a new file's pages. What many payments cost here is mostly the writing of pages: with four times SQLite's own
# size a sixth less, of a hundred wallets a quarter. One alone takes 0.2 ms longer over its three commits.
_PAGE: Final = 1 << 14
_ROOM: Final = 1 << 16  # bytes: SQLite asks for its shared memory in 32 kB
# Errors that may come from a full disk; those of an fsync are not among them, as then nobody knows what was written.
_NO_ROOM: Final = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMOPEN)
_FULL: Final = 2  # PRAGMA synchronous: 2 is FULL, 3 EXTRA

# Which file the engine shall open next, and whether to write to it.
_next = threading.local()
_creating = threading.Lock()


class SqliteStore:
    """One file, or memory. One writer at a time; of a file, any number of readers beside it."""

    def __init__(self, path: Path | None) -> None:
        self.name = "memory" if path is None else str(path)
        self._path = path
        self._mutex = threading.RLock()
        self._readers: list[Connection] = []
        self._broken: JournalFailed | None = None  # after which nothing is written
        with _creating:
            if path is not None:
                _create(path)
            self._writer = self._connect(writes=True)
        try:
            if path is not None:
                require_durable(self._writer, self.name)
                _sync_folder(path.parent)
        except DBAPIError as error:
            self._writer.close()
            raise self._failure(error, False) from error
        except BaseException:
            self._writer.close()
            raise

    @contextmanager
    def preparing(self) -> Iterator[Connection]:
        """Foreign keys are not looked after meanwhile: a table that is made anew is dropped first."""
        with self._mutex, self._older_excluded():
            self._pragma("foreign_keys=OFF")
            try:
                with self.writing() as connection:
                    yield connection
            finally:
                self._pragma("foreign_keys=ON")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._mutex:
            if self._broken is not None:
                details = dict(self._broken.details)
                if "undecided" in details:
                    details["undecided"] = False  # of that transaction, not of this one
                raise type(self._broken)(
                    f"The journal {self.name} is not written to until it is opened anew: {details['cause']}.", **details
                )
            with transaction(self._writer, self._failure):
                yield self._writer

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        if self._path is None:
            # Nobody else can open this memory.
            with self.writing() as connection:
                self._pragma("query_only=ON")
                try:
                    yield connection
                finally:
                    self._pragma("query_only=OFF")
            return
        reader = self._readers.pop() if self._readers else self._connect(writes=False)
        try:
            with transaction(reader, self._failure):
                yield reader
        finally:
            # A list's append and pop are atomic; one reader too many is closed.
            if len(self._readers) < _IDLE_READERS:
                self._readers.append(reader)
            else:
                reader.close()

    def close(self) -> None:
        with self._mutex:
            while self._readers:
                self._readers.pop().close()
            self._writer.close()

    def _connect(self, *, writes: bool) -> Connection:
        _next.path, _next.writes = self._path, writes
        try:
            return _engine().connect()
        except DBAPIError as error:
            raise self._failure(error, False) from error

    @contextmanager
    def _older_excluded(self) -> Iterator[None]:
        # The first version kept others out by a lock on a file beside the journal, and knows nothing of leases.
        lock = None if self._path is None else self._path.with_name(self._path.name + ".lock")
        if lock is None or not lock.exists():
            yield
            return
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
            lock.unlink(missing_ok=True)
        except BlockingIOError as error:
            raise JournalInUse(f"An older pyjpm has the journal {self.name} open.", path=self.name) from error
        finally:
            os.close(handle)

    def _pragma(self, pragma: str) -> None:
        # Past SQLAlchemy, which would begin a transaction, in which some of them do nothing.
        raw = self._writer.connection.dbapi_connection
        assert raw is not None
        raw.cursor().execute(f"PRAGMA {pragma}")

    def _failure(self, error: DBAPIError, committing: bool) -> JournalFailed:
        cause, kind = str(error.orig), _kind(error.orig, self._path)
        undecided = {"undecided": committing} if kind is JournalLost else {}
        failure = kind(f"The journal {self.name} failed: {cause}.", path=self.name, cause=cause, **undecided)
        if kind in (JournalLost, JournalCorrupt):
            self._broken = failure
        return failure


def require_durable(connection: Connection, name: str) -> None:
    """Raises JournalNotDurable unless a commit on this SQLite connection survives a power cut."""
    settings = {
        setting: connection.exec_driver_sql(f"PRAGMA {setting}").scalar_one()
        for setting in ("journal_mode", "synchronous", "fullfsync", "foreign_keys", "busy_timeout")
    }
    connection.rollback()
    for setting, least in (
        ("journal_mode", "wal"),
        ("synchronous", _FULL),
        ("fullfsync", 1),
        ("foreign_keys", 1),
        ("busy_timeout", 1),
    ):
        actual = settings[setting]
        if actual != least if isinstance(least, str) else actual < least:
            raise JournalNotDurable(
                f"The journal {name} has {setting}={actual}, it needs {least}.",
                path=name,
                setting=setting,
                required=least,
                actual=actual,
            )


@cache
def _engine() -> Engine:
    # One for all files: what SQLAlchemy learns of a statement it then knows in each, and opening one costs little.
    engine = create_engine(
        "sqlite+pysqlite://",
        poolclass=NullPool,
        creator=_open,
        hide_parameters=True,  # they are the business of its owner, and errors end up in logs
    )

    @event.listens_for(engine, "connect")
    def _remember(_connection: object, record: object) -> None:
        record.info["begin"] = "BEGIN IMMEDIATE" if _next.writes else "BEGIN"  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.info["begin"])

    return engine


def _open() -> sqlite3.Connection:
    path: Path | None = _next.path
    connection = sqlite3.connect(
        ":memory:" if path is None else path,
        timeout=_BUSY_SECONDS,
        check_same_thread=False,  # handed from one thread to the next under our mutex
        isolation_level=None,  # transactions begin where we say
    )
    try:
        for pragma in (
            f"page_size={_PAGE}",
            "synchronous=FULL",
            "fullfsync=ON",
            "checkpoint_fullfsync=ON",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
        if path is not None:
            _use_wal(connection)
        if not _next.writes:
            connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            # For this one statement SQLite does not wait for another process, it refuses.
            if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _create(path: Path) -> None:
    """Before SQLite makes it with the usual permissions: it tells all about the business of its owner."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if path.is_file():
            return  # another process was faster
        kind = {"ENOSPC": DiskFull, "EDQUOT": DiskFull, "EROFS": JournalReadOnly, "EACCES": JournalReadOnly}.get(
            errno.errorcode.get(error.errno or 0, ""), JournalFailed
        )
        raise kind(
            f"The journal {path} cannot be made: {error.strerror}.", path=str(path), cause=error.strerror
        ) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- what an error means ---------------------------------------------------------------------------------------------


def _primary(error: BaseException | None) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _kind(error: BaseException | None, path: Path | None) -> type[JournalFailed]:
    code = getattr(error, "sqlite_errorcode", 0)
    if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        return JournalCollision
    if path is not None and (code in _NO_ROOM or _primary(error) == sqlite3.SQLITE_CANTOPEN):
        # It has one code for many causes there.
        if shutil.disk_usage(path.parent).free < _ROOM:
            return DiskFull
        if not os.access(path.parent, os.W_OK):
            return JournalReadOnly
    return {
        sqlite3.SQLITE_FULL: DiskFull,
        sqlite3.SQLITE_READONLY: JournalReadOnly,
        sqlite3.SQLITE_CORRUPT: JournalCorrupt,
        sqlite3.SQLITE_NOTADB: JournalCorrupt,
        sqlite3.SQLITE_BUSY: JournalBusy,
        sqlite3.SQLITE_LOCKED: JournalBusy,
        sqlite3.SQLITE_IOERR: JournalLost,
    }.get(_primary(error), JournalFailed)
