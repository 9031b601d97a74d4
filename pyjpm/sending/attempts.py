"""Transactions of ours: their bytes, and what nodes say to them.

Decisions that govern this module:

* Bytes are stored before they are sent, and never replaced.
* A nonce without bytes is used by its own call, or, where that can no longer be signed, by a cancel; it is never
  skipped. A cancel may stand beside a call that has bytes: both are sent until one of them is mined.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from pyjpm.errors.base import PyjpmError
from pyjpm.sending.bulk import Bulk
from pyjpm.sending.database import Database
from pyjpm.sending.ids import new_id
from pyjpm.sending.lanes import Lanes
from pyjpm.sending.operation import ALIVE, AttemptKind, AttemptState
from pyjpm.sending.rows import (
    ATTEMPTS,
    FLYING,
    Attempt,
    Flying,
    in_parts,
    to_attempts,
    to_flying,
    wallets_unsigned,
)
from pyjpm.sending.tables import attempt, attempt_payment, payment

_KEPT: Final = 1 << 15
CANCEL_GAS = 21_000
CALL, CANCEL, PRICED_CANCEL = 0, 1, 2
CANCELS: Final = 2
"""Final cancels after which an operation is rejected."""


class Attempts:
    """The attempts of one open journal. Wallets are checksummed, and their leases taken."""

    def __init__(self, database: Database, lanes: Lanes) -> None:
        self._database = database
        self._lanes = lanes
        # Those on their way that were signed here, the oldest first.
        self._signed: OrderedDict[str, Attempt] = OrderedDict()

    # --- reading ---------------------------------------------------------------------------------------------------

    def living(self, wallets: Sequence[str] | None = None) -> list[Attempt]:
        """Attempts that may still be mined, by wallet, nonce, and call before cancel."""
        query = ATTEMPTS.where(attempt.c.state.in_(ALIVE))
        if wallets is None:
            return self._read(query)
        return [each for part in in_parts(wallets) for each in self._read(query.where(attempt.c.lane.in_(part)))]

    def flying(self, wallets: Sequence[str]) -> list[Flying]:
        """Those of these wallets that have bytes and may still be mined, in the order of ``living``."""
        query = FLYING.where(attempt.c.state.in_(ALIVE))
        with self._database.reading() as connection:
            return [
                each
                for part in in_parts(wallets)
                for each in to_flying(connection.execute(query.where(attempt.c.lane.in_(part))).all())
            ]

    def load(self, ids: Sequence[str]) -> list[Attempt]:
        """Those with these ids that may still be mined, in the order of ``living``."""
        query = ATTEMPTS.where(attempt.c.state.in_(ALIVE))
        found = [each for part in in_parts(ids) for each in self._read(query.where(attempt.c.id.in_(part)))]
        return sorted(found, key=_place)

    def recall(self, flying: Sequence[Flying]) -> list[Attempt]:
        """These, in the order of ``living``; of what is as it was signed by this journal, as it was then."""
        found, unread = [], []
        for each in flying:
            signed = self._signed.get(each.id) if each.is_as_signed else None
            if signed is None:
                unread.append(each.id)
            else:
                found.append(signed)
        return sorted(found + self.load(unread), key=_place) if unread else found

    def unsigned(self, wallets: Sequence[str]) -> list[Attempt]:
        """Those that have a nonce and no bytes, by wallet and nonce."""
        query = ATTEMPTS.where(attempt.c.state == AttemptState.RESERVED)
        return [each for part in in_parts(wallets) for each in self._read(query.where(attempt.c.lane.in_(part)))]

    def wallets_unsigned(self, wallets: Sequence[str]) -> set[str]:
        """Those of these wallets that have any of them."""
        with self._database.reading() as connection:
            return wallets_unsigned(connection, wallets)

    def of(self, submission_ids: Sequence[str]) -> list[Attempt]:
        """The newest attempt of each submission with all that stands beside it, by wallet and nonce."""
        own = select(payment.c.attempt).where(payment.c.id.in_(bindparam("ids", expanding=True)))
        places = select(attempt.c.lane, attempt.c.nonce).where(attempt.c.id.in_(own)).subquery()
        query = ATTEMPTS.join(places, (places.c.lane == attempt.c.lane) & (places.c.nonce == attempt.c.nonce))
        found: dict[str, Attempt] = {}
        for part in in_parts(submission_ids):
            for each in self._read(query, {"ids": list(part)}):
                found[each.id] = each
        return sorted(found.values(), key=lambda each: (each.wallet, each.nonce, each.beside))

    def at(self, wallet: str, nonce: int) -> list[Attempt]:
        """All attempts on one nonce, whatever became of them."""
        return self._read(ATTEMPTS.where(attempt.c.lane == wallet, attempt.c.nonce == nonce))

    def signed_nonces(self, wallet: str, first: int, end: int) -> set[int]:
        """The nonces from ``first`` to below ``end`` for which there are bytes."""
        query = select(attempt.c.nonce).where(
            attempt.c.lane == wallet, attempt.c.nonce >= first, attempt.c.nonce < end, attempt.c.raw.is_not(None)
        )
        with self._database.reading() as connection:
            return {int(nonce) for nonce in connection.execute(query).scalars()}

    def others_of(self, submission_ids: Sequence[str], but: Sequence[str]) -> set[str]:
        """Those of these submissions for which another attempt than ``but`` may still be mined."""
        query = (
            select(attempt_payment.c.payment, attempt.c.id)
            .join(attempt, attempt.c.id == attempt_payment.c.attempt)
            .where(attempt.c.state.in_(ALIVE))
        )
        known = set(but)
        with self._database.reading() as connection:
            return {
                submission
                for part in in_parts(submission_ids)
                for submission, living in connection.execute(query.where(attempt_payment.c.payment.in_(part)))
                if living not in known
            }

    def revert_data(self, submission_id: str) -> bytes | None:
        """What the newest attempt reverted with, where that is known."""
        query = (
            select(attempt.c.revert_data)
            .join_from(payment, attempt, payment.c.attempt == attempt.c.id)
            .where(payment.c.id == submission_id)
        )
        with self._database.reading() as connection:
            data: bytes | None = connection.execute(query).scalar_one_or_none()
        return data

    def _read(self, query: Any, values: Mapping[str, Any] | None = None) -> list[Attempt]:
        with self._database.reading() as connection:
            return to_attempts(connection.execute(query, values or {}).all())

    # --- writing ---------------------------------------------------------------------------------------------------

    def commit_bytes(self, signed: Sequence[Attempt]) -> None:
        """Store the bytes and hashes of attempts that had none: RESERVED becomes SIGNED."""
        with self._lanes.writing(each.wallet for each in signed) as connection:
            _SIGNED.write(connection, [(each.raw, each.tx_hash, each.id) for each in signed])
        self._signed.update((each.id, each) for each in signed)
        while len(self._signed) > _KEPT:
            with suppress(KeyError):  # another thread forgot the last
                self._signed.popitem(last=False)

    def forget(self, ids: Iterable[str]) -> None:
        """These are not on their way any more."""
        for each in ids:
            self._signed.pop(each, None)

    def mark_broadcast(self, attempts: Sequence[Attempt]) -> None:
        """A node said that it has their bytes: SIGNED becomes BROADCAST."""
        with self._lanes.writing(each.wallet for each in attempts) as connection:
            _BROADCAST.write(connection, [(each.id,) for each in attempts])

    def mark_refused(self, refused: Sequence[Attempt], taken: Sequence[Attempt], *, now: int) -> None:
        """Since when every node refuses these bytes by class (unix seconds); ``taken`` are refused no more."""
        values = [{"b_id": each.id, "b_since": now} for each in refused]
        values += [{"b_id": each.id, "b_since": None} for each in taken]
        if not values:
            return
        with self._lanes.writing(each.wallet for each in (*refused, *taken)) as connection:
            connection.execute(
                update(attempt).where(attempt.c.id == bindparam("b_id")).values(refused_since=bindparam("b_since")),
                values,
            )

    def add_cancels(self, wallet: str, nonces: Iterable[int], *, because: PyjpmError | None = None) -> int:
        """Have these nonces used by a self-transfer of nothing. A call without bytes on one of them is dead, and its
        submission waits for the cancel to be final; one with bytes goes on being sent beside the cancel.

        Args:
            because: why nobody takes or signs the calls on these nonces: where none of ours lives any more, the nonce
                is used, and gets none. None: nothing is wrong with them, and what used the nonce may be unknown here.

        Returns:
            How many cancels are new.
        """
        wanted = sorted(set(nonces))
        with self._lanes.writing([wallet]) as connection:
            there = [row for part in in_parts(wanted) for row in connection.execute(_on_nonces(wallet, part))]
            cancelled = {row.nonce for row in there if row.beside == CANCEL}
            living = {row.nonce for row in there if row.state in ALIVE}
            rows = [
                {
                    "id": new_id(),
                    "lane": wallet,
                    "nonce": nonce,
                    "kind": AttemptKind.CANCEL,
                    "beside": CANCEL,
                    "to": wallet,
                    "data": b"",
                    "gas": CANCEL_GAS,
                    "state": AttemptState.RESERVED,
                }
                for nonce in wanted
                if nonce not in cancelled and (because is None or nonce in living)
            ]
            if rows:
                connection.execute(insert(attempt), rows)
            _displace(connection, wallet, wanted, None if because is None else json.dumps(because.to_dict()))
        return len(rows)


def _on_nonces(wallet: str, nonces: Sequence[int]) -> Select[Any]:
    return select(attempt.c.nonce, attempt.c.beside, attempt.c.state).where(
        attempt.c.lane == wallet, attempt.c.nonce.in_(nonces)
    )


def _place(each: Attempt) -> tuple[str, int, int, str]:
    return each.wallet, each.nonce, each.beside, each.id


def _displace(connection: Connection, wallet: str, nonces: Sequence[int], error: str | None) -> None:
    """Calls without bytes are dead; what asked for them follows the cancel. All are told why, where there is a why.

    What a signer refuses is refused once and for all: the cancel counts for the last. Whoever heard of the refusal may
    have paid in another way, and a policy may change.
    """
    wanted = set(nonces)
    mine = select(attempt.c.id, attempt.c.nonce, attempt.c.beside, attempt.c.raw.is_(None).label("unsigned")).where(
        attempt.c.lane == wallet, attempt.c.state.in_(ALIVE), attempt.c.nonce >= min(wanted, default=0)
    )
    rows = [row for row in connection.execute(mine) if row.nonce in wanted]
    cancels = {row.nonce: row.id for row in rows if row.beside != CALL}
    for row in rows:
        if row.beside != CALL:
            continue
        values: dict[str, Any] = {} if error is None else {"error": error}
        if row.unsigned:
            values["attempt"] = cancels[row.nonce]
            if error is not None:
                values["cancels"] = CANCELS - 1
            connection.execute(update(attempt).where(attempt.c.id == row.id).values(state=AttemptState.DEAD))
        if values:
            connection.execute(update(payment).where(payment.c.attempt == row.id).values(**values))


_SIGNED: Final = Bulk(
    update(attempt)
    .where(attempt.c.id == bindparam("b_id"), attempt.c.state == AttemptState.RESERVED)
    .values(state=AttemptState.SIGNED, raw=bindparam("b_raw"), tx_hash=bindparam("b_hash")),
    "b_raw",
    "b_hash",
    "b_id",
)
_BROADCAST: Final = Bulk(
    update(attempt)
    .where(attempt.c.id == bindparam("b_id"), attempt.c.state == AttemptState.SIGNED)
    .values(state=AttemptState.BROADCAST),
    "b_id",
)
