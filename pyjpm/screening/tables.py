"""The screening book's tables: hits and what was decided of them, what was let pass, and sealed travel data."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

from pyjpm.book import meta_table

VERSION: Final = 1
metadata: Final = MetaData()
meta: Final = meta_table(metadata, "screening")

hit: Final = Table(
    "screening_hit",
    metadata,
    Column("id", String(32), primary_key=True),  # of party, source, version and entry
    Column("party", Text, nullable=False),  # JSON
    Column("source", String(140), nullable=False),
    Column("version", String(80), nullable=False),
    Column("entry", String(200), nullable=False),
    Column("name", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("about", Text, nullable=False),  # JSON
    Column("movement", Text),  # that it was first found for
    Column("state", String(9), nullable=False),
    Column("found_at", BigInteger, nullable=False),
)
Index("screening_hit_by_state", hit.c.state, hit.c.found_at)

decision: Final = Table(
    "screening_decision",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("hit", String(32), ForeignKey(hit.c.id), nullable=False, index=True),
    Column("act", String(7), nullable=False),
    Column("outcome", String(9), nullable=False),
    Column("who", String(42), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("word", LargeBinary, nullable=False),
)

movement: Final = Table(
    "screening_movement",
    metadata,
    Column("movement", String(200), primary_key=True),
    Column("payer", BigInteger, nullable=False),
    Column("payee", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("minor", String(32), nullable=False),  # beyond 64 bits
    Column("at", BigInteger, nullable=False),
)
Index("screening_movement_by_payer", movement.c.payer, movement.c.at)

travel: Final = Table(
    "screening_travel",
    metadata,
    Column("movement", String(200), primary_key=True),
    Column("commitment", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
)
