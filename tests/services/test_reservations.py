"""Units held under a lock id, and what they come to, through the services on each engine (billing.md §6.4, §7)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from sumac.balances.requests import OverageBehavior
from sumac.core.errors import NotFound
from tests.support.build import MONTHLY, feature, free_plan, item, plan, price, usage_price
from tests.support.reserving import (
    ACTION1_100,
    CREDITS_200,
    HOURLY_5,
    LIFETIME_20,
    MONTHLY_10,
    Given,
    counted,
    holding,
    left,
)
from tests.support.services import GOOD_CARD, Services


def decimals(values: Sequence[int | str]) -> list[Decimal]:
    return [Decimal(value) for value in values]


@pytest.mark.parametrize(
    ("given", "used", "held", "final", "after", "recorded"),
    [
        pytest.param((HOURLY_5, MONTHLY_10), 0, 8, 5, [0, 10], [8, -3], id="hourly-and-monthly"),
        pytest.param((HOURLY_5, LIFETIME_20), 0, 8, 5, [0, 20], [8, -3], id="hourly-and-lifetime"),
        pytest.param((HOURLY_5, LIFETIME_20), 0, 8, 0, [5, 20], [8, -8], id="nothing-in-the-end"),
        pytest.param((("all", "messages", 15, None),), 5, 8, -3, [13], [5, 8, -11], id="the-opposite"),
        pytest.param((("all", "messages", 15, None),), 10, -5, -3, [8], [2, 10, -5], id="given-back"),
        pytest.param((("all", "messages", 15, None),), 0, 5, -2, [15], [5, -7], id="not-above-the-ceiling"),
        pytest.param((ACTION1_100, CREDITS_200), 95, 8, 12, [0, "198.6"], [4, 8, 95], id="credits-higher"),
        pytest.param((ACTION1_100, CREDITS_200), 95, 8, 3, [2, 200], [8, 95, -5], id="credits-lower"),
        pytest.param((ACTION1_100, CREDITS_200), 0, 10, 115, [0, 197], [10, 105], id="credits-much-higher"),
        pytest.param(
            (("r0", "messages", 100, None), ("r1", "messages", 100, None), ("main", "messages", 100, MONTHLY)),
            0,
            250,
            180,
            [0, 20, 100],
            [250, -70],
            id="rolled-over-lower",
        ),
        pytest.param(
            (("r0", "messages", 100, None), ("main", "messages", 100, MONTHLY)),
            0,
            30,
            150,
            [0, 50],
            [30, 120],
            id="rolled-over-higher",
        ),
    ],
)
async def test_what_a_reservation_comes_to(
    services: Services,
    *,
    given: tuple[Given, ...],
    used: int,
    held: int,
    final: int,
    after: list[int | str],
    recorded: list[int],
) -> None:
    """Each row of billing.md §7: the balances in the end, and the events that explain them."""
    await holding(services, *given)
    tracked = given[0][1]
    if used:
        await services.track(used, tracked)

    answer = await services.reserve(held, tracked)
    await services.finalize(final)

    assert answer.access.allowed
    assert dict(zip((each[0] for each in given), decimals(after), strict=True)) == await left(services)
    assert sorted(decimals(recorded)) == await counted(services)


async def test_an_upgrade_between(services: Services) -> None:
    """Held on Free, finalized on Pro: what Free's grant cannot take back is a refund to Pro's."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 50), auto_enable=True),
        plan("pro", item("messages", 80, price=usage_price("0.10")), price=price(20)),
    )
    await services.add_customer(card=GOOD_CARD)

    await services.reserve(40)
    await services.attach("pro")
    await services.track(20)
    await services.finalize(30)

    assert Decimal(70) == await services.remaining()
    assert [-10, 20, 40] == await counted(services)


async def test_an_entity(services: Services) -> None:
    """The entity's own units, then the customer's; a sibling's are untouched (billing.md §7)."""
    owners = {"west": "west", "east": "east"}
    given = [("all", "messages", 100, None), ("west", "messages", 50, None), ("east", "messages", 50, None)]
    await holding(services, *given, entity_of=owners)

    answer = await services.reserve(30, entity_id="west")
    await services.finalize(80)

    assert "west" == answer.entity_id
    assert {"all": 70, "west": 0, "east": 50} == await left(services)


async def test_an_entity_that_does_not_exist(services: Services) -> None:
    """Nothing is held for it."""
    await holding(services, MONTHLY_10)

    with pytest.raises(NotFound, match="north"):
        await services.reserve(1, entity_id="north")


async def test_unlimited_units(services: Services) -> None:
    """What was used is counted, for less and for more."""
    await services.offer(feature(), free_plan("free", item("messages", unlimited=True, reset=None), auto_enable=True))
    await services.add_customer()

    for held, final, usage in [(8, 3, 3), (8, 10, 13), (5, 0, 13)]:
        await services.reserve(held, lock_id=f"job-{held}-{final}")
        await services.finalize(final, f"job-{held}-{final}")
        balance = await services.balance()
        assert balance is not None

        assert usage == balance.usage


async def test_the_answer_shows_what_is_left(services: Services) -> None:
    """Held units are used until it is known better; the balance that answers is the one afterwards (api.md §2.4)."""
    await holding(services, MONTHLY_10)

    answer = await services.reserve(8)

    assert answer.access.balance is not None
    assert (True, 2, 8) == (answer.access.allowed, answer.access.balance.remaining, answer.access.balance.usage)
    assert answer.access.balance == await services.balance()
    assert not (await services.check(3)).access.allowed


async def test_several_balances_together(services: Services) -> None:
    """Five actions of their own and credits for five more hold eight; the answer names the credits, too."""
    await holding(services, ("a1", "action1", 5, None), ("credits", "credits", 1, None))

    answer = await services.reserve(8, "action1")

    assert answer.access.allowed
    assert {"a1": 0, "credits": Decimal("0.4")} == await left(services)
    assert answer.balances is not None
    assert {"action1", "credits"} == answer.balances.keys()


@pytest.mark.parametrize(
    ("required", "feature_id"), [(11, "messages"), (1, "action1"), (0, "action1"), (-1, "action1")]
)
async def test_the_answer_is_no(services: Services, required: int, feature_id: str) -> None:
    """What does not fit is not held, nor is anything of what nobody has; and there is no lock to finalize."""
    await holding(services, MONTHLY_10)

    answer = await services.reserve(required, feature_id)

    assert (required == 0) == answer.access.allowed
    await services.finalize(5)
    assert {"monthly": 10} == await left(services)
    if required:
        assert [] == await counted(services)


async def test_a_refused_id_is_free(services: Services) -> None:
    """The same lock id may be tried again once there is enough."""
    await holding(services, MONTHLY_10)
    await services.reserve(11)

    assert (await services.reserve(10)).access.allowed


@pytest.mark.parametrize(
    ("behavior", "after"),
    [
        pytest.param(OverageBehavior.CAP, [0, 10, 2, 0, 0], id="cap"),
        pytest.param(OverageBehavior.OVERFLOW, [-4, 10, 2, -4, -6], id="overflow"),
    ],
)
async def test_more_than_there_is(services: Services, behavior: OverageBehavior, after: list[int]) -> None:
    """Held as far as it fits, or all of it; and the rest is counted the same way (api.md §2.16)."""
    await holding(services, MONTHLY_10)

    found = []
    for number, final in enumerate((14, 0, 8, 14, 16)):
        answer = await services.reserve(14, lock_id=f"job-{number}", overage_behavior=behavior)
        assert answer.access.allowed
        if number:
            await services.finalize(final, f"job-{number}")
        found.append((await left(services))["monthly"])
        await services.finalize(0, f"job-{number}")
        if number:
            await services.track(-final)

    assert after == found
