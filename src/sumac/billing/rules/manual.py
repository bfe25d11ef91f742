"""Lines of an invoice that a person writes: what plans cost, in quantities and usage that are said, and free lines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sumac.billing.model import CustomerPlan, Holding, PlanStatus
from sumac.billing.rules.lines import advance_lines, one_off_lines
from sumac.catalog.model import Feature, Plan, PlanItem
from sumac.catalog.rules.tiers import compute_overage_price
from sumac.core.errors import BadRequest
from sumac.core.money import exact_minor
from sumac.core.time import Period
from sumac.invoices.model import LineDraft

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time that a line is for, [start, end); one that is open counts from the invoice's date and by the price.

    With `prorate` a price costs the part of its own period that ends at `end`; else it costs the whole.
    """

    start: datetime | None = None
    end: datetime | None = None
    prorate: bool = False


@dataclass(frozen=True, slots=True)
class FeatureCharge:
    """So many units of a feature: the total chosen of one that is bought in advance, or what was used of another."""

    feature_id: str
    quantity: Decimal | None
    usage: Decimal | None
    stretch: Stretch


@dataclass(frozen=True, slots=True)
class PlanCharge:
    """What a plan costs: its base price and the features named."""

    plan_id: str
    version: int | None
    stretch: Stretch
    features: tuple[FeatureCharge, ...] = ()


@dataclass(frozen=True, slots=True)
class FreeLine:
    """A line with an amount of its own, in major units."""

    amount: Decimal
    description: str
    period: Period | None


def compute_plan_lines(
    plan: Plan, charge: PlanCharge, features: Mapping[str, Feature], *, currency: str, now: datetime
) -> Iterator[LineDraft]:
    """The base price of the plan, then each feature named, exact; they belong to no attachment.

    Raises BadRequest `invalid_inputs` for a feature that has no price in the plan, a quantity of one that is paid after
    use or a usage of one that is not, or a proration without an end.
    """
    yield from _advance(plan, {}, features, charge.stretch, None, currency=currency, now=now)
    for part in charge.features:
        item = _priced_item(plan, part)
        if item.is_usage_based:
            yield from _usage(plan, item, part, features, currency=currency)
        else:
            quantities = {part.feature_id: part.quantity or Decimal(0)}
            yield from _advance(plan, quantities, features, part.stretch, part.feature_id, currency=currency, now=now)


def compute_free_line(line: FreeLine, *, currency: str) -> LineDraft:
    """The line, exact."""
    return LineDraft(
        display_name=line.description,
        description=line.description,
        exact_minor=exact_minor(line.amount, currency),
        quantity=ONE,
        plan_id=None,
        feature_id=None,
        period=line.period,
    )


def _advance(
    plan: Plan,
    quantities: Mapping[str, Decimal],
    features: Mapping[str, Feature],
    stretch: Stretch,
    feature_id: str | None,
    *,
    currency: str,
    now: datetime,
) -> Iterator[LineDraft]:
    """The price paid in advance for one feature, or the base price: as if the plan had begun for this invoice alone."""
    start = stretch.start or now
    if stretch.prorate and stretch.end is None:
        message = "prorate: needs period_end beside it"
        raise BadRequest(message, code="invalid_inputs")
    anchor = stretch.end if stretch.prorate and stretch.end is not None else start
    held = CustomerPlan(
        id="",
        customer_key="",
        plan_id=plan.id,
        version=plan.version,
        status=PlanStatus.ACTIVE,
        recurring=True,
        anchor_at=anchor,
        starts_at=start,
        created_at=now,
        quantities=quantities,
    )
    holding = Holding(held, plan)
    recurring = advance_lines(holding, features, currency=currency, now=start)
    for line in (*recurring, *one_off_lines(holding, features, currency=currency)):
        if line.feature_id == feature_id:
            yield replace(line, customer_plan_id=None, period=_period(stretch, line.period, start))


def _period(stretch: Stretch, by_price: Period | None, start: datetime) -> Period | None:
    """The time shown: what was said, else the price's own."""
    return by_price if stretch.end is None else Period(start, stretch.end)


def _priced_item(plan: Plan, part: FeatureCharge) -> PlanItem:
    item = plan.item_of(part.feature_id)
    if item is None or item.price is None:
        message = f"feature_quantities: {part.feature_id} has no price in the plan {plan.id}"
        raise BadRequest(message, code="invalid_inputs")
    given, missing = ("usage", "quantity") if part.quantity is None else ("quantity", "usage")
    if (part.usage if item.is_usage_based else part.quantity) is None:
        message = f"feature_quantities: {part.feature_id} needs a {missing} in place of a {given}"
        raise BadRequest(message, code="invalid_inputs")
    return item


def _usage(
    plan: Plan, item: PlanItem, part: FeatureCharge, features: Mapping[str, Feature], *, currency: str
) -> Iterator[LineDraft]:
    """What was used beyond the included units; nothing when they cover it."""
    if part.stretch.prorate:
        message = f"prorate: usage of {part.feature_id} is billed as it was used"
        raise BadRequest(message, code="invalid_inputs")
    beyond = max(Decimal(0), (part.usage or Decimal(0)) - item.included)
    if item.price is None or not beyond:
        return
    name = features[item.feature_id].name if item.feature_id in features else item.feature_id
    start, end = part.stretch.start, part.stretch.end
    yield LineDraft(
        display_name=name,
        description=f"{name}: {beyond:,f} used beyond {item.included:,f}",
        exact_minor=exact_minor(compute_overage_price(item.price, beyond, included=item.included), currency),
        quantity=beyond,
        plan_id=plan.id,
        feature_id=item.feature_id,
        period=Period(start, end) if start is not None and end is not None else None,
    )
