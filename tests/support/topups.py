"""A customer whose messages are bought by themselves when they run low (billing.md §6.6)."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sumac.customers import service as customers
from sumac.customers.service import CustomerChange
from tests.support.build import ONCE, credit_system, feature, free_plan, item, plan, prepaid_price, price, usage_price
from tests.support.services import GOOD_CARD, Services

SUCCEEDED, FAILED = "billing.auto_topup_succeeded", "billing.auto_topup_failed"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HUNDRED = prepaid_price(10, billing_units=Decimal(100), cadence=ONCE)


async def sell(shop: Services) -> None:
    """A customer with a good card who has bought 100 messages once, at $10 a pack."""
    await shop.offer(
        feature(),
        feature("words"),
        credit_system(),
        plan("pack", item("messages", 0, reset=None, price=HUNDRED), price=price(1, ONCE), add_on=True),
        plan("words", item("words", 0, reset=None, price=HUNDRED), price=price(1, ONCE), add_on=True),
        plan("credits", item("credits", 0, reset=None, price=HUNDRED), price=price(1, ONCE), add_on=True),
        plan("pro"),
        free_plan("paid", item("messages", 1000, price=usage_price("0.01"))),
    )
    await shop.add_customer(card=GOOD_CARD)
    await shop.attach("pack", quantities={"messages": Decimal(100)})


async def control(shop: Services, *topups: Mapping[str, Any]) -> None:
    """Replaces the customer's automatic top-ups."""
    async with shop.database.work(shop.tenant) as work:
        values = {"billing_controls": {"auto_topups": list(topups)}}
        await customers.update(work, "ada", CustomerChange(frozenset({"billing_controls"}), values))


def topup(threshold: int, quantity: int, feature_id: str = "messages", **changes: object) -> dict[str, Any]:
    """Buys so many units when no more than the threshold is left."""
    return {"feature_id": feature_id, "enabled": True, "threshold": threshold, "quantity": quantity, **changes}


async def used(shop: Services, units: int, feature_id: str = "messages") -> Decimal | None:
    """Tracks, waits for what follows, and answers what is left."""
    await shop.track(units, feature_id)
    await shop.topups.close()
    return await shop.remaining(feature_id)


async def look(shop: Services) -> None:
    """The job comes by."""
    await shop.topups.buy_waiting()


async def told(shop: Services, kind: str, name: str) -> list[Any]:
    """One value of each notice of that kind."""
    return [body.get(name) for each, body in await shop.notices() if each == kind]
