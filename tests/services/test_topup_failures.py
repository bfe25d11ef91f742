"""Automatic top-ups that nobody pays, or not yet (billing.md §6.6)."""

import pytest

from sumac.billing.rules.topup import FAILURES_MAX
from sumac.invoices.model import InvoiceStatus
from tests.support.services import Services
from tests.support.topups import FAILED, HOUR, MINUTE, SUCCEEDED, control, look, sell, told, topup, used

DECLINING, ASKING = "4000 0000 0000 0341", "4000 0000 0000 3220"


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer who has bought 100 messages once."""
    await sell(services)
    return services


async def test_a_declining_card(shop: Services) -> None:
    """The invoice is void, the balance is what it was, and it is tried again an hour later at the earliest."""
    await shop.add_card(number=DECLINING)
    await control(shop, topup(20, 100))

    assert 15 == await used(shop, 85)
    assert InvoiceStatus.VOID is (await shop.invoices())[-1].status
    assert [("charge_failed", 15, 100, "card_declined")] == [
        (body["reason"], body["balance"], body["quantity"], body["error"]["code"])
        for kind, body in await shop.notices()
        if kind == FAILED
    ]

    shop.clock.advance(59 * MINUTE)
    await used(shop, 1)

    assert ["charge_failed", "failed_attempt_limit_reached"] == sorted(await told(shop, FAILED, "reason"))
    assert 2 == len(await shop.invoices())

    shop.clock.advance(MINUTE)
    await used(shop, 1)

    assert (3, 13) == (len(await shop.invoices()), await shop.remaining())


async def test_a_card_that_asks_for_confirmation(shop: Services) -> None:
    """Nobody is there to confirm: that is a failure."""
    await shop.add_card(number=ASKING)
    await control(shop, topup(20, 100))
    await used(shop, 85)

    assert ["charge_failed"] == await told(shop, FAILED, "reason")
    assert [{"code": "authentication_required", "type": "card_error"}] == await told(shop, FAILED, "error")
    assert (InvoiceStatus.VOID, 15) == ((await shop.invoices())[-1].status, await shop.remaining())


async def test_no_card(shop: Services) -> None:
    """It is told once; a card lets it be bought at once."""
    customer = await shop.customer()
    await shop.billing.cards.remove(
        shop.tenant, customer, (await shop.billing.cards.list_cards(shop.tenant, customer))[0].id
    )
    await control(shop, topup(20, 100))
    await used(shop, 85)

    assert (["missing_payment_method"], ["11.00"]) == (await told(shop, FAILED, "reason"), await shop.totals())

    await shop.add_card()
    shop.clock.advance(MINUTE)

    assert 114 == await used(shop, 1)


async def test_after_three_failures_it_rests_until_there_is_another_card(shop: Services) -> None:
    """The same card entered again is the same card."""
    await shop.add_card(number=DECLINING)
    await control(shop, topup(20, 100))
    for _ in range(FAILURES_MAX):
        await used(shop, 82)
        shop.clock.advance(2 * HOUR)
    invoices = len(await shop.invoices())
    await shop.add_card(number=DECLINING)
    await used(shop, 1)

    assert invoices == len(await shop.invoices())
    assert ["charge_failed"] * 3 + ["suspended_after_failures"] == sorted(await told(shop, FAILED, "reason"))

    await shop.add_card()
    shop.clock.advance(HOUR)
    await used(shop, 1)

    assert [SUCCEEDED] == [kind for kind, _ in await shop.notices() if kind == SUCCEEDED]
    assert 100 == await shop.remaining()


async def test_money_that_is_under_way(shop: Services) -> None:
    """Nothing is bought twice while the bank has not decided; once it has, the units are there."""
    await shop.set_next_charge("pending")
    await control(shop, topup(20, 100))

    assert 15 == await used(shop, 85)

    shop.clock.advance(MINUTE)
    await used(shop, 1)

    assert 2 == len(await shop.invoices())

    for _ in range(400):
        shop.clock.advance(MINUTE)
        await shop.billing.resume_attempts()
        await look(shop)
        if await shop.remaining() != 14:
            break

    assert (114, [1000, 1100]) == (await shop.remaining(), await shop.charged())
    assert [SUCCEEDED] == [kind for kind, _ in await shop.notices()]
