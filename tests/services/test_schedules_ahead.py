"""Schedules that are placed before their page is paid (billing.md §10.5, §13.2)."""

from datetime import UTC, datetime, timedelta

import pytest

from sumac.billing.requests import Phase, PlanWish, ScheduleRequest
from sumac.invoices.model import InvoiceStatus
from tests.support.build import feature, free_plan, item, plan, price
from tests.support.services import ACTOR, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PHASES = (
    Phase((PlanWish("pro"),)),
    Phase((PlanWish("premium"), PlanWish("extra")), FEBRUARY),
)
PLACED = ScheduleRequest("ada", PHASES, enable_immediately=True)
FOLLOWED = {"pro": "active", "premium": "scheduled", "extra": "scheduled"}


@pytest.fixture
async def shop(services: Services) -> Services:
    """Plans, and a customer on Free without a card."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100)),
        plan("premium", item("messages", 500), price=price(50)),
        plan("extra", item("messages", 30), price=price(5), add_on=True),
    )
    await services.add_customer()
    return services


async def states(shop: Services) -> list[tuple[InvoiceStatus, int]]:
    """Each invoice's status and total in cents, oldest first."""
    return [(invoice.status, invoice.total.minor) for invoice in await shop.invoices()]


async def test_a_schedule(shop: Services) -> None:
    """It is placed and its first phase begins at once; asked for again it is the same; paid, it takes its course."""
    receipt = await shop.billing.perform(shop.tenant, PLACED, actor=ACTOR)
    again = await shop.billing.perform(shop.tenant, PLACED, actor=ACTOR)

    assert (FOLLOWED, [(InvoiceStatus.OPEN, 2000)]) == (await shop.statuses(), await states(shop))
    assert receipt.schedule is not None
    assert 2 == len(receipt.schedule.phases)
    assert (receipt.payment_url, receipt.schedule) == (again.payment_url, again.schedule)
    await shop.pay(await shop.follow(receipt.payment_url or ""))
    assert [2000] == await shop.charged()
    await shop.advance(FEBRUARY)

    assert ({"premium": "active", "extra": "active"}, ["20.00", "55.00"]) == (
        await shop.statuses(),
        await shop.totals(),
    )


async def test_a_schedule_that_nobody_pays(shop: Services) -> None:
    """Its first phase is over, none of the others begins, and nothing is owed."""
    await shop.billing.perform(shop.tenant, PLACED, actor=ACTOR)
    shop.clock.advance(HOUR)
    await shop.billing.settle_checkouts()

    assert ({"free": "active"}, [(InvoiceStatus.VOID, 2000)]) == (await shop.statuses(), await states(shop))
    await shop.advance(datetime(2026, 2, 2, tzinfo=UTC))
    assert ({"free": "active"}, 1) == (await shop.statuses(), len(await shop.invoices()))
