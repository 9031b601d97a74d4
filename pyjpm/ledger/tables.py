"""The ledger's tables.

Decisions that govern this module:

* All but ``ledger_item`` is a projection: it says nothing that the chain's events do not say, and is the same, row by
  row, whenever it is made again from the first block. Every row has the block it comes from, so that blocks which
  the chain takes back are taken back here.
* A posting is one row with two ends: what one account loses the other gets. There is no way to write half of one.
* Amounts are minor units. They fit 63 bits: 92,000,000,000,000,000.00 is more money than there is, and is refused.
* Hashes and references are ``0x…`` text, so that people can look for them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint

SCHEMA_VERSION: Final = 1

metadata = MetaData(naming_convention={"pk": "%(table_name)s_pkey", "uq": "%(table_name)s_%(column_0_N_name)s_key"})

# One row. ``contracts`` is JSON: the names of the platform's contracts by address. The place up to which events are in.
state = Table(
    "ledger_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("schema_version", Integer, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis_hash", String(66), nullable=False),
    Column("first_block", BigInteger, nullable=False),
    Column("contracts", Text, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("block_hash", String(66), nullable=False),
    Column("highest_head", BigInteger, nullable=False),
)

# Blocks with events of the platform; of the others only the newest, by which the way back is found. ``at`` in unix
# seconds.
block = Table(
    "ledger_block",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(66), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    Index("ledger_block_at_idx", "at"),
)

wallet = Table(
    "ledger_wallet",
    metadata,
    Column("wallet", String(42), primary_key=True),
    Column("participant", BigInteger, nullable=False),
    Column("block", BigInteger, nullable=False),
    Index("ledger_wallet_participant_idx", "participant"),
)

# ``total`` is the sum of the account's postings. ``block`` is that of the first of them.
account = Table(
    "ledger_account",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("currency", String(3), nullable=False),
    Column("bucket", String(9), nullable=False),
    Column("wallet", String(42), nullable=False),
    Column("notary", String(42), nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    UniqueConstraint("wallet", "currency", "bucket", "notary"),
)

# ``part`` counts the postings of one event. ``amount`` goes out of ``debit`` and into ``credit``.
posting = Table(
    "ledger_posting",
    metadata,
    Column("block", BigInteger, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("tx_hash", String(66), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("debit", Integer, nullable=False),
    Column("credit", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reference", String(66)),
    Column("remittance_hash", String(66)),
    Index("ledger_posting_debit_block_idx", "debit", "block"),
    Index("ledger_posting_credit_block_idx", "credit", "block"),
    Index("ledger_posting_reference_idx", "reference"),
    sqlite_with_rowid=False,
)

# Every event that is not told by a posting alone. ``subject`` is what it is about (an order's, trade's, mandate's id, a
# reference, a participant, a wallet, a currency), ``number`` which part of it (a milestone, a sequence), ``detail`` its
# other arguments as JSON.
event = Table(
    "ledger_event",
    metadata,
    Column("block", BigInteger, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("tx_hash", String(66), nullable=False),
    Column("contract", String(20), nullable=False),
    Column("name", String(40), nullable=False),
    Column("subject", String(66)),
    Column("number", BigInteger),
    Column("amount", BigInteger),
    Column("detail", Text, nullable=False),
    Index("ledger_event_subject_idx", "subject"),
    Index("ledger_event_name_idx", "name", "block"),
    sqlite_with_rowid=False,
)

# The bytes that travelled with a payment, and what they say where a key of ours opens them (``plain``, CBOR).
remittance = Table(
    "ledger_remittance",
    metadata,
    Column("block", BigInteger, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("plain", LargeBinary),
    Column("end_to_end_id", String(35)),
    Column("uetr", String(36)),
    Index("ledger_remittance_end_to_end_id_idx", "end_to_end_id"),
)

# Invoices and credit notes, as their creditor's books have them: not from the chain.
item = Table(
    "ledger_item",
    metadata,
    Column("creditor", BigInteger, primary_key=True),
    Column("debtor", BigInteger, primary_key=True),
    Column("kind", String(4), primary_key=True),
    Column("number", String(35), primary_key=True),
    Column("currency", String(3), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("issued", String(10)),
    Column("due", String(10)),
)

PROJECTED: Final = (block, wallet, account, posting, event, remittance)
"""What is made from the chain."""
