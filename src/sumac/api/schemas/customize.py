"""A plan made to measure, on the wire (api.md §2.0 `customize`)."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sumac.api.schemas.items import Count, PlanItemIn, ResetInterval
from sumac.api.schemas.later import refuse_later
from sumac.api.schemas.plans import ITEMS_MAX, BasePriceIn, FreeTrialIn
from sumac.api.schemas.wire import FeatureId, JsonObject, WireModel
from sumac.catalog.model import BillingMethod, Customization, ItemFilter
from sumac.core.time import Interval

LATER = ("billing_controls", "upsert_licenses", "remove_licenses", "update_items")
Items = Annotated[list[PlanItemIn], Field(max_length=ITEMS_MAX)]


class ItemFilterBody(WireModel):
    """Names items of a plan by what is given of them."""

    feature_id: FeatureId | None = None
    billing_method: Literal["prepaid", "usage_based"] | None = None
    interval: ResetInterval | None = None
    interval_count: Count | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("filter", "must name the item by feature_id, billing_method or interval")
        return self

    def filter(self) -> ItemFilter:
        """As a filter."""
        return ItemFilter(
            self.feature_id,
            BillingMethod(self.billing_method) if self.billing_method else None,
            Interval(self.interval) if self.interval else None,
            self.interval_count,
        )


class CustomizeBody(WireModel):
    """Changes to a plan for one customer; a price or trial of null takes it away."""

    price: BasePriceIn | None = None
    items: Items | None = None
    add_items: Items | None = None
    remove_items: Annotated[list[ItemFilterBody], Field(max_length=ITEMS_MAX)] | None = None
    free_trial: FreeTrialIn | None = None
    billing_controls: JsonObject | None = None
    upsert_licenses: list[Any] | None = None
    remove_licenses: list[Any] | None = None
    update_items: list[Any] | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("customize", "must change something of the plan")
        return self

    def customization(self) -> Customization:
        """As a customization. Raises BadRequest for what is not available yet."""
        refuse_later(self, LATER)
        return Customization(
            price=self.price.price() if self.price else None,
            sets_price="price" in self.model_fields_set,
            items=None if self.items is None else _items(self.items),
            add_items=_items(self.add_items or ()),
            remove_items=tuple(each.filter() for each in self.remove_items or ()),
            free_trial=self.free_trial.trial() if self.free_trial else None,
            sets_trial="free_trial" in self.model_fields_set,
        )


def trial_only(body: WireModel, trial: FreeTrialIn | None) -> Customization | None:
    """The customization that a `free_trial` beside the plan is short for; null takes the trial away."""
    if "free_trial" not in body.model_fields_set:
        return None
    return Customization(free_trial=trial.trial() if trial else None, sets_trial=True)


def _items(bodies: Sequence[PlanItemIn]) -> tuple[Any, ...]:
    return tuple(each.item() for each in bodies)
