"""Lanes: one wallet each, in the order of its nonces, written by whoever holds its lease.

Decisions that govern this module:

* A process that starts takes the lease of its wallets; whoever held it before can commit nothing any more (Fenced).
  The token is random and compared for equality: a counter would be rewound by a restored database.
* A lane is RECOVERING while the world knows more of it than the database: its signer, the chain or a pool has seen a
  nonce that the database never gave. Nothing new is numbered then.
* While a lane of an owner is RECOVERING, nobody learns of a failure of that owner: lost bytes may still pay. Failures
  that are stored already are doubted: they could be tried again, and may have been. A lane over which nothing was sent,
  as far as is known here, may be any owner's.
* Whether a lane recovers is asked once more in the transaction that stores a "no" (``unsure_of``): who finds a lane
  behind locks all that could be stored for its owners, and doubts what was.
* What such a database was still to send is doubted too, and ends unsent unless the chain has it: since the copy was
  made its client may have been told "no", and have paid in another way. Asked for again, it is sent.
* What waits is doubted over all owners where a lane proves that the database is a copy (``recovery``): another lane's
  owner may have been told "no" without a nonce. What was accepted before that lane was taken is doubted with it, as a
  clock may jump and a counter is put back too. What waits for somebody's word goes on waiting for it.
* A copy since which no nonce was used looks like the newest. So what lost its nonce before the lease was taken is not
  sent unasked either, whether the database was restored or its process died.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, exists, insert, select, update

from pyjpm.errors.outbox import NotSentUnasked
from pyjpm.errors.sending import JournalCollision
from pyjpm.sending import lease
from pyjpm.sending.bulk import Bulk
from pyjpm.sending.database import Database
from pyjpm.sending.operation import OPEN, RETRIED, WAITING, SubmissionState
from pyjpm.sending.rows import in_parts
from pyjpm.sending.tables import lane, payment


class LaneState(StrEnum):
    """Whether a wallet sends."""

    OK = "OK"
    RECOVERING = "RECOVERING"
    """The world is ahead of the database: no new nonce until all unknown ones are used."""
    HALTED = "HALTED"
    """Somebody else used a nonce of it: nothing new is signed."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A wallet as its row says. ``recover_to``: while RECOVERING, all nonces below it must be used first."""

    wallet: str
    next_nonce: int
    state: LaneState
    recover_to: int | None


class Lanes:
    """The lanes of one open journal, under one lease. Wallets are checksummed addresses.

    Args:
        token: random, of this opening of the journal.
    """

    def __init__(self, database: Database, token: str) -> None:
        self._database = database
        self._token = token
        self._locks: dict[str, threading.RLock] = {}
        self._leaving: dict[str, threading.RLock] = {}
        self._mutex = threading.Lock()
        self._taken: dict[str, int] = {}  # the chain's next nonce then
        self._recovered: dict[str, int] = {}  # the height at which that was seen

    @contextmanager
    def held(self, wallets: Iterable[str]) -> Iterator[None]:
        """Held from binding a nonce to storing its bytes, so that they are stored in the order of their nonces."""
        with self._locked(self._locks, wallets):
            yield

    @contextmanager
    def held_if_free(self, wallet: str, *, wait: bool) -> Iterator[bool]:
        """As ``held`` for one wallet; False where another thread has it and it is not waited for."""
        with self._mutex:
            lock = self._locks.setdefault(wallet, threading.RLock())
        is_held = lock.acquire(blocking=wait)
        try:
            yield is_held
        finally:
            if is_held:
                lock.release()

    @contextmanager
    def leaving(self, wallets: Iterable[str]) -> Iterator[None]:
        """Held while bytes are sent. Who has stored bytes takes it before letting go of ``held``, so that a wallet's
        transactions leave in their order while those after them are signed; who has it never waits for ``held``."""
        with self._locked(self._leaving, wallets):
            yield

    @contextmanager
    def _locked(self, locks: dict[str, threading.RLock], wallets: Iterable[str]) -> Iterator[None]:
        with ExitStack() as held:
            # Always in this order: two threads with several lanes each never wait for one another.
            for wallet in sorted(wallets):
                with self._mutex:
                    lock = locks.setdefault(wallet, threading.RLock())
                held.enter_context(lock)
            yield

    @contextmanager
    def writing(self, wallets: Iterable[str]) -> Iterator[Connection]:
        """A transaction that commits only while this process holds these lanes' leases. Raises Fenced."""
        with self._database.writing(wallets, self._token) as connection:
            yield connection

    def require_held(self, wallets: Iterable[str]) -> None:
        """Raises Fenced unless this process holds these lanes' leases now: who does not knows nothing of them."""
        with self.writing(wallets):
            pass  # a lease is compared where writing begins

    def is_taken(self, wallet: str) -> bool:
        """Whether this process took the wallet's lease."""
        return wallet in self._taken

    def may_have_been_told(self, wallet: str, nonce: int) -> bool:
        """Whether somebody may know what became of a nonce that this journal does not: it was used before the lease
        was taken, or the lane recovers."""
        if nonce < self._taken.get(wallet, 0):
            return True
        found = self.read(wallet)
        return found is not None and found.state is LaneState.RECOVERING

    def take(self, wallet: str, *, chain_nonce: int, known_to: int) -> Lane:
        """Take the lease, and say how far the lane is.

        Args:
            wallet: its address.
            chain_nonce: its next nonce at the highest head.
            known_to: one above the highest nonce that its signer, the chain or a pool has seen.
        """
        try:
            return self._take(wallet, chain_nonce, known_to)
        except JournalCollision:
            # Another process took it for the first time meanwhile: now its row is found.
            return self._take(wallet, chain_nonce, known_to)

    def _take(self, wallet: str, chain_nonce: int, known_to: int) -> Lane:
        with self._database.transaction() as connection:
            # Before its own lane, as rows are locked in the order of wallets. A lane that is not behind now is not
            # behind once it is locked: its next nonce only rises.
            is_behind = _is_behind(connection, wallet, known_to, chain_nonce)
            theirs = _wallets_of_its_owners(connection, wallet) if is_behind else []
            lease.lock(connection, theirs)
            if lease.take(connection, [wallet], self._token):
                connection.execute(
                    insert(lane).values(
                        wallet=wallet,
                        next_nonce=chain_nonce,
                        state=LaneState.OK,
                        lease=self._token,
                        leased_at=int(time.time()),
                    )
                )
            found = _read(connection, wallet)
            if known_to > found.next_nonce and found.state is not LaneState.HALTED:
                _doubt(connection, wallet, theirs)
                _write(connection, wallet, state=LaneState.RECOVERING, recover_to=max(known_to, found.recover_to or 0))
            taken = _read(connection, wallet)
        self._taken[wallet] = chain_nonce
        return taken

    def doubt_waiting(self) -> None:
        """This database is a copy: doubt all in it that would be sent without being asked for again, of any owner."""
        waiting = (SubmissionState.APPROVED, SubmissionState.SCHEDULED)
        with self._database.transaction() as connection:
            # Nobody numbers meanwhile what is doubted here: who numbers locks the lane.
            connection.execute(select(lane.c.wallet).order_by(lane.c.wallet).with_for_update()).all()
            _doubt_waiting(connection, payment.c.state.in_(waiting))

    def read(self, wallet: str) -> Lane | None:
        """The lane as its row says; None for a wallet that never sent."""
        with self._database.reading() as connection:
            row = connection.execute(select(lane).where(lane.c.wallet == wallet)).one_or_none()
        return None if row is None else _lane(row)

    def read_many(self, wallets: Sequence[str]) -> dict[str, Lane]:
        """As ``read`` for many, by wallet; those that never sent are left out."""
        with self._database.reading() as connection:
            return read_lanes(connection, wallets)

    def all(self) -> list[Lane]:
        """All lanes, by wallet."""
        with self._database.reading() as connection:
            return [_lane(row) for row in connection.execute(select(lane).order_by(lane.c.wallet))]

    def recovered(self, wallet: str, next_nonce: int, *, head: int) -> None:
        """All unknown nonces are used at the height ``head``: RECOVERING becomes OK."""
        with self.writing([wallet]) as connection:
            found = _read(connection, wallet)
            if found.state is not LaneState.RECOVERING:
                return
            self._recovered[wallet] = head  # before others see the lane OK
            _write(
                connection,
                wallet,
                state=LaneState.OK,
                recover_to=None,
                next_nonce=max(next_nonce, found.next_nonce, found.recover_to or 0),
            )

    def recovered_at(self, wallet: str) -> int:
        """The height at which this process saw that the lane knows all again; 0 where it always did."""
        return self._recovered.get(wallet, 0)

    def of_owner(self, owner: str) -> list[Lane]:
        """The lanes over which an owner has ever sent, and those over which nobody has, as far as is known here: what
        an owner sent may be what was lost."""
        with self._database.reading() as connection:
            return _of_owner(connection, owner)

    def is_unsure(self, lane: Lane, *, head: int) -> bool:
        """Whether bytes of it may be alive that were not known when the height ``head`` was looked at: it recovers, or
        this process saw it recover above that."""
        return lane.state is LaneState.RECOVERING or head < self.recovered_at(lane.wallet)

    def unsure_of(self, connection: Connection, owners: Collection[str], *, head: int) -> set[str]:
        """Those of these owners of whom no "no" that was read at the height ``head`` may be stored, inside the
        transaction that would store it."""
        if not owners:
            return set()
        recovers = connection.execute(
            select(lane.c.wallet).where(lane.c.state == LaneState.RECOVERING).limit(1)
        ).first()
        if recovers is None and head >= max(self._recovered.values(), default=0):
            return set()
        return {
            owner for owner in owners if any(self.is_unsure(each, head=head) for each in _of_owner(connection, owner))
        }


def _of_owner(connection: Connection, owner: str) -> list[Lane]:
    # Asked by state, all of which there are, for the index: an owner's payments are all that it ever made.
    theirs = exists().where(
        payment.c.owner == owner, payment.c.state.in_(list(SubmissionState)), payment.c.wallet == lane.c.wallet
    )
    anybodys = exists().where(payment.c.wallet == lane.c.wallet)
    return [_lane(row) for row in connection.execute(select(lane).where(theirs | ~anybodys))]


def read_lane(connection: Connection, wallet: str) -> Lane:
    """The lane's row inside a transaction; it exists once its lease was taken."""
    return _read(connection, wallet)


def read_lanes(connection: Connection, wallets: Sequence[str]) -> dict[str, Lane]:
    """The rows of those lanes that exist, by wallet, inside a transaction."""
    query = select(lane)
    rows = (row for part in in_parts(wallets) for row in connection.execute(query.where(lane.c.wallet.in_(part))))
    return {row.wallet: _lane(row) for row in rows}


_ADVANCE: Final = Bulk(
    update(lane).where(lane.c.wallet == bindparam("b_wallet")).values(next_nonce=bindparam("b_next")),
    "b_next",
    "b_wallet",
)


def advance(connection: Connection, next_nonces: Mapping[str, int]) -> None:
    """Bind the nonces below these, by wallet."""
    _ADVANCE.write(connection, [(nonce, wallet) for wallet, nonce in next_nonces.items()])


def recover(connection: Connection, wallet: str, end: int) -> None:
    """Bind no new nonce before all below ``end`` are used."""
    _write(connection, wallet, state=LaneState.RECOVERING, recover_to=end)


def halt(connection: Connection, wallet: str) -> None:
    """Sign nothing more for this wallet."""
    connection.execute(update(lane).where(lane.c.wallet == wallet).values(state=LaneState.HALTED))


def not_sent() -> NotSentUnasked:
    """Why what a journal was still to send ends that may be older than what was told of it."""
    return NotSentUnasked("It was not sent: somebody may have been told that it failed, which this journal has lost.")


def _is_behind(connection: Connection, wallet: str, known_to: int, chain_nonce: int) -> bool:
    next_nonce = connection.execute(select(lane.c.next_nonce).where(lane.c.wallet == wallet)).scalar_one_or_none()
    return known_to > (chain_nonce if next_nonce is None else next_nonce)


def _is_its_owners(connection: Connection, wallet: str) -> ColumnElement[bool] | None:
    """That a payment is of whoever sent over this wallet; None where nobody has, as far as is known here."""
    sent = select(payment.c.owner).where(payment.c.wallet == wallet)
    if connection.execute(sent.limit(1)).first() is None:
        return None
    return payment.c.owner.in_(sent)


def _wallets_of_its_owners(connection: Connection, wallet: str) -> list[str]:
    """This wallet, and all others over which whoever sent over it, or may have, has anything that could be doubted."""
    # By state, for the index: an owner's payments are all that it ever made.
    theirs: ColumnElement[bool] = payment.c.state.in_((*OPEN, *RETRIED))
    if (owners := _is_its_owners(connection, wallet)) is not None:
        theirs &= owners
    return [wallet, *connection.execute(select(payment.c.wallet).where(theirs).distinct()).scalars()]


def _doubt(connection: Connection, wallet: str, wallets: Sequence[str]) -> None:
    """What failed may have been asked for again, and what waits may have been answered, since the copy was made.

    Where nobody is known to have sent over the wallet, only what failed is doubted, of anybody: it ends as it was once
    the chain was asked. What waits would not be sent any more, and ends only by what proves a copy (``recovery``).

    Args:
        wallets: of the wallet's owners, locked: nobody numbers meanwhile what is doubted here.
    """
    owners = _is_its_owners(connection, wallet)
    for part in in_parts(wallets):
        theirs: ColumnElement[bool] = payment.c.wallet.in_(part)
        if owners is not None:
            theirs &= owners
            _doubt_waiting(connection, theirs & payment.c.state.in_(WAITING))
        failed = update(payment).where(theirs, payment.c.state.in_(RETRIED))
        connection.execute(failed.values(state=SubmissionState.DOUBTED))


def _doubt_waiting(connection: Connection, which: ColumnElement[bool]) -> None:
    why = json.dumps(not_sent().to_dict())
    connection.execute(update(payment).where(which).values(state=SubmissionState.DOUBTED, error=why))


def _read(connection: Connection, wallet: str) -> Lane:
    return _lane(connection.execute(select(lane).where(lane.c.wallet == wallet)).one())


def _lane(row: Row[Any]) -> Lane:
    return Lane(row.wallet, int(row.next_nonce), LaneState(row.state), row.recover_to)


def _write(connection: Connection, wallet: str, **values: object) -> None:
    connection.execute(update(lane).where(lane.c.wallet == wallet).values(**values))
