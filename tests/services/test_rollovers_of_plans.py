"""What rolled over, whatever becomes of the plan; and usage around a reset (billing.md §9.5, §10.9)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.billing.requests import CancelAction, CarryOver, RedirectMode, UpdateRequest
from sumac.catalog.model import Customization, PlanItem, Rollover
from sumac.storage.schema import grants
from tests.support.build import feature, free_plan, item, plan, price, trial, usage_price
from tests.support.rolling import (
    APRIL,
    CALLERS,
    FEBRUARY,
    FOREVER,
    HALF,
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
from tests.support.services import ACTOR, GOOD_CARD, Services


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(rolling(500, capped(200)), 700, id="upgrade-to-a-lower-cap"),
        pytest.param(rolling(500, capped(1000)), 850, id="upgrade-to-a-higher-cap"),
        pytest.param(rolling(500, FOREVER), 850, id="without-a-cap"),
        pytest.param(rolling(500, HALF), 750, id="a-share-of-the-new-grant"),
        pytest.param(rolling(500, None), 500, id="nothing-rolls-over-there"),
        pytest.param(rolling(500, FOREVER, price=usage_price("0.10")), 850, id="paid-after-use"),
        pytest.param(item("words", 500, rollover=FOREVER), None, id="another-feature"),
    ],
)
async def test_a_switch_takes_along_what_rolled_over(services: Services, after: PlanItem, expected: int | None) -> None:
    """350 of 400 rolled over; the plan that follows takes as many as may roll over from it (§9.5)."""
    await services.offer(
        feature(), feature("words"), plan("pro", rolling(400, capped(500))), plan("next", after, price=price(50))
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.track(50)
    await services.advance(FEBRUARY)

    await services.attach("next")

    assert (None if expected is None else Decimal(expected)) == await services.remaining()
    await assert_books(services)


async def test_what_goes_along_keeps_its_expiry(services: Services) -> None:
    """Used units stay behind; the others expire when they would have."""
    await services.offer(
        feature(), plan("pro", rolling(400, capped(500))), plan("next", rolling(500, FOREVER), price=price(50))
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.track(50)
    await services.advance(FEBRUARY)
    await services.track(120)

    await services.attach("next")

    assert [(230, 230, APRIL)] == await rollovers(services)
    assert (Decimal(730), Decimal(730), Decimal(0)) == await sums(services)


@pytest.mark.parametrize(
    ("rollover", "expected"),
    [
        pytest.param(capped(150), 250, id="trimmed"),
        pytest.param(None, 100, id="dropped"),
        pytest.param(capped(1000), 900, id="all"),
    ],
)
async def test_a_downgrade_takes_along_what_it_may(
    services: Services, rollover: Rollover | None, expected: int
) -> None:
    """It is scheduled to the end of the cycle: 400 rolled over, and what is left of that cycle is among it (§20.1)."""
    await services.offer(
        feature(),
        plan("premium", rolling(400, Rollover("month", 3)), price=price(50)),
        plan("pro", rolling(100, rollover)),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("premium")
    await services.advance(FEBRUARY)
    await services.attach("pro")

    await services.advance(MARCH)

    assert {"pro": "active"} == await services.statuses()
    assert Decimal(expected) == await services.remaining()
    await assert_books(services)


async def test_carried_balances_and_usage_are_not_those_that_rolled_over(services: Services) -> None:
    """Carrying balances keeps what is left of the grant; carrying usage counts what was used of it."""
    await services.offer(
        feature(), plan("pro", rolling(400, FOREVER)), plan("next", rolling(500, FOREVER), price=price(50))
    )
    for customer_id in ("ada", "bob"):
        await services.add_customer(customer_id, card=GOOD_CARD)
        await services.attach("pro", customer_id)
        await services.track(100, customer_id=customer_id)
        await services.advance(FEBRUARY, customer_id)
        await services.track(350, customer_id=customer_id)

    await services.attach("next", carry_balances=CarryOver(enabled=True))
    await services.attach("next", "bob", carry_usages=CarryOver(enabled=True))

    assert (Decimal(850), Decimal(450)) == (await services.remaining(), await services.remaining(customer_id="bob"))


async def test_new_terms_take_it_along(services: Services) -> None:
    """A plan that goes on on other terms keeps what rolled over, no more of it than they say."""
    await services.offer(feature(), plan("pro", rolling(400, FOREVER)))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.advance(FEBRUARY)
    await services.track(100)

    terms = Customization(items=(rolling(600, capped(250)),))
    await services.billing.perform(services.tenant, UpdateRequest("ada", "pro", customize=terms), actor=ACTOR)

    assert [(250, 250, None)] == await rollovers(services)
    assert Decimal(850) == await services.remaining()
    await assert_books(services)


async def test_the_end_of_the_plan_ends_it(services: Services) -> None:
    """Nothing of what rolled over from a plan outlives it where nothing takes its place."""
    await services.offer(feature(), plan("pro", rolling(400, FOREVER)))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.advance(FEBRUARY)
    assert Decimal(800) == await services.remaining()

    await services.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro")

    assert None is await services.balance()
    await assert_books(services)


async def test_what_is_used_while_a_page_is_open(services: Services) -> None:
    """The plan bought on a page takes along what is left when it is paid."""
    await services.offer(
        feature(),
        free_plan("free", rolling(100, FOREVER), auto_enable=True),
        plan("pro", rolling(500, FOREVER)),
    )
    await services.add_customer()
    services.clock.move_to(FEBRUARY)
    await services.check()
    url = (await services.attach("pro", redirect_mode=RedirectMode.ALWAYS)).payment_url or ""
    await services.track(30)

    await services.pay(url)

    assert [(70, 70, None)] == await rollovers(services)
    assert Decimal(570) == await services.remaining()
    await assert_books(services)


async def test_a_trial_that_reverts_leaves_it_with_the_plan(services: Services) -> None:
    """What rolled over rests with the plan that waits, is not lent to the one on trial, and expires as much later."""
    tried = trial(10, on_end="revert", card_required=False)
    await services.offer(
        feature(),
        plan("pro", rolling(100, MONTH)),
        plan("premium", rolling(500, FOREVER), price=price(50), free_trial=tried),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.advance(FEBRUARY)
    await services.attach("premium")
    premium = await services.held("premium")
    async with services.database.reading(services.tenant) as work:
        rows = await work.all(work.select(grants).where(grants.c.customer_plan_id == premium.id))
    assert [Decimal(500)] == [row.balance for row in rows]

    await services.advance(FEBRUARY + timedelta(days=10))

    assert {"pro": "active"} == await services.statuses()
    assert [(100, 100, MARCH + timedelta(days=10))] == await rollovers(services)


async def test_units_left_at_a_period_begun_anew_roll_over(services: Services) -> None:
    """An early reset is a reset: what is left rolls over, until a month after the day on which it was due."""
    await services.offer(feature(), plan("pro", rolling(100, MONTH)))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro", anchor=datetime(2026, 1, 20, tzinfo=UTC))
    await services.track(30)

    await services.advance(datetime(2026, 1, 21, tzinfo=UTC))

    assert [(70, 70, datetime(2026, 2, 20, tzinfo=UTC))] == await rollovers(services)


async def test_usage_at_the_very_instant_belongs_to_the_new_period(services: Services) -> None:
    """Of 50 tracks at the millisecond of the reset none is taken from the old period, nor from what it left short."""
    await holding(services, rolling(100, MONTH))
    await services.track(40)
    services.clock.move_to(FEBRUARY)

    await asyncio.gather(*(services.track(1) for _ in range(CALLERS)))

    assert [(60, 10, MARCH)] == await rollovers(services)
    assert (Decimal(160), Decimal(110), Decimal(50)) == await sums(services)
    assert [Decimal(60)] == await rolled_entries(services)
    await assert_books(services)


async def test_usage_a_millisecond_before_belongs_to_the_old_period(services: Services) -> None:
    """What is tracked just before the reset is not left at it."""
    await holding(services, rolling(100, MONTH))
    services.clock.move_to(FEBRUARY - MILLISECOND)
    await asyncio.gather(*(services.track(1) for _ in range(CALLERS)))

    services.clock.move_to(FEBRUARY)
    await services.check()

    assert [(50, 50, MARCH)] == await rollovers(services)


async def test_resets_at_once_make_one_rollover(services: Services, crowd: Sequence[Services]) -> None:
    """Fifty callers through several processes find the reset due: one is made, and what was left rolls over once."""
    await holding(services, rolling(100, FOREVER))
    await services.track(40)
    services.clock.move_to(FEBRUARY + MILLISECOND)

    asked = [crowd[number % len(crowd)].check() for number in range(CALLERS - 2)]
    await asyncio.gather(*asked, *(each.billing.settle_due_customers() for each in crowd[:2]))

    assert [(60, 60, None)] == await rollovers(services)
    assert [Decimal(60)] == await rolled_entries(services)
    assert Decimal(160) == await services.remaining()
    await assert_books(services)
