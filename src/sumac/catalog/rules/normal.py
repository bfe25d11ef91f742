"""The form in which a plan is kept, so that the same offer always reads the same (billing.md §1.5)."""

from collections.abc import Mapping
from dataclasses import replace

from sumac.catalog.model import CurrencyAmount, Feature, FeatureKind, ItemPrice, Plan, PlanItem, Proration, Rollover
from sumac.catalog.rules.shape import is_free
from sumac.core.time import Cadence

AT_ONCE = frozenset({"prorate_immediately", "bill_immediately"})
PRORATING = frozenset({"prorate", "prorate_immediately", "prorate_next_cycle"})


def compute_normal_form(plan: Plan, features: Mapping[str, Feature]) -> Plan:
    """The plan with what its settings imply made explicit; items of unknown features are left as they are."""
    normal = replace(plan, items=tuple(_normal_item(item, features.get(item.feature_id)) for item in plan.items))
    if normal.free_trial is not None and is_free(normal):
        normal = replace(normal, free_trial=replace(normal.free_trial, card_required=False))
    return normal


def _normal_item(item: PlanItem, feature: Feature | None) -> PlanItem:
    return replace(
        item,
        price=_normal_price(item.price) if item.price else None,
        reset=_implied_reset(item, feature) or item.reset,
        proration=_normal_proration(item.proration) if item.proration else None,
        rollover=_normal_rollover(item.rollover) if item.rollover else None,
    )


def _implied_reset(item: PlanItem, feature: Feature | None) -> Cadence | None:
    """Units that are used up and paid for every period come back every period; otherwise they would be billed twice."""
    if item.reset is not None or item.unlimited or item.price is None or not item.price.cadence.recurs:
        return None
    used_up = feature is not None and feature.kind is not FeatureKind.BOOLEAN and feature.consumable
    return item.price.cadence if used_up else None


def _normal_price(price: ItemPrice) -> ItemPrice:
    """A single tier without end is a plain amount."""
    only = price.tiers[0] if len(price.tiers) == 1 else None
    if only is None or only.to is not None or price.amount is not None or price.additional_currencies:
        return price
    if only.flat_amount or any(each.flat_amount for each in only.additional_currencies):
        return price
    listed = tuple(CurrencyAmount(each.currency, each.amount) for each in only.additional_currencies)
    return replace(price, amount=only.amount, tiers=(), tier_behavior=None, additional_currencies=listed)


def _normal_proration(proration: Proration) -> Proration:
    if proration.on_decrease not in PRORATING:
        return proration
    follows = "prorate_immediately" if proration.on_increase in AT_ONCE else "prorate_next_cycle"
    return replace(proration, on_decrease=follows)


def _normal_rollover(rollover: Rollover) -> Rollover:
    return replace(rollover, expiry_duration_length=0) if rollover.expiry_duration_type == "forever" else rollover
