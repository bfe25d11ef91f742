"""Which items a plan may have (api.md §2.2, billing.md §1.5)."""

from decimal import Decimal

from sumac.catalog.model import Feature, FeatureKind, ItemPrice, PlanItem, Proration, Rollover, TierBehavior
from sumac.catalog.rules.offers import check_item_currencies
from sumac.catalog.rules.ranges import check_amount, check_range, refuse
from sumac.core.errors import NotFound
from sumac.core.quantity import LARGEST
from sumac.core.time import Interval

NOT_PRICED = frozenset({Interval.MINUTE, Interval.HOUR, Interval.DAY})
PRICED_INTERVALS = "one_off, week, month, quarter, semi_annual, year"
WHOLE_PERCENT = 100


def check_item(item: PlanItem, feature: Feature, *, currency: str) -> None:
    """Raises BadRequest `invalid_product_item` when the item breaks a rule of its own; prices are in `currency`."""
    where = f"items.{item.feature_id}"
    if feature.kind is FeatureKind.BOOLEAN:
        if item.price is not None or item.included or item.reset is not None:
            refuse(f"{where}: a boolean feature has no included amount, reset or price")
        return
    check_range(item.included, LARGEST, f"{where}.included")
    if item.unlimited and item.price is not None and item.price.tiers:
        refuse(f"{where}: unlimited and tiers exclude each other")
    if item.pooled:
        _check_pooled(item, where)
    if item.price is not None:
        _check_price(item, item.price, where)
        check_item_currencies(item.price, currency, where)
    if item.proration is not None:
        _check_proration(item, item.proration, feature, where)
    if item.rollover is not None:
        _check_rollover(item, item.rollover, feature, where)


def check_entity_item(item: PlanItem, counted: Feature | None) -> None:
    """Raises NotFound or BadRequest unless the item can be given to each entity that is counted in the feature."""
    where = f"items.{item.feature_id}.entity_feature_id"
    if counted is None:
        message = f"{where}: feature {item.entity_feature_id} not found"
        raise NotFound(message, code="feature_not_found")
    if counted.kind is not FeatureKind.METERED or counted.consumable or counted.id == item.feature_id:
        refuse(f"{where} must be another feature, one whose units are held")
    if item.is_prorated:
        refuse(f"{where}: units that are billed when they are taken are not given to entities")


def _check_pooled(item: PlanItem, where: str) -> None:
    if item.is_usage_based:
        refuse(f"{where}: a pooled item cannot be usage_based")
    if item.unlimited and item.price is not None:
        refuse(f"{where}: a pooled unlimited item cannot have a price")


def _check_price(item: PlanItem, price: ItemPrice, where: str) -> None:
    if (price.amount is None) == (not price.tiers):
        refuse(f"{where}.price needs exactly one of amount and tiers")
    for amount in _amounts(price):
        check_amount(amount, f"{where}.price: an amount")
    check_range(price.billing_units, LARGEST, f"{where}.price.billing_units")
    if not price.billing_units:
        refuse(f"{where}.price.billing_units must be above 0")
    if price.max_purchase is not None:
        check_range(price.max_purchase, LARGEST, f"{where}.price.max_purchase")
    if price.cadence.interval in NOT_PRICED:
        refuse(f"{where}.price.interval must be one of: {PRICED_INTERVALS}")
    if not price.cadence.recurs and not item.is_prepaid:
        refuse(f"{where}: a one_off price must be prepaid")
    if item.reset is not None and not item.is_prepaid and item.reset != price.cadence:
        refuse(f"{where}: reset.interval must equal price.interval unless billing_method is prepaid")
    if item.is_prepaid and item.included % price.billing_units:
        refuse(f"{where}.included must be a whole multiple of billing_units when billing_method is prepaid")
    if price.tiers:
        _check_tiers(item, price, where)


def _amounts(price: ItemPrice) -> list[Decimal]:
    if price.amount is not None:
        return [price.amount]
    return [amount for tier in price.tiers for amount in (tier.amount, tier.flat_amount)]


def _flat_amounts(price: ItemPrice) -> list[Decimal]:
    own = [tier.flat_amount for tier in price.tiers]
    return own + [each.flat_amount for tier in price.tiers for each in tier.additional_currencies]


def _check_tiers(item: PlanItem, price: ItemPrice, where: str) -> None:
    bounds = [tier.to for tier in price.tiers]
    if bounds[-1] is not None:
        refuse(f'{where}: the last tier must go to "inf"')
    finite = [bound for bound in bounds[:-1] if bound is not None]
    if len(finite) != len(bounds) - 1 or sorted(set(finite)) != finite:
        refuse(f'{where}: every tier must end above the one before it, and only the last may go to "inf"')
    if finite and finite[0] <= item.included:
        refuse(f"{where}: the first tier must end above the included amount")
    if finite:
        check_range(finite[-1], LARGEST, f"{where}: the end of a tier")
    volume = price.tier_behavior is TierBehavior.VOLUME
    if volume and not item.is_prepaid:
        refuse(f"{where}: volume tiers are for prepaid features only")
    if any(_flat_amounts(price)) and (not volume or len(price.tiers) == 1):
        refuse(f"{where}: flat_amount needs volume tiers, and more than one")


def _check_proration(item: PlanItem, proration: Proration, feature: Feature, where: str) -> None:
    held = item.is_prorated and not feature.consumable
    if not item.is_prepaid and not held:
        refuse(f"{where}.proration is only supported for prepaid features and for usage-based ones that are held")
    if held and item.unlimited:
        refuse(f"{where}: unlimited units are never billed, so there is nothing to prorate")
    if item.is_prepaid and proration.on_increase == "bill_immediately":
        refuse(f"{where}.proration.on_increase must not be bill_immediately for a prepaid feature")


def _check_rollover(item: PlanItem, rollover: Rollover, feature: Feature, where: str) -> None:
    if item.is_usage_based and not feature.consumable:
        refuse(f"{where}: units that are held and billed afterwards have nothing to roll over")
    if rollover.max is not None and rollover.max_percentage is not None:
        refuse(f"{where}.rollover takes max or max_percentage, not both")
    if rollover.max is not None and rollover.max <= 0:
        refuse(f"{where}.rollover.max must be above 0")
    if rollover.max_percentage is not None and not 0 < rollover.max_percentage <= WHOLE_PERCENT:
        refuse(f"{where}.rollover.max_percentage must be above 0 and at most 100")
    if rollover.expiry_duration_length is not None and rollover.expiry_duration_length < 0:
        refuse(f"{where}.rollover.expiry_duration_length must not be below 0")
