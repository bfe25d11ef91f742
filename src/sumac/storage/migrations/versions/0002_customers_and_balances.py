"""Customers, usage events, grants and invoices."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

QUANTITY = sa.Numeric().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("id", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("fingerprint", sa.Text),
        sa.Column("stripe_id", sa.Text),
        sa.Column("provider_customer", sa.Text),
        sa.Column("currency", sa.Text),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("send_email_receipts", sa.Boolean, nullable=False),
        sa.Column("billing_controls", sa.JSON, nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("clock_at", sa.BigInteger),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_customers"),
        sa.UniqueConstraint("tenant", "id", name="uq_customers_tenant_id"),
    )
    op.create_index("ix_customers_due_at", "customers", ["due_at"])
    op.create_index("ix_customers_tenant_created_at_key", "customers", ["tenant", "created_at", "key"])
    op.create_index("ix_customers_tenant_email", "customers", ["tenant", "email"])
    op.create_table(
        "events",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("feature_id", sa.Text, nullable=False),
        sa.Column("event_name", sa.Text),
        sa.Column("value", QUANTITY, nullable=False),
        sa.Column("properties", sa.JSON, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("deductions", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_events"),
    )
    op.create_index(
        "ix_events_tenant_customer_key_occurred_at_id", "events", ["tenant", "customer_key", "occurred_at", "id"]
    )
    op.create_index("ix_events_tenant_occurred_at_id", "events", ["tenant", "occurred_at", "id"])
    op.create_table(
        "grants",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("feature_id", sa.Text, nullable=False),
        sa.Column("customer_plan_id", sa.Text),
        sa.Column("plan_id", sa.Text),
        sa.Column("add_on", sa.Boolean, nullable=False),
        sa.Column("included", QUANTITY, nullable=False),
        sa.Column("prepaid", QUANTITY, nullable=False),
        sa.Column("balance", QUANTITY, nullable=False),
        sa.Column("unlimited", sa.Boolean, nullable=False),
        sa.Column("overage_allowed", sa.Boolean, nullable=False),
        sa.Column("max_purchase", QUANTITY),
        sa.Column("reset_interval", sa.Text),
        sa.Column("reset_count", sa.Integer),
        sa.Column("anchor_at", sa.BigInteger, nullable=False),
        sa.Column("resets_at", sa.BigInteger),
        sa.Column("price", sa.JSON),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_grants"),
    )
    op.create_index("ix_grants_tenant_customer_key_ended_at", "grants", ["tenant", "customer_key", "ended_at"])
    op.create_table(
        "grant_entries",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("grant_id", sa.Text, nullable=False),
        sa.Column("feature_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("granted_change", QUANTITY, nullable=False),
        sa.Column("balance_change", QUANTITY, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_grant_entries"),
    )
    op.create_index(
        "ix_grant_entries_tenant_customer_key_grant_id", "grant_entries", ["tenant", "customer_key", "grant_id"]
    )
    op.create_table(
        "invoices",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
        sa.Column("credit_applied_minor", sa.BigInteger, nullable=False),
        sa.Column("paid_minor", sa.BigInteger, nullable=False),
        sa.Column("refunded_minor", sa.BigInteger, nullable=False),
        sa.Column("plan_ids", sa.JSON, nullable=False),
        sa.Column("customer_plan_id", sa.Text),
        sa.Column("period_start", sa.BigInteger),
        sa.Column("provider_invoice", sa.Text, nullable=False),
        sa.Column("provider_payment", sa.Text),
        sa.Column("attempts_made", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("paid_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_invoices"),
        sa.UniqueConstraint(
            "tenant",
            "customer_plan_id",
            "kind",
            "period_start",
            name="uq_invoices_tenant_customer_plan_id_kind_period_start",
        ),
        sa.UniqueConstraint("tenant", "number", name="uq_invoices_tenant_number"),
        sa.UniqueConstraint("token", name="uq_invoices_token"),
    )
    op.create_index("ix_invoices_next_attempt_at", "invoices", ["next_attempt_at"])
    op.create_index("ix_invoices_tenant_created_at_id", "invoices", ["tenant", "created_at", "id"])
    op.create_table(
        "invoice_lines",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("invoice_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("plan_id", sa.Text, nullable=False),
        sa.Column("feature_id", sa.Text),
        sa.Column("period_start", sa.BigInteger),
        sa.Column("period_end", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "invoice_id", "position", name="pk_invoice_lines"),
    )
    op.create_table(
        "customer_credits",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("invoice_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_customer_credits"),
    )
