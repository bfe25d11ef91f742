"""A plan made to measure for one customer (api.md §2.0 `customize`; billing.md §12.3)."""

from dataclasses import replace

from sumac.catalog.model import Customization, ItemFilter, Plan, PlanItem
from sumac.core.errors import BadRequest


def customized(plan: Plan, custom: Customization) -> Plan:
    """The plan with the changes made to it, not yet checked.

    Raises BadRequest when an item to remove is not there, or when items are both replaced and changed.
    """
    if custom.items is not None and (custom.add_items or custom.remove_items):
        message = "customize: items replaces all items; send either items, or add_items and remove_items"
        raise BadRequest(message)
    items = plan.items if custom.items is None else custom.items
    for unwanted in custom.remove_items:
        kept = tuple(item for item in items if not _is_meant(item, unwanted))
        if len(kept) == len(items):
            message = f"customize.remove_items: plan {plan.id} has no such item{_of(unwanted)}"
            raise BadRequest(message)
        items = kept
    return replace(
        plan,
        price=custom.price if custom.sets_price else plan.price,
        items=(*items, *custom.add_items),
        free_trial=custom.free_trial if custom.sets_trial else plan.free_trial,
    )


def _is_meant(item: PlanItem, unwanted: ItemFilter) -> bool:
    cadences = [item.reset, item.price.cadence if item.price else None]
    return (
        unwanted.feature_id in {None, item.feature_id}
        and (unwanted.billing_method is None or (item.price and item.price.billing_method) == unwanted.billing_method)
        and (unwanted.interval is None or unwanted.interval in {each.interval for each in cadences if each})
        and (unwanted.interval_count is None or unwanted.interval_count in {each.count for each in cadences if each})
    )


def _of(unwanted: ItemFilter) -> str:
    return f" of feature {unwanted.feature_id}" if unwanted.feature_id is not None else ""
