"""Events on the wire (api.md §2.7)."""

from typing import Any, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from sumac.api.schemas.balances import DeductionBody
from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.wire import AnyId, CustomerId, FeatureId, Milliseconds, Number, WireModel
from sumac.events.model import UsageEvent
from sumac.events.rules.bins import Span


class TimeRange(WireModel):
    """A stretch of time; either end may be open."""

    start: Milliseconds | None = None
    end: Milliseconds | None = None


class EventListRequest(PageRequest):
    """Which events."""

    customer_id: CustomerId | None = None
    entity_id: AnyId | None = None
    feature_id: FeatureId | list[FeatureId] | None = None
    range: Span | None = None
    custom_range: TimeRange | None = None

    @model_validator(mode="after")
    def _one_range(self) -> Self:
        if self.range is not None and self.custom_range is not None:
            raise PydanticCustomError("range", "give range or custom_range, not both")
        return self

    def feature_ids(self) -> list[str]:
        """The features asked for; none means every feature."""
        if self.feature_id is None:
            return []
        return [self.feature_id] if isinstance(self.feature_id, str) else list(self.feature_id)


class EventBody(WireModel):
    """One usage event with what it took from which balance."""

    id: str
    timestamp: Milliseconds
    feature_id: str
    customer_id: str
    value: Number
    properties: dict[str, Any]
    deductions: list[DeductionBody] | None

    @classmethod
    def of(cls, event: UsageEvent, customer_id: str) -> Self:
        """As answered."""
        return cls(
            id=event.id,
            timestamp=event.occurred_at,
            feature_id=event.feature_id,
            customer_id=customer_id,
            value=event.value,
            properties=dict(event.properties),
            deductions=[DeductionBody.of(deduction) for deduction in event.deductions],
        )


class EventList(WireModel):
    """A page of events, newest first."""

    list: list[EventBody]
    next_cursor: str | None
