"""Money that is owed back, and what the sandbox bank has given back."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OWED = sa.text("refunded_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "refunds",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("payment", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("refunded_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_refunds"),
    )
    op.create_index("ix_refunds_owed", "refunds", ["created_at"], sqlite_where=OWED, postgresql_where=OWED)
    op.create_table(
        "bank_refunds",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("charge_id", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "idempotency_key", name="pk_bank_refunds"),
    )
    op.create_index("ix_bank_refunds_tenant_charge_id", "bank_refunds", ["tenant", "charge_id"])
