"""The tables of the bank side.

Decisions that govern this module:

* An entry of the bank's account is one row, named by account, side and the bank's own reference: a notice and the
  statement of the same day name the same entry.
* A payout is named by its outside reference, which follows from the redemption. Amounts are minor units as text: they
  may exceed 63 bits.
* Who decided what, and why, is a row that is never changed.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

from pyjpm.book import meta_table

VERSION: Final = 1
metadata = MetaData()
meta = meta_table(metadata, "bank")

_COUNTER: Final = BigInteger().with_variant(Integer, "sqlite")

message = Table(
    "bank_message",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("message_id", String(35), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("received_at", BigInteger, nullable=False),
)

entry = Table(
    "bank_entry",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("credit", Integer, nullable=False),
    Column("reference", String(80), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount", String(32), nullable=False),
    Column("end_to_end_id", String(35)),
    Column("uetr", String(36)),
    Column("transaction_id", String(35)),
    # JSON: who paid, from which account at which bank: where a return goes to.
    Column("counterparty", Text, nullable=False),
    Column("message_id", String(35), nullable=False),
    Column("line", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("participant", BigInteger),
    Column("submission", String(64)),
    Column("payout", String(35)),
    Column("reason_code", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("account", "credit", "reference", name="bank_entry_account_credit_reference_key"),
    Index("bank_entry_state", "state"),
    Index("bank_entry_reference", "reference"),
    Index("bank_entry_end_to_end_id", "end_to_end_id"),
    Index("bank_entry_uetr", "uetr"),
)

payout = Table(
    "bank_payout",
    metadata,
    # The EndToEndId under which the bank is told, and everything that it says is found again.
    Column("outside", String(35), primary_key=True),
    Column("uetr", String(36), nullable=False),
    # redemption: a client's; return: of a deposit, by the bank itself; suspense: money that never became tokens.
    Column("kind", String(16), nullable=False),
    Column("participant", BigInteger),
    Column("reference", String(66)),
    Column("currency", String(3), nullable=False),
    Column("amount", String(32), nullable=False),
    # JSON: what the other side is told.
    Column("content", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("bank_reference", String(80)),
    Column("came_back", String(32)),
    Column("submission", String(64)),
    Column("evidence", String(66)),
    Column("reason", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("participant", "currency", "reference", name="bank_payout_participant_currency_reference_key"),
    Index("bank_payout_state", "state"),
    Index("bank_payout_uetr", "uetr"),
)

recall = Table(
    "bank_recall",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("recall_id", String(80), nullable=False),
    Column("entry", String(32)),
    Column("participant", BigInteger),
    Column("wallet", String(42)),
    Column("currency", String(3)),
    Column("amount", String(32)),
    Column("code", String(35), nullable=False),
    Column("state", String(16), nullable=False),
    Column("submission", String(64)),
    Column("payout", String(35)),
    # Of the entry by which the bank has taken the money already, where it did not ask.
    Column("taken_by", String(80)),
    Column("reason", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Index("bank_recall_state", "state"),
    Index("bank_recall_entry", "entry"),
)

decision = Table(
    "bank_decision",
    metadata,
    Column("seq", _COUNTER, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(80), nullable=False),
    Column("act", String(40), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)
