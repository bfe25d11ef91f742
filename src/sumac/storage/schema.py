"""All tables on one page.

Tables with a `tenant` column belong to one organization in one environment and are reached through `Work`, which adds
that column to every statement; the hot ones lead their keys with tenant and customer. The few without it (who may
sign in, which keys exist) are reached through `SystemWork`. Instants are milliseconds, amounts minor units,
quantities exact.
"""

import sqlalchemy as sa

from sumac.storage.columns import Instant, Quantity

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
)
TENANT = "tenant"
OWED = sa.text("refunded_at IS NULL")
COUNTED_LATER = sa.text("occurred_at < counted_at")
NOTHING = sa.text("0")


def _tenant() -> sa.Column[str]:
    return sa.Column(TENANT, sa.Text, primary_key=True)


def _customer() -> sa.Column[str]:
    return sa.Column("customer_key", sa.Text, primary_key=True)


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.Text, primary_key=True)


def _created() -> sa.Column[object]:
    return sa.Column("created_at", Instant, nullable=False)


# ── organizations ────────────────────────────────────────────────────────────────────────────────────────────────────

organizations = sa.Table(
    "organizations",
    metadata,
    _id(),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("default_currency", sa.Text, nullable=False),
    _created(),
)

members = sa.Table(
    "members",
    metadata,
    _id(),
    sa.Column("organization_id", sa.Text, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("role", sa.Text, nullable=False),
    _created(),
    sa.UniqueConstraint("organization_id", "email"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    _id(),
    sa.Column("organization_id", sa.Text, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("env", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("scopes", sa.JSON, nullable=False),
    _created(),
    sa.Column("revoked_at", Instant),
)

sign_ins = sa.Table(
    "sign_ins",
    metadata,
    _id(),
    sa.Column("member_id", sa.Text, sa.ForeignKey("members.id"), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    _created(),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("used_at", Instant),
    sa.Index(None, "member_id", "purpose"),
    sa.Index(None, "digest"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    _id(),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("member_id", sa.Text, sa.ForeignKey("members.id"), nullable=False),
    _created(),
    sa.Column("expires_at", Instant, nullable=False),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    _tenant(),
    sa.Column("digest", sa.Text, primary_key=True),
    _created(),
)

counters = sa.Table(
    "counters",
    metadata,
    _tenant(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

billing_settings = sa.Table(
    "billing_settings",
    metadata,
    _tenant(),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

# ── catalog ──────────────────────────────────────────────────────────────────────────────────────────────────────────

features = sa.Table(
    "features",
    metadata,
    _tenant(),
    _id(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("consumable", sa.Boolean, nullable=False),
    sa.Column("display", sa.JSON),
    sa.Column("event_names", sa.JSON, nullable=False),
    sa.Column("credit_schema", sa.JSON, nullable=False),
    sa.Column("markups", sa.JSON),
    sa.Column("archived", sa.Boolean, nullable=False),
    _created(),
)

plans = sa.Table(
    "plans",
    metadata,
    _tenant(),
    _id(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("group_id", sa.Text, nullable=False),
    sa.Column("add_on", sa.Boolean, nullable=False),
    sa.Column("auto_enable", sa.Boolean, nullable=False),
    sa.Column("archived", sa.Boolean, nullable=False),
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("billing_controls", sa.JSON, nullable=False),
    sa.Column("active_version", sa.Integer, nullable=False, server_default=sa.text("1")),
    sa.Column("base_plan_id", sa.Text),
    sa.Column("base_version", sa.Integer),
    _created(),
)

plan_versions = sa.Table(
    "plan_versions",
    metadata,
    _tenant(),
    sa.Column("plan_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("price", sa.JSON),
    sa.Column("items", sa.JSON, nullable=False),
    sa.Column("free_trial", sa.JSON),
    _created(),
)

# ── customers ────────────────────────────────────────────────────────────────────────────────────────────────────────

customers = sa.Table(
    "customers",
    metadata,
    _tenant(),
    sa.Column("key", sa.Text, primary_key=True),
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
    sa.Column("clock_at", Instant),
    sa.Column("due_at", Instant),
    sa.Column("topup_at", Instant),
    sa.Column("version", sa.BigInteger, nullable=False, server_default=NOTHING),
    _created(),
    sa.UniqueConstraint(TENANT, "id"),
    sa.Index(None, TENANT, "created_at", "key"),
    sa.Index(None, TENANT, "email"),
    sa.Index(None, "due_at"),
    sa.Index(None, "topup_at"),
)

entities = sa.Table(
    "entities",
    metadata,
    _tenant(),
    _customer(),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("id", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("feature_id", sa.Text, nullable=False),
    sa.Column("billing_controls", sa.JSON, nullable=False),
    _created(),
    sa.UniqueConstraint(TENANT, "customer_key", "id"),
    sa.Index(None, TENANT, "id"),
    sa.Index(None, TENANT, "created_at", "key"),
)

# ── events and balances ──────────────────────────────────────────────────────────────────────────────────────────────

events = sa.Table(
    "events",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("feature_id", sa.Text, nullable=False),
    sa.Column("event_name", sa.Text),
    sa.Column("value", Quantity, nullable=False),
    sa.Column("properties", sa.JSON, nullable=False),
    sa.Column("entity_key", sa.Text),
    sa.Column("occurred_at", Instant, nullable=False),
    sa.Column("counted_at", Instant),
    sa.Column("deductions", sa.JSON, nullable=False),
    _created(),
    sa.Index(None, TENANT, "customer_key", "occurred_at", "id"),
    sa.Index(None, TENANT, "occurred_at", "id"),
    sa.Index(
        "ix_events_counted_later",
        TENANT,
        "customer_key",
        "counted_at",
        "id",
        postgresql_where=COUNTED_LATER,
        sqlite_where=COUNTED_LATER,
    ),
)

grants = sa.Table(
    "grants",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("feature_id", sa.Text, nullable=False),
    sa.Column("customer_plan_id", sa.Text),
    sa.Column("plan_id", sa.Text),
    sa.Column("add_on", sa.Boolean, nullable=False),
    sa.Column("included", Quantity, nullable=False),
    sa.Column("prepaid", Quantity, nullable=False),
    sa.Column("balance", Quantity, nullable=False),
    sa.Column("unlimited", sa.Boolean, nullable=False),
    sa.Column("overage_allowed", sa.Boolean, nullable=False),
    sa.Column("max_purchase", Quantity),
    sa.Column("reset_interval", sa.Text),
    sa.Column("reset_count", sa.Integer),
    sa.Column("anchor_at", Instant, nullable=False),
    sa.Column("resets_at", Instant),
    sa.Column("price", sa.JSON),
    sa.Column("proration", sa.JSON),
    sa.Column("replaceables", Quantity),
    sa.Column("expires_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("adjustment", Quantity),
    sa.Column("edited_at", Instant),
    sa.Column("entity_key", sa.Text),
    sa.Column("balance_id", sa.Text),
    sa.Column("shared_id", sa.Text),
    sa.Column("rollover", sa.JSON),
    sa.Column("rollover_of", sa.Text),
    sa.Column("pool_id", sa.Text),
    sa.Column("pool_mode", sa.Text),
    _created(),
    sa.Index(None, TENANT, "customer_key", "ended_at"),
)

grant_entries = sa.Table(
    "grant_entries",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("grant_id", sa.Text, nullable=False),
    sa.Column("feature_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("granted_change", Quantity, nullable=False),
    sa.Column("balance_change", Quantity, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("granted_after", Quantity),
    sa.Column("balance_after", Quantity),
    sa.Column("reason", sa.Text),
    sa.Column("dates_before", sa.JSON),
    sa.Column("number", sa.Integer),
    sa.Column("terms_after", sa.JSON),
    sa.Index(None, TENANT, "customer_key", "grant_id"),
)

usage_rollups = sa.Table(
    "usage_rollups",
    metadata,
    _tenant(),
    _customer(),
    sa.Column("feature_id", sa.Text, primary_key=True),
    sa.Column("entity_key", sa.Text, primary_key=True),
    sa.Column("starts_at", Instant, primary_key=True),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("total", Quantity, nullable=False),
    sa.Index(None, TENANT, "feature_id", "starts_at"),
)

usage_windows = sa.Table(
    "usage_windows",
    metadata,
    _tenant(),
    _customer(),
    sa.Column("feature_id", sa.Text, primary_key=True),
    sa.Column("entity_key", sa.Text, primary_key=True),
    sa.Column("condition", sa.Text, primary_key=True),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("ends_at", Instant, nullable=False),
    sa.Column("used", Quantity, nullable=False),
)

reservations = sa.Table(
    "reservations",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("lock_id", sa.Text, nullable=False),
    sa.Column("feature_id", sa.Text, nullable=False),
    sa.Column("entity_key", sa.Text),
    sa.Column("value", Quantity, nullable=False),
    sa.Column("properties", sa.JSON, nullable=False),
    sa.Column("receipt", sa.JSON, nullable=False),
    sa.Column("overage_behavior", sa.Text, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("finished_at", Instant),
    _created(),
    sa.UniqueConstraint(TENANT, "lock_id"),
)

auto_topups = sa.Table(
    "auto_topups",
    metadata,
    _tenant(),
    _customer(),
    sa.Column("feature_id", sa.Text, primary_key=True),
    sa.Column("window_ends_at", Instant),
    sa.Column("purchases", sa.Integer, nullable=False),
    sa.Column("attempted_at", sa.JSON, nullable=False),
    sa.Column("failed_at", Instant),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failed_card", sa.Text),
)

notices = sa.Table(
    "notices",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    _created(),
    sa.Index(None, TENANT, "created_at", "id"),
)

# ── invoices ─────────────────────────────────────────────────────────────────────────────────────────────────────────

invoices = sa.Table(
    "invoices",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("number", sa.Integer),
    sa.Column("token", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("total_minor", sa.BigInteger, nullable=False),
    sa.Column("discount_minor", sa.BigInteger, nullable=False, server_default=NOTHING),
    sa.Column("tax_minor", sa.BigInteger, nullable=False, server_default=NOTHING),
    sa.Column("credit_applied_minor", sa.BigInteger, nullable=False),
    sa.Column("paid_minor", sa.BigInteger, nullable=False),
    sa.Column("refunded_minor", sa.BigInteger, nullable=False),
    sa.Column("plan_ids", sa.JSON, nullable=False),
    sa.Column("customer_plan_id", sa.Text),
    sa.Column("period_start", Instant),
    sa.Column("provider_invoice", sa.Text, nullable=False),
    sa.Column("provider_payment", sa.Text),
    sa.Column("attempts_made", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Instant),
    sa.Column("net_terms_days", sa.Integer),
    sa.Column("due_at", Instant),
    sa.Column("memo", sa.Text),
    sa.Column("source", sa.JSON),
    _created(),
    sa.Column("finalized_at", Instant),
    sa.Column("paid_at", Instant),
    sa.UniqueConstraint(TENANT, "number"),
    sa.UniqueConstraint(TENANT, "customer_plan_id", "kind", "period_start"),
    sa.Index(None, TENANT, "created_at", "id"),
    sa.Index(None, "next_attempt_at"),
)

invoice_lines = sa.Table(
    "invoice_lines",
    metadata,
    _tenant(),
    _customer(),
    sa.Column("invoice_id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("exact_minor", Quantity),
    sa.Column("discount_minor", sa.BigInteger, nullable=False, server_default=NOTHING),
    sa.Column("tax_minor", sa.BigInteger, nullable=False, server_default=NOTHING),
    sa.Column("quantity", Quantity, nullable=False),
    sa.Column("plan_id", sa.Text),
    sa.Column("customer_plan_id", sa.Text),
    sa.Column("feature_id", sa.Text),
    sa.Column("period_start", Instant),
    sa.Column("period_end", Instant),
)

credit_notes = sa.Table(
    "credit_notes",
    metadata,
    _tenant(),
    _customer(),
    _id(),
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
    _created(),
    sa.UniqueConstraint(TENANT, "number"),
    sa.Index(None, TENANT, "invoice_id"),
)

customer_credits = sa.Table(
    "customer_credits",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("invoice_id", sa.Text, nullable=False),
    sa.Column("credit_note_id", sa.Text),
    _created(),
)

# ── rewards and referrals ────────────────────────────────────────────────────────────────────────────────────────────

rewards = sa.Table(
    "rewards",
    metadata,
    _tenant(),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("value", Quantity),
    sa.Column("currency", sa.Text),
    sa.Column("duration", sa.Text),
    sa.Column("months", sa.Integer),
    sa.Column("plan_ids", sa.JSON),
    sa.Column("grants", sa.JSON),
    _created(),
    sa.UniqueConstraint(TENANT, "id"),
)

promo_codes = sa.Table(
    "promo_codes",
    metadata,
    _tenant(),
    sa.Column("code_key", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("reward_key", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("max_redemptions", sa.Integer),
    sa.Column("first_transaction_only", sa.Boolean, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Index(None, TENANT, "reward_key"),
)

reward_uses = sa.Table(
    "reward_uses",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("reward_key", sa.Text, nullable=False),
    sa.Column("reward_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("value", Quantity),
    sa.Column("currency", sa.Text),
    sa.Column("duration", sa.Text),
    sa.Column("months", sa.Integer),
    sa.Column("plan_ids", sa.JSON),
    sa.Column("code_key", sa.Text),
    sa.Column("customer_plan_ids", sa.JSON),
    sa.Column("invoice_id", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    _created(),
    sa.Column("ended_at", Instant),
    sa.Index(None, TENANT, "reward_key", "code_key"),
)

invoice_discounts = sa.Table(
    "invoice_discounts",
    metadata,
    _tenant(),
    _customer(),
    sa.Column("invoice_id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("reward_use_id", sa.Text, nullable=False),
    sa.Column("reward_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("percent", Quantity),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Index(None, TENANT, "customer_key", "reward_use_id"),
)

referral_programs = sa.Table(
    "referral_programs",
    metadata,
    _tenant(),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("reward_id", sa.Text, nullable=False),
    sa.Column("redeem_on", sa.Text, nullable=False),
    sa.Column("received_by", sa.Text, nullable=False),
    sa.Column("max_redemptions", sa.Integer),
    sa.Column("plan_ids", sa.JSON),
    sa.Column("exclude_trial", sa.Boolean),
    _created(),
    sa.UniqueConstraint(TENANT, "id"),
    sa.Index(None, TENANT, "reward_id"),
)

referral_codes = sa.Table(
    "referral_codes",
    metadata,
    _tenant(),
    _customer(),
    sa.Column("program_key", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    _created(),
    sa.UniqueConstraint(TENANT, "code"),
)

referral_redemptions = sa.Table(
    "referral_redemptions",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("program_key", sa.Text, nullable=False),
    sa.Column("referrer_key", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("reward_id", sa.Text, nullable=False),
    _created(),
    sa.Column("triggered_at", Instant),
    sa.Column("referrer_use_id", sa.Text),
    sa.Column("redeemer_use_id", sa.Text),
    sa.UniqueConstraint(TENANT, "customer_key", "program_key"),
    sa.Index(None, TENANT, "program_key", "triggered_at"),
    sa.Index(None, TENANT, "referrer_key"),
)

# ── billing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

customer_plans = sa.Table(
    "customer_plans",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("plan_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("recurring", sa.Boolean, nullable=False),
    sa.Column("entity_key", sa.Text),
    sa.Column("terms", sa.JSON),
    sa.Column("quantities", sa.JSON, nullable=False),
    sa.Column("upcoming_quantities", sa.JSON),
    sa.Column("subscription_id", sa.Text),
    sa.Column("schedule_id", sa.Text),
    sa.Column("net_terms_days", sa.Integer),
    sa.Column("anchor_at", Instant, nullable=False),
    sa.Column("next_anchor_at", Instant),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("period_start", Instant),
    sa.Column("period_end", Instant),
    sa.Column("trial_ends_at", Instant),
    sa.Column("canceled_at", Instant),
    sa.Column("ends_at", Instant),
    _created(),
    sa.Index(None, TENANT, "customer_key", "status"),
    sa.Index(None, TENANT, "plan_id", "version"),
)

pending_lines = sa.Table(
    "pending_lines",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("customer_plan_id", sa.Text, nullable=False),
    sa.Column("line", sa.JSON, nullable=False),
    _created(),
)

schedules = sa.Table(
    "schedules",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("phases", sa.JSON, nullable=False),
    sa.Column("replaced_at", Instant),
    _created(),
)

attempts = sa.Table(
    "attempts",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("decision", sa.JSON, nullable=False),
    sa.Column("invoice_id", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("next_try_at", Instant),
    _created(),
    sa.Index(
        "ix_attempts_running",
        TENANT,
        "customer_key",
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    ),
    sa.Index(None, TENANT, "invoice_id"),
    sa.Index(None, "next_try_at"),
)

checkouts = sa.Table(
    "checkouts",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("provider_checkout", sa.Text, nullable=False, unique=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("request", sa.JSON),
    sa.Column("total_minor", sa.BigInteger, nullable=False),
    sa.Column("invoice_id", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("success_url", sa.Text),
    sa.Column("expires_at", Instant, nullable=False),
    _created(),
    sa.Index(None, TENANT, "customer_key", "status"),
)

plan_migrations = sa.Table(
    "plan_migrations",
    metadata,
    _tenant(),
    _id(),
    sa.Column("plan_id", sa.Text, nullable=False),
    sa.Column("to_version", sa.Integer, nullable=False),
    sa.Column("from_versions", sa.JSON),
    sa.Column("customer_keys", sa.JSON),
    sa.Column("include_custom", sa.Boolean, nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("listed_after", sa.Text),
    sa.Column("listed_at", Instant),
    sa.Column("next_at", Instant),
    sa.Column("started_at", Instant),
    sa.Column("finished_at", Instant),
    _created(),
    sa.Index(None, "next_at"),
)

plan_moves = sa.Table(
    "plan_moves",
    metadata,
    _tenant(),
    _customer(),
    sa.Column("migration_id", sa.Text, primary_key=True),
    sa.Column("customer_plan_id", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("effect", sa.JSON),
    sa.Column("finished_at", Instant),
    sa.Index(None, TENANT, "migration_id", "customer_plan_id"),
    sa.Index(None, TENANT, "migration_id", "status", "tries", "customer_plan_id"),
)

portal_sessions = sa.Table(
    "portal_sessions",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("return_url", sa.Text),
    sa.Column("expires_at", Instant, nullable=False),
    _created(),
)

refunds = sa.Table(
    "refunds",
    metadata,
    _tenant(),
    _customer(),
    _id(),
    sa.Column("payment", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("invoice_id", sa.Text),
    sa.Column("ask_at", Instant),
    sa.Column("refunded_at", Instant),
    _created(),
    sa.Index("ix_refunds_owed", "created_at", sqlite_where=OWED, postgresql_where=OWED),
)

# ── the sandbox bank ─────────────────────────────────────────────────────────────────────────────────────────────────

bank_cards = sa.Table(
    "bank_cards",
    metadata,
    _tenant(),
    sa.Column("bank_customer", sa.Text, primary_key=True),
    _id(),
    sa.Column("brand", sa.Text, nullable=False),
    sa.Column("last4", sa.Text, nullable=False),
    sa.Column("behaviour", sa.Text, nullable=False),
    sa.Column("next_outcome", sa.Text),
    sa.Column("is_default", sa.Boolean, nullable=False),
    _created(),
    sa.Column("expiry_year", sa.Integer),
    sa.Column("expiry_month", sa.Integer),
)

bank_checkouts = sa.Table(
    "bank_checkouts",
    metadata,
    _tenant(),
    _id(),
    sa.Column("bank_customer", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False, unique=True),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("charge_id", sa.Text),
    sa.Column("success_url", sa.Text),
    sa.Column("expires_at", Instant, nullable=False),
    _created(),
)

bank_charges = sa.Table(
    "bank_charges",
    metadata,
    _tenant(),
    _id(),
    sa.Column("bank_customer", sa.Text, nullable=False),
    sa.Column("card_id", sa.Text),
    sa.Column("idempotency_key", sa.Text, nullable=False),
    sa.Column("invoice", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("decline_code", sa.Text),
    sa.Column("refunded_minor", sa.BigInteger, nullable=False),
    _created(),
    sa.UniqueConstraint(TENANT, "idempotency_key"),
    sa.Index(None, TENANT, "invoice"),
)

bank_refunds = sa.Table(
    "bank_refunds",
    metadata,
    _tenant(),
    sa.Column("idempotency_key", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("charge_id", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    _created(),
    sa.Index(None, TENANT, "charge_id"),
)


# What an answer about a customer's balances is read from: a work that changes rows of these announces it.
OF_CUSTOMERS = frozenset({entities, grants, customer_plans, usage_windows, reservations})
OF_TENANTS = frozenset({features, plans, billing_settings})


def customer_tables() -> list[sa.Table]:
    """Every table whose rows belong to one customer, by their `customer_key`."""
    return [table for table in metadata.sorted_tables if "customer_key" in table.c]


def tenant_tables() -> list[sa.Table]:
    """Every table whose rows belong to one organization in one environment."""
    return [table for table in metadata.sorted_tables if TENANT in table.c]
