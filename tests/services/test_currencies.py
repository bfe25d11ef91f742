"""Customers billed in their own currency, from the first page to the last credit (billing.md §2.3, §14.5)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.requests import CancelAction, MultiAttachRequest, Phase, PlanWish, ScheduleRequest
from sumac.catalog.model import Customization
from sumac.core.errors import BadRequest
from sumac.core.money import Money
from sumac.core.tenant import Env, Tenant
from sumac.invoices import service as invoices
from sumac.organizations import service as organizations
from tests.rules.offers import at
from tests.support.build import (
    feature,
    item,
    plan,
    price,
    usage_price,
)
from tests.support.currencies import open_shop
from tests.support.services import GOOD_CARD, Services

HALF, FEBRUARY = at("2026-01-16 12:00"), at("2026-02-01")
NOW = CancelAction.CANCEL_IMMEDIATELY


@pytest.fixture
async def shop(services: Services) -> Services:
    """Plans in four currencies, plans in dollars only, and nobody yet."""
    return await open_shop(services)


async def amounts(shop: Services) -> list[str]:
    """Every line of the newest invoice in major units, then its total."""
    invoice = (await shop.invoices())[-1]
    return [f"{each.major:f}" for each in (*(line.amount for line in invoice.lines), invoice.total)]


@pytest.mark.parametrize(
    ("currency", "first", "upgrade", "renewal"),
    [
        ("usd", 2000, 1500, 5000),
        ("eur", 1850, 1388, 4625),
        ("jpy", 2000, 1501, 5001),
        ("kwd", 1005, 748, 2500),
    ],
)
async def test_a_month_in_each_currency(shop: Services, currency: str, first: int, upgrade: int, renewal: int) -> None:
    """Attach, upgrade in the middle of the month, renew: previewed, billed and charged in the customer's currency."""
    await shop.add_customer(card=GOOD_CARD, currency=currency, clock_at=at("2026-01-01"))
    await shop.attach("pro")
    await shop.advance(HALF)
    preview = await shop.preview("premium")
    await shop.attach("premium")
    await shop.advance(FEBRUARY)

    assert currency == preview.snapshot.currency
    assert [Money(first, currency), Money(upgrade, currency), Money(renewal, currency)] == [
        invoice.total for invoice in await shop.invoices()
    ]
    assert sorted([first, upgrade, renewal]) == await shop.charged()
    assert all(
        invoice.total == sum((line.amount for line in invoice.lines), Money.zero(currency))
        for invoice in await shop.invoices()
    )


async def test_usage_is_billed_at_the_customer_s_rate(shop: Services) -> None:
    """Seven messages beyond the included ones: 10.5 fils, rounded once together with 1.005 dinars."""
    await shop.add_customer(card=GOOD_CARD, currency="kwd", clock_at=at("2026-01-01"))
    await shop.attach("pro")
    await shop.track(107)
    await shop.advance(FEBRUARY)

    assert ["1.005", "0.011", "1.016"] == await amounts(shop)


async def test_credit_is_kept_and_spent_in_its_currency(shop: Services) -> None:
    """Half a month given back becomes credit in fils, which the next invoice spends."""
    await shop.add_customer(card=GOOD_CARD, currency="kwd", clock_at=at("2026-01-01"))
    await shop.attach("premium")
    await shop.advance(HALF)
    await shop.cancel(NOW, plan_id="premium")
    customer = await shop.customer()
    async with shop.database.reading(shop.tenant) as work:
        credit = await invoices.credit_of(work, customer.key, "kwd")
        elsewhere = await invoices.credit_of(work, customer.key, "usd")

    assert (Money(1250, "kwd"), Money.zero("usd")) == (credit, elsewhere)

    await shop.attach("pro")

    assert (Money(1005, "kwd"), Money.zero("kwd")) == (
        (await shop.invoices())[-1].credit_applied,
        (await shop.invoices())[-1].amount_due,
    )
    assert [2500] == await shop.charged()


async def test_without_a_card_the_page_is_in_the_currency_asked_for(shop: Services) -> None:
    """Nothing is decided before it is paid; then the customer is billed in that currency for good."""
    await shop.add_customer()
    receipt = await shop.attach("pro", currency="jpy")
    page = await shop.bank.find_checkout_by_token((receipt.payment_url or "").rsplit("/", 1)[1])

    assert page is not None
    assert Money(2000, "jpy") == page.request.total
    assert "Renews on February 1, 2026 at ¥2,000 per month" in (page.request.terms or "")
    assert None is (await shop.customer()).currency

    await shop.pay(receipt.payment_url or "")

    assert ("jpy", {"pro": "active"}) == ((await shop.customer()).currency, await shop.statuses())
    assert [Money(2000, "jpy")] == [invoice.paid for invoice in await shop.invoices()]


async def test_a_page_that_is_no_longer_wanted_gives_back_its_own_currency(shop: Services) -> None:
    """What was paid on a page for a plan that is gone meanwhile goes back in yen."""
    await shop.add_customer()
    receipt = await shop.attach("pro", currency="jpy")
    await shop.change_plan("pro", price=price(20, eur=18))
    await shop.pay(receipt.payment_url or "")

    assert [] == await shop.charged()
    assert None is (await shop.customer()).currency


async def test_a_plan_made_to_measure_is_sold_in_the_customer_s_currency(shop: Services) -> None:
    """A price for one customer must be offered in their currency too; it is billed again at every renewal."""
    await shop.add_customer(card=GOOD_CARD, currency="kwd", clock_at=at("2026-01-01"))
    with pytest.raises(BadRequest, match="base price of plan pro is not offered in kwd"):
        await shop.attach("pro", customize=Customization(price=price(12), sets_price=True))
    await shop.attach("pro", customize=Customization(price=price(12, kwd="0.7505"), sets_price=True))
    held = await shop.holdings()
    await shop.attach("pro", customize=Customization(price=price(14, kwd="0.8505"), sets_price=True))
    await shop.track(107)
    await shop.advance(FEBRUARY)

    assert Decimal("0.7505") == (held["pro"].plan.price or price()).amount
    assert ["0.751", "0.100", "0.861"] == [f"{invoice.total.major:f}" for invoice in await shop.invoices()]


async def test_several_plans_in_one_currency(shop: Services) -> None:
    """Asked for together they are on one invoice in yen; one that is not sold so stops all of them."""
    await shop.add_customer(card=GOOD_CARD)
    extra = plan("extra", add_on=True, price=price(5, jpy=501))
    await shop.offer(extra)
    wanted = MultiAttachRequest("ada", (PlanWish("pro"), PlanWish("extra")), currency="jpy")
    with pytest.raises(BadRequest, match="plan local is not offered in jpy"):
        await shop.billing.perform(
            shop.tenant, replace(wanted, plans=(PlanWish("pro"), PlanWish("local"))), actor="test"
        )
    await shop.billing.perform(shop.tenant, wanted, actor="test")

    assert ["2000", "501", "2501"] == await amounts(shop)
    assert "jpy" == (await shop.customer()).currency


async def test_phases_in_one_currency(shop: Services) -> None:
    """A schedule is billed in the currency it was asked for in, also where a later phase begins by itself."""
    await shop.add_customer(card=GOOD_CARD, clock_at=at("2026-01-01"))
    phases = (Phase((PlanWish("pro"),)), Phase((PlanWish("premium"),), FEBRUARY))
    await shop.billing.perform(shop.tenant, ScheduleRequest("ada", phases, currency="kwd"), actor="test")
    await shop.advance(FEBRUARY)

    assert [Money(1005, "kwd"), Money(2500, "kwd")] == [invoice.total for invoice in await shop.invoices()]
    assert "kwd" == (await shop.customer()).currency


async def test_an_organization_s_own_currency(services: Services) -> None:
    """Prices without any other are in it, in both environments, and so are its customers' invoices."""
    async with services.database.system() as system:
        made, _ = await organizations.create_organization(
            system, slug="kigali", name="Kigali", owner_email="o@x.io", currency="rwf"
        )
        found = await organizations.get_organization(system, "kigali")
    for env in Env:
        async with services.database.reading(Tenant(made.id, env)) as work:
            assert "rwf" == await organizations.default_currency(work)
    shop = services.of(Tenant(made.id, Env.SANDBOX))
    extra = usage_price("10")
    await shop.offer(feature(), plan("pro", item("messages", 1, price=extra), price=price(23_188)))
    await shop.add_customer(card=GOOD_CARD, clock_at=at("2026-01-01"))
    await shop.attach("pro")
    await shop.track(2)
    await shop.advance(FEBRUARY)

    assert "rwf" == found.default_currency
    assert ["23188", "10", "23198"] == await amounts(shop)
    assert [23_188, 23_198] == await shop.charged()
    with pytest.raises(BadRequest, match="rwf is the default currency"):
        await shop.offer(plan("odd", price=price(5, rwf=5)))


async def test_a_customer_in_another_currency_than_the_organization_s(services: Services) -> None:
    """Dollars are an additional currency where prices are in yen."""
    async with services.database.system() as system:
        made, _ = await organizations.create_organization(
            system, slug="kyoto", name="Kyoto", owner_email="o@x.io", currency="jpy"
        )
    shop = services.of(Tenant(made.id, Env.SANDBOX))
    await shop.offer(plan("pro", price=price(3000, usd="20.50")))
    for customer_id, currency, expected in (("aki", None, Money(3000, "jpy")), ("bo", "usd", Money(2050, "usd"))):
        await shop.add_customer(customer_id, card=GOOD_CARD, currency=currency)
        await shop.attach("pro", customer_id)

        assert [expected] == [invoice.total for invoice in await shop.invoices(customer_id)]
        assert expected.currency == (await shop.customer(customer_id)).currency
