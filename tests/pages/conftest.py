"""A seller with a catalog, and its pages."""

from collections.abc import AsyncIterator

import pytest

from tests.pages.shop import Shop, browser_of
from tests.support import build
from tests.support.services import Services

TEAM = build.plan("team", price=build.price(99), items=(build.item("messages", 10_000),))
PRO = build.plan("pro", items=(build.item("messages", 1_000, price=build.usage_price()),))
GROWTH = build.plan("growth", group="growth", price=build.price(49), free_trial=build.trial(14))


@pytest.fixture
async def shop(services: Services) -> AsyncIterator[Shop]:
    """A seller of messages by the month, with the customer Ada."""
    async with browser_of(services) as browser:
        opened = await Shop.opened(services, browser, "Lumen Studio")
        await opened.services.offer(build.feature("messages"), PRO, TEAM, GROWTH)
        await opened.services.add_customer("ada", name="Ada Lovelace", email="ada@example.com")
        yield opened
