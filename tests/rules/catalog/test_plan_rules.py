"""Which plans are valid, and the form they are kept in (api.md §2.2, billing.md §1.4, §1.5)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.catalog.model import (
    BasePrice,
    BillingMethod,
    Feature,
    FeatureKind,
    FreeTrial,
    ItemPrice,
    Plan,
    PlanItem,
    Proration,
    Rollover,
    Tier,
    TierBehavior,
)
from sumac.catalog.rules.normal import compute_normal_form
from sumac.catalog.rules.plans import check_alone, check_plan
from sumac.core.errors import BadRequest, NotFound
from sumac.core.time import Cadence, Interval

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
FEATURES = {
    "messages": Feature("messages", "Messages", FeatureKind.METERED, True, CREATED),
    "seats": Feature("seats", "Seats", FeatureKind.METERED, False, CREATED),
    "desks": Feature("desks", "Desks", FeatureKind.METERED, False, CREATED),
    "sso": Feature("sso", "Single sign-on", FeatureKind.BOOLEAN, False, CREATED),
}
MONTHLY, WEEKLY, ONCE = Cadence(Interval.MONTH), Cadence(Interval.WEEK), Cadence(Interval.ONE_OFF)
TWENTY = BasePrice(Decimal(20), MONTHLY)
USAGE = ItemPrice(MONTHLY, BillingMethod.USAGE_BASED, Decimal("0.01"))
PREPAID = ItemPrice(MONTHLY, BillingMethod.PREPAID, Decimal(8))
MESSAGES = PlanItem("messages", Decimal(1000), reset=MONTHLY, price=USAGE)
SEATS = PlanItem("seats", Decimal(2), price=PREPAID)
BANDS = (Tier(Decimal(2000), Decimal("0.10")), Tier(None, Decimal("0.05")))
SEAT_OF_A_DESK = PlanItem(
    "seats", price=USAGE, proration=Proration("prorate_immediately", "none"), entity_feature_id="desks"
)
PRO = Plan("pro", 1, "Pro", CREATED, price=TWENTY, items=(MESSAGES, SEATS, PlanItem("sso")))
FREE = Plan("free", 1, "Free", CREATED, auto_enable=True, items=(PlanItem("messages", Decimal(50), reset=MONTHLY),))


def messages(**changes: object) -> PlanItem:
    return replace(MESSAGES, **changes)  # type: ignore[arg-type]  # each case changes what it names


def usage(**changes: object) -> PlanItem:
    return messages(price=replace(USAGE, amount=None, **changes))  # type: ignore[arg-type]  # as above


def seats(**changes: object) -> PlanItem:
    return replace(SEATS, **changes)  # type: ignore[arg-type]  # as above


def prepaid(**changes: object) -> PlanItem:
    return seats(price=replace(PREPAID, **changes))  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    "item",
    [
        MESSAGES,
        SEATS,
        usage(tiers=BANDS),
        prepaid(amount=None, tiers=BANDS, tier_behavior=TierBehavior.VOLUME),
        prepaid(
            amount=None, tiers=(Tier(Decimal(9), Decimal(1), Decimal(10)), BANDS[1]), tier_behavior=TierBehavior.VOLUME
        ),
        seats(reset=WEEKLY),
        seats(proration=Proration("prorate_immediately", "none")),
        messages(rollover=Rollover("month", 1, max_percentage=Decimal(50))),
        seats(price=replace(PREPAID, cadence=ONCE, amount=Decimal("9.99"))),
        PlanItem("messages", unlimited=True),
        seats(pooled=True),
        PlanItem("sso"),
    ],
)
def test_valid_items(item: PlanItem) -> None:
    """Nothing is said against a valid item."""
    check_plan(replace(PRO, items=(item,)), FEATURES, currency="usd")


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        pytest.param(usage(), "exactly one of amount and tiers", id="neither-amount-nor-tiers"),
        pytest.param(messages(price=replace(USAGE, tiers=BANDS)), "exactly one", id="amount-and-tiers"),
        pytest.param(usage(tiers=BANDS[:1]), 'last tier must go to "inf"', id="tiers-with-an-end"),
        pytest.param(usage(tiers=(BANDS[1], BANDS[1])), "only the last", id="two-last-tiers"),
        pytest.param(usage(tiers=(BANDS[0], *BANDS)), "above the one before", id="tiers-that-stand-still"),
        pytest.param(
            usage(tiers=(Tier(Decimal(1000), Decimal(1)), BANDS[1])),
            "above the included amount",
            id="first-tier-within-included",
        ),
        pytest.param(usage(tiers=(Tier(Decimal(2000), Decimal(-1)), BANDS[1])), "between 0", id="negative-tier"),
        pytest.param(usage(tiers=BANDS, tier_behavior=TierBehavior.VOLUME), "volume", id="volume-after-use"),
        pytest.param(
            prepaid(amount=None, tiers=(Tier(Decimal(9), Decimal(1), Decimal(5)), BANDS[1])),
            "flat_amount needs volume",
            id="flat-amount-in-bands",
        ),
        pytest.param(
            prepaid(amount=None, tiers=(Tier(None, Decimal(1), Decimal(5)),), tier_behavior=TierBehavior.VOLUME),
            "more than one",
            id="flat-amount-of-a-single-tier",
        ),
        pytest.param(messages(reset=WEEKLY), "reset.interval must equal", id="reset-unlike-price"),
        pytest.param(messages(included=Decimal(-1)), "included must be between", id="negative-included"),
        pytest.param(messages(included=Decimal("1e14")), "included must be between", id="huge-included"),
        pytest.param(prepaid(billing_units=Decimal(0)), "billing_units must be above", id="no-billing-units"),
        pytest.param(prepaid(billing_units=Decimal("1e-11")), "10 decimals", id="tiny-billing-units"),
        pytest.param(prepaid(amount=Decimal("1e11")), "between 0 and 10000000000", id="huge-amount"),
        pytest.param(usage(tiers=(Tier(Decimal("1e14"), Decimal(1)), BANDS[1])), "end of a tier", id="huge-tier"),
        pytest.param(prepaid(billing_units=Decimal(5)), "whole multiple", id="included-half-a-pack"),
        pytest.param(prepaid(amount=Decimal(-8)), "between 0", id="negative-amount"),
        pytest.param(prepaid(max_purchase=Decimal(-1)), "max_purchase", id="negative-max-purchase"),
        pytest.param(prepaid(cadence=Cadence(Interval.DAY)), "must be one of", id="daily-price"),
        pytest.param(
            messages(reset=None, price=replace(USAGE, cadence=ONCE)), "must be prepaid", id="one-off-after-use"
        ),
        pytest.param(prepaid(cadence=ONCE, amount=Decimal("0.001")), "2 decimals", id="one-off-below-a-cent"),
        pytest.param(
            messages(unlimited=True, price=replace(USAGE, amount=None, tiers=BANDS)), "unlimited", id="unlimited-tiers"
        ),
        pytest.param(messages(proration=Proration("prorate_immediately", "none")), "prepaid", id="proration-after-use"),
        pytest.param(seats(proration=Proration("bill_immediately", "none")), "bill_immediately", id="bill-immediately"),
        pytest.param(messages(pooled=True), "usage_based", id="pooled-after-use"),
        pytest.param(seats(pooled=True, unlimited=True), "pooled unlimited", id="pooled-unlimited-priced"),
        pytest.param(messages(rollover=Rollover("month", 1, max=Decimal(0))), "rollover.max", id="empty-rollover"),
        pytest.param(
            messages(rollover=Rollover("month", 1, max=Decimal(1), max_percentage=Decimal(1))),
            "not both",
            id="two-rollover-caps",
        ),
        pytest.param(
            messages(rollover=Rollover("month", 1, max_percentage=Decimal(101))),
            "max_percentage",
            id="rollover-above-all",
        ),
        pytest.param(messages(rollover=Rollover("month", -1)), "expiry_duration_length", id="negative-rollover-time"),
        pytest.param(
            PlanItem("seats", price=USAGE, rollover=Rollover("month", 1)),
            "nothing to roll over",
            id="rollover-of-held-units",
        ),
        pytest.param(PlanItem("sso", Decimal(1)), "boolean", id="boolean-with-units"),
        pytest.param(PlanItem("sso", price=PREPAID), "boolean", id="boolean-with-price"),
        pytest.param(messages(entity_feature_id="messages"), "whose units are held", id="per-unit-of-itself"),
        pytest.param(PlanItem("sso", entity_feature_id="messages"), "whose units are held", id="per-message"),
        pytest.param(PlanItem("messages", entity_feature_id="sso"), "whose units are held", id="per-flag"),
        pytest.param(SEAT_OF_A_DESK, "billed when they are taken", id="seats-billed-at-once-per-entity"),
    ],
)
def test_invalid_items(item: PlanItem, problem: str) -> None:
    """A broken rule is named."""
    with pytest.raises(BadRequest, match=problem) as caught:
        check_plan(replace(PRO, items=(item,)), FEATURES, currency="usd")

    assert "invalid_product_item" == caught.value.code


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        pytest.param(replace(PRO, price=BasePrice(Decimal(-1), MONTHLY)), "price.amount", id="negative-base-price"),
        pytest.param(replace(PRO, price=BasePrice(Decimal(1), Cadence(Interval.HOUR))), "price.interval", id="hourly"),
        pytest.param(replace(PRO, price=BasePrice(Decimal(5), WEEKLY)), "weekly and monthly", id="weeks-and-months"),
        pytest.param(replace(PRO, items=(MESSAGES, MESSAGES)), "stands twice", id="same-item-twice"),
        pytest.param(replace(PRO, items=(PlanItem("sso"), PlanItem("sso"))), "stands twice", id="boolean-twice"),
        pytest.param(replace(PRO, auto_enable=True), "auto-enabled only if", id="auto-enabled-and-paid"),
        pytest.param(
            replace(PRO, auto_enable=True, free_trial=FreeTrial(14)),
            "auto-enabled only if",
            id="auto-enabled-with-card",
        ),
        pytest.param(replace(PRO, free_trial=FreeTrial(0)), "duration_length", id="trial-of-no-time"),
        pytest.param(
            replace(PRO, add_on=True, free_trial=FreeTrial(7, on_end="revert")),
            "takes the place of another",
            id="add-on-that-reverts",
        ),
        pytest.param(
            replace(PRO, auto_enable=True, free_trial=FreeTrial(7, card_required=False, on_end="revert")),
            "takes the place of another",
            id="auto-enabled-that-reverts",
        ),
        pytest.param(
            replace(PRO, price=BasePrice(Decimal(9), ONCE), items=(), free_trial=FreeTrial(7)),
            "one-off plan",
            id="trial-of-a-one-off-plan",
        ),
    ],
)
def test_invalid_plans(plan: Plan, problem: str) -> None:
    """Rules about the parts of a plan together."""
    with pytest.raises(BadRequest, match=problem):
        check_plan(plan, FEATURES, currency="usd")


def test_unknown_feature() -> None:
    """An item needs its feature."""
    with pytest.raises(NotFound, match="Feature lights not found"):
        check_plan(replace(PRO, items=(PlanItem("lights"),)), FEATURES, currency="usd")
    with pytest.raises(NotFound, match="feature lights not found"):
        check_plan(replace(PRO, items=(messages(entity_feature_id="lights"),)), FEATURES, currency="usd")


def test_the_same_feature_with_another_reset() -> None:
    """Daily units beside monthly ones, and units of each entity beside those of the customer, are other items."""
    daily = PlanItem("messages", Decimal(10), reset=Cadence(Interval.DAY))
    of_each = [replace(each, entity_feature_id="seats") for each in (MESSAGES, PlanItem("sso"))]

    check_plan(replace(PRO, items=(MESSAGES, daily, PlanItem("sso"), *of_each)), FEATURES, currency="usd")


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(FREE, id="free-and-auto-enabled"),
        pytest.param(replace(PRO, price=None), id="no-base-price"),
        pytest.param(replace(PRO, price=None, items=()), id="nothing-at-all"),
        pytest.param(replace(PRO, free_trial=FreeTrial(14)), id="trial"),
    ],
)
def test_valid_plans(plan: Plan) -> None:
    """Nothing is said against a valid plan."""
    check_plan(plan, FEATURES, currency="usd")


def test_auto_enabled_with_a_trial_without_card() -> None:
    """A paid plan may start by itself when its trial needs no card."""
    check_plan(replace(PRO, auto_enable=True, free_trial=FreeTrial(14, card_required=False)), FEATURES, currency="usd")


def test_one_place_in_a_group() -> None:
    """A group starts one free plan by itself; other groups, trials and add-ons do not matter."""
    second = replace(FREE, id="starter")

    with pytest.raises(BadRequest, match="plan free is already auto-enabled"):
        check_alone(second, [FREE])
    check_alone(replace(second, group="team"), [FREE])
    check_alone(replace(second, add_on=True), [FREE])
    check_alone(replace(second, archived=True), [FREE])
    check_alone(replace(PRO, auto_enable=True), [FREE])


def test_the_kept_form() -> None:
    """What settings imply is written down."""
    items = (
        PlanItem("messages", Decimal(1000), price=replace(USAGE, amount=None, tiers=(Tier(None, Decimal("0.01")),))),
        seats(proration=Proration("prorate_next_cycle", "prorate"), rollover=Rollover("forever", 3)),
        PlanItem("sso"),
    )
    kept = compute_normal_form(replace(PRO, items=items), FEATURES)

    assert (
        replace(
            PRO,
            items=(
                MESSAGES,
                seats(proration=Proration("prorate_next_cycle", "prorate_next_cycle"), rollover=Rollover("forever", 0)),
                PlanItem("sso"),
            ),
        )
        == kept
    )


@pytest.mark.parametrize(
    ("on_increase", "on_decrease", "kept"),
    [
        ("prorate_immediately", "prorate", "prorate_immediately"),
        ("bill_immediately", "prorate_next_cycle", "prorate_immediately"),
        ("bill_next_cycle", "prorate_immediately", "prorate_next_cycle"),
        ("prorate_immediately", "none", "none"),
        ("prorate_next_cycle", "no_prorations", "no_prorations"),
    ],
)
def test_a_decrease_follows_the_increase(on_increase: str, on_decrease: str, kept: str) -> None:
    """A prorating decrease takes the increase's time; one that does not prorate stays (billing.md §1.5)."""
    plan = compute_normal_form(replace(PRO, items=(seats(proration=Proration(on_increase, on_decrease)),)), FEATURES)

    assert Proration(on_increase, kept) == plan.items[0].proration


def test_a_free_trial_of_a_free_plan_needs_no_card() -> None:
    """There is nothing to charge."""
    kept = compute_normal_form(replace(FREE, free_trial=FreeTrial(14)), FEATURES)

    assert FreeTrial(14, card_required=False) == kept.free_trial
