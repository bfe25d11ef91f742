"""Usage that is limited: nothing is lost, a yes is kept, no limit is passed (billing.md §4, §5, §6)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumac.balances.controls import ControlSet, LimitType, OverageControl, SpendLimit, UsageLimit, WindowInterval
from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import OverageBehavior
from sumac.balances.rules.deduct import Deducted, Source, compute_sources
from sumac.balances.rules.limits import deduct_within, limiting_of
from sumac.core.errors import BadRequest
from sumac.core.quantity import QUANTITY_PRECISION
from tests.laws.strategies import LAW, grants_of, quantities, whole_quantities
from tests.rules.limited import CAP, NOON, OVERFLOW, REJECT, asked, balances, counters, held_plan, limited, used
from tests.rules.offers import ACTION1, grant

FEATURES = ("action1", "credits")
PLACES = Decimal("1e-9")
amounts = st.decimals(0, 150, places=2) | quantities
behaviors = st.sampled_from(OverageBehavior)


@st.composite
def control_sets(draw: st.DrawFn) -> ControlSet:
    """Entries for units, for credits, for both or for none."""
    features = st.lists(st.sampled_from(FEATURES), unique=True)
    percent = st.sampled_from(LimitType)
    interval = st.sampled_from(WindowInterval)
    return ControlSet(
        overage_allowed=tuple(OverageControl(each, draw(st.booleans())) for each in draw(features)),
        spend_limits=tuple(
            SpendLimit(each, draw(st.booleans()), draw(percent), draw(st.none() | whole_quantities))
            for each in draw(features)
        ),
        usage_limits=tuple(
            UsageLimit(each, draw(st.booleans()), draw(whole_quantities), draw(interval)) for each in draw(features)
        ),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> BalanceSnapshot:
    """A customer with units and credits, entries of theirs and of two plans, and some usage already."""
    plans = [replace(held_plan(key), controls=draw(control_sets())) for key in ("one", "two")]
    grants = [
        replace(each, customer_plan_id=draw(st.sampled_from([None, "held-one", "held-two"])))
        for each in (*draw(grants_of("action1", limit=3)), *draw(grants_of("credits", limit=2)))
    ]
    before = limited(grants, plans=plans, controls=draw(control_sets()))
    return used(before, draw(st.integers(0, 50)), draw(st.sampled_from([CAP, OVERFLOW])), "action1")


def deducted(before: BalanceSnapshot, value: Decimal, behavior: OverageBehavior) -> tuple[Sequence[Source], Deducted]:
    """What the usage comes to within its limits."""
    limiting = limiting_of(before, entity_key=None, properties={}, now=NOON)
    assert limiting is not None
    sources = compute_sources(ACTION1, before.grants, before.features)
    return sources, deduct_within(limiting, ACTION1, sources, value, behavior)[0]


def overage_of(grants: Sequence[Grant], feature_id: str) -> Decimal:
    """Units below zero."""
    return sum((each.overage for each in grants if each.feature_id == feature_id), Decimal(0))


@LAW
@given(snapshots(), amounts, behaviors)
def test_deductions_and_shortfall_are_the_request(
    before: BalanceSnapshot, value: Decimal, behavior: OverageBehavior
) -> None:
    """Whatever limits it, every unit is paid by a grant or left over, and none twice."""
    sources, outcome = deducted(before, value, behavior)
    cost_of = {source.grant.id: source.cost for source in sources}
    with localcontext() as context:
        context.prec = QUANTITY_PRECISION
        paid = sum((taken.amount / cost_of[taken.grant.id] for taken in outcome.taken), Decimal(0))

    assert abs(paid + outcome.shortfall - value) <= PLACES
    assert 0 <= outcome.shortfall <= value


@LAW
@given(snapshots(), amounts, st.sampled_from(FEATURES))
def test_a_check_that_says_yes_is_followed_by_a_track_that_fits(
    before: BalanceSnapshot, value: Decimal, feature_id: str
) -> None:
    """What check allows, track with reject counts; it would raise otherwise."""
    if asked(before, str(value), feature_id).allowed:
        counted = used(before, str(value), REJECT, feature_id)

        assert value == 0 or counted != before or any(each.unlimited for each in before.grants)


@LAW
@given(snapshots(), amounts)
def test_a_rejected_track_is_one_that_a_cap_would_cut(before: BalanceSnapshot, value: Decimal) -> None:
    """Reject refuses exactly what cap leaves a shortfall of; units that are held are not tried here."""
    _, outcome = deducted(before, value, REJECT)
    if outcome.shortfall:
        with pytest.raises(BadRequest):
            used(before, str(value), REJECT, "action1")
    else:
        assert {each.grant.id: each.grant.balance for each in outcome.taken}.items() <= {
            each.id: each.balance for each in used(before, str(value), CAP, "action1").grants
        }.items()


@LAW
@given(
    snapshots(), st.lists(st.tuples(st.sampled_from(["action1", "messages"]), amounts), min_size=2, max_size=4), amounts
)
def test_independent_tracks_have_no_order(
    before: BalanceSnapshot, tracked: list[tuple[str, Decimal]], included: Decimal
) -> None:
    """Usage of features that share nothing leaves the same balances and counters in any order, whatever limits it."""
    more = replace(before, grants=(*before.grants, grant("messages", str(included), id="plain")))
    ends = []
    for order in permutations(tracked):
        after = more
        for feature_id, value in order:
            after = used(after, str(value), CAP, feature_id)
        ends.append((balances(after), counters(after)))

    assert [ends[0]] * len(ends) == ends


@LAW
@given(snapshots(), amounts)
def test_no_counter_passes_its_limit(before: BalanceSnapshot, value: Decimal) -> None:
    """Without overflow a counter ends at its limit at most, or where it was."""
    after = used(before, str(value), CAP, "action1")
    entries = [
        each for own in (before.controls, *(plan.controls for plan in before.plans)) for each in own.usage_limits
    ]

    for (feature_id, entity_key), count in counters(after).items():
        highest = max(each.limit for each in entries if each.feature_id == feature_id)
        assert count <= max(highest, counters(before).get((feature_id, entity_key), Decimal(0)))


@LAW
@given(snapshots(), amounts, behaviors, whole_quantities)
def test_no_spend_limit_is_passed(
    before: BalanceSnapshot, value: Decimal, behavior: OverageBehavior, limit: Decimal
) -> None:
    """Overage ends at the limit at most, or where it was, whatever is asked; unlimited grants know no overage."""
    own = tuple(SpendLimit(each, enabled=True, overage_limit=limit) for each in FEATURES)
    held = replace(before, controls=replace(before.controls, spend_limits=own))
    _, outcome = deducted(held, value, behavior)
    changed = {each.grant.id: each.grant for each in outcome.taken}
    after = [changed.get(each.id, each) for each in held.grants]

    for feature_id in FEATURES:
        assert overage_of(after, feature_id) <= max(limit, overage_of(held.grants, feature_id))
