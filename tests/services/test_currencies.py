"""Customers billed in their own currency: chosen, used, kept (billing.md §2.3, §10.10, §14.5)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.billing.currencies import adopt_currency
from sumac.billing.load import held_currencies
from sumac.billing.offers import eligibility, offers_to
from sumac.billing.requests import CancelAction, MultiAttachRequest, Phase, PlanWish, ScheduleRequest
from sumac.catalog import service as catalog
from sumac.catalog.model import Customization, Plan
from sumac.core.errors import BadRequest, SumacError
from sumac.core.money import Money
from sumac.core.tenant import Env, Tenant
from sumac.customers import service as customers
from sumac.invoices import service as invoices
from sumac.organizations import service as organizations
from tests.rules.offers import at
from tests.support.build import feature, free_plan, in_currencies, item, plan, price, trial, usage_price
from tests.support.services import GOOD_CARD, Services

HALF, FEBRUARY, MARCH = at("2026-01-16 12:00"), at("2026-02-01"), at("2026-03-01")
NOW = CancelAction.CANCEL_IMMEDIATELY
USAGE = usage_price("0.10", additional_currencies=in_currencies(eur="0.095", jpy="1.5", kwd="0.0015"))
PRO = plan("pro", item("messages", 100, price=USAGE), price=price(20, eur="18.5", jpy=2000, kwd="1.005"))
PREMIUM = plan("premium", item("messages", 500), price=price(50, eur="46.25", jpy=5001, kwd="2.5"))


@pytest.fixture
async def shop(services: Services) -> Services:
    """Plans in four currencies, plans in dollars only, and nobody yet."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        PRO,
        PREMIUM,
        plan("local", item("messages", 50), price=price(15)),
        plan(
            "try",
            item("messages", 100, price=USAGE),
            price=price(30, eur=27),
            free_trial=trial(14, card_required=False),
        ),
    )
    return services


async def adopt(shop: Services, currency: str, customer_id: str = "ada") -> None:
    """Bills the customer in the currency from now on."""
    async with shop.database.work(shop.tenant) as work:
        customer = await customers.get_for_update(work, customer_id)
        await adopt_currency(work, customer, currency)


async def change_in_place(shop: Services, plan_id: str, **changes: object) -> Plan:
    """Changes the version that customers hold."""
    async with shop.database.work(shop.tenant) as work:
        before = await catalog.get_plan(work, plan_id)
        return await catalog.update_plan(
            work,
            before,
            replace(before, **changes),  # type: ignore[arg-type]  # each test changes what it names
            held_versions=await shop.billing.held_versions(work, plan_id),
            held_currencies=await held_currencies(work, before),
            disable_version=True,
        )


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
