"""What the tests of the journal's database share."""

from __future__ import annotations

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
