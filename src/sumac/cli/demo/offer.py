"""What the demo's company sells: a service that reads and answers questions about documents."""

from datetime import datetime
from decimal import Decimal

from sumac.catalog.model import (
    BasePrice,
    BillingMethod,
    CreditCost,
    Display,
    Feature,
    FeatureKind,
    FreeTrial,
    ItemPrice,
    Plan,
    PlanItem,
    Tier,
    TierBehavior,
    TrialUnit,
)
from sumac.core.time import Cadence, Interval

COMPANY = "Larkfield"
TRIAL_DAYS = 14
MONTHLY, YEARLY, ONCE = Cadence(Interval.MONTH), Cadence(Interval.YEAR), Cadence(Interval.ONE_OFF)


def features(created_at: datetime) -> tuple[Feature, ...]:
    """Two flags, four things that are used up, seats that are held, and credits that pay for two of the former."""

    def metered(feature_id: str, name: str, one: str, *, consumable: bool = True) -> Feature:
        display = Display(one, name.lower())
        return Feature(feature_id, name, FeatureKind.METERED, consumable, created_at, display)

    def flag(feature_id: str, name: str) -> Feature:
        return Feature(feature_id, name, FeatureKind.BOOLEAN, consumable=False, created_at=created_at)

    ai_credits = Feature(
        "credits",
        "AI credits",
        FeatureKind.CREDIT_SYSTEM,
        consumable=True,
        created_at=created_at,
        display=Display("credit", "credits"),
        credit_schema=(CreditCost("summaries", Decimal(1)), CreditCost("translations", Decimal("2.5"))),
    )
    return (
        metered("messages", "Messages", "message"),
        metered("pages", "Pages read", "page"),
        metered("summaries", "Summaries", "summary"),
        metered("translations", "Translations", "translation"),
        ai_credits,
        metered("seats", "Seats", "seat", consumable=False),
        flag("sso", "Single sign-on"),
        flag("priority_support", "Priority support"),
    )


def plans(created_at: datetime) -> tuple[Plan, ...]:
    """A free plan that starts by itself, two paid levels, one of them by the year too, an add-on and a credit pack."""

    def plan(plan_id: str, name: str, description: str, *items: PlanItem, price: BasePrice | None = None) -> Plan:
        return Plan(plan_id, 1, name, created_at, description, price=price, items=items)

    def add_on(plan_id: str, name: str, description: str, *items: PlanItem, price: BasePrice) -> Plan:
        return Plan(plan_id, 1, name, created_at, description, add_on=True, price=price, items=items)

    return (
        Plan(
            "free",
            1,
            "Free",
            created_at,
            "For trying it out",
            auto_enable=True,
            items=(_monthly("messages", 100), _monthly("pages", 50), _monthly("credits", 20), _held("seats", 1)),
        ),
        Plan(
            "pro",
            1,
            "Pro",
            created_at,
            "For a person who works with documents every day",
            price=_price(20),
            items=(
                _monthly("messages", 1_000, price=_used("0.01")),
                _monthly("pages", 500),
                _monthly("credits", 200),
                _held("seats", 3),
            ),
            free_trial=FreeTrial(TRIAL_DAYS, TrialUnit.DAY, card_required=False),
        ),
        plan("team", "Team", "For companies, with seats and single sign-on", *_team_items(), price=_price(99)),
        plan("team_annual", "Team, yearly", "Ten months for twelve", *_team_items(), price=_price(990, YEARLY)),
        add_on(
            "message_boost",
            "Message boost",
            "2,000 more messages every month",
            _monthly("messages", 2_000),
            price=_price(15),
        ),
        add_on(
            "credit_pack",
            "Credit pack",
            "1,000 AI credits that do not expire",
            _held("credits", 1_000),
            price=_price(25, ONCE),
        ),
    )


def _team_items() -> tuple[PlanItem, ...]:
    tiers = (Tier(Decimal(20_000), Decimal("0.008")), Tier(None, Decimal("0.005")))
    overage = ItemPrice(MONTHLY, BillingMethod.USAGE_BASED, tiers=tiers, tier_behavior=TierBehavior.GRADUATED)
    seat = ItemPrice(MONTHLY, BillingMethod.PREPAID, Decimal(12))
    return (
        _monthly("messages", 10_000, price=overage),
        PlanItem("pages", unlimited=True),
        _monthly("credits", 2_000, price=_used("0.02")),
        _held("seats", 5, price=seat),
        PlanItem("sso"),
        PlanItem("priority_support"),
    )


def _price(amount: int, cadence: Cadence = MONTHLY) -> BasePrice:
    return BasePrice(Decimal(amount), cadence)


def _used(amount: str) -> ItemPrice:
    return ItemPrice(MONTHLY, BillingMethod.USAGE_BASED, Decimal(amount))


def _monthly(feature_id: str, included: int, price: ItemPrice | None = None) -> PlanItem:
    return PlanItem(feature_id, Decimal(included), reset=MONTHLY, price=price)


def _held(feature_id: str, included: int, price: ItemPrice | None = None) -> PlanItem:
    return PlanItem(feature_id, Decimal(included), price=price)
