"""The database under a ledger: its tables, its schema, many rows at once.

Decisions that govern this module:

* It is opened by what opens a journal, with the same durable settings, but is no journal: it may lie in one database
  with one, its tables have names of their own.
* Many rows go to the driver as they are: by ``executemany`` to SQLite, by ``COPY`` to PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, inspect, select
from sqlalchemy.exc import DBAPIError

from pyjpm.errors.ledger import LedgerNotFound, LedgerOfOtherPlatform, LedgerVersionUnknown
from pyjpm.ledger import tables
from pyjpm.record import DeploymentRecord
from pyjpm.sending.postgresql import PostgresStore
from pyjpm.sending.sqlite import SqliteStore
from pyjpm.sending.store import Store

INDEXED: Final = ("ParticipantRegistry", "AttesterSets", "OrderEscrow", "Settlement", "PaymentRules", "Reserve")
"""The contracts whose events are read, beside the deposit tokens."""


class LedgerStore:
    """One open ledger database.

    Args:
        where: an SQLite file's path or a ``postgresql://`` URL.
        record: whose ledger it is; None for one that is there.

    Raises:
        LedgerNotFound, LedgerOfOtherPlatform, LedgerVersionUnknown; JournalNotDurable, InvalidJournal and
        JournalFailed with its subclasses, as every method does.
    """

    def __init__(self, where: str | Path, record: DeploymentRecord | None) -> None:
        self._store: Store
        if isinstance(where, str) and "://" in where:
            self._store = PostgresStore(where)
        else:
            if record is None and not Path(where).is_file():
                raise LedgerNotFound(f"There is no ledger at {where}.", path=str(where))
            self._store = SqliteStore(Path(where))
        self.name = self._store.name
        try:
            self._prepare(record)
        except BaseException:
            self._store.close()
            raise

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction that writes."""
        return self._store.writing()

    def reading(self) -> AbstractContextManager[Connection]:
        """One state of all that is committed."""
        return self._store.reading()

    @contextmanager
    def reading_beside_a_node(self) -> Iterator[Connection]:
        """As ``reading``, for whoever asks a node meanwhile, however long that takes. It locks nothing, so a server
        is told not to end it for lying idle.
        """
        with self._store.reading() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield connection

    def close(self) -> None:
        """Drop the connections."""
        self._store.close()

    def state(self, connection: Connection, *, lock: bool = False) -> Row[Any]:
        """The one row of ``ledger_state``."""
        query = select(tables.state)
        return connection.execute(query.with_for_update() if lock else query).one()

    def _prepare(self, record: DeploymentRecord | None) -> None:
        with self.reading() as connection:
            there = inspect(connection).has_table(tables.state.name)
        if not there:
            if record is None:
                raise LedgerNotFound(f"There is no ledger at {self.name}.", path=self.name)
            with self._store.preparing() as connection:
                if not inspect(connection).has_table(tables.state.name):
                    tables.metadata.create_all(connection, checkfirst=False)
                    connection.execute(tables.state.insert().values(**_first_state(record)))
        with self.reading() as connection:
            row = self.state(connection)
        if row.schema_version != tables.SCHEMA_VERSION:
            raise LedgerVersionUnknown(
                f"The ledger {self.name} has schema {row.schema_version}; this version knows {tables.SCHEMA_VERSION}.",
                path=self.name,
                schema=row.schema_version,
                supported=tables.SCHEMA_VERSION,
            )
        if record is not None:
            expected = _first_state(record)
            for what in ("chain_id", "genesis_hash", "first_block", "contracts"):
                if getattr(row, what) != expected[what]:
                    raise LedgerOfOtherPlatform(
                        f"The ledger {self.name} is of another platform: its {what} differs.",
                        path=self.name,
                        what=what,
                        expected=getattr(row, what),
                        actual=expected[what],
                    )


def contracts_of(record: DeploymentRecord) -> dict[str, str]:
    """Names of the contracts whose events are read, by lower-case address; a deposit token's is its currency."""
    names = {name: record.contracts[name] for name in INDEXED if name in record.contracts}
    return {deployed.address.lower(): name for name, deployed in {**names, **record.tokens}.items()}


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds rows, each with the values of all columns in their order."""
    if not rows:
        return
    names = ", ".join(column.name for column in table.columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table.name} ({names}) FROM STDIN", rows)
        return
    marks = ", ".join("?" * len(table.columns))
    # Table and columns are ours.
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))  # noqa: S608


def _copy(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    import psycopg

    driver: Any = connection.connection.dbapi_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        # As SQLAlchemy would raise it, so that it is told like every other failure of the database.
        raise DBAPIError(statement, None, error) from error


def _first_state(record: DeploymentRecord) -> dict[str, Any]:
    return {
        "id": 1,
        "schema_version": tables.SCHEMA_VERSION,
        "chain_id": record.chain_id,
        "genesis_hash": record.genesis_hash,
        "first_block": record.first_block,
        "contracts": json.dumps(contracts_of(record), sort_keys=True),
        "block": record.first_block - 1,
        "block_hash": "",
        "highest_head": 0,
    }
