"""Periods that end: renewals, usage billed afterwards, trials (billing.md §2.4, §5.9, §9, §11, §20.2)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.billing.requests import (
    CancelAction,
)
from sumac.core.time import Cadence, Interval
from sumac.invoices.model import InvoiceKind, InvoiceStatus
from tests.support.build import (
    YEARLY,
    feature,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    price,
    seats,
    trial,
    usage_price,
)
from tests.support.services import GOOD_CARD, Services

NEW_YEAR, FEBRUARY, MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 6))
QUARTERLY = Cadence(Interval.QUARTER)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Features, and a customer with a good card; each test offers its own plans."""
    await services.offer(feature(), feature("words"), seats())
    await services.add_customer(card=GOOD_CARD)
    return services


async def test_the_quickstart(shop: Services) -> None:
    """Pro at $20 with 1,000 messages and $0.01 above: 1,200 used renew for $22.00, and 1,000 are left."""
    await shop.offer(plan("pro", item("messages", 1000, price=usage_price("0.01"))))
    await shop.attach("pro")
    await shop.track(1200)

    move = await shop.advance(FEBRUARY)

    assert (FEBRUARY, True) == (move.frozen_at, move.ready)
    assert ["20.00", "22.00"] == await shop.totals()
    renewal = (await shop.invoices())[1]
    assert (InvoiceStatus.PAID, InvoiceKind.RENEWAL, FEBRUARY) == (renewal.status, renewal.kind, renewal.created_at)
    assert [("Pro", 20), ("Messages", 2)] == [(line.display_name, line.amount.major) for line in renewal.lines]
    assert [2000, 2200] == await shop.charged()
    assert Decimal(1000) == await shop.remaining()
    assert (FEBRUARY, MARCH) == ((await shop.held("pro")).period_start, (await shop.held("pro")).period_end)
    kinds = {happening.kind for happening in move.happened}
    assert {"plan_renewed", "balances_reset", "invoice_issued", "invoice_paid"} == kinds
    assert {FEBRUARY} == {happening.at for happening in move.happened}


async def test_consumption_and_an_upgrade(shop: Services) -> None:
    """The whole of billing.md §20.2 T1."""
    await shop.offer(
        plan("pro", item("messages", 100, price=usage_price("0.10"))),
        plan("premium", item("messages", 500, price=usage_price("0.05")), price=price(50)),
    )
    await shop.attach("pro")
    await shop.advance(datetime(2026, 1, 20, tzinfo=UTC))
    await shop.track(150)
    await shop.advance(FEBRUARY)
    assert ["20.00", "25.00"] == await shop.totals()
    await shop.advance(datetime(2026, 2, 10, tzinfo=UTC))
    await shop.track(120)
    await shop.advance(datetime(2026, 2, 15, tzinfo=UTC))

    await shop.attach("premium")

    assert ["20.00", "25.00", "17.00"] == await shop.totals()
    balance = await shop.balance()
    assert balance is not None
    assert (Decimal(500), MARCH) == (balance.remaining, balance.next_reset_at)
    await shop.advance(datetime(2026, 2, 20, tzinfo=UTC))
    await shop.track(600)
    await shop.advance(MARCH)
    assert ["20.00", "25.00", "17.00", "55.00"] == await shop.totals()
    assert Decimal(500) == await shop.remaining()


@pytest.mark.parametrize(
    ("used", "total"), [("250.5", "35.10"), ("106.5", "20.70"), ("100", "20.00"), ("100.0001", "20.10")]
)
async def test_started_units_are_whole(shop: Services, used: str, total: str) -> None:
    """$0.10 a unit above 100: 150.5 units over are billed as 151 (billing.md §2.4)."""
    await shop.offer(plan("pro", item("messages", 100, price=usage_price("0.10"))))
    await shop.attach("pro")
    await shop.track(used)

    await shop.advance(FEBRUARY)

    assert ["20.00", total] == await shop.totals()


async def test_each_price_at_its_own_boundary(shop: Services) -> None:
    """Monthly seats $10 with 3 over, quarterly words $5 with 5 over: $50, $50, then $75 (billing.md §5.9)."""
    quarterly = usage_price(5, cadence=QUARTERLY)
    await shop.offer(
        plan("pro", held_item("seats", 1, price=usage_price(10)), item("words", 2, reset=QUARTERLY, price=quarterly))
    )
    await shop.attach("pro")
    await shop.track(4, "seats")
    await shop.track(7, "words")

    await shop.advance(APRIL)

    assert ["20.00", "50.00", "50.00", "75.00"] == await shop.totals()
    assert (Decimal(2), Decimal(0)) == (await shop.remaining("words"), await shop.remaining("seats"))


async def test_held_units_are_billed_while_they_are_held(shop: Services) -> None:
    """Two seats included, five held at $10: $50 every month; three given back cost nothing more (billing.md §5.9)."""
    await shop.offer(plan("pro", held_item("seats", 2, price=usage_price(10))))
    await shop.attach("pro")
    await shop.track(5, "seats")
    await shop.advance(MARCH)
    assert ["20.00", "50.00", "50.00"] == await shop.totals()

    await shop.track(-3, "seats")
    await shop.advance(APRIL)

    assert ["20.00", "50.00", "50.00", "20.00"] == await shop.totals()


async def test_held_units_after_a_downgrade(shop: Services) -> None:
    """Four held, from five included to two: $20 at the switch, the two over at the end of the first cycle (§5.9)."""
    await shop.offer(
        plan("premium", held_item("seats", 5, price=usage_price(10)), price=price(50)),
        plan("pro", held_item("seats", 2, price=usage_price(10))),
    )
    await shop.attach("premium")
    await shop.track(4, "seats")
    await shop.attach("pro")

    await shop.advance(FEBRUARY)
    assert ["50.00", "20.00"] == await shop.totals()
    await shop.advance(MARCH)

    assert ["50.00", "20.00", "40.00"] == await shop.totals()


async def test_a_switch_at_the_boundary_is_one_invoice(shop: Services) -> None:
    """The old plan's usage and the new plan's price: 20 + 10 = $30 (billing.md §9.4)."""
    await shop.offer(
        plan("premium", item("messages", 100, price=usage_price("0.10")), price=price(50)),
        plan("pro", item("messages", 50)),
    )
    await shop.attach("premium")
    await shop.track(200)
    await shop.attach("pro")

    await shop.advance(FEBRUARY)

    assert ["50.00", "30.00"] == await shop.totals()
    assert Decimal(50) == await shop.remaining()


async def test_units_paid_in_advance_renew(shop: Services) -> None:
    """$49 with five seats included and ten chosen at $10: $99 now and every month (billing.md §20.2 T2)."""
    await shop.offer(plan("team", held_item("seats", 5, price=prepaid_price(10)), price=price(49)))
    await shop.attach("team", quantities={"seats": Decimal(10)})

    await shop.advance(MARCH)

    assert ["99.00", "99.00", "99.00"] == await shop.totals()
    assert Decimal(10) == await shop.remaining("seats")


async def test_a_year_renews_after_a_year(shop: Services) -> None:
    """$200 a year, not before."""
    await shop.offer(plan("annual", price=price(200, YEARLY)))
    await shop.attach("annual")

    await shop.advance(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert ["200.00"] == await shop.totals()
    await shop.advance(datetime(2027, 1, 1, tzinfo=UTC))
    assert ["200.00", "200.00"] == await shop.totals()


@pytest.mark.parametrize("start", [datetime(2026, 1, 31, 10, tzinfo=UTC)])
async def test_renewals_do_not_drift(shop: Services) -> None:
    """Attached on 31 January, renewed on 28 February, 31 March, 30 April, 31 May (billing.md §2.1)."""
    await shop.offer(plan())
    await shop.attach("pro")

    await shop.advance(datetime(2026, 6, 1, tzinfo=UTC))

    assert [(1, 31), (2, 28), (3, 31), (4, 30), (5, 31)] == [
        (invoice.created_at.month, invoice.created_at.day) for invoice in await shop.invoices()
    ]


async def test_the_wall_clock_renews_too(shop: Services) -> None:
    """Customers without a clock of their own are renewed and charged by the jobs, once."""
    await shop.offer(plan())
    await shop.attach("pro")
    shop.clock.move_to(FEBRUARY + timedelta(hours=3))

    for _ in range(3):
        await shop.billing.settle_due_customers()
        await shop.billing.collect_due_invoices()

    assert ["20.00", "20.00"] == await shop.totals()
    assert [2000, 2000] == await shop.charged()
    assert FEBRUARY == (await shop.invoices())[1].created_at


async def test_three_periods_late(shop: Services) -> None:
    """After a long silence each period is billed in order, at its own instant."""
    await shop.offer(plan("pro", item("messages", 10, price=usage_price(1))))
    await shop.attach("pro")
    await shop.track(12)
    shop.clock.move_to(APRIL + timedelta(days=3))

    await shop.billing.settle_due_customers()

    assert ["20.00", "22.00", "20.00", "20.00"] == await shop.totals()
    assert [NEW_YEAR, FEBRUARY, MARCH, APRIL] == [invoice.created_at for invoice in await shop.invoices()]


async def test_a_trial(shop: Services) -> None:
    """Fourteen days without a charge; its usage is free; then $20, a full balance, and months from then on (§11)."""
    await shop.offer(plan("pro", item("messages", 100, price=usage_price("0.10")), free_trial=trial(14)))
    ends_at = NEW_YEAR + timedelta(days=14)
    receipt = await shop.attach("pro")
    assert (None, None) == (receipt.invoice, receipt.payment_url)
    balance = await shop.balance()
    assert balance is not None
    assert (Decimal(100), ends_at) == (balance.remaining, balance.next_reset_at)
    await shop.track(250)

    await shop.advance(ends_at - timedelta(milliseconds=1))
    assert ([], []) == (await shop.totals(), await shop.charged())
    await shop.advance(ends_at)

    assert ["20.00"] == await shop.totals()
    assert Decimal(100) == await shop.remaining()
    assert datetime(2026, 2, 15, tzinfo=UTC) == (await shop.held("pro")).period_end
    await shop.advance(datetime(2026, 2, 15, tzinfo=UTC))
    assert ["20.00", "20.00"] == await shop.totals()


async def test_one_trial_per_plan(shop: Services) -> None:
    """Cancelled and attached again, the plan is charged at once, also its next version (billing.md §11)."""
    await shop.offer(plan("pro", free_trial=trial(14)))
    await shop.attach("pro")
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY)
    await shop.change_plan("pro", price=price(30))

    await shop.attach("pro")

    assert ["30.00"] == await shop.totals()
    assert None is (await shop.held("pro")).trial_ends_at


async def test_cancelling_in_a_trial(shop: Services) -> None:
    """At the end it ends with the trial, without an invoice; at once nothing is given back."""
    await shop.offer(plan("pro", item("messages", 10, price=usage_price(1)), free_trial=trial(14)))
    await shop.attach("pro")
    await shop.track(50)
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE)
    assert NEW_YEAR + timedelta(days=14) == (await shop.held("pro")).ends_at

    await shop.advance(FEBRUARY)

    assert ({}, []) == (await shop.statuses(), await shop.totals())


async def test_from_a_trial_to_another_plan(shop: Services) -> None:
    """To a plan without a trial: charged in full from now; to one with a trial of its own: that begins (§11)."""
    await shop.offer(
        plan("pro", free_trial=trial(14)),
        plan("premium", price=price(50), free_trial=trial(7)),
        plan("growth", price=price(100)),
    )
    await shop.attach("pro")
    await shop.advance(datetime(2026, 1, 5, tzinfo=UTC))
    await shop.attach("premium")
    assert ([], datetime(2026, 1, 12, tzinfo=UTC)) == (await shop.totals(), (await shop.held("premium")).trial_ends_at)

    await shop.advance(datetime(2026, 1, 6, tzinfo=UTC))
    await shop.attach("growth")

    assert ["100.00"] == await shop.totals()
    assert datetime(2026, 2, 6, tzinfo=UTC) == (await shop.held("growth")).period_end


async def test_a_downgrade_in_a_trial_waits_for_its_end(shop: Services) -> None:
    """Premium's trial with Free waiting: Free at the trial's end, nothing charged (billing.md §11)."""
    await shop.offer(free_plan("free"), plan("premium", price=price(50), free_trial=trial(14)))
    await shop.attach("premium")

    await shop.attach("free")
    assert NEW_YEAR + timedelta(days=14) == (await shop.held("free")).starts_at
    await shop.advance(MARCH)

    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.totals())


async def test_a_purchase_of_a_customer_on_trial(shop: Services) -> None:
    """A paid plan that was not on trial, left for one with a trial: the rest of the period comes back (§11)."""
    await shop.offer(plan("pro"), plan("premium", price=price(50), free_trial=trial(14)))
    await shop.attach("pro")

    await shop.attach("premium")

    assert ["20.00", "-20.00"] == await shop.totals()
    await shop.advance(NEW_YEAR + timedelta(days=14))
    last = (await shop.invoices())[-1]
    assert (5000, 2000, 3000) == (last.total.minor, last.credit_applied.minor, last.paid.minor)


@pytest.mark.parametrize("steps", [7, 100])
async def test_the_steps_of_the_clock_do_not_matter(shop: Services, steps: int) -> None:
    """However the clock is moved over five months, the same happens at the same instants and the books are the same."""
    await shop.offer(
        plan(
            "pro",
            item("messages", 100, reset=Cadence(Interval.WEEK)),
            item("words", 5, price=usage_price("0.37")),
            held_item("seats", 1, price=usage_price(3)),
            price=price("19.99"),
            free_trial=trial(10),
        ),
        plan("extra", item("messages", 7), add_on=True, price=price(3, Cadence(Interval.WEEK))),
    )
    expected = await _five_months(shop, "one", 1)

    assert expected == await _five_months(shop, "many", steps)
    assert 20 < len(expected)


async def _five_months(shop: Services, customer_id: str, steps: int) -> list[object]:
    """Every happening, invoice and balance of a customer with usage of everything, its clock moved in equal steps.

    What happens at one instant is put in order: plans started at the same instant have no order of their own.
    """
    await shop.add_customer(customer_id, card=GOOD_CARD, clock_at=NEW_YEAR)
    await shop.attach("pro", customer_id)
    await shop.attach("extra", customer_id)
    for feature_id, used in (("messages", 33), ("words", "12.5"), ("seats", 4)):
        await shop.track(used, feature_id, customer_id)
    happened: list[tuple[object, ...]] = []
    for step in range(1, steps + 1):
        move = await shop.advance(NEW_YEAR + (MAY - NEW_YEAR) * step / steps, customer_id)
        happened += [(each.at, each.kind, each.plan_id, sorted(each.feature_ids), each.total) for each in move.happened]
    books = [
        (
            invoice.created_at,
            invoice.total,
            invoice.status,
            sorted((line.description, line.amount.minor) for line in invoice.lines),
        )
        for invoice in await shop.invoices(customer_id)
    ]
    left = [await shop.balance(feature_id, customer_id) for feature_id in ("messages", "words", "seats")]
    standing = [(each.remaining, each.usage, each.next_reset_at) for each in left if each]
    return [*sorted(happened, key=str), *books, *standing]
