"""An invoice that cannot be collected: past due, retries, recovery, the end (billing.md §12.5, §15.1, §20.0 R4, R5)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.requests import CancelAction, CancelRequest, MultiCancelRequest, RefundKind
from sumac.core.errors import BadRequest
from sumac.invoices import service as invoices
from sumac.invoices.model import InvoiceDraft, InvoiceKind, InvoiceStatus, LineDraft
from sumac.organizations.settings import AfterLastRetry, BillingSettings, get_billing_settings, update_billing_settings
from tests.support.build import YEARLY, feature, free_plan, item, plan, price, usage_price
from tests.support.services import GOOD_CARD, Services

DECLINING = "4000 0000 0000 0341"
FEBRUARY, MARCH = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Pro, paid for with a good card, who has now another one that declines."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10"))),
        plan("extra", price=price(5), add_on=True),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.add_card(number=DECLINING)
    return services


async def decide(shop: Services, **changes: object) -> BillingSettings:
    """Changes the tenant's settings."""
    async with shop.database.work(shop.tenant) as work:
        return await update_billing_settings(work, changes)


async def kinds(shop: Services, to: datetime) -> list[tuple[int, str]]:
    """What happened while the clock moved, with the days since the first of February."""
    return [((each.at - FEBRUARY).days, each.kind) for each in (await shop.advance(to)).happened]


async def documents(shop: Services) -> list[InvoiceStatus]:
    """Where each invoice stands, oldest first."""
    return [invoice.status for invoice in await shop.invoices()]


async def test_after_the_last_retry_the_plan_ends(shop: Services) -> None:
    """Tried on the due day and after 1, 3, 5 and 7 days; then Free takes its place and the debt is a loss."""
    happened = await kinds(shop, FEBRUARY + 20 * ONE_DAY)

    tries = [day for day, kind in happened if kind == "payment_failed"]
    assert [0, 1, 4, 9, 16] == tries
    assert [(16, "payment_failed"), (16, "plan_ended"), (16, "plan_started")] == happened[-3:]
    assert {"free": "active"} == await shop.statuses()
    assert [InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE] == await documents(shop)
    assert ([2000], Decimal(10)) == (await shop.charged(), await shop.remaining())


async def test_nothing_follows_the_end(shop: Services) -> None:
    """No renewal, no usage and no further try: the books stay as they are."""
    await shop.track(500)
    await shop.advance(FEBRUARY + 16 * ONE_DAY)
    before = (await shop.statuses(), await shop.totals(), await documents(shop))

    await shop.advance(FEBRUARY + 300 * ONE_DAY)

    assert before == (await shop.statuses(), await shop.totals(), await documents(shop))


async def test_a_plan_may_stay_past_due(shop: Services) -> None:
    """With keep_past_due the plan goes on with its access, and renews and owes each month."""
    await decide(shop, after_last_retry=AfterLastRetry.KEEP_PAST_DUE, retry_days=(2,))

    happened = await kinds(shop, MARCH + 20 * ONE_DAY)

    assert [0, 2, 28, 30] == [day for day, kind in happened if kind == "payment_failed"]
    assert {"pro": "past_due"} == await shop.statuses()
    assert (await shop.check()).access.allowed
    assert [InvoiceStatus.PAID, InvoiceStatus.OPEN, InvoiceStatus.OPEN] == await documents(shop)


@pytest.mark.parametrize(
    ("retry_days", "tries"),
    [((), [0]), ((1,), [0, 1]), ((10, 14), [0, 10, 24]), ((1,) * 10, list(range(11)))],
    ids=["none", "one", "two", "ten"],
)
async def test_the_tenant_chooses_the_days(shop: Services, retry_days: tuple[int, ...], tries: list[int]) -> None:
    """Without a retry the first failure is the last."""
    await decide(shop, retry_days=retry_days)

    happened = await kinds(shop, MARCH + 31 * ONE_DAY)

    ended = happened.index((tries[-1], "plan_ended"))
    assert tries == [day for day, kind in happened[: ended + 1] if kind == "payment_failed"]


async def test_cancelled_at_the_first_failure(shop: Services) -> None:
    """With cancel_on_past_due nobody waits for the retries, and nothing is owed for a month nobody had (§15.1)."""
    await decide(shop, cancel_on_past_due=True)

    assert (0, "plan_ended") in await kinds(shop, FEBRUARY)
    assert ({"free": "active"}, [InvoiceStatus.PAID, InvoiceStatus.VOID]) == (
        await shop.statuses(),
        await documents(shop),
    )


async def test_what_is_owed_may_be_void(shop: Services) -> None:
    """With void_invoices_on_cancellation the open invoice is cancelled when the plan ends unpaid (R5)."""
    await decide(shop, void_invoices_on_cancellation=True)

    await shop.advance(FEBRUARY + 16 * ONE_DAY)

    assert ({"free": "active"}, [InvoiceStatus.PAID, InvoiceStatus.VOID]) == (
        await shop.statuses(),
        await documents(shop),
    )


async def test_plans_on_one_invoice_are_past_due_together(shop: Services) -> None:
    """The add-on that renews at the same instant is on the same invoice; both are past due, and both end."""
    await shop.add_card(number=GOOD_CARD)
    await shop.attach("extra")
    await shop.add_card(number=DECLINING)
    await shop.advance(FEBRUARY)
    assert {"pro": "past_due", "extra": "past_due"} == await shop.statuses()

    await shop.advance(FEBRUARY + 16 * ONE_DAY)

    assert {"free": "active"} == await shop.statuses()
    assert ["20.00", "5.00", "25.00"] == await shop.totals()


async def test_customers_are_found_by_a_plan_that_is_past_due(shop: Services) -> None:
    """It is shown as active, and so it is found as active."""
    await shop.advance(FEBRUARY)
    assert {"pro": "past_due"} == await shop.statuses()

    async with shop.database.reading(shop.tenant) as work:
        active = await work.all(shop.billing.keys_holding(work, [("pro", ())], "active"))
        waiting = await work.all(shop.billing.keys_holding(work, [("pro", ())], "scheduled"))
    assert ([(await shop.customer()).key], []) == ([row.customer_key for row in active], waiting)


async def test_the_free_plans_of_two_groups_are_back(shop: Services) -> None:
    """Main plans of two groups on one unpaid invoice end together, and each is followed by the free plan of its own."""
    await shop.offer(
        free_plan("solo", auto_enable=True, group="support"), plan("team", price=price(5), group="support")
    )
    await shop.add_card(number=GOOD_CARD)
    await shop.attach("team")
    await shop.add_card(number=DECLINING)
    happened = await kinds(shop, FEBRUARY + 16 * ONE_DAY)

    assert {"free": "active", "solo": "active"} == await shop.statuses()
    assert ["payment_failed", "plan_ended", "plan_started", "plan_ended", "plan_started"] == [
        kind for day, kind in happened if day == 16
    ]
    assert ["20.00", "5.00", "25.00"] == await shop.totals()


async def test_paying_on_a_page_restores_the_plan(shop: Services) -> None:
    """Before the last try: active again, the next renewal as ever, one charge for the month (R4)."""
    await shop.advance(FEBRUARY + 2 * ONE_DAY)
    renewal = (await shop.invoices())[1]

    await shop.pay(await shop.billing.open_payment(shop.tenant, renewal.id))

    assert ({"pro": "active"}, [2000, 2000]) == (await shop.statuses(), await shop.charged())
    await shop.advance(MARCH)
    assert [2000, 2000, 2000] == await shop.charged()


async def test_a_new_card_pays_what_is_open(shop: Services) -> None:
    """Every invoice that could not be collected is tried with it, the oldest first; then the plan is active."""
    await decide(shop, after_last_retry=AfterLastRetry.KEEP_PAST_DUE)
    await shop.advance(MARCH + ONE_DAY)
    customer = await shop.customer()
    await shop.add_card(number=GOOD_CARD)

    tried = await shop.billing.retry_open_invoices(shop.tenant, customer.key)

    assert [FEBRUARY, MARCH] == [each.invoice.created_at for each in tried]
    assert ({"pro": "active"}, [2000] * 3) == (await shop.statuses(), await shop.charged())
    assert [] == await shop.billing.retry_open_invoices(shop.tenant, customer.key)


async def test_one_of_two_debts_paid(shop: Services) -> None:
    """The plan stays past due until the last of its invoices is paid."""
    await decide(shop, after_last_retry=AfterLastRetry.KEEP_PAST_DUE)
    await shop.advance(MARCH)
    older, newer = (await shop.invoices())[1:]

    await shop.pay(await shop.billing.open_payment(shop.tenant, newer.id))
    assert {"pro": "past_due"} == await shop.statuses()
    await shop.pay(await shop.billing.open_payment(shop.tenant, older.id))

    assert {"pro": "active"} == await shop.statuses()


async def test_a_bad_new_card_uses_no_retry_up(shop: Services) -> None:
    """Tries by hand that fail leave the days of the next ones alone, and never end the plan."""
    await shop.advance(FEBRUARY)
    customer = await shop.customer()
    for _ in range(6):
        (tried,) = await shop.billing.retry_open_invoices(shop.tenant, customer.key)

        assert (FEBRUARY + ONE_DAY, InvoiceStatus.OPEN) == (tried.invoice.next_attempt_at, tried.invoice.status)

    happened = await kinds(shop, FEBRUARY + 16 * ONE_DAY)

    assert [1, 4, 9, 16] == [day for day, kind in happened if kind == "payment_failed"]
    assert {"free": "active"} == await shop.statuses()


@pytest.mark.parametrize("access", [True, False])
async def test_access_while_past_due(shop: Services, *, access: bool) -> None:
    """Kept, unless the tenant withholds it; paying brings it back with everything that was left (§15.1)."""
    await decide(shop, past_due_access=access)
    await shop.track(40)
    await shop.advance(FEBRUARY)

    answer = await shop.check()
    assert (access, access) == (answer.access.allowed, answer.access.balance is not None)
    await shop.pay(await shop.billing.open_payment(shop.tenant, (await shop.invoices())[1].id))

    answer = await shop.check()
    assert answer.access.balance is not None
    assert (True, Decimal(100)) == (answer.access.allowed, answer.access.balance.remaining)


@pytest.mark.parametrize(
    ("void", "action", "status", "plans", "last"),
    [
        (False, CancelAction.CANCEL_END_OF_CYCLE, "past_due", {"pro", "free"}, InvoiceStatus.OPEN),
        (False, CancelAction.CANCEL_IMMEDIATELY, None, {"free"}, InvoiceStatus.OPEN),
        (True, CancelAction.CANCEL_END_OF_CYCLE, None, {"free"}, InvoiceStatus.VOID),
        (True, CancelAction.CANCEL_IMMEDIATELY, None, {"free"}, InvoiceStatus.VOID),
    ],
)
async def test_cancelling_while_past_due(
    shop: Services, *, void: bool, action: CancelAction, status: str | None, plans: set[str], last: InvoiceStatus
) -> None:
    """With the setting it is over at once and nothing is owed; without it all goes the usual way. No credit ever."""
    await decide(shop, void_invoices_on_cancellation=void)
    await shop.advance(FEBRUARY + ONE_DAY)

    await shop.cancel(action, plan_id="pro")

    statuses = await shop.statuses()
    assert (plans, status) == (statuses.keys(), statuses.get("pro"))
    assert [InvoiceStatus.PAID, last] == await documents(shop)


async def test_only_the_past_due_one_of_several_ends_at_once(shop: Services) -> None:
    """Both cancelled at the end of the cycle: the one that was paid for runs until then, and may be kept after all."""
    await decide(shop, void_invoices_on_cancellation=True)
    await shop.offer(plan("annual", price=price(200, YEARLY), group="other"))
    await shop.add_card(number=GOOD_CARD)
    await shop.attach("annual")
    await shop.add_card(number=DECLINING)
    await shop.advance(FEBRUARY)
    end = CancelAction.CANCEL_END_OF_CYCLE
    both = tuple(CancelRequest("ada", end, plan_id) for plan_id in ("pro", "annual"))

    await shop.billing.perform(shop.tenant, MultiCancelRequest("ada", both), actor="test")

    assert {"annual": "active"} == await shop.statuses()
    assert (True, InvoiceStatus.VOID) == ((await shop.held("annual")).is_canceling, (await documents(shop))[-1])


async def test_another_plan_is_kept_while_one_is_past_due(shop: Services) -> None:
    """Undoing the cancellation of a plan that was paid for has nothing to do with the one that was not."""
    await decide(shop, void_invoices_on_cancellation=True)
    await shop.offer(plan("annual", price=price(200, YEARLY), group="other"))
    await shop.add_card(number=GOOD_CARD)
    await shop.attach("annual")
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE, plan_id="annual")
    await shop.add_card(number=DECLINING)
    await shop.advance(FEBRUARY)

    await shop.cancel(CancelAction.UNCANCEL, plan_id="annual")

    assert {"pro": "past_due", "annual": "active"} == await shop.statuses()
    assert not (await shop.held("annual")).is_canceling


async def test_what_is_void_is_not_given_back_too(shop: Services) -> None:
    """A refund of the month before, asked for with the cancellation, is not made: the debt is gone instead (§12.5)."""
    await decide(shop, void_invoices_on_cancellation=True)
    await shop.advance(FEBRUARY)

    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro", refund=RefundKind.FULL)
    await shop.billing.resume_attempts()

    assert ([InvoiceStatus.PAID, InvoiceStatus.VOID], [2000]) == (await documents(shop), await shop.charged())


async def test_a_debt_shared_with_a_running_plan_is_not_void(shop: Services) -> None:
    """Pro is cancelled, the add-on on the same invoice is not: the invoice is still owed (§12.5)."""
    await decide(shop, void_invoices_on_cancellation=True)
    await shop.add_card(number=GOOD_CARD)
    await shop.attach("extra")
    await shop.add_card(number=DECLINING)
    await shop.advance(FEBRUARY)

    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro")

    assert {"free": "active", "extra": "past_due"} == await shop.statuses()
    assert InvoiceStatus.OPEN == (await documents(shop))[-1]
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="extra")
    assert InvoiceStatus.VOID == (await documents(shop))[-1]


async def test_an_invoice_written_by_hand_concerns_no_plan(shop: Services) -> None:
    """It is tried again like any other, and leaves the plan active when it fails (§15.1)."""
    customer = await shop.customer()
    line = LineDraft("Setup", "Setup", Decimal(9900), Decimal(1), "pro", None, None)
    async with shop.database.work(shop.tenant) as work:
        draft = InvoiceDraft(InvoiceKind.MANUAL, "usd", (line,), ("pro",))
        await invoices.issue(work, customer.key, draft, now=work.now)

    happened = await kinds(shop, datetime(2026, 1, 20, tzinfo=UTC))

    assert 5 == sum(kind == "payment_failed" for _, kind in happened)
    assert ({"pro": "active"}, InvoiceStatus.OPEN) == (await shop.statuses(), (await documents(shop))[-1])


async def test_the_jobs_go_the_same_way(shop: Services) -> None:
    """Without a clock of their own customers are tried, past due and ended by the jobs on the same days."""
    tried = []
    for day in range(18):
        shop.clock.move_to(FEBRUARY + day * ONE_DAY)
        await shop.billing.settle_due_customers()
        if await shop.billing.collect_due_invoices():
            tried.append(day)

    assert [0, 1, 4, 9, 16] == tried
    assert ({"free": "active"}, [InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE]) == (
        await shop.statuses(),
        await documents(shop),
    )


@pytest.mark.parametrize("after_last_retry", AfterLastRetry)
async def test_the_steps_of_the_clock_do_not_matter(shop: Services, after_last_retry: AfterLastRetry) -> None:
    """In one step or in fifty, the same tries fail at the same instants and the same is left."""
    await decide(shop, after_last_retry=after_last_retry, retry_days=(1, 4, 20))
    expected = await two_months(shop, "one", 1)

    assert expected == await two_months(shop, "many", 50)
    assert 8 < len(expected)


async def two_months(shop: Services, customer_id: str, steps: int) -> list[object]:
    """What happens to a customer whose card declines, whose clock is moved in equal steps, and the books afterwards."""
    start = shop.clock.now()
    await shop.add_customer(customer_id, card=GOOD_CARD, clock_at=start)
    await shop.attach("pro", customer_id)
    await shop.track(150, customer_id=customer_id)
    await shop.add_card(customer_id, DECLINING)
    happened: list[object] = []
    for step in range(1, steps + 1):
        move = await shop.advance(start + (MARCH + 5 * ONE_DAY - start) * step / steps, customer_id)
        happened += [(each.at, each.kind, each.plan_id, each.total) for each in move.happened]
    documents = [
        (invoice.created_at, invoice.status, invoice.attempts_made, invoice.next_attempt_at, invoice.total)
        for invoice in await shop.invoices(customer_id)
    ]
    left = (await shop.statuses(customer_id), await shop.remaining(customer_id=customer_id))
    return [*happened, *documents, left]


@pytest.mark.parametrize("changes", [{"retry_days": (0,)}, {"retry_days": (61,)}, {"retry_days": (1,) * 11}], ids=str)
async def test_days_out_of_bounds(shop: Services, changes: dict[str, Any]) -> None:
    """Between one and sixty days each, ten at most; what was set before stays."""
    await decide(shop, retry_days=(2, 4))

    with pytest.raises(BadRequest):
        await decide(shop, **changes)

    async with shop.database.reading(shop.tenant) as work:
        assert (2, 4) == (await get_billing_settings(work)).retry_days
