"""What binds a journal to one chain: genesis, chain id, a checkpoint, and the highest head ever seen.

Decisions that govern this module:

* Genesis and chain id do not tell two chains apart that were started from the same files, such as a test network
  before and after its reset. The hash of a block does.
* The checkpoint and the highest head only ever go up, whatever is written and by whom.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, insert, or_, select, update

from pyjpm.errors.sending import JournalOfOtherChain
from pyjpm.sending.tables import journal


@dataclass(frozen=True, slots=True)
class Binding:
    """The one row of ``journal``. The checkpoint is None until a block was known."""

    genesis_hash: str
    chain_id: int
    checkpoint_block: int | None
    checkpoint_hash: str | None
    highest_head: int


def bind(connection: Connection, *, genesis_hash: str, chain_id: int) -> None:
    """Bind a journal that was just made."""
    connection.execute(
        insert(journal).values(
            id=1, chain_id=chain_id, genesis_hash=genesis_hash, highest_head=0, created_at=int(time.time())
        )
    )


def expect_chain(connection: Connection, name: str, *, genesis_hash: str, chain_id: int) -> None:
    """Raises JournalOfOtherChain unless the journal, of whatever version, is bound to this chain."""
    row = connection.execute(select(journal.c.genesis_hash, journal.c.chain_id)).one()
    expect(name, "genesis_hash", row.genesis_hash, genesis_hash)
    expect(name, "chain_id", row.chain_id, chain_id)


def read(connection: Connection) -> Binding:
    """What this journal is bound to."""
    row = connection.execute(select(journal)).one()
    return Binding(row.genesis_hash, row.chain_id, row.checkpoint_block, row.checkpoint_hash, row.highest_head)


def raise_head(connection: Connection, number: int) -> None:
    """Note that a block of this number was seen; a lower one than before changes nothing."""
    connection.execute(update(journal).where(journal.c.highest_head < number).values(highest_head=number))


def move_checkpoint(connection: Connection, number: int, block_hash: str) -> None:
    """Bind the journal to this block as well; a lower one than before changes nothing."""
    connection.execute(
        update(journal)
        .where(or_(journal.c.checkpoint_block.is_(None), journal.c.checkpoint_block < number))
        .values(checkpoint_block=number, checkpoint_hash=block_hash)
    )


def expect(name: str, what: str, expected: object, actual: object) -> None:
    """Raises JournalOfOtherChain unless the two are the same."""
    if expected != actual:
        raise JournalOfOtherChain(
            f"The journal {name} belongs to the chain with {what} {expected}, not {actual}.",
            path=name,
            what=what,
            expected=expected,
            actual=actual,
        )
