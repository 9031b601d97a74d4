"""How far a reader of events has come, stored in the transaction that stores what it made of them.

Decisions that govern this module:

* The caller gives the connection of its own transaction: an effect and the cursor behind it are both stored, or
  neither. So events that come again (at least once) find the cursor moved, and their effects are stored once.
* Compare and set: who believes to be elsewhere than the row says stores nothing. Two consumers of a name cannot both
  go on.
* Beside the place it keeps the hashes of the last blocks, by which the way back is found after a restart, in rows of
  the same table (``name#slot``, a ring).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from pyjpm.chain.stream import DEPTH, WHOLE, Back, Cursor, Forward, Place, Step
from pyjpm.errors.effects import CursorMoved
from pyjpm.sending.tables import cursor as rows

LONGEST_NAME: Final = 56


class CursorStore:
    """The cursor of one name.

    Args:
        name: whose it is; up to 56 characters without ``#``.
        depth: how many blocks may be replaced and the way back still be found.
    """

    def __init__(self, name: str, *, depth: int = DEPTH) -> None:
        if not 0 < len(name) <= LONGEST_NAME or "#" in name or depth < 1:
            raise ValueError(f"a cursor's name has 1 to {LONGEST_NAME} characters and no '#'; depth is at least 1")
        self.name = name
        self._slots = depth + 1

    def load(self, connection: Connection, *, first_block: int = 0) -> Cursor:
        """Where the consumer has come; who never stored anything starts with ``first_block``."""
        names = [self.name, *map(self._slot, range(self._slots))]
        found = {row.name: row for row in connection.execute(select(rows).where(rows.c.name.in_(names)))}
        own = found.pop(self.name, None)
        if own is None:
            return Cursor.before(first_block)
        # Some may be above it, of blocks taken back since; nobody looks for the way back there.
        return Cursor(
            Place(own.block, own.hash, own.log_index, own.highest_head),
            {row.block: row.hash for row in found.values()},
        )

    def advance(self, connection: Connection, before: Cursor, steps: Sequence[Step]) -> None:
        """Move over steps that follow ``before``, within the caller's transaction.

        Raises CursorMoved, after which the transaction has to be rolled back (as its error does by itself).
        """
        if not steps:
            return
        self._move(connection, before.place, steps[-1].place)
        known: dict[int, str] = {}
        if before.place.hash == "":
            known[before.place.block] = ""
        for step in steps:
            if isinstance(step, Back):
                known = {number: name for number, name in known.items() if number <= step.to_block}
            elif isinstance(step, Forward) and step.place.log_index == WHOLE:
                known[step.place.block] = step.place.hash
        for number in sorted(known)[-self._slots :]:
            self._remember(connection, number, known[number])

    def _move(self, connection: Connection, before: Place, after: Place) -> None:
        at = rows.c.name == self.name
        exactly = (rows.c.block == before.block) & (rows.c.hash == before.hash) & (rows.c.log_index == before.log_index)
        moved = connection.execute(update(rows).where(at, exactly).values(**after._asdict()))
        if moved.rowcount == 1:
            return
        if before.hash == "" and connection.execute(select(rows.c.name).where(at)).first() is None:
            try:
                connection.execute(insert(rows).values(name=self.name, **after._asdict()))
            except IntegrityError as collision:
                raise self._moved(before) from collision
            return
        raise self._moved(before)

    def _moved(self, before: Place) -> CursorMoved:
        return CursorMoved(
            f"The cursor {self.name} is no longer at block {before.block}.", name=self.name, block=before.block
        )

    def _remember(self, connection: Connection, number: int, block_hash: str) -> None:
        slot = self._slot(number % self._slots)
        values = {"block": number, "hash": block_hash, "log_index": WHOLE, "highest_head": number}
        if connection.execute(update(rows).where(rows.c.name == slot).values(**values)).rowcount == 0:
            connection.execute(insert(rows).values(name=slot, **values))

    def _slot(self, i: int) -> str:
        return f"{self.name}#{i}"
