"""Trials that revert cost no paid time and no money, however long they are (billing.md §11)."""

from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.billing.model import Holding, HoldLines, ResumePlan, Snapshot
from sumac.billing.requests import CancelAction, CancelRequest
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.turn import decide_turn
from sumac.core.money import round_sum
from sumac.core.time import Cadence, cycle, cycle_end
from sumac.invoices.model import LineDraft
from tests.laws.strategies import LAW, billed_cadences, instants
from tests.rules.offers import held, plan, snapshot
from tests.rules.reverts import charged, pausing, tried

rests = st.integers(1, 400 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms))
shares = st.integers(0, 999_999)


def there_and_back(anchor: datetime, since: datetime, rest: timedelta, cadence: Cadence) -> tuple[Snapshot, Holding]:
    """The customer after a trial, and the plan that went on: it had paid $100 for the period that was interrupted."""
    offer, period = plan("paid", 100, cadence=cadence), cycle(anchor, cadence, since)
    pro = held(offer, anchor, anchor_at=anchor, period_start=period.start, period_end=period.end)
    over = since + rest
    trial = tried(begun=since, over=over)
    paid = charged(pro, 10_000, period.start, period.end)
    decision = decide_turn(snapshot(trial, paused=(pausing(pro, since),), charges=(paid,)), at=over)
    (going_on,) = [action.held for action in decision.actions if isinstance(action, ResumePlan)]
    moved: list[LineDraft] = [
        line for action in decision.actions if isinstance(action, HoldLines) for line in action.lines
    ]

    assert None is decision.invoice
    assert 0 == round_sum([line.exact_minor for line in moved])

    after = snapshot(Holding(going_on, offer), charges=(paid, *moved))
    return after, after.holdings[0]


@LAW
@given(instants, instants, rests, billed_cadences)
def test_the_period_ends_as_much_later_as_it_rested(
    anchor: datetime, since: datetime, rest: timedelta, cadence: Cadence
) -> None:
    """To the millisecond, whatever the length of the months between; and periods are counted from there."""
    _, after = there_and_back(anchor, since, rest, cadence)

    assert cycle(anchor, cadence, since).end + rest == after.held.period_end
    assert after.held.period_end == cycle_end(after.held.anchor_at, cadence, since + rest)


@LAW
@given(instants, instants, rests, billed_cadences, shares)
def test_what_is_left_is_worth_what_it_was(
    anchor: datetime, since: datetime, rest: timedelta, cadence: Cadence, share: int
) -> None:
    """A cancellation gives back the same with the trial before it as without, at the same distance from the end."""
    after, going_on = there_and_back(anchor, since, rest, cadence)
    period = cycle(anchor, cadence, since)
    later = (period.end - since) * share / 1_000_000
    later -= timedelta(microseconds=later.microseconds % 1000)
    offer = going_on.plan
    never_tried = held(offer, anchor, anchor_at=anchor, period_start=period.start, period_end=period.end)
    without = snapshot(never_tried, charges=(charged(never_tried, 10_000, period.start, period.end),))
    cancel = CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, plan_id=offer.id)

    given_back = [
        decide_cancel(state, cancel, now=now).invoice
        for state, now in ((after, since + rest + later), (without, since + later))
    ]

    assert round_sum(_amounts(given_back[1])) == round_sum(_amounts(given_back[0]))


def _amounts(draft: object) -> list[Decimal]:
    return [line.exact_minor for line in getattr(draft, "lines", ())]
