"""Counting usage (billing.md §3, §5)."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from sumac.balances.model import TrackAnswer
from sumac.balances.requests import OverageBehavior
from sumac.billing.requests import (
    AttachRequest,
)
from sumac.catalog.model import Feature, PlanItem
from sumac.core.errors import BadRequest, NotFound
from tests.support.build import (
    DAILY,
    ONCE,
    credit_system,
    feature,
    flag,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    seats,
    usage_price,
)
from tests.support.services import GOOD_CARD, Services


async def holding(services: Services, *items: PlanItem, features: Sequence[Feature] = ()) -> Services:
    """A customer on a free plan with these items."""
    await services.offer(*(features or (feature(), seats(), flag())), free_plan("free", *items, auto_enable=True))
    await services.add_customer(card=GOOD_CARD)
    return services


async def standing(services: Services, feature_id: str = "messages") -> tuple[Decimal, Decimal, Decimal]:
    """Granted, remaining and used."""
    balance = await services.balance(feature_id)
    assert balance is not None
    return balance.granted, balance.remaining, balance.usage


def deducted(answer: TrackAnswer) -> list[tuple[str, Decimal]]:
    return [(deduction.feature_id, deduction.value) for deduction in answer.deductions]


@pytest.mark.parametrize(
    ("held", "quantities", "used", "expected"),
    [
        pytest.param(item("messages", 100), {}, 30, (100, 70, 30), id="free"),
        pytest.param(item("messages", 2, price=prepaid_price()), {"messages": 5}, 4, (5, 1, 4), id="prepaid"),
        pytest.param(item("messages", 5, price=usage_price()), {}, 7, (5, 0, 7), id="usage-based"),
        pytest.param(held_item("seats", 5), {}, 8, (5, 0, 8), id="held"),
        pytest.param(item("messages", 100), {}, 130, (100, 0, 100), id="free-and-more"),
    ],
)
async def test_what_the_numbers_mean(
    services: Services, held: PlanItem, quantities: dict[str, int], used: int, expected: tuple[int, int, int]
) -> None:
    """The worked table of billing.md §3.2, in granted, remaining and used."""
    await services.offer(feature(), seats(), plan("pro", held))
    await services.add_customer(card=GOOD_CARD)
    chosen = {feature_id: Decimal(quantity) for feature_id, quantity in quantities.items()}
    await services.billing.perform(services.tenant, AttachRequest("ada", "pro", quantities=chosen), actor="test")

    await services.track(used, held.feature_id)

    assert expected == await standing(services, held.feature_id)


async def test_the_answer_shows_the_balance_after(services: Services) -> None:
    """A track answers with the balance it left, and echoes the value also when it was clamped."""
    await holding(services, item("messages", 5))

    answer = await services.track(7)

    assert answer.balance is not None
    assert (Decimal(7), Decimal(0)) == (answer.request.value, answer.balance.remaining)
    assert [("messages", Decimal(5))] == deducted(answer)
    assert answer.balances is None


async def test_reject_moves_nothing_when_it_does_not_fit(services: Services) -> None:
    """Balance 5: reject 7 fails and leaves 5; reject 5 fits."""
    await holding(services, item("messages", 5))

    with pytest.raises(BadRequest) as refused:
        await services.track(7, overage_behavior=OverageBehavior.REJECT)
    assert "insufficient_balance" == refused.value.code
    assert Decimal(5) == await services.remaining()
    await services.track(5, overage_behavior=OverageBehavior.REJECT)
    assert Decimal(0) == await services.remaining()


async def test_overflow_has_no_floor(services: Services) -> None:
    """Balance 5: overflow 7 leaves nothing, and 7 are used."""
    await holding(services, item("messages", 5))

    await services.track(7, overage_behavior=OverageBehavior.OVERFLOW)

    assert (5, 0, 7) == await standing(services)


async def test_overage_stops_at_the_most_that_may_be_bought(services: Services) -> None:
    """Included 100 and at most 300 more: of 500 only 400 count."""
    await holding(services, item("messages", 100, price=usage_price(0, max_purchase=Decimal(300))))

    await services.track(500)

    assert (100, 0, 400) == await standing(services)


@pytest.mark.parametrize(
    ("held", "steps"),
    [
        pytest.param(item("messages", 100), [(30, 70), (-10, 80), (-50, 100)], id="used-up"),
        pytest.param(held_item("seats", 5), [(8, -3), (-2, -1), (-2, 1), (-100, 5)], id="held"),
        pytest.param(item("messages", 5, price=usage_price(0)), [(9, -4), (-3, -1), (-100, 5)], id="usage-based"),
    ],
)
async def test_giving_back(services: Services, held: PlanItem, steps: list[tuple[int, int]]) -> None:
    """Negative usage lifts debts first and never fills above what was granted (billing.md §5.5)."""
    await holding(services, held)

    for value, expected in steps:
        await services.track(value, held.feature_id)
        balance = await services.balance(held.feature_id)
        assert balance is not None
        assert Decimal(expected) == balance.granted - balance.usage


async def test_held_units_are_not_below_zero_with_reject(services: Services) -> None:
    """Free held units may go below zero, unless the caller asks to reject (billing.md §5.4)."""
    await holding(services, held_item("seats", 5))

    with pytest.raises(BadRequest):
        await services.track(6, "seats", overage_behavior=OverageBehavior.REJECT)
    await services.track(6, "seats")

    assert (5, 0, 6) == await standing(services, "seats")


async def test_which_grant_pays_first(services: Services) -> None:
    """Prepaid 2 a month, prepaid 2 for ever, usage-based 2 a month: of 5 the lifetime units pay 1 (billing.md §5.3)."""
    once = item("messages", 0, reset=None, price=prepaid_price(cadence=ONCE))
    await services.offer(
        feature(),
        plan("monthly", item("messages", 0, price=prepaid_price()), price=None, add_on=True),
        plan("forever", once, price=None, add_on=True),
        plan("metered", item("messages", 2, price=usage_price()), price=None, add_on=True),
    )
    await services.add_customer(card=GOOD_CARD)
    two = {"messages": Decimal(2)}
    await services.attach("forever", quantities=two)
    await services.attach("monthly", quantities=two)
    await services.attach("metered")

    answer = await services.track(5)

    balance = await services.balance()
    assert balance is not None
    left = {grant.plan_id: grant.balance for grant in balance.grants}
    assert {"monthly": 0, "forever": 1, "metered": 0} == left
    assert ["monthly", "metered", "forever"] == [deduction.plan_id for deduction in answer.deductions]


async def test_overage_comes_after_everything_else(services: Services) -> None:
    """The usage-based grant goes below zero only once every other grant is empty (billing.md §5.3)."""
    once = item("messages", 0, reset=None, price=prepaid_price(cadence=ONCE))
    await services.offer(
        feature(),
        plan("forever", once, price=None, add_on=True),
        plan("metered", item("messages", 2, price=usage_price()), price=None, add_on=True),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("forever", quantities={"messages": Decimal(3)})
    await services.attach("metered")

    await services.track(7)

    balance = await services.balance()
    assert balance is not None
    assert {"forever": 0, "metered": -2} == {grant.plan_id: grant.balance for grant in balance.grants}


async def test_the_shorter_interval_pays_first(services: Services) -> None:
    """A day's units go before a month's."""
    await services.offer(
        feature(),
        free_plan("monthly", item("messages", 10), auto_enable=True),
        free_plan("daily", item("messages", 3, reset=DAILY), add_on=True),
    )
    await services.add_customer()
    await services.attach("daily")

    answer = await services.track(5)

    assert [("daily", 3), ("monthly", 2)] == [(each.plan_id, each.value) for each in answer.deductions]


async def test_unlimited_absorbs_everything(services: Services) -> None:
    """The unlimited grant counts, and nothing else moves."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        free_plan("boundless", item("messages", unlimited=True, reset=None), add_on=True),
    )
    await services.add_customer()
    await services.attach("boundless")

    await services.track(1000)
    await services.track(-1)

    balance = await services.balance()
    assert balance is not None
    assert (True, 999) == (balance.unlimited, balance.usage)
    assert {"free": 10, "boundless": -999} == {grant.plan_id: grant.balance for grant in balance.grants}


ACTIONS = (feature("action1"), feature("action3"), credit_system("credits", {"action1": "0.2", "action3": "2"}))


async def test_credits_pay_when_the_feature_is_used_up(services: Services) -> None:
    """100 units and 200 credits at 0.2: the first 100 come from the units, then each costs a fifth of a credit."""
    await holding(services, item("action1", 100), item("credits", 200), features=ACTIONS)

    await services.track(100, "action1")
    second = await services.track(50, "action1")

    assert (Decimal(0), Decimal(190)) == (await services.remaining("action1"), await services.remaining("credits"))
    assert [("credits", Decimal(10))] == deducted(second)


async def test_one_track_over_units_and_credits(services: Services) -> None:
    """A single track of 150 makes two deductions, and its answer lists both balances instead of one."""
    await holding(services, item("action1", 100), item("credits", 200), features=ACTIONS)

    answer = await services.track(150, "action1")

    assert [("action1", Decimal(100)), ("credits", Decimal(10))] == deducted(answer)
    assert answer.balance is None
    assert answer.balances is not None
    assert {"action1": 0, "credits": 190} == {key: each and each.remaining for key, each in answer.balances.items()}


async def test_overflow_into_credits(services: Services) -> None:
    """Used 90 of 100, 200 credits at 0.2: 40 more take 10 units and 6 credits (billing.md §20.1 no. 20)."""
    await holding(services, item("action1", 100), item("credits", 200), features=ACTIONS)
    await services.track(90, "action1")

    answer = await services.track(40, "action1", overage_behavior=OverageBehavior.REJECT)

    assert [("action1", Decimal(10)), ("credits", Decimal(6))] == deducted(answer)
    assert Decimal(194) == await services.remaining("credits")


async def test_credits_that_do_not_suffice_move_nothing(services: Services) -> None:
    """10 units and 5 credits do not cover 40 with reject: 6 credits would be needed, and nothing moves."""
    await holding(services, item("action1", 10), item("credits", 5), features=ACTIONS)

    with pytest.raises(BadRequest):
        await services.track(40, "action1", overage_behavior=OverageBehavior.REJECT)

    assert (Decimal(10), Decimal(5)) == (await services.remaining("action1"), await services.remaining("credits"))


async def test_credits_are_exact(services: Services) -> None:
    """0.1 and 0.2 units at a fifth of a credit take exactly 0.06 credits (billing.md §5.7)."""
    await holding(services, item("credits", 1), features=ACTIONS)

    await services.track("0.1", "action1")
    await services.track("0.2", "action1")

    assert Decimal("0.94") == await services.remaining("credits")


async def test_tracking_credits_directly_lists_only_them(services: Services) -> None:
    """The answer for a credit system itself has one balance (billing.md §5.1)."""
    await holding(services, item("credits", 10), features=ACTIONS)

    answer = await services.track(3, "credits")

    assert answer.balance is not None
    assert ("credits", Decimal(7), None) == (answer.balance.feature_id, answer.balance.remaining, answer.balances)


async def test_an_event_name_deducts_each_feature_by_itself(services: Services) -> None:
    """Fan-out answers no single balance, and null for a linked system nobody holds (billing.md §20.1 no. 28)."""
    listening = (
        feature("action1", event_names=("done",)),
        feature("action3", event_names=("done",)),
        credit_system("credits", {"action1": "0.2"}),
        credit_system("credits3", {"action3": "1"}),
    )
    await holding(services, item("action1", 10), item("action3", 10), item("credits", 5), features=listening)

    answer = await services.track(4, None, event_name="done")

    assert answer.balance is None
    assert answer.balances is not None
    remaining = {key: each and each.remaining for key, each in answer.balances.items()}
    assert {"action1": 6, "action3": 6, "credits": 5, "credits3": None} == remaining
    with pytest.raises(BadRequest):
        await services.track(4, None, event_name="done", overage_behavior=OverageBehavior.REJECT)


async def test_a_flag_has_nothing_to_count(services: Services) -> None:
    """Tracking a boolean feature is refused; an unknown feature is not found."""
    await holding(services, held_item("sso"))

    with pytest.raises(BadRequest):
        await services.track(1, "sso")
    with pytest.raises(NotFound) as missing:
        await services.track(1, "unknown")
    assert "feature_not_found" == missing.value.code


@pytest.mark.parametrize("value", ["10000000000001", "-10000000000001", "NaN", "Infinity"])
async def test_absurd_quantities_are_refused(services: Services, value: str) -> None:
    """A quantity beyond ten billion, or none at all, is refused and nothing moves."""
    await holding(services, item("messages", 5))

    with pytest.raises(BadRequest):
        await services.track(value)
    assert Decimal(5) == await services.remaining()


async def test_a_tenth_ten_times_is_one(services: Services) -> None:
    """Quantities are exact decimals on both engines."""
    await holding(services, item("messages", 1))

    for _ in range(10):
        await services.track("0.1", overage_behavior=OverageBehavior.REJECT)

    assert (1, 0, 1) == await standing(services)


async def test_parallel_tracks_share_what_there_is(services: Services) -> None:
    """50 tracks of 1 at once on a balance of 30 with reject: exactly 30 are counted."""
    await holding(services, item("messages", 30))

    tracks = (services.track(1, overage_behavior=OverageBehavior.REJECT) for _ in range(50))
    answers = await asyncio.gather(*tracks, return_exceptions=True)

    assert 30 == sum(isinstance(answer, TrackAnswer) for answer in answers)
    assert 20 == sum(isinstance(answer, BadRequest) for answer in answers)
    assert (30, 0, 30) == await standing(services)


async def test_parallel_tracks_are_all_counted(services: Services) -> None:
    """Ten tracks of 5 held units at once leave 50 in use (billing.md §5.9)."""
    await holding(services, held_item("seats", 100))

    await asyncio.gather(*(services.track(5, "seats") for _ in range(10)))

    assert (100, 50, 50) == await standing(services, "seats")
