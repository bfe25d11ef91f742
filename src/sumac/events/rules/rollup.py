"""Events counted together by quarters of an hour."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sumac.core.time import EPOCH
from sumac.events.model import NOTHING, Amount, UsageEvent

QUARTER = timedelta(minutes=15)
NO_ENTITY = ""


class RollupKey(NamedTuple):
    """What is counted together: a customer's usage of a feature, of one entity or of none (""), in one quarter."""

    customer_key: str
    feature_id: str
    entity_key: str
    starts_at: datetime


def quarter_of(instant: datetime) -> datetime:
    """When the quarter of an hour began that the instant lies in."""
    return instant - (instant - EPOCH) % QUARTER


def roll_up(events: Iterable[UsageEvent]) -> dict[RollupKey, Amount]:
    """The events counted together."""
    amounts: dict[RollupKey, Amount] = {}
    for event in events:
        starts_at = quarter_of(event.occurred_at)
        key = RollupKey(event.customer_key, event.feature_id, event.entity_key or NO_ENTITY, starts_at)
        amounts[key] = amounts.get(key, NOTHING).plus(1, event.value)
    return amounts
