"""Several plans at once on a real database: one invoice, one charge, everything or nothing (billing.md §13.1)."""

from datetime import UTC, datetime

import pytest

from sumac.billing.decide import Proposal
from sumac.billing.requests import CancelAction, CancelRequest, MultiAttachRequest, MultiCancelRequest, PlanWish
from sumac.billing.service import Receipt
from sumac.core.money import round_sum
from sumac.invoices.model import InvoiceStatus
from tests.support.build import MONTHLY, feature, free_plan, item, plan, price, usage_price
from tests.support.services import GOOD_CARD, Services

ACTOR, DECLINING = "key_1", "4000 0000 0000 0341"
NOW, LATER = CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE
HALF, FEBRUARY = datetime(2026, 1, 16, 12, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Free, and plans to buy."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10")), price=price(20)),
        plan("premium", item("messages", 500), price=price(50)),
        plan("extra", item("messages", 50), price=price(20, MONTHLY), add_on=True),
    )
    await services.add_customer()
    return services


def wanted(*plan_ids: str) -> MultiAttachRequest:
    return MultiAttachRequest("ada", tuple(PlanWish(plan_id) for plan_id in plan_ids))


def unwanted(*plan_ids: str, action: CancelAction = NOW) -> MultiCancelRequest:
    return MultiCancelRequest("ada", tuple(CancelRequest("ada", action, plan_id) for plan_id in plan_ids))


async def perform(shop: Services, request: MultiAttachRequest | MultiCancelRequest) -> Receipt:
    return await shop.billing.perform(shop.tenant, request, actor=ACTOR)


def total(proposal: Proposal) -> int:
    """What the invoice would come to, in cents."""
    draft = proposal.decision.invoice
    return round_sum([line.exact_minor for line in draft.lines]) if draft else 0


async def test_one_invoice_for_all(shop: Services) -> None:
    """The preview's $40 are charged once, both plans are active, and they renew together."""
    await shop.add_card()
    previewed = await shop.billing.preview(shop.tenant, wanted("pro", "extra"))
    receipt = await perform(shop, wanted("pro", "extra"))

    assert receipt.invoice is not None
    assert (4000, InvoiceStatus.PAID) == (receipt.invoice.total.minor, receipt.invoice.status)
    assert 4000 == total(previewed)
    assert {"pro": "active", "extra": "active"} == await shop.statuses()
    assert 150 == await shop.remaining()
    assert [4000] == await shop.charged()

    await shop.advance(FEBRUARY)
    assert ["40.00", "40.00"] == await shop.totals()


async def test_a_page_for_all(shop: Services) -> None:
    """Without a card nothing is given before the one page is completed; then everything is."""
    receipt = await perform(shop, wanted("pro", "extra"))

    assert {"free": "active"} == await shop.statuses()
    assert receipt.payment_url is not None
    await shop.pay(receipt.payment_url)
    assert {"pro": "active", "extra": "active"} == await shop.statuses()
    assert [4000] == await shop.charged()


async def test_a_declined_card_gives_nothing(shop: Services) -> None:
    """All of it waits for the payment of the one invoice."""
    await shop.add_card(number=DECLINING)
    receipt = await perform(shop, wanted("pro", "extra"))

    assert receipt.invoice is not None
    assert InvoiceStatus.OPEN is receipt.invoice.status
    assert {"free": "active"} == await shop.statuses()
    assert receipt.payment_url is not None
    await shop.pay(receipt.payment_url, GOOD_CARD)
    assert {"pro": "active", "extra": "active"} == await shop.statuses()
    assert [4000] == await shop.charged()


async def test_cancelled_together(shop: Services) -> None:
    """In the middle of the cycle both give back half, on one invoice, and Free is back."""
    await shop.add_card()
    await perform(shop, wanted("premium", "extra"))
    await shop.advance(HALF)
    previewed = await shop.billing.preview(shop.tenant, unwanted("premium", "extra"))
    receipt = await perform(shop, unwanted("premium", "extra"))

    assert receipt.invoice is not None
    assert (-3500, -3500) == (receipt.invoice.total.minor, total(previewed))
    assert {"free": "active"} == await shop.statuses()


async def test_cancelled_at_the_end_together(shop: Services) -> None:
    """Both run on to the end of their cycle, and nothing is billed then."""
    await shop.add_card()
    await perform(shop, wanted("pro", "extra"))
    await perform(shop, unwanted("pro", "extra", action=LATER))

    await shop.advance(FEBRUARY)
    assert {"free": "active"} == await shop.statuses()
    assert ["40.00"] == await shop.totals()
