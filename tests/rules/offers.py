"""The features, plans and customers the rules are tried on (billing.md, conventions and §23): values, no database."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sumac.balances.model import Grant
from sumac.billing.model import (
    CustomerPlan,
    Holding,
    PlanStatus,
    Snapshot,
)
from sumac.catalog.model import (
    BasePrice,
    BillingMethod,
    CreditCost,
    Feature,
    FeatureKind,
    FreeTrial,
    ItemPrice,
    Plan,
    PlanItem,
    TrialUnit,
)
from sumac.catalog.rules.shape import is_one_off, shortest_cadence
from sumac.core.time import Cadence, Interval, cycle
from sumac.customers.model import Customer

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MONTHLY, QUARTERLY = Cadence(Interval.MONTH), Cadence(Interval.QUARTER)
YEARLY, ONCE = Cadence(Interval.YEAR), Cadence(Interval.ONE_OFF)


def at(text: str) -> datetime:
    """An instant from a day, or a day and a time, such as 2026-01-31 10:00."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def feature(feature_id: str, **changes: Any) -> Feature:
    """A consumable metered feature, with changes."""
    plain = Feature(feature_id, feature_id.title(), FeatureKind.METERED, consumable=True, created_at=JANUARY)
    return replace(plain, **changes)


def credit_system(feature_id: str, **costs: str) -> Feature:
    """A credit system that pays for metered features at these costs."""
    schema = tuple(CreditCost(paid_for, Decimal(cost)) for paid_for, cost in costs.items())
    return feature(feature_id, kind=FeatureKind.CREDIT_SYSTEM, credit_schema=schema)


MESSAGES, WORDS = feature("messages"), feature("words")
SEATS = feature("seats", consumable=False)
SSO = feature("sso", kind=FeatureKind.BOOLEAN, consumable=False)
ACTION1, ACTION2 = feature("action1"), feature("action2")
CREDITS = credit_system("credits", action1="0.2", action2="0.6")
CREDITS3 = credit_system("credits3", action1="2")
FEATURES = {each.id: each for each in (MESSAGES, WORDS, SEATS, SSO, ACTION1, ACTION2, CREDITS, CREDITS3)}


def prepaid(rate: str, *, cadence: Cadence = MONTHLY, units: int = 1, **changes: Any) -> ItemPrice:
    """A price per pack of units paid in advance."""
    return ItemPrice(cadence, BillingMethod.PREPAID, Decimal(rate), billing_units=Decimal(units), **changes)


def usage_based(rate: str, *, cadence: Cadence = MONTHLY, units: int = 1, **changes: Any) -> ItemPrice:
    """A price per pack of units paid after use."""
    return ItemPrice(cadence, BillingMethod.USAGE_BASED, Decimal(rate), billing_units=Decimal(units), **changes)


def item(feature_id: str, included: int | str = 0, **changes: Any) -> PlanItem:
    """A plan item; consumables reset every month unless told otherwise."""
    resets = changes.pop("reset", MONTHLY if FEATURES[feature_id].consumable else None)
    return PlanItem(feature_id, Decimal(included), reset=resets, **changes)


def plan(plan_id: str, amount: int | str | None = None, *items: PlanItem, **changes: Any) -> Plan:
    """A plan that costs this amount every month, or every `cadence`; free without an amount and priced items."""
    cadence = changes.pop("cadence", MONTHLY)
    price = None if amount is None else BasePrice(Decimal(amount), cadence)
    return Plan(plan_id, 1, plan_id.title(), JANUARY, price=price, items=items, **changes)


FREE = plan("free", None, item("messages", 100), auto_enable=True)
PRO = plan("pro", 20, item("messages", 100, price=usage_based("0.10")))
PREMIUM = plan("premium", 50, item("messages", 500, price=usage_based("0.05")))
GROWTH = plan("growth", 100, item("messages", 2000))
PRO_ANNUAL = plan("pro-annual", 200, item("messages", 100), cadence=YEARLY)
ADD_ON = plan("add-on", 20, item("words", 50), add_on=True)
ONE_OFF = plan(
    "one-off", 10, item("messages", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100)), cadence=ONCE
)
TRIAL = FreeTrial(14, TrialUnit.DAY)
PRO_TRIAL = replace(PRO, id="pro-trial", free_trial=TRIAL)


def grant(feature_id: str, included: int | str = 0, used: int | str = 0, **changes: Any) -> Grant:
    """A grant of units, some of them used, that resets every month; `reset=None` makes it last."""
    prepaid_units = Decimal(changes.pop("prepaid", 0))
    resets = changes.pop("reset", MONTHLY)
    plain = Grant(
        id=changes.pop("id", f"{feature_id}-grant"),
        customer_key="cus_1",
        feature_id=feature_id,
        customer_plan_id=None,
        plan_id=None,
        anchor_at=JANUARY,
        created_at=JANUARY,
        included=Decimal(included),
        prepaid=prepaid_units,
        balance=Decimal(included) + prepaid_units - Decimal(used),
        reset=resets,
        resets_at=None if resets is None else cycle(JANUARY, resets, JANUARY).end,
    )
    return replace(plain, **changes)


def held(offer: Plan, started: datetime = JANUARY, **changes: Any) -> Holding:
    """The customer holds the plan since `started`, in the period that began then."""
    cadence = shortest_cadence(offer)
    anchor = changes.get("anchor_at", started)
    plain = CustomerPlan(
        id=changes.pop("id", f"held-{offer.id}"),
        customer_key="cus_1",
        plan_id=offer.id,
        version=offer.version,
        status=PlanStatus.ACTIVE,
        recurring=not is_one_off(offer),
        anchor_at=anchor,
        starts_at=started,
        created_at=started,
        period_start=started if cadence else None,
        period_end=cycle(anchor, cadence, started).end if cadence else None,
    )
    return Holding(replace(plain, **changes), offer)


def scheduled(offer: Plan, starts_at: datetime, **changes: Any) -> Holding:
    """The plan will start at that instant."""
    waiting = held(offer, starts_at, status=PlanStatus.SCHEDULED, created_at=JANUARY, **changes)
    return Holding(replace(waiting.held, period_start=None, period_end=None), offer)


def canceling(holding: Holding, ends_at: datetime) -> Holding:
    """The plan runs on until that instant only."""
    return Holding(replace(holding.held, canceled_at=JANUARY, ends_at=ends_at), holding.plan)


def snapshot(*holdings: Holding, grants: Sequence[Grant] = (), card: bool = True, **changes: Any) -> Snapshot:
    """A customer with these plans and grants, and with a card on file unless told otherwise."""
    plain = Snapshot(
        customer=Customer("cus_1", JANUARY, id="acme"),
        currency="usd",
        holdings=holdings,
        grants=tuple(grants),
        features=FEATURES,
        auto_enabled=(),
        plan_ids=("new-plan",),
        has_payment_method=card,
    )
    return replace(plain, **changes)
