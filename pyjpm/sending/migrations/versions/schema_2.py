"""The second schema: leases, cancels beside their originals, owners of keys, approvals, cursors, effects, alarms.

What an attempt calls is now said by its payment too, as a payment may exist before its first attempt; the rows of the
first schema take it from their newest attempt.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A file of the first schema has constraints without names; these are the ones that PostgreSQL gave them.
_NAMES = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
}


def upgrade() -> None:
    _journal_and_lane()
    _attempt()
    _payment()
    _new_tables()


def _journal_and_lane() -> None:
    with op.batch_alter_table("journal", naming_convention=_NAMES) as journal:
        journal.drop_column("schema_version")
        journal.add_column(sa.Column("checkpoint_block", sa.BigInteger))
        journal.add_column(sa.Column("checkpoint_hash", sa.String(66)))
        journal.add_column(sa.Column("highest_head", sa.BigInteger, nullable=False, server_default="0"))
    with op.batch_alter_table("lane", naming_convention=_NAMES) as lane:
        lane.add_column(sa.Column("lease", sa.String(32)))
        lane.add_column(sa.Column("leased_at", sa.BigInteger))
        lane.add_column(sa.Column("recover_to", sa.BigInteger))


def _attempt() -> None:
    with op.batch_alter_table("attempt", naming_convention=_NAMES) as attempt:
        # All there are were calls; the default is for their rows only.
        attempt.add_column(sa.Column("kind", sa.String(8), nullable=False, server_default="call"))
        attempt.add_column(sa.Column("beside", sa.Integer, nullable=False, server_default="0"))
        attempt.add_column(sa.Column("price", sa.String(78)))
        attempt.add_column(sa.Column("refused_since", sa.BigInteger))
        attempt.drop_constraint("attempt_lane_nonce_key", type_="unique")
        attempt.create_unique_constraint("attempt_lane_nonce_beside_key", ["lane", "nonce", "beside"])
    with op.batch_alter_table("attempt", naming_convention=_NAMES) as attempt:
        attempt.alter_column("kind", existing_type=sa.String(8), existing_nullable=False, server_default=None)


def _payment() -> None:
    with op.batch_alter_table("payment", naming_convention=_NAMES) as payment:
        payment.add_column(sa.Column("owner", sa.String(64)))
        payment.add_column(sa.Column("to", sa.String(42)))
        payment.add_column(sa.Column("data", sa.LargeBinary))
        payment.add_column(sa.Column("gas", sa.BigInteger))
        payment.add_column(sa.Column("debits", sa.Text))
        payment.add_column(sa.Column("simulate", sa.Integer, nullable=False, server_default="0"))
        payment.add_column(sa.Column("not_before", sa.BigInteger))
        payment.add_column(sa.Column("not_after", sa.BigInteger))
        payment.add_column(sa.Column("proof_hash", sa.String(66)))
        payment.add_column(sa.Column("proof_block", sa.BigInteger))
        payment.add_column(sa.Column("cancels", sa.Integer, nullable=False, server_default="0"))
    op.execute(
        """UPDATE payment SET owner = 'wallet ' || wallet,
        "to" = (SELECT "to" FROM attempt WHERE attempt.id = payment.attempt),
        data = (SELECT data FROM attempt WHERE attempt.id = payment.attempt),
        gas = (SELECT gas FROM attempt WHERE attempt.id = payment.attempt)"""
    )
    # How far these are is said by their attempts.
    op.execute("UPDATE payment SET state = 'RESERVED' WHERE state IN ('SIGNED', 'BROADCAST')")
    with op.batch_alter_table(
        "payment", naming_convention=_NAMES, table_kwargs={"sqlite_autoincrement": True}
    ) as again:
        for column, kind in (("owner", sa.String(64)), ("data", sa.LargeBinary()), ("gas", sa.BigInteger())):
            again.alter_column(column, existing_type=kind, nullable=False)
        again.alter_column("key", existing_type=sa.String(255), nullable=True)
        again.alter_column("attempt", existing_type=sa.String(32), nullable=True)
        again.drop_constraint("payment_wallet_key_key", type_="unique")
        again.create_unique_constraint("payment_owner_key_key", ["owner", "key"])
    op.create_index("payment_wallet_key", "payment", ["wallet", "key"])
    op.create_index("payment_state", "payment", ["state", "wallet"])
    op.create_index("payment_owner_state", "payment", ["owner", "state", "wallet"])


def _new_tables() -> None:
    counter = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "approval",
        sa.Column("payment", sa.String(32), nullable=False),
        sa.Column("checker", sa.String(42), nullable=False),
        sa.Column("approved", sa.Integer, nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("decided_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("payment", "checker", name="approval_pkey"),
        sa.ForeignKeyConstraint(["payment"], ["payment.id"], name="approval_payment_fkey"),
    )
    op.create_table(
        "cursor",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("block", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(66), nullable=False),
        sa.Column("log_index", sa.Integer, nullable=False),
        sa.Column("highest_head", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="cursor_pkey"),
    )
    op.create_table(
        "effect",
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("claim", sa.String(32)),
        sa.Column("detail", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("reference", name="effect_pkey"),
    )
    op.create_index("effect_state", "effect", ["state"])
    op.create_table(
        "decision",
        sa.Column("seq", counter, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="decision_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alarm",
        sa.Column("seq", counter, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("wallet", sa.String(42)),
        sa.Column("payment", sa.String(32)),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("cleared_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("seq", name="alarm_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("alarm_open", "alarm", ["cleared_at", "code"])
