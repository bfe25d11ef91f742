"""How a customer is billed over time."""

from collections.abc import Iterable
from datetime import datetime

from sumac.billing.model import Holding
from sumac.catalog.rules.shape import is_main_recurring, shortest_cadence
from sumac.core.time import Cadence, Interval


def billed_by(holdings: Iterable[Holding]) -> tuple[datetime, Cadence] | None:
    """The anchor and the cadence of the customer's billing cycles, or None without a plan that recurs.

    They are those of the main plan they may use, the first one with a price when there are several; a plan that costs
    nothing counts months.
    """
    usable = [each for each in holdings if each.held.is_usable and is_main_recurring(each.plan)]
    priced = [each for each in usable if shortest_cadence(each.plan) is not None]
    for each in priced or usable:
        return each.held.anchor_at, shortest_cadence(each.plan) or Cadence(Interval.MONTH)
    return None
