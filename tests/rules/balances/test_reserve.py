"""Units held, and what they come to, as a table (billing.md §7)."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from sumac.balances.model import Grant, Held
from sumac.balances.requests import FinalizeAction, OverageBehavior
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Interval
from tests.rules.offers import ACTION1, CREDITS, MESSAGES, SEATS, SSO, at, grant, usage_based
from tests.rules.reservations import EAST, LATER, finalize, holding, left, reserve

HOURLY = Cadence(Interval.HOUR)


def hourly(used: int = 0) -> Grant:
    return grant("messages", 5, used, id="hourly", reset=HOURLY)


def monthly(included: int = 10, used: int = 0, **changes: object) -> Grant:
    return grant("messages", included, used, id="monthly", **changes)


def lifetime(included: int = 20) -> Grant:
    return grant("messages", included, id="lifetime", reset=None)


def rolled(number: int, included: int = 100) -> Grant:
    expires_at = at("2026-03-01") + timedelta(days=number)
    return grant("messages", included, id=f"r{number}", reset=None, rollover_of="monthly", expires_at=expires_at)


ACTION_1 = grant("action1", 100, id="a1", reset=None)
CREDITS_200 = grant("credits", 200, id="credits", reset=None)


@pytest.mark.parametrize(
    ("grants", "held", "final", "after", "changes"),
    [
        pytest.param([hourly(), monthly()], 8, 5, {"hourly": "0", "monthly": "10"}, [8, -3], id="lower"),
        pytest.param([hourly(), lifetime()], 8, 5, {"hourly": "0", "lifetime": "20"}, [8, -3], id="last-first"),
        pytest.param([hourly(), lifetime()], 8, 0, {"hourly": "5", "lifetime": "20"}, [8, -8], id="nothing"),
        pytest.param([monthly(15, 5)], 8, -3, {"monthly": "13"}, [8, -11], id="opposite"),
        pytest.param([monthly(15, 10)], -5, -3, {"monthly": "8"}, [-5, 2], id="less-given-back"),
        pytest.param([monthly(15, 10)], -3, -5, {"monthly": "10"}, [-3, -2], id="more-given-back"),
        pytest.param([monthly(15, 10)], -3, 4, {"monthly": "1"}, [-3, 7], id="used-after-all"),
        pytest.param([monthly(15, 10)], -3, None, {"monthly": "8"}, [-3], id="given-back"),
        pytest.param([monthly(15)], 5, -2, {"monthly": "15"}, [5, -7], id="not-above-the-ceiling"),
        pytest.param([monthly(15)], -5, -3, {"monthly": "15"}, [-5, 2], id="nothing-was-given"),
        pytest.param([monthly(15)], 5, None, {"monthly": "10"}, [5], id="as-held"),
        pytest.param([monthly(15)], 5, 5, {"monthly": "10"}, [5], id="said-as-held"),
        pytest.param([monthly(15)], 0, 4, {"monthly": "11"}, [0, 4], id="nothing-held"),
        pytest.param([monthly(15)], "0.1", "0.3", {"monthly": "14.7"}, ["0.1", "0.2"], id="decimals"),
        pytest.param(
            [rolled(0), rolled(1), monthly(100)],
            250,
            180,
            {"r0": "0", "r1": "20", "monthly": "100"},
            [250, -70],
            id="rolled-over-lower",
        ),
        pytest.param(
            [rolled(0), monthly(100)], 30, 150, {"r0": "0", "monthly": "50"}, [30, 120], id="rolled-over-higher"
        ),
        pytest.param([grant("messages", unlimited=True, id="all")], 8, 3, {"all": "-3"}, [8, -5], id="unlimited"),
        pytest.param(
            [grant("messages", unlimited=True, id="all")], 8, 30, {"all": "-30"}, [8, 22], id="unlimited-more"
        ),
    ],
)
def test_what_is_left(
    grants: list[Grant], held: str | int, final: str | int | None, after: dict[str, str], changes: list[str | int]
) -> None:
    """Every row: the balances in the end, and an event for what was held and for the difference (billing.md §7)."""
    snapshot, first, reservation = reserve(holding(*grants), held)

    settled, second = finalize(snapshot, reservation, final)

    assert after == left(settled)
    assert [Decimal(change) for change in changes] == [event.value for event in (*first.events, *second.events)]
    assert second.reservation == replace(reservation, finished_at=LATER)


@pytest.mark.parametrize(
    ("grants", "held", "final", "after"),
    [
        pytest.param([replace(ACTION_1, balance=Decimal(5)), CREDITS_200], 8, 12, {"a1": "0", "credits": "198.6"}),
        pytest.param([replace(ACTION_1, balance=Decimal(5)), CREDITS_200], 8, 3, {"a1": "2", "credits": "200"}),
        pytest.param([replace(ACTION_1, balance=Decimal(5)), CREDITS_200], 8, 8, {"a1": "0", "credits": "199.4"}),
        pytest.param([ACTION_1, CREDITS_200], 10, 115, {"a1": "0", "credits": "197"}),
    ],
)
def test_credits(grants: list[Grant], held: int, final: int, after: dict[str, str]) -> None:
    """Units held in a credit system are credits; they come back as credits (billing.md §7)."""
    snapshot, _, reservation = reserve(holding(*grants), held, "action1")

    assert after == left(finalize(snapshot, reservation, final)[0])


def test_an_entity_holds_its_own_units_first() -> None:
    """What comes on top is taken from the entity's and the customer's units, never from a sibling's."""
    west = grant("messages", 50, id="west", entity_key="ent_w")
    east = grant("messages", 50, id="east", entity_key="ent_e")
    snapshot, decision, reservation = reserve(holding(monthly(100), west, east), 30, entity_id="west")

    settled, final = finalize(snapshot, reservation, 80)

    assert {"monthly": "70", "west": "0", "east": "50"} == left(settled)
    assert {"ent_w"} == {event.entity_key for event in (*decision.events, *final.events)}


def test_the_entity_may_be_gone() -> None:
    """What its units were is not given to anybody else; the rest is counted for the customer."""
    west = grant("messages", 50, id="west", entity_key="ent_w")
    snapshot, _, reservation = reserve(holding(monthly(100), west), 30, entity_id="west")
    alone = replace(snapshot, grants=snapshot.grants[:1], entities=(EAST,))

    assert {"monthly": "100"} == left(finalize(alone, reservation, 10)[0])
    assert {"monthly": "80"} == left(finalize(alone, reservation, 50)[0])


def test_units_of_an_entity_go_with_it() -> None:
    """What was held of them is nobody else's; what was held of the customer's comes back to the customer."""
    west = grant("messages", 50, id="west", entity_key="ent_w")
    snapshot, _, reservation = reserve(holding(monthly(100, 40), west), 70, entity_id="west")
    ended = replace(snapshot.grants[1], ended_at=LATER)
    alone = replace(snapshot, grants=snapshot.grants[:1], entities=(EAST,))

    assert {"monthly": "60"} == left(finalize(alone, reservation, 0, absent=(ended,))[0])


def test_overage_is_given_back_before_what_came_with_the_plan() -> None:
    """Units beyond a paid grant were taken last, after those of the grant behind it (billing.md §5.3, §7)."""
    paid = monthly(2, overage_allowed=True, price=usage_based("0.10"))
    snapshot, decision, reservation = reserve(holding(paid, lifetime(2)), 5)

    assert [("monthly", 2), ("lifetime", 2), ("monthly", 1)] == [
        (each.grant_id, each.amount) for each in reservation.receipt
    ]
    assert [("monthly", 3), ("lifetime", 2)] == [(each.grant_id, each.value) for each in decision.events[0].deductions]
    for final, after in [(4, ("0", "0")), (3, ("0", "1")), (1, ("1", "2")), (6, ("-2", "0"))]:
        assert after == tuple(left(finalize(snapshot, reservation, final)[0]).values())


def test_overage_that_was_given_back_first_is_taken_again_last() -> None:
    """Of units given back to a grant in overage, those that made the overage good stay the longest."""
    paid = monthly(10, 13, overage_allowed=True, price=usage_based("0.10"))
    snapshot, _, reservation = reserve(holding(paid), -8)

    assert [-3, -5] == [each.amount for each in reservation.receipt]
    for final, after in [(-5, "2"), (-3, "0"), (-1, "-2"), (0, "-3"), (-20, "10")]:
        assert after == left(finalize(snapshot, reservation, final)[0])["monthly"]


def test_units_that_were_given_and_used_are_paid_by_others() -> None:
    """Given 5, used by somebody else, in the end nothing was to be given: the next grant pays."""
    snapshot, _, reservation = reserve(holding(hourly(5), lifetime(20)), -5)
    used = replace(snapshot, grants=(replace(snapshot.grants[0], balance=Decimal(2)), snapshot.grants[1]))

    settled, decision = finalize(used, reservation, None, action=FinalizeAction.RELEASE)

    assert {"hourly": "0", "lifetime": "17"} == left(settled)
    assert [("hourly", 2), ("lifetime", 3)] == [(each.grant_id, each.value) for each in decision.events[0].deductions]


def test_units_given_to_a_grant_that_is_gone_are_paid_by_others() -> None:
    """The same when the grant they were given to has ended."""
    snapshot, _, reservation = reserve(holding(hourly(5), lifetime(20)), -5)

    assert {"lifetime": "18"} == left(finalize(replace(snapshot, grants=snapshot.grants[1:]), reservation, -3)[0])


def test_a_grant_that_is_gone_gives_back_to_others() -> None:
    """Free 50 holds 40, then 80 of another plan of which 20 are used: finalized for 30, ten go to the new grant."""
    snapshot, _, reservation = reserve(holding(monthly(50)), 40)
    upgraded = replace(snapshot, grants=(grant("messages", 80, 20, id="premium"),))

    settled, decision = finalize(upgraded, reservation, 30)

    assert {"premium": "70"} == left(settled)
    assert [("premium", -10)] == [(each.grant_id, each.value) for each in decision.events[0].deductions]
    assert not finalize(replace(snapshot, grants=()), reservation, 30)[1].events[0].deductions


def test_a_grant_that_is_withheld_gets_its_units_back() -> None:
    """While a plan is past due its units may not be used; what was held of them comes back all the same."""
    snapshot, _, reservation = reserve(holding(monthly(50), lifetime()), 40)
    (used, lasting) = snapshot.grants

    _, decision = finalize(replace(snapshot, grants=(lasting,)), reservation, 10, absent=(used,))

    assert [replace(used, balance=Decimal(40))] == list(decision.grants)


def test_a_reset_makes_up_for_what_was_held() -> None:
    """Units of an hour that is over do not come back on top of the new ones; those of a lasting grant do."""
    snapshot, _, reservation = reserve(holding(hourly(), lifetime()), 8)
    full = replace(hourly(), resets_at=at("2026-01-01 02:00"))

    for final, after in [(5, ("5", "20")), (0, ("5", "20"))]:
        assert after == tuple(
            left(finalize(replace(snapshot, grants=(full, snapshot.grants[1])), reservation, final)[0]).values()
        )


@pytest.mark.parametrize("released", [(0, 1), (1, 0)])
def test_a_balance_above_what_was_granted_is_restored(released: tuple[int, int]) -> None:
    """120 units by hand of 100 granted: whichever reservation is released first, 120 are there in the end."""
    raised = replace(monthly(100), balance=Decimal(120))
    first, _, one = reserve(holding(raised), 30)
    state, _, other = reserve(replace(first, reservations=(one,)), 30)
    held = (one, other)

    for number in released:
        state, _ = finalize(state, held[number], 0)

    assert {"monthly": "120"} == left(state)


def test_what_a_refund_gave_back_meanwhile_is_not_given_twice() -> None:
    """A release does not lift the balance above its ceiling (billing.md §5.5)."""
    snapshot, _, reservation = reserve(holding(monthly(100)), 30)
    refunded = replace(snapshot, grants=(replace(snapshot.grants[0], balance=Decimal(90)),))

    assert {"monthly": "100"} == left(finalize(refunded, reservation, 0)[0])


@pytest.mark.parametrize(
    ("behavior", "after_reserve", "after_finalize"),
    [
        pytest.param(OverageBehavior.CAP, "0", ["10", "2", "0", "0"], id="cap"),
        pytest.param(OverageBehavior.OVERFLOW, "-4", ["10", "2", "-4", "-6"], id="overflow"),
    ],
)
def test_more_than_there_is(behavior: OverageBehavior, after_reserve: str, after_finalize: list[str]) -> None:
    """With cap what fits is held, with overflow all of it; the rest is counted in the same way (api.md §2.16)."""
    snapshot, decision, reservation = reserve(holding(monthly(10)), 14, overage_behavior=behavior)

    assert {"monthly": after_reserve} == left(snapshot)
    assert (14, 14) == (decision.events[0].value, reservation.value)
    assert after_finalize == [left(finalize(snapshot, reservation, each)[0])["monthly"] for each in (0, 8, 14, 16)]


def test_more_than_there_is_is_refused() -> None:
    """By default nothing is held then."""
    with pytest.raises(BadRequest, match="does not cover") as refused:
        reserve(holding(monthly(10)), 11)

    assert "insufficient_balance" == refused.value.code


@pytest.mark.parametrize("feature_id", [SEATS.id, SSO.id])
def test_what_cannot_be_reserved(feature_id: str) -> None:
    """Units that are held anyway, and flags (billing.md §7)."""
    with pytest.raises(BadRequest):
        reserve(holding(grant(feature_id, 5)), 1, feature_id)


def test_the_difference_inherits_the_properties() -> None:
    """Unless the caller has others to say (billing.md §7)."""
    snapshot, decision, reservation = reserve(holding(monthly(10)), 5, properties={"model": "small"})

    _, inherited = finalize(snapshot, reservation, 3)
    _, own = finalize(snapshot, reservation, 3, properties={"model": "large"})

    assert {"model": "small"} == decision.events[0].properties == inherited.events[0].properties
    assert {"model": "large"} == own.events[0].properties


def test_a_feature_that_is_no_more() -> None:
    """There is nothing left to give back to, and that stops nobody."""
    snapshot, _, reservation = reserve(holding(monthly(10)), 5)

    settled, decision = finalize(replace(snapshot, features=(ACTION1, CREDITS)), reservation, 0)

    assert ({"monthly": "5"}, ()) == (left(settled), decision.events)
    assert MESSAGES.id == reservation.feature_id


def test_the_receipt_knows_costs_and_resets() -> None:
    """What one tracked unit costs of each grant, and the period it was taken in."""
    credits_ = grant("credits", 10, id="credits")
    _, _, reservation = reserve(holding(replace(ACTION_1, balance=Decimal(1)), credits_), 6, "action1")
    resets_at: datetime | None = credits_.resets_at

    assert (
        Held("a1", Decimal(1), Decimal(1), resets_at=None),
        Held("credits", Decimal(1), Decimal("0.2"), resets_at=resets_at),
    ) == reservation.receipt


def test_credits_say_what_a_unit_costs() -> None:
    """In the event of the difference, too (api.md §2.7)."""
    snapshot, _, reservation = reserve(holding(replace(ACTION_1, balance=Decimal(5)), CREDITS_200), 8, "action1")

    _, decision = finalize(snapshot, reservation, 3)

    assert [("credits", Decimal("-0.6"), Decimal("0.2")), ("a1", Decimal(-2), None)] == [
        (each.grant_id, each.value, each.credit_cost) for each in decision.events[0].deductions
    ]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e14"])
def test_what_it_cannot_come_to(value: str) -> None:
    """A value that cannot be kept exactly is refused (api.md §1.7)."""
    snapshot, _, reservation = reserve(holding(monthly(10)), 5)

    with pytest.raises(BadRequest, match="override_value"):
        finalize(snapshot, reservation, value)
