"""Bought quantities: which may be chosen, and what a change of them comes to (billing.md §1.6, §10.9, §12.2)."""

from decimal import Decimal

from sumac.billing.model import Holding
from sumac.billing.rules.lines import prepaid_of
from sumac.catalog.model import Plan, PlanItem


def inherited_quantities(current: Holding | None, plan: Plan) -> dict[str, Decimal]:
    """Units of recurring prices that the replaced plan has bought, in whole packs of the new plan."""
    if current is None:
        return {}
    bought = {
        item.feature_id: prepaid_of(item, current.held.quantities)
        for item in current.plan.items
        if is_bought_again(item)
    }
    return {
        item.feature_id: item.included + prepaid_of(item, {item.feature_id: item.included + bought[item.feature_id]})
        for item in plan.items
        if is_bought_again(item) and bought.get(item.feature_id)
    }


def is_bought_again(item: PlanItem) -> bool:
    """Whether units of it are paid for in advance again and again."""
    return item.is_prepaid and item.price is not None and item.price.cadence.recurs


def is_bought_once(item: PlanItem) -> bool:
    """Whether units of it are paid for once and kept."""
    return item.is_prepaid and item.price is not None and not item.price.cadence.recurs
