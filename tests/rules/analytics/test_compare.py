"""Bills side by side: unchanged is no difference, and pages add up (decision 0023)."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumac.analytics.model import Comparison, Exclusion, FeatureReplay, PeriodBill, Totals, Used
from sumac.analytics.rules.compare import compute_features, compute_totals, find_exclusion
from sumac.analytics.rules.replay import compute_period_bill
from sumac.billing.model import Holding
from sumac.catalog.model import Plan, PlanTerms
from sumac.core.money import Money
from sumac.core.time import Period
from tests.laws.strategies import LAW, paid_plans
from tests.rules.offers import JANUARY, at, held, item, plan, snapshot

MONTH = Period(JANUARY, at("2026-02-01"))


def bill(cents: int, currency: str = "usd", *features: FeatureReplay) -> PeriodBill:
    """A bill of overage alone."""
    nothing = Money.zero(currency)
    return PeriodBill(nothing, nothing, Money(cents, currency), features)


def compared(before: PeriodBill | None, after: PeriodBill | None) -> Comparison:
    """Somebody who was replayed, or not."""
    return Comparison("cus_1", "plan_1", before, after)


def amounts(totals: Totals) -> Counter[tuple[str, str]]:
    """The sums by currency and side."""
    found: Counter[tuple[str, str]] = Counter()
    for each in totals.amounts:
        found[each.before.currency, "before"] += each.before.minor
        found[each.before.currency, "after"] += each.after.minor
    return found


@LAW
@given(offer=paid_plans("pro"), units=st.lists(st.integers(-5, 2000), max_size=6), extra=st.integers(0, 9))
def test_an_unchanged_price_makes_no_difference(offer: Plan, units: list[int], extra: int) -> None:
    """The same usage on the same terms costs the same, and so it does when a feature nobody used is added."""
    usage = [Used(at(f"2026-01-{day + 1:02}"), "messages", Decimal(each)) for day, each in enumerate(units)]
    holding = held(offer)
    more = Holding(holding.held, replace(offer, items=(*offer.items, item("action2", extra))))
    before, again, after = (compute_period_bill(snapshot(), each, usage, MONTH) for each in (holding, holding, more))

    assert before == again
    assert before.total == after.total
    assert before.total == before.recurring + before.prepaid + before.overage


@LAW
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["usd", "jpy"]))),
    st.integers(0, 5),
)
def test_totals_of_pages_add_up(customers: list[tuple[int, int, str]], cut: int) -> None:
    """Totals of all are the sum of the totals of any two pages, in each currency."""
    rows = [compared(bill(before, currency), bill(after, currency)) for before, after, currency in customers]
    rows += [compared(None, None)]
    pages = [compute_totals(rows[:cut]), compute_totals(rows[cut:])]
    whole = compute_totals(rows)

    assert amounts(whole) == amounts(pages[0]) + amounts(pages[1])
    for name in ("replayed", "excluded", "paying_more", "paying_less", "refused_more"):
        assert getattr(whole, name) == sum(getattr(page, name) for page in pages)


def test_totals_count_who_is_worse_off() -> None:
    """More, less and the same; refused more only where units are refused that are not refused now."""
    fine, refused = (FeatureReplay("messages", refused=Decimal(each), is_included=True) for each in (0, 3))
    totals = compute_totals(
        [
            compared(bill(100, "usd", fine), bill(200, "usd", refused)),
            compared(bill(200, "usd", refused), bill(100, "usd", refused)),
            compared(bill(5), bill(5)),
            compared(None, None),
        ]
    )

    assert (3, 1, 1, 1, 1) == (
        totals.replayed,
        totals.excluded,
        totals.paying_more,
        totals.paying_less,
        totals.refused_more,
    )


def test_features_of_either_terms_are_shown() -> None:
    """A feature that is taken away is there with what is refused of it; one that neither includes is not."""
    kept = FeatureReplay("messages", Decimal(5), is_included=True)
    lost, elsewhere = FeatureReplay("messages", Decimal(5), Decimal(5)), FeatureReplay("words", Decimal(1), Decimal(1))

    assert [(kept, lost)] == compute_features(bill(0, "usd", kept, elsewhere), bill(0, "usd", lost, elsewhere))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"trial_ends_at": JANUARY}, None),
        ({"terms": PlanTerms()}, Exclusion.CUSTOM_TERMS),
        ({"entity_key": "ent_1"}, Exclusion.ENTITY_PLAN),
        ({"starts_at": at("2026-01-02")}, Exclusion.HELD_FOR_PART),
        ({"trial_ends_at": at("2026-01-02")}, Exclusion.ON_TRIAL),
    ],
)
def test_who_is_not_replayed_has_a_reason(changes: dict[str, object], reason: Exclusion | None) -> None:
    """Own terms, an entity's plan, a plan held for a part of the period, a trial in it."""
    holding = held(plan("pro", 20))

    assert reason == find_exclusion(replace(holding.held, **changes), MONTH)  # type: ignore[arg-type]  # each row changes what it names
