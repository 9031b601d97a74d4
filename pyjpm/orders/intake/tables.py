"""The tables of an intake.

Decisions that govern this module:

* An event is one row, named by (source, order, milestone, seq) by a constraint of the database. What it says never
  changes; how far it has come does.
* What a script or an operator decided is a row before anything follows from it, the first decision of a script once.
* Amounts are decimal text: an ERC-20's minor units do not fit an integer column.
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

from pyjpm.book import meta_table
from pyjpm.sending.tables import NAMES

SCHEMA_VERSION: Final = 1

metadata = MetaData(naming_convention=NAMES)
meta = meta_table(metadata, "intake")

# SQLite counts up in a column of exactly this type only.
_COUNTER: Final = BigInteger().with_variant(Integer, "sqlite")

# To what all of it belongs: another deployment has other orders.
place = Table(
    "intake_place",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("genesis_hash", String(66), nullable=False),
    Column("escrow", String(42), nullable=False),
)

# An order of a source, and the order document on the chain that it is. ``parts``: JSON, the milestone's index by what
# the source calls it.
order = Table(
    "intake_order",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("order_id", String(128), primary_key=True),
    Column("chain_order", String(66), nullable=False),
    Column("document", Text, nullable=False),
    Column("parts", Text, nullable=False),
    Column("bound_at", BigInteger, nullable=False),
)

event = Table(
    "intake_event",
    metadata,
    Column("id", _COUNTER, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("order_id", String(128), nullable=False),
    Column("milestone", String(128), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("status", String(128), nullable=False),
    Column("accepted", String(78)),
    Column("complete", Integer, nullable=False),
    Column("document", LargeBinary),
    Column("at", BigInteger, nullable=False),
    Column("extra", Text, nullable=False),
    Column("content_sha256", String(64), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    # What it means: written before a script is asked, and never changed once it was decided.
    Column("means", String(128)),
    Column("number", Integer),
    Column("milestone_index", Integer),
    Column("mapping", String(64)),
    Column("code", String(64)),
    Column("detail", Text),
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("submission", String(64)),
    Column("tx_hash", String(66)),
    Column("block_number", BigInteger),
    UniqueConstraint("source", "order_id", "milestone", "seq"),
    Index("intake_event_state_idx", "state", "due_at"),
)

# ``ordinal`` 0 is the script's, later ones are operators': the last one counts.
decision = Table(
    "intake_decision",
    metadata,
    Column("event", _COUNTER, ForeignKey(event.c.id), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("decision", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", String(128), nullable=False),
    Column("decided_at", BigInteger, nullable=False),
)

# What each attester signed about an event, as a document.
signature = Table(
    "intake_signature",
    metadata,
    Column("event", _COUNTER, ForeignKey(event.c.id), primary_key=True),
    Column("attester", String(42), primary_key=True),
    Column("document", Text, nullable=False),
)

# Where each connector goes on.
cursor = Table(
    "intake_cursor",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("cursor", Text),
    Column("updated_at", BigInteger, nullable=False),
)

# What a source said that is no usable event, once for each place and message.
problem = Table(
    "intake_problem",
    metadata,
    Column("id", _COUNTER, primary_key=True),
    Column("name", String(128), nullable=False),
    Column("place", Text, nullable=False),
    Column("code", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("seen_at", BigInteger, nullable=False),
)

# Webhooks that were taken in, for as long as their time is inside the window.
delivery = Table(
    "intake_delivery",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
)
