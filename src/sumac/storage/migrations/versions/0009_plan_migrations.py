"""Which version of a plan is active, whose variant it is, and customers who are moved to another version."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("plans") as plans:
        plans.add_column(sa.Column("active_version", sa.Integer, nullable=False, server_default=sa.text("1")))
        plans.add_column(sa.Column("base_plan_id", sa.Text))
        plans.add_column(sa.Column("base_version", sa.Integer))
    op.execute(
        "UPDATE plans SET active_version = (SELECT max(version) FROM plan_versions"
        " WHERE plan_versions.tenant = plans.tenant AND plan_versions.plan_id = plans.id)"
    )
    op.create_table(
        "plan_migrations",
        *_key("id"),
        sa.Column("plan_id", sa.Text, nullable=False),
        sa.Column("to_version", sa.Integer, nullable=False),
        sa.Column("from_versions", sa.JSON),
        sa.Column("customer_keys", sa.JSON),
        sa.Column("include_custom", sa.Boolean, nullable=False),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("listed_after", sa.Text),
        sa.Column("listed_at", sa.BigInteger),
        sa.Column("next_at", sa.BigInteger),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_plan_migrations_next_at", "plan_migrations", ["next_at"])
    op.create_table(
        "plan_moves",
        *_key("customer_key", "migration_id", "customer_plan_id"),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("effect", sa.JSON),
        sa.Column("finished_at", sa.BigInteger),
    )
    for columns in (["migration_id", "customer_plan_id"], ["migration_id", "status", "tries", "customer_plan_id"]):
        op.create_index(f"ix_plan_moves_tenant_{'_'.join(columns)}", "plan_moves", ["tenant", *columns])


def _key(*names: str) -> Sequence[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in ("tenant", *names)]
