"""Which plans are valid (api.md §2.2, billing.md §1.4, §1.5)."""

from collections.abc import Collection, Mapping

from sumac.catalog.model import Feature, FeatureKind, Plan
from sumac.catalog.rules.items import NOT_PRICED, PRICED_INTERVALS, check_entity_item, check_item
from sumac.catalog.rules.offers import check_base_price_currencies
from sumac.catalog.rules.ranges import check_amount, refuse
from sumac.catalog.rules.shape import is_free, is_one_off
from sumac.core.errors import BadRequest, NotFound
from sumac.core.time import Interval


def check_plan(plan: Plan, features: Mapping[str, Feature], *, currency: str) -> None:
    """Raises NotFound `feature_not_found` or BadRequest (`invalid_product_item`, `invalid_request`).

    `currency` is the tenant's default one: prices are in it, and offered in others beside it.
    """
    for item in plan.items:
        feature = features.get(item.feature_id)
        if feature is None:
            message = f"Feature {item.feature_id} not found"
            raise NotFound(message, code="feature_not_found")
        check_item(item, feature, currency=currency)
        if item.entity_feature_id is not None:
            check_entity_item(item, features.get(item.entity_feature_id))
    _check_base_price(plan, currency)
    _check_together(plan, features)
    if plan.free_trial is not None:
        _check_trial(plan)
    if plan.auto_enable:
        _check_auto_enable(plan)


def check_alone(plan: Plan, others: Collection[Plan]) -> None:
    """Raises BadRequest when another auto-enabled plan already takes this one's place.

    A group has at most one free plan and one trial that start by themselves. Add-ons take no place.
    """
    if not plan.auto_enable or plan.add_on or plan.archived:
        return
    for other in others:
        if not other.add_on and other.group == plan.group and is_free(other) == is_free(plan):
            message = f"plan {other.id} is already auto-enabled in this group; a group has one such plan"
            raise BadRequest(message)


def _check_base_price(plan: Plan, currency: str) -> None:
    if plan.price is None:
        return
    check_amount(plan.price.amount, "price.amount")
    check_base_price_currencies(plan.price, currency)
    if plan.price.cadence.interval in NOT_PRICED:
        refuse(f"price.interval must be one of: {PRICED_INTERVALS}")


def _check_together(plan: Plan, features: Mapping[str, Feature]) -> None:
    seen: set[object] = set()
    for item in plan.items:
        boolean = features[item.feature_id].kind is FeatureKind.BOOLEAN
        method = item.price.billing_method if item.price else None
        key = (item.feature_id, item.entity_feature_id, *(() if boolean else (item.reset, method)))
        if key in seen:
            refuse(f"items: {item.feature_id} stands twice with the same reset and billing method")
        seen.add(key)
        if item.is_prorated and any(each.price and each is not item for each in plan.items_of(item.feature_id)):
            refuse(f"items: {item.feature_id} is billed when it is taken; it cannot be sold in another way beside that")
    intervals = {item.price.cadence.interval for item in plan.items if item.price is not None}
    if plan.price is not None:
        intervals.add(plan.price.cadence.interval)
    if {Interval.WEEK, Interval.MONTH} <= intervals:
        refuse("a plan cannot have weekly and monthly prices together")


def _check_trial(plan: Plan) -> None:
    if plan.free_trial is not None and plan.free_trial.length <= 0:
        message = "free_trial.duration_length must be above 0"
        raise BadRequest(message)
    if is_one_off(plan):
        message = "free_trial: a one-off plan cannot have a trial"
        raise BadRequest(message)
    if plan.free_trial is not None and plan.free_trial.reverts and (plan.add_on or plan.auto_enable):
        message = "free_trial.on_end: revert is for a plan that takes the place of another; no add-on, not auto-enabled"
        raise BadRequest(message)


def _check_auto_enable(plan: Plan) -> None:
    if is_free(plan):
        return
    if plan.free_trial is None or plan.free_trial.card_required or is_one_off(plan):
        message = f"plan {plan.id} can be auto-enabled only if it is free or has a trial that needs no card"
        raise BadRequest(message)
