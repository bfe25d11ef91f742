"""Held units beyond the included ones: billed when they are taken, or afterwards (billing.md §5.8, §5.9)."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.balances.model import TrackAnswer
from sumac.billing.requests import CancelAction
from sumac.catalog.model import Plan, Proration
from sumac.core.errors import BadRequest, Conflict, PaymentRequired
from sumac.core.time import Cadence, Interval
from sumac.invoices.model import InvoiceStatus
from tests.support.build import feature, free_plan, held_item, item, plan, price, seats, trial, usage_price
from tests.support.services import GOOD_CARD, Services

NEW_YEAR, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))
HALF = datetime(2026, 1, 16, 12, tzinfo=UTC)
DECLINED = "4000 0000 0000 0341"
AT_ONCE = Proration("prorate_immediately", "prorate_immediately")
KEPT = Proration("prorate_immediately", "none")
WHOLE = Proration("bill_immediately", "prorate_immediately")
WITH_THE_NEXT = Proration("prorate_next_cycle", "prorate_next_cycle")
LATER = Proration("bill_next_cycle", "none")


def team(proration: Proration | None, included: int = 1, **changes: object) -> Plan:
    """Pro at $20 with a seat, and $50 for each one beyond."""
    return plan("pro", held_item("seats", included, price=usage_price(50), proration=proration), **changes)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Features, and a customer with a good card; each test offers its own plans."""
    await services.offer(feature(), seats())
    await services.add_customer(card=GOOD_CARD)
    return services


async def held_seats(shop: Services) -> tuple[int, int]:
    """Seats used, and seats that may be taken for nothing."""
    balance = await shop.balance("seats")
    assert balance is not None
    return int(balance.usage), int(balance.remaining)


async def test_a_seat_is_paid_for_when_it_is_taken(shop: Services) -> None:
    """$50 a seat at half of the month is $25, and $25 of credit once it is given up; the included one is free."""
    await shop.offer(team(AT_ONCE))
    await shop.attach("pro")
    await shop.track(1, "seats")
    assert ["20.00"] == await shop.totals()
    await shop.advance(HALF)

    answer = await shop.track(1, "seats")

    assert (Decimal(1), ["20.00", "25.00"]) == (answer.deductions[0].value, await shop.totals())
    assert [2000, 2500] == await shop.charged()
    assert (2, 0) == await held_seats(shop)
    assert answer.balance == await shop.balance("seats")
    await shop.track(-1, "seats")
    assert ["20.00", "25.00", "-25.00"] == await shop.totals()
    await shop.advance(FEBRUARY)
    assert ["20.00", "25.00", "-25.00", "20.00"] == await shop.totals()
    assert [2000, 2500] == await shop.charged()


async def test_seats_held_are_paid_in_advance(shop: Services) -> None:
    """A seat that is held on 1 February is on that day's invoice, for February, and not for January once more."""
    await shop.offer(team(AT_ONCE))
    await shop.attach("pro")
    await shop.track(2, "seats")

    await shop.advance(MARCH)

    assert ["20.00", "50.00", "70.00", "70.00"] == await shop.totals()
    line = (await shop.invoices())[2].lines[1]
    assert line.period is not None
    assert (FEBRUARY, MARCH) == (line.period.start, line.period.end)


async def test_credit_pays_for_a_seat(shop: Services) -> None:
    """What was credited for one seat pays for the next: nothing is charged, and the seat is there."""
    await shop.offer(team(AT_ONCE))
    await shop.attach("pro")
    await shop.track(2, "seats")
    await shop.track(-1, "seats")

    answer = await shop.track(1, "seats")

    assert ["20.00", "50.00", "-50.00", "50.00"] == await shop.totals()
    assert ([2000, 5000], (2, 0)) == (await shop.charged(), await held_seats(shop))
    assert [Decimal(1)] == [each.value for each in answer.deductions]


async def test_a_seat_for_the_whole_period(shop: Services) -> None:
    """bill_immediately: $50 for a seat at half of the month."""
    await shop.offer(team(WHOLE))
    await shop.attach("pro")
    await shop.track(1, "seats")
    await shop.advance(HALF)

    await shop.track(1, "seats")

    assert ["20.00", "50.00"] == await shop.totals()


async def test_seats_on_the_next_invoice(shop: Services) -> None:
    """From one to three on 15 January: nothing now, and 20 + 100 + 54.84 = $174.84 at the renewal."""
    await shop.offer(team(WITH_THE_NEXT))
    await shop.attach("pro")
    await shop.track(1, "seats")
    await shop.advance(datetime(2026, 1, 15, tzinfo=UTC))

    await shop.track(2, "seats")

    assert ["20.00"] == await shop.totals()
    await shop.advance(FEBRUARY)
    assert ["20.00", "174.84"] == await shop.totals()
    await shop.advance(MARCH)
    assert ["20.00", "174.84", "120.00"] == await shop.totals()


async def test_seats_given_up_on_the_next_invoice(shop: Services) -> None:
    """Two more on 15 January and one less a week later: 20 + 50 + 54.84 - 16.13 = $108.71 (billing.md §20.1 #18)."""
    await shop.offer(team(WITH_THE_NEXT))
    await shop.attach("pro")
    await shop.track(1, "seats")
    await shop.advance(datetime(2026, 1, 15, tzinfo=UTC))
    await shop.track(2, "seats")
    await shop.advance(datetime(2026, 1, 22, tzinfo=UTC))

    await shop.track(-1, "seats")

    await shop.advance(FEBRUARY)
    assert ["20.00", "108.71"] == await shop.totals()


async def test_seats_free_until_the_next_period(shop: Services) -> None:
    """bill_next_cycle: a seat costs nothing until the renewal, and is gone without credit."""
    await shop.offer(team(LATER))
    await shop.attach("pro")
    await shop.track(3, "seats")
    assert ["20.00"] == await shop.totals()

    await shop.advance(FEBRUARY)

    assert ["20.00", "120.00"] == await shop.totals()


async def test_seats_given_up_are_kept_until_the_renewal(shop: Services) -> None:
    """The story of §5.8: +3 is $100; two given up and one taken again cost nothing, two more are one seat: $50."""
    await shop.offer(team(KEPT))
    await shop.attach("pro")
    await shop.track(3, "seats")
    assert ["20.00", "100.00"] == await shop.totals()
    await shop.track(-2, "seats")
    assert (1, 2) == await held_seats(shop)
    await shop.track(1, "seats")
    assert (["20.00", "100.00"], (2, 1)) == (await shop.totals(), await held_seats(shop))

    await shop.track(2, "seats")

    assert ["20.00", "100.00", "50.00"] == await shop.totals()
    assert (4, 0) == await held_seats(shop)
    await shop.track(-4, "seats")
    assert (0, 4) == await held_seats(shop)
    await shop.advance(FEBRUARY)
    assert ["20.00", "100.00", "50.00", "20.00"] == await shop.totals()
    assert (0, 1) == await held_seats(shop)


async def test_below_the_included_seat(shop: Services) -> None:
    """From three to none with one included: two stay paid for, so three may be taken."""
    await shop.offer(team(KEPT))
    await shop.attach("pro")
    await shop.track(3, "seats")

    await shop.track(-3, "seats")

    assert (0, 3) == await held_seats(shop)


@pytest.mark.parametrize("take", ["track", "check"])
async def test_a_seat_nobody_pays_for(shop: Services, take: str) -> None:
    """A declined card: 402, the invoice is void, nothing is counted, and nothing is owed at the renewal."""
    await shop.offer(team(AT_ONCE))
    await shop.attach("pro")
    await shop.add_card(number=DECLINED)

    with pytest.raises(PaymentRequired) as refused:
        await (shop.track(2, "seats") if take == "track" else shop.check(2, "seats", send_event=True))

    assert "pay_invoice_failed" == refused.value.code
    assert (0, 1) == await held_seats(shop)
    assert [InvoiceStatus.PAID, InvoiceStatus.VOID] == [each.status for each in await shop.invoices()]
    await shop.add_card()
    await shop.advance(FEBRUARY)
    assert "20.00" == (await shop.totals())[-1]
    assert [2000, 2000] == await shop.charged()


async def test_the_key_of_what_was_not_paid_is_free_again(shop: Services) -> None:
    """The same idempotency key counts once a card pays, and not a second time."""
    await shop.offer(team(AT_ONCE))
    await shop.attach("pro")
    await shop.add_card(number=DECLINED)
    with pytest.raises(PaymentRequired):
        await shop.track(2, "seats", idempotency_key="once")
    await shop.add_card()

    await shop.track(2, "seats", idempotency_key="once")

    with pytest.raises(Conflict) as refused:
        await shop.track(2, "seats", idempotency_key="once")
    assert "duplicate_idempotency_key" == refused.value.code
    assert ([2000, 5000], (2, 0)) == (await shop.charged(), await held_seats(shop))


async def test_money_that_is_under_way(shop: Services) -> None:
    """While the payment is pending nothing is counted; once it has arrived, it is, once."""
    await shop.offer(team(AT_ONCE))
    await shop.attach("pro")
    await shop.set_next_charge("pending")
    with pytest.raises(PaymentRequired):
        await shop.track(2, "seats")
    assert (0, 1) == await held_seats(shop)

    shop.clock.advance(timedelta(seconds=90))
    await shop.billing.resume_attempts()

    assert ([2000, 5000], (2, 0)) == (await shop.charged(), await held_seats(shop))


async def test_a_check_takes_a_seat(shop: Services) -> None:
    """A check that counts pays for the seat, and says how many are held."""
    await shop.offer(team(AT_ONCE))
    await shop.attach("pro")

    answer = await shop.check(2, "seats", send_event=True)

    assert (True, ["20.00", "50.00"]) == (answer.access.allowed, await shop.totals())
    assert answer.access.balance is not None
    assert Decimal(2) == answer.access.balance.usage


async def test_more_seats_than_may_be_bought(shop: Services) -> None:
    """Seats come as a whole or not at all: three beyond a limit of two are refused, and nothing is charged."""
    limited = usage_price(50, max_purchase=Decimal(2))
    await shop.offer(plan("pro", held_item("seats", 1, price=limited, proration=AT_ONCE)))
    await shop.attach("pro")

    with pytest.raises(BadRequest) as refused:
        await shop.track(4, "seats")

    assert "insufficient_balance" == refused.value.code
    assert (["20.00"], (0, 1)) == (await shop.totals(), await held_seats(shop))


async def test_seats_while_trialing(shop: Services) -> None:
    """A trial's seats cost nothing; those held at its end are paid for with the first period."""
    await shop.offer(team(AT_ONCE, free_trial=trial(14)))
    await shop.attach("pro")
    await shop.track(3, "seats")
    await shop.track(-1, "seats")
    assert (2, 0) == await held_seats(shop)

    await shop.advance(FEBRUARY)

    assert "70.00" == (await shop.totals())[-1]
    assert [7000] == await shop.charged()


async def test_seats_at_once_are_charged_once_each(shop: Services) -> None:
    """Five at the same time, one included: each of the others is charged for once."""
    await shop.offer(team(AT_ONCE))
    await shop.attach("pro")

    answers = await asyncio.gather(*(shop.track(1, "seats") for _ in range(5)))

    assert all(isinstance(answer, TrackAnswer) for answer in answers)
    assert [2000, 5000, 5000, 5000, 5000] == await shop.charged()
    assert (5, 0) == await held_seats(shop)


async def test_an_upgrade_with_seats(shop: Services) -> None:
    """At half, with one paid seat, to a plan at $50 with seats at $30: -10 - 25 + 25 + 15 = $5."""
    premium = plan("premium", held_item("seats", 1, price=usage_price(30), proration=AT_ONCE), price=price(50))
    await shop.offer(team(AT_ONCE), premium)
    await shop.attach("pro")
    await shop.track(2, "seats")
    await shop.advance(HALF)
    preview = await shop.preview("premium")

    await shop.attach("premium")

    assert ["20.00", "50.00", "5.00"] == await shop.totals()
    assert preview.decision.invoice is not None
    assert 4 == len(preview.decision.invoice.lines)
    assert (2, 0) == await held_seats(shop)
    await shop.advance(FEBRUARY)
    assert "80.00" == (await shop.totals())[-1]


async def test_cancelling_gives_seats_back(shop: Services) -> None:
    """At half: half of the base price, and of the seat that was paid for in whole."""
    await shop.offer(team(AT_ONCE))
    await shop.attach("pro")
    await shop.track(2, "seats")
    await shop.advance(HALF)

    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro")

    assert ["20.00", "50.00", "-35.00"] == await shop.totals()


async def test_units_held_without_a_price_beside_used_ones(shop: Services) -> None:
    """Usage of something else is counted as ever: no seat is touched."""
    await shop.offer(plan("pro", held_item("seats", 1, price=usage_price(50), proration=AT_ONCE), item("messages", 10)))
    await shop.attach("pro")

    await shop.track(4)

    assert (Decimal(6), ["20.00"]) == (await shop.remaining(), await shop.totals())


async def test_seats_billed_afterwards(shop: Services) -> None:
    """Ten tracks of five at once are fifty seats and no invoice; the renewal bills all beyond the included (§5.9)."""
    await shop.offer(plan("pro", held_item("seats", 2, price=usage_price(10))), free_plan())
    await shop.attach("pro")

    await asyncio.gather(*(shop.track(5, "seats") for _ in range(10)))

    assert ((50, 0), ["20.00"]) == (await held_seats(shop), await shop.totals())
    balance = await shop.balance("seats")
    assert balance is not None
    assert balance.next_reset_at is None
    await shop.advance(FEBRUARY)
    assert ["20.00", "500.00"] == await shop.totals()


async def test_seats_billed_afterwards_beside_a_quarter(shop: Services) -> None:
    """Seats every month ($10, three beyond) and workflows every quarter ($5, five beyond): 50, 50, then 75 (§5.9)."""
    quarter = Cadence(Interval.QUARTER)
    await shop.offer(
        seats("workflows"),
        plan(
            "pro",
            held_item("seats", 2, price=usage_price(10)),
            held_item("workflows", 0, price=usage_price(5, cadence=quarter)),
        ),
    )
    await shop.attach("pro")
    await shop.track(5, "seats")
    await shop.track(5, "workflows")
    await shop.advance(datetime(2026, 4, 1, tzinfo=UTC))

    assert ["20.00", "50.00", "50.00", "75.00"] == await shop.totals()


async def test_a_downgrade_with_seats_billed_afterwards(shop: Services) -> None:
    """Four held move from five included to two: the switch costs $20, Pro's two beyond are billed at its end (§5.9)."""
    await shop.offer(
        plan("pro", held_item("seats", 2, price=usage_price(10))),
        plan("premium", held_item("seats", 5, price=usage_price(10)), price=price(50)),
    )
    await shop.attach("premium")
    await shop.track(4, "seats")
    await shop.attach("pro")
    await shop.advance(FEBRUARY)

    assert ["50.00", "20.00"] == await shop.totals()
    await shop.advance(MARCH)
    assert ["50.00", "20.00", "40.00"] == await shop.totals()
