"""Fourteen months through the clock in one step: invoices on their boundary, balances full (billing.md §2.1)."""

from datetime import UTC, datetime, timedelta

import pytest

from sumac.core.time import boundary
from tests.support.build import MONTHLY, feature, item, plan, price
from tests.support.services import GOOD_CARD, Services

MONTHS = 14
LATE_DAYS = [datetime(2027, 1, day, 10, 30, tzinfo=UTC) for day in (28, 29, 30, 31)]


@pytest.mark.parametrize("anchor", LATE_DAYS, ids=lambda anchor: f"{anchor:%d}")
async def test_renewals(services: Services, anchor: datetime) -> None:
    """From January 2027 to March 2028, over the leap year's February, and to the minute."""
    await services.offer(feature(), plan("pro", item("messages", 100), price=price(20)))
    await services.add_customer(card=GOOD_CARD)
    await services.advance(anchor)
    await services.attach("pro")
    await services.track(40)
    last = boundary(anchor, MONTHLY, MONTHS)
    await services.advance(last - timedelta(milliseconds=1))

    billed = [invoice.created_at for invoice in await services.invoices()]
    assert [boundary(anchor, MONTHLY, number) for number in range(MONTHS)] == billed
    assert {"20.00"} == set(await services.totals())

    await services.track(30)
    await services.advance(last)
    assert MONTHS + 1 == len(await services.invoices())
    assert 100 == await services.remaining()
    held = await services.held("pro")
    assert (last, boundary(anchor, MONTHLY, MONTHS + 1)) == (held.period_start, held.period_end)
