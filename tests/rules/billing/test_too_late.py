"""A decision for which the money comes too late (decision 0017)."""

import pytest

from sumac.balances.requests import TrackRequest
from sumac.billing.model import (
    Action,
    ChangePlan,
    CountUsage,
    Decision,
    EndPlan,
    Holding,
    PausePlan,
    PlanStatus,
    StartPlan,
)
from sumac.billing.rules.waited import is_overtaken
from tests.rules.decisions import HALF
from tests.rules.offers import FREE, PREMIUM, PRO, at, held

HOLDER = held(PRO)
STARTED = StartPlan(held(PREMIUM, HALF).held, add_on=False, provisions=())
BEFORE, SINCE = at("2026-01-10"), at("2026-01-20")


@pytest.mark.parametrize(
    ("action", "plans", "overtaken"),
    [
        pytest.param(EndPlan(HOLDER.held), [HOLDER], False, id="nothing-happened"),
        pytest.param(EndPlan(HOLDER.held), [held(PRO, period_start=SINCE)], True, id="a-period-of-it-began"),
        pytest.param(EndPlan(HOLDER.held), [held(PRO, period_start=HALF)], False, id="at-that-instant"),
        pytest.param(EndPlan(HOLDER.held), [held(PRO, period_start=None)], False, id="without-periods"),
        pytest.param(ChangePlan(HOLDER.held), [held(PRO, period_start=SINCE)], True, id="a-change"),
        pytest.param(PausePlan(HOLDER.held), [held(PRO, period_start=SINCE)], True, id="a-pause"),
        pytest.param(STARTED, [held(PRO, period_start=SINCE)], False, id="a-period-of-another-plan"),
        pytest.param(
            CountUsage(TrackRequest("ada", "seats"), (), {}), [held(PRO, period_start=SINCE)], True, id="seats"
        ),
        pytest.param(STARTED, [HOLDER, held(FREE, SINCE)], True, id="another-plan-started"),
        pytest.param(STARTED, [held(PRO, status=PlanStatus.EXPIRED, ends_at=SINCE)], True, id="another-plan-ended"),
        pytest.param(STARTED, [held(PRO, status=PlanStatus.EXPIRED, ends_at=BEFORE)], False, id="ended-before"),
        pytest.param(STARTED, [held(PRO, status=PlanStatus.PAUSED, ends_at=SINCE)], False, id="paused"),
    ],
)
def test_what_comes_too_late(action: Action, plans: list[Holding], *, overtaken: bool) -> None:
    """A period that turned meanwhile makes what was decided wrong: it was billed for, and would be again."""
    history = [each.held for each in plans]

    assert overtaken is is_overtaken(Decision((action,), decided_at=HALF), history)
    assert not is_overtaken(Decision((action,)), history)
