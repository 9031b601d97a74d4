"""Which process may write to a wallet's lane.

Decisions that govern this module:

* A lease is a random token in the lane's row, compared for equality in the very transaction that writes. A counter
  would be rewound by a restore, and two processes would then hold the same number.
* Who starts last holds the lanes: it takes them over without asking. The older finds out with its next commit, of
  which nothing is stored then.
* No lease ever lapses by a clock: clocks jump, and a process that was stopped for an hour must find itself fenced.
* Rows are locked in the order of their wallets, so that two processes never wait for one another.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from pyjpm.errors.sending import Fenced
from pyjpm.sending.rows import in_parts
from pyjpm.sending.tables import lane


def new_token() -> str:
    """128 random bits, in hex."""
    return secrets.token_hex(16)


def take(connection: Connection, wallets: Iterable[str], token: str) -> list[str]:
    """Take the lanes of these wallets over from whoever has them.

    Returns:
        Wallets that have no lane yet: who makes their rows puts the token into them.
    """
    wanted = sorted(set(wallets))
    there = _locked(connection, wanted)
    for part in in_parts(list(there)):
        connection.execute(update(lane).where(lane.c.wallet.in_(part)).values(lease=token, leased_at=int(time.time())))
    return [wallet for wallet in wanted if wallet not in there]


def require(connection: Connection, wallets: Iterable[str], token: str) -> None:
    """Lock the lanes of these wallets for this transaction.

    Raises Fenced unless all of them are held by this token; a lane that is not there is held by nobody.
    """
    wanted = sorted(set(wallets))
    leases = _locked(connection, wanted)
    for wallet in wanted:
        if leases.get(wallet) != token:
            raise Fenced(f"Another process sends for the wallet {wallet} now.", wallet=wallet)


def lock(connection: Connection, wallets: Iterable[str]) -> None:
    """Lock the lanes of these wallets, whoever holds them: for what binds no nonce and must meet no writer halfway."""
    _locked(connection, sorted(set(wallets)))


def _locked(connection: Connection, wallets: list[str]) -> dict[str, str | None]:
    query = select(lane.c.wallet, lane.c.lease).order_by(lane.c.wallet)
    # Where a transaction locks the whole database anyway (SQLite), the words are left out.
    return {
        row.wallet: row.lease
        for part in in_parts(wallets)
        for row in connection.execute(query.where(lane.c.wallet.in_(part)).with_for_update())
    }
