"""Several plans at once on a real database: one invoice, one charge, everything or nothing (billing.md §13.1)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sumac.billing.decide import Proposal
from sumac.billing.requests import (
    CancelAction,
    CancelRequest,
    MultiAttachRequest,
    MultiCancelRequest,
    PlanWish,
    RefundKind,
)
from sumac.billing.service import Receipt
from sumac.catalog.model import Customization
from sumac.core.ids import new_id
from sumac.core.money import round_sum
from sumac.invoices.model import InvoiceStatus
from tests.support.build import (
    MONTHLY,
    ONCE,
    YEARLY,
    feature,
    free_plan,
    item,
    plan,
    prepaid_price,
    price,
    trial,
    usage_price,
)
from tests.support.services import GOOD_CARD, Services

ACTOR, DECLINING = "key_1", "4000 0000 0000 0341"
NOW, LATER = CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
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
        feature("words"),
        plan("yearly", item("messages", 900), price=price("199.99", YEARLY)),
        plan("trial", item("messages", 900), price=price("33.33"), free_trial=trial(7)),
        plan("eu", group="eu", price=price("9.99")),
        plan("words", item("words", 100, price=prepaid_price("3.33")), add_on=True),
        plan("once", item("messages", 50, reset=None), price=price(10, ONCE), add_on=True),
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


async def test_the_payment_of_both_goes_back_once(shop: Services) -> None:
    """$40 paid for two plans: cancelled together with a full refund the card has all of it, by one credit note."""
    await shop.add_card()
    await perform(shop, wanted("pro", "extra"))
    await shop.advance(HALF)
    changes = tuple(CancelRequest("ada", NOW, each, refund=RefundKind.FULL) for each in ("pro", "extra"))
    receipt = await perform(shop, MultiCancelRequest("ada", changes))
    await shop.billing.resume_attempts()

    assert None is receipt.invoice
    assert ([], {"free": "active"}) == (await shop.charged(), await shop.statuses())
    (paid,) = await shop.invoices()
    assert (4000, 1) == (paid.refunded.minor, len(paid.notes))


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # the database is not the same when an example is tried again
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
async def test_what_is_previewed_is_invoiced(shop: Services, data: st.DataObject) -> None:
    """Law: the total of a preview is the total of the invoice, whatever is attached together, in whatever period."""
    customer_id = new_id("cus", now=shop.clock.now())
    await shop.add_customer(customer_id, card=GOOD_CARD)
    before = data.draw(st.sampled_from([None, "pro", "extra"]))
    if before is not None:
        await shop.attach(before, customer_id)
    await shop.advance(JANUARY + timedelta(hours=data.draw(st.integers(0, 24 * 70))), customer_id)
    main = data.draw(st.sampled_from(["premium", "yearly", "trial"]))
    add_ons = data.draw(st.lists(st.sampled_from(["extra", "words", "once"]), max_size=4))
    plan_ids = data.draw(st.permutations([main, *add_ons, *data.draw(st.sampled_from([[], ["eu"]]))]))
    words = {"words": Decimal(data.draw(st.integers(0, 900)))}
    request = MultiAttachRequest(
        customer_id,
        tuple(PlanWish(each, quantities=words if each == "words" else {}) for each in plan_ids),
        trial=data.draw(st.sampled_from([None, Customization(sets_trial=True)])),
        new_subscription=data.draw(st.booleans()),
        prorate=data.draw(st.booleans()),
    )
    previewed = await shop.billing.preview(shop.tenant, request)
    receipt = await perform(shop, request)

    assert total(previewed) == (receipt.invoice.total.minor if receipt.invoice else 0)
    assert {"active"} == set((await shop.statuses(customer_id)).values())
