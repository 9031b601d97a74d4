"""Remittances: the bytes that travelled with payments, and what they say to who holds a key.

Decisions that govern this module:

* The chain has a remittance's hash in the event and its bytes in the calldata. They are looked for there, however they
  were carried (a batch, a clearance, an authorization): what hashes to the event's hash is the remittance.
* Bytes are kept sealed, as they came, beside what a key of ours opens; a key that comes later opens them later.
* A remittance that is in no calldata in one piece is kept as empty: it is known by its hash alone. A transaction that
  the node does not show says nothing about it: that is an error, and it is looked for again.
* What was fetched is stored only if it is still that payment's: meanwhile the chain may have taken the block back, or
  another process may have been faster.
* Nothing is fetched where no key is held: whoever cannot read has no use for the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from eth_utils.crypto import keccak
from sqlalchemy import Connection, and_, select, update

from pyjpm.contracts.codec import Codec, codec
from pyjpm.errors.chain import BlockNotAvailable
from pyjpm.errors.remittance import RemittanceError
from pyjpm.ledger import tables
from pyjpm.ledger.breaks import Break, BreakKind
from pyjpm.ledger.statements import EMPTY_HASH
from pyjpm.ledger.store import LedgerStore
from pyjpm.remittance import Remittance, RemittanceKey, open_remittance
from pyjpm.session import Session

_AT_ONCE: Final = 200


def open_new(store: LedgerStore, session: Session, keys: Sequence[RemittanceKey]) -> int:
    """Fetches the remittances that are not there yet and opens what these keys open; how many were opened."""
    coders = _coders(session)
    opened = 0
    while True:
        with store.reading() as connection:
            waiting = _waiting(connection)
        if not waiting:
            break
        carried = {
            row[2]: _carried(session, coders, row[2], row[0]) for row in {row[2]: row for row in waiting}.values()
        }
        rows = [
            (block, log_index, carried[tx_hash].get(bytes.fromhex(name[2:]), b""))
            for block, log_index, tx_hash, name in waiting
        ]
        with store.writing() as connection:
            store.state(connection, lock=True)
            unchanged = {each[:2] for each in _waiting(connection) if each in waiting}
            for block, log_index, sealed in rows:
                if (block, log_index) not in unchanged:
                    continue
                values = _read(sealed, keys)
                opened += values["plain"] is not None
                place = {"block": block, "log_index": log_index}
                connection.execute(tables.remittance.insert().values(**place, sealed=sealed, **values))
    return opened + _open_old(store, keys)


def check_remittances(
    connection: Connection,
    session: Session,
    hashes: Mapping[tuple[int, int], tuple[str, str]],
    keys: Sequence[RemittanceKey],
) -> list[Break]:
    """Every remittance that is not the one its payment was made with, or does not say what is kept of it.

    Args:
        hashes: of transaction and remittance, by block and log index, as the chain has them.
    """
    found, coders = [], _coders(session)
    for row in connection.execute(select(tables.remittance).order_by(tables.remittance.c.block)):
        place = (row.block, row.log_index)
        sealed, plain = bytes(row.sealed), None if row.plain is None else bytes(row.plain)
        problem = ""
        if place not in hashes:
            problem = "belongs to no payment"
        elif sealed and "0x" + keccak(sealed).hex() != hashes[place][1]:
            problem = "does not have the hash that its payment carries"
        elif (row.end_to_end_id, row.uetr) != _names(plain):
            problem = "is kept with other names than it has"
        elif not sealed and bytes.fromhex(hashes[place][1][2:]) in _carried(
            session, coders, hashes[place][0], row.block
        ):
            problem = "is kept as empty, and is on the chain"
        elif plain is not None and not sealed:
            problem = "is kept without the bytes it was read from"
        elif plain is not None and keys and _read(sealed, keys)["plain"] not in (plain, None):
            problem = "is kept opened as something else"
        if problem:
            found.append(
                Break(
                    BreakKind.REMITTANCE_MISMATCH,
                    f"The remittance of block {row.block}, log {row.log_index} {problem}.",
                    f"{tables.remittance.name} {row.block}-{row.log_index}",
                    block=row.block,
                    expected=hashes[place][1] if place in hashes else None,
                    found="0x" + keccak(sealed).hex(),
                )
            )
    return found


def _waiting(connection: Connection) -> list[tuple[int, int, str, str]]:
    postings, remittances = tables.posting, tables.remittance
    same = and_(remittances.c.block == postings.c.block, remittances.c.log_index == postings.c.log_index)
    query = (
        select(postings.c.block, postings.c.log_index, postings.c.tx_hash, postings.c.remittance_hash)
        .join(remittances, same, isouter=True)
        .where(postings.c.remittance_hash.is_not(None), postings.c.remittance_hash != EMPTY_HASH)
        .where(remittances.c.block.is_(None))
        .order_by(postings.c.block, postings.c.log_index)
        .limit(_AT_ONCE)
    )
    return [tuple(row) for row in connection.execute(query)]


def _open_old(store: LedgerStore, keys: Sequence[RemittanceKey]) -> int:
    """Opens what was fetched before a key was there."""
    remittances, opened = tables.remittance, 0
    with store.reading() as connection:
        closed = connection.execute(select(remittances).where(remittances.c.plain.is_(None))).all()
    for row in closed:
        values = _read(bytes(row.sealed), keys)
        if values["plain"] is not None:
            this = (remittances.c.block == row.block) & (remittances.c.log_index == row.log_index)
            this &= remittances.c.sealed == row.sealed
            with store.writing() as connection:
                connection.execute(update(remittances).where(this).values(**values))
            opened += 1
    return opened


def _read(sealed: bytes, keys: Sequence[RemittanceKey]) -> dict[str, Any]:
    """What the bytes say, as the table has it; nothing where no key opens them, or they are no sealed remittance."""
    try:
        said = open_remittance(sealed, keys)
    except RemittanceError:
        return {"plain": None, "end_to_end_id": None, "uetr": None}
    plain = said.to_bytes()
    end_to_end_id, uetr = _names(plain)
    return {"plain": plain, "end_to_end_id": end_to_end_id, "uetr": uetr}


def _names(plain: bytes | None) -> tuple[str | None, str | None]:
    if plain is None:
        return None, None
    try:
        said = Remittance.from_bytes(plain)
    except RemittanceError:
        return None, "unreadable"
    return said.end_to_end_id, None if said.uetr is None else str(said.uetr)


def _coders(session: Session) -> dict[str, Codec]:
    record = session.record
    return {
        each.address.lower(): codec(each.artifact) for each in [*record.contracts.values(), *record.tokens.values()]
    }


def _carried(session: Session, coders: Mapping[str, Codec], tx_hash: str, block: int) -> dict[bytes, bytes]:
    """Every piece of bytes in a transaction's calldata, by its hash. Raises BlockNotAvailable."""
    transaction = session.connection.transaction(tx_hash)
    if transaction is None:
        raise BlockNotAvailable(f"The node does not show a transaction of block {block}.", block=block, tx=tx_hash)
    if transaction.to is None:
        return {}
    known = coders.get(transaction.to.lower())
    return {keccak(piece): piece for piece in _pieces(known, transaction.data)}


def _pieces(known: Codec | None, data: bytes) -> Iterator[bytes]:
    """Every ``bytes`` argument of a call, and of calls that are such arguments."""
    call = None if known is None else known.decode_input(data)
    if call is not None:
        yield from _bytes_in(known, call[1])


def _bytes_in(known: Codec | None, value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
        yield from _pieces(known, value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _bytes_in(known, each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _bytes_in(known, each)
