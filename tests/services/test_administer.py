"""Balances as people administer them, and their books (billing.md §8)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.balances.model import EntryKind
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.time import Cadence, Interval
from sumac.storage.schema import grant_entries
from tests.support.build import MONTHLY, ONCE, feature, free_plan, item, plan, usage_price
from tests.support.rolling import assert_books
from tests.support.services import GOOD_CARD, Services

FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3))


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer with 100 free messages a month."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 100), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10"))),
    )
    await services.add_customer(card=GOOD_CARD)
    return services


async def standing(shop: Services) -> tuple[Decimal, Decimal, Decimal]:
    """Granted, remaining and used."""
    balance = await shop.balance()
    assert balance is not None
    return balance.granted, balance.remaining, balance.usage


@pytest.mark.parametrize(("remaining", "usage"), [(80, 20), (120, -20), (0, 100)])
async def test_what_is_left_is_set(shop: Services, remaining: int, usage: int) -> None:
    """The grant stays, usage follows, and the entry says who did it and why."""
    await shop.edit(remaining=Decimal(remaining), reason="goodwill")

    assert (100, remaining, usage) == await standing(shop)
    async with shop.database.reading(shop.tenant) as work:
        chosen = work.select(grant_entries).where(grant_entries.c.kind == EntryKind.EDITED)
        [entry] = await work.all(chosen)
    assert (remaining, "goodwill", "test") == (entry.balance_after, entry.reason, entry.actor)
    await assert_books(shop)


async def test_an_edit_lasts_until_the_reset(shop: Services) -> None:
    """A grant set by hand, and what was left of it, are forgotten when the next period begins."""
    await shop.edit(remaining=Decimal(150), included_grant=Decimal(200))
    await shop.track(20)

    assert (200, 130, 70) == await standing(shop)
    await shop.advance(FEBRUARY + timedelta(days=1))
    assert (100, 100, 0) == await standing(shop)
    await assert_books(shop)


async def test_a_date_of_ones_own(shop: Services) -> None:
    """A balance of 50 a month that resets in ten days: full then, and a month after that, not after now (§8.2)."""
    customer = await shop.customer()
    soon = customer.now(shop.clock.now()) + timedelta(days=10)
    await shop.give(included=Decimal(50), reset=MONTHLY, resets_at=soon)
    await shop.track(110)

    await shop.advance(soon)
    balance = await shop.balance()

    assert balance is not None
    [given] = [grant for grant in balance.grants if grant.plan_id is None]
    assert (50, soon.replace(month=soon.month + 1)) == (given.balance, given.resets_at)
    await assert_books(shop)


async def test_it_ends_when_it_was_to_end(shop: Services) -> None:
    """A gift with an end is gone at that instant."""
    customer = await shop.customer()
    end = customer.now(shop.clock.now()) + timedelta(days=3)
    await shop.give(included=Decimal(50), expires_at=end)

    assert 150 == await shop.remaining()
    await shop.advance(end)
    assert 100 == await shop.remaining()
    await assert_books(shop)


async def test_below_zero_is_charged_with_the_next_invoice(shop: Services) -> None:
    """What is set below zero is overage where that is priced: 30 units at $0.10 beside the $20 of the plan."""
    await shop.attach("pro")
    await shop.edit(remaining=Decimal(-30))

    customer = await shop.customer()
    assert customer.due_at is not None
    await shop.advance(customer.due_at)

    assert "23.00" == (await shop.totals())[-1].split()[0].strip("$")
    await assert_books(shop)


async def test_names_are_taken_once(shop: Services) -> None:
    """A second balance of a name is refused for the same customer."""
    await shop.give(included=Decimal(5), balance_id="gift")

    with pytest.raises(Conflict):
        await shop.give(included=Decimal(5), balance_id="gift")


async def test_what_is_taken_away(shop: Services) -> None:
    """What was used of a balance that goes is taken from the others when that is asked for."""
    await shop.give(included=Decimal(50), balance_id="gift", reset=Cadence(Interval.DAY))
    await shop.track(30)

    await shop.remove(feature_id="messages", balance_id="gift", recalculate=True)

    assert (100, 70, 30) == await standing(shop)
    with pytest.raises(NotFound):
        await shop.remove(balance_id="gift")
    await assert_books(shop)


async def test_a_reset_that_never_comes_has_no_date(shop: Services) -> None:
    """A balance for good does not take a date of its next reset."""
    with pytest.raises(BadRequest):
        await shop.give(included=Decimal(5), reset=ONCE, resets_at=FEBRUARY)
