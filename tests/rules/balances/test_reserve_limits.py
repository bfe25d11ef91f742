"""Units held under limits: they count while they are held, and not after (billing.md §6.3, §6.4, §7)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from sumac.balances.controls import ControlSet, SpendLimit, UsageLimit, WindowAnchor, WindowInterval
from sumac.balances.model import BalanceSnapshot
from sumac.balances.requests import FinalizeAction, FinalizeRequest, OverageBehavior, TrackRequest
from sumac.balances.rules.reserve import decide_finalize
from sumac.balances.rules.usage import decide_usage
from sumac.core.errors import BadRequest
from tests.rules.offers import JANUARY, at, grant, usage_based
from tests.rules.reservations import LATER, finalize, holding, left, reserve


def count_usage(snapshot: BalanceSnapshot, value: int, *, now: datetime = JANUARY) -> BalanceSnapshot:
    """The snapshot once so much of the messages is counted."""
    request = TrackRequest("ada", "messages", value=Decimal(value))
    return snapshot.after(decide_usage(snapshot, request, now=now, event_ids=["evt_0"]))


def test_overflow_is_given_back_last_first() -> None:
    """Credits in paid overage up to their spend limit, then actions below zero: the actions come back first."""
    limit = SpendLimit("credits", enabled=True, overage_limit=Decimal(1))
    paid = grant("credits", 2, id="credits", reset=None, overage_allowed=True, price=usage_based("0.10"))
    actions = grant("action1", 10, id="a1", reset=None)
    customer = holding(actions, paid, controls=ControlSet(spend_limits=(limit,)))

    snapshot, _, reservation = reserve(customer, 40, "action1", overage_behavior=OverageBehavior.OVERFLOW)

    assert {"a1": "-15", "credits": "-1"} == left(snapshot)
    for final, after in [(30, ("-5", "-1")), (24, ("0", "-0.8")), (16, ("0", "0.8")), (8, ("2", "2"))]:
        assert after == tuple(left(finalize(snapshot, reservation, final)[0]).values())


DAY = UsageLimit("messages", enabled=True, limit=Decimal(5), interval=WindowInterval.DAY, anchor=WindowAnchor.UTC)
LIMITED = holding(grant("messages", 100, id="monthly"), controls=ControlSet(usage_limits=(DAY,)))


@pytest.mark.parametrize(
    ("used", "held", "final", "then", "count", "remaining"),
    [
        pytest.param(0, 4, 1, 5, 5, "95", id="room-comes-back"),
        pytest.param(0, 3, 6, 0, 5, "95", id="no-more-than-the-limit"),
        pytest.param(3, 2, None, 5, 5, "95", id="held-counts"),
        pytest.param(3, 2, 0, 1, 4, "96", id="released-does-not"),
        pytest.param(4, -2, -1, 0, 4, "97", id="given-back-never-counts"),
        pytest.param(4, 1, -2, 5, 5, "97", id="the-opposite"),
    ],
)
def test_usage_limits(used: int, held: int, final: int | None, then: int, count: int, remaining: str) -> None:
    """Held units are counted while they are held; what they do not come to may be used again (billing.md §6.4)."""
    state = count_usage(LIMITED, used)
    state, _, reservation = reserve(state, held)

    state, _ = finalize(state, reservation, final)
    state = count_usage(state, then)

    assert ([count], {"monthly": remaining}) == ([each.used for each in state.windows], left(state))


def test_usage_limits_refuse() -> None:
    """Cap 5, 3 used: 4 are refused, 1 is held (billing.md §6.4)."""
    state = count_usage(LIMITED, 3)

    with pytest.raises(BadRequest) as refused:
        reserve(state, 4)

    assert "usage_limit_exceeded" == refused.value.code
    assert [4] == [window.used for window in reserve(state, 1)[0].windows]


def test_usage_limits_of_credits() -> None:
    """Credits count, those that rolled over do not, and what an unlimited grant absorbed never did."""
    limit = replace(DAY, feature_id="credits", limit=Decimal(50))
    rolled_over = grant("credits", 10, id="r", reset=None, rollover_of="credits", expires_at=at("2026-03-01"))
    plain = grant("credits", 100, id="credits")
    for grants, feature_id, held, counts in [
        ((rolled_over, plain), "action1", 100, {100: 10, 75: 5, 50: 0, 0: 0}),
        ((rolled_over, plain), "credits", 20, {20: 10, 15: 5, 10: 0, 0: 0}),
        ((grant("credits", unlimited=True, id="all"),), "credits", 20, {20: 0, 10: 0}),
    ]:
        snapshot, _, reservation = reserve(
            holding(*grants, controls=ControlSet(usage_limits=(limit,))), held, feature_id
        )
        for final, count in counts.items():
            settled, _ = finalize(snapshot, reservation, final)

            assert count == sum(window.used for window in settled.windows)


def test_a_window_that_began_since_never_counted_it() -> None:
    """What was held yesterday does not make room today."""
    state, _, reservation = reserve(LIMITED, 4)
    today = at("2026-01-02 10:00")
    state = count_usage(state, 3, now=today)
    request = FinalizeRequest("job", FinalizeAction.RELEASE)

    settled = state.after(decide_finalize(state, reservation, request, now=today, event_id="evt_2"))

    assert ([3], {"monthly": "97"}) == ([each.used for each in settled.windows], left(settled))


def test_an_ended_grant_was_counted() -> None:
    """The units of a grant that has ended since are not counted any more, either."""
    state, _, reservation = reserve(LIMITED, 4)
    (used,) = state.grants
    ended = replace(used, ended_at=LATER)

    settled, decision = finalize(replace(state, grants=()), reservation, 1, absent=(ended,))

    assert ([1], ()) == ([each.used for each in settled.windows], decision.grants)
