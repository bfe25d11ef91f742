"""Plans that are given before their page is paid (billing.md §10.5, §15.1)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.billing.model import Payment
from sumac.billing.quote import amount_of
from sumac.billing.requests import CancelAction, MultiAttachRequest, PlanWish, RedirectMode, UpdateRequest
from sumac.catalog.model import Proration
from sumac.core.errors import Conflict, Gone
from sumac.invoices import service as invoices
from sumac.invoices.model import InvoiceStatus
from tests.support.build import ONCE, feature, free_plan, held_item, item, plan, price, seats, trial, usage_price
from tests.support.services import ACTOR, GOOD_CARD, Services

JANUARY, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Plans, and a customer on Free without a card."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10"))),
        plan("premium", item("messages", 500), price=price(50)),
        plan("extra", item("messages", 30), price=price(5), add_on=True),
        plan("topup", item("messages", 50, reset=None), price=price(10, ONCE)),
        plan("trial", item("messages", 200), free_trial=trial(14), price=price(30)),
    )
    await services.add_customer()
    return services


async def given(shop: Services, plan_id: str = "pro", **changes: object) -> str:
    """Attaches a plan ahead of its payment; the link to pay it by."""
    receipt = await shop.attach(plan_id, "ada", enable_immediately=True, **changes)
    assert receipt.payment_url is not None
    return receipt.payment_url


async def states(shop: Services) -> list[tuple[InvoiceStatus, int]]:
    """Each invoice's status and total in cents, oldest first."""
    return [(invoice.status, invoice.total.minor) for invoice in await shop.invoices()]


async def test_given_at_once_and_paid_later(shop: Services) -> None:
    """The plan and its units are there at once; paying takes exactly what was quoted, once, and gives nothing again."""
    quoted = amount_of(await shop.preview("pro", enable_immediately=True))
    receipt = await shop.attach("pro", enable_immediately=True)
    url = receipt.payment_url or ""
    held = await shop.held("pro")

    assert receipt.invoice is not None
    assert quoted == receipt.invoice.amount_due
    assert ({"pro": "active"}, Decimal(100)) == (await shop.statuses(), await shop.remaining())
    assert ([(InvoiceStatus.OPEN, 2000)], []) == (await states(shop), await shop.charged())

    await shop.track(40)
    page = await shop.follow(url)
    await shop.pay(page)

    assert ([(InvoiceStatus.PAID, quoted.minor)], [quoted.minor]) == (await states(shop), await shop.charged())
    assert (held, Decimal(60)) == (await shop.held("pro"), await shop.remaining())
    with pytest.raises(Conflict):
        await shop.pay(page)
    with pytest.raises(Conflict) as done:
        await shop.follow(url)
    assert "checkout_completed" == done.value.code
    settled = await shop.settle(page)
    assert (True, False, "pro") == (settled.customer_plan_active, settled.refunded, settled.plan_id)


async def test_the_page_says_what_it_is_for(shop: Services) -> None:
    """The same page while it is open: the plan's name, the quoted amount, and when what will be charged again."""
    url = await given(shop, success_url="https://shop.test/done")
    page = await shop.follow(url)
    asked = await shop.bank.find_checkout_by_token(page.rsplit("/", 1)[1])

    assert asked is not None
    request = asked.request
    assert ("Subscribe to Pro", 2000, "https://shop.test/done") == (
        request.heading, request.total.minor, request.success_url,
    )  # fmt: skip
    assert "Renews on February 1, 2026 at $20.00 per month" in (request.terms or "")
    assert page == await shop.follow(url)


async def test_nobody_pays(shop: Services) -> None:
    """When the time of the page is up the plan is over, the invoice is void and the free plan is back."""
    url = await given(shop)
    page = await shop.follow(url)
    shop.clock.advance(HOUR)
    with pytest.raises(Gone):
        await shop.pay(page)
    with pytest.raises(Gone):
        await shop.follow(url)

    assert 2 == await shop.billing.settle_checkouts()
    assert 0 == await shop.billing.settle_checkouts()

    assert {"free": "active"} == await shop.statuses()
    assert ([(InvoiceStatus.VOID, 2000)], []) == (await states(shop), await shop.charged())


async def test_what_was_paid_stays(shop: Services) -> None:
    """The end of the page's time means nothing once it is paid, whoever was told of it, and the card pays on."""
    page = await shop.follow(await given(shop))
    asked = await shop.bank.find_checkout_by_token(page.rsplit("/", 1)[1])
    assert asked is not None
    await shop.bank.complete_checkout(shop.tenant, asked.id, GOOD_CARD)
    shop.clock.advance(HOUR)
    await shop.billing.settle_checkouts()
    await shop.advance(FEBRUARY)

    assert {"pro": "active"} == await shop.statuses()
    assert [2000, 2000] == await shop.charged()


async def test_paid_in_the_last_second(shop: Services) -> None:
    """A page opened and paid just before its end counts, though it is settled only after."""
    url = await given(shop)
    shop.clock.advance(HOUR - timedelta(seconds=10))
    page = await shop.bank.find_checkout_by_token((await shop.follow(url)).rsplit("/", 1)[1])
    assert page is not None
    assert JANUARY + HOUR == page.request.expires_at
    await shop.bank.complete_checkout(shop.tenant, page.id, GOOD_CARD)
    shop.clock.advance(timedelta(seconds=10))

    await shop.billing.settle_checkouts()

    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())


async def test_the_same_request_is_the_same_link(shop: Services) -> None:
    """Asked again, the preview says the same, and nothing is given twice."""
    first = await given(shop)
    preview = await shop.preview("pro", enable_immediately=True)

    assert (Payment.CHECKOUT, 2000) == (preview.decision.payment, amount_of(preview).minor)
    assert first == await given(shop)
    assert ["20.00"] == await shop.totals()
    topup = await given(shop, "topup")
    assert topup == await given(shop, "topup")
    assert ({"pro": "active", "topup": "active"}, Decimal(150)) == (await shop.statuses(), await shop.remaining())


async def test_a_price_that_changed(shop: Services) -> None:
    """Asked again at another price, what was given before is over, and the new price is quoted."""
    first = await given(shop)
    await shop.change_plan("pro", price=price(25))
    second = await given(shop)

    assert first != second
    assert [(InvoiceStatus.VOID, 2000), (InvoiceStatus.OPEN, 2500)] == await states(shop)
    with pytest.raises(Gone):
        await shop.follow(first)
    await shop.pay(await shop.follow(second))
    assert [2500] == await shop.charged()


async def test_something_else_takes_its_place(shop: Services) -> None:
    """A direct attach is billed in full, as previewed: an unpaid plan gives no credit, and is owed no more."""
    url = await given(shop)
    page = await shop.follow(url)
    await shop.add_card()
    quoted = amount_of(await shop.preview("premium"))
    assert {"pro": "active"} == await shop.statuses()

    receipt = await shop.attach("premium")

    assert receipt.invoice is not None
    assert (5000, 5000) == (quoted.minor, receipt.invoice.total.minor)
    assert ({"premium": "active"}, [5000]) == (await shop.statuses(), await shop.charged())
    assert [(InvoiceStatus.VOID, 2000), (InvoiceStatus.PAID, 5000)] == await states(shop)
    for refused in (shop.pay(page), shop.follow(url)):
        with pytest.raises(Gone):
            await refused


async def test_bought_directly_after_all(shop: Services) -> None:
    """With a card there is no page: the same plan is charged, once, and the open page is closed."""
    page = await shop.follow(await given(shop))
    await shop.add_card()
    await shop.attach("pro", enable_immediately=True)

    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())
    with pytest.raises(Gone):
        await shop.pay(page)


async def test_a_page_for_something_else(shop: Services) -> None:
    """A page for another main plan closes the one before, and with it ends what that gave."""
    await given(shop)
    receipt = await shop.attach("premium")

    assert {"free": "active"} == await shop.statuses()
    await shop.pay(receipt.payment_url or "")
    assert ({"premium": "active"}, [5000]) == (await shop.statuses(), await shop.charged())


async def test_what_stands_beside_it(shop: Services) -> None:
    """An add-on bought meanwhile takes nobody's place: both links and both plans stay."""
    first = await given(shop)
    await shop.add_card()
    await shop.attach("extra")

    assert {"pro": "active", "extra": "active"} == await shop.statuses()
    await shop.pay(await shop.follow(first))
    assert [500, 2000] == await shop.charged()


@pytest.mark.parametrize("bill", [True, False])
async def test_cancelled_unpaid(shop: Services, bill: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """Cancelled at once nothing is given back, and nothing is owed any more."""
    url = await given(shop)
    shop.clock.advance(timedelta(minutes=30))
    await shop.track(120)
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro", bill=bill)

    assert {"free": "active"} == await shop.statuses()
    assert [(InvoiceStatus.VOID, 2000)] == await states(shop)
    with pytest.raises(Gone):
        await shop.follow(url)


async def test_cancelled_at_the_end_of_its_cycle(shop: Services) -> None:
    """It runs on until then, and its page stays payable."""
    url = await given(shop)
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE, plan_id="pro")
    await shop.pay(await shop.follow(url))

    assert ({"pro": "active", "free": "scheduled"}, [2000]) == (await shop.statuses(), await shop.charged())


async def test_no_change_before_it_is_paid(shop: Services) -> None:
    """An update of a plan that is not paid for is refused; afterwards it is possible."""
    url = await given(shop)
    change = UpdateRequest("ada", plan_id="pro", anchor="now")
    with pytest.raises(Conflict):
        await shop.billing.perform(shop.tenant, change, actor=ACTOR)
    with pytest.raises(Conflict):
        await shop.billing.preview(shop.tenant, change)
    await shop.pay(await shop.follow(url))
    shop.clock.advance(timedelta(days=1))
    await shop.billing.perform(shop.tenant, change, actor=ACTOR)

    assert ({"pro": "active"}, 2) == (await shop.statuses(), len(await shop.invoices()))


async def test_several_together(shop: Services) -> None:
    """Plans attached together are given together, on one invoice, and are over together."""
    both = MultiAttachRequest("ada", (PlanWish("pro"), PlanWish("extra")), enable_immediately=True)
    receipt = await shop.billing.perform(shop.tenant, both, actor=ACTOR)

    assert ({"pro": "active", "extra": "active"}, ["25.00"]) == (await shop.statuses(), await shop.totals())
    assert receipt.payment_url == (await shop.billing.perform(shop.tenant, both, actor=ACTOR)).payment_url
    shop.clock.advance(HOUR)
    await shop.billing.settle_checkouts()

    assert ({"free": "active"}, [(InvoiceStatus.VOID, 2500)]) == (await shop.statuses(), await states(shop))


async def test_a_trial_before_there_is_a_card(shop: Services) -> None:
    """It begins at once; a card stored on the page keeps it, and pays at its end."""
    url = await given(shop, "trial")
    assert ({"trial": "active"}, []) == (await shop.statuses(), await shop.invoices())
    page = await shop.follow(url)
    await shop.pay(page)
    with pytest.raises(Conflict):
        await shop.follow(url)
    shop.clock.advance(HOUR)
    await shop.billing.settle_checkouts()
    await shop.advance(JANUARY + timedelta(days=15))

    assert ({"trial": "active"}, [3000]) == (await shop.statuses(), await shop.charged())


@pytest.mark.parametrize("card", [None, GOOD_CARD])
async def test_a_trial_nobody_gave_a_card_for(shop: Services, card: str | None) -> None:
    """Without a card it is over with the page's time; one that was stored otherwise meanwhile keeps it."""
    await given(shop, "trial")
    if card is not None:
        await shop.add_card(number=card)
    shop.clock.advance(HOUR)
    await shop.billing.settle_checkouts()

    assert {"free" if card is None else "trial": "active"} == await shop.statuses()


async def test_credit_pays_for_it(shop: Services) -> None:
    """Credit that covers the price leaves nothing to pay: the plan is given, and there is no page."""
    await shop.add_card()
    await shop.attach("premium")
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="premium")
    receipt = await shop.attach("pro", enable_immediately=True, redirect_mode=RedirectMode.ALWAYS)

    assert receipt.invoice is not None
    assert (None, InvoiceStatus.PAID) == (receipt.payment_url, receipt.invoice.status)
    assert ({"pro": "active"}, [5000]) == (await shop.statuses(), await shop.charged())


async def test_credit_comes_back(shop: Services) -> None:
    """Credit that was to pay a part is there again once nobody has paid the rest, and is spent on what follows."""
    await shop.add_card()
    await shop.attach("pro")
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro")
    premium = await shop.attach("premium", enable_immediately=True, redirect_mode=RedirectMode.ALWAYS)
    assert premium.invoice is not None
    assert 3000 == premium.invoice.amount_due.minor
    again = await shop.preview("premium", enable_immediately=True, redirect_mode=RedirectMode.ALWAYS)
    assert 3000 == amount_of(again).minor
    shop.clock.advance(HOUR)
    await shop.billing.settle_checkouts()

    assert 3000 == amount_of(await shop.preview("premium")).minor
    assert {"free": "active"} == await shop.statuses()


async def test_paid_or_waived_by_the_seller(shop: Services) -> None:
    """An invoice that is settled in another way ends nothing when the time of the page is up."""
    receipt = await shop.attach("pro", enable_immediately=True)
    assert receipt.invoice is not None
    async with shop.database.work(shop.tenant) as work:
        invoice = await invoices.get(work, receipt.invoice.id, lock=True)
        await invoices.record_payment(work, invoice, payment=None, now=work.now)
    with pytest.raises(Conflict):
        await shop.follow(receipt.payment_url or "")
    shop.clock.advance(HOUR)
    await shop.billing.settle_checkouts()

    assert {"pro": "active"} == await shop.statuses()
    assert (await shop.link(receipt.payment_url or "")).is_done


async def test_unpaid_seats_give_nothing_back(shop: Services) -> None:
    """Seats carried into a plan that nobody has paid for are worth nothing: giving them up leaves no credit."""
    at_once = Proration("prorate_immediately", "prorate_immediately")
    await shop.offer(
        seats(),
        plan("solo", held_item("seats", 3), price=None, group="team"),
        plan("team", held_item("seats", 1, price=usage_price(50), proration=at_once), group="team"),
    )
    await shop.attach("solo")
    await shop.track(3, "seats")
    await given(shop, "team")
    assert ["120.00"] == await shop.totals()

    await shop.track(-2, "seats")
    shop.clock.advance(HOUR)
    await shop.billing.settle_checkouts()

    assert [(InvoiceStatus.VOID, 12000)] == await states(shop)
    assert 5000 == amount_of(await shop.preview("premium")).minor
