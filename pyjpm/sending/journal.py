"""The journal: what was asked for, what was signed for it, what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Select, func, select

from pyjpm.chain.values import check_address
from pyjpm.errors.sending import SubmissionNotFound
from pyjpm.sending import binding, lease
from pyjpm.sending.acceptance import Acceptance
from pyjpm.sending.alarms import Alarms
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.database import Database
from pyjpm.sending.lanes import Lanes
from pyjpm.sending.operation import OPEN, Submission, SubmissionState
from pyjpm.sending.outcomes import Outcomes
from pyjpm.sending.rows import SUBMISSIONS, in_parts, is_in, to_submission
from pyjpm.sending.tables import payment
from pyjpm.sending.trail import Trail

_PAGE: Final = 500


class Journal:
    """The journal of one chain's wallets.

    Threads: any number of the process that opened it. Forks: not in the child (JournalForked). Processes: any number
    may read; a wallet is written by the one that took its lease last, the others are Fenced.

    Attributes:
        lanes, acceptance, attempts, outcomes: what sending writes; nobody else does.
        trail, alarms: what operators decided, and what should wake them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.lanes = Lanes(database, lease.new_token())
        self.acceptance = Acceptance(database, self.lanes)
        self.attempts = Attempts(database, self.lanes)
        self.outcomes = Outcomes(database, self.lanes)
        self.trail = Trail(database)
        self.alarms = Alarms(database)

    @classmethod
    def open(cls, path: Path | str | None, *, genesis_hash: str, chain_id: int) -> Journal:
        """Open a journal, made if it is not there and migrated if it is older.

        Args:
            path: the SQLite file, on a local disk; its folder is made if need be. Or a PostgreSQL database by its URL,
                ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``. None keeps the journal in memory: only for chains
                that die with the process, as nothing survives it.
            genesis_hash, chain_id: the chain it is bound to.

        Raises:
            JournalOfOtherChain, JournalNotDurable, JournalTooNew, JournalInUse, InvalidJournal,
            PostgresDriverMissing, JournalFailed with its subclasses.
        """
        return cls(Database(path, genesis_hash=genesis_hash, chain_id=chain_id))

    @classmethod
    def existing(cls, path: Path | str) -> Journal:
        """Open a journal that is there, of whatever chain, to look into it or to decide: no lease is taken.

        Raises JournalNotFound, JournalTooNew, and as ``open``.
        """
        return cls(Database(path, genesis_hash=None, chain_id=None))

    def __repr__(self) -> str:
        return f"Journal({self._database.name})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop its connections; closing twice is fine."""
        self._database.close()

    def expect(self, *, genesis_hash: str, chain_id: int) -> None:
        """Raises JournalOfOtherChain unless it is bound to this chain."""
        self._database.expect(genesis_hash=genesis_hash, chain_id=chain_id)

    def expect_checkpoint(self, block_hash: Callable[[int], str | None]) -> None:
        """Raises JournalOfOtherChain if the chain has another block where this journal's checkpoint is.

        Args:
            block_hash: the chain's hash at a height, None where it has no such block (yet).
        """
        self._database.expect_checkpoint(block_hash)

    def move_checkpoint(self, number: int, block_hash: str) -> None:
        """Bind it to this block as well: one that is never taken back."""
        self._database.checkpoint(number, block_hash)

    @property
    def database(self) -> Database:
        """What it is kept in; for readers of this package."""
        return self._database

    @property
    def chain_id(self) -> int:
        """Of the chain it is bound to."""
        return self._database.bound.chain_id

    @property
    def genesis_hash(self) -> str:
        """Of the chain it is bound to."""
        return self._database.bound.genesis_hash

    @property
    def highest_head(self) -> int:
        """The height of the highest head that anything was concluded at; no view below it is used."""
        with self._database.reading() as connection:
            return binding.read(connection).highest_head

    def open_submissions(self) -> list[Submission]:
        """What has no answer, in the order of acceptance."""
        query = SUBMISSIONS.where(payment.c.state.in_(OPEN)).order_by(payment.c.seq)
        with self._database.reading() as connection:
            return [to_submission(row) for row in connection.execute(query)]

    def count_open(self) -> int:
        """How many have no answer."""
        with self._database.reading() as connection:
            return int(connection.execute(select(func.count()).where(payment.c.state.in_(OPEN))).scalar_one())

    def find(self, wallet: str, key: str) -> Submission | None:
        """The submission of a wallet under an idempotency key, if there is one."""
        query = SUBMISSIONS.where(payment.c.wallet == check_address(wallet), payment.c.key == key)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else to_submission(row)

    def find_many(self, wallet: str, keys: Sequence[str]) -> dict[str, Submission]:
        """As ``find`` for many, by key; without those that are not there."""
        query = SUBMISSIONS.where(payment.c.wallet == check_address(wallet))
        with self._database.reading() as connection:
            return {
                row.key: to_submission(row)
                for part in in_parts(keys)
                for row in connection.execute(query.where(payment.c.key.in_(part)))
            }

    def known_keys(self, wallet: str, keys: Sequence[str]) -> set[str]:
        """Those of a wallet's idempotency keys under which there is a submission."""
        query = select(payment.c.key).where(payment.c.wallet == check_address(wallet))
        with self._database.reading() as connection:
            return {
                row.key for part in in_parts(keys) for row in connection.execute(query.where(payment.c.key.in_(part)))
            }

    def get(self, submission_id: str) -> Submission:
        """The submission with this id. Raises SubmissionNotFound."""
        return self.get_many([submission_id])[0]

    def get_many(self, submission_ids: Sequence[str]) -> list[Submission]:
        """As ``get`` for many, in the order given."""
        found: dict[str, Submission] = {}
        with self._database.reading() as connection:
            for part in in_parts(submission_ids):
                for row in connection.execute(SUBMISSIONS.where(payment.c.id.in_(part))):
                    found[row.id] = to_submission(row)
        for submission_id in submission_ids:
            if submission_id not in found:
                raise SubmissionNotFound(f"There is no submission {submission_id!r}.", submission=submission_id)
        return [found[submission_id] for submission_id in submission_ids]

    def list(
        self,
        *,
        kind_prefix: str | None = None,
        state: SubmissionState | None = None,
        reference: str | None = None,
        created_after: int | None = None,
        wallet: str | None = None,
    ) -> Iterator[Submission]:
        """Submissions in the order of acceptance, newest last, read page by page as they are consumed.

        Args:
            kind_prefix: of ``kind``, such as ``payments.``.
            state, reference, wallet: exactly these.
            created_after: accepted later than this many seconds since 1970.
        """
        query = SUBMISSIONS.order_by(payment.c.seq).limit(_PAGE)
        if kind_prefix is not None:
            query = query.where(payment.c.kind.startswith(kind_prefix, autoescape=True))
        if state is not None:
            query = query.where(is_in(state))
        if reference is not None:
            query = query.where(payment.c.reference == reference)
        if created_after is not None:
            query = query.where(payment.c.created_at > created_after)
        if wallet is not None:
            query = query.where(payment.c.wallet == check_address(wallet))
        return self._pages(query)

    def _pages(self, query: Select[Any]) -> Iterator[Submission]:
        last = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(payment.c.seq > last)).all()
            yield from (to_submission(row) for row in rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1].seq
