"""Usage over time on the wire (api.md §2.7, §2.16)."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from sumac.api.schemas.balances import BalanceResetBody
from sumac.api.schemas.wire import AnyId, CustomerId, FeatureId, Milliseconds, Number, Text, WholeNumber, WireModel
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.time import Period
from sumac.events.model import NOTHING, Amount, BalanceUse, Grouping, GroupKind, Series, SeriesRequest
from sumac.events.rules.bins import BinSize, Span

FEATURES_MAX = 50
FILTERS_MAX = 5
GROUPS_MAX = 250
GROUPS = 9
PROPERTY = "properties."
COLUMNS = {
    "$customer_id": GroupKind.CUSTOMER,
    "$entity_id": GroupKind.ENTITY,
    "$plan_id": GroupKind.PLAN,
    "$feature_id": GroupKind.FEATURE,
}


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(value: str) -> str:
    if value not in _zones():
        raise PydanticCustomError("timezone", "must be a time zone such as Europe/Berlin")
    return value


def _group(value: str) -> str:
    if value not in COLUMNS and not (value.startswith(PROPERTY) and len(value) > len(PROPERTY)):
        raise PydanticCustomError(
            "group_by", "must be properties.<key>, or one of: {columns}", {"columns": ", ".join(COLUMNS)}
        )
    return value


class WholeRange(WireModel):
    """A stretch of time; its start belongs to it, its end does not."""

    start: Milliseconds
    end: Milliseconds


class AggregateRequest(WireModel):
    """Whose usage of what, over which time, by which bins and groups."""

    feature_id: FeatureId | Annotated[list[FeatureId], Field(min_length=1, max_length=FEATURES_MAX)]
    customer_id: CustomerId | None = None
    entity_id: AnyId | None = None
    group_by: Annotated[Text, AfterValidator(_group)] | None = None
    range: Span | None = None
    custom_range: WholeRange | None = None
    bin_size: BinSize | None = None
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    filter_by: Annotated[dict[str, Text], Field(max_length=FILTERS_MAX)] | None = None
    max_groups: Annotated[WholeNumber, Field(ge=1, le=GROUPS_MAX)] = GROUPS
    aggregate_on: Literal["deducted"] | None = None
    measure: Literal["sum", "count"] = "sum"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.range is not None and self.custom_range is not None:
            raise PydanticCustomError("range", "give range or custom_range, not both")
        if self.group_by == "$feature_id" and self.aggregate_on is None:
            raise PydanticCustomError("group_by", "group_by $feature_id is for aggregate_on deducted")
        if self.aggregate_on is not None and self.customer_id is None:
            raise PydanticCustomError("customer_id", "aggregate_on needs a customer_id")
        return self

    def feature_ids(self) -> tuple[str, ...]:
        """The features asked for, each once."""
        return (self.feature_id,) if isinstance(self.feature_id, str) else tuple(dict.fromkeys(self.feature_id))

    def zone(self) -> ZoneInfo:
        """The zone whose days are counted."""
        return ZoneInfo(self.timezone)

    def size(self) -> BinSize:
        """How long a bin is: a day unless it was said, an hour for 24h."""
        return self.bin_size or (BinSize.HOUR if self.range is Span.DAY else BinSize.DAY)

    def period(self) -> Period | None:
        """The stretch of time that was given, if it was not named."""
        return None if self.custom_range is None else Period(self.custom_range.start, self.custom_range.end)

    def grouping(self) -> Grouping | None:
        """How to group, if at all."""
        if self.group_by is None:
            return None
        kind = COLUMNS.get(self.group_by, GroupKind.PROPERTY)
        name = self.group_by.removeprefix(PROPERTY) if kind is GroupKind.PROPERTY else ""
        return Grouping(kind, self.max_groups, name, by_events=self.measure == "count")


class AggregateRow(WireModel):
    """One bin: what each feature counted, and what each group of it did."""

    period: Milliseconds
    values: dict[str, Number]
    grouped_values: dict[str, dict[str, Number]] | None = None


class TotalBody(WireModel):
    """Everything of one feature."""

    count: Number
    sum: Number


class BalanceUseBody(WireModel):
    """What was taken from one balance."""

    balance_id: str
    entity_id: str | None
    plan_id: str | None
    reset: BalanceResetBody | None
    credit_cost: Number | None
    deducted: Number
    events: int

    @classmethod
    def of(cls, use: BalanceUse, entity_ids: Mapping[str, str]) -> Self:
        """As answered."""
        return cls(
            balance_id=use.balance_id,
            entity_id=None if use.entity_key is None else entity_ids.get(use.entity_key, use.entity_key),
            plan_id=use.plan_id,
            reset=BalanceResetBody.of(use.reset, use.resets_at),
            credit_cost=use.credit_cost,
            deducted=use.amount.total,
            events=use.amount.events,
        )


class FeatureUseBody(WireModel):
    """What was taken from the balances of one feature; in credits when it is a credit system."""

    feature_type: Literal["metered", "credit_system"]
    deducted: Number
    events: int
    balances: list[BalanceUseBody]


class GroupUseBody(WireModel):
    """What one group took from a balance."""

    deducted: Number
    credit_cost: Number | None


class DeductedRow(WireModel):
    """One bin: what was taken from which balance."""

    period: Milliseconds
    values: dict[str, FeatureUseBody]
    grouped_values: dict[str, dict[str, GroupUseBody]] | None = None


DeductedRows = list[DeductedRow]


class AggregateBody(WireModel):
    """Usage over time."""

    list: list[AggregateRow]
    total: dict[str, TotalBody]
    deductions: DeductedRows | None = None


class SeriesWriter:
    """Writes a series down: its groups and entities by the names that callers have for them."""

    def __init__(
        self,
        request: SeriesRequest,
        series: Series,
        *,
        measure: str,
        names: Mapping[str, str],
        features: Mapping[str, Feature],
    ) -> None:
        self._request, self._series = request, series
        self._by_events = measure == "count"
        self._names, self._features = names, features

    def body(self) -> AggregateBody:
        """Every bin, whether there was usage in it or not."""
        numbers = range(len(self._request.edges) - 1)
        totals = {feature_id: self._series.total(feature_id) for feature_id in self._request.chosen.feature_ids}
        total = {
            feature_id: TotalBody(count=Decimal(each.events), sum=each.total) for feature_id, each in totals.items()
        }
        rows = [self._row(number) for number in numbers]
        if self._series.balances is None:
            return AggregateBody(list=rows, total=total)
        return AggregateBody(list=rows, total=total, deductions=[self._deducted(number) for number in numbers])

    def _row(self, number: int) -> AggregateRow:
        period, amounts = self._request.edges[number], self._series.amounts.get(number, {})
        feature_ids = self._request.chosen.feature_ids
        values = {feature_id: self._measured(amounts.get(feature_id, NOTHING)) for feature_id in feature_ids}
        if self._series.groups is None:
            return AggregateRow(period=period, values=values)
        groups = self._series.groups.get(number, {})
        grouped = {feature_id: self._grouped(groups.get(feature_id, {})) for feature_id in feature_ids}
        return AggregateRow(period=period, values=values, grouped_values=grouped)

    def _grouped(self, groups: Mapping[str, Amount]) -> dict[str, Decimal]:
        """By name: entities of several customers may have the same one."""
        named: dict[str, Amount] = {}
        for group, amount in groups.items():
            before = named.get(self._name(group), NOTHING)
            named[self._name(group)] = before.plus(amount.events, amount.total)
        return {name: self._measured(amount) for name, amount in named.items()}

    def _deducted(self, number: int) -> DeductedRow:
        uses = (self._series.balances or {}).get(number, ())
        deducted = (self._series.deducted or {}).get(number, {})
        values = {
            feature_id: FeatureUseBody(
                feature_type=self._type_of(feature_id),
                deducted=amount.total,
                events=amount.events,
                balances=[BalanceUseBody.of(use, self._names) for use in uses if use.feature_id == feature_id],
            )
            for feature_id, amount in deducted.items()
        }
        period = self._request.edges[number]
        if self._request.grouping is None:
            return DeductedRow(period=period, values=values)
        grouped = {
            use.balance_id: {
                self._name(group): GroupUseBody(deducted=each.amount.total, credit_cost=each.credit_cost)
                for group, each in use.groups.items()
            }
            for use in uses
        }
        return DeductedRow(period=period, values=values, grouped_values=grouped)

    def _measured(self, amount: Amount) -> Decimal:
        return Decimal(amount.events) if self._by_events else amount.total

    def _name(self, group: str) -> str:
        return self._names.get(group, group)

    def _type_of(self, feature_id: str) -> Literal["metered", "credit_system"]:
        feature = self._features.get(feature_id)
        return "metered" if feature is None or feature.kind is FeatureKind.METERED else "credit_system"
