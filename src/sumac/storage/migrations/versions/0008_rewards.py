"""Rewards, their promotion codes and uses, what they took off invoices; referral programs, codes and redemptions."""

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _quantity() -> sa.Text | sa.Numeric[Decimal]:
    return sa.Text() if op.get_bind().dialect.name == "sqlite" else sa.Numeric()


def _tenant(*key: str) -> Sequence[sa.Column[object]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in ("tenant", *key)]


def upgrade() -> None:
    _create_rewards()
    _create_uses()
    _create_referrals()


def _create_rewards() -> None:
    op.create_table(
        "rewards",
        *_tenant("key"),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", _quantity()),
        sa.Column("currency", sa.Text),
        sa.Column("duration", sa.Text),
        sa.Column("months", sa.Integer),
        sa.Column("plan_ids", sa.JSON),
        sa.Column("grants", sa.JSON),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant", "id", name="uq_rewards_tenant_id"),
    )
    op.create_table(
        "promo_codes",
        *_tenant("code_key"),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("reward_key", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("max_redemptions", sa.Integer),
        sa.Column("first_transaction_only", sa.Boolean, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
    )
    op.create_index("ix_promo_codes_tenant_reward_key", "promo_codes", ["tenant", "reward_key"])


def _create_uses() -> None:
    op.create_table(
        "reward_uses",
        *_tenant("customer_key", "id"),
        sa.Column("reward_key", sa.Text, nullable=False),
        sa.Column("reward_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", _quantity()),
        sa.Column("currency", sa.Text),
        sa.Column("duration", sa.Text),
        sa.Column("months", sa.Integer),
        sa.Column("plan_ids", sa.JSON),
        sa.Column("code_key", sa.Text),
        sa.Column("customer_plan_ids", sa.JSON),
        sa.Column("invoice_id", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("ix_reward_uses_tenant_reward_key_code_key", "reward_uses", ["tenant", "reward_key", "code_key"])
    op.create_table(
        "invoice_discounts",
        *_tenant("customer_key", "invoice_id"),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("reward_use_id", sa.Text, nullable=False),
        sa.Column("reward_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("percent", _quantity()),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ix_invoice_discounts_tenant_customer_key_reward_use_id",
        "invoice_discounts",
        ["tenant", "customer_key", "reward_use_id"],
    )


def _create_referrals() -> None:
    op.create_table(
        "referral_programs",
        *_tenant("key"),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("reward_id", sa.Text, nullable=False),
        sa.Column("redeem_on", sa.Text, nullable=False),
        sa.Column("received_by", sa.Text, nullable=False),
        sa.Column("max_redemptions", sa.Integer),
        sa.Column("plan_ids", sa.JSON),
        sa.Column("exclude_trial", sa.Boolean),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant", "id", name="uq_referral_programs_tenant_id"),
    )
    op.create_index("ix_referral_programs_tenant_reward_id", "referral_programs", ["tenant", "reward_id"])
    op.create_table(
        "referral_codes",
        *_tenant("customer_key", "program_key"),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant", "code", name="uq_referral_codes_tenant_code"),
    )
    op.create_table(
        "referral_redemptions",
        *_tenant("customer_key", "id"),
        sa.Column("program_key", sa.Text, nullable=False),
        sa.Column("referrer_key", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("reward_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("triggered_at", sa.BigInteger),
        sa.Column("referrer_use_id", sa.Text),
        sa.Column("redeemer_use_id", sa.Text),
        sa.UniqueConstraint(
            "tenant", "customer_key", "program_key", name="uq_referral_redemptions_tenant_customer_key_program_key"
        ),
    )
    op.create_index(
        "ix_referral_redemptions_tenant_program_key_triggered_at",
        "referral_redemptions",
        ["tenant", "program_key", "triggered_at"],
    )
    op.create_index("ix_referral_redemptions_tenant_referrer_key", "referral_redemptions", ["tenant", "referrer_key"])
