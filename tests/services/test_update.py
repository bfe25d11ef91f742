"""Changes of a running plan on a real database: paid before they happen, sent where asked (billing.md §10.6, §12)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.billing.provider import Outcome
from sumac.billing.requests import InvoiceMode, UpdateRequest
from sumac.billing.service import Receipt
from sumac.catalog.model import Customization, Proration
from sumac.core.errors import BadRequest
from sumac.core.money import round_sum
from sumac.invoices.model import InvoiceKind, InvoiceStatus
from tests.support.build import ONCE, feature, item, plan, prepaid_price, price, seats, usage_price
from tests.support.services import GOOD_CARD, Services

ACTOR, DECLINING, ASKING = "key_1", "4000 0000 0000 0341", "4000 0000 0000 3220"
HALF, FEBRUARY, MARCH = (
    datetime(2026, 1, 16, 12, tzinfo=UTC),
    datetime(2026, 2, 1, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
)
TEN, TWENTY = {"seats": Decimal(10)}, {"seats": Decimal(20)}


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer with ten seats at $8 each, five more messages to buy once, and a card."""
    later = Proration("prorate_next_cycle", "none")
    await services.offer(
        feature(),
        feature("words"),
        seats(),
        plan(
            "team",
            item("seats", 0, reset=None, price=prepaid_price(8)),
            item("messages", 0, reset=None, price=prepaid_price(10, cadence=ONCE, billing_units=Decimal(100))),
            price=None,
        ),
        plan("patient", item("seats", 0, reset=None, price=prepaid_price(8), proration=later), price=None),
        plan("pro", item("messages", 100, price=usage_price("0.10")), price=price(20)),
    )
    await services.add_customer(card=GOOD_CARD)
    return services


async def update(shop: Services, plan_id: str, **changes: object) -> Receipt:
    request = UpdateRequest("ada", plan_id, **changes)  # type: ignore[arg-type]  # each test changes what it names
    return await shop.billing.perform(shop.tenant, request, actor=ACTOR)


async def seats_of(shop: Services, feature_id: str = "seats") -> Decimal:
    balance = await shop.balance(feature_id)
    return Decimal(0) if balance is None else balance.granted


async def test_more_seats_are_charged_and_there(shop: Services) -> None:
    """Ten more at half cycle cost $40 now, are there now, and renew at $160; the preview says the same."""
    await shop.attach("team", quantities=TEN)
    await shop.advance(HALF)
    request = UpdateRequest("ada", "team", quantities=TWENTY)
    previewed = await shop.billing.preview(shop.tenant, request)
    receipt = await update(shop, "team", quantities=TWENTY)

    assert receipt.invoice is not None
    assert (4000, InvoiceStatus.PAID, InvoiceKind.CHANGE) == (
        receipt.invoice.total.minor, receipt.invoice.status, receipt.invoice.kind,
    )  # fmt: skip
    assert previewed.decision.invoice is not None
    assert 4000 == round_sum([line.exact_minor for line in previewed.decision.invoice.lines])
    assert 20 == await seats_of(shop)

    await shop.advance(FEBRUARY)
    assert ["80.00", "40.00", "160.00"] == await shop.totals()


async def test_fewer_seats_become_credit(shop: Services) -> None:
    """Fifteen fewer at the start give $120 back as credit, which pays the renewal of $40."""
    await shop.attach("team", quantities=TWENTY)
    receipt = await update(shop, "team", quantities={"seats": Decimal(5)})

    assert receipt.invoice is not None
    assert (-12000, 5) == (receipt.invoice.total.minor, await seats_of(shop))
    await shop.advance(FEBRUARY)
    *_, renewal = await shop.invoices()
    assert (4000, 4000, 0) == (renewal.total.minor, renewal.credit_applied.minor, renewal.paid.minor)


async def test_with_the_next_invoice_and_from_the_next_period(shop: Services) -> None:
    """More seats now, billed with the renewal; fewer only from the renewal on."""
    await shop.attach("patient", quantities=TEN)
    await shop.advance(HALF)
    receipt = await update(shop, "patient", quantities=TWENTY)

    assert (None, 20) == (receipt.invoice, await seats_of(shop))
    await shop.advance(FEBRUARY)
    assert ["80.00", "200.00"] == await shop.totals()

    await update(shop, "patient", quantities=TEN)
    assert 20 == await seats_of(shop)
    await shop.advance(MARCH)
    assert ["80.00", "200.00", "80.00"] == await shop.totals()
    assert 10 == await seats_of(shop)


CHEAPER = Customization(price=price(5), sets_price=True)


@pytest.mark.parametrize(
    ("plan_id", "customize"),
    [pytest.param("small", None, id="another-plan"), pytest.param("large", CHEAPER, id="cheaper-terms")],
)
@pytest.mark.parametrize(("fewer", "seats"), [(False, 20), (True, 10)])
async def test_seats_go_along_to_a_later_start(
    shop: Services,
    plan_id: str,
    customize: Customization | None,
    fewer: bool,  # noqa: FBT001  # a column
    seats: int,
) -> None:
    """What starts with the renewal has the seats that the renewal would have had, and they are billed with it."""
    later = Proration("prorate_immediately", "none")
    item_of_seats = item("seats", 0, reset=None, price=prepaid_price(8), proration=later)
    await shop.offer(plan("large", item_of_seats, price=price(30)), plan("small", item_of_seats, price=price(5)))
    await shop.attach("large", quantities=TWENTY)
    if fewer:
        await update(shop, "large", quantities=TEN)
    await shop.attach(plan_id, customize=customize)
    await shop.advance(FEBRUARY)

    assert ["190.00", f"{5 + 8 * seats}.00"] == await shop.totals()
    assert seats == await seats_of(shop)


@pytest.mark.parametrize(
    ("number", "outcome"),
    [(DECLINING, Outcome.DECLINED), (ASKING, Outcome.ACTION_REQUIRED)],
)
async def test_nothing_changes_before_it_is_paid(shop: Services, number: str, outcome: Outcome) -> None:
    """Refused or asked about, the seats stay as they were; paid behind the link they come, and are charged once."""
    await shop.attach("team", quantities=TEN)
    await shop.add_card(number=number)
    receipt = await update(shop, "team", quantities=TWENTY)

    assert receipt.outcome is not None
    assert (outcome, 10) == (receipt.outcome.outcome, await seats_of(shop))
    assert receipt.payment_url is not None
    await shop.pay(receipt.payment_url, GOOD_CARD)
    assert (20, [8000, 8000]) == (await seats_of(shop), await shop.charged())


async def test_what_nobody_pays_is_given_up(shop: Services) -> None:
    """After ten minutes the invoice is void, and the plan goes on as it was."""
    await shop.attach("team", quantities=TEN)
    await shop.add_card(number=DECLINING)
    await update(shop, "team", quantities=TWENTY)
    shop.clock.advance(timedelta(minutes=11))
    await shop.billing.resume_attempts()

    *_, unpaid = await shop.invoices()
    assert (InvoiceStatus.VOID, 10) == (unpaid.status, await seats_of(shop))
    assert "active" == (await shop.held("team")).status


async def test_a_top_up(shop: Services) -> None:
    """Units that are bought once are added to what is there; a declined card adds none."""
    await shop.attach("team", quantities={**TEN, "messages": Decimal(100)})
    await shop.track(150, overage_behavior="cap")
    receipt = await update(shop, "team", quantities={"messages": Decimal(200)})

    assert receipt.invoice is not None
    assert (2000, InvoiceKind.TOP_UP) == (receipt.invoice.total.minor, receipt.invoice.kind)
    assert (300, 200) == (await seats_of(shop, "messages"), await shop.remaining())

    await shop.set_next_charge("decline")
    receipt = await update(shop, "team", quantities={"messages": Decimal(100)})
    assert receipt.payment_url is not None
    assert 200 == await shop.remaining()
    await shop.advance(FEBRUARY)
    assert 200 == await shop.remaining()


async def test_made_to_measure(shop: Services) -> None:
    """Twice the messages for the same price: at once, nothing billed, usage and the reset kept; then at $30."""
    await shop.attach("pro")
    await shop.advance(HALF)
    await shop.track(30)
    more = Customization(items=(item("messages", 200, price=usage_price("0.10")),))
    receipt = await update(shop, "pro", customize=more)

    assert (None, 170) == (receipt.invoice, await shop.remaining())
    balance = await shop.balance()
    assert balance is not None
    assert FEBRUARY == balance.next_reset_at

    receipt = await update(shop, "pro", customize=Customization(price=price(30), sets_price=True))
    assert receipt.invoice is not None
    assert (500, 170) == (receipt.invoice.total.minor, await shop.remaining())
    assert [Decimal(30), Decimal(200)] == await terms_of(shop)

    await shop.change_plan("pro", price=price(99))
    await shop.advance(FEBRUARY)
    assert ["20.00", "5.00", "30.00"] == await shop.totals()
    assert 200 == await shop.remaining()


async def terms_of(shop: Services) -> list[Decimal]:
    """The base price, and the messages that are included."""
    sold = (await shop.holdings())["pro"].plan
    return [sold.price.amount if sold.price else Decimal(0), sold.items[0].included]


async def test_another_version(shop: Services) -> None:
    """A customer on version 1 moves to version 2 for the difference."""
    await shop.attach("pro")
    await shop.change_plan("pro", price=price(50))
    receipt = await update(shop, "pro", version=2)

    assert receipt.invoice is not None
    assert 3000 == receipt.invoice.total.minor
    assert 2 == (await shop.held("pro")).version


async def test_an_invoice_that_is_sent(shop: Services) -> None:
    """The seats come once the invoice is paid, however late; nobody charges a card for it or thinks it past due."""
    await shop.attach("team", quantities=TEN)
    receipt = await update(shop, "team", quantities=TWENTY, invoice_mode=InvoiceMode(net_terms_days=30))

    assert receipt.invoice is not None
    assert (InvoiceStatus.OPEN, 30) == (receipt.invoice.status, receipt.invoice.net_terms_days)
    shop.clock.advance(timedelta(days=2))
    await shop.billing.resume_attempts()
    await shop.billing.collect_due_invoices()
    assert (10, "active") == (await seats_of(shop), (await shop.held("team")).status)

    await shop.billing.collect(shop.tenant, receipt.invoice.id)
    assert 20 == await seats_of(shop)


async def test_an_invoice_that_is_sent_for_what_is_there(shop: Services) -> None:
    """Enabled at once, the seats do not wait; the invoice does."""
    await shop.attach("team", quantities=TEN)
    mode = InvoiceMode(enable_immediately=True)
    receipt = await update(shop, "team", quantities=TWENTY, invoice_mode=mode)

    assert receipt.invoice is not None
    assert (InvoiceStatus.OPEN, 20) == (receipt.invoice.status, await seats_of(shop))


async def test_a_draft_waits_for_a_person(shop: Services) -> None:
    """Unless it is to be finalized, the invoice is a draft without a number, and nothing is given."""
    await shop.attach("team", quantities=TEN)
    receipt = await update(shop, "team", quantities=TWENTY, invoice_mode=InvoiceMode(finalize=False))

    assert receipt.invoice is not None
    assert (InvoiceStatus.DRAFT, None, 10) == (
        receipt.invoice.status, receipt.invoice.number, await seats_of(shop),
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"quantities": {"seats": Decimal(5)}}, id="a-decrease"),
        pytest.param({"quantities": TEN}, id="nothing-to-bill"),
    ],
)
async def test_nothing_to_send(shop: Services, changes: dict[str, object]) -> None:
    """An invoice that gives back, or says nothing, is not one that somebody waits to be paid (billing.md §10.7)."""
    await shop.attach("team", quantities=TEN)
    with pytest.raises(BadRequest):
        await update(shop, "team", invoice_mode=InvoiceMode(), **changes)


@pytest.mark.parametrize(
    ("plan_id", "changes"),
    [
        pytest.param("team", {"quantities": {"seats": Decimal(23)}}, id="more"),
        pytest.param("team", {"quantities": {"seats": Decimal(3)}}, id="fewer"),
        pytest.param("team", {"quantities": {"messages": Decimal(250)}}, id="top-up"),
        pytest.param("team", {"anchor": "now"}, id="anchor"),
        pytest.param("pro", {"customize": Customization(price=price(33), sets_price=True)}, id="dearer"),
        pytest.param("pro", {"customize": Customization(price=price(7), sets_price=True)}, id="cheaper"),
        pytest.param("pro", {"version": 2}, id="version"),
    ],
)
async def test_a_preview_is_what_happens(shop: Services, plan_id: str, changes: dict[str, object]) -> None:
    """Previewed and carried out at the same crooked instant, the invoice is the same to the cent and line by line."""
    await shop.attach(plan_id, quantities={**TEN, "messages": Decimal(0)} if plan_id == "team" else {})
    await shop.change_plan("pro", price=price(47))
    await shop.advance(datetime(2026, 1, 11, 7, 13, 1, tzinfo=UTC))
    request = UpdateRequest("ada", plan_id, **changes)  # type: ignore[arg-type]  # each row changes what it names
    previewed = (await shop.billing.preview(shop.tenant, request)).decision.invoice
    receipt = await update(shop, plan_id, **changes)

    assert previewed is not None
    assert receipt.invoice is not None
    assert round_sum([line.exact_minor for line in previewed.lines]) == receipt.invoice.total.minor
    assert [line.description for line in previewed.lines] == [line.description for line in receipt.invoice.lines]
    assert receipt.invoice.total.minor == sum(line.total.minor for line in receipt.invoice.lines)


@pytest.mark.parametrize("number", [DECLINING, ASKING])
async def test_a_top_up_that_nobody_pays(shop: Services, number: str) -> None:
    """Refused or asked about, nothing is added; after ten minutes its invoice is void and it can be bought again."""
    await shop.attach("team", quantities={**TEN, "messages": Decimal(100)})
    await shop.add_card(number=number)
    await update(shop, "team", quantities={"messages": Decimal(200)})
    assert 100 == await shop.remaining()
    shop.clock.advance(timedelta(minutes=11))
    await shop.billing.resume_attempts()
    *_, unpaid = await shop.invoices()
    assert (InvoiceStatus.VOID, 100) == (unpaid.status, await shop.remaining())

    await shop.add_card(number=GOOD_CARD)
    await update(shop, "team", quantities={"messages": Decimal(200)})
    assert (300, [2000, 9000]) == (await shop.remaining(), await shop.charged())
