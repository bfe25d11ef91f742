"""A plan attached again made to measure, and terms that wait, on a real database (billing.md §12.3)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.requests import PlanTiming, UpdateRequest
from sumac.catalog.model import Customization, Proration
from sumac.core.errors import Conflict
from tests.support.build import feature, item, plan, prepaid_price, price, seats, usage_price
from tests.support.services import GOOD_CARD, Services

ACTOR = "key_1"
FEBRUARY, MIDDLE, MARCH, APRIL = (
    datetime(2026, 2, 1, tzinfo=UTC),
    datetime(2026, 2, 15, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
    datetime(2026, 4, 1, tzinfo=UTC),
)
MORE = Customization(items=(item("messages", 300, price=usage_price("0.10")),))
LATER = Proration("prorate_next_cycle", "none")


def at_price(amount: int) -> Customization:
    """The plan at another price."""
    return Customization(price=price(amount), sets_price=True)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Pro since January, in the middle of February, who used 30 of 100 messages."""
    await services.offer(
        feature(),
        seats(),
        plan("pro", item("messages", 100, price=usage_price("0.10")), price=price(20)),
        plan("team", item("seats", 0, reset=None, price=prepaid_price(8), proration=LATER), price=None, add_on=True),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.advance(MIDDLE)
    await services.track(30)
    return services


async def facts(shop: Services) -> tuple[Decimal | None, datetime | None, list[str]]:
    """Messages left, when they come back, and what was billed."""
    balance = await shop.balance()
    assert balance is not None
    return await shop.remaining(), balance.next_reset_at, await shop.totals()


async def test_features_only(shop: Services) -> None:
    """At once and for nothing: usage, the reset of March and the start stay; from then on there are 300."""
    before = await shop.held("pro")
    receipt = await shop.attach("pro", customize=MORE)
    after = await shop.held("pro")

    assert None is receipt.invoice
    assert (270, MARCH, ["20.00", "20.00"]) == await facts(shop)
    assert (before.id, before.starts_at, before.period_end) == (after.id, after.starts_at, after.period_end)
    await shop.advance(MARCH)
    assert (300, APRIL, ["20.00", "20.00", "20.00"]) == await facts(shop)


@pytest.mark.parametrize("again", [{"customize": MORE}, {}, {"timing": PlanTiming.END_OF_CYCLE}])
async def test_the_same_again(shop: Services, again: dict[str, Any]) -> None:
    """Attached once more as it is, customised or not, it is a conflict, and nothing happens."""
    await shop.attach("pro", customize=MORE)
    await shop.track(5)
    with pytest.raises(Conflict) as refused:
        await shop.attach("pro", **again)

    assert "plan_already_attached" == refused.value.code
    assert (265, MARCH, ["20.00", "20.00"]) == await facts(shop)


async def test_dearer_and_then_cheaper(shop: Services) -> None:
    """$30 from now on, prorated; back to $20 from March on, with the period's usage on the way."""
    dearer = await shop.attach("pro", customize=at_price(30))
    assert dearer.invoice is not None
    assert (500, (70, MARCH)) == (dearer.invoice.total.minor, (await facts(shop))[:2])

    cheaper = await shop.attach("pro", customize=at_price(20))
    assert (None, (70, MARCH)) == (cheaper.invoice, (await facts(shop))[:2])
    await shop.track(120)
    await shop.advance(MARCH)
    assert (100, APRIL, ["20.00", "20.00", "5.00", "25.00"]) == await facts(shop)
    assert {"pro": "active"} == await shop.statuses()


async def test_other_terms_from_the_end_of_the_cycle(shop: Services) -> None:
    """An update that waits: the usage of February is billed as it was sold, March is at the new price."""
    request = UpdateRequest("ada", "pro", customize=at_price(50), timing=PlanTiming.END_OF_CYCLE)
    await shop.billing.perform(shop.tenant, request, actor=ACTOR)
    await shop.track(90)

    assert (0, MARCH, ["20.00", "20.00"]) == await facts(shop)
    await shop.advance(MARCH)
    assert (100, APRIL, ["20.00", "20.00", "52.00"]) == await facts(shop)


async def test_fewer_seats_that_wait_outlive_other_terms(shop: Services) -> None:
    """Ten seats, four from March on; the price of a seat rises in between, and March is of four at the new one."""
    await shop.attach("team", quantities={"seats": Decimal(10)})
    await shop.billing.perform(shop.tenant, UpdateRequest("ada", "team", quantities={"seats": Decimal(4)}), actor=ACTOR)
    dearer = Customization(items=(item("seats", 0, reset=None, price=prepaid_price(10), proration=LATER),))
    await shop.billing.perform(shop.tenant, UpdateRequest("ada", "team", customize=dearer), actor=ACTOR)

    assert ["20.00", "20.00", "40.00", "10.00"] == await shop.totals()
    await shop.advance(MARCH)
    assert "60.00" == (await shop.totals())[-1]
    balance = await shop.balance("seats")
    assert balance is not None
    assert 4 == balance.granted
