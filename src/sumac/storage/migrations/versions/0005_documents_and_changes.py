"""Drafts, credit notes, discounts and taxes; customised plans, held-back lines, schedules and billing settings."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NOTHING = sa.text("0")
QUANTITY = sa.Numeric().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    _documents()
    _changes()
    op.create_table(
        "billing_settings",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_billing_settings"),
    )


def _documents() -> None:
    with op.batch_alter_table("invoices") as invoices:
        invoices.alter_column("number", existing_type=sa.Integer, nullable=True)
        invoices.add_column(sa.Column("discount_minor", sa.BigInteger, nullable=False, server_default=NOTHING))
        invoices.add_column(sa.Column("tax_minor", sa.BigInteger, nullable=False, server_default=NOTHING))
        invoices.add_column(sa.Column("net_terms_days", sa.Integer))
        invoices.add_column(sa.Column("due_at", sa.BigInteger))
        invoices.add_column(sa.Column("memo", sa.Text))
        invoices.add_column(sa.Column("source", sa.JSON))
        invoices.add_column(sa.Column("finalized_at", sa.BigInteger))
    op.execute("UPDATE invoices SET finalized_at = created_at WHERE status <> 'draft'")
    with op.batch_alter_table("invoice_lines") as lines:
        lines.alter_column("plan_id", existing_type=sa.Text, nullable=True)
        lines.add_column(sa.Column("customer_plan_id", sa.Text))
        lines.add_column(sa.Column("exact_minor", QUANTITY))
        lines.add_column(sa.Column("discount_minor", sa.BigInteger, nullable=False, server_default=NOTHING))
        lines.add_column(sa.Column("tax_minor", sa.BigInteger, nullable=False, server_default=NOTHING))
    op.create_table(
        "credit_notes",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("invoice_id", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
        sa.Column("open_minor", sa.BigInteger, nullable=False),
        sa.Column("refund_minor", sa.BigInteger, nullable=False),
        sa.Column("credit_minor", sa.BigInteger, nullable=False),
        sa.Column("out_of_band_minor", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("memo", sa.Text),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_credit_notes"),
        sa.UniqueConstraint("tenant", "number", name="uq_credit_notes_tenant_number"),
    )
    op.create_index("ix_credit_notes_tenant_invoice_id", "credit_notes", ["tenant", "invoice_id"])
    op.add_column("customer_credits", sa.Column("credit_note_id", sa.Text))
    op.add_column("refunds", sa.Column("invoice_id", sa.Text))


def _changes() -> None:
    for name, kind in (
        ("terms", sa.JSON),
        ("upcoming_quantities", sa.JSON),
        ("schedule_id", sa.Text),
        ("net_terms_days", sa.Integer),
        ("next_anchor_at", sa.BigInteger),
    ):
        op.add_column("customer_plans", sa.Column(name, kind))
    op.add_column("grants", sa.Column("proration", sa.JSON))
    op.add_column("grants", sa.Column("replaceables", QUANTITY))
    op.create_table(
        "pending_lines",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("customer_plan_id", sa.Text, nullable=False),
        sa.Column("line", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_pending_lines"),
    )
    op.create_table(
        "schedules",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer_key", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("phases", sa.JSON, nullable=False),
        sa.Column("replaced_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer_key", "id", name="pk_schedules"),
    )
