"""What customers hold, attempts and hosted pages; the sandbox bank."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RUNNING = sa.text("status = 'running'")


def upgrade() -> None:
    op.create_table(
        "customer_plans",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("plan_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("recurring", sa.Boolean, nullable=False),
        sa.Column("quantities", sa.JSON, nullable=False),
        sa.Column("subscription_id", sa.Text),
        sa.Column("anchor_at", sa.BigInteger, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("period_start", sa.BigInteger),
        sa.Column("period_end", sa.BigInteger),
        sa.Column("trial_ends_at", sa.BigInteger),
        sa.Column("canceled_at", sa.BigInteger),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_customer_plans"),
    )
    op.create_index(
        "ix_customer_plans_tenant_customer_key_status", "customer_plans", ["tenant", "customer_key", "status"]
    )
    op.create_index("ix_customer_plans_tenant_plan_id_version", "customer_plans", ["tenant", "plan_id", "version"])
    op.create_table(
        "attempts",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("decision", sa.JSON, nullable=False),
        sa.Column("invoice_id", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("next_try_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_next_try_at", "attempts", ["next_try_at"])
    op.create_index(
        "ix_attempts_running",
        "attempts",
        ["tenant", "customer_key"],
        unique=True,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )
    op.create_index("ix_attempts_tenant_invoice_id", "attempts", ["tenant", "invoice_id"])
    op.create_table(
        "checkouts",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("provider_checkout", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("request", sa.JSON),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
        sa.Column("invoice_id", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("success_url", sa.Text),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_checkouts"),
        sa.UniqueConstraint("provider_checkout", name="uq_checkouts_provider_checkout"),
    )
    op.create_index("ix_checkouts_tenant_customer_key_status", "checkouts", ["tenant", "customer_key", "status"])
    op.create_table(
        "portal_sessions",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("return_url", sa.Text),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_portal_sessions"),
        sa.UniqueConstraint("digest", name="uq_portal_sessions_digest"),
    )
    op.create_table(
        "bank_cards",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("bank_customer", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("last4", sa.Text, nullable=False),
        sa.Column("behaviour", sa.Text, nullable=False),
        sa.Column("next_outcome", sa.Text),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "bank_customer", "id", name="pk_bank_cards"),
    )
    op.create_table(
        "bank_checkouts",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("bank_customer", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("charge_id", sa.Text),
        sa.Column("success_url", sa.Text),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_bank_checkouts"),
        sa.UniqueConstraint("token", name="uq_bank_checkouts_token"),
    )
    op.create_table(
        "bank_charges",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("bank_customer", sa.Text, nullable=False),
        sa.Column("card_id", sa.Text),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("invoice", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("decline_code", sa.Text),
        sa.Column("refunded_minor", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_bank_charges"),
        sa.UniqueConstraint("tenant", "idempotency_key", name="uq_bank_charges_tenant_idempotency_key"),
    )
    op.create_index("ix_bank_charges_tenant_invoice", "bank_charges", ["tenant", "invoice"])
