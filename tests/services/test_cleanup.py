"""Purchases that are used up and were made again since end by a chore (billing.md §15.3)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.billing import cleanup
from sumac.billing.cleanup import Cleanup
from sumac.customers import service as customers
from tests.support.build import ONCE, feature, flag, held_item, item, plan, prepaid_price, price, seats
from tests.support.services import GOOD_CARD, Services


@pytest.fixture
async def shop(services: Services) -> Services:
    """Messages to buy fifty at a time, alone or with a flag, and customers with good cards."""
    await services.offer(
        feature(),
        flag(),
        plan("pack", item("messages", 50, reset=None), price=price(10, ONCE)),
        plan("deluxe", item("messages", 50, reset=None), held_item("sso"), price=price(15, ONCE)),
        plan("team", item("messages", 0, price=prepaid_price(1)), price=price(20)),
    )
    for customer_id in ("ada", "bob", "cy"):
        await services.add_customer(customer_id, card=GOOD_CARD)
    return services


async def buy(shop: Services, plan_id: str, times: int, customer_id: str = "ada") -> None:
    """Buys a plan again and again, a second after another."""
    for _ in range(times):
        await shop.attach(plan_id, customer_id)
        shop.clock.advance(timedelta(seconds=1))


async def held_count(shop: Services, customer_id: str = "ada") -> int:
    """How many plans the customer holds."""
    async with shop.database.reading(shop.tenant) as work:
        customer = await customers.get(work, customer_id)
        return len((await shop.billing.holdings(work, [customer.key])).get(customer.key, ()))


async def test_three_purchases(shop: Services) -> None:
    """The first is drained, and only the first ends; what is left is left, and the chore has nothing more to do."""
    await buy(shop, "pack", 3)
    await shop.track(60)
    assert 1 == await Cleanup(shop.database).run()

    assert (2, 90) == (await held_count(shop), await shop.remaining())
    assert 0 == await Cleanup(shop.database).run()
    assert ["10.00", "10.00", "10.00"] == await shop.totals()


async def test_the_last_one_stays(shop: Services) -> None:
    """Used up altogether, the newest purchase is still shown; the flag is still there."""
    await buy(shop, "deluxe", 2)
    await shop.track(100)
    await Cleanup(shop.database).run()

    assert (1, Decimal(0)) == (await held_count(shop), await shop.remaining())
    assert (await shop.check(feature_id="sso")).access.allowed


async def test_a_change_that_waits_is_not_given_up(shop: Services) -> None:
    """While the customer is asked for a payment nothing is cleaned up, and afterwards it is."""
    await buy(shop, "pack", 2)
    await shop.track(50)
    await shop.set_next_charge("require_action")
    receipt = await shop.attach("team", quantities={"messages": Decimal(5)})
    assert 0 == await Cleanup(shop.database).run()
    await shop.pay(receipt.payment_url or "", "4000 0000 0000 3220")

    assert 3 == await held_count(shop)
    assert 1 == await Cleanup(shop.database).run()
    assert 2 == await held_count(shop)


async def test_nobody_is_held_up(shop: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch in which nothing is over is passed by, such as one of seats that are all taken: others have a turn."""
    monkeypatch.setattr(cleanup, "BATCH", 1)
    await shop.offer(seats(), plan("chairs", held_item("seats", 2), price=price(10, ONCE)))
    for customer_id in ("ada", "bob"):
        await buy(shop, "chairs", 2, customer_id)
        await shop.track(4, "seats", customer_id)
    await buy(shop, "pack", 2, "cy")
    await shop.track(50, customer_id="cy")

    assert 1 == await Cleanup(shop.database).run()
    assert (2, 2, 1) == (await held_count(shop, "ada"), await held_count(shop, "bob"), await held_count(shop, "cy"))
