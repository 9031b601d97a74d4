"""The journal's tables.

Decisions that govern this module:

* ``payment`` is what a client asked for: one row per idempotency key, of whatever kind. ``attempt`` is one signed
  transaction. They meet in ``attempt_payment``, many to many from the first version, as a batch carries many payments
  and a payment that reverted is attempted again.
* One (lane, nonce) belongs to one attempt, by a constraint of the database: on a zero-fee chain a second transaction
  with the same nonce silently replaces the first.
* Rows are never deleted: idempotency keys do not expire.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION: Final = 1

metadata = MetaData()

# Bound to one chain: another chain's nonces and receipts would be read as answers.
journal = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("schema_version", Integer, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis_hash", String(66), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

lane = Table(
    "lane",
    metadata,
    Column("wallet", String(42), primary_key=True),
    Column("next_nonce", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
)

payment = Table(
    "payment",
    metadata,
    # The order of acceptance, by which lists page.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("wallet", String(42), ForeignKey("lane.wallet"), nullable=False),
    Column("key", String(255), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("reference", String(255)),
    Column("state", String(16), nullable=False),
    # The newest attempt; the earlier ones are in attempt_payment.
    Column("attempt", String(32), nullable=False),
    Column("error", Text),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("wallet", "key"),
    Index("payment_reference", "reference"),
    Index("payment_attempt", "attempt"),
    sqlite_autoincrement=True,
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("lane", String(42), ForeignKey("lane.wallet"), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("to", String(42)),
    Column("data", LargeBinary, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("raw", LargeBinary),
    Column("tx_hash", String(66)),
    Column("state", String(16), nullable=False),
    Column("block_number", BigInteger),
    Column("gas_used", BigInteger),
    Column("contract_address", String(42)),
    Column("revert_data", LargeBinary),
    UniqueConstraint("lane", "nonce"),
    Index("attempt_state", "state", "lane", "nonce"),
)

attempt_payment = Table(
    "attempt_payment",
    metadata,
    Column("attempt", String(32), ForeignKey("attempt.id"), primary_key=True),
    Column("payment", String(32), ForeignKey("payment.id"), primary_key=True),
    Column("position", Integer, nullable=False),
    Index("attempt_payment_payment", "payment"),
)
