"""A shop whose plans are sold in dollars, euros, yen and dinars, and how its customers change over."""

from sumac.billing.currencies import adopt_currency
from sumac.customers import service as customers
from tests.support.build import (
    feature,
    free_plan,
    in_currencies,
    item,
    plan,
    price,
    trial,
    usage_price,
)
from tests.support.services import Services

USAGE = usage_price("0.10", additional_currencies=in_currencies(eur="0.095", jpy="1.5", kwd="0.0015"))
PRO = plan("pro", item("messages", 100, price=USAGE), price=price(20, eur="18.5", jpy=2000, kwd="1.005"))
PREMIUM = plan("premium", item("messages", 500), price=price(50, eur="46.25", jpy=5001, kwd="2.5"))


async def open_shop(services: Services) -> Services:
    """Plans in four currencies, plans in dollars only, and nobody yet."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        PRO,
        PREMIUM,
        plan("local", item("messages", 50), price=price(15)),
        plan(
            "try",
            item("messages", 100, price=USAGE),
            price=price(30, eur=27),
            free_trial=trial(14, card_required=False),
        ),
    )
    return services


async def adopt(shop: Services, currency: str, customer_id: str = "ada") -> None:
    """Bills the customer in the currency from now on."""
    async with shop.database.work(shop.tenant) as work:
        customer = await customers.get_for_update(work, customer_id)
        await adopt_currency(work, customer, currency)
