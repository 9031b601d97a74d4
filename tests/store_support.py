"""What the tests of the journal's database share."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, func, insert, select

from pyjpm.sending.database import Database
from pyjpm.sending.tables import decision, lane

GENESIS = "0x" + "ab" * 32
CHAIN = 31_337
WALLETS = [f"0x{number:040x}" for number in range(1, 6)]


def opened(where: Path | str | None, *, genesis_hash: str = GENESIS, chain_id: int = CHAIN) -> Database:
    return Database(where, genesis_hash=genesis_hash, chain_id=chain_id)


def note(connection: Connection, what: str) -> None:
    """Write a row that belongs to no lane."""
    connection.execute(insert(decision).values(at=1, who="test", act="note", target=what, reason="to see it"))


def noted(database: Database) -> list[str]:
    """What was written."""
    with database.reading() as connection:
        return list(connection.execute(select(decision.c.target).order_by(decision.c.seq)).scalars())


def add_lanes(database: Database, *wallets: str, lease: str | None = None) -> None:
    with database.transaction() as connection:
        connection.execute(
            insert(lane), [{"wallet": wallet, "next_nonce": 0, "state": "OK", "lease": lease} for wallet in wallets]
        )


def count(database: Database) -> int:
    with database.reading() as connection:
        found: int = connection.execute(select(func.count()).select_from(decision)).scalar_one()
    return found


def at_once(*works: Callable[[], None]) -> None:
    """Do each in a process of its own, all at the same moment, and see that none failed."""
    hold, release = os.pipe()
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            os.close(release)
            os.read(hold, 1)  # returns when the parent closes its end
            _exit_after(work)
        children.append(child)
    os.close(hold)
    os.close(release)
    assert [os.waitpid(child, 0)[1] for child in children] == [0 for _ in works]


def killed_in(work: Callable[[], None]) -> int:
    """The signal by which a process ended that did this; 0 if it came to its end."""
    child = os.fork()
    if child == 0:
        _exit_after(work)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def _exit_after(work: Callable[[], None]) -> None:
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
