"""When a card of the sandbox bank expires, where it was given."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bank_cards", sa.Column("expiry_year", sa.Integer))
    op.add_column("bank_cards", sa.Column("expiry_month", sa.Integer))
