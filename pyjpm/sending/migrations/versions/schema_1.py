"""The first schema: payments, attempts and lanes of one process at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("chain_id", sa.BigInteger, nullable=False),
        sa.Column("genesis_hash", sa.String(66), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="journal_pkey"),
    )
    op.create_table(
        "lane",
        sa.Column("wallet", sa.String(42), nullable=False),
        sa.Column("next_nonce", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("wallet", name="lane_pkey"),
    )
    op.create_table(
        "payment",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("wallet", sa.String(42), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(255)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.String(32), nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="payment_pkey"),
        sa.UniqueConstraint("id", name="payment_id_key"),
        sa.ForeignKeyConstraint(["wallet"], ["lane.wallet"], name="payment_wallet_fkey"),
        sa.UniqueConstraint("wallet", "key", name="payment_wallet_key_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("payment_reference", "payment", ["reference"])
    op.create_index("payment_attempt", "payment", ["attempt"])
    op.create_table(
        "attempt",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("lane", sa.String(42), nullable=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("to", sa.String(42)),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("gas", sa.BigInteger, nullable=False),
        sa.Column("raw", sa.LargeBinary),
        sa.Column("tx_hash", sa.String(66)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("block_number", sa.BigInteger),
        sa.Column("gas_used", sa.BigInteger),
        sa.Column("contract_address", sa.String(42)),
        sa.Column("revert_data", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="attempt_pkey"),
        sa.ForeignKeyConstraint(["lane"], ["lane.wallet"], name="attempt_lane_fkey"),
        sa.UniqueConstraint("lane", "nonce", name="attempt_lane_nonce_key"),
    )
    op.create_index("attempt_state", "attempt", ["state", "lane", "nonce"])
    op.create_table(
        "attempt_payment",
        sa.Column("attempt", sa.String(32), nullable=False),
        sa.Column("payment", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("attempt", "payment", name="attempt_payment_pkey"),
        sa.ForeignKeyConstraint(["attempt"], ["attempt.id"], name="attempt_payment_attempt_fkey"),
        sa.ForeignKeyConstraint(["payment"], ["payment.id"], name="attempt_payment_payment_fkey"),
    )
    op.create_index("attempt_payment_payment", "attempt_payment", ["payment"])
