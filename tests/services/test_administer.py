"""Balances as people administer them, and their books (billing.md §8)."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.balances.model import EntryKind
from sumac.billing.rules.upcoming import Upcoming
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


async def next_reset(shop: Services) -> datetime | None:
    """When the messages are full again."""
    balance = await shop.balance()
    assert balance is not None
    return balance.next_reset_at


def _cents(upcoming: Upcoming) -> list[Decimal]:
    return [line.exact_minor for line in upcoming.draft.lines]


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


async def test_the_next_invoice_is_known(shop: Services) -> None:
    """What is set below zero shows in the preview of the next invoice, which is the invoice that comes (§8.1)."""
    await shop.attach("pro")
    customer = await shop.customer()
    plain = await shop.billing.due.upcoming(shop.tenant, customer.key)
    [entry] = await shop.edit(remaining=Decimal(-30))

    [upcoming] = await shop.billing.due.upcoming(shop.tenant, customer.key)
    assert ([2000], [2000, 300]) == (_cents(plain[0]), _cents(upcoming))
    await shop.undo(entry.id)
    assert plain == await shop.billing.due.upcoming(shop.tenant, customer.key)
    await shop.edit(remaining=Decimal(-30))
    await shop.advance(upcoming.at)

    issued = (await shop.invoices())[-1]
    assert [(line.description, line.exact_minor) for line in upcoming.draft.lines] == [
        (line.description, line.exact_minor) for line in issued.lines
    ]
    assert ["20.00", "23.00"] == (await shop.totals())[-2:]


async def test_an_edit_is_undone(shop: Services) -> None:
    """What was used since stays used; the books say both; undoing twice, or what is no edit, is refused."""
    [entry] = await shop.edit(remaining=Decimal(150), included_grant=Decimal(200))
    await shop.track(30)

    [compensating] = await shop.undo(entry.id)

    assert (100, 70, 30) == await standing(shop)
    assert (-entry.balance_change, -entry.granted_change, f"undo:{entry.cause}") == (
        compensating.balance_change, compensating.granted_change, compensating.cause,
    )  # fmt: skip
    balance = await shop.balance()
    assert balance is not None
    assert [None] == [grant.edited_at for grant in balance.grants]
    with pytest.raises(Conflict) as again:
        await shop.undo(entry.id)
    assert "edit_already_undone" == again.value.code
    with pytest.raises(BadRequest):
        await shop.undo(compensating.id)
    with pytest.raises(NotFound) as unknown:
        await shop.undo("ent_unknown")
    assert "entry_not_found" == unknown.value.code
    await assert_books(shop)


async def test_an_edit_of_several_balances_is_undone_as_one(shop: Services) -> None:
    """Any of its entries names it."""
    await shop.give(included=Decimal(50))
    entries = await shop.edit(remaining=Decimal(20))

    assert 2 == len(entries)
    await shop.undo(entries[1].id)
    assert (150, 150, 0) == await standing(shop)
    await assert_books(shop)


async def test_an_edit_cannot_be_undone_after_the_reset(shop: Services) -> None:
    """The reset has forgotten it already; nothing changes (409)."""
    [entry] = await shop.edit(remaining=Decimal(150))
    await shop.advance(FEBRUARY)

    with pytest.raises(Conflict) as caught:
        await shop.undo(entry.id)

    assert "edit_overtaken" == caught.value.code
    assert (100, 100, 0) == await standing(shop)


async def test_nobody_undoes_an_edit_of_another(shop: Services) -> None:
    """The entry of one customer does not exist for another."""
    await shop.add_customer("eve")
    [entry] = await shop.edit(remaining=Decimal(150))

    with pytest.raises(NotFound):
        await shop.undo(entry.id, "eve")


async def test_a_date_set_by_hand(shop: Services) -> None:
    """The next reset comes then and not before, and a month after that; undone, it comes when it would have."""
    later = FEBRUARY + timedelta(days=9)
    [entry] = await shop.edit(resets_at=later)
    await shop.track(30)

    await shop.advance(FEBRUARY)
    assert (100, 70, 30) == await standing(shop)
    await shop.advance(later)
    assert (100, 100, 0) == await standing(shop)
    assert later.replace(month=3) == await next_reset(shop)
    with pytest.raises(Conflict):
        await shop.undo(entry.id)

    [entry] = await shop.edit(resets_at=later + timedelta(days=1))
    await shop.undo(entry.id)
    assert later.replace(month=3) == await next_reset(shop)
    assert (await shop.customer()).due_at == await next_reset(shop)


async def test_an_end_set_by_hand(shop: Services) -> None:
    """A gift ends when it is told to; undone, it stays."""
    await shop.give(included=Decimal(50), balance_id="gift")
    end = FEBRUARY - timedelta(days=9)
    [entry] = await shop.edit(which={"balance_id": "gift"}, expires_at=end)
    await shop.undo(entry.id)
    await shop.advance(end)
    assert 150 == await shop.remaining()

    await shop.edit(which={"balance_id": "gift"}, expires_at=end + timedelta(days=1))
    assert end + timedelta(days=1) == (await shop.customer()).due_at
    await shop.advance(end + timedelta(days=1))
    assert 100 == await shop.remaining()
    await assert_books(shop)


async def test_fifty_edits_at_once(shop: Services) -> None:
    """Each adds its unit: none is lost, and the books agree."""
    await asyncio.gather(*(shop.edit(add_to_balance=Decimal(1)) for _ in range(50)))

    assert (100, 150, -50) == await standing(shop)
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
