"""Things to test with, each with a believable default for everything a test does not care about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from sumac.catalog.model import (
    BasePrice,
    BillingMethod,
    CreditCost,
    CurrencyAmount,
    Feature,
    FeatureKind,
    FreeTrial,
    ItemPrice,
    Plan,
    PlanItem,
    TrialUnit,
)
from sumac.core.time import Cadence, Interval

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
DAILY, MONTHLY, YEARLY = Cadence(Interval.DAY), Cadence(Interval.MONTH), Cadence(Interval.YEAR)
ONCE = Cadence(Interval.ONE_OFF)

Made = TypeVar("Made", Feature, FreeTrial, ItemPrice, Plan, PlanItem)


def feature(feature_id: str = "messages", **changes: object) -> Feature:
    """A metered feature whose units are used up."""
    made = Feature(feature_id, feature_id.capitalize(), FeatureKind.METERED, consumable=True, created_at=CREATED)
    return _changed(made, changes)


def seats(feature_id: str = "seats", **changes: object) -> Feature:
    """A metered feature whose units are held."""
    return feature(feature_id, **{"consumable": False, **changes})


def flag(feature_id: str = "sso", **changes: object) -> Feature:
    """A feature one has or has not."""
    return feature(feature_id, **{"kind": FeatureKind.BOOLEAN, "consumable": False, **changes})


def credit_system(
    feature_id: str = "credits", costs: Mapping[str, str] = {"messages": "0.2"}, **changes: object
) -> Feature:
    """Credits that pay for other features; `costs` are credits per unit of each."""
    schema = tuple(CreditCost(paid, Decimal(cost)) for paid, cost in costs.items())
    return feature(feature_id, **{"kind": FeatureKind.CREDIT_SYSTEM, "credit_schema": schema, **changes})


def item(feature_id: str = "messages", included: int | str = 0, **changes: object) -> PlanItem:
    """Units of a feature in a plan; `included` of them each month unless told otherwise."""
    return _changed(PlanItem(feature_id, Decimal(included), reset=MONTHLY), changes)


def held_item(feature_id: str = "seats", included: int | str = 0, **changes: object) -> PlanItem:
    """Units of a feature in a plan that never reset."""
    return item(feature_id, included, **{"reset": None, **changes})


def usage_price(amount: int | str | None = "0.01", **changes: object) -> ItemPrice:
    """What each unit beyond the included ones costs, in dollars, billed at the end of the month."""
    major = None if amount is None else Decimal(amount)
    return _changed(ItemPrice(MONTHLY, BillingMethod.USAGE_BASED, major), changes)


def prepaid_price(amount: int | str | None = 10, **changes: object) -> ItemPrice:
    """What each unit chosen in advance costs a month, in dollars."""
    return usage_price(amount, **{"billing_method": BillingMethod.PREPAID, **changes})


def price(amount: int | str = 20, cadence: Cadence = MONTHLY, **others: int | str) -> BasePrice:
    """What a plan costs by itself, in dollars and in `others` by their codes."""
    return BasePrice(Decimal(amount), cadence, in_currencies(**others))


def in_currencies(**amounts: int | str) -> tuple[CurrencyAmount, ...]:
    """What a price is beside its own amount, by the codes of the currencies."""
    return tuple(CurrencyAmount(currency, Decimal(amount)) for currency, amount in amounts.items())


def trial(days: int = 14, **changes: object) -> FreeTrial:
    """Days before the first charge."""
    return _changed(FreeTrial(days, TrialUnit.DAY), changes)


def plan(plan_id: str = "pro", *items: PlanItem, **changes: object) -> Plan:
    """A plan of $20 a month with these items."""
    return _changed(Plan(plan_id, 1, plan_id.capitalize(), CREATED, price=price(), items=items), changes)


def free_plan(plan_id: str = "free", *items: PlanItem, **changes: object) -> Plan:
    """A plan that costs nothing by itself."""
    return plan(plan_id, *items, **{"price": None, **changes})


def _changed(made: Made, changes: Mapping[str, object]) -> Made:
    return replace(made, **changes)  # type: ignore[arg-type]  # each test changes what it names
