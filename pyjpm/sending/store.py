"""What SQLite and PostgreSQL have in common behind a journal: transactions, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from pyjpm.errors.base import PyjpmError

Failure = Callable[[DBAPIError, bool], PyjpmError]
"""What a database's error means; the second says whether it answered a COMMIT."""


class Store(Protocol):
    """One open database of either kind. All raise the typed errors of a journal, never those of a driver."""

    @property
    def name(self) -> str:
        """Where it is, without secrets."""

    def preparing(self) -> AbstractContextManager[Connection]:
        """A transaction to make or migrate tables in; no other process is in one."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction in which whatever was read still holds when it commits, or whose rows are to be locked."""

    def reading(self) -> AbstractContextManager[Connection]:
        """One state of everything that is committed."""

    def close(self) -> None:
        """Drop the connections."""


@contextmanager
def transaction(connection: Connection, failure: Failure) -> Iterator[Connection]:
    """Committed at the end, rolled back by an error."""
    committing = False
    try:
        open_transaction = connection.begin()
        yield connection
        committing = True
        open_transaction.commit()
    except BaseException as error:
        # After a COMMIT that failed too: SQLAlchemy takes it for over then, the database may not.
        with suppress(DBAPIError):
            connection.rollback()
        if isinstance(error, DBAPIError):
            raise failure(error, committing) from error
        raise
