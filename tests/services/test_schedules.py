"""Schedules come true by the clock (billing.md §13.2)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.billing.provider import Outcome
from sumac.billing.requests import CancelAction, InvoiceMode, Phase, PlanWish, RedirectMode, ScheduleRequest
from sumac.billing.schedules import PHASES
from sumac.billing.service import Receipt
from sumac.catalog.model import BasePrice, Customization
from sumac.core.errors import NotFound
from sumac.core.money import Money
from sumac.core.time import Cadence, Interval
from sumac.invoices.model import InvoiceStatus
from sumac.storage.schema import schedules
from tests.support.build import MONTHLY, feature, free_plan, held_item, item, plan, price, seats, trial, usage_price
from tests.support.services import GOOD_CARD, Services

NEW_YEAR, FEBRUARY, MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 6))
MID_FEBRUARY = datetime(2026, 2, 15, tzinfo=UTC)
MONTH, QUARTER = Cadence(Interval.MONTH), Cadence(Interval.MONTH, 3)
PLANS = (
    free_plan("free", item("messages", 10), auto_enable=True),
    plan("pro", item("messages", 100, price=usage_price("0.10"))),
    plan("premium", item("messages", 500), price=price(50)),
    plan("growth", item("messages", 2000), price=price(100)),
    plan("support", held_item("seats", 5), add_on=True),
    plan("eu", group="eu"),
)


@pytest.fixture
async def shop(services: Services) -> Services:
    """The plans, and a customer with a good card on the free one."""
    await services.offer(feature(), seats(), *PLANS)
    await services.add_customer(card=GOOD_CARD)
    return services


def phase(starts_at: datetime | Cadence | None, *plan_ids: str) -> Phase:
    """Plans as they are sold, from an instant on."""
    return Phase(tuple(PlanWish(plan_id) for plan_id in plan_ids), starts_at)


async def schedule(shop: Services, *phases: Phase, **changes: object) -> Receipt:
    """Lets the customer's plans follow the phases."""
    request = replace(ScheduleRequest("ada", phases), **changes)  # type: ignore[arg-type]  # each test gives what it names
    return await shop.billing.perform(shop.tenant, request, actor="test")


async def placed(shop: Services) -> list[tuple[str, bool]]:
    """The schedules on record, oldest first, and whether each is followed."""
    async with shop.database.reading(shop.tenant) as work:
        rows = await work.all(work.select(schedules).order_by(schedules.c.created_at, schedules.c.id))
    return [(row.id, row.replaced_at is None) for row in rows]


async def test_three_phases(shop: Services) -> None:
    """Pro and support, then premium with the cycle, then growth in the middle of one, prorated."""
    receipt = await schedule(
        shop, phase(None, "pro", "support"), phase(MONTH, "premium", "support"), phase(MID_FEBRUARY, "growth")
    )

    assert receipt.schedule is not None
    assert {"pro": "active", "support": "active", "premium": "scheduled", "growth": "scheduled"} == (
        await shop.statuses()
    )
    await shop.track(150)
    move = await shop.advance(MARCH)

    # 40; premium 50, support 20, 50 over at 0.10; half of both back and half of growth; growth.
    assert ["40.00", "75.00", "15.00", "100.00"] == await shop.totals()
    assert [4000, 7500, 1500, 10000] == sorted(await shop.charged(), key=[4000, 7500, 1500, 10000].index)
    assert {"growth": "active"} == await shop.statuses()
    assert [FEBRUARY, MID_FEBRUARY] == sorted(each.at for each in move.happened if each.kind == "plan_started")
    assert Decimal(2000) == await shop.remaining()


async def test_what_is_on_record(shop: Services) -> None:
    """The schedule with its phases and the customer plans of each; the one before stays, as replaced."""
    first = await schedule(shop, phase(None, "pro"), phase(MONTH, "premium"))
    second = await schedule(shop, phase(None, "pro"), phase(QUARTER, "growth"))

    assert first.schedule is not None
    assert second.schedule is not None
    assert {(first.schedule.id, False), (second.schedule.id, True)} == set(await placed(shop))
    async with shop.database.reading(shop.tenant) as work:
        row = await work.find(work.select(schedules).where(schedules.c.id == second.schedule.id))
    assert row is not None
    assert second.schedule.phases == PHASES.validate_python(row.phases)
    pro, growth = await shop.held("pro"), await shop.held("growth")
    assert ((pro.id,), (growth.id,)) == tuple(each.customer_plan_ids for each in second.schedule.phases)
    assert (second.schedule.id, APRIL) == (pro.schedule_id, pro.ends_at)
    assert {"pro", "growth"} == (await shop.statuses()).keys()
    assert ["20.00"] == await shop.totals()


async def one_step(shop: Services) -> None:
    """All at once."""
    await shop.advance(MAY)


async def day_by_day(shop: Services) -> None:
    """As a person would who looks every day."""
    while (now := (await shop.customer()).now(shop.clock.now())) < MAY:
        await shop.advance(min(now + timedelta(days=1, hours=7), MAY))


async def late_jobs(shop: Services) -> None:
    """On the wall clock: nobody came by before May, then the jobs do."""
    shop.clock.move_to(MAY)
    await shop.billing.bring_up_to_date(shop.tenant, "ada")
    while await shop.billing.collect_due_invoices():
        pass


async def week_by_week(shop: Services) -> None:
    """On the wall clock, with the jobs once a week."""
    while shop.clock.now() < MAY:
        shop.clock.move_to(min(shop.clock.now() + timedelta(days=7), MAY))
        await shop.billing.settle_due_customers()
        await shop.billing.collect_due_invoices()


def day(month: int, day_of_month: int, hour: int = 0) -> datetime:
    """An instant of 2026."""
    return datetime(2026, month, day_of_month, hour, tzinfo=UTC)


CHEAPER = Customization(price=BasePrice(Decimal(45), MONTHLY), sets_price=True)
PHASES_OF_THE_LAW = (
    phase(None, "pro", "support"),
    phase(day(1, 20, 5), "premium", "support"),
    Phase((PlanWish("premium", customize=CHEAPER),), MID_FEBRUARY),
    replace(phase(day(3, 11), "pro", "support"), anchor_here=True),
    phase(day(4, 20), "support"),
)
BOOKS_OF_THE_LAW = [
    (NEW_YEAR, "60.00"),  # pro, support, and eu beside them
    (day(1, 20, 5), "11.41"),  # 283 of 744 hours: -7.61 + 19.02
    (FEBRUARY, "90.00"),
    (MID_FEBRUARY, "-12.50"),  # half of premium and support back, half of $45
    (MARCH, "65.00"),
    (day(3, 11), "9.52"),  # 21 of 31 days of $45 back, pro and support anew
    (APRIL, "20.00"),
    (day(4, 11), "40.00"),
    (day(4, 20), "-14.00"),  # 21 of 30 days of pro back
    (MAY, "20.00"),
]


@pytest.mark.parametrize("walk", [one_step, day_by_day, late_jobs, week_by_week])
async def test_one_step_or_many(shop: Services, walk: Callable[[Services], Awaitable[None]]) -> None:
    """However the clock comes to May, the same invoices at the same instants, and the same plans (law of §13.2)."""
    await schedule(shop, *PHASES_OF_THE_LAW, unscheduled=(PlanWish("eu"),))

    await walk(shop)

    invoices = await shop.invoices()
    assert BOOKS_OF_THE_LAW == [(each.created_at, f"{each.total.major:f}") for each in invoices]
    assert {InvoiceStatus.PAID} == {each.status for each in invoices}
    assert 28943 == sum(await shop.charged())
    assert {"eu": "active", "support": "active"} == await shop.statuses()
    support = await shop.held("support")
    assert (day(4, 11), day(5, 11)) == (support.period_start, support.period_end)


async def test_begun_in_the_past(shop: Services) -> None:
    """Forty days ago, two plans at $20: two cycles x (20 + 20) = $80, the renewal two months after the start."""
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="free")
    begun = NEW_YEAR - timedelta(days=40)

    await schedule(shop, phase(begun, "pro", "support"), phase(QUARTER, "premium"))

    assert ["80.00"] == await shop.totals()
    assert day(1, 22) == (await shop.held("pro")).period_end
    await shop.advance(day(2, 22))
    assert ["80.00", "40.00", "50.00"] == await shop.totals()
    assert {"premium": "active"} == await shop.statuses()


async def test_behind_a_page(services: Services) -> None:
    """Without a card nothing is placed before the page is completed; later phases count from that instant."""
    await services.offer(feature(), seats(), *PLANS)
    await services.add_customer()

    receipt = await schedule(services, phase(None, "pro"), phase(MONTH, "premium"))

    assert (None, None, []) == (receipt.schedule, receipt.invoice, await placed(services))
    assert receipt.payment_url is not None
    services.clock.advance(timedelta(minutes=20))
    await services.pay(receipt.payment_url)
    assert {"pro": "active", "premium": "scheduled"} == await services.statuses()
    begins = FEBRUARY + timedelta(minutes=20)
    assert (begins, begins) == ((await services.held("premium")).starts_at, (await services.held("pro")).ends_at)
    assert [True] == [followed for _, followed in await placed(services)]
    await services.advance(day(2, 2))
    assert ["20.00", "50.00"] == await services.totals()


@pytest.mark.parametrize(
    ("begins", "terms"),
    [
        (MONTH, ["From February 1, 2026: Premium at $50.00 per month."]),
        (
            QUARTER,
            [
                "Renews on February 1, 2026 at $20.00 per month, charged automatically until you cancel.",
                "Usage beyond what is included is added.",
                "From April 1, 2026: Premium at $50.00 per month.",
            ],
        ),
    ],
)
async def test_what_the_page_says(services: Services, begins: Cadence, terms: list[str]) -> None:
    """What is bought now, and every later charge: a renewal only where one comes before the next phase."""
    await services.offer(feature(), seats(), *PLANS)
    await services.add_customer()

    receipt = await schedule(services, phase(None, "pro"), phase(begins, "premium"))

    assert receipt.payment_url is not None
    page = await services.bank.find_checkout_by_token(receipt.payment_url.rsplit("/", 1)[1])
    assert page is not None
    assert ("Subscribe to Pro", 2000) == (page.request.heading, page.request.total.minor)
    assert " ".join(terms) == page.request.terms


async def test_a_page_that_is_completed_late(shop: Services) -> None:
    """A first phase at this very instant begins when the page is completed, with a whole first period."""
    receipt = await schedule(shop, phase(NEW_YEAR, "pro"), phase(MARCH, "premium"), redirect_mode=RedirectMode.ALWAYS)
    assert receipt.payment_url is not None
    shop.clock.advance(timedelta(minutes=50))

    await shop.pay(receipt.payment_url)

    begun = NEW_YEAR + timedelta(minutes=50)
    assert (begun, begun) == ((await shop.held("pro")).starts_at, (await shop.held("pro")).anchor_at)
    assert {"pro": "active", "premium": "scheduled"} == await shop.statuses()
    assert [2000] == await shop.charged()


async def test_a_declined_card(shop: Services) -> None:
    """Nothing is placed while the invoice is unpaid; paying it on the page places all of it."""
    await shop.set_next_charge("decline")

    receipt = await schedule(shop, phase(None, "pro"), phase(MONTH, "premium"))

    assert receipt.outcome is not None
    assert (Outcome.DECLINED, None, []) == (receipt.outcome.outcome, receipt.schedule, await placed(shop))
    assert {"free": "active"} == await shop.statuses()
    assert receipt.payment_url is not None
    await shop.pay(receipt.payment_url)
    assert {"pro": "active", "premium": "scheduled"} == await shop.statuses()
    assert 1 == len(await placed(shop))


async def test_an_invoice_that_is_sent(shop: Services) -> None:
    """A schedule waits for the invoice of its first phase, unless access is asked for at once; then it is in place."""
    waiting = await schedule(shop, phase(None, "pro"), phase(MONTH, "premium"), invoice_mode=InvoiceMode())
    assert (None, {"free": "active"}) == (waiting.schedule, await shop.statuses())

    at_once = InvoiceMode(enable_immediately=True)
    receipt = await schedule(shop, phase(None, "pro"), phase(MONTH, "premium"), invoice_mode=at_once)

    assert receipt.schedule is not None
    assert {"pro": "active", "premium": "scheduled"} == await shop.statuses()
    await shop.advance(FEBRUARY)
    assert InvoiceStatus.OPEN is (await shop.invoices())[-1].status


async def test_nothing_to_pay(shop: Services) -> None:
    """A running plan that goes on into a later phase costs nothing now, and is switched by the clock."""
    await shop.attach("pro")

    receipt = await schedule(shop, phase(None, "pro"), phase(MONTH, "premium"))

    assert (None, None) == (receipt.invoice, receipt.payment_url)
    assert receipt.schedule is not None
    await shop.advance(FEBRUARY)
    assert (["20.00", "50.00"], {"premium": "active"}) == (await shop.totals(), await shop.statuses())


async def test_a_phase_that_is_not_paid(shop: Services) -> None:
    """The card fails when the phase begins: the plan has begun and is past due, as any renewal."""
    await schedule(shop, phase(None, "pro"), phase(MONTH, "premium"))
    await shop.set_next_charge("decline")

    await shop.advance(FEBRUARY)

    assert {"premium": "past_due"} == await shop.statuses()


async def test_a_trial_and_its_end(shop: Services) -> None:
    """Fourteen free days, then a whole month, and the phase in the middle of it is prorated from there."""
    fortnight = Customization(free_trial=trial(14), sets_trial=True)
    await schedule(shop, phase(None, "pro"), phase(day(1, 31), "premium"), trial=fortnight)

    await shop.advance(day(2, 16))

    assert ["20.00", "14.52", "50.00"] == await shop.totals()


async def test_attaching_leaves_the_schedule_behind(shop: Services) -> None:
    """A plan attached by hand takes the place, and what waited for it is dropped."""
    await schedule(shop, phase(None, "pro"), phase(MONTH, "premium"))

    await shop.attach("growth")
    await shop.advance(FEBRUARY)

    assert {"growth": "active"} == await shop.statuses()
    assert ["20.00", "80.00", "100.00"] == await shop.totals()


async def test_cancelling_a_plan_of_a_schedule(shop: Services) -> None:
    """It ends with its cycle, and what was to follow in its place does not come."""
    await schedule(shop, phase(None, "pro"), phase(QUARTER, "premium"))

    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE, plan_id="pro")

    assert FEBRUARY == (await shop.held("pro")).ends_at
    await shop.advance(MAY)
    assert (["20.00"], {"free": "active"}) == (await shop.totals(), await shop.statuses())


async def test_changing_ones_mind(shop: Services) -> None:
    """A plan that is kept after all has lost what was to follow; one whose successor is cancelled runs on."""
    await schedule(shop, phase(None, "pro"), phase(QUARTER, "premium"))
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE, plan_id="pro")
    await shop.cancel(CancelAction.UNCANCEL, plan_id="pro")
    assert (None, {"pro": "active"}) == ((await shop.held("pro")).ends_at, await shop.statuses())

    await schedule(shop, phase(None, "pro"), phase(QUARTER, "premium"))
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE, plan_id="premium")

    assert (None, {"pro": "active"}) == ((await shop.held("pro")).ends_at, await shop.statuses())


async def test_unknown_plans(shop: Services) -> None:
    """One of a later phase is refused before anything happens."""
    with pytest.raises(NotFound):
        await schedule(shop, phase(None, "pro"), phase(MONTH, "ghost"))

    assert ([], []) == (await placed(shop), await shop.totals())


async def test_a_page_to_confirm_on(shop: Services) -> None:
    """A change of what runs already asks on a page of ours, and is placed once it is confirmed."""
    await shop.attach("pro")

    receipt = await schedule(shop, phase(None, "premium"), phase(MONTH, "growth"), redirect_mode=RedirectMode.ALWAYS)

    assert receipt.payment_url is not None
    assert {"pro": "active"} == await shop.statuses()
    page = await shop.billing.confirmations.find(receipt.payment_url.rsplit("/", 1)[1])
    assert page is not None
    confirmed = await shop.billing.confirm(page, shown=Money(3000, "usd"))
    assert confirmed.schedule is not None
    assert {"premium": "active", "growth": "scheduled"} == await shop.statuses()
