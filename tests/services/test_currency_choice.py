"""Which currency a customer is billed in, until when it may change, and what is sold in it (billing.md §10.10)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.billing.load import held_currencies
from sumac.billing.offers import eligibility, offers_to
from sumac.billing.requests import UpdateRequest
from sumac.catalog import service as catalog
from sumac.catalog.model import Plan, Proration
from sumac.catalog.rules.versioning import Versioning
from sumac.core.errors import BadRequest, SumacError
from sumac.core.money import Money
from sumac.customers import service as customers
from tests.rules.offers import at
from tests.support.build import (
    held_item,
    in_currencies,
    item,
    plan,
    prepaid_price,
    price,
    seats,
    trial,
)
from tests.support.currencies import adopt, open_shop
from tests.support.services import GOOD_CARD, Services

FEBRUARY = at("2026-02-01")


@pytest.fixture
async def shop(services: Services) -> Services:
    """Plans in four currencies, plans in dollars only, and nobody yet."""
    return await open_shop(services)


async def change_in_place(shop: Services, plan_id: str, **changes: object) -> Plan:
    """Changes the version that customers hold."""
    async with shop.database.work(shop.tenant) as work:
        before = await catalog.get_plan(work, plan_id)
        return await catalog.update_plan(
            work,
            before,
            replace(before, **changes),  # type: ignore[arg-type]  # each test changes what it names
            held_versions=await shop.billing.held_versions(work, plan_id),
            held_currencies=await held_currencies(work, before.id),
            how=Versioning(disable=True),
        )


async def test_the_first_paid_invoice_binds(shop: Services) -> None:
    """Another currency is refused afterwards, whether asked for at an attach or as such; the same one is fine."""
    await shop.add_customer(card=GOOD_CARD)
    await shop.attach("pro")

    assert "usd" == (await shop.customer()).currency
    for asked in (shop.attach("premium", currency="eur"), shop.preview("premium", currency="eur"), adopt(shop, "eur")):
        with pytest.raises(BadRequest, match="ada is billed in usd") as caught:
            await asked

        assert "currency_mismatch" == caught.value.code
    await shop.attach("premium", currency="usd")

    assert {"premium": "active"} == await shop.statuses()


async def test_two_currencies_at_once(shop: Services) -> None:
    """Of two attaches in parallel one wins: one plan, one charge, and the customer is billed in its currency."""
    await shop.add_customer(card=GOOD_CARD)
    both = await asyncio.gather(
        shop.attach("pro", currency="eur"), shop.attach("pro", currency="jpy"), return_exceptions=True
    )
    refused = [each for each in both if isinstance(each, BaseException)]
    (invoice,) = await shop.invoices()

    assert 1 == len(refused)
    assert isinstance(refused[0], SumacError)
    assert (invoice.total.currency, [invoice.total.minor]) == ((await shop.customer()).currency, await shop.charged())
    assert {"pro": "active"} == await shop.statuses()


async def test_an_open_invoice_binds_until_it_is_void(shop: Services) -> None:
    """A declined attach leaves an invoice to pay; ten minutes later it is void, and any currency is free again."""
    await shop.add_customer(card="4000 0000 0000 0341")
    await shop.attach("pro", currency="eur")
    with pytest.raises(BadRequest, match="billed in eur"):
        await adopt(shop, "jpy")
    shop.clock.advance(timedelta(minutes=11))
    await shop.billing.resume_attempts()
    await adopt(shop, "jpy")

    assert "jpy" == (await shop.customer()).currency


async def test_a_charge_that_waits_for_its_invoice_binds(shop: Services) -> None:
    """More seats, to be billed with the next renewal: that line is in dollars already."""
    seat = prepaid_price(10, additional_currencies=in_currencies(eur=9))
    later = Proration("prorate_next_cycle", "none")
    team = plan("team", held_item("seats", price=seat, proration=later), price=price(20, eur=18), group="teams")
    await shop.offer(seats(), team)
    await shop.add_customer(card=GOOD_CARD, clock_at=at("2026-01-01"))
    await shop.attach("team", quantities={"seats": Decimal(1)}, bill=False)
    more = UpdateRequest("ada", "team", quantities={"seats": Decimal(2)})
    await shop.billing.perform(shop.tenant, more, actor="test")

    assert [] == await shop.invoices()
    with pytest.raises(BadRequest, match="ada is billed in usd"):
        await adopt(shop, "eur")
    await adopt(shop, "usd")

    assert "usd" == (await shop.customer()).currency


async def test_a_currency_is_chosen_again_before_anything_is_billed(shop: Services) -> None:
    """On trial in dollars, then in euros: the trial ends in euros, and usage is counted at that rate."""
    await shop.add_customer(card=GOOD_CARD, clock_at=at("2026-01-01"))
    await shop.attach("try")
    await adopt(shop, "eur")
    balance = await shop.balance()

    assert balance is not None
    assert [Decimal("0.095")] == [grant.price.amount for grant in balance.grants if grant.price]

    await shop.advance(at("2026-01-15"))
    await shop.track(110)
    await shop.advance(at("2026-02-15"))

    assert [Money(2700, "eur"), Money(2795, "eur")] == [invoice.total for invoice in await shop.invoices()]


async def test_what_is_held_must_be_sold_in_the_currency(shop: Services) -> None:
    """A customer on trial cannot go over to a currency the plan has no price in; nothing changes."""
    await shop.add_customer(clock_at=at("2026-01-01"))
    await shop.attach("try")
    for asked in (adopt(shop, "kwd"), shop.attach("pro", currency="kwd")):
        with pytest.raises(BadRequest, match="base price of plan try is not offered in kwd") as caught:
            await asked

        assert "currency_mismatch" == caught.value.code
    assert None is (await shop.customer()).currency


async def test_a_plan_that_is_not_sold_in_the_currency(shop: Services) -> None:
    """The price that lacks it is named."""
    await shop.add_customer(card=GOOD_CARD, currency="eur")
    with pytest.raises(BadRequest, match="The base price of plan local is not offered in eur; it is in usd") as caught:
        await shop.attach("local")

    assert "currency_mismatch" == caught.value.code
    assert [] == await shop.invoices()


async def test_plans_start_by_themselves_only_where_they_are_sold(shop: Services) -> None:
    """A free plan is sold everywhere; a trial without a price in the currency is left out."""
    await shop.offer(
        plan("gift", group="gifts", auto_enable=True, free_trial=trial(14, card_required=False), price=price(9, eur=8))
    )
    for currency, expected in (("eur", {"free", "gift"}), ("kwd", {"free"}), (None, {"free", "gift"})):
        customer_id = f"in-{currency}"
        await shop.add_customer(customer_id, currency=currency)

        assert expected == (await shop.statuses(customer_id)).keys()


async def test_a_held_version_keeps_its_currencies(shop: Services) -> None:
    """Changed in place it must still be sold to those who hold it; as a new version it need not."""
    await shop.add_customer(card=GOOD_CARD, currency="kwd", clock_at=at("2026-01-01"))
    await shop.attach("pro")
    with pytest.raises(BadRequest, match="base price of plan pro is not offered in kwd"):
        await change_in_place(shop, "pro", price=price(25, eur=22))
    await change_in_place(shop, "pro", price=price(25, kwd="1.5"))
    newer = await shop.change_plan("pro", price=price(30, eur=28))
    await shop.advance(FEBRUARY)

    assert 2 == newer.version
    assert [Money(1005, "kwd"), Money(1500, "kwd")] == [invoice.total for invoice in await shop.invoices()]


async def test_prices_are_compared_in_the_customer_s_currency(shop: Services) -> None:
    """What is dearer in dollars and cheaper in euros is a downgrade for who pays in euros."""
    await shop.offer(plan("odd", item("messages", 100), price=price(60, eur=5)))
    for customer_id, currency, expected in (("dora", "usd", "upgrade"), ("emil", "eur", "downgrade")):
        await shop.add_customer(customer_id, card=GOOD_CARD, currency=currency)
        await shop.attach("pro", customer_id)
        async with shop.database.reading(shop.tenant) as work:
            customer = await customers.get(work, customer_id)
            known = await eligibility(work, customer, await offers_to(work, customer, await catalog.list_plans(work)))

        assert expected == known["odd", 1].attach_action
        assert "upgrade" == known["premium", 1].attach_action
        assert "downgrade" == known["local", 1].attach_action
