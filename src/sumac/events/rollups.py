"""Rows of usage roll-ups: how many events there were in each quarter of an hour, and what they counted together.

They are written in the transaction of their events, so that a roll-up is the sum of its events always.
"""

from collections.abc import Sequence

from sumac.events.model import UsageEvent
from sumac.events.rules.rollup import roll_up
from sumac.storage.schema import usage_rollups
from sumac.storage.work import Work


async def add(work: Work, added: Sequence[UsageEvent]) -> None:
    """Counts the events in; one statement, however many there are."""
    rows = [
        {
            "customer_key": key.customer_key,
            "feature_id": key.feature_id,
            "entity_key": key.entity_key,
            "starts_at": key.starts_at,
            "events": amount.events,
            "total": amount.total,
        }
        for key, amount in sorted(roll_up(added).items())
    ]
    await work.add_up(usage_rollups, rows, ("events", "total"))
