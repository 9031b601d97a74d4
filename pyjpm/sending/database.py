"""The file behind a journal: durable, bound to one chain, used by one process at a time.

Decisions that govern this module:

* A commit that returned survives a power cut: WAL with ``synchronous=FULL``, read back after it was set, or we do not
  start. Speed comes from putting much into one commit.
* One process at a time, by an ``flock`` on a file beside the journal: the kernel drops it when the process dies,
  however it dies, so a restart never meets a stale lock. Two processes on one journal would number one wallet twice.
* A forked child may not use it (SQLite forbids carrying a connection over a fork), and gives the lock's handle back,
  so that a child that outlives us does not keep the journal from our successor.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, create_engine, event, insert, inspect, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from pyjpm.errors.sending import (
    JournalClosed,
    JournalFailed,
    JournalForked,
    JournalInUse,
    JournalNotDurable,
    JournalOfOtherChain,
    JournalTooNew,
)
from pyjpm.sending.tables import SCHEMA_VERSION, journal, metadata

_FULL: Final = 2  # PRAGMA synchronous: 2 is FULL, 3 EXTRA
_open: weakref.WeakSet[Database] = weakref.WeakSet()


class Database:
    """One open database. Any number of threads of the process that opened it may use it, one at a time.

    Attributes:
        name: its path, or ``memory``.
    """

    def __init__(self, path: Path | None, *, genesis_hash: str, chain_id: int) -> None:
        self.name = "memory" if path is None else str(path)
        self._owner = os.getpid()
        self._mutex = threading.RLock()
        self._closed = False
        self._lock_file: int | None = None
        if path is not None:
            self._lock_file = _locked(path)
        self._engine = _engine(path)
        try:
            self._connection = self._opened(durable=path is not None)
            self._prepare(genesis_hash, chain_id)
        except BaseException:
            self._engine.dispose()
            self._unlock()
            raise
        if path is not None:
            _sync_folder(path.parent)
        _open.add(self)

    def __repr__(self) -> str:
        return f"Database({self.name})"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by an error.

        Raises JournalClosed, JournalForked, JournalFailed.
        """
        # Before the mutex: a child forked while another thread held it would wait forever.
        if os.getpid() != self._owner:
            raise JournalForked("This journal was opened before this process was forked.", path=self.name)
        with self._mutex:
            if self._closed:
                raise JournalClosed("This journal was closed.", path=self.name)
            try:
                with self._connection.begin():
                    yield self._connection
            except DBAPIError as error:
                raise _failed(self.name, error) from error

    def close(self) -> None:
        """Close it and let another process have it; closing twice is fine."""
        if os.getpid() != self._owner:
            return
        with self._mutex:
            if not self._closed:
                self._closed = True
                self._connection.close()
                self._engine.dispose()
                self._unlock()

    def _opened(self, *, durable: bool) -> Connection:
        try:
            connection = self._engine.connect()
            if durable:
                require_durable(connection, self.name)
        except DBAPIError as error:
            raise _failed(self.name, error) from error
        return connection

    def expect(self, *, genesis_hash: str, chain_id: int) -> None:
        """Raises JournalOfOtherChain unless it is bound to this chain."""
        for what, expected, actual in (
            ("genesis_hash", self._genesis_hash, genesis_hash),
            ("chain_id", self._chain_id, chain_id),
        ):
            if expected != actual:
                raise JournalOfOtherChain(
                    f"The journal {self.name} belongs to the chain with {what} {expected}, not {actual}.",
                    path=self.name,
                    what=what,
                    expected=expected,
                    actual=actual,
                )

    def _prepare(self, genesis_hash: str, chain_id: int) -> None:
        with self.transaction() as connection:
            if not inspect(connection).has_table(journal.name):
                metadata.create_all(connection)
                connection.execute(
                    insert(journal).values(
                        id=1,
                        schema_version=SCHEMA_VERSION,
                        chain_id=chain_id,
                        genesis_hash=genesis_hash,
                        created_at=int(time.time()),
                    )
                )
            row = connection.execute(select(journal)).one()
        if row.schema_version > SCHEMA_VERSION:
            raise JournalTooNew(
                f"The journal {self.name} has schema {row.schema_version}; this version knows {SCHEMA_VERSION}.",
                path=self.name,
                schema=row.schema_version,
                supported=SCHEMA_VERSION,
            )
        self._genesis_hash, self._chain_id = str(row.genesis_hash), int(row.chain_id)
        self.expect(genesis_hash=genesis_hash, chain_id=chain_id)

    def _unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _forked(self) -> None:
        # Only the handle goes: the lock itself stays with the parent, which holds the same open file.
        self._unlock()


def require_durable(connection: Connection, name: str) -> None:
    """Raises JournalNotDurable unless a commit on this SQLite connection survives a power cut."""
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    connection.rollback()
    for setting, holds, required, actual in (
        ("journal_mode", mode == "wal", "wal", mode),
        ("synchronous", synchronous >= _FULL, _FULL, synchronous),
    ):
        if not holds:
            raise JournalNotDurable(
                f"The journal {name} has {setting}={actual}, it needs {required}.",
                path=name,
                setting=setting,
                required=required,
                actual=actual,
            )


def _engine(path: Path | None) -> Engine:
    url = "sqlite+pysqlite://" if path is None else f"sqlite+pysqlite:///{path}"
    # One connection for all threads, handed from one to the next under our mutex.
    engine = create_engine(
        url,
        poolclass=StaticPool,
        connect_args={"check_same_thread": False},
        hide_parameters=True,  # they are the business of its owner, and errors end up in logs
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "fullfsync=ON", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _locked(path: Path) -> int:
    lock = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Before SQLite makes it with the usual permissions: it tells all about the business of its owner.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise JournalFailed(
            f"The journal {path} cannot be opened: {error.strerror}.", path=str(path), cause=error.strerror
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise JournalInUse(f"The journal {path} is in use.", path=str(path)) from error
    return handle


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _failed(name: str, error: DBAPIError) -> JournalFailed:
    cause = str(error.orig)
    return JournalFailed(f"The journal {name} failed: {cause}.", path=name, cause=cause)


def _after_fork() -> None:
    for database in list(_open):
        database._forked()


os.register_at_fork(after_in_child=_after_fork)
