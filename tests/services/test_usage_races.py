"""Fifty callers at one balance at once, through several processes: what is there is given out, and no more (§5.4)."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import pytest

from sumac.balances.model import TrackAnswer
from sumac.balances.requests import OverageBehavior
from sumac.balances.usage import CheckAnswer
from sumac.core.errors import BadRequest
from tests.support.build import credit_system, feature, free_plan, held_item, item, seats
from tests.support.crowd import Call, at_once
from tests.support.rolling import assert_books
from tests.support.services import Services

SEEDS = pytest.mark.parametrize("seed", range(3))
CALLERS = 50
COSTS = {"action1": Decimal("0.2"), "action2": Decimal("0.6")}


def use(value: int | str = 1, feature_id: str = "messages", entity_id: str | None = None) -> Call:
    """Uses all of it or nothing."""
    reject = OverageBehavior.REJECT
    return lambda shop: shop.track(value, feature_id, entity_id=entity_id, overage_behavior=reject)


def check_and_use(value: int | str = 1) -> Call:
    return lambda shop: shop.check(value, send_event=True)


def counted(answers: Sequence[object]) -> list[TrackAnswer]:
    """The tracks that were let through; the others were told that the balance does not suffice."""
    assert {"insufficient_balance"} >= {each.code for each in answers if isinstance(each, BadRequest)}

    return [each for each in answers if isinstance(each, TrackAnswer)]


@SEEDS
async def test_thirty_units_for_fifty(services: Services, crowd: Sequence[Services], seed: int) -> None:
    """Tracks with reject and checks that count: exactly thirty of fifty get a unit, each of the others is told no."""
    await services.offer(feature(), free_plan("free", item("messages", 30), auto_enable=True))
    await services.add_customer()

    answers = await at_once(crowd, seed, [use()] * (CALLERS // 2) + [check_and_use()] * (CALLERS // 2))

    checked = [each.access.allowed for each in answers if isinstance(each, CheckAnswer)]
    assert (30, 25) == (len(counted(answers)) + sum(checked), len(checked))
    assert Decimal(0) == await services.remaining()
    await assert_books(services)


@SEEDS
async def test_a_tenth_at_a_time(services: Services, crowd: Sequence[Services], seed: int) -> None:
    """Three units are thirty tenths, to the last digit, in whatever order they are taken."""
    await services.offer(feature(), free_plan("free", item("messages", 3), auto_enable=True))
    await services.add_customer()

    answers = await at_once(crowd, seed, [use("0.1")] * CALLERS)

    assert (30, Decimal(0)) == (len(counted(answers)), await services.remaining())
    await assert_books(services)


@SEEDS
async def test_two_features_on_one_credit_pool(services: Services, crowd: Sequence[Services], seed: int) -> None:
    """Ten credits, one action at 0.2 and another at 0.6: nothing is overspent, and nobody is refused what is left."""
    await services.offer(
        feature("action1"),
        feature("action2"),
        credit_system("credits", {name: str(cost) for name, cost in COSTS.items()}),
        free_plan("free", item("credits", 10), auto_enable=True),
    )
    await services.add_customer()

    answers = await at_once(crowd, seed, [use(1, name) for name in COSTS for _ in range(CALLERS // 2)])

    used = Counter(each.request.feature_id for each in counted(answers))
    left = 10 - sum(used[name] * cost for name, cost in COSTS.items())
    assert (left, True) == (await services.remaining("credits"), left >= 0)
    assert all(used[name] == CALLERS // 2 or left < cost for name, cost in COSTS.items())
    await assert_books(services)


@SEEDS
async def test_entities_sharing_a_pool(services: Services, crowd: Sequence[Services], seed: int) -> None:
    """Five entities with two units each and thirty shared: forty of fifty get one, and nobody those of a sibling."""
    names = [f"team-{number}" for number in range(5)]
    own = item("messages", 2, entity_feature_id="seats")
    await services.offer(
        feature(), seats(), free_plan("free", item("messages", 30), own, held_item("seats", 5), auto_enable=True)
    )
    await services.add_customer()
    for name in names:
        await services.add_entity(name)

    answers = await at_once(crowd, seed, [use(1, entity_id=name) for name in names for _ in range(CALLERS // 5)])

    used = Counter(each.request.entity_id for each in counted(answers))
    assert 40 == used.total()
    assert all(count >= 2 for count in used.values())
    assert [Decimal(0)] * 6 == [await services.remaining(entity_id=name) for name in (*names, None)]
    await assert_books(services)
