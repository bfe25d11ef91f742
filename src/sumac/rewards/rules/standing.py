"""What is left of a reward that a customer has (billing.md §14.4, §18.1)."""

from datetime import datetime
from decimal import Decimal

from sumac.core.money import exact_minor
from sumac.core.time import add_months
from sumac.rewards.model import AppliedReward, RewardDuration, RewardKind


def ends_at(applied: AppliedReward) -> datetime | None:
    """When a reward for some months is over: so many months after its first invoice; None while that is not known."""
    months = applied.terms.months
    return None if months is None or applied.first_at is None else add_months(applied.first_at, months)


def left_minor(applied: AppliedReward) -> Decimal:
    """What an amount still takes off one invoice, in minor units: credits lose what was taken, others begin anew."""
    terms = applied.terms
    whole = exact_minor(terms.value, terms.currency or "")
    return whole - applied.taken_minor if terms.kind is RewardKind.INVOICE_CREDITS else whole


def stands(applied: AppliedReward, *, at: datetime) -> bool:
    """Whether it takes anything off an invoice of that instant.

    Invoice credits do until they are used up; a one-off reward on one invoice only, what was more than that is lost.
    """
    over_at = ends_at(applied)
    if over_at is not None and over_at <= at:
        return False
    if applied.terms.kind is RewardKind.INVOICE_CREDITS:
        return left_minor(applied) > 0
    return applied.terms.duration is not RewardDuration.ONE_OFF or applied.invoices == 0
