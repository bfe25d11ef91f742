"""Whatever phases follow each other, they come true (billing.md §13.2)."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.billing.model import Decision, Snapshot
from sumac.billing.phases import Schedule
from sumac.billing.requests import AttachRequest, CancelAction, CancelRequest, Phase, PlanWish, ScheduleRequest
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.decision import decide
from sumac.billing.rules.transition import slot_of
from sumac.billing.rules.turn import decide_turn
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_main_recurring, is_one_off
from sumac.core.time import Cadence, Interval, add_months
from tests.laws.strategies import LAW, instants
from tests.laws.test_turn_laws import applied, due_at
from tests.rules.offers import ADD_ON, FREE, GROWTH, ONE_OFF, PREMIUM, PRO, PRO_ANNUAL, PRO_TRIAL, plan, snapshot

WEEKLY = plan("weekly", 3, cadence=Cadence(Interval.WEEK), add_on=True)
EU = replace(PRO, id="eu", group="eu")
PLANS = {each.id: each for each in (FREE, PRO, PREMIUM, GROWTH, PRO_ANNUAL, PRO_TRIAL, EU, ADD_ON, WEEKLY, ONE_OFF)}
IDS = tuple(f"placed-{number}" for number in range(60))
TURNS = 400


@st.composite
def together(draw: st.DrawFn) -> list[Plan]:
    """Plans that can be held together."""
    chosen = draw(st.lists(st.sampled_from(sorted(PLANS)), min_size=1, max_size=4, unique=True))
    return list({slot_of(PLANS[each]): PLANS[each] for each in chosen}.values())


@st.composite
def requests(draw: st.DrawFn, now: datetime) -> tuple[ScheduleRequest, list[Plan]]:
    """A schedule of up to four phases, from hours to months after each other, and the plans it names."""
    phases, plans, starts_at = [], [], now
    for number in range(draw(st.integers(1, 4))):
        if number:
            whole = draw(st.booleans())
            months, hours = draw(st.integers(1, 3)), draw(st.integers(1, 1500))
            starts_at = add_months(starts_at, months) if whole else starts_at + timedelta(hours=hours)
        named = draw(together())
        wishes = tuple(PlanWish(each.id) for each in named)
        anchor_here = number > 0 and draw(st.booleans())
        phases.append(Phase(wishes, starts_at if number else None, anchor_here=anchor_here))
        plans += named
    return ScheduleRequest("acme", tuple(phases)), plans


def scheduled(state: Snapshot, request: ScheduleRequest, plans: list[Plan], now: datetime, name: str) -> Decision:
    """The decision, with ids of its own."""
    own = replace(state, schedule_id=name, plan_ids=tuple(f"{name}-{each}" for each in IDS))
    return decide(own, plans, request, now=now)


@st.composite
def customers(draw: st.DrawFn) -> tuple[Snapshot, datetime]:
    """A customer who holds up to two plans, perhaps one of them canceled, and perhaps a schedule before."""
    now = draw(instants)
    state = snapshot(auto_enabled=draw(st.sampled_from([(), (FREE,)])))
    held_before = draw(together())
    for held in held_before[: draw(st.integers(0, 2))]:
        own = replace(state, plan_ids=(f"held-{held.id}", f"held-{held.id}-2"))
        state = applied(own, decide_attach(own, held, AttachRequest("acme", held.id), now=now), PLANS)
    paid = [each.plan.id for each in state.holdings if each.held.recurring and each.plan.id != "free"]
    cancels = draw(st.booleans())
    if paid and cancels:
        cancel = CancelRequest("acme", CancelAction.CANCEL_END_OF_CYCLE, paid[0])
        state = applied(state, decide_cancel(state, cancel, now=now), PLANS)
    if draw(st.booleans()):
        request, plans = draw(requests(now))
        state = applied(state, scheduled(state, request, plans, now, "before"), PLANS)
    return state, now


def turned(state: Snapshot, until: datetime) -> Snapshot:
    """The customer at the instant, everything due turned."""
    for number in range(TURNS):
        at = due_at(state)
        if at is None or at > until:
            return state
        own = replace(state, plan_ids=tuple(f"turn-{at:%s}-{number}-{each}" for each in range(5)))
        state = applied(own, decide_turn(own, at=at), PLANS)

        assert one_in_each_place(state)
    message = "turning does not come to an end"
    raise AssertionError(message)


def one_in_each_place(state: Snapshot) -> bool:
    """Whether no group has two main plans that run."""
    mains = [each.plan.group for each in state.holdings if each.held.is_usable and is_main_recurring(each.plan)]
    return len(mains) == len(set(mains))


def running(state: Snapshot) -> dict[str, str]:
    """What runs and recurs: the plan by the id of the customer plan."""
    return {each.held.id: each.plan.id for each in state.holdings if each.held.is_usable and each.held.recurring}


@LAW
@given(st.data(), customers())
def test_every_phase_comes_true(data: st.DataObject, case: tuple[Snapshot, datetime]) -> None:
    """When a phase has begun its plans run, those it placed before and does not name do not, nor two in one place."""
    state, now = case
    request, plans = data.draw(requests(now))
    decision = scheduled(state, request, plans, now, "sched")
    assert isinstance(decision.schedule, Schedule)
    state = applied(state, decision, PLANS)
    named = [{wish.plan_id for wish in phase.plans} for phase in request.phases]
    for phase, plan_ids in zip(decision.schedule.phases, named, strict=True):
        state = turned(state, phase.starts_at)
        runs = running(state)
        members = {runs[each] for each in phase.customer_plan_ids if each in runs}
        placed = {each.held.id for each in state.holdings if each.held.schedule_id == "sched"} & runs.keys()

        assert one_in_each_place(state)
        assert members == {each for each in plan_ids if not is_one_off(PLANS[each])}
        assert placed - set(phase.customer_plan_ids) <= {each for each in runs if runs[each] == "free"}


@LAW
@given(st.data(), customers())
def test_the_same_schedule_again_is_free(data: st.DataObject, case: tuple[Snapshot, datetime]) -> None:
    """Placed twice at one instant it costs nothing the second time, and what runs is the same."""
    state, now = case
    request, plans = data.draw(requests(now))
    first = applied(state, scheduled(state, request, plans, now, "first"), PLANS)
    again = scheduled(first, request, plans, now, "again")

    assert Decimal(0) == sum((line.exact_minor for line in (again.invoice.lines if again.invoice else ())), Decimal(0))
    second = applied(first, again, PLANS)
    assert running(first) == running(second)
    assert {each.plan.id for each in second.holdings} == {each.plan.id for each in first.holdings}
