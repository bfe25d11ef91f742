"""What-if over real usage: what it says of the present is what was billed, and nothing is written (decision 0023)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from sumac.analytics.model import Comparison, Exclusion
from sumac.analytics.rules.compare import compute_features
from sumac.analytics.service import WhatIf, compare_terms
from sumac.billing.requests import UpdateRequest
from sumac.catalog import service as catalog
from sumac.catalog.model import BasePrice, Customization, Plan, PlanItem
from sumac.core.page import Cursor
from sumac.core.time import Period
from sumac.storage.schema import metadata
from tests.support.build import feature, held_item, item, plan, price, seats, usage_price
from tests.support.services import GOOD_CARD, Services

JANUARY, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
MONTH = Period(JANUARY, FEBRUARY)
SEATS = held_item("seats", 2, price=usage_price(8))
ITEMS = (item("messages", 1000, price=usage_price(2, billing_units=Decimal(500))), SEATS)
DEARER = (item("messages", 500, price=usage_price(1, billing_units=Decimal(100))), SEATS)
HARD = (item("messages", 500), SEATS)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Three customers of Pro: one used 1,800 messages and 3 seats, one 400 messages, one is on terms of their own."""
    await services.offer(feature(), seats(), plan("pro", *ITEMS, price=price(20, eur=18)))
    for customer_id, used in (("ada", 1800), ("helly", 400), ("custom", 9)):
        await services.add_customer(customer_id, card=GOOD_CARD)
        await services.attach("pro", customer_id)
        await services.track(used, customer_id=customer_id)
    await services.track(3, "seats")
    cheaper = Customization(price=price(5), sets_price=True)
    await services.billing.perform(services.tenant, UpdateRequest("custom", "pro", customize=cheaper), actor="key_1")
    return services


async def what_if(
    shop: Services,
    items: Sequence[PlanItem] = ITEMS,
    *,
    period: Period = MONTH,
    customer_ids: Sequence[str] | None = None,
    limit: int = 50,
    cursor: str = "",
    asked: BasePrice | None = None,
) -> WhatIf:
    """The holders of Pro, had it these items."""
    keys = None if customer_ids is None else [(await shop.customer(each)).key for each in customer_ids]
    async with shop.database.reading(shop.tenant) as work:
        before = await catalog.get_plan(work, "pro", 1)
        after = replace(before, items=tuple(items), price=before.price if asked is None else asked)
        at = Cursor.decode(cursor)
        return await compare_terms(work, before, after, period, customer_keys=keys, cursor=at, limit=limit)


async def of(shop: Services, found: WhatIf, customer_id: str) -> Comparison:
    """What it says of one customer."""
    key = (await shop.customer(customer_id)).key
    return next(each for each in found.compared if each.customer_key == key)


def cents(compared: Comparison) -> tuple[int, int]:
    """Both totals."""
    assert compared.before is not None
    assert compared.after is not None
    return compared.before.total.minor, compared.after.total.minor


async def test_the_present_is_what_was_billed(shop: Services) -> None:
    """$20, two packs of 500 for 800 messages beyond, one seat beyond: the renewal billed what is replayed."""
    await shop.advance(FEBRUARY)
    await shop.advance(FEBRUARY, "helly")
    found = await what_if(shop)
    renewal = (await shop.invoices())[-1]

    assert (2000 + 400 + 800, 2000 + 400 + 800) == cents(await of(shop, found, "ada"))
    assert renewal.total.minor == cents(await of(shop, found, "ada"))[0]
    assert (2000, 2000) == cents(await of(shop, found, "helly"))
    assert [(0, 2, 1)] == [
        (each.after.minor - each.before.minor, found.totals.replayed, found.totals.excluded)
        for each in found.totals.amounts
    ]


async def test_a_change_is_shown_customer_by_customer(shop: Services) -> None:
    """500 included, then $1 per 100: 13 packs instead of 2; whoever stays within both pays the new price alone."""
    found = await what_if(shop, DEARER, asked=price(25, eur=20))

    assert (3200, 2500 + 1300 + 800) == cents(await of(shop, found, "ada"))
    assert (2000, 2500) == cents(await of(shop, found, "helly"))
    assert Exclusion.CUSTOM_TERMS is (await of(shop, found, "custom")).excluded
    assert [(5200, 7100)] == [(each.before.minor, each.after.minor) for each in found.totals.amounts]


async def test_units_that_nobody_sells_run_out(shop: Services) -> None:
    """With 500 units and no price 1,300 of 1,800 would have been refused, from the first day on."""
    compared = await of(shop, await what_if(shop, HARD), "ada")
    assert compared.before is not None
    assert compared.after is not None
    now, then = compute_features(compared.before, compared.after)[0]

    assert (Decimal(0), JANUARY) == (now.refused, now.ran_out_at)
    assert (Decimal(1300), JANUARY) == (then.refused, then.ran_out_at)


async def test_pages_add_up_and_customers_can_be_named(shop: Services) -> None:
    """Page by page each holder comes once, and the totals of the pages are those of all; named ones are alone."""
    whole, cursor = await what_if(shop, DEARER), ""
    paged: list[WhatIf] = []
    while not paged or cursor:
        page = await what_if(shop, DEARER, limit=1, cursor=cursor)
        paged.append(page)
        cursor = page.next_cursor or ""

    assert list(whole.compared) == [each for page in paged for each in page.compared]
    assert [sum(each.after.minor for each in whole.totals.amounts)] == [
        sum(each.after.minor for page in paged for each in page.totals.amounts)
    ]
    named = await what_if(shop, DEARER, customer_ids=["helly"])
    assert [await of(shop, whole, "helly")] == list(named.compared)


async def test_only_the_period_counts(shop: Services) -> None:
    """February has no usage yet; January from the second day on was held whole, and its usage was before that."""
    later = await of(shop, await what_if(shop, period=Period(datetime(2026, 1, 2, tzinfo=UTC), FEBRUARY)), "helly")
    earlier = Period(datetime(2025, 12, 1, tzinfo=UTC), JANUARY)

    assert later.before is not None
    assert () == later.before.features
    assert Exclusion.HELD_FOR_PART is (await of(shop, await what_if(shop, period=earlier), "helly")).excluded


async def test_each_customer_pays_in_their_currency(shop: Services) -> None:
    """Sums by currency; who cannot be sold the changed plan in theirs is excluded."""
    await shop.offer(plan("euro", item("messages", 10), price=price(20, eur=18)))
    await shop.add_customer("eve", card=GOOD_CARD, currency="eur")
    async with shop.database.reading(shop.tenant) as work:
        before = await catalog.get_plan(work, "euro")
    await shop.attach("euro", "eve")

    async def ask(after: Plan) -> WhatIf:
        async with shop.database.reading(shop.tenant) as work:
            return await compare_terms(work, before, after, MONTH, customer_keys=None, cursor=None, limit=9)

    dearer = await ask(replace(before, price=price(30, eur=27)))
    assert [("eur", 1800, 2700)] == [
        (each.before.currency, each.before.minor, each.after.minor) for each in dearer.totals.amounts
    ]
    (excluded,) = (await ask(replace(before, price=price(30)))).compared
    assert Exclusion.NOT_SOLD_IN_CURRENCY is excluded.excluded


async def test_nothing_is_written(shop: Services) -> None:
    """Every table has the rows it had."""

    async def rows() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        async with shop.database.reading(shop.tenant) as work:
            for table in metadata.sorted_tables:
                if "tenant" in " ".join(table.c.keys()):
                    found[table.name] = sorted(map(repr, await work.all(sa.select(table))))
        return found

    before = await rows()
    await what_if(shop, DEARER)

    assert before == await rows()
    assert before["usage_rollups"]
