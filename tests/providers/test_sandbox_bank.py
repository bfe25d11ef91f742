"""What a payment provider owes us, kept by the sandbox bank (payments.md §4.5, §4.7)."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sumac.billing import provider as port
from sumac.billing.provider import (
    CheckoutState,
    CheckoutStatus,
    Outcome,
    PaymentProvider,
)
from sumac.core.clock import ManualClock
from sumac.core.errors import BadRequest, Conflict, Gone, NotFound
from sumac.core.money import Money
from sumac.core.tenant import Env, Tenant
from sumac.providers.sandbox.bank import SandboxBank
from sumac.storage.database import Database
from sumac.storage.schema import bank_cards, bank_charges
from tests.providers.conftest import ADA, TWENTY, document, page
from tests.support.services import GOOD_CARD, PUBLIC_URL


def parts(state: CheckoutState) -> tuple[CheckoutStatus, Outcome | None]:
    return state.status, state.collection.outcome if state.collection else None


async def charges(database: Database, tenant: Tenant) -> list[tuple[str, int]]:
    async with database.reading(tenant) as work:
        return [(row.status, row.amount_minor) for row in await work.all(work.select(bank_charges))]


def test_it_is_a_payment_provider(bank: SandboxBank) -> None:
    """The bank keeps both promises: the one every provider keeps, and the one only a sandbox can keep."""
    provider: PaymentProvider = bank

    assert isinstance(provider, port.TestBank)


async def test_a_customer_is_made_once(bank: SandboxBank, tenant: Tenant) -> None:
    """Asking again answers the same id, with the old one in hand or without."""
    first = await bank.ensure_customer(tenant, None, ADA, key="k")

    assert first == await bank.ensure_customer(tenant, None, ADA, key="k")
    assert first == await bank.ensure_customer(tenant, first, ADA, key="other")
    assert [] == list(await bank.payment_methods(tenant, first))


@pytest.mark.parametrize(
    ("number", "last4", "outcome", "retryable"),
    [
        ("4242 4242 4242 4242", "4242", Outcome.PAID, False),
        ("4242-4242-4242-4242", "4242", Outcome.PAID, False),
        ("4000000000000341", "0341", Outcome.DECLINED, True),
        ("4000002500003155", "3155", Outcome.PAID, False),
        ("4000000000003220", "3220", Outcome.ACTION_REQUIRED, False),
    ],
)
async def test_cards_that_are_kept(
    bank: SandboxBank,
    tenant: Tenant,
    payer: str,
    number: str,
    last4: str,
    outcome: Outcome,
    *,
    retryable: bool,
) -> None:
    """Each test card does what the table says when it is charged without the customer (payments.md §4.7)."""
    method = await bank.add_card(tenant, payer, number)

    collection = await bank.collect(tenant, document(payer), key="k")

    assert ("visa", last4, True) == (method.brand, method.last4, method.is_default)
    assert (outcome, retryable) == (collection.outcome, collection.retryable)
    assert collection.payment is not None


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000 0000 0000 0002", "card_declined"),
        ("4000 0000 0000 9995", "card_declined"),
        ("4000 0000 0000 9987", "card_declined"),
        ("4000 0000 0000 0069", "card_declined"),
        ("5555 5555 5555 4444", "card_not_accepted"),
        ("4111 1111 1111 1111", "card_not_accepted"),
        ("4242", "invalid_inputs"),
        ("4242 4242 4242 424x", "invalid_inputs"),
        ("", "invalid_inputs"),
    ],
)
async def test_cards_that_are_refused(bank: SandboxBank, tenant: Tenant, payer: str, number: str, code: str) -> None:
    """Refused as they are entered, also a number that could be a real card; nothing is kept."""
    with pytest.raises(BadRequest) as refused:
        await bank.add_card(tenant, payer, number)

    assert code == refused.value.code
    assert [] == list(await bank.payment_methods(tenant, payer))


async def test_the_number_of_a_card_is_never_kept(
    bank: SandboxBank, database: Database, tenant: Tenant, payer: str
) -> None:
    """Brand and last four digits are all that is stored."""
    await bank.add_card(tenant, payer, GOOD_CARD)

    async with database.reading(tenant) as work:
        rows = await work.all(work.select(bank_cards))
    assert "4242" in repr(rows)
    assert "424242" not in repr(rows)


@pytest.mark.parametrize(
    ("outcome", "expected", "retryable"),
    [
        ("decline", Outcome.DECLINED, True),
        ("insufficient_funds", Outcome.DECLINED, True),
        ("require_action", Outcome.ACTION_REQUIRED, False),
        ("pending", Outcome.PROCESSING, False),
        ("pending_then_decline", Outcome.PROCESSING, True),
        ("succeed", Outcome.PAID, False),
    ],
)
async def test_the_next_charge_can_be_decided(
    bank: SandboxBank, tenant: Tenant, payer: str, outcome: str, expected: Outcome, *, retryable: bool
) -> None:
    """Once; the charge after it goes by the card again."""
    await bank.add_card(tenant, payer, GOOD_CARD)
    await bank.set_next_charge(tenant, payer, outcome)

    first, second = [await bank.collect(tenant, document(payer), key=key) for key in ("one", "two")]

    assert (expected, retryable) == (first.outcome, first.retryable)
    assert Outcome.PAID is second.outcome


@pytest.mark.parametrize(
    ("switch", "end"), [("pending", Outcome.PAID), ("pending_then_decline", Outcome.DECLINED)], ids=["paid", "declined"]
)
async def test_a_pending_charge_ends_after_a_minute(
    bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock, switch: str, end: Outcome
) -> None:
    """Asked again under its key it is still processing, and a minute later paid, or declined after all."""
    await bank.add_card(tenant, payer, GOOD_CARD)
    await bank.set_next_charge(tenant, payer, switch)
    outcomes = [(await bank.collect(tenant, document(payer), key="k")).outcome for _ in range(2)]
    clock.advance(timedelta(minutes=1))

    outcomes += [(await bank.collect(tenant, document(payer), key="k")).outcome for _ in range(2)]

    assert [Outcome.PROCESSING] * 2 + [end] * 2 == outcomes


async def test_a_bad_card_can_be_made_to_succeed(bank: SandboxBank, tenant: Tenant, payer: str) -> None:
    """The switch works in both directions."""
    await bank.add_card(tenant, payer, "4000000000000341")
    await bank.set_next_charge(tenant, payer, "succeed")

    outcomes = [(await bank.collect(tenant, document(payer), key=key)).outcome for key in ("one", "two")]
    assert [Outcome.PAID, Outcome.DECLINED] == outcomes


async def test_the_switch_needs_a_card_and_a_known_outcome(bank: SandboxBank, tenant: Tenant, payer: str) -> None:
    """Otherwise it is refused with what is missing."""
    with pytest.raises(BadRequest) as no_card:
        await bank.set_next_charge(tenant, payer, "decline")
    await bank.add_card(tenant, payer, GOOD_CARD)
    with pytest.raises(BadRequest, match="succeed, decline"):
        await bank.set_next_charge(tenant, payer, "explode")
    assert "customer_has_no_payment_method" == no_card.value.code


async def test_nothing_to_charge(bank: SandboxBank, tenant: Tenant, payer: str) -> None:
    """A customer without a card is an answer, not an error."""
    assert Outcome.NO_PAYMENT_METHOD is (await bank.collect(tenant, document(payer), key="k")).outcome


async def test_one_charge_per_key(bank: SandboxBank, database: Database, tenant: Tenant, payer: str) -> None:
    """The same key answers as it did, also when the card would now do otherwise, and charges once; even at once."""
    await bank.add_card(tenant, payer, GOOD_CARD)
    first = await bank.collect(tenant, document(payer), key="k")
    await bank.set_next_charge(tenant, payer, "decline")

    repeated = await asyncio.gather(*(bank.collect(tenant, document(payer), key="k") for _ in range(5)))

    assert [first] * 5 == repeated
    assert [("paid", 2000)] == await charges(database, tenant)
    with pytest.raises(Conflict) as mismatch:
        await bank.collect(tenant, document(payer, Money(1, "usd")), key="k")
    assert "idempotency_mismatch" == mismatch.value.code


async def test_a_new_key_at_once_charges_once(
    bank: SandboxBank, database: Database, tenant: Tenant, payer: str
) -> None:
    """Two requests with one key that nobody has seen before are one charge."""
    await bank.add_card(tenant, payer, GOOD_CARD)

    answers = await asyncio.gather(*(bank.collect(tenant, document(payer), key="k") for _ in range(5)))

    assert 1 == len({answer.payment for answer in answers})
    assert [("paid", 2000)] == await charges(database, tenant)


async def test_refunds(bank: SandboxBank, tenant: Tenant, payer: str) -> None:
    """Parts of a charge go back until nothing is left of it; more, less, or other money is refused."""
    await bank.add_card(tenant, payer, GOOD_CARD)
    payment = (await bank.collect(tenant, document(payer), key="k")).payment or ""
    await bank.refund(tenant, payment, Money(1500, "usd"), key="r1")

    for amount in (Money(501, "usd"), Money(0, "usd"), Money(-1, "usd"), Money(500, "eur")):
        with pytest.raises(BadRequest):
            await bank.refund(tenant, payment, amount, key="r2")
    await bank.refund(tenant, payment, Money(500, "usd"), key="r3")
    with pytest.raises(BadRequest):
        await bank.refund(tenant, payment, Money(1, "usd"), key="r4")


async def test_one_refund_per_key(bank: SandboxBank, database: Database, tenant: Tenant, payer: str) -> None:
    """The same key gives back once and answers the same; for another amount it is refused."""
    await bank.add_card(tenant, payer, GOOD_CARD)
    payment = (await bank.collect(tenant, document(payer), key="k")).payment or ""

    repeated = await asyncio.gather(*(bank.refund(tenant, payment, Money(500, "usd"), key="r") for _ in range(4)))

    assert 1 == len(set(repeated))
    with pytest.raises(Conflict):
        await bank.refund(tenant, payment, Money(400, "usd"), key="r")
    async with database.reading(tenant) as work:
        assert 500 == await work.scalar(work.select_columns(bank_charges, sa.func.sum(bank_charges.c.refunded_minor)))


async def test_a_charge_that_failed_cannot_be_refunded(bank: SandboxBank, tenant: Tenant, payer: str) -> None:
    """Nor can one that never was."""
    await bank.add_card(tenant, payer, "4000000000000341")
    declined = (await bank.collect(tenant, document(payer), key="k")).payment or ""

    for payment in (declined, "ch_unknown"):
        with pytest.raises(NotFound):
            await bank.refund(tenant, payment, TWENTY, key="r")


async def test_a_page_is_opened_and_completed(
    bank: SandboxBank, database: Database, tenant: Tenant, payer: str, clock: ManualClock
) -> None:
    """Its address leads to what is to be paid; completed, it says which payment did it and the card is kept."""
    opened = await bank.open_checkout(tenant, page(payer, clock), key="chk_1:open")
    assert opened.url.startswith(f"{PUBLIC_URL}/checkout/")
    shown = await bank.find_checkout_by_token(opened.url.rsplit("/", 1)[1])
    assert shown is not None
    assert (tenant, opened.id, CheckoutStatus.OPEN) == (shown.tenant, shown.id, shown.status)
    assert page(payer, clock) == shown.request
    assert (CheckoutStatus.OPEN, None) == parts(await bank.read_checkout(tenant, opened.id))

    done = await bank.complete_checkout(tenant, opened.id, GOOD_CARD)

    assert done == await bank.read_checkout(tenant, opened.id)
    assert (CheckoutStatus.COMPLETED, Outcome.PAID) == parts(done)
    assert [("paid", 2000)] == await charges(database, tenant)
    assert ["4242"] == [method.last4 for method in await bank.payment_methods(tenant, payer)]
    with pytest.raises(Conflict):
        await bank.complete_checkout(tenant, opened.id, GOOD_CARD)
    assert not await bank.close_checkout(tenant, opened.id)


async def test_a_page_to_set_up_a_card_charges_nothing(
    bank: SandboxBank, database: Database, tenant: Tenant, payer: str, clock: ManualClock
) -> None:
    """The card is kept for later."""
    opened = await bank.open_checkout(tenant, page(payer, clock, mode="setup"), key="chk_1:open")

    done = await bank.complete_checkout(tenant, opened.id, GOOD_CARD)

    assert (CheckoutStatus.COMPLETED, None) == parts(done)
    assert [] == await charges(database, tenant)
    assert ["4242"] == [method.last4 for method in await bank.payment_methods(tenant, payer)]


@pytest.mark.parametrize("number", ["4000 0000 0000 0002", "4000 0000 0000 0341", "5555 5555 5555 4444"])
async def test_a_refused_card_leaves_the_page_open(
    bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock, number: str
) -> None:
    """Another card may be tried, and the refused one is not kept."""
    opened = await bank.open_checkout(tenant, page(payer, clock), key="chk_1:open")

    with pytest.raises(BadRequest):
        await bank.complete_checkout(tenant, opened.id, number)

    assert (CheckoutStatus.OPEN, None) == parts(await bank.read_checkout(tenant, opened.id))
    assert [] == list(await bank.payment_methods(tenant, payer))
    assert CheckoutStatus.COMPLETED is (await bank.complete_checkout(tenant, opened.id, GOOD_CARD)).status


async def test_a_closed_page(bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock) -> None:
    """Closing works once and again; the page can no longer be paid."""
    opened = await bank.open_checkout(tenant, page(payer, clock), key="chk_1:open")

    assert await bank.close_checkout(tenant, opened.id)
    assert await bank.close_checkout(tenant, opened.id)
    with pytest.raises(Gone):
        await bank.complete_checkout(tenant, opened.id, GOOD_CARD)
    assert CheckoutStatus.EXPIRED is (await bank.read_checkout(tenant, opened.id)).status


async def test_a_page_expires(bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock) -> None:
    """At its last instant it is over, a millisecond before it is not."""
    opened = await bank.open_checkout(tenant, page(payer, clock), key="chk_1:open")
    clock.advance(timedelta(hours=1) - timedelta(milliseconds=1))
    assert CheckoutStatus.OPEN is (await bank.read_checkout(tenant, opened.id)).status
    clock.advance(timedelta(milliseconds=1))

    with pytest.raises(Gone):
        await bank.complete_checkout(tenant, opened.id, GOOD_CARD)
    assert CheckoutStatus.EXPIRED is (await bank.read_checkout(tenant, opened.id)).status


async def test_two_clicks_pay_once(
    bank: SandboxBank, database: Database, tenant: Tenant, payer: str, clock: ManualClock
) -> None:
    """Completing a page several times at once charges once."""
    opened = await bank.open_checkout(tenant, page(payer, clock), key="chk_1:open")

    clicks = (bank.complete_checkout(tenant, opened.id, GOOD_CARD) for _ in range(4))
    answers = await asyncio.gather(*clicks, return_exceptions=True)

    assert 3 == sum(isinstance(answer, Conflict) for answer in answers)
    assert [("paid", 2000)] == await charges(database, tenant)


async def test_pages_and_payments_of_another_tenant(
    bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock
) -> None:
    """They do not exist for anybody else."""
    other = Tenant("org_two", Env.SANDBOX)
    opened = await bank.open_checkout(tenant, page(payer, clock), key="chk_1:open")
    await bank.add_card(tenant, payer, GOOD_CARD)
    payment = (await bank.collect(tenant, document(payer), key="k")).payment or ""

    assert [] == list(await bank.payment_methods(other, payer))
    assert None is await bank.find_checkout_by_token("unknown")
    for attempt in (
        bank.read_checkout(other, opened.id),
        bank.close_checkout(other, opened.id),
        bank.complete_checkout(other, opened.id, GOOD_CARD),
        bank.refund(other, payment, TWENTY, key="r"),
    ):
        with pytest.raises(NotFound):
            await attempt
