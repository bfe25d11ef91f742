"""Cancelling, and changing one's mind (billing.md §12.5, §12.6, §20.2 T4)."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.billing.requests import (
    CancelAction,
)
from sumac.core.errors import BadRequest, NotFound
from sumac.core.money import Money
from sumac.invoices import service as invoices
from sumac.invoices.model import InvoiceStatus
from tests.support.build import ONCE, feature, free_plan, item, plan, prepaid_price, price, seats, usage_price
from tests.support.services import GOOD_CARD, Services

NOW, LATER, KEEP = CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE, CancelAction.UNCANCEL
JANUARY_10, HALF = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 16, 12, tzinfo=UTC)
FEBRUARY, MARCH = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Free with a good card, and plans to buy."""
    await services.offer(
        feature(),
        seats(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10"))),
        plan("premium", item("messages", 500), price=price(50)),
        plan("extra", item("messages", 50), add_on=True),
        plan("packs", item("messages", 0, price=prepaid_price(10, billing_units=Decimal(100)))),
        plan("topup", item("messages", 50, reset=None), price=price(10, ONCE)),
    )
    await services.add_customer(card=GOOD_CARD)
    return services


async def credit(shop: Services) -> Money:
    customer = await shop.customer()
    async with shop.database.reading(shop.tenant) as work:
        return await invoices.credit_of(work, customer.key, "usd")


async def test_cancel_at_the_end_and_keep(shop: Services) -> None:
    """Cancelled on the 10th, kept on the 20th, renewed, cancelled at once in February (billing.md §20.2 T4)."""
    await shop.attach("pro")
    await shop.advance(JANUARY_10)
    receipt = await shop.cancel(LATER)

    assert None is receipt.invoice
    pro, free = await shop.held("pro"), await shop.held("free")
    assert (JANUARY_10, FEBRUARY, FEBRUARY) == (pro.canceled_at, pro.ends_at, free.starts_at)
    assert {"pro": "active", "free": "scheduled"} == await shop.statuses()

    await shop.advance(datetime(2026, 1, 20, tzinfo=UTC))
    await shop.cancel(KEEP)
    assert {"pro": "active"} == await shop.statuses()
    kept = await shop.held("pro")
    assert (None, None) == (kept.canceled_at, kept.ends_at)

    await shop.advance(FEBRUARY)
    assert ["20.00", "20.00"] == await shop.totals()

    await shop.advance(datetime(2026, 2, 15, tzinfo=UTC))
    await shop.track(150)
    receipt = await shop.cancel(NOW)
    assert receipt.invoice is not None
    assert (Decimal(-10), InvoiceStatus.PAID) == (receipt.invoice.total.major, receipt.invoice.status)
    assert {"free": "active"} == await shop.statuses()
    assert Decimal(10) == await shop.remaining()
    assert Money(1000, "usd") == await credit(shop)


async def test_the_end_comes(shop: Services) -> None:
    """Cancelled at the end with 500 of 100 used at $0.10: a final invoice of $40, Free again, no base price."""
    await shop.attach("pro")
    await shop.cancel(LATER)
    await shop.track(500)
    assert {"pro": "active", "free": "scheduled"} == await shop.statuses()

    await shop.advance(FEBRUARY)

    assert ["20.00", "40.00"] == await shop.totals()
    assert {"free": "active"} == await shop.statuses()
    assert Decimal(10) == await shop.remaining()
    await shop.advance(datetime(2026, 6, 1, tzinfo=UTC))
    assert ["20.00", "40.00"] == await shop.totals()


async def test_cancelling_at_once_forgives_the_usage(shop: Services) -> None:
    """Used 500 of 100, cancelled at the start: one invoice of -$20 and nothing for the usage."""
    await shop.attach("pro")
    await shop.track(500)

    await shop.cancel(NOW)

    assert ["20.00", "-20.00"] == await shop.totals()


async def test_units_paid_in_advance_are_given_back(shop: Services) -> None:
    """$20 and three packs of $10, cancelled at the start: -$50."""
    await shop.attach("packs", quantities={"messages": Decimal(300)})

    await shop.cancel(NOW)

    assert ["50.00", "-50.00"] == await shop.totals()


async def test_credit_pays_the_next_invoice(shop: Services) -> None:
    """What was given back is spent before the card is charged."""
    await shop.attach("pro")
    await shop.advance(HALF)
    await shop.cancel(NOW)

    receipt = await shop.attach("pro")

    assert receipt.invoice is not None
    assert (2000, 1000, 1000) == tuple(
        amount.minor for amount in (receipt.invoice.total, receipt.invoice.credit_applied, receipt.invoice.paid)
    )
    assert [1000, 2000] == await shop.charged()
    assert Money(0, "usd") == await credit(shop)


async def test_without_proration_nothing_is_given_back(shop: Services) -> None:
    """The caller may say that cancelling gives nothing back."""
    await shop.attach("pro")

    await shop.cancel(NOW, bill=False)

    assert ["20.00"] == await shop.totals()
    assert {"free": "active"} == await shop.statuses()


async def test_an_add_on_is_cancelled_alone(shop: Services) -> None:
    """The add-on's $20 come back, the main plan runs on; and the main plan's end leaves the add-on."""
    await shop.attach("pro")
    await shop.attach("extra")
    await shop.cancel(NOW, plan_id="extra")
    assert ({"pro": "active"}, ["20.00", "20.00", "-20.00"]) == (await shop.statuses(), await shop.totals())

    await shop.attach("extra")
    await shop.cancel(LATER, plan_id="pro")
    await shop.advance(FEBRUARY)
    assert {"free": "active", "extra": "active"} == await shop.statuses()


async def test_an_add_on_that_waits_goes_with_the_main_plan(shop: Services) -> None:
    """Cancelled at once, nothing is left that would start, or cost anything, later."""
    await shop.attach("pro")
    await shop.attach("extra", starts_at=HALF)
    assert {"pro": "active", "extra": "scheduled"} == await shop.statuses()

    await shop.cancel(NOW, plan_id="pro")
    assert {"free": "active"} == await shop.statuses()

    await shop.advance(FEBRUARY)
    assert ["20.00", "-20.00"] == await shop.totals()


async def test_cancelling_what_is_ending(shop: Services) -> None:
    """At once works on a plan that is to end, and drops what was to follow; at the end again changes nothing."""
    await shop.attach("premium")
    await shop.attach("pro")
    await shop.cancel(LATER, plan_id="premium")
    assert {"premium": "active", "pro": "scheduled"} == await shop.statuses()

    await shop.cancel(NOW, plan_id="premium")

    assert {"free": "active"} == await shop.statuses()
    assert ["50.00", "-50.00"] == await shop.totals()


async def test_cancelling_the_scheduled_plan_keeps_the_running_one(shop: Services) -> None:
    """Premium with Pro waiting, Pro cancelled: Premium runs on (billing.md §20.1 no. 6)."""
    await shop.attach("premium")
    await shop.attach("pro")

    await shop.cancel(LATER, plan_id="pro")

    assert {"premium": "active"} == await shop.statuses()
    assert not (await shop.held("premium")).is_canceling
    await shop.advance(FEBRUARY)
    assert ["50.00", "50.00"] == await shop.totals()


async def test_keeping_the_running_plan_drops_the_scheduled_one(shop: Services) -> None:
    """Premium with Pro waiting, Premium kept: Pro does not come; usage stays as it is."""
    await shop.attach("premium")
    await shop.track(30)
    await shop.attach("pro")

    await shop.cancel(KEEP, plan_id="premium")

    assert {"premium": "active"} == await shop.statuses()
    assert Decimal(470) == await shop.remaining()


async def test_keeping_what_is_not_ending_changes_nothing(shop: Services) -> None:
    """Uncancel is a no-op on a plan that runs."""
    await shop.attach("pro")
    before = await shop.held("pro")

    await shop.cancel(KEEP)

    assert before == await shop.held("pro")


async def test_the_default_comes_back_only_when_the_group_is_empty(shop: Services) -> None:
    """After cancelling one of two paid main plans of different groups no free plan starts (billing.md §12.5)."""
    await shop.offer(plan("support", price=price(30), group="support"))
    await shop.attach("pro")
    await shop.attach("support")

    await shop.cancel(NOW, plan_id="pro")

    assert {"support": "active"} == await shop.statuses()


@pytest.mark.parametrize(
    ("action", "plan_id", "error"),
    [
        pytest.param(LATER, "free", BadRequest, id="free-has-no-end"),
        pytest.param(LATER, "topup", BadRequest, id="purchase-has-no-end"),
        pytest.param(NOW, "premium", NotFound, id="not-held"),
        pytest.param(KEEP, "premium", NotFound, id="nothing-to-keep"),
        pytest.param(NOW, "unknown", NotFound, id="unknown"),
    ],
)
async def test_what_cannot_be_cancelled(
    shop: Services, action: CancelAction, plan_id: str, error: type[Exception]
) -> None:
    """Refused, and nothing changes."""
    await shop.attach("topup")
    before = await shop.statuses()

    with pytest.raises(error):
        await shop.cancel(action, plan_id=plan_id)
    assert before == await shop.statuses()


async def test_cancelling_twice_finds_nothing(shop: Services) -> None:
    """A plan that is over is not found any more."""
    await shop.attach("pro")
    await shop.cancel(NOW, plan_id="pro")

    with pytest.raises(NotFound) as missing:
        await shop.cancel(NOW, plan_id="pro")
    assert "customer_product_not_found" == missing.value.code


async def test_a_scheduled_plan_cannot_be_kept(shop: Services) -> None:
    """There is no cancellation of it to undo (billing.md §12.6)."""
    await shop.attach("premium")
    await shop.attach("pro")

    with pytest.raises(BadRequest):
        await shop.cancel(KEEP, plan_id="pro")


async def test_a_plan_that_is_past_due_gives_nothing_back(shop: Services) -> None:
    """Cancelled at once with its renewal unpaid: the rest of an unpaid period is not owed to the customer (§12.5)."""
    await shop.attach("pro")
    await shop.set_next_charge("decline")
    await shop.advance(FEBRUARY)
    assert {"pro": "past_due"} == await shop.statuses()

    await shop.cancel(NOW, plan_id="pro")

    assert Money(0, "usd") == await credit(shop)
