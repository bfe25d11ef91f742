"""What a page says where periods will be counted from a later day (billing.md §10.10)."""

from datetime import UTC, datetime

import pytest

from tests.support.build import feature, item, plan, price
from tests.support.services import Services

ON_THE_DAY = "Counted anew from January 11, 2026: what is not paid yet of that period is charged then, later ones renew"
RENEWED = "Renews on February 1, 2026"


@pytest.mark.parametrize(("day", "expected"), [(11, ON_THE_DAY), (None, RENEWED)])
async def test_the_day_and_the_whole_price(services: Services, day: int | None, expected: str) -> None:
    """The price is that of a whole period, though the first charge after this one is of a part."""
    await services.offer(feature(), plan("premium", item("messages", 500), price=price(50)))
    await services.add_customer()
    anchor = None if day is None else datetime(2026, 1, day, tzinfo=UTC)
    receipt = await services.attach("premium", anchor=anchor)
    assert receipt.payment_url is not None
    page = await services.bank.find_checkout_by_token(receipt.payment_url.rsplit("/", 1)[1])

    assert page is not None
    assert f"{expected} at $50.00 per month, charged automatically until you cancel." == page.request.terms
