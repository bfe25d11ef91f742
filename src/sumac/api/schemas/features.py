"""Features on the wire (api.md §2.0, §2.3)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field

from sumac.api.schemas.wire import AnyId, FeatureId, Name, Number, Text, Truth, WireModel
from sumac.catalog.model import (
    CreditCost,
    Display,
    Feature,
    FeatureKind,
    ModelMarkup,
    ProviderMarkup,
    TokenMarkups,
)
from sumac.core.errors import BadRequest

FeatureType = Literal["boolean", "metered", "credit_system", "ai_credit_system"]
LIST_MAX = 100
Markup = Annotated[Number, Field(ge=-100)]
Cost = Annotated[Number, Field(ge=0)]
NO_MARKUPS = TokenMarkups()
Body = TypeVar("Body")
Kept = TypeVar("Kept")


class DisplayBody(WireModel):
    """What one and many units are called."""

    singular: Text | None = None
    plural: Text | None = None


class CreditCostBody(WireModel):
    """One unit of a metered feature costs this many credits."""

    metered_feature_id: FeatureId
    credit_cost: Number


CreditSchema = Annotated[list[CreditCostBody], Field(max_length=LIST_MAX)]
EventNames = Annotated[list[Name], Field(max_length=LIST_MAX)]


class ModelMarkupBody(WireModel):
    """What a model costs: percent on top of the public price, or costs per million tokens of its own."""

    markup: Markup | None = None
    input_cost: Cost | None = None
    output_cost: Cost | None = None

    @classmethod
    def of(cls, markup: ModelMarkup) -> Self:
        """As answered: what was given of it."""
        given = {name: getattr(markup, name) for name in cls.model_fields}
        return cls(**{name: value for name, value in given.items() if value is not None})


class ProviderMarkupBody(WireModel):
    """Percent on top of the public prices of a provider."""

    markup: Markup


class _Markups(WireModel):
    model_markups: Annotated[dict[AnyId, ModelMarkupBody], Field(max_length=LIST_MAX)] | None = None
    default_markup: Markup | None = None
    provider_markups: Annotated[dict[AnyId, ProviderMarkupBody], Field(max_length=LIST_MAX)] | None = None

    def markups(self, before: TokenMarkups | None = None) -> TokenMarkups | None:
        """The settings for tokens, the given ones over those before; None when there are none."""
        given: dict[str, Any] = {}
        if "model_markups" in self.model_fields_set:
            given["model_markups"] = _each(self.model_markups, lambda each: ModelMarkup(**dict(each)))
        if "default_markup" in self.model_fields_set:
            given["default_markup"] = self.default_markup
        if "provider_markups" in self.model_fields_set:
            given["provider_markups"] = _each(self.provider_markups, lambda each: ProviderMarkup(each.markup))
        after = replace(before or NO_MARKUPS, **given)
        return None if after == NO_MARKUPS else after


class FeatureCreate(_Markups):
    """A new feature."""

    feature_id: FeatureId
    name: Name
    type: FeatureType
    consumable: Truth | None = None
    display: DisplayBody | None = None
    credit_schema: CreditSchema | None = None
    event_names: EventNames | None = None

    def draft(self, now: datetime) -> Feature:
        """The feature to create. A metered feature is not consumable unless it says so (api.md §2.3)."""
        kind = FeatureKind(self.type)
        return Feature(
            id=self.feature_id,
            name=self.name,
            kind=kind,
            consumable=_consumable(kind, told=self.consumable),
            created_at=now,
            display=_display(self.display),
            event_names=tuple(self.event_names or ()),
            credit_schema=_schema(self.credit_schema),
            markups=self.markups(),
        )


class FeatureUpdate(_Markups):
    """Changes of a feature; what is not given stays."""

    feature_id: FeatureId
    new_feature_id: FeatureId | None = None
    name: Name | None = None
    type: FeatureType | None = None
    consumable: Truth | None = None
    display: DisplayBody | None = None
    credit_schema: CreditSchema | None = None
    event_names: EventNames | None = None
    archived: Truth | None = None

    def changed(self, before: Feature) -> Feature:
        """The feature after the change."""
        kind = FeatureKind(self.type) if self.type is not None else before.kind
        consumable = before.consumable if self.consumable is None and kind is before.kind else self.consumable
        return Feature(
            id=self.new_feature_id or before.id,
            name=self.name or before.name,
            kind=kind,
            consumable=_consumable(kind, told=consumable),
            created_at=before.created_at,
            display=_display(self.display) if "display" in self.model_fields_set else before.display,
            event_names=before.event_names if self.event_names is None else tuple(self.event_names),
            credit_schema=before.credit_schema if self.credit_schema is None else _schema(self.credit_schema),
            markups=self.markups(before.markups if kind is before.kind else None),
            archived=before.archived if self.archived is None else self.archived,
        )


class FeatureChoice(WireModel):
    """Which feature."""

    feature_id: FeatureId


class FeatureBody(WireModel):
    """A feature."""

    id: str
    name: str
    type: FeatureType
    consumable: Truth
    archived: Truth
    event_names: list[str] | None = None
    credit_schema: list[CreditCostBody] | None = None
    display: DisplayBody | None = None
    model_markups: dict[str, ModelMarkupBody] | None = None
    default_markup: Number | None = None
    provider_markups: dict[str, ProviderMarkupBody] | None = None

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """The feature as it is answered; keys that do not apply are left out."""
        optional: dict[str, Any] = {}
        if feature.kind is FeatureKind.METERED:
            optional["event_names"] = list(feature.event_names)
        if feature.credit_schema:
            optional["credit_schema"] = [_cost(cost) for cost in feature.credit_schema]
        if feature.display is not None:
            optional["display"] = DisplayBody(singular=feature.display.singular, plural=feature.display.plural)
        if feature.markups is not None:
            optional |= _shown(feature.markups)
        return cls(
            id=feature.id,
            name=feature.name,
            type=feature.kind.value,
            consumable=feature.consumable,
            archived=feature.archived,
            **optional,
        )


class FeatureList(WireModel):
    """Every feature."""

    list: list[FeatureBody]


def _consumable(kind: FeatureKind, *, told: bool | None) -> bool:
    if kind is FeatureKind.METERED:
        return bool(told)
    if told and kind is FeatureKind.BOOLEAN:
        message = "consumable is for metered features; a boolean feature has no units"
        raise BadRequest(message, code="invalid_feature")
    return kind is not FeatureKind.BOOLEAN


def _display(body: DisplayBody | None) -> Display | None:
    return None if body is None else Display(body.singular, body.plural)


def _schema(body: list[CreditCostBody] | None) -> tuple[CreditCost, ...]:
    return tuple(CreditCost(cost.metered_feature_id, cost.credit_cost) for cost in body or ())


def _cost(cost: CreditCost) -> CreditCostBody:
    return CreditCostBody(metered_feature_id=cost.metered_feature_id, credit_cost=cost.credit_cost)


def _each(bodies: Mapping[str, Body] | None, kept: Callable[[Body], Kept]) -> Mapping[str, Kept] | None:
    return None if bodies is None else {key: kept(body) for key, body in bodies.items()}


def _shown(markups: TokenMarkups) -> dict[str, Any]:
    shown = {
        "model_markups": _each(markups.model_markups, ModelMarkupBody.of),
        "default_markup": markups.default_markup,
        "provider_markups": _each(markups.provider_markups, lambda each: ProviderMarkupBody(markup=each.markup)),
    }
    return {name: value for name, value in shown.items() if value is not None}
