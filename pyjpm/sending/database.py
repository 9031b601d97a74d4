"""The database under a journal: durable, bound to one chain, fenced by leases.

Decisions that govern this module:

* SQLite in a file by default, in memory for chains that die with the process, PostgreSQL by its URL. What is above
  sees no difference: ``transaction`` and ``writing`` to write, ``reading`` to read.
* Any number of processes may have one journal open, as somebody looks into it while the service runs. Whoever writes
  for a wallet holds its lease, which is compared in the transaction that writes. Who lost one writes nothing more,
  not even for wallets that nobody took: a process that was replaced is to be stopped.
* A forked child may not use it: a connection cannot be carried over a fork.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection

from pyjpm.errors.sending import Fenced, JournalClosed, JournalForked, JournalNotFound
from pyjpm.sending import binding, lease, schema
from pyjpm.sending.binding import Binding
from pyjpm.sending.postgresql import PostgresStore
from pyjpm.sending.sqlite import SqliteStore
from pyjpm.sending.store import Store
from pyjpm.sending.tables import SCHEMA_VERSION


class Database:
    """One open database. Any number of threads of the process that opened it may use it.

    Args:
        where: an SQLite file's path (made with its folder if need be), a ``postgresql://`` URL, or None for memory.
        genesis_hash, chain_id: the chain it is bound to; None for one that is there, whatever its chain.

    Raises:
        JournalNotFound, JournalOfOtherChain, JournalNotDurable, JournalTooNew, JournalInUse, InvalidJournal,
        PostgresDriverMissing, and JournalFailed with its subclasses, as every method does.

    Attributes:
        name: where it is, without a password; ``memory``.
        bound: to which chain, as it was opened.
    """

    def __init__(self, where: Path | str | None, *, genesis_hash: str | None, chain_id: int | None) -> None:
        self._owner = os.getpid()
        self._busy = threading.local()
        self._closed = False
        self._fenced: Fenced | None = None
        self._store: Store
        if isinstance(where, str) and "://" in where:
            self._store = PostgresStore(where)
        else:
            if genesis_hash is None and (where is None or not Path(where).is_file()):
                raise _not_found(str(where))
            self._store = SqliteStore(None if where is None else Path(where))
        self.name = self._store.name
        try:
            self.bound = self._prepared(genesis_hash, chain_id)
            if genesis_hash is not None and chain_id is not None:
                self.expect(genesis_hash=genesis_hash, chain_id=chain_id)
        except BaseException:
            self._store.close()
            raise

    def __repr__(self) -> str:
        return f"Database({self.name})"

    def require_open(self) -> None:
        """Raises JournalForked, JournalClosed: before any mutex, and before threads are waited for. A child forked
        while another thread held it, or was waited for, would wait for ever."""
        if os.getpid() != self._owner:
            raise JournalForked("This journal was opened before this process was forked.", path=self.name)
        if self._closed:
            raise JournalClosed("This journal was closed.", path=self.name)

    # --- transactions ----------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction that writes, but to no lane: committed at the end, rolled back by an error.

        On PostgreSQL lock what you read and rely on (``with_for_update``); on SQLite everything is locked. Two threads
        or processes that store the same name: the later one gets JournalCollision, and repeats.

        Raises JournalClosed, JournalForked, Fenced, JournalFailed. After JournalLost with ``undecided`` nobody knows
        whether it was committed; read again before anything else.
        """
        with self._entered(self._store.writing, writes=True) as connection:
            yield connection

    @contextmanager
    def writing(self, wallets: Iterable[str], token: str) -> Iterator[Connection]:
        """As ``transaction``, with the lanes of these wallets locked, and only if they are held by this token.

        Raises Fenced otherwise; from then on this object writes nothing more.
        """
        with self.transaction() as connection:
            try:
                lease.require(connection, wallets, token)
            except Fenced as fenced:
                self._fenced = fenced
                fenced.details["path"] = self.name
                raise
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of all that is committed; raises as ``transaction``, but Fenced."""
        with self._entered(self._store.reading, writes=False) as connection:
            yield connection

    def close(self) -> None:
        """Drop the connections; closing twice is fine."""
        if os.getpid() == self._owner and not self._closed:
            self._closed = True
            self._store.close()

    # --- the chain -------------------------------------------------------------------------------------------------

    def expect(self, *, genesis_hash: str, chain_id: int) -> None:
        """Raises JournalOfOtherChain unless it is bound to this chain."""
        binding.expect(self.name, "genesis_hash", self.bound.genesis_hash, genesis_hash)
        binding.expect(self.name, "chain_id", self.bound.chain_id, chain_id)

    def expect_checkpoint(self, block_hash: Callable[[int], str | None]) -> None:
        """Raises JournalOfOtherChain if this chain has another block where the checkpoint is.

        Args:
            block_hash: the chain's hash at a height, None where it has no such block (yet); then nothing is concluded.
        """
        with self.reading() as connection:
            bound = binding.read(connection)
        if bound.checkpoint_block is not None:
            found = block_hash(bound.checkpoint_block)
            if found is not None:
                binding.expect(self.name, f"block {bound.checkpoint_block}", bound.checkpoint_hash, found)

    def checkpoint(self, number: int, block_hash: str) -> None:
        """Bind it to this block as well, if it is above the one before. (``binding.move_checkpoint`` in one commit.)"""
        with self.transaction() as connection:
            binding.move_checkpoint(connection, number, block_hash)

    # --- within ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _entered(
        self, enter: Callable[[], AbstractContextManager[Connection]], *, writes: bool
    ) -> Iterator[Connection]:
        self.require_open()
        if writes and self._fenced is not None:
            raise Fenced(self._fenced.message, **self._fenced.details)
        # Over PostgreSQL the inner one would not see what the outer one wrote, or wait for it until a timeout.
        assert not getattr(self._busy, "here", False), "a transaction within a transaction"
        self._busy.here = True
        try:
            with enter() as connection:
                yield connection
        finally:
            self._busy.here = False

    def _prepared(self, genesis_hash: str | None, chain_id: int | None) -> Binding:
        with self._store.reading() as connection:
            version = schema.version_of(connection, self.name)
            if version == SCHEMA_VERSION:
                return binding.read(connection)
        if genesis_hash is None or chain_id is None:
            # Nothing is made or migrated for somebody who only looks: the service may be of the older version.
            raise _not_found(self.name)
        with self._store.preparing() as connection:
            # Again: another process may have been faster.
            version = schema.version_of(connection, self.name)
            if version == 0:
                schema.create(connection)
                binding.bind(connection, genesis_hash=genesis_hash, chain_id=chain_id)
            elif version < SCHEMA_VERSION:
                binding.expect_chain(connection, self.name, genesis_hash=genesis_hash, chain_id=chain_id)
                schema.migrate(connection, version)
            return binding.read(connection)


def _not_found(name: str) -> JournalNotFound:
    return JournalNotFound(f"There is no journal of this version at {name}.", path=name)
