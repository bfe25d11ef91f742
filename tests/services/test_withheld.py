"""Units of a plan that is past due are withheld, and given once it is paid (billing.md §9.2)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.balances.requests import OverageBehavior
from sumac.organizations.settings import AfterLastRetry, update_billing_settings
from tests.support.build import DAILY, ONCE, feature, free_plan, item, plan, prepaid_price, price
from tests.support.rolling import FEBRUARY, FOREVER, MARCH, assert_books, rolling, rollovers
from tests.support.services import GOOD_CARD, Services

DECLINING = "4000 0000 0000 0341"
ONE_DAY = timedelta(days=1)


async def decide(services: Services, **changes: object) -> None:
    """Changes the tenant's settings."""
    async with services.database.work(services.tenant) as work:
        await update_billing_settings(work, changes)


async def behind(services: Services, *, ignored: bool = False) -> None:
    """A customer on Pro, paid for in January, whose renewal in February fails for good: Pro is kept, past due."""
    pro = plan(
        "pro", rolling(100, FOREVER), item("credits", 10, reset=DAILY), item("words", 5, price=prepaid_price(1)),
        ignore_past_due=ignored,
    )  # fmt: skip
    await services.offer(feature(), feature("words"), feature("credits"), pro)
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro", quantities={"words": Decimal(8)})
    await services.track(30)
    await decide(services, after_last_retry=AfterLastRetry.KEEP_PAST_DUE, retry_days=(1,))
    await services.add_card(number=DECLINING)
    await services.advance(FEBRUARY + timedelta(days=2))
    assert {"pro": "past_due"} == await services.statuses()


async def left(services: Services) -> list[Decimal | None]:
    return [await services.remaining(feature_id) for feature_id in ("messages", "credits", "words")]


async def test_free_units_are_withheld_while_past_due(services: Services) -> None:
    """The renewal that failed gave its units; later ones give only what they bill."""
    await behind(services)
    assert [170, 10, 8] == await left(services)
    for feature_id, units in (("messages", 120), ("credits", 4), ("words", 3)):
        await services.track(units, feature_id)

    await services.advance(MARCH + ONE_DAY)

    assert {"pro": "past_due"} == await services.statuses()
    assert [50, 6, 8] == await left(services)


async def test_paying_gives_what_was_withheld_once(services: Services) -> None:
    """However many resets were missed, one is made when the debt is paid; what was left rolls over once."""
    await behind(services)
    await services.track(120)
    await services.track(4, "credits")
    later = datetime(2026, 4, 20, 12, tzinfo=UTC)
    await services.advance(later)
    assert [50, 6] == (await left(services))[:2]

    for invoice in await services.invoices():
        if not invoice.is_settled:
            await services.pay(await services.billing.open_payment(services.tenant, invoice.id))

    assert {"pro": "active"} == await services.statuses()
    assert [150, 10] == (await left(services))[:2]
    assert [(50, 50, None)] == await rollovers(services)
    balance = await services.balance()
    assert balance is not None
    assert datetime(2026, 5, 1, tzinfo=UTC) == balance.next_reset_at
    await assert_books(services)


async def test_a_plan_may_ignore_it(services: Services) -> None:
    """With `ignore_past_due` its units come back as ever."""
    await behind(services, ignored=True)
    await services.track(120)
    await services.track(4, "credits")

    await services.advance(MARCH + ONE_DAY)

    assert {"pro": "past_due"} == await services.statuses()
    assert [150, 10, 8] == await left(services)


@pytest.mark.parametrize(("persists", "expected"), [(True, 70), (False, 100)])
async def test_free_overage_counts_for_the_next_period(services: Services, *, persists: bool, expected: int) -> None:
    """With `persist_free_overage` 130 used of 100 leave 70 of the next 100 (§9.3)."""
    await decide(services, persist_free_overage=persists)
    await services.offer(feature(), free_plan("free", item("messages", 100), auto_enable=True))
    await services.add_customer()
    await services.track(130, overage_behavior=OverageBehavior.OVERFLOW)
    services.clock.move_to(FEBRUARY)

    await services.check()

    assert Decimal(expected) == await services.remaining()
    await assert_books(services)


@pytest.mark.parametrize(("persists", "expected"), [(True, [0, 4_872_197]), (False, [-127_803, 5_000_000])])
async def test_what_is_bought_once_pays_for_free_overage(
    services: Services, *, persists: bool, expected: list[int]
) -> None:
    """With `persist_free_overage` 5,000,000 bought beside 127,803 of overage leave 4,872,197 (§9.3)."""
    await decide(services, persist_free_overage=persists)
    once = item("messages", 0, reset=None, price=prepaid_price(10, billing_units=Decimal(1_000_000), cadence=ONCE))
    await services.offer(
        feature(),
        free_plan("free", item("messages", 100), auto_enable=True),
        plan("pack", once, price=price(1, ONCE), add_on=True),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.track(127_903, overage_behavior=OverageBehavior.OVERFLOW)

    await services.attach("pack", quantities={"messages": Decimal(5_000_000)})

    balance = await services.balance()
    assert balance is not None
    assert {"free": expected[0], "pack": expected[1]} == {each.plan_id: each.balance for each in balance.grants}
    await assert_books(services)
