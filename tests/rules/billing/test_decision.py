"""Each request is answered by its own rule, whoever asks (design.md decision 3)."""

import pytest

from sumac.billing.model import Decision
from sumac.billing.requests import (
    AttachRequest,
    BillingRequest,
    CancelAction,
    CancelRequest,
    MultiAttachRequest,
    MultiCancelRequest,
    Phase,
    PlanWish,
    ScheduleRequest,
    UpdateRequest,
)
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.decision import decide
from sumac.billing.rules.multi import decide_multi_attach, decide_multi_cancel
from sumac.billing.rules.preview import NextCycle, merge_cycles
from sumac.billing.rules.schedule import decide_schedule
from sumac.billing.rules.update import decide_update
from tests.rules.decisions import FEBRUARY, MARCH
from tests.rules.offers import ADD_ON, JANUARY, PREMIUM, PRO, held, snapshot

STATE = snapshot(held(PRO))
CANCEL = CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, "pro")
ATTACH = AttachRequest("acme", "premium")
SEVERAL = MultiAttachRequest("acme", (PlanWish("add-on"),))
UPDATE = UpdateRequest("acme", "pro", anchor="now")
SCHEDULE = ScheduleRequest("acme", (Phase((PlanWish("premium"),)),))


@pytest.mark.parametrize(
    ("request_", "plan", "expected"),
    [
        pytest.param(ATTACH, PREMIUM, decide_attach(STATE, PREMIUM, ATTACH, now=JANUARY), id="attach"),
        pytest.param(SEVERAL, ADD_ON, decide_multi_attach(STATE, [ADD_ON], SEVERAL, now=JANUARY), id="several"),
        pytest.param(UPDATE, PRO, decide_update(STATE, PRO, UPDATE, now=JANUARY), id="update"),
        pytest.param(SCHEDULE, PREMIUM, decide_schedule(STATE, [PREMIUM], SCHEDULE, now=JANUARY), id="schedule"),
        pytest.param(CANCEL, PRO, decide_cancel(STATE, CANCEL, now=JANUARY), id="cancel"),
        pytest.param(
            MultiCancelRequest("acme", (CANCEL,)),
            PRO,
            decide_multi_cancel(STATE, MultiCancelRequest("acme", (CANCEL,)), now=JANUARY),
            id="cancel-several",
        ),
    ],
)
def test_the_rule_of_a_request(request_: BillingRequest, plan: object, expected: Decision) -> None:
    """The calculator says what the rule says, and says it again."""
    plans = [each for each in (PREMIUM, ADD_ON, PRO) if each is plan]

    assert expected == decide(STATE, plans, request_, now=JANUARY)
    assert expected == decide(STATE, plans, request_, now=JANUARY)


def test_cycles_that_begin_together() -> None:
    """The next cycle is the earliest one, with everything that begins with it; none where nothing follows."""
    first = NextCycle(FEBRUARY, (), ())

    assert None is merge_cycles([None, None])
    assert first == merge_cycles([None, NextCycle(MARCH, (), ()), first])
    assert first == merge_cycles([first, first])
