"""Whether a stored card is still needed."""

from sumac.billing.model import Holding
from sumac.catalog.rules.shape import is_free


def is_charged_again(holding: Holding) -> bool:
    """Whether a card is going to be charged for the plan: not for what is free, bought once, or paid by sent invoice.

    A plan that ends with its running period is charged once more only for usage.
    """
    held, plan = holding.held, holding.plan
    if is_free(plan) or not held.recurring or held.net_terms_days is not None:
        return False
    ends_first = held.ends_at is not None and (held.period_end is None or held.ends_at <= held.period_end)
    return not ends_first or any(item.is_usage_based for item in plan.items)
