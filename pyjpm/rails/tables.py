"""The tables of the rails, in the database of the outbox: a choice and the message it leads to are one commit."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, MetaData, String, Table, Text, insert, select

from pyjpm.errors.rails import RailsSchemaUnknown
from pyjpm.errors.sending import JournalCollision
from pyjpm.sending.database import Database

SCHEMA_VERSION: Final = 1

metadata = MetaData()

schema = Table("rails_schema", metadata, Column("version", Integer, primary_key=True))

payment = Table(
    "rails_payment",
    metadata,
    # Whose key it is, as in the outbox.
    Column("owner", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("content", Text, nullable=False),
    Column("request_sha256", String(64), nullable=False),
    # What "the same creditor" is: scheme and identifier.
    Column("creditor", String(180), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("leg", Integer, nullable=False),
    # Unix seconds since when it is in this leg and stage: what a message says of its creation.
    Column("stage_at", BigInteger, nullable=False),
    # The creditor's wallet when the rail was chosen; NULL where it is not on chain.
    Column("payee", String(42)),
    # 1 where what it is for travels with the token payment, sealed to both.
    Column("sealed", Integer, nullable=False),
    Column("rule", String(100), nullable=False),
    Column("why", Text, nullable=False),
    Column("rules_sha256", String(64), nullable=False),
    Column("chosen_at", BigInteger, nullable=False),
    # What the caller was told when nothing had left yet: it goes on only when it is asked for again.
    Column("held", Text),
    # 1 once it was paid by token, or the gateway has its message.
    Column("ended", Integer, nullable=False, server_default="0"),
    Index("rails_payment_creditor", "owner", "creditor", "chosen_at"),
    Index("rails_payment_open", "ended", "chosen_at"),
)

# Each change of rail: who decided it, and why.
move = Table(
    "rails_move",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("who", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", String(32), nullable=False),
)


def prepare(database: Database) -> None:
    """Make the tables where there are none.

    Raises:
        RailsSchemaUnknown: they are of another version.
    """
    try:
        with database.transaction() as connection:
            _prepare(connection)
    except JournalCollision:
        # Another process made them at the same moment.
        with database.transaction() as connection:
            _prepare(connection)


def _prepare(connection: Connection) -> None:
    metadata.create_all(connection)
    version = connection.execute(select(schema.c.version)).scalar_one_or_none()
    if version is None:
        connection.execute(insert(schema).values(version=SCHEMA_VERSION))
    elif version != SCHEMA_VERSION:
        raise RailsSchemaUnknown(
            f"The tables of the rails have schema {version}; this version knows {SCHEMA_VERSION}.",
            schema=version,
            supported=SCHEMA_VERSION,
        )
