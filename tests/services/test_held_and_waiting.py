"""What a customer has while a plan waits behind another one, or a version of it is old (billing.md §20.1)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sumac.catalog.model import Customization
from tests.support.build import feature, flag, item, plan, price, usage_price
from tests.support.services import GOOD_CARD, Services

HALF, FEBRUARY, MARCH = (
    datetime(2026, 1, 16, 12, tzinfo=UTC),
    datetime(2026, 2, 1, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer with a good card; both plans have single sign-on."""
    sso = item("sso", reset=None)
    await services.offer(
        feature(),
        flag(),
        plan("pro", item("messages", 100, price=usage_price("0.10")), sso),
        plan("premium", item("messages", 500), sso, price=price(50)),
    )
    await services.add_customer(card=GOOD_CARD)
    return services


async def test_a_flag_of_the_running_and_of_the_waiting_plan(shop: Services) -> None:
    """It is there before the downgrade, while it waits, and after it."""
    await shop.attach("premium")
    allowed = [(await shop.check(feature_id="sso")).access.allowed]
    await shop.attach("pro")
    allowed.append((await shop.check(feature_id="sso")).access.allowed)
    assert {"premium": "active", "pro": "scheduled"} == await shop.statuses()
    await shop.advance(FEBRUARY)
    allowed.append((await shop.check(feature_id="sso")).access.allowed)

    assert ({"pro": "active"}, [True, True, True]) == (await shop.statuses(), allowed)


async def test_made_to_measure_of_a_version_that_is_old(shop: Services) -> None:
    """Price, units and rate are those the customer has, whatever becomes of the plan in the catalog."""
    await shop.attach("pro", customize=Customization(price=price(15), sets_price=True))
    old = (await shop.holdings())["pro"].plan
    dearer = tuple(replace(each, price=usage_price("0.50")) if each.price else each for each in old.items)
    changed = await shop.change_plan("pro", price=price(90), items=dearer)
    await shop.track(150)
    await shop.advance(FEBRUARY)
    await shop.advance(MARCH)

    held = (await shop.holdings())["pro"]
    assert (2, 1, old.price) == (changed.version, held.held.version, held.plan.price)
    assert ["15.00", "20.00", "15.00"] == await shop.totals()
