"""The tables of payment files that were taken in.

Decisions that govern this module:

* A file is kept as it came: after a crash it is gone on with from here, not from whoever sent it.
* A file is one per sender and message id, an instruction one per file and place. Amounts are minor units as text: they
  may exceed 63 bits.
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

VERSION: Final = 1
metadata = MetaData()
meta = meta_table(metadata, "iso20022")

message = Table(
    "iso20022_message",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("sender", String(200), nullable=False),
    Column("message_id", String(35), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("sender", "message_id", name="iso20022_message_sender_message_id_key"),
)

instruction = Table(
    "iso20022_instruction",
    metadata,
    Column("message", String(64), ForeignKey("iso20022_message.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("payment_id", String(35), nullable=False),
    Column("instruction_id", String(35)),
    Column("end_to_end_id", String(35)),
    Column("uetr", String(36)),
    Column("currency", String(3)),
    Column("amount", String(32)),
    Column("state", String(16), nullable=False),
    Column("payer", BigInteger),
    Column("payee", BigInteger),
    Column("submission", String(64)),
    Column("reference", String(66)),
    # JSON of [code, text]: why it was refused, or waits.
    Column("reasons", Text, nullable=False),
    Index("iso20022_instruction_end_to_end_id", "end_to_end_id"),
    Index("iso20022_instruction_state", "state"),
)
