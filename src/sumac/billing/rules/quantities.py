"""Bought quantities: which may be chosen, and what a change of them comes to (billing.md §1.6, §10.9, §12.2)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.billing.model import Holding
from sumac.billing.rules.lines import prepaid_of
from sumac.catalog.model import Plan, PlanItem
from sumac.core.time import cycle


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


def with_units_at(holding: Holding, at: datetime, now: datetime) -> Holding:
    """The plan with the bought units it will have at an instant: a change that waits comes with its renewal."""
    held = holding.held
    anew = held.next_anchor_at is not None and held.next_anchor_at <= at
    due = {
        item.feature_id
        for item in holding.plan.items
        if item.price is not None
        and is_bought_again(item)
        and (anew or cycle(held.anchor_at, item.price.cadence, at).start > now)
    }
    arrived = {key: quantity for key, quantity in held.upcoming_quantities.items() if key in due}
    return Holding(replace(held, quantities={**held.quantities, **arrived}), holding.plan)


def is_bought_again(item: PlanItem) -> bool:
    """Whether units of it are paid for in advance again and again."""
    return item.is_prepaid and item.price is not None and item.price.cadence.recurs


def is_bought_once(item: PlanItem) -> bool:
    """Whether units of it are paid for once and kept."""
    return item.is_prepaid and item.price is not None and not item.price.cadence.recurs
