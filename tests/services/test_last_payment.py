"""Giving back the last payment when a plan is cancelled (billing.md §12.5 `refund_last_payment`)."""

from datetime import UTC, datetime

import pytest

from sumac.billing.requests import CancelAction, CancelRequest, RefundKind
from sumac.billing.service import Receipt
from sumac.core.errors import BadRequest
from tests.support.bank import LosingBank
from tests.support.build import feature, item, plan, price, usage_price
from tests.support.services import GOOD_CARD, Services

ACTOR = "key_1"
HALF, FEBRUARY = datetime(2026, 1, 16, 12, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer who has paid $20 for Pro."""
    await services.offer(feature(), plan("pro", item("messages", 100, price=usage_price("0.10")), price=price(20)))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    return services


async def cancel(shop: Services, refund: RefundKind) -> Receipt:
    request = CancelRequest("ada", CancelAction.CANCEL_IMMEDIATELY, "pro", refund=refund)
    return await shop.billing.perform(shop.tenant, request, actor=ACTOR)


@pytest.mark.parametrize(("kind", "kept"), [(RefundKind.FULL, []), (RefundKind.PRORATED, [1000])])
async def test_the_card_gets_it_back(shop: Services, kind: RefundKind, kept: list[int]) -> None:
    """All of the payment, or the half for the time that is left, as a refund and not as credit."""
    await shop.advance(HALF)
    receipt = await cancel(shop, kind)
    await shop.billing.resume_attempts()

    assert None is receipt.invoice
    assert {} == await shop.statuses()
    assert kept == await shop.charged()
    (paid,) = await shop.invoices()
    assert 2000 - sum(kept) == paid.refunded.minor


async def test_what_was_given_back_already(shop: Services) -> None:
    """A second refund has nothing left to give: it is refused, and the plan goes on."""
    await cancel(shop, RefundKind.FULL)
    await shop.attach("pro")
    await shop.advance(HALF)
    await cancel(shop, RefundKind.FULL)
    await shop.billing.resume_attempts()

    assert [] == await shop.charged()


async def test_a_plan_that_was_never_paid(shop: Services) -> None:
    """Where no card has paid there is nothing to give back, and nothing is cancelled."""
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY)
    await shop.attach("pro", bill=False)
    with pytest.raises(BadRequest) as raised:
        await cancel(shop, RefundKind.FULL)

    assert "nothing_to_refund" == raised.value.code
    assert {"pro": "active"} == await shop.statuses()


async def test_usage_of_the_last_period_is_not_in_the_share(shop: Services) -> None:
    """A renewal of 20 + 5 for usage gives back half of the 20 in the middle of the next month."""
    await shop.track(150)
    await shop.advance(FEBRUARY)
    await shop.advance(datetime(2026, 2, 15, tzinfo=UTC))
    await cancel(shop, RefundKind.PRORATED)
    await shop.billing.resume_attempts()

    assert [1500, 2000] == await shop.charged()


@pytest.mark.parametrize("on_the_way_back", [False, True])
async def test_the_connection_breaks_at_the_refund(shop: Services, *, on_the_way_back: bool) -> None:
    """What is owed is written down with the cancellation; it goes back once, however often the bank is asked."""
    losing = shop.paid_through(LosingBank(shop.bank, on_the_way_back=on_the_way_back))
    await shop.advance(HALF)
    await cancel(losing, RefundKind.PRORATED)
    await losing.billing.resume_attempts()
    for _ in range(2):
        await shop.billing.resume_attempts()

    assert [1000] == await shop.charged()
