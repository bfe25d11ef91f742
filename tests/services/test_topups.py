"""Automatic top-ups, from the usage that triggers them to the books that they end in (billing.md §6.6)."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.balances.controls import PurchaseLimit
from sumac.balances.requests import OverageBehavior
from sumac.billing.requests import CancelAction
from sumac.core.clock import ManualClock
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.invoices.model import InvoiceStatus
from sumac.storage.database import Database
from tests.support.build import ONCE, item, plan, prepaid_price, price
from tests.support.services import Services
from tests.support.topups import FAILED, HOUR, MINUTE, SECOND, SUCCEEDED, control, look, sell, told, topup, used


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer who has bought 100 messages once."""
    await sell(services)
    return services


@pytest.mark.parametrize(
    ("threshold", "quantity", "tracked", "left", "packs"),
    [
        pytest.param(20, 100, 85, 115, 2, id="below-the-threshold"),
        pytest.param(20, 100, 80, 120, 2, id="exactly-the-threshold"),
        pytest.param(20, 100, 79, 21, 1, id="above-the-threshold"),
        pytest.param(0, 250, 100, 300, 4, id="whole-packs"),
    ],
)
async def test_more_is_bought(
    shop: Services, threshold: int, quantity: int, tracked: int, left: int, packs: int
) -> None:
    """Right after the usage that leaves so little, whole packs, paid by the stored card."""
    await control(shop, topup(threshold, quantity))

    assert left == await used(shop, tracked)
    assert Decimal(packs * 100) == (await shop.held("pack")).quantities["messages"]
    bought = [f"{(packs - 1) * 10}.00"] if packs > 1 else []
    assert ["11.00", *bought] == await shop.totals()


async def test_who_is_told_of_a_purchase(shop: Services) -> None:
    """The notice says what was bought, what is there now, and which invoice it is; its total is in cents."""
    await control(shop, topup(20, 100))
    await used(shop, 85)
    invoice = (await shop.invoices())[-1]
    document = {"stripe_id": invoice.provider_invoice, "status": "paid", "total": 1000, "currency": "usd"}

    assert [
        (
            SUCCEEDED,
            {
                "customer_id": "ada",
                "feature_id": "messages",
                "quantity_granted": 100,
                "threshold": 20,
                "balance_after": 115,
                "invoice_mode": False,
                "invoice": document,
            },
        )
    ] == await shop.notices()


async def test_one_purchase_for_a_burst(shop: Services) -> None:
    """Three callers cross the threshold at once; what they leave is low, and enough is there after one purchase."""
    await control(shop, topup(50, 100))
    await asyncio.gather(*(shop.track(20) for _ in range(3)))
    await shop.topups.close()
    await look(shop)

    assert (140, ["11.00", "10.00"]) == (await shop.remaining(), await shop.totals())


async def test_fifty_callers_through_several_processes(
    shop: Services, address: str, clock: ManualClock, tenant: Tenant
) -> None:
    """However many cross it, and however many jobs look, the card is charged once."""
    await control(shop, topup(50, 100))
    databases = [Database(address, clock) for _ in range(3)]
    crowd = [Services.over(database, clock, tenant) for database in databases]
    await asyncio.gather(*(crowd[number % 3].track(1) for number in range(50)))
    await asyncio.gather(*(each.topups.buy_waiting() for each in crowd))
    await asyncio.gather(*(each.topups.close() for each in crowd))
    await look(shop)

    assert (150, [1000, 1100]) == (await shop.remaining(), await shop.charged())
    assert [SUCCEEDED] == [kind for kind, _ in await shop.notices()]
    for each in crowd:
        await each.database.close()


async def test_a_check_that_counts_buys_once(shop: Services) -> None:
    """A check with an event is one piece of usage."""
    await control(shop, topup(20, 100))
    await shop.check(85, send_event=True)
    await shop.topups.close()
    await look(shop)

    assert (115, ["11.00", "10.00"]) == (await shop.remaining(), await shop.totals())


async def test_a_check_buys_what_ran_low_before(shop: Services) -> None:
    """Whoever is refused asks again: it is bought though nothing is counted any more."""
    await shop.track(100)
    await control(shop, topup(20, 100))
    await shop.check(1)
    await shop.topups.close()

    assert 100 == await shop.remaining()


async def test_what_is_still_low_is_bought_with_the_next_usage(shop: Services) -> None:
    """200 messages, threshold 100, 50 more: 170 and then 1 leave 80 and then 129, half a minute apart (§6.6)."""
    fifties = item("messages", 0, reset=None, price=prepaid_price(5, billing_units=Decimal(50), cadence=ONCE))
    await shop.offer(plan("fifties", fifties, price=price(1, ONCE), add_on=True))
    await shop.track(100)
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pack")
    await shop.attach("fifties", quantities={"messages": Decimal(200)})
    await control(shop, topup(100, 50))

    assert 80 == await used(shop, 170)

    shop.clock.advance(29 * SECOND)

    assert 79 == await used(shop, 1)

    shop.clock.advance(SECOND)
    await look(shop)

    assert (129, ["11.00", "21.00", "5.00", "5.00"]) == (await shop.remaining(), await shop.totals())


async def test_units_pay_for_what_is_owed_first(shop: Services) -> None:
    """500 messages beyond 1000 and nothing bought: of 600 more, 100 are left, and all six packs are paid."""
    await shop.attach("paid")
    await control(shop, topup(0, 600, enabled=False))
    await shop.track(1600)
    await control(shop, topup(0, 600))

    assert -500 == await left(shop)

    await used(shop, 0)
    grants = await shop.balance()

    assert grants is not None
    assert [100, 0] == sorted((grant.balance for grant in grants.grants), reverse=True)
    assert ["11.00", "60.00"] == await shop.totals()
    assert Decimal(700) == (await shop.held("pack")).quantities["messages"]


async def left(shop: Services) -> Decimal:
    """What is left of messages, below zero where more was used."""
    balance = await shop.balance()
    return sum((grant.balance for grant in balance.grants), Decimal(0)) if balance else Decimal(0)


async def test_credits(shop: Services) -> None:
    """Credits are bought when what they pay for is used."""
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pack")
    await shop.attach("credits", quantities={"credits": Decimal(200)})
    await control(shop, topup(30, 100, "credits"))
    await shop.track(100)
    await used(shop, 845)

    assert 31 == await shop.remaining("credits")

    await used(shop, 10)

    assert 129 == await shop.remaining("credits")


async def test_the_purchase_limit(shop: Services) -> None:
    """Two purchases in a day; the third waits for the day to end, and is made by itself then."""
    await control(shop, topup(20, 100, purchase_limit={"interval": "day", "interval_count": 1, "limit": 2}))
    for _ in range(3):
        await used(shop, 100)
        shop.clock.advance(HOUR)

    assert (0, ["11.00", "10.00", "10.00"]) == (await shop.remaining(), await shop.totals())
    assert ["purchase_limit_reached"] == await told(shop, FAILED, "reason")

    shop.clock.advance(21 * HOUR)
    await look(shop)

    assert (100, 4) == (await shop.remaining(), len(await shop.invoices()))


async def test_the_count_can_be_set(shop: Services) -> None:
    """Zero lets more be bought in the same window, which ends when it would have."""
    await control(shop, topup(20, 100, purchase_limit={"interval": "day", "interval_count": 1, "limit": 1}))
    await used(shop, 100)
    async with shop.database.work(shop.tenant) as work:
        customer = await customers.get_for_update(work, "ada")
        before = (await shop.topups.states(work, customer.key))["messages"]
        await shop.topups.set_count(work, customer, "messages", PurchaseLimit("day", 1, 1), 0)
        after = (await shop.topups.states(work, customer.key))["messages"]

    assert (1, replace(before, purchases=0)) == (before.purchases, after)

    shop.clock.advance(HOUR)

    assert 100 == await used(shop, 100)


async def test_an_invoice_is_sent(shop: Services) -> None:
    """In invoice mode the units are there at once, no card is charged, and the invoice is open."""
    await control(shop, topup(20, 100, invoice_mode=True))

    assert 115 == await used(shop, 85)
    invoice = (await shop.invoices())[-1]
    assert (InvoiceStatus.OPEN, 30, [1100]) == (invoice.status, invoice.net_terms_days, await shop.charged())
    assert [True] == await told(shop, SUCCEEDED, "invoice_mode")


async def test_switched_on_while_little_is_left(shop: Services) -> None:
    """Only the feature that is named is bought, once."""
    await shop.attach("words", quantities={"words": Decimal(100)})
    await shop.track(100)
    await shop.track(100, "words")
    await control(shop, topup(20, 100), topup(20, 100, "words"))
    await shop.topups.look(shop.tenant, (await shop.customer()).key, only="messages")

    assert (100, 0) == (await shop.remaining(), await shop.remaining("words"))


async def test_two_features_run_low_at_once(shop: Services) -> None:
    """Each is bought, one after the other."""
    await shop.attach("words", quantities={"words": Decimal(100)})
    await control(shop, topup(20, 100), topup(20, 200, "words"))
    await shop.track(100, overage_behavior=OverageBehavior.CAP)
    await shop.track(100, "words")
    await shop.topups.close()
    await look(shop)

    assert (100, 200) == (await shop.remaining(), await shop.remaining("words"))


async def test_another_operation_is_running(shop: Services) -> None:
    """The purchase waits until it is over, and nothing is lost."""
    await control(shop, topup(20, 100))
    await shop.set_next_charge("pending")
    await shop.attach("words", quantities={"words": Decimal(100)})

    assert 0 == await used(shop, 100)

    for _ in range(400):
        shop.clock.advance(MINUTE)
        await shop.billing.resume_attempts()
        await look(shop)
        if await shop.remaining():
            break

    assert (100, 100) == (await shop.remaining(), await shop.remaining("words"))


async def test_on_a_clock_of_the_customer(shop: Services) -> None:
    """Everything happens at the customer's instants: what waits is bought while the clock moves, and is told."""
    start = shop.clock.now()
    await shop.advance(start)
    await control(shop, topup(20, 100))

    assert 100 == await used(shop, 100)

    await used(shop, 100)

    assert 0 == await shop.remaining()

    move = await shop.advance(start + MINUTE)

    assert [("topped_up", ("messages",), Decimal(10))] == [
        (each.kind, each.feature_ids, each.total) for each in move.happened
    ]
    assert [start + 30 * SECOND] == [each.at for each in move.happened]
    assert 100 == await shop.remaining()


async def test_credit_pays(shop: Services) -> None:
    """Where the customer's credit covers it, no card is charged."""
    await shop.attach("pro")
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro")
    before = await shop.charged()
    await control(shop, topup(20, 100))

    assert 115 == await used(shop, 85)
    assert (before, InvoiceStatus.PAID) == (await shop.charged(), (await shop.invoices())[-1].status)
    assert [SUCCEEDED] == [kind for kind, _ in await shop.notices()]
