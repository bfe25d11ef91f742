"""What is left at a reset rolls over (billing.md §3.1, §5.4, §9.3, §9.5)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from sumac.catalog.model import Rollover
from tests.support.build import feature, plan, prepaid_price, usage_price
from tests.support.rolling import (
    APRIL,
    FEBRUARY,
    FOREVER,
    HALF,
    JULY,
    JUNE,
    MARCH,
    MILLISECOND,
    MONTH,
    assert_books,
    capped,
    holding,
    rolled_entries,
    rolling,
    rollovers,
    sums,
)
from tests.support.services import GOOD_CARD, Services


@pytest.mark.parametrize(
    ("included", "rollover", "used", "expected"),
    [
        pytest.param(400, capped(500), [250], 550, id="below-the-cap"),
        pytest.param(300, capped(100), [50], 400, id="above-the-cap"),
        pytest.param(100, capped(80), [50, 0], 180, id="trimmed-to-one-parcel"),
        pytest.param(200, HALF, [50], 300, id="half-at-most"),
        pytest.param(200, HALF, [150], 250, id="less-than-half"),
        pytest.param(200, FOREVER, [0, 0, 0], 800, id="linear-without-an-end"),
        pytest.param(200, MONTH, [0, 0, 0], 400, id="for-a-month"),
        pytest.param(100, None, [30], 100, id="nothing-rolls-over"),
    ],
)
async def test_units_left_roll_over(
    services: Services, included: int, rollover: Rollover | None, used: Sequence[int], expected: int
) -> None:
    """The table of §9.5: after each cycle what was left is there beside the full balance, up to the cap."""
    await holding(services, rolling(included, rollover))
    for units, boundary in zip(used, (FEBRUARY, MARCH, APRIL), strict=False):
        await services.track(units)
        services.clock.move_to(boundary)

    await services.check()

    assert Decimal(expected) == await services.remaining()
    await assert_books(services)


async def test_nobody_looking_makes_no_difference(services: Services) -> None:
    """Whoever asks after three months finds what they would have found asking every month."""
    await holding(services, rolling(200, FOREVER))
    services.clock.move_to(APRIL)

    await services.check()

    assert (800, 800, 0) == await sums(services)
    assert [(200, 200, None)] * 3 == await rollovers(services)


async def test_bought_units_count_for_the_cap(services: Services) -> None:
    """100 included and 100 bought, half may roll over: 150 left become 100, beside 200 (§9.5)."""
    bought = rolling(100, HALF, price=prepaid_price(5, billing_units=Decimal(100)))
    await services.offer(feature(), plan("pro", bought))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro", quantities={"messages": Decimal(200)})
    await services.track(50)

    await services.advance(FEBRUARY)

    assert Decimal(300) == await services.remaining()
    assert [(100, 100, APRIL)] == await rollovers(services)
    assert ["25.00", "25.00"] == await services.totals()


async def test_what_rolled_over_is_used_first(services: Services) -> None:
    """Usage comes from what rolled over, the soonest to expire first; granted counts what was used of it (§5.4)."""
    await holding(services, rolling(100, Rollover("month", 3)))
    services.clock.move_to(FEBRUARY)
    await services.track(160)
    services.clock.move_to(MARCH)
    await services.check()
    assert [(40, 40, JUNE)] == await rollovers(services)
    services.clock.move_to(APRIL)
    await services.check()
    assert [(40, 40, JUNE), (100, 100, JULY)] == await rollovers(services)

    answer = await services.track(50)

    assert [Decimal(40), Decimal(10)] == [each.value for each in answer.deductions]
    assert [(40, 0, JUNE), (100, 90, JULY)] == await rollovers(services)
    assert (Decimal(240), Decimal(190), Decimal(50)) == await sums(services)


async def test_refunds_do_not_fill_it_again(services: Services) -> None:
    """What is given back goes to the balance, up to its grant; what rolled over stays as it is (§5.5)."""
    await holding(services, rolling(100, FOREVER))
    await services.track(60)
    services.clock.move_to(FEBRUARY)
    await services.track(50)

    await services.track(-30)

    assert [(40, 0, None)] == await rollovers(services)
    assert (Decimal(140), Decimal(100), Decimal(40)) == await sums(services)


async def test_it_expires_to_the_millisecond(services: Services) -> None:
    """A month after the reset it is gone, whether or not it was used, and the books say so."""
    await holding(services, rolling(100, MONTH))
    await services.track(70)
    services.clock.move_to(FEBRUARY)
    await services.track(110)
    services.clock.move_to(MARCH - MILLISECOND)
    assert (Decimal(130), Decimal(20), Decimal(110)) == await sums(services)

    services.clock.move_to(MARCH)
    await services.check()

    assert (Decimal(120), Decimal(120), Decimal(0)) == await sums(services)
    assert [(20, 20, APRIL)] == await rollovers(services)
    assert [Decimal(30), Decimal(20)] == await rolled_entries(services)
    await assert_books(services)


async def test_used_up_units_are_shown_until_the_next_reset(services: Services) -> None:
    """What rolled over and is used up counts as granted until then, and is over with it."""
    await holding(services, rolling(100, FOREVER))
    await services.track(60)
    services.clock.move_to(FEBRUARY)
    await services.track(140)
    assert (Decimal(140), Decimal(0), Decimal(140)) == await sums(services)

    services.clock.move_to(MARCH)
    await services.check()

    assert (Decimal(100), Decimal(100), Decimal(0)) == await sums(services)
    assert [] == await rollovers(services)


async def test_overage_does_not_eat_what_rolled_over(services: Services) -> None:
    """Units beyond the grant are billed, and nothing rolls over from a balance below zero."""
    await services.offer(feature(), plan("pro", rolling(100, FOREVER, price=usage_price("0.10"))))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.track(60)
    await services.advance(FEBRUARY)
    await services.track(150)

    await services.advance(MARCH)

    assert ["20.00", "20.00", "21.00"] == await services.totals()
    assert (Decimal(100), Decimal(100), Decimal(0)) == await sums(services)
