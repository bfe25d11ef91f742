"""Usage alerts and limits that are reached, as they are written down for whoever delivers them (billing.md §6.5)."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from sumac.balances.requests import OverageBehavior
from sumac.core.errors import BadRequest
from sumac.customers import service as customers
from sumac.customers.service import CustomerChange
from sumac.organizations.settings import update_billing_settings
from tests.support.build import feature, free_plan, item, seats
from tests.support.services import Services

ALERT, LIMIT = "balances.usage_alert_triggered", "balances.limit_reached"
AT_70: Mapping[str, Any] = {"feature_id": "messages", "enabled": True, "threshold": 70, "threshold_type": "remaining"}


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer with 100 messages."""
    await services.offer(feature(), seats(), free_plan("free", item("messages", 100), auto_enable=True))
    await services.add_customer()
    return services


async def control(shop: Services, **lists: list[Mapping[str, Any]]) -> None:
    """Replaces lists of the customer's billing controls."""
    async with shop.database.work(shop.tenant) as work:
        change = CustomerChange(frozenset({"billing_controls"}), {"billing_controls": lists})
        await customers.update(work, "ada", change)


async def test_an_alert_is_written_down_with_the_usage(shop: Services) -> None:
    """Its body is what is sent; numbers in it are numbers."""
    await control(shop, usage_alerts=[{**AT_70, "threshold": 70.5, "name": "low"}])
    await shop.track(29)
    await shop.track(1)

    crossed = {"name": "low", "threshold": 70.5, "threshold_type": "remaining"}
    assert [(ALERT, {"customer_id": "ada", "feature_id": "messages", "usage_alert": crossed})] == await shop.notices()


async def test_within_a_minute_an_alert_is_told_once(shop: Services) -> None:
    """Balances that go up and down around a threshold tell it once a minute."""
    await control(shop, usage_alerts=[dict(AT_70)])
    for value in (30, -1, 1, -1, 1):
        await shop.track(value)

    assert [ALERT] == [kind for kind, _ in await shop.notices()]

    shop.clock.advance(timedelta(minutes=1))
    await shop.track(-1)
    await shop.track(1)

    assert [ALERT, ALERT] == [kind for kind, _ in await shop.notices()]


async def test_a_limit_is_told_when_it_is_reached(shop: Services) -> None:
    """By whoever takes the last unit: among fifty callers at once there is one."""
    await asyncio.gather(*(shop.track(4) for _ in range(50)))

    reached = {"customer_id": "ada", "feature_id": "messages", "limit_type": "included"}
    assert [(LIMIT, reached)] == await shop.notices()
    assert 0 == await shop.remaining()


async def test_the_organization_is_told_of_every_customer(shop: Services) -> None:
    """Its alerts hold from the next usage on, beside those of the customers."""
    await shop.track(1)
    async with shop.database.work(shop.tenant) as work:
        await update_billing_settings(work, {"usage_alerts": (AT_70,)})
    await control(shop, usage_alerts=[{**AT_70, "threshold": 60}])
    await shop.track(39)

    assert [60, 70] == sorted(body["usage_alert"]["threshold"] for _, body in await shop.notices())


async def test_the_usage_of_an_entity(shop: Services) -> None:
    """The entity's own alerts and the limit that it reaches name it."""
    await shop.offer(free_plan("seats", item("seats", 5), add_on=True))
    await shop.attach("seats")
    await shop.add_entity("one", billing_controls={"usage_alerts": [dict(AT_70)]})
    await shop.track(100, entity_id="one")

    told = await shop.notices()
    assert [LIMIT, ALERT] == sorted(kind for kind, _ in told)
    assert ["one", "one"] == [body["entity_id"] for _, body in told]


async def test_a_reservation_crosses_thresholds_too(shop: Services) -> None:
    """Units that are held are not there; what it comes to beyond that is told when it is known."""
    await control(shop, usage_alerts=[dict(AT_70), {**AT_70, "threshold": 50}])
    await shop.reserve(40)

    assert [70] == [body["usage_alert"]["threshold"] for _, body in await shop.notices()]

    await shop.finalize(60)

    assert [50, 70] == sorted(body["usage_alert"]["threshold"] for _, body in await shop.notices())


async def test_a_check_with_an_event_tells_as_usage_does(shop: Services) -> None:
    """And a check that counts nothing tells nothing."""
    await shop.check(100)

    assert [] == await shop.notices()

    await shop.check(100, send_event=True)

    assert [LIMIT] == [kind for kind, _ in await shop.notices()]


async def test_usage_that_is_refused_tells_nothing(shop: Services) -> None:
    """Notices are written in the same transaction as the usage, or not at all."""
    with pytest.raises(BadRequest):
        await shop.track(101, overage_behavior=OverageBehavior.REJECT)

    assert [] == await shop.notices()
