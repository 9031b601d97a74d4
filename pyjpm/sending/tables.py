"""The journal's tables.

Decisions that govern this module:

* ``payment`` is what a client asked for: one row per idempotency key, of whatever kind. ``attempt`` is one signed
  transaction. They meet in ``attempt_payment``, many to many from the first version, as a batch carries many payments
  and a payment that reverted is attempted again.
* One (lane, nonce) belongs to one attempt, by a constraint of the database: on a zero-fee chain a second transaction
  with the same nonce silently replaces the first. Beside it there may be cancels, which move no money (``beside``).
* How far something is that has a nonce and no answer is its transaction's ``state`` alone: the payment's stays RESERVED
  until then. Written at both, it cost each payment two rows more, and could differ.
* A key names one thing for ever, for a participant over all its wallets (``owner``). Rows are never deleted.
* What somebody decided, and what should wake somebody up, are rows too (``decision``, ``alarm``).
* Every constraint has a name, the one that PostgreSQL would give it: a later migration can only change what it can
  name, in either database. A change here is a new ``SCHEMA_VERSION`` with its migration (``migrations``).
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

SCHEMA_VERSION: Final = 2

NAMES: Final = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
}
metadata = MetaData(naming_convention=NAMES)

# SQLite counts up in a column of exactly this type only.
_COUNTER: Final = BigInteger().with_variant(Integer, "sqlite")

# Bound to one chain: another chain's nonces and receipts would be read as answers. The checkpoint tells two chains of
# one genesis apart (a network that was started anew from its files); no view below the highest head is used.
journal = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis_hash", String(66), nullable=False),
    Column("checkpoint_block", BigInteger),
    Column("checkpoint_hash", String(66)),
    Column("highest_head", BigInteger, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
)

lane = Table(
    "lane",
    metadata,
    Column("wallet", String(42), primary_key=True),
    Column("next_nonce", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    # Who may write: a random token, compared for equality in every commit. A counter would be rewound by a restore.
    Column("lease", String(32)),
    Column("leased_at", BigInteger),
    # While RECOVERING: the lane is OK once all nonces below this one are used.
    Column("recover_to", BigInteger),
)

payment = Table(
    "payment",
    metadata,
    # The order of acceptance, by which lists page.
    Column("seq", _COUNTER, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("owner", String(64), nullable=False),
    Column("wallet", String(42), ForeignKey("lane.wallet"), nullable=False),
    # NULL once the chain proved to hold other content under its reference: the key is free for that content.
    Column("key", String(255)),
    Column("kind", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("reference", String(255)),
    Column("state", String(16), nullable=False),
    Column("to", String(42)),
    Column("data", LargeBinary, nullable=False),
    Column("gas", BigInteger, nullable=False),
    # JSON of [token, minor units]: counted against the payer while it is in flight.
    Column("debits", Text),
    # Whether it is simulated once more before it gets a nonce.
    Column("simulate", Integer, nullable=False, server_default="0"),
    # Unix seconds: not sent before, not sent after (lapsed payments expire).
    Column("not_before", BigInteger),
    Column("not_after", BigInteger),
    # The newest attempt, NULL before the first; the earlier ones are in attempt_payment.
    Column("attempt", String(32)),
    Column("cancels", Integer, nullable=False, server_default="0"),
    # The transaction that brought it about where that is not an attempt of ours: adopted from the chain.
    Column("proof_hash", String(66)),
    Column("proof_block", BigInteger),
    Column("error", Text),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("owner", "key"),
    Index("payment_wallet_key", "wallet", "key"),
    Index("payment_reference", "reference"),
    Index("payment_attempt", "attempt"),
    Index("payment_state", "state", "wallet"),
    # What an owner has on its way, without all that it ever asked for.
    Index("payment_owner_state", "owner", "state", "wallet"),
    sqlite_autoincrement=True,
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("lane", String(42), ForeignKey("lane.wallet"), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("kind", String(8), nullable=False),
    # 0 the call, 1 the cancel beside it, 2 a cancel that an operator priced to free a jammed wallet.
    Column("beside", Integer, nullable=False, server_default="0"),
    Column("to", String(42)),
    Column("data", LargeBinary, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("price", String(78)),
    Column("raw", LargeBinary),
    Column("tx_hash", String(66)),
    Column("state", String(16), nullable=False),
    # Unix seconds since when every node refuses the bytes by class; NULL while one takes them.
    Column("refused_since", BigInteger),
    Column("block_number", BigInteger),
    Column("gas_used", BigInteger),
    Column("contract_address", String(42)),
    Column("revert_data", LargeBinary),
    UniqueConstraint("lane", "nonce", "beside"),
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

# One word of one person on one payment, over exactly its content.
approval = Table(
    "approval",
    metadata,
    Column("payment", String(32), ForeignKey("payment.id"), primary_key=True),
    Column("checker", String(42), primary_key=True),
    Column("approved", Integer, nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
)

# How far a reader of events has come; written in the transaction that stores what it made of them.
cursor = Table(
    "cursor",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("block", BigInteger, nullable=False),
    Column("hash", String(66), nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("highest_head", BigInteger, nullable=False),
)

# What happens outside the chain: a payout, a file, a write to an ERP. Named so that the other side can be asked.
effect = Table(
    "effect",
    metadata,
    Column("reference", String(255), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("claim", String(32)),
    Column("detail", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("effect_state", "state"),
)

# The trail of what operators decided.
decision = Table(
    "decision",
    metadata,
    Column("seq", _COUNTER, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(255), nullable=False),
    Column("act", String(16), nullable=False),
    Column("target", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", Text),
    sqlite_autoincrement=True,
)

# What should wake somebody up; cleared by what ended it, never deleted.
alarm = Table(
    "alarm",
    metadata,
    Column("seq", _COUNTER, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("code", String(64), nullable=False),
    Column("wallet", String(42)),
    Column("payment", String(32)),
    Column("message", Text, nullable=False),
    Column("cleared_at", BigInteger),
    Index("alarm_open", "cleared_at", "code"),
    sqlite_autoincrement=True,
)
