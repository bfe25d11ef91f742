"""Entities, edits and rollovers of balances, reservations, usage windows, top-ups, roll-ups of usage, notices."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

QUARTER_MS = 900_000
PRECISION = 50


def _quantity() -> sa.Text | sa.Numeric[Decimal]:
    return sa.Text() if op.get_bind().dialect.name == "sqlite" else sa.Numeric()


def _owner(*key: sa.Column[object]) -> Sequence[sa.Column[object]]:
    return (sa.Column("tenant", sa.Text, primary_key=True), sa.Column("customer_key", sa.Text, primary_key=True), *key)


def upgrade() -> None:
    with op.batch_alter_table("customers") as customers:
        customers.add_column(sa.Column("topup_at", sa.BigInteger))
        customers.add_column(sa.Column("version", sa.BigInteger, nullable=False, server_default=sa.text("0")))
        customers.create_index("ix_customers_topup_at", ["topup_at"])
    with op.batch_alter_table("events") as events:
        events.add_column(sa.Column("entity_key", sa.Text))
        events.add_column(sa.Column("counted_at", sa.BigInteger))
    with op.batch_alter_table("grants") as grants:
        grants.add_column(sa.Column("adjustment", _quantity()))
        grants.add_column(sa.Column("edited_at", sa.BigInteger))
        grants.add_column(sa.Column("entity_key", sa.Text))
        grants.add_column(sa.Column("balance_id", sa.Text))
        grants.add_column(sa.Column("shared_id", sa.Text))
        grants.add_column(sa.Column("rollover", sa.JSON))
        grants.add_column(sa.Column("rollover_of", sa.Text))
        grants.add_column(sa.Column("pool_id", sa.Text))
    with op.batch_alter_table("grant_entries") as entries:
        entries.add_column(sa.Column("granted_after", _quantity()))
        entries.add_column(sa.Column("balance_after", _quantity()))
        entries.add_column(sa.Column("reason", sa.Text))
    with op.batch_alter_table("customer_plans") as plans:
        plans.add_column(sa.Column("entity_key", sa.Text))
    _create_entities()
    _create_usage()
    _create_topups_and_notices()
    _roll_up()


def _create_entities() -> None:
    op.create_table(
        "entities",
        *_owner(sa.Column("key", sa.Text, primary_key=True)),
        sa.Column("id", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("feature_id", sa.Text, nullable=False),
        sa.Column("billing_controls", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant", "customer_key", "id", name="uq_entities_tenant_customer_key_id"),
    )
    op.create_index("ix_entities_tenant_id", "entities", ["tenant", "id"])
    op.create_index("ix_entities_tenant_created_at_key", "entities", ["tenant", "created_at", "key"])


def _create_usage() -> None:
    op.create_table(
        "usage_rollups",
        *_owner(sa.Column("feature_id", sa.Text, primary_key=True)),
        sa.Column("entity_key", sa.Text, primary_key=True),
        sa.Column("starts_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("total", _quantity(), nullable=False),
    )
    op.create_index(
        "ix_usage_rollups_tenant_feature_id_starts_at", "usage_rollups", ["tenant", "feature_id", "starts_at"]
    )
    op.create_table(
        "usage_windows",
        *_owner(sa.Column("feature_id", sa.Text, primary_key=True)),
        sa.Column("entity_key", sa.Text, primary_key=True),
        sa.Column("condition", sa.Text, primary_key=True),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("used", _quantity(), nullable=False),
    )
    op.create_table(
        "reservations",
        *_owner(sa.Column("id", sa.Text, primary_key=True)),
        sa.Column("lock_id", sa.Text, nullable=False),
        sa.Column("feature_id", sa.Text, nullable=False),
        sa.Column("entity_key", sa.Text),
        sa.Column("value", _quantity(), nullable=False),
        sa.Column("properties", sa.JSON, nullable=False),
        sa.Column("receipt", sa.JSON, nullable=False),
        sa.Column("overage_behavior", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant", "lock_id", name="uq_reservations_tenant_lock_id"),
    )


def _create_topups_and_notices() -> None:
    op.create_table(
        "auto_topups",
        *_owner(sa.Column("feature_id", sa.Text, primary_key=True)),
        sa.Column("window_ends_at", sa.BigInteger),
        sa.Column("purchases", sa.Integer, nullable=False),
        sa.Column("attempted_at", sa.JSON, nullable=False),
        sa.Column("failed_at", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_card", sa.Text),
    )
    op.create_table(
        "notices",
        *_owner(sa.Column("id", sa.Text, primary_key=True)),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_notices_tenant_created_at_id", "notices", ["tenant", "created_at", "id"])


def _roll_up() -> None:
    """Counts the events there are into quarters of an hour, customer by customer."""
    connection = op.get_bind()
    is_text = connection.dialect.name == "sqlite"
    owner = ("tenant", "customer_key")
    events = sa.table("events", *map(sa.column, (*owner, "feature_id", "occurred_at")), sa.column("value", _quantity()))
    written = ("feature_id", "entity_key", "starts_at", "events", "total")
    rollups = sa.table("usage_rollups", *map(sa.column, (*owner, *written)))
    quarter = (events.c.occurred_at - events.c.occurred_at % QUARTER_MS).label("starts_at")
    for tenant, customer_key in connection.execute(sa.select(events.c.tenant, events.c.customer_key).distinct()).all():
        found = sa.select(events.c.feature_id, quarter, events.c.value)
        found = found.where(events.c.tenant == tenant, events.c.customer_key == customer_key)
        rows = connection.execute(found.order_by("feature_id", "starts_at")).all()
        counted = [
            {
                "tenant": tenant,
                "customer_key": customer_key,
                "feature_id": feature_id,
                "entity_key": "",
                "starts_at": starts_at,
                "events": events_counted,
                "total": format(total, "f") if is_text else total,
            }
            for feature_id, starts_at, events_counted, total in _counted(rows)
        ]
        connection.execute(sa.insert(rollups), counted)


def _counted(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, int, int, Decimal]]:
    for (feature_id, starts_at), group in groupby(rows, key=lambda row: tuple(row[:2])):
        values = [Decimal(str(row[2])) for row in group]
        with localcontext() as context:
            context.prec = PRECISION
            total = sum(values, Decimal(0))
        yield feature_id, starts_at, len(values), total
