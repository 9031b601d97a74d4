"""A journal in a PostgreSQL database.

Decisions that govern this module:

* A commit that returned survives a power cut: ``synchronous_commit`` on (or remote_apply), ``fsync`` and
  ``full_page_writes`` on, read on every new connection, or it is not used. The first is then set for the session, so
  that a reload of the server's configuration does not take it away again.
* Writes are READ COMMITTED and lock the rows they rely on (``lease``); reads are one snapshot.
* Where the connection breaks, the transaction is over: rolled back, or, if it broke while COMMIT was asked, unknown
  (JournalLost). Nothing is repeated here; the next transaction gets a new connection, checked like the first.
* A process that hangs within a transaction loses it to the server's clock, so that its successor can take its lanes.
* A password is in no name, error or log; nor is what a row holds, which PostgreSQL's details would tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pyjpm.errors.sending import (
    DiskFull,
    InvalidJournal,
    JournalBusy,
    JournalCollision,
    JournalCorrupt,
    JournalFailed,
    JournalLost,
    JournalNotDurable,
    JournalReadOnly,
    JournalUnreachable,
    PostgresDriverMissing,
)
from pyjpm.sending.store import transaction

_DRIVER: Final = "postgresql+psycopg"
_NAMES: Final = ("postgresql", "postgres", _DRIVER)
_PREPARING: Final = 0x70796A706D  # the advisory lock of whoever makes or migrates tables
_CONNECTIONS: Final = 16
_POOL_SECONDS: Final = 30
# Of the session. A lock is waited for longer than its holder may sleep.
_SESSION: Final = {"idle_in_transaction_session_timeout": "15s", "lock_timeout": "30s", "statement_timeout": "60s"}
# A server that is gone without a word is noticed.
_CONNECT: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_DURABLE: Final = {"synchronous_commit": ("on", "remote_apply"), "fsync": ("on",), "full_page_writes": ("on",)}
_KINDS: Final[dict[str, type[JournalFailed]]] = {
    "53100": DiskFull,
    "25006": JournalReadOnly,
    "42501": JournalReadOnly,
    "XX001": JournalCorrupt,
    "XX002": JournalCorrupt,
    "40001": JournalBusy,
    "40P01": JournalBusy,
    "55P03": JournalBusy,
    "57014": JournalBusy,
    "23505": JournalCollision,
}


class PostgresStore:
    """One database, over a small pool of connections."""

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self.name = _name(parsed)
        self._engine = self._made(parsed)

    @contextmanager
    def preparing(self) -> Iterator[Connection]:
        with self.writing() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_PREPARING})")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._connected() as connection, transaction(connection, self._failure):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._connected() as connection, transaction(connection, self._failure):
            # Said of the transaction, not of the connection: that would be asked to write again after it, which a
            # standby refuses.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            connection = self._engine.connect()
        except PoolTimeout as error:
            raise JournalBusy(
                f"All {_CONNECTIONS} connections to the journal {self.name} were busy for {_POOL_SECONDS} seconds.",
                path=self.name,
                cause="connections",
            ) from error
        except DBAPIError as error:
            cause = _cause(error.orig)
            raise JournalUnreachable(
                f"The journal {self.name} cannot be reached: {cause}.", path=self.name, cause=cause
            ) from error
        with connection:
            yield connection

    def _failure(self, error: DBAPIError, committing: bool) -> JournalFailed:
        cause = _cause(error.orig)
        if error.connection_invalidated:
            return JournalLost(
                f"The connection to the journal {self.name} was lost: {cause}.",
                path=self.name,
                cause=cause,
                undecided=committing,
            )
        kind = _KINDS.get(getattr(error.orig, "sqlstate", None) or "", JournalFailed)
        return kind(f"The journal {self.name} failed: {cause}.", path=self.name, cause=cause)

    def _made(self, url: URL) -> Engine:
        try:
            engine = create_engine(
                url,
                connect_args=_CONNECT,
                pool_size=_CONNECTIONS,
                max_overflow=0,
                pool_timeout=_POOL_SECONDS,
                pool_use_lifo=True,
                pool_pre_ping=True,  # a connection that broke while it lay idle is no failure
                isolation_level="READ COMMITTED",
                hide_parameters=True,  # they are the business of its owner, and errors end up in logs
            )
        except ModuleNotFoundError as error:
            raise PostgresDriverMissing("There is no psycopg here.", path=self.name) from error

        @event.listens_for(engine, "connect")
        def _settings(connection: Any, _record: object) -> None:
            try:
                with connection.cursor() as cursor:
                    _require_durable(cursor, self.name)
                connection.commit()
            except BaseException:
                connection.close()
                raise

        return engine


def _require_durable(cursor: Any, name: str) -> None:
    wanted = ", ".join(f"current_setting('{setting}')" for setting in _DURABLE)
    cursor.execute(f"SELECT {wanted}")
    actual = dict(zip(_DURABLE, cursor.fetchone(), strict=True))
    for setting, enough in _DURABLE.items():
        if actual[setting] not in enough:
            raise JournalNotDurable(
                f"The journal {name} has {setting}={actual[setting]}, it needs {' or '.join(enough)}.",
                path=name,
                setting=setting,
                required=enough[0],
                actual=actual[setting],
            )
    session = {**_SESSION, "synchronous_commit": actual["synchronous_commit"]}
    cursor.execute("SELECT " + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in session.items()))


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in _NAMES or not parsed.database:
        said = "it" if parsed is None else parsed.drivername
        # From nothing: the cause would quote the URL.
        raise InvalidJournal(
            f"A journal is an SQLite file or a PostgreSQL database, by its URL; {said} is neither.",
            url=None if parsed is None else _name(parsed),
        ) from None
    return parsed.set(drivername=_DRIVER)


def _name(url: URL) -> str:
    """Where it is, for people: no password, and no options, which may hold one."""
    host = url.host or url.query.get("host") or "localhost"
    port = url.port or url.query.get("port")
    place = host if port is None else f"{host}:{port}"
    user = "" if url.username is None else f"{url.username}@"
    return f"postgresql://{user}{place}/{url.database or ''}"


def _cause(error: BaseException | None) -> str:
    # The first line only, without its DETAIL, which quotes values.
    diagnosis = getattr(error, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or str(error)
    return str(said).strip().splitlines()[0].rstrip(".") if str(said).strip() else type(error).__name__
