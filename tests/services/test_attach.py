"""Giving a plan to a customer with a card on file (billing.md §10.4)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.requests import (
    PlanTiming,
)
from sumac.catalog.model import Tier
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.invoices.model import InvoiceStatus
from tests.support.build import (
    ONCE,
    YEARLY,
    feature,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    price,
    seats,
    usage_price,
)
from tests.support.services import GOOD_CARD, Services

NEW_YEAR, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))
HALF = datetime(2026, 1, 16, 12, tzinfo=UTC)
FREE = free_plan("free", item("messages", 10))
PRO = plan("pro", item("messages", 100, price=usage_price("0.10")))
PREMIUM = plan("premium", item("messages", 500, price=usage_price("0.05")), price=price(50))
GROWTH = plan("growth", item("messages", 1000), price=price(100))
ANNUAL = plan("annual", item("messages", 100), price=price(200, YEARLY))
ADD_ON = plan("extra", item("messages", 50), add_on=True)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Every plan of the matrix, and a customer with a good card."""
    await services.offer(feature(), seats(), FREE, PRO, PREMIUM, GROWTH, ANNUAL, ADD_ON)
    await services.add_customer(card=GOOD_CARD)
    return services


async def test_a_free_plan(shop: Services) -> None:
    """Nothing → Free: active at once, no invoice."""
    receipt = await shop.attach("free")

    assert (None, None) == (receipt.invoice, receipt.payment_url)
    assert {"free": "active"} == await shop.statuses()
    assert Decimal(10) == await shop.remaining()
    assert [] == await shop.invoices()


async def test_a_paid_plan(shop: Services) -> None:
    """Nothing → Pro: $20 are charged, the plan runs from now to the same day of the next month."""
    receipt = await shop.attach("pro")

    assert receipt.invoice is not None
    assert receipt.payment_url is None
    assert (InvoiceStatus.PAID, Decimal(20), 1) == (
        receipt.invoice.status,
        receipt.invoice.total.major,
        receipt.invoice.number,
    )
    assert [receipt.invoice] == await shop.invoices()
    held = await shop.held("pro")
    assert (NEW_YEAR, FEBRUARY, None) == (held.period_start, held.period_end, held.trial_ends_at)
    assert held.recurring
    balance = await shop.balance()
    assert balance is not None
    assert (Decimal(100), FEBRUARY) == (balance.remaining, balance.next_reset_at)


async def test_free_to_paid_starts_a_new_cycle(shop: Services) -> None:
    """Free → Pro: Free is over, Pro's cycle begins now, also in the middle of Free's (billing.md §9.1)."""
    await shop.attach("free")
    await shop.advance(datetime(2026, 1, 10, 8, tzinfo=UTC))

    await shop.attach("pro")

    assert {"pro": "active"} == await shop.statuses()
    assert datetime(2026, 2, 10, 8, tzinfo=UTC) == (await shop.held("pro")).period_end
    balance = await shop.balance()
    assert balance is not None
    assert datetime(2026, 2, 10, 8, tzinfo=UTC) == balance.next_reset_at
    assert ["20.00"] == await shop.totals()


@pytest.mark.parametrize(
    ("at", "net"),
    [
        (HALF, "15.00"),
        (datetime(2026, 1, 11, tzinfo=UTC), "20.32"),
        (datetime(2026, 1, 25, 6, tzinfo=UTC), "6.53"),
        (NEW_YEAR, "30.00"),
    ],
)
async def test_an_upgrade_is_prorated(shop: Services, at: datetime, net: str) -> None:
    """Pro → Premium: the rest of Pro is given back, the rest of Premium charged, rounded once (billing.md §2.3)."""
    await shop.attach("pro")
    await shop.advance(at)
    preview = await shop.preview("premium")

    receipt = await shop.attach("premium")

    assert ["20.00", net] == await shop.totals()
    assert {"premium": "active"} == await shop.statuses()
    assert FEBRUARY == (await shop.held("premium")).period_end
    assert receipt.invoice is not None
    assert receipt.invoice.total.minor == sum(line.amount.minor for line in receipt.invoice.lines)
    draft = preview.decision.invoice
    assert draft is not None
    assert [line.description for line in draft.lines] == [line.description for line in receipt.invoice.lines]
    assert Decimal(500) == await shop.remaining()


async def test_an_upgrade_bills_the_usage_so_far(shop: Services) -> None:
    """Pro with 150 of 100 used, Premium at half: 5.00 - 10.00 + 25.00 = 20.00 (billing.md §10.8)."""
    await shop.attach("pro")
    await shop.track(150)
    await shop.advance(HALF)

    receipt = await shop.attach("premium")

    assert receipt.invoice is not None
    assert [5, -10, 25] == [line.amount.major for line in receipt.invoice.lines]
    assert Decimal(20) == receipt.invoice.total.major


async def test_month_to_year(shop: Services) -> None:
    """Pro → Annual at the start of the cycle: 200 - 20 = 180."""
    await shop.attach("pro")

    await shop.attach("annual")

    assert ["20.00", "180.00"] == await shop.totals()


async def test_month_to_year_in_the_middle(shop: Services) -> None:
    """Pro since 1 January, to Annual on 15 February: $165.34, renewing on 1 January (billing.md §2.3)."""
    await shop.attach("pro")
    await shop.advance(datetime(2026, 2, 15, tzinfo=UTC))

    await shop.attach("annual")

    assert ["20.00", "20.00", "165.34"] == await shop.totals()
    assert datetime(2027, 1, 1, tzinfo=UTC) == (await shop.held("annual")).period_end
    balance = await shop.balance()
    assert balance is not None
    assert MARCH == balance.next_reset_at


async def test_a_downgrade_waits_for_the_end(shop: Services) -> None:
    """Premium → Pro: nothing now; at the end Premium is over and Pro's $20 are charged."""
    await shop.attach("premium")
    await shop.advance(HALF)

    receipt = await shop.attach("pro")

    assert None is receipt.invoice
    assert {"premium": "active", "pro": "scheduled"} == await shop.statuses()
    premium = await shop.held("premium")
    assert (HALF, FEBRUARY) == (premium.canceled_at, premium.ends_at)
    assert Decimal(500) == await shop.remaining()
    await shop.advance(FEBRUARY)
    assert {"pro": "active"} == await shop.statuses()
    assert ["50.00", "20.00"] == await shop.totals()
    assert Decimal(100) == await shop.remaining()


async def test_a_downgrade_to_free(shop: Services) -> None:
    """Pro → Free: afterwards nothing is charged any more."""
    await shop.attach("pro")
    await shop.attach("free")
    assert {"pro": "active", "free": "scheduled"} == await shop.statuses()

    await shop.advance(datetime(2026, 6, 1, tzinfo=UTC))

    assert {"free": "active"} == await shop.statuses()
    assert ["20.00"] == await shop.totals()


async def test_the_last_scheduled_plan_counts(shop: Services) -> None:
    """Growth → Free → Pro → Premium → Free: only the last one waits, and nothing more was charged."""
    await shop.attach("growth")

    for plan_id in ("free", "pro", "premium", "free"):
        await shop.attach(plan_id)

    assert {"growth": "active", "free": "scheduled"} == await shop.statuses()
    assert ["100.00"] == await shop.totals()


async def test_an_upgrade_drops_the_scheduled_plan(shop: Services) -> None:
    """Pro with Free waiting → Premium: prorated against Pro, and Free does not come (billing.md §10.3)."""
    await shop.attach("pro")
    await shop.attach("free")

    await shop.attach("premium")

    assert {"premium": "active"} == await shop.statuses()
    assert ["20.00", "30.00"] == await shop.totals()


async def test_a_change_can_be_put_off(shop: Services) -> None:
    """An upgrade waits for the end of the cycle when the caller says so, and a downgrade happens now."""
    await shop.attach("pro")
    await shop.attach("premium", timing=PlanTiming.END_OF_CYCLE)
    assert {"pro": "active", "premium": "scheduled"} == await shop.statuses()
    await shop.advance(FEBRUARY)
    assert {"premium": "active"} == await shop.statuses()

    await shop.attach("pro", timing=PlanTiming.IMMEDIATE)

    assert {"pro": "active"} == await shop.statuses()
    assert ["20.00", "50.00", "-30.00"] == await shop.totals()


async def test_the_same_plan_again(shop: Services) -> None:
    """A plan that runs is not attached twice."""
    await shop.attach("pro")

    with pytest.raises(Conflict) as conflict:
        await shop.attach("pro")

    assert "plan_already_attached" == conflict.value.code
    assert ["20.00"] == await shop.totals()


async def test_attaching_the_plan_that_is_ending_keeps_it(shop: Services) -> None:
    """Premium with Pro waiting, Premium attached again: it runs on and Pro does not come (billing.md §21)."""
    await shop.attach("premium")
    await shop.attach("pro")

    await shop.attach("premium")

    assert {"premium": "active"} == await shop.statuses()
    assert not (await shop.held("premium")).is_canceling
    await shop.advance(FEBRUARY)
    assert ["50.00", "50.00"] == await shop.totals()


async def test_an_add_on(shop: Services) -> None:
    """Pro + add-on at half: both active, the add-on charged to the end of the shared cycle."""
    await shop.attach("pro")
    await shop.advance(HALF)

    await shop.attach("extra")

    assert {"pro": "active", "extra": "active"} == await shop.statuses()
    assert ["20.00", "10.00"] == await shop.totals()
    assert FEBRUARY == (await shop.held("extra")).period_end
    assert Decimal(150) == await shop.remaining()
    await shop.advance(FEBRUARY)
    assert ["20.00", "10.00", "40.00"] == await shop.totals()


async def test_an_add_on_survives_every_switch(shop: Services) -> None:
    """Pro + add-on → Premium costs the difference of the main plans; → Free leaves the add-on with its own renewal."""
    await shop.attach("pro")
    await shop.attach("extra")

    await shop.attach("premium")
    assert ["20.00", "20.00", "30.00"] == await shop.totals()
    await shop.attach("free")
    await shop.advance(FEBRUARY)

    assert {"free": "active", "extra": "active"} == await shop.statuses()
    assert ["20.00", "20.00", "30.00", "20.00"] == await shop.totals()
    assert Decimal(60) == await shop.remaining()


async def test_the_same_add_on_twice(shop: Services) -> None:
    """200, then 300 units at $10 per 100 with 100 included: two rows, $10 and $20."""
    packs = prepaid_price(10, billing_units=Decimal(100))
    await shop.offer(plan("packs", item("messages", 100, price=packs), price=None, add_on=True))
    await shop.attach("pro")

    await shop.attach("packs", quantities={"messages": Decimal(200)})
    await shop.attach("packs", quantities={"messages": Decimal(300)})

    assert ["20.00", "10.00", "20.00"] == await shop.totals()
    assert Decimal(100 + 200 + 300) == await shop.remaining()


async def test_a_purchase_stacks(shop: Services) -> None:
    """A one-off plan of $10 with 100 units for $10: each attach is a purchase of $20, and nothing renews."""
    units = prepaid_price(10, billing_units=Decimal(100), cadence=ONCE)
    await shop.offer(plan("topup", item("messages", 0, reset=None, price=units), price=price(10, ONCE)))
    await shop.attach("pro")

    for _ in range(2):
        await shop.attach("topup", quantities={"messages": Decimal(100)})

    assert ["20.00", "20.00", "20.00"] == await shop.totals()
    assert Decimal(100 + 200) == await shop.remaining()
    assert not (await shop.held("topup")).recurring
    await shop.track(250)
    await shop.advance(FEBRUARY)
    assert ["20.00", "20.00", "20.00", "20.00"] == await shop.totals()
    assert Decimal(100 + 50) == await shop.remaining()


async def test_groups_do_not_know_each_other(shop: Services) -> None:
    """Main plans of two groups run side by side."""
    await shop.offer(plan("support", price=price(30), group="support"))
    await shop.attach("pro")

    await shop.attach("support")

    assert {"pro": "active", "support": "active"} == await shop.statuses()
    assert ["20.00", "30.00"] == await shop.totals()


@pytest.mark.parametrize(("quantities", "total"), [({"messages": 100, "words": 100}, "45.00"), ({}, "20.00")])
async def test_a_mixed_plan(shop: Services, quantities: dict[str, int], total: str) -> None:
    """$20 with 100 words a month for $15 and 100 messages once for $10: $45; without quantities $20."""
    monthly = prepaid_price(15, billing_units=Decimal(100))
    once = prepaid_price(10, billing_units=Decimal(100), cadence=ONCE)
    mixed = plan("mixed", item("words", 0, price=monthly), item("messages", 0, reset=None, price=once))
    await shop.offer(feature("words"), mixed)

    await shop.attach("mixed", quantities={key: Decimal(value) for key, value in quantities.items()})

    assert [total] == await shop.totals()
    expected = [Decimal(quantities.get(key, 0)) for key in ("messages", "words")]
    assert expected == [await shop.remaining("messages"), await shop.remaining("words")]


@pytest.mark.parametrize(("quantity", "total"), [(800, "65.00"), (700, "60.00"), (0, "0.00"), (1, "10.00")])
async def test_units_in_packs_and_bands(shop: Services, quantity: int, total: str) -> None:
    """Packs of 100 at $10 up to 500, then at $5 (billing.md §2.4)."""
    bands = (Tier(Decimal(500), Decimal(10)), Tier(None, Decimal(5)))
    packs = prepaid_price(None, tiers=bands, billing_units=Decimal(100))
    await shop.offer(plan("packs", item("messages", 0, price=packs), price=None))

    await shop.attach("packs", quantities={"messages": Decimal(quantity)})

    assert ([total] if quantity else []) == await shop.totals()


async def test_held_units_follow_to_the_next_plan(shop: Services) -> None:
    """25 seats in use and a plan of 5: 20 below zero after the switch (billing.md §10.9)."""
    await shop.offer(plan("team", held_item("seats", 30)), plan("solo", held_item("seats", 5), price=price(25)))
    await shop.attach("team")
    await shop.track(25, "seats")

    await shop.attach("solo")

    balance = await shop.balance("seats")
    assert balance is not None
    assert (Decimal(0), Decimal(25)) == (balance.remaining, balance.usage)


async def test_a_new_version_is_for_new_customers(shop: Services) -> None:
    """Who holds version 1 keeps its price; a later customer gets version 2."""
    await shop.attach("pro")
    await shop.change_plan("pro", price=price(30))
    await shop.add_customer("bob", card=GOOD_CARD)

    await shop.attach("pro", "bob")
    await shop.advance(FEBRUARY)

    assert (["20.00", "20.00"], ["30.00"]) == (await shop.totals("ada"), await shop.totals("bob"))


@pytest.mark.parametrize(
    ("plan_id", "changes", "error"),
    [
        pytest.param("unknown", {}, NotFound, id="unknown-plan"),
        pytest.param("pro", {"version": 9}, NotFound, id="unknown-version"),
        pytest.param("pro", {"quantities": {"messages": Decimal(5)}}, BadRequest, id="quantity-of-usage"),
        pytest.param("pro", {"quantities": {"unknown": Decimal(5)}}, BadRequest, id="quantity-of-nothing"),
    ],
)
async def test_what_cannot_be_attached(
    shop: Services, plan_id: str, changes: dict[str, Any], error: type[Exception]
) -> None:
    """Nothing is written or charged for a request that does not make sense."""
    with pytest.raises(error):
        await shop.attach(plan_id, **changes)

    assert ({}, []) == (await shop.statuses(), await shop.totals())


async def test_invoices_of_a_tenant_have_no_gaps(shop: Services) -> None:
    """Numbers follow each other over all customers, also when attaches failed in between."""
    for number in range(3):
        await shop.add_customer(f"c{number}", card=GOOD_CARD)
        await shop.attach("pro", f"c{number}")
        with pytest.raises(Conflict):
            await shop.attach("pro", f"c{number}")
        await shop.attach("premium", f"c{number}")

    numbers = [invoice.number for number in range(3) for invoice in await shop.invoices(f"c{number}")]
    assert [1, 2, 3, 4, 5, 6] == numbers
