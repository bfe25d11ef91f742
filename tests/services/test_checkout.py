"""Buying without a usable card: hosted pages, declines, confirmations (billing.md §10.5, §10.6, §20.0)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.billing.provider import CheckoutRequest, Outcome
from sumac.billing.requests import (
    CancelAction,
    RedirectMode,
)
from sumac.core.errors import BadRequest, Conflict, Gone, Locked
from sumac.core.money import Money
from sumac.invoices.model import InvoiceStatus
from tests.support.build import ONCE, feature, free_plan, item, plan, price, trial, usage_price
from tests.support.services import GOOD_CARD, Services

DECLINING, ASKING = "4000 0000 0000 0341", "4000 0000 0000 3220"


@pytest.fixture
async def shop(services: Services) -> Services:
    """Plans, and a customer on Free without a card."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price())),
        plan("premium", item("messages", 500), price=price(50)),
        plan("topup", item("messages", 50, reset=None), price=price(10, ONCE)),
        plan("trial", item("messages", 100), free_trial=trial(14), group="other"),
        plan("open", item("messages", 100), free_trial=trial(14, card_required=False), group="third"),
    )
    await services.add_customer()
    return services


async def page_of(shop: Services, url: str | None) -> CheckoutRequest:
    assert url is not None
    page = await shop.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
    assert page is not None
    return page.request


async def test_without_a_card_the_customer_pays_on_a_page(shop: Services) -> None:
    """Attach answers with an address; nothing happens until the page is paid, then everything does, once."""
    receipt = await shop.attach("pro", success_url="https://shop.test/done")

    assert receipt.invoice is None
    page = await page_of(shop, receipt.payment_url)
    assert (Money(2000, "usd"), "pay", "https://shop.test/done") == (page.total, page.mode, page.success_url)
    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.invoices())
    await shop.pay(receipt.payment_url or "")
    assert {"pro": "active"} == await shop.statuses()
    assert Decimal(100) == await shop.remaining()
    invoice = (await shop.invoices())[0]
    assert (InvoiceStatus.PAID, 2000) == (invoice.status, invoice.paid.minor)
    assert [2000] == await shop.charged()


async def test_a_paid_page_leaves_a_card_for_later(shop: Services) -> None:
    """The card of the page pays the next period."""
    await shop.pay((await shop.attach("pro")).payment_url or "")

    await shop.advance(shop.clock.now() + timedelta(days=31))

    assert [InvoiceStatus.PAID] * 2 == [invoice.status for invoice in await shop.invoices()]


async def test_the_same_request_is_the_same_page(shop: Services) -> None:
    """Repeating an attach answers with the address that is already open; another request replaces it."""
    first = await shop.attach("pro")
    again = await shop.attach("pro")
    other = await shop.attach("premium")

    assert first.payment_url == again.payment_url
    assert first.payment_url != other.payment_url
    with pytest.raises(Gone):
        await shop.pay(first.payment_url or "")
    await shop.pay(other.payment_url or "")
    assert {"premium": "active"} == await shop.statuses()


async def test_a_page_is_good_for_an_hour(shop: Services) -> None:
    """After an hour it cannot be paid, and the next attach opens another."""
    first = await shop.attach("pro")
    shop.clock.advance(timedelta(hours=1))

    with pytest.raises(Gone):
        await shop.pay(first.payment_url or "")
    assert first.payment_url != (await shop.attach("pro")).payment_url
    assert {"free": "active"} == await shop.statuses()


async def test_a_page_is_completed_once(shop: Services) -> None:
    """Paying it again is refused, and telling us again that it is paid changes nothing."""
    url = (await shop.attach("pro")).payment_url or ""
    await shop.pay(url)

    with pytest.raises(Conflict):
        await shop.pay(url)
    for _ in range(2):
        settled = await shop.settle(url)
        assert (True, False, "pro") == (settled.customer_plan_active, settled.refunded, settled.plan_id)
    assert ["20.00"] == await shop.totals()


async def test_a_refused_card_leaves_the_page_open(shop: Services) -> None:
    """The customer may try another card on the same page."""
    url = (await shop.attach("pro")).payment_url or ""
    for number in ("4000 0000 0000 0002", DECLINING):
        with pytest.raises(BadRequest):
            await shop.pay(url, number)
    assert {"free": "active"} == await shop.statuses()

    await shop.pay(url)

    assert {"pro": "active"} == await shop.statuses()
    assert [2000] == await shop.charged()


async def test_a_purchase_without_a_card(shop: Services) -> None:
    """A one-off plan is bought on a page too."""
    await shop.pay((await shop.attach("topup")).payment_url or "")

    assert {"free": "active", "topup": "active"} == await shop.statuses()
    assert ["10.00"] == await shop.totals()


async def test_a_trial_that_needs_a_card_asks_for_one(shop: Services) -> None:
    """The page takes a card without a charge, and the trial begins when it is done."""
    receipt = await shop.attach("trial")
    assert "setup" == (await page_of(shop, receipt.payment_url)).mode

    await shop.pay(receipt.payment_url or "")

    held = await shop.held("trial")
    assert shop.clock.now() + timedelta(days=14) == held.trial_ends_at
    assert [] == await shop.charged()


async def test_a_trial_that_needs_no_card_starts_at_once(shop: Services) -> None:
    """No page, no charge."""
    receipt = await shop.attach("open")

    assert None is receipt.payment_url
    assert {"free": "active", "open": "active"} == await shop.statuses()


async def test_a_redirect_may_be_forced_or_forbidden(shop: Services) -> None:
    """With always a customer with a card sees a page too; with never one without a card is refused."""
    with pytest.raises(BadRequest) as refused:
        await shop.attach("pro", redirect_mode=RedirectMode.NEVER)
    assert "customer_has_no_payment_method" == refused.value.code

    await shop.add_card()
    assert None is not (await shop.attach("pro", redirect_mode=RedirectMode.ALWAYS)).payment_url
    assert {"free": "active"} == await shop.statuses()


async def test_a_direct_attach_withdraws_the_page(shop: Services) -> None:
    """With a card on file the plan is charged directly, and the page opened before no longer can be paid."""
    url = (await shop.attach("pro")).payment_url or ""
    await shop.add_card()

    await shop.attach("pro")

    with pytest.raises(Gone):
        await shop.pay(url)
    assert {"pro": "active"} == await shop.statuses()
    assert [2000] == await shop.charged()


@pytest.mark.parametrize(("card", "outcome"), [(DECLINING, Outcome.DECLINED), (ASKING, Outcome.ACTION_REQUIRED)])
async def test_a_charge_that_fails_changes_nothing_until_it_is_paid(
    shop: Services, card: str, outcome: Outcome
) -> None:
    """The invoice is open behind an address, the customer keeps what it has; paid in time, the plan starts (R1, R2)."""
    await shop.add_card(number=card)

    receipt = await shop.attach("pro")

    assert receipt.outcome is not None
    assert (outcome, {"free": "active"}) == (receipt.outcome.outcome, await shop.statuses())
    assert [InvoiceStatus.OPEN] == [invoice.status for invoice in await shop.invoices()]
    shop.clock.advance(timedelta(minutes=9))
    await shop.billing.resume_attempts()
    await shop.pay(receipt.payment_url or "")
    assert {"pro": "active"} == await shop.statuses()
    assert [InvoiceStatus.PAID] == [invoice.status for invoice in await shop.invoices()]
    assert [2000] == await shop.charged()


async def test_a_charge_nobody_pays_is_given_up(shop: Services) -> None:
    """After ten minutes the invoice is void and attach must be repeated; paying late gives the money back (R1)."""
    await shop.add_card(number=DECLINING)
    receipt = await shop.attach("pro")
    shop.clock.advance(timedelta(minutes=10))

    assert 1 == await shop.billing.resume_attempts()
    assert 0 == await shop.billing.resume_attempts()

    assert [InvoiceStatus.VOID] == [invoice.status for invoice in await shop.invoices()]
    await shop.pay(receipt.payment_url or "")
    assert {"free": "active"} == await shop.statuses()
    assert [] == await shop.charged()
    await shop.attach("pro")
    assert {"pro": "active"} == await shop.statuses()


async def test_an_upgrade_that_is_not_paid_leaves_the_old_plan(shop: Services) -> None:
    """Pro stays as it is while the proration is open, and after it was given up (R6)."""
    await shop.add_card()
    await shop.attach("pro")
    await shop.set_next_charge("decline")

    receipt = await shop.attach("premium")

    assert None is not receipt.payment_url
    assert {"pro": "active"} == await shop.statuses()
    shop.clock.advance(timedelta(minutes=10))
    await shop.billing.resume_attempts()
    assert {"pro": "active"} == await shop.statuses()
    assert [InvoiceStatus.PAID, InvoiceStatus.VOID] == [invoice.status for invoice in await shop.invoices()]


async def test_trying_again_replaces_the_failed_try(shop: Services) -> None:
    """A second attach while the first waits for its payer succeeds alone: one subscription, one paid invoice."""
    await shop.add_card()
    await shop.set_next_charge("decline")
    first = await shop.attach("pro")

    await shop.attach("pro")

    assert {"pro": "active"} == await shop.statuses()
    assert [InvoiceStatus.VOID, InvoiceStatus.PAID] == [invoice.status for invoice in await shop.invoices()]
    with pytest.raises(Gone):
        await shop.pay(first.payment_url or "")
    assert [2000] == await shop.charged()


async def test_a_declined_renewal(shop: Services) -> None:
    """The plan is past due but usable; it is tried again after 1, 3, 5 and 7 days; paid, it is active again (R4)."""
    await shop.pay((await shop.attach("pro")).payment_url or "")
    await shop.add_card(number=DECLINING)
    due = shop.clock.now() + timedelta(days=31)

    move = await shop.advance(due + timedelta(days=15))

    failures = [happening.at - due for happening in move.happened if happening.kind == "payment_failed"]
    assert [timedelta(days=days) for days in (0, 1, 4, 9)] == failures
    assert {"pro": "past_due"} == await shop.statuses()
    assert (await shop.check()).access.allowed
    renewal = (await shop.invoices())[1]
    assert InvoiceStatus.OPEN == renewal.status
    url = await shop.billing.open_payment(shop.tenant, renewal.id)
    await shop.pay(url)
    assert {"pro": "active"} == await shop.statuses()
    assert InvoiceStatus.PAID == (await shop.invoices())[1].status


async def test_a_retry_that_succeeds(shop: Services) -> None:
    """A renewal refused once is paid by the first retry a day later."""
    await shop.add_card(number=GOOD_CARD)
    await shop.attach("pro")
    await shop.set_next_charge("insufficient_funds")
    due = shop.clock.now() + timedelta(days=31)

    await shop.advance(due)
    assert {"pro": "past_due"} == await shop.statuses()
    move = await shop.advance(due + timedelta(days=1))

    assert ["invoice_paid"] == [happening.kind for happening in move.happened]
    assert {"pro": "active"} == await shop.statuses()
    assert [2000, 2000] == await shop.charged()


async def test_a_payment_under_way_is_waited_for(shop: Services) -> None:
    """While the bank says it is processing nothing else is charged; when the money arrives the plan starts."""
    await shop.add_card()
    await shop.set_next_charge("pending")

    receipt = await shop.attach("pro")

    assert receipt.outcome is not None
    assert (Outcome.PROCESSING, {"free": "active"}) == (receipt.outcome.outcome, await shop.statuses())
    with pytest.raises(Locked):
        await shop.attach("premium")
    assert (await shop.advance(shop.clock.now() + timedelta(days=2))).ready
    shop.clock.advance(timedelta(minutes=1))
    assert 1 == await shop.billing.resume_attempts()
    assert {"pro": "active"} == await shop.statuses()
    assert [2000] == await shop.charged()


async def test_a_renewal_under_way_is_not_charged_again(shop: Services) -> None:
    """The plan stays active and the invoice open until the bank has the money, which it takes once."""
    await shop.add_card()
    await shop.attach("pro")
    await shop.set_next_charge("pending")
    shop.clock.advance(timedelta(days=31))
    await shop.billing.settle_due_customers()
    await shop.billing.collect_due_invoices()
    assert {"pro": "active"} == await shop.statuses()
    assert [InvoiceStatus.PAID, InvoiceStatus.OPEN] == [invoice.status for invoice in await shop.invoices()]

    shop.clock.advance(timedelta(hours=6))
    assert 1 == await shop.billing.collect_due_invoices()

    assert [InvoiceStatus.PAID, InvoiceStatus.PAID] == [invoice.status for invoice in await shop.invoices()]
    assert [2000, 2000] == await shop.charged()


async def test_credit_that_comes_free_while_a_page_is_open(shop: Services) -> None:
    """A failed upgrade held credit that the page did not count with: what the page took too much goes back."""
    await shop.add_card()
    await shop.attach("pro")
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY)
    await shop.set_next_charge("decline")
    await shop.attach("premium")
    url = (await shop.attach("pro", redirect_mode=RedirectMode.ALWAYS)).payment_url or ""
    assert Money(2000, "usd") == (await page_of(shop, url)).total

    await shop.pay(url)

    last = (await shop.invoices())[-1]
    assert (2000, 2000, 0) == (last.total.minor, last.credit_applied.minor, last.paid.minor)
    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())
