"""Lines of an invoice, exact and unrounded (billing.md §2.2 to §2.4, §10.8)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext

from sumac.balances.model import Grant
from sumac.billing.model import Holding
from sumac.catalog.model import Feature, Plan, PlanItem
from sumac.catalog.rules.text import units_text
from sumac.catalog.rules.tiers import compute_overage_price, compute_prepaid_price
from sumac.core.money import DECIMAL_PRECISION, exact_minor
from sumac.core.quantity import packs_for
from sumac.core.time import MILLISECOND, Cadence, Period, boundary, cycle, cycle_number
from sumac.invoices.model import LineDraft

ONE = Decimal(1)
ZERO = Decimal(0)


def prorate(amount: Decimal, period: Period, now: datetime) -> Decimal:
    """The part of the period's amount that falls between `now` and its end: all of it before, nothing after.

    Multiplied before it is divided, so that whatever has an end as a decimal is exact.
    """
    whole = (period.end - period.start) // MILLISECOND
    left = min(max((period.end - now) // MILLISECOND, 0), whole)
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        return amount * left / whole


def prepaid_of(item: PlanItem, quantities: Mapping[str, Decimal]) -> Decimal:
    """Units of the item bought in advance: whole packs beyond the included ones; 0 when none are chosen."""
    if not item.is_prepaid or item.price is None or item.feature_id not in quantities:
        return ZERO
    units = item.price.billing_units
    return packs_for(quantities[item.feature_id], included=item.included, billing_units=units) * units


def one_off_lines(
    plan: Plan,
    quantities: Mapping[str, Decimal],
    features: Mapping[str, Feature],
    *,
    currency: str,
) -> Iterator[LineDraft]:
    """What the plan costs once, whole, when it starts."""
    for label, description, amount, quantity, feature_id, cadence in _advance_prices(plan, quantities, features):
        if not cadence.recurs:
            yield _line(label, description, amount, quantity, plan, feature_id, period=None, currency=currency)


def advance_lines(
    plan: Plan,
    quantities: Mapping[str, Decimal],
    features: Mapping[str, Feature],
    *,
    currency: str,
    anchor: datetime,
    now: datetime,
    boundary_only: bool = False,
) -> Iterator[LineDraft]:
    """What the plan's recurring prices cost in advance from `now` to the end of each one's own period, prorated.

    `boundary_only` keeps only the prices whose period begins exactly now, as a renewal needs.
    """
    for label, description, amount, quantity, feature_id, cadence in _advance_prices(plan, quantities, features):
        if not cadence.recurs:
            continue
        period = cycle(anchor, cadence, now)
        if boundary_only and period.start != now:
            continue
        due, billed = prorate(amount, period, now), Period(now, period.end)
        yield _line(label, description, due, quantity, plan, feature_id, period=billed, currency=currency)


def credit_lines(
    holding: Holding,
    features: Mapping[str, Feature],
    *,
    currency: str,
    now: datetime,
) -> Iterator[LineDraft]:
    """Gives back what was paid in advance for the time after `now`; one-off prices are never given back."""
    held = holding.held
    if held.trial_ends_at is not None and now < held.trial_ends_at:
        return
    for label, description, amount, quantity, feature_id, cadence in _advance_prices(
        holding.plan,
        held.quantities,
        features,
    ):
        if not cadence.recurs:
            continue
        period = cycle(held.anchor_at, cadence, now)
        if period.start == now and held.period_end == now:
            continue
        unused, left = prorate(amount, period, now).copy_negate(), Period(now, period.end)
        if unused:
            text = f"Unused time: {description}"
            yield _line(label, text, unused, quantity, holding.plan, feature_id, period=left, currency=currency)


def overage_lines(
    holding: Holding,
    grants: Sequence[Grant],
    features: Mapping[str, Feature],
    *,
    currency: str,
    at: datetime,
    closing: bool,
) -> Iterator[LineDraft]:
    """Usage beyond what was granted, billed afterwards.

    `at` is the end of the period used. Without `closing` only prices whose own period ends exactly then are billed;
    with it (the plan is being left) all are.
    """
    for grant in grants:
        if grant.customer_plan_id != holding.held.id or grant.price is None or not grant.overage_allowed:
            continue
        if not grant.overage:
            continue
        period = _period_ending(holding.held.anchor_at, grant.price.cadence, at)
        if not closing and period.end != at:
            continue
        price = compute_overage_price(grant.price, grant.overage, included=grant.granted)
        name = features[grant.feature_id].name if grant.feature_id in features else grant.feature_id
        description = f"{name}: {grant.overage:,f} used beyond {grant.granted:,f}"
        used = Period(max(period.start, holding.held.starts_at), at)
        yield _line(
            name, description, price, grant.overage, holding.plan, grant.feature_id, period=used, currency=currency
        )


def _period_ending(anchor: datetime, cadence: Cadence, at: datetime) -> Period:
    """The price's period that ends at `at`, or else the one that contains it."""
    number = cycle_number(anchor, cadence, at)
    start = boundary(anchor, cadence, number)
    if start == at:
        return Period(boundary(anchor, cadence, number - 1), at)
    return Period(start, boundary(anchor, cadence, number + 1))


AdvancePrice = tuple[str, str, Decimal, Decimal, str | None, Cadence]


def _advance_prices(
    plan: Plan,
    quantities: Mapping[str, Decimal],
    features: Mapping[str, Feature],
) -> Iterator[AdvancePrice]:
    """Label, description, major amount per period, quantity, feature and cadence of each price paid in advance."""
    if plan.price is not None and plan.price.amount:
        yield plan.name, f"{plan.name} - base price", plan.price.amount, ONE, None, plan.price.cadence
    for item in plan.items:
        bought = prepaid_of(item, quantities)
        if item.price is None or not bought:
            continue
        feature = features.get(item.feature_id)
        name = feature.name if feature else item.feature_id
        units = units_text(feature, bought) if feature else f"{bought:,f} {name}"
        amount = compute_prepaid_price(item.price, bought, included=item.included)
        yield name, units, amount, bought, item.feature_id, item.price.cadence


def _line(
    label: str,
    description: str,
    major: Decimal,
    quantity: Decimal,
    plan: Plan,
    feature_id: str | None,
    *,
    period: Period | None,
    currency: str,
) -> LineDraft:
    return LineDraft(
        display_name=label,
        description=description,
        exact_minor=exact_minor(major, currency),
        quantity=quantity,
        plan_id=plan.id,
        feature_id=feature_id,
        period=period,
    )
