"""What entries say of a grant afterwards, a pool's mode, events that were told late, refunds that are asked about."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COUNTED_LATER = sa.text("occurred_at < counted_at")


def upgrade() -> None:
    op.create_index(
        "ix_events_counted_later",
        "events",
        ["tenant", "customer_key", "counted_at", "id"],
        postgresql_where=COUNTED_LATER,
        sqlite_where=COUNTED_LATER,
    )
    op.add_column("grants", sa.Column("pool_mode", sa.Text))
    op.add_column("grant_entries", sa.Column("dates_before", sa.JSON))
    op.add_column("grant_entries", sa.Column("number", sa.Integer))
    op.add_column("grant_entries", sa.Column("terms_after", sa.JSON))
    op.add_column("refunds", sa.Column("ask_at", sa.BigInteger))
