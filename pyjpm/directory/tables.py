"""The directory's tables: every change that was ever proposed, and what the chain was told of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

from pyjpm.book import meta_table

VERSION: Final = 1
metadata: Final = MetaData()
meta: Final = meta_table(metadata, "directory")

change: Final = Table(
    "directory_change",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("scheme", String(8), nullable=False),
    Column("identifier", String(35), nullable=False),
    Column("participant", BigInteger),  # none: from then on it is mapped to nobody
    Column("name", Text, nullable=False),
    Column("valid_from", BigInteger, nullable=False),  # unix seconds
    Column("valid_until", BigInteger),  # the first second after it
    Column("salt", LargeBinary, nullable=False),
    Column("state", String(8), nullable=False),
    Column("maker", String(42), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("made_why", Text, nullable=False),
    Column("made_word", LargeBinary, nullable=False),
    Column("checker", String(42)),
    Column("decided_at", BigInteger),
    Column("decided_why", Text),
    Column("decided_word", LargeBinary),
    Column("revision", Integer, unique=True),  # 1, 2, … in the order of approval
    Column("head", LargeBinary),  # of the chain of hashes, with this revision in it
)
Index("directory_by_identifier", change.c.scheme, change.c.identifier, change.c.revision)

anchor: Final = Table(
    "directory_anchor",
    metadata,
    Column("revision", Integer, primary_key=True),
    Column("head", LargeBinary, nullable=False),
    Column("participant", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("transaction", String(66), nullable=False),
    Column("block", BigInteger, nullable=False),
)
