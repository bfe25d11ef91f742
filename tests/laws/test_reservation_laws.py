"""Holding units and saying later what they came to is counting them at once (billing.md §7)."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

from hypothesis import assume, given
from hypothesis import strategies as st

from sumac.balances.model import BalanceSnapshot, Grant, Reservation, UsageDecision
from sumac.balances.requests import FinalizeAction, FinalizeRequest, LockRequest, OverageBehavior, TrackRequest
from sumac.balances.rules.reserve import decide_finalize, decide_reserve
from sumac.balances.rules.usage import decide_usage
from sumac.core.errors import BadRequest
from sumac.customers.model import Customer
from tests.laws.strategies import LAW, costs, grants_of, quantities
from tests.rules.offers import ACTION1, JANUARY, credit_system

behaviors = st.sampled_from(OverageBehavior)
signed = st.builds(lambda value, sign: value * sign, quantities, st.sampled_from([1, -1]))


def holding(own: list[Grant], credits_: list[Grant], cost: Decimal) -> BalanceSnapshot:
    """A customer with grants of action1 and of credits that pay for it."""
    features = (ACTION1, credit_system("credits", action1=str(cost)))
    return BalanceSnapshot(Customer("cus_1", JANUARY, "ada"), (*own, *credits_), features)


def reserve(snapshot: BalanceSnapshot, value: Decimal, behavior: OverageBehavior) -> UsageDecision | None:
    """What holding the units comes to; None when it is refused."""
    request = LockRequest("ada", "action1", value, overage_behavior=behavior)
    try:
        return decide_reserve(snapshot, request, lock_id="job", now=JANUARY, event_id="evt", reservation_id="rsv")
    except BadRequest:
        return None


def finalize(snapshot: BalanceSnapshot, decision: UsageDecision, value: Decimal | None) -> UsageDecision:
    """What settling a reservation comes to; None releases it."""
    assert decision.reservation is not None
    action = FinalizeAction.RELEASE if value is None else FinalizeAction.CONFIRM
    request = FinalizeRequest("job", action, override_value=value)
    return decide_finalize(snapshot, decision.reservation, request, now=JANUARY, event_id="evt")


def track(snapshot: BalanceSnapshot, value: Decimal, behavior: OverageBehavior) -> BalanceSnapshot:
    """The snapshot once so much usage is counted."""
    request = TrackRequest("ada", "action1", value=value, overage_behavior=behavior)
    return snapshot.after(decide_usage(snapshot, request, now=JANUARY, event_ids=["evt"]))


@LAW
@given(grants_of("action1"), grants_of("credits"), signed, signed, behaviors, costs)
def test_reserved_and_finalized_is_tracked(
    own: list[Grant], credits_: list[Grant], held: Decimal, final: Decimal, behavior: OverageBehavior, cost: Decimal
) -> None:
    """When nothing happens between, the balances are those of usage of the final value; so is the sum of the events."""
    before = holding(own, credits_, cost)
    reserved = reserve(before, held, behavior)
    assume(reserved is not None)
    assert reserved is not None
    state = before.after(reserved)

    finalized = finalize(state, reserved, final)

    counted = OverageBehavior.OVERFLOW if behavior is OverageBehavior.OVERFLOW else OverageBehavior.CAP
    assert track(before, final, counted).grants == state.after(finalized).grants
    assert final == sum((event.value for event in (*reserved.events, *finalized.events)), Decimal(0))


@LAW
@given(grants_of("action1"), grants_of("credits"), st.lists(signed, min_size=1, max_size=3), signed, costs)
def test_the_books_add_up(
    own: list[Grant], credits_: list[Grant], values: list[Decimal], final: Decimal, cost: Decimal
) -> None:
    """Whatever is held and settled, the deductions of the events are what the balances changed by."""
    before = state = holding(own, credits_, cost)
    decisions: list[UsageDecision] = []
    for value in values:
        reserved = reserve(state, value, OverageBehavior.CAP)
        assert reserved is not None
        state = state.after(reserved)
        decisions.append(reserved)
    for reserved in tuple(decisions):
        finalized = finalize(state, reserved, final)
        state = state.after(finalized)
        decisions.append(finalized)

    taken = {grant.id: Decimal(0) for grant in before.grants}
    for decision in decisions:
        for event in decision.events:
            for each in event.deductions:
                taken[each.grant_id] += each.value
    assert [grant.balance - taken[grant.id] for grant in before.grants] == [grant.balance for grant in state.grants]


@LAW
@given(grants_of("action1"), grants_of("credits"), st.lists(quantities, min_size=3, max_size=3), quantities, costs)
def test_released_in_any_order_nothing_has_happened(
    own: list[Grant], credits_: list[Grant], values: list[Decimal], raised: Decimal, cost: Decimal
) -> None:
    """Reservations that are all released leave the balances as they were, also those above what was granted."""
    lifted = [replace(grant, balance=grant.balance + raised) for grant in own]
    before = state = holding(lifted, credits_, cost)
    held: list[UsageDecision] = []
    reservations: tuple[Reservation, ...] = ()
    for value in values:
        reserved = reserve(replace(state, reservations=reservations), value, OverageBehavior.CAP)
        assert reserved is not None
        assert reserved.reservation is not None
        reservations = (*reservations, reserved.reservation)
        state = state.after(reserved)
        held.append(reserved)

    for order in permutations(held):
        released = state
        for reserved in order:
            released = released.after(finalize(released, reserved, None))

        assert before.grants == released.grants
