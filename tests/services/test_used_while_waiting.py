"""What is used while a change waits for its payer (billing.md §10.6, §10.9; decision 0017).

The change was decided, and quoted, before. Units that were used since are used: they are on the balances that come, as
carry-over says, or they are billed.
"""

# ruff: noqa: ANN401  # requests are fields of values being made, of any type

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.requests import CarryOver, InvoiceMode
from sumac.billing.service import Receipt
from sumac.invoices.model import InvoiceStatus
from tests.support.build import ONCE, feature, held_item, item, plan, prepaid_price, price, seats, usage_price
from tests.support.services import GOOD_CARD, Services

HALF = datetime(2026, 1, 16, 12, tzinfo=UTC)
ASKING_CARD = "4000 0000 0000 3220"
ALL = CarryOver(enabled=True)

Step = Callable[[Services, Receipt], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Wait:
    """A way in which a change waits for its payer: how the next charge goes, what is asked, and how it is paid."""

    name: str
    outcome: str | None
    asked: dict[str, Any]
    pay: Step


async def approve(shop: Services, receipt: Receipt) -> None:
    """The customer approves at the bank's page."""
    await shop.pay(receipt.payment_url or "", ASKING_CARD)


async def with_another_card(shop: Services, receipt: Receipt) -> None:
    """The customer pays on the page."""
    await shop.pay(receipt.payment_url or "")


async def resume(shop: Services, receipt: Receipt) -> None:
    """The bank takes its minute, and the jobs ask again."""
    del receipt
    shop.clock.advance(timedelta(minutes=1))
    await shop.billing.resume_attempts()


async def by_invoice(shop: Services, receipt: Receipt) -> None:
    """The invoice that was sent is paid on its page."""
    assert receipt.invoice is not None
    await shop.pay(await shop.billing.open_payment(shop.tenant, receipt.invoice.id))


WAITS = [
    Wait("3DS", "require_action", {}, approve),
    Wait("declined, paid with another card", "decline", {}, with_another_card),
    Wait("pending", "pending", {}, resume),
    Wait("sent invoice", None, {"invoice_mode": InvoiceMode()}, by_invoice),
]
EVERY_WAIT = pytest.mark.parametrize("wait", [pytest.param(each, id=each.name) for each in WAITS])
WHILE_ASKED = WAITS[0]

PREMIUM = plan("premium", item("messages", 500), held_item("seats", 20), price=price(50))


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer with a good card, half a month into Pro: 100 messages, $0.10 beyond, and 10 seats."""
    messages = item("messages", 100, price=usage_price("0.10"))
    words = item("words", 0, reset=None, price=prepaid_price(10, billing_units=Decimal(100), cadence=ONCE))
    await services.offer(
        feature(),
        feature("words"),
        feature("tokens"),
        seats(),
        plan("pro", messages, held_item("seats", 10), words),
        PREMIUM,
        plan("team", item("messages", 0, price=prepaid_price(1)), price=price(49), group="team"),
        plan("extra", item("tokens", 50), add_on=True),
    )
    await services.add_customer(card=GOOD_CARD)
    return services


async def begin(shop: Services, plan_id: str = "pro", **asked: Any) -> None:
    await shop.attach(plan_id, **asked)
    shop.clock.move_to(HALF)


async def ask(shop: Services, wait: Wait, plan_id: str = "premium", **asked: Any) -> Receipt:
    """A change that waits, with what it costs previewed before."""
    if wait.outcome is not None:
        await shop.set_next_charge(wait.outcome)
    request = {**wait.asked, **asked}
    proposal = await shop.preview(plan_id, **request)
    receipt = await shop.attach(plan_id, **request)
    quoted = proposal.decision.invoice
    assert quoted is not None
    assert receipt.invoice is not None

    assert [(line.description, line.exact_minor) for line in quoted.lines] == [
        (line.description, line.exact_minor) for line in receipt.invoice.lines
    ]
    assert (InvoiceStatus.OPEN, False) == (receipt.invoice.status, plan_id in await shop.statuses())
    return receipt


@EVERY_WAIT
async def test_usage_that_goes_along(shop: Services, wait: Wait) -> None:
    """30 before the quote and 20 after it: 450 of 500 are left."""
    await begin(shop)
    await shop.track(30)
    receipt = await ask(shop, wait, carry_usages=ALL)
    await shop.track(20)
    await wait.pay(shop, receipt)

    assert ({"premium": "active"}, 450) == (await shop.statuses(), await shop.remaining())


@EVERY_WAIT
async def test_units_that_are_held(shop: Services, wait: Wait) -> None:
    """Seats taken and given up meanwhile: 6 + 3 - 1 are held of 20."""
    await begin(shop)
    await shop.track(6, "seats")
    receipt = await ask(shop, wait)
    await shop.track(3, "seats")
    await shop.track(-1, "seats")
    await wait.pay(shop, receipt)

    assert 12 == await shop.remaining("seats")
