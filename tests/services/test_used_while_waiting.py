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

from sumac.billing.requests import CarryOver, InvoiceMode, RedirectMode, UpdateRequest
from sumac.billing.service import Receipt
from sumac.catalog.model import Customization, Proration
from sumac.invoices.model import InvoiceStatus
from tests.support.build import (
    ONCE,
    feature,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    price,
    seats,
    usage_price,
)
from tests.support.services import ACTOR, GOOD_CARD, Services

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
        plan("premium", item("messages", 500), held_item("seats", 20), price=price(50)),
        free_plan("free", item("messages", 10), held_item("seats", 3)),
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


async def update(shop: Services, wait: Wait, plan_id: str, **asked: Any) -> Receipt:
    """A change of a plan that is held, which waits."""
    if wait.outcome is not None:
        await shop.set_next_charge(wait.outcome)
    request = UpdateRequest("ada", plan_id, **wait.asked, **asked)
    receipt = await shop.billing.perform(shop.tenant, request, actor=ACTOR)

    assert receipt.invoice is not None
    assert InvoiceStatus.OPEN is receipt.invoice.status
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


@EVERY_WAIT
async def test_a_fresh_allowance_and_the_last_usage(shop: Services, wait: Wait) -> None:
    """150 of 100 are quoted; the 30 after that are billed as the old plan has them, once, and Premium is fresh."""
    await begin(shop)
    await shop.track(150)
    receipt = await ask(shop, wait)
    assert receipt.invoice is not None
    assert 500 - 1000 + 2500 == receipt.invoice.total.minor
    await shop.track(30)
    await wait.pay(shop, receipt)
    await shop.add_card()
    await shop.billing.collect_due_invoices()
    await shop.billing.collect_due_invoices()

    assert ({"premium": "active"}, 500) == (await shop.statuses(), await shop.remaining())
    final = (await shop.invoices())[-1]
    (line,) = final.lines
    assert ("Messages: 30 more used beyond 100", Decimal(30)) == (line.description, line.quantity)
    assert [300, 2000, 2000] == await shop.charged()


@EVERY_WAIT
async def test_seats_that_the_new_plan_bills(shop: Services, wait: Wait) -> None:
    """One seat is quoted, two more are taken: they are charged for the rest of the month, and all three renewed."""
    each = held_item("seats", 1, price=usage_price(50), proration=Proration("prorate_immediately", "none"))
    await shop.offer(plan("crew", each, price=price(30)))
    await begin(shop)
    await shop.track(2, "seats")
    receipt = await ask(shop, wait, "crew")
    assert receipt.invoice is not None
    assert -1000 + 1500 + 2500 == receipt.invoice.total.minor
    await shop.track(2, "seats")
    await wait.pay(shop, receipt)
    await shop.add_card()
    await shop.billing.collect_due_invoices()
    await shop.billing.collect_due_invoices()

    assert {"crew": "active"} == await shop.statuses()
    assert [2000, 3000, 5000] == await shop.charged()
    (line,) = (await shop.invoices())[-1].lines
    assert ("2 seats", 5000) == (line.description, line.total.minor)
    shop.clock.move_to(datetime(2026, 2, 1, tzinfo=UTC))
    await shop.billing.settle_due_customers()
    assert "180.00" == (await shop.totals())[-1]


async def test_seats_first_taken_of_a_plan_that_is_removed(shop: Services) -> None:
    """None was taken when it was asked for; the two taken before it is paid go along."""
    await shop.offer(plan("club", held_item("seats", 5), price=price(50), group="club"))
    await begin(shop)
    receipt = await ask(shop, WHILE_ASKED, "club", remove_plan_ids=("pro",))
    await shop.track(2, "seats")
    await WHILE_ASKED.pay(shop, receipt)

    assert ({"club": "active"}, 3) == (await shop.statuses(), await shop.remaining("seats"))


async def test_nothing_more_was_used(shop: Services) -> None:
    """Usage within the old allowance is paid for with it: there is no second invoice."""
    await begin(shop)
    await shop.track(20)
    receipt = await ask(shop, WHILE_ASKED)
    await shop.track(80)
    await WHILE_ASKED.pay(shop, receipt)

    assert (2, 500) == (len(await shop.invoices()), await shop.remaining())


async def test_usage_that_is_taken_back(shop: Services) -> None:
    """What was quoted was charged: 30 of its 50 units given back are $3.00 of credit."""
    await begin(shop)
    await shop.track(150)
    receipt = await ask(shop, WHILE_ASKED)
    await shop.track(-30)
    await WHILE_ASKED.pay(shop, receipt)

    (line,) = (await shop.invoices())[-1].lines
    assert ("Messages: 30 less used beyond 100", -300) == (line.description, line.total.minor)


@EVERY_WAIT
async def test_balances_that_go_along(shop: Services, wait: Wait) -> None:
    """70 were left at the quote and 50 when it was paid: 500 and 50. Bought words are left the same way."""
    await begin(shop, quantities={"words": Decimal(200)})
    await shop.track(30)
    await shop.track(10, "words")
    receipt = await ask(shop, wait, carry_balances=ALL)
    await shop.track(20)
    await shop.track(40, "words")
    await wait.pay(shop, receipt)

    assert (550, 150) == (await shop.remaining(), await shop.remaining("words"))


async def test_what_is_used_too_much_of_a_balance_goes_along(shop: Services) -> None:
    """With balances carried, 10 used beyond the grant after the quote are on the new one, and on no invoice."""
    await begin(shop)
    receipt = await ask(shop, WHILE_ASKED, carry_balances=ALL)
    await shop.track(110)
    await WHILE_ASKED.pay(shop, receipt)

    assert (490, 2) == (await shop.remaining(), len(await shop.invoices()))


async def test_the_last_bought_units_come_back(shop: Services) -> None:
    """Nothing was left when it was quoted; 5 that are given back before it is paid are kept."""
    await begin(shop, quantities={"words": Decimal(100)})
    await shop.track(100, "words")
    receipt = await ask(shop, WHILE_ASKED)
    await shop.track(-5, "words")
    await WHILE_ASKED.pay(shop, receipt)

    assert 5 == await shop.remaining("words")


@EVERY_WAIT
async def test_more_bought_units(shop: Services, wait: Wait) -> None:
    """Another quantity changes what is given, not what was used of it meanwhile."""
    await begin(shop, "team", quantities={"messages": Decimal(10)})
    await shop.track(4)
    receipt = await update(shop, wait, "team", quantities={"messages": Decimal(30)})
    await shop.track(5)
    await wait.pay(shop, receipt)

    assert 21 == await shop.remaining()


@EVERY_WAIT
async def test_other_terms(shop: Services, wait: Wait) -> None:
    """A plan that goes on on other terms goes on with all that was used, and with what was bought once."""
    await begin(shop, quantities={"words": Decimal(100)})
    await shop.track(150)
    receipt = await update(
        shop, wait, "pro", customize=Customization(price=price(60), sets_price=True), quantities={"words": Decimal(0)}
    )
    await shop.track(10)
    await shop.track(40, "words")
    await wait.pay(shop, receipt)

    balance = await shop.balance()
    assert balance is not None
    assert (160, 60) == (balance.usage, await shop.remaining("words"))


async def test_what_is_billed_along(shop: Services) -> None:
    """An add-on that begins anew with the upgrade keeps what was used of it meanwhile."""
    await begin(shop)
    await shop.attach("extra")
    await shop.track(10, "tokens")
    receipt = await ask(shop, WHILE_ASKED, anchor="now")
    await shop.track(15, "tokens")
    await WHILE_ASKED.pay(shop, receipt)

    assert 25 == await shop.remaining("tokens")


async def test_a_hosted_page_decides_when_it_is_completed(shop: Services) -> None:
    """What is asked on a page is decided once more as the page is completed, with all that was used by then."""
    await shop.attach("free")
    await shop.track(2)
    await shop.track(1, "seats")
    receipt = await shop.attach("premium", redirect_mode=RedirectMode.ALWAYS, carry_usages=ALL)
    await shop.track(3)
    await shop.track(1, "seats")
    await shop.pay(receipt.payment_url or "")

    assert {"premium": "active"} == await shop.statuses()
    assert (495, 18) == (await shop.remaining(), await shop.remaining("seats"))


FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


async def test_a_plan_that_falls_behind_meanwhile(shop: Services) -> None:
    """The renewal is declined while the customer is asked about more seats: paid for, they are there, past due."""
    await begin(shop, "team", quantities={"messages": Decimal(10)})
    shop.clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()
    await update(shop, WHILE_ASKED, "team", quantities={"messages": Decimal(20)})
    await shop.set_next_charge("decline")
    await shop.billing.collect_due_invoices()
    assert {"team": "past_due"} == await shop.statuses()

    await shop.pay(await shop.billing.open_payment(shop.tenant, (await shop.invoices())[-1].id), ASKING_CARD)

    assert ({"team": "past_due"}, 20) == (await shop.statuses(), await shop.remaining())


async def test_a_plan_that_is_paid_for_meanwhile(shop: Services) -> None:
    """Its renewal is paid while the customer is asked about more seats: it stays paid for."""
    await begin(shop, "team", quantities={"messages": Decimal(10)})
    shop.clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()
    await shop.set_next_charge("decline")
    await shop.billing.collect_due_invoices()
    receipt = await update(shop, WHILE_ASKED, "team", quantities={"messages": Decimal(20)})
    renewal = (await shop.invoices())[1]
    await shop.pay(await shop.billing.open_payment(shop.tenant, renewal.id))
    assert {"team": "active"} == await shop.statuses()

    await WHILE_ASKED.pay(shop, receipt)

    assert ({"team": "active"}, 20) == (await shop.statuses(), await shop.remaining())
