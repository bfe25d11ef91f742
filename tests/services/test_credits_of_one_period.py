"""Several changes within one period: each credit is a share of what was really charged (billing.md §14.2, §14.3)."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.billing.requests import CancelAction, PlanTiming, UpdateRequest
from sumac.invoices.model import InvoiceStatus
from tests.support.build import feature, held_item, item, plan, prepaid_price, price, seats, trial
from tests.support.services import ACTOR, GOOD_CARD, Services

HALF = datetime(2026, 1, 16, 12, tzinfo=UTC)
THREE_QUARTERS = datetime(2026, 1, 24, 6, tzinfo=UTC)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer with a good card, and plans of $20, $50 and $100 in one group."""
    await services.offer(
        feature(),
        seats(),
        plan("pro", item("messages", 100)),
        plan("premium", item("messages", 500), price=price(50)),
        plan("growth", item("messages", 900), price=price(100)),
        plan("tried", item("messages", 100), free_trial=trial(14, card_required=True)),
        plan("team", held_item("seats", 5, price=prepaid_price(10)), price=price(49), group="team"),
    )
    await services.add_customer(card=GOOD_CARD)
    return services


async def change_seats(shop: Services, quantity: int) -> None:
    request = UpdateRequest("ada", "team", quantities={"seats": Decimal(quantity)})
    await shop.billing.perform(shop.tenant, request, actor=ACTOR)


async def amounts(shop: Services, position: int = -1) -> list[tuple[str | None, int]]:
    """Plan and cents of each line of an invoice, the last one unless told otherwise."""
    return [(line.plan_id, line.amount.minor) for line in (await shop.invoices())[position].lines]


async def test_upgraded_twice_in_one_period(shop: Services) -> None:
    """The second credit is of the $25.00 that half a month of Premium cost; nothing of Pro is given back again."""
    await shop.attach("pro")
    await shop.advance(HALF)
    await shop.attach("premium")
    await shop.advance(THREE_QUARTERS)
    await shop.attach("growth")

    assert [("pro", -1000), ("premium", 2500)] == await amounts(shop, 1)
    assert [("premium", -1250), ("growth", 2500)] == await amounts(shop)


async def test_more_seats_and_then_fewer(shop: Services) -> None:
    """5 more for half a month are $25.00; giving 5 back at three quarters returns the quarter of both charges."""
    await shop.attach("team", quantities={"seats": Decimal(10)})
    await shop.advance(HALF)
    await change_seats(shop, 15)
    await shop.advance(THREE_QUARTERS)
    await change_seats(shop, 10)

    assert ["99.00", "25.00", "-12.50"] == await shop.totals()


async def test_a_trial_leaves_nothing_to_give_back(shop: Services) -> None:
    """Nothing was charged for it, so an upgrade in the middle of it has no line of credit."""
    await shop.attach("tried")
    await shop.advance(datetime(2026, 1, 8, tzinfo=UTC))
    await shop.attach("premium")

    assert {"tried"}.isdisjoint(plan_id for plan_id, _ in await amounts(shop))


async def test_an_end_with_the_cycle_gives_nothing_back(shop: Services) -> None:
    """Neither when it is asked for nor when it comes: no invoice is made."""
    await shop.attach("pro")
    await shop.advance(HALF)
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE)
    await shop.advance(datetime(2026, 2, 2, tzinfo=UTC))

    assert ({}, ["20.00"]) == (await shop.statuses(), await shop.totals())


async def test_a_change_for_less_is_paid_at_once_and_becomes_credit(shop: Services) -> None:
    """$25.00 back for half of Premium and $10.00 for half of Pro: an invoice of -$15.00, which the renewal spends."""
    await shop.attach("premium")
    await shop.advance(HALF)
    await shop.attach("pro", timing=PlanTiming.IMMEDIATE)
    negative = (await shop.invoices())[-1]
    await shop.advance(datetime(2026, 2, 1, tzinfo=UTC))
    await shop.billing.collect_due_invoices()
    renewal = (await shop.invoices())[-1]

    assert (-1500, InvoiceStatus.PAID) == (negative.total.minor, negative.status)
    assert (2000, [500, 5000]) == (renewal.total.minor, await shop.charged())
