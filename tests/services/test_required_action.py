"""A charge that is not completed, at every moment at which there is one (billing.md §10.5, §10.6, §20.0 R1 to R6).

Each case is how a charge goes and what the customer does then; each moment is something that is paid for. Nothing is
granted that was not paid, nothing is charged twice, and what nobody pays in ten minutes is void.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.billing.provider import Outcome
from sumac.billing.requests import UpdateRequest
from sumac.billing.service import Receipt
from sumac.core.errors import Gone
from sumac.invoices.model import InvoiceStatus
from tests.support.build import ONCE, feature, free_plan, held_item, item, plan, prepaid_price, price, seats
from tests.support.services import ACTOR, GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
ASKING_CARD = "4000 0000 0000 3220"
A_MINUTE, TEN_MINUTES = timedelta(minutes=1), timedelta(minutes=10)

Step = Callable[[Services, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Case:
    """How the charge goes: the bank's switch or a missing card, what we are told, what happens then, how it ends."""

    name: str
    outcome: str | None
    told: Outcome
    then: Step
    paid: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that is paid for: what is held before, what is asked, and the cents that it costs.

    Where there is no subscription yet, a customer without a card is led to a page instead of being charged (§10.5).
    """

    name: str
    before: tuple[str, ...]
    ask: Callable[[Services], Awaitable[Receipt]]
    cents: int
    starts_on_a_page: bool = False


async def nothing(shop: Services, url: str) -> None:
    """The customer does not react."""
    del shop, url


async def pay(shop: Services, url: str) -> None:
    """The customer pays on the page with another card."""
    await shop.pay(url)


async def approve(shop: Services, url: str) -> None:
    """The customer goes to the page and approves what the bank asks."""
    await shop.pay(url, ASKING_CARD)


async def refuse(shop: Services, url: str) -> None:
    """The customer goes to the page and refuses what the bank asks."""
    page = await shop.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
    assert page is not None
    await shop.bank.complete_checkout(shop.tenant, page.id, ASKING_CARD, confirmed=False)
    assert not (await shop.billing.settle_checkout(shop.tenant, page.id)).customer_plan_active


async def wait(shop: Services, url: str) -> None:
    """The bank takes its minute, and the jobs ask again."""
    del url
    shop.clock.advance(A_MINUTE)
    await shop.billing.resume_attempts()


CASES = [
    Case("declined", "decline", Outcome.DECLINED, nothing, paid=False),
    Case("declined, paid with another card", "decline", Outcome.DECLINED, pay, paid=True),
    Case("insufficient funds", "insufficient_funds", Outcome.DECLINED, nothing, paid=False),
    Case("no card", None, Outcome.NO_PAYMENT_METHOD, nothing, paid=False),
    Case("no card, paid with a new one", None, Outcome.NO_PAYMENT_METHOD, pay, paid=True),
    Case("3DS not looked at", "require_action", Outcome.ACTION_REQUIRED, nothing, paid=False),
    Case("3DS refused", "require_action", Outcome.ACTION_REQUIRED, refuse, paid=False),
    Case("3DS accepted", "require_action", Outcome.ACTION_REQUIRED, approve, paid=True),
    Case("pending, then paid", "pending", Outcome.PROCESSING, wait, paid=True),
    Case("pending, then failed", "pending_then_decline", Outcome.PROCESSING, wait, paid=False),
]


def attach(plan_id: str) -> Callable[[Services], Awaitable[Receipt]]:
    return lambda shop: shop.attach(plan_id)


def update(plan_id: str, feature_id: str, units: int) -> Callable[[Services], Awaitable[Receipt]]:
    request = UpdateRequest("ada", plan_id, quantities={feature_id: Decimal(units)})
    return lambda shop: shop.billing.perform(shop.tenant, request, actor=ACTOR)


MOMENTS = [
    Moment("attach", (), attach("pro"), 2000, starts_on_a_page=True),
    Moment("purchase", (), attach("pack"), 1000, starts_on_a_page=True),
    Moment("upgrade", ("pro",), attach("premium"), 3000),
    Moment("quantity", ("team",), update("team", "seats", 9), 4000),
    Moment("top-up", ("pack",), update("pack", "words", 200), 2000, starts_on_a_page=True),
]
NO_CARD = CASES[3]
CHARGES = [
    pytest.param(case, moment, id=f"{moment.name}: {case.name}")
    for moment in MOMENTS
    for case in CASES
    if case.outcome is not None or not moment.starts_on_a_page
]


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Free with a good card, and plans to buy."""
    words = item("words", 0, reset=None, price=prepaid_price(10, billing_units=Decimal(100), cadence=ONCE))
    await services.offer(
        feature(),
        feature("words"),
        seats(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100)),
        plan("premium", item("messages", 500), price=price(50)),
        plan("team", held_item("seats", 5, price=prepaid_price(10)), price=price(49), group="team"),
        plan("pack", words, price=price(10, ONCE), add_on=True),
    )
    await services.add_customer(card=GOOD_CARD)
    return services


async def set_up(shop: Services, case: Case) -> None:
    """The bank behaves as the case says from now on: the card does, or there is none."""
    if case.outcome is not None:
        await shop.set_next_charge(case.outcome)
        return
    customer = await shop.customer()
    payer = await shop.billing.provider_customer(shop.tenant, "ada")
    for method in await shop.billing.cards.list_cards(shop.tenant, customer):
        await shop.bank.remove_payment_method(shop.tenant, payer, method.id, key=method.id)


async def held(shop: Services) -> tuple[object, ...]:
    """What the customer has: plans and units."""
    units = [await shop.remaining(feature_id) for feature_id in ("messages", "words", "seats")]
    return await shop.statuses(), units


async def jobs(shop: Services) -> None:
    """Every job that could make something of an unpaid invoice."""
    await shop.billing.settle_due_customers()
    await shop.billing.collect_due_invoices()
    await shop.billing.resume_attempts()
    await shop.billing.settle_checkouts()


@pytest.mark.parametrize(("case", "moment"), CHARGES)
async def test_a_charge_that_does_not_complete(shop: Services, case: Case, moment: Moment) -> None:
    """We are told what is missing and where to pay; nothing is given before that, and at most one charge is made."""
    for plan_id in moment.before:
        await shop.attach(plan_id)
    before, charged = await held(shop), await shop.charged()
    await set_up(shop, case)

    receipt = await moment.ask(shop)

    assert receipt.outcome is not None
    assert receipt.invoice is not None
    assert (case.told, InvoiceStatus.OPEN, moment.cents) == (
        receipt.outcome.outcome,
        receipt.invoice.status,
        receipt.invoice.total.minor,
    )
    assert receipt.payment_url
    assert (before, charged) == (await held(shop), await shop.charged())
    await jobs(shop)
    await case.then(shop, receipt.payment_url)
    after = await held(shop)
    shop.clock.advance(TEN_MINUTES)
    await jobs(shop)

    last = (await shop.invoices())[-1]
    assert (case.paid, after) == (before != after, await held(shop))
    assert (InvoiceStatus.PAID if case.paid else InvoiceStatus.VOID) == last.status
    assert sorted([*charged, *([moment.cents] if case.paid else [])]) == await shop.charged()


@pytest.mark.parametrize("case", [pytest.param(each, id=each.name) for each in CASES if each.outcome and not each.paid])
async def test_after_ten_minutes_it_has_to_be_asked_again(shop: Services, case: Case) -> None:
    """The page takes money no more, or gives it back; asking again gives the plan for one charge (R1, R2)."""
    await set_up(shop, case)
    url = (await attach("pro")(shop)).payment_url or ""
    await case.then(shop, url)
    shop.clock.advance(TEN_MINUTES)
    await jobs(shop)
    try:
        await shop.pay(url)
    except Gone:
        await shop.add_card()

    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.charged())
    await shop.attach("pro")

    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())


@pytest.mark.parametrize(
    ("case", "meanwhile"),
    [(case, "active" if case.told is Outcome.PROCESSING else "past_due") for case in CASES],
    ids=[case.name for case in CASES],
)
async def test_a_renewal_that_does_not_complete(shop: Services, case: Case, meanwhile: str) -> None:
    """The plan goes on, past due unless the money is under way; paid, it is active again, and charged once (R4)."""
    await shop.attach("pro")
    await set_up(shop, case)
    shop.clock.move_to(FEBRUARY)
    await jobs(shop)

    renewal = (await shop.invoices())[-1]
    assert ({"pro": meanwhile}, InvoiceStatus.OPEN, [2000]) == (
        await shop.statuses(),
        renewal.status,
        await shop.charged(),
    )
    assert (await shop.check()).access.allowed
    if case.told is Outcome.PROCESSING:
        shop.clock.advance(timedelta(hours=6))
    else:
        await case.then(shop, await shop.billing.open_payment(shop.tenant, renewal.id))
    await jobs(shop)

    renewal = (await shop.invoices())[-1]
    assert ("active" if case.paid else "past_due") == (await shop.statuses())["pro"]
    assert (InvoiceStatus.PAID if case.paid else InvoiceStatus.OPEN) == renewal.status
    assert ([2000, 2000] if case.paid else [2000]) == await shop.charged()
    shop.clock.advance(timedelta(days=1))
    await jobs(shop)
    assert (2 if case.paid or case.outcome else 1) == len(await shop.charged())


@pytest.mark.parametrize("moment", [pytest.param(each, id=each.name) for each in MOMENTS if each.starts_on_a_page])
async def test_without_a_card_it_leads_to_a_page(shop: Services, moment: Moment) -> None:
    """Nothing is recorded and nothing is given until the page is completed, once (R3)."""
    for plan_id in moment.before:
        await shop.attach(plan_id)
    before, charged, totals = await held(shop), await shop.charged(), await shop.totals()
    await set_up(shop, NO_CARD)

    receipt = await moment.ask(shop)
    await jobs(shop)

    assert (None, None) == (receipt.invoice, receipt.outcome)
    assert (before, totals) == (await held(shop), await shop.totals())
    await shop.pay(receipt.payment_url or "")
    await jobs(shop)
    assert before != await held(shop)
    assert sorted([*charged, moment.cents]) == await shop.charged()
