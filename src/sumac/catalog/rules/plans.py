"""Which plans are valid (api.md §2.2, billing.md §1.4, §1.5)."""

from collections.abc import Mapping
from decimal import Decimal

from sumac.catalog.model import Feature, FeatureKind, ItemPrice, Plan, PlanItem, TierBehavior
from sumac.catalog.rules.shape import is_free, is_one_off
from sumac.core.errors import BadRequest, NotFound
from sumac.core.quantity import LARGEST
from sumac.core.time import Interval

NOT_PRICED = frozenset({Interval.MINUTE, Interval.HOUR, Interval.DAY})
CENT = Decimal("0.01")


def check_plan(plan: Plan, features: Mapping[str, Feature]) -> None:
    """Raises NotFound `feature_not_found` or BadRequest (`invalid_product_item`, `invalid_request`)."""
    if plan.price is not None and plan.price.amount < 0:
        _refuse("price.amount must not be below 0")
    for item in plan.items:
        feature = features.get(item.feature_id)
        if feature is None:
            message = f"Feature {item.feature_id} not found"
            raise NotFound(message, code="feature_not_found")
        _check_item(item, feature)
    _check_together(plan, features)
    if plan.auto_enable:
        _check_auto_enable(plan)


def _check_item(item: PlanItem, feature: Feature) -> None:
    where = f"items.{item.feature_id}"
    if feature.kind is FeatureKind.BOOLEAN:
        if item.price is not None or item.included or item.reset is not None:
            _refuse(f"{where}: a boolean feature has no included amount, reset or price")
        return
    if not 0 <= item.included <= LARGEST:
        _refuse(f"{where}.included must be between 0 and {LARGEST:f}")
    if item.unlimited and item.price is not None and item.price.tiers:
        _refuse(f"{where}: unlimited and tiers exclude each other")
    if item.proration is not None and not item.is_prepaid:
        _refuse(f"{where}.proration is only supported for prepaid features")
    if item.price is not None:
        _check_price(item, item.price, where)


def _check_price(item: PlanItem, price: ItemPrice, where: str) -> None:
    if (price.amount is None) == (not price.tiers):
        _refuse(f"{where}.price needs exactly one of amount and tiers")
    if price.amount is not None and price.amount < 0:
        _refuse(f"{where}.price.amount must not be below 0")
    if price.billing_units <= 0:
        _refuse(f"{where}.price.billing_units must be above 0")
    if price.cadence.interval in NOT_PRICED:
        _refuse(f"{where}.price.interval must be one of: one_off, week, month, quarter, semi_annual, year")
    if not price.cadence.recurs and not item.is_prepaid:
        _refuse(f"{where}: a one-off price must be prepaid")
    if item.reset is not None and not item.is_prepaid and item.reset != price.cadence:
        _refuse(f"{where}: reset.interval must equal price.interval unless billing_method is prepaid")
    if item.is_prepaid and item.included % price.billing_units:
        _refuse(f"{where}: included must be a whole multiple of billing_units")
    if not price.cadence.recurs and price.amount is not None and price.amount % CENT:
        _refuse(f"{where}: a one-off price has at most 2 decimals")
    if price.tiers:
        _check_tiers(item, price, where)


def _check_tiers(item: PlanItem, price: ItemPrice, where: str) -> None:
    bounds = [tier.to for tier in price.tiers]
    if bounds[-1] is not None:
        _refuse(f'{where}: the last tier must go to "inf"')
    finite = [bound for bound in bounds[:-1] if bound is not None]
    if len(finite) != len(bounds) - 1 or sorted(set(finite)) != finite:
        _refuse(f"{where}: tiers must rise")
    if finite and finite[0] <= item.included:
        _refuse(f"{where}: the first tier must end above the included amount")
    if any(tier.amount < 0 or tier.flat_amount < 0 for tier in price.tiers):
        _refuse(f"{where}: tier amounts must not be below 0")
    volume = price.tier_behavior is TierBehavior.VOLUME
    if volume and not item.is_prepaid:
        _refuse(f"{where}: volume tiers are for prepaid features only")
    if any(tier.flat_amount for tier in price.tiers) and (not volume or len(price.tiers) == 1):
        _refuse(f"{where}: flat_amount needs volume tiers, and more than one")


def _check_together(plan: Plan, features: Mapping[str, Feature]) -> None:
    seen: set[object] = set()
    for item in plan.items:
        boolean = features[item.feature_id].kind is FeatureKind.BOOLEAN
        method = item.price.billing_method if item.price else None
        key = item.feature_id if boolean else (item.feature_id, item.reset, method)
        if key in seen:
            _refuse(f"items: {item.feature_id} stands twice with the same reset and billing method")
        seen.add(key)
    intervals = {item.price.cadence.interval for item in plan.items if item.price is not None}
    if plan.price is not None:
        intervals.add(plan.price.cadence.interval)
    if {Interval.WEEK, Interval.MONTH} <= intervals:
        _refuse("a plan cannot have weekly and monthly prices together")
    if plan.free_trial is not None and is_one_off(plan):
        message = "free_trial: a one-off plan cannot have a trial"
        raise BadRequest(message)


def _check_auto_enable(plan: Plan) -> None:
    if is_free(plan):
        return
    if plan.free_trial is None or plan.free_trial.card_required or is_one_off(plan):
        message = f"plan {plan.id} can be auto-enabled only if it is free or has a trial that needs no card"
        raise BadRequest(message)


def _refuse(sentence: str) -> None:
    raise BadRequest(sentence, code="invalid_product_item")
