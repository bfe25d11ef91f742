"""Items of plans on the wire: what is included, when it resets, what more of it costs (api.md §2.0)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field

from sumac.api.schemas.wire import Currency, FeatureId, Number, Truth, WholeNumber, WireModel
from sumac.catalog.model import (
    BillingMethod,
    CurrencyAmount,
    Feature,
    FeatureKind,
    ItemPrice,
    PlanItem,
    Proration,
    Rollover,
    Tier,
    TierAmount,
    TierBehavior,
)
from sumac.catalog.rules.text import item_texts
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Interval

ResetInterval = Literal["one_off", "minute", "hour", "day", "week", "month", "quarter", "semi_annual", "year"]
BillingInterval = Literal["one_off", "week", "month", "quarter", "semi_annual", "year"]
ENDLESS: Final = "inf"
TIERS_MAX = 100
CURRENCIES_MAX = 100
Count = Annotated[WholeNumber, Field(ge=1, le=1000)]
OLD_TYPES = {FeatureKind.BOOLEAN: "boolean", FeatureKind.CREDIT_SYSTEM: "credit_system",
             FeatureKind.AI_CREDIT_SYSTEM: "ai_credit_system"}  # fmt: skip


class DisplayText(WireModel):
    """How a price or an item reads."""

    primary_text: str
    secondary_text: str | None = None


class ResetBody(WireModel):
    """How often a balance starts anew; `one_off` never."""

    interval: ResetInterval
    interval_count: Count | None = None

    def cadence(self) -> Cadence:
        """As a cadence."""
        return Cadence(Interval(self.interval), self.interval_count or 1)

    @classmethod
    def of(cls, cadence: Cadence) -> Self:
        """The count is left out while it is 1."""
        if cadence.count == 1:
            return cls(interval=cadence.interval.value)
        return cls(interval=cadence.interval.value, interval_count=cadence.count)


class CurrencyAmountBody(WireModel):
    """The same price in another currency."""

    currency: Currency
    amount: Number


CurrencyAmounts = Annotated[list[CurrencyAmountBody], Field(max_length=CURRENCIES_MAX)]


class TierCurrencyBody(WireModel):
    """The same tier in another currency: it needs every amount that the tier has."""

    currency: Currency
    amount: Number | None = None
    flat_amount: Number | None = None

    @classmethod
    def of(cls, listed: TierAmount) -> Self:
        """The flat amount is left out while it is 0."""
        optional = {"flat_amount": listed.flat_amount} if listed.flat_amount else {}
        return cls(currency=listed.currency, amount=listed.amount, **optional)


class TierBody(WireModel):
    """Units up to and including `to` cost `amount` per billing unit."""

    to: Number | Literal["inf"]
    amount: Number | None = None
    flat_amount: Number | None = None
    additional_currencies: Annotated[list[TierCurrencyBody], Field(max_length=CURRENCIES_MAX)] | None = None

    def tier(self) -> Tier:
        """As a tier. Raises BadRequest `invalid_product_item` for a currency that lacks an amount of the tier."""
        to = None if isinstance(self.to, str) else self.to
        listed = tuple(self._listed(each) for each in self.additional_currencies or ())
        return Tier(to, self.amount or Decimal(0), self.flat_amount or Decimal(0), listed)

    def _listed(self, given: TierCurrencyBody) -> TierAmount:
        for name in ("amount", "flat_amount"):
            if getattr(self, name) and getattr(given, name) is None:
                message = f"tiers.additional_currencies: {given.currency} needs the {name} that the tier has"
                raise BadRequest(message, code="invalid_product_item")
        return TierAmount(given.currency, given.amount or Decimal(0), given.flat_amount or Decimal(0))

    @classmethod
    def of(cls, tier: Tier, currency: str | None = None) -> Self:
        """The flat amount is left out while it is 0.

        With `currency`, the one it is in, the others that it has are shown.
        """
        to: Decimal | Literal["inf"] = ENDLESS if tier.to is None else tier.to
        optional: dict[str, Any] = {"flat_amount": tier.flat_amount} if tier.flat_amount else {}
        others = [TierCurrencyBody.of(each) for each in tier.additional_currencies if each.currency != currency]
        if others and currency is not None:
            optional["additional_currencies"] = others
        return cls(to=to, amount=tier.amount, **optional)


class ItemPriceIn(WireModel):
    """What units cost; exactly one of amount and tiers."""

    amount: Number | None = None
    tiers: Annotated[list[TierBody], Field(max_length=TIERS_MAX)] | None = None
    tier_behavior: Literal["graduated", "volume"] | None = None
    additional_currencies: CurrencyAmounts | None = None
    interval: BillingInterval
    interval_count: Count | None = None
    billing_units: Number | None = None
    billing_method: Literal["prepaid", "usage_based"]
    max_purchase: Number | None = None

    def price(self) -> ItemPrice:
        """As an item price. Raises BadRequest `invalid_product_item` for an incomplete tier."""
        tiers = tuple(tier.tier() for tier in self.tiers or ())
        behavior = TierBehavior(self.tier_behavior) if self.tier_behavior else None
        return ItemPrice(
            cadence=Cadence(Interval(self.interval), self.interval_count or 1),
            billing_method=BillingMethod(self.billing_method),
            amount=self.amount,
            tiers=tiers,
            tier_behavior=(behavior or TierBehavior.GRADUATED) if tiers else None,
            billing_units=Decimal(1) if self.billing_units is None else self.billing_units,
            max_purchase=self.max_purchase,
            additional_currencies=currency_amounts(self.additional_currencies),
        )


class ProrationBody(WireModel):
    """What a change of a prepaid quantity costs at once."""

    on_increase: Literal["bill_immediately", "prorate_immediately", "prorate_next_cycle", "bill_next_cycle"]
    on_decrease: Literal["prorate", "prorate_immediately", "prorate_next_cycle", "none", "no_prorations"]


class RolloverBody(WireModel):
    """What happens to units left at a reset."""

    max: Number | None = None
    max_percentage: Annotated[Number, Field(ge=0, le=100)] | None = None
    expiry_duration_type: Literal["month", "forever"]
    expiry_duration_length: WholeNumber | None = None

    def rollover(self) -> Rollover:
        """As a rollover."""
        return Rollover(self.expiry_duration_type, self.expiry_duration_length, self.max, self.max_percentage)

    @classmethod
    def of(cls, rollover: Rollover) -> Self:
        """The percentage and the length are left out where there is none."""
        given = {"max_percentage": rollover.max_percentage, "expiry_duration_length": rollover.expiry_duration_length}
        optional: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return cls(max=rollover.max, expiry_duration_type=rollover.expiry_duration_type, **optional)  # type: ignore[arg-type]  # stored as it was validated


class PlanItemIn(WireModel):
    """One feature of a plan."""

    feature_id: FeatureId
    included: Number | None = None
    unlimited: Truth | None = None
    pooled: Truth | None = None
    reset: ResetBody | None = None
    price: ItemPriceIn | None = None
    proration: ProrationBody | None = None
    rollover: RolloverBody | None = None
    entity_feature_id: FeatureId | None = None

    def item(self) -> PlanItem:
        """As a plan item."""
        proration = self.proration
        return PlanItem(
            feature_id=self.feature_id,
            included=self.included or Decimal(0),
            unlimited=bool(self.unlimited),
            pooled=bool(self.pooled),
            reset=self.reset.cadence() if self.reset else None,
            price=self.price.price() if self.price else None,
            proration=Proration(proration.on_increase, proration.on_decrease) if proration else None,
            entity_feature_id=self.entity_feature_id,
            rollover=self.rollover.rollover() if self.rollover else None,
        )


class ItemPriceBody(WireModel):
    """What units cost."""

    amount: Number | None = None
    tiers: list[TierBody] | None = None
    tier_behavior: Literal["graduated", "volume"] | None = None
    additional_currencies: list[CurrencyAmountBody] | None = None
    interval: BillingInterval
    interval_count: WholeNumber | None = None
    billing_units: Number
    billing_method: Literal["prepaid", "usage_based"]
    max_purchase: Number | None

    @classmethod
    def of(cls, price: ItemPrice, currency: str) -> Self:
        """The amount or the tiers, whichever the price has, in this currency, and the others it is offered in."""
        fields: dict[str, Any] = {"interval": price.cadence.interval.value}
        if price.cadence.count != 1:
            fields["interval_count"] = price.cadence.count
        return cls(
            **fields,
            **rate_fields(price, currency),
            billing_units=price.billing_units,
            billing_method=price.billing_method.value,
            max_purchase=price.max_purchase,
        )


class ItemFeatureBody(WireModel):
    """The feature of an item, in the words of older contracts."""

    id: str
    name: str | None = None
    type: str
    display: dict[str, str] | None = None
    archived: Truth | None = None

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """Metered features are single_use or continuous_use here; the display is shown when both words are known."""
        metered = "single_use" if feature.consumable else "continuous_use"
        words, optional = feature.display, {}
        if words is not None and words.singular and words.plural:
            optional = {"display": {"singular": words.singular, "plural": words.plural}}
        return cls(
            id=feature.id,
            name=feature.name,
            type=OLD_TYPES.get(feature.kind, metered),
            archived=feature.archived,
            **optional,
        )


class PlanItemBody(WireModel):
    """One feature of a plan, as answered."""

    feature_id: str
    feature: ItemFeatureBody | None = None
    included: Number
    unlimited: Truth
    pooled: Truth
    reset: ResetBody | None
    price: ItemPriceBody | None
    display: DisplayText | None = None
    proration: ProrationBody | None = None
    entity_feature_id: str | None = None
    rollover: RolloverBody | None = None

    @classmethod
    def of(cls, item: PlanItem, feature: Feature | None, currency: str, *, expand: bool) -> Self:
        """The item with its texts, and with its feature when expanded."""
        optional: dict[str, Any] = {}
        if feature is not None:
            primary, secondary = item_texts(item, feature, currency)
            optional["display"] = display_text(primary, secondary)
            if expand:
                optional["feature"] = ItemFeatureBody.of(feature)
        if item.proration is not None:
            optional["proration"] = ProrationBody(
                on_increase=item.proration.on_increase,  # type: ignore[arg-type]  # stored as it was validated
                on_decrease=item.proration.on_decrease,  # type: ignore[arg-type]  # stored as it was validated
            )
        if item.entity_feature_id is not None:
            optional["entity_feature_id"] = item.entity_feature_id
        if item.rollover is not None:
            optional["rollover"] = RolloverBody.of(item.rollover)
        return cls(
            feature_id=item.feature_id,
            included=item.included,
            unlimited=item.unlimited,
            pooled=item.pooled,
            reset=ResetBody.of(item.reset) if item.reset else None,
            price=ItemPriceBody.of(item.price, currency) if item.price else None,
            **optional,
        )


def rate_fields(price: ItemPrice, currency: str | None = None) -> dict[str, Any]:
    """The amount, or the tiers with their behaviour; with `currency`, the one it is in, also the others it has."""
    if price.amount is not None:
        others = {} if currency is None else currency_fields(price.additional_currencies, currency)
        return {"amount": price.amount, **others}
    behavior = price.tier_behavior or TierBehavior.GRADUATED
    return {"tiers": [TierBody.of(tier, currency) for tier in price.tiers], "tier_behavior": behavior.value}


def currency_amounts(given: Sequence[CurrencyAmountBody] | None) -> tuple[CurrencyAmount, ...]:
    """The amounts in other currencies."""
    return tuple(CurrencyAmount(each.currency, each.amount) for each in given or ())


def currency_fields(listed: Sequence[CurrencyAmount], currency: str) -> dict[str, Any]:
    """The other currencies a price is offered in, beside the one it is shown in; left out where there are none."""
    others = [
        CurrencyAmountBody(currency=each.currency, amount=each.amount) for each in listed if each.currency != currency
    ]
    return {"additional_currencies": others} if others else {}


def display_text(primary: str, secondary: str | None) -> DisplayText:
    """The secondary text is left out where there is none."""
    if secondary is None:
        return DisplayText(primary_text=primary)
    return DisplayText(primary_text=primary, secondary_text=secondary)
