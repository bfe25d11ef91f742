"""The bank: implements the payment port and the test bank over its own rows."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.billing.provider import (
    CardExpiry,
    CheckoutPage,
    CheckoutRequest,
    CheckoutState,
    CheckoutStatus,
    Collection,
    CustomerInfo,
    HostedPage,
    InvoiceDocument,
    Outcome,
    PaymentMethod,
    TestCardNotice,
)
from sumac.core.errors import BadRequest, Conflict, Gone, NotFound
from sumac.core.ids import new_id, new_token
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.providers.sandbox import store
from sumac.providers.sandbox.cards import (
    ASKING,
    NEXT_OUTCOMES,
    REFUSALS,
    TEST_CARDS,
    Behaviour,
    brand_of,
    card_entered,
    charge,
    digits_of,
)
from sumac.storage.database import Database
from sumac.storage.work import Work

DOCUMENT = TypeAdapter(CheckoutRequest)
PENDING_TIME = timedelta(minutes=1)


class SandboxBank:
    """One bank for the sandboxes of every tenant; each call is its own transaction, as it would be elsewhere."""

    def __init__(self, database: Database, *, public_url: str) -> None:
        self._database = database
        self._public_url = public_url.rstrip("/")

    async def ensure_customer(self, tenant: Tenant, existing: str | None, info: CustomerInfo, *, key: str) -> str:
        """The bank's id of the customer: derived from ours, so that asking twice answers the same."""
        del tenant, key
        return existing or f"bank_{info.customer_key}"

    async def payment_methods(self, tenant: Tenant, provider_customer: str) -> Sequence[PaymentMethod]:
        """The stored cards, the default one first."""
        async with self._database.reading(tenant) as work:
            return [_method(card) for card in await store.cards(work, provider_customer)]

    async def set_default_payment_method(
        self, tenant: Tenant, provider_customer: str, method_id: str, *, key: str
    ) -> None:
        """Makes a stored card the default one; doing it again changes nothing, whatever the key."""
        del key
        async with self._database.work(tenant) as work:
            cards = await store.cards(work, provider_customer, lock=True)
            if all(card.id != method_id for card in cards):
                message = "This card is not stored"
                raise NotFound(message, code="payment_method_not_found")
            await store.set_default_card(work, provider_customer, method_id)

    async def remove_payment_method(self, tenant: Tenant, provider_customer: str, method_id: str, *, key: str) -> None:
        """Forgets a stored card; doing it again changes nothing, whatever the key."""
        del key
        async with self._database.work(tenant) as work:
            await store.cards(work, provider_customer, lock=True)
            await store.remove_card(work, provider_customer, method_id)
            left = await store.cards(work, provider_customer)
            if left:
                await store.set_default_card(work, provider_customer, left[0].id)

    async def open_checkout(self, tenant: Tenant, request: CheckoutRequest, *, key: str) -> HostedPage:
        """Opens a hosted page; the key becomes its id."""
        token = new_token()
        checkout_id = f"bank_{key.removesuffix(':open')}"
        async with self._database.work(tenant) as work:
            await store.add_checkout(
                work,
                id=checkout_id,
                bank_customer=request.provider_customer,
                token=token,
                mode=request.mode,
                document=DOCUMENT.dump_python(request, mode="json"),
                success_url=request.success_url,
                expires_at=request.expires_at,
                created_at=work.now,
            )
        return HostedPage(checkout_id, f"{self._public_url}/checkout/{token}")

    async def close_checkout(self, tenant: Tenant, checkout: str) -> bool:
        """Expires a hosted page; False when it was completed first."""
        async with self._database.work(tenant) as work:
            row = _checkout_found(await store.find_checkout(work, checkout, lock=True))
            if row.status == CheckoutStatus.COMPLETED:
                return False
            await store.set_checkout(work, checkout, status=CheckoutStatus.EXPIRED, charge_id=None)
            return True

    async def read_checkout(self, tenant: Tenant, checkout: str) -> CheckoutState:
        """The state of a hosted page."""
        async with self._database.reading(tenant) as work:
            row = _checkout_found(await store.find_checkout(work, checkout))
            return await _state(work, row)

    async def collect(self, tenant: Tenant, invoice: InvoiceDocument, *, key: str) -> Collection:
        """Charges the default card, once per key."""
        async with self._database.work(tenant) as work:
            cards = await store.cards(work, invoice.provider_customer, lock=True)
            before = await store.find_charge(work, key)
            if before is not None:
                return _repeated(await _arrived(work, before), invoice.amount)
            if not cards:
                return Collection(Outcome.NO_PAYMENT_METHOD)
            return await _charge(work, cards[0], invoice.amount, invoice=invoice.id, key=key, confirmed=False)

    async def read_payment(self, tenant: Tenant, payment: str) -> Collection:
        """The charge as it is now. Raises NotFound."""
        async with self._database.work(tenant) as work:
            row = await store.get_charge(work, payment, lock=True)
            if row is None:
                message = f"There is no charge {payment}"
                raise NotFound(message)
            return _collection(await _arrived(work, row))

    async def refund(self, tenant: Tenant, payment: str, amount: Money, *, key: str) -> str:
        """Gives money back, once per key. Raises NotFound, and BadRequest for more than is left of the charge."""
        async with self._database.work(tenant) as work:
            row = await store.get_charge(work, payment, lock=True)
            if row is None or row.status != Outcome.PAID:
                message = f"There is no successful charge {payment}"
                raise NotFound(message)
            before = await store.find_refund(work, key)
            if before is not None:
                return _refunded_before(before, payment, amount)
            if amount.currency != row.currency or not 0 < amount.minor <= row.amount_minor - row.refunded_minor:
                message = "The refund must be above 0 and cannot exceed what was charged and not yet refunded"
                raise BadRequest(message)
            refund_id = new_id("re", now=work.now)
            await store.add_refund(work, row, amount.minor, id=refund_id, idempotency_key=key, created_at=work.now)
        return refund_id

    def test_cards(self) -> Sequence[TestCardNotice]:
        """Every test card, as a hosted page lists them."""
        return [TestCardNotice(card.number, card.about) for card in TEST_CARDS]

    async def add_card(self, tenant: Tenant, provider_customer: str, number: str) -> PaymentMethod:
        """Stores a test card as the default one."""
        async with self._database.work(tenant) as work:
            await _store_card(work, provider_customer, number, None)
            return _method((await store.cards(work, provider_customer))[0])

    async def set_next_charge(self, tenant: Tenant, provider_customer: str, outcome: str) -> None:
        """Decides the next charge on the default card, once."""
        if outcome not in NEXT_OUTCOMES:
            message = f"outcome: must be one of: {', '.join(NEXT_OUTCOMES)}"
            raise BadRequest(message, code="invalid_inputs")
        async with self._database.work(tenant) as work:
            cards = await store.cards(work, provider_customer, lock=True)
            if not cards:
                message = "The customer has no card; add one with sandbox.add_card"
                raise BadRequest(message, code="customer_has_no_payment_method")
            await store.set_next_outcome(work, cards[0], NEXT_OUTCOMES[outcome])

    async def find_checkout_by_token(self, token: str) -> CheckoutPage | None:
        """The hosted page of an address, with everything to show on it."""
        async with self._database.system_reading() as system:
            row = await store.find_checkout_by_token(system, token)
            if row is None:
                return None
            return CheckoutPage(
                tenant=Tenant.from_key(row.tenant),
                id=row.id,
                request=DOCUMENT.validate_python(row.document),
                status=_status(row, expired=row.expires_at <= system.now),
            )

    async def complete_checkout(
        self, tenant: Tenant, checkout: str, number: str, *, expiry: CardExpiry | None = None, confirmed: bool = True
    ) -> CheckoutState:
        """Enters a card on a hosted page and pays; the page stays open when the card is refused or asks first."""
        async with self._database.work(tenant) as work:
            row = _checkout_found(await store.find_checkout(work, checkout, lock=True))
            if row.status == CheckoutStatus.COMPLETED:
                message = "This checkout has already been completed"
                raise Conflict(message, code="checkout_completed")
            if row.status == CheckoutStatus.EXPIRED or row.expires_at <= work.now:
                message = "This checkout has expired; ask for a new link"
                raise Gone(message, code="checkout_expired")
            request = DOCUMENT.validate_python(row.document)
            card = card_entered(number)
            if expiry is not None and expiry.has_passed(work.now):
                raise BadRequest(REFUSALS[Behaviour.EXPIRED], code="card_declined")
            if card.behaviour in ASKING and not confirmed:
                asked = Collection(Outcome.ACTION_REQUIRED, decline_code="authentication_required")
                return CheckoutState(CheckoutStatus.OPEN, asked)
            await _store_card(work, row.bank_customer, number, expiry)
            paid_with: str | None = None
            if request.mode == "pay" and request.total.minor > 0:
                paid_with = await _pay(work, row, request.total)
            await store.set_checkout(work, checkout, status=CheckoutStatus.COMPLETED, charge_id=paid_with)
            return await _state(work, _checkout_found(await store.find_checkout(work, checkout)))


async def _pay(work: Work, checkout: sa.Row[Any], total: Money) -> str:
    card = (await store.cards(work, checkout.bank_customer, lock=True))[0]
    key = f"checkout:{checkout.id}:{card.id}"
    collection = await _charge(work, card, total, invoice=checkout.id, key=key, confirmed=True)
    if collection.outcome is not Outcome.PAID or collection.payment is None:
        message = "Your card was declined; try another one"
        raise BadRequest(message, code="card_declined")
    return collection.payment


async def _store_card(work: Work, bank_customer: str, number: str, expiry: CardExpiry | None) -> None:
    """Stores the card as the default one; a card that is stored already takes the place it had before."""
    digits = digits_of(number)
    card = card_entered(digits)
    for before in await store.cards(work, bank_customer, lock=True):
        if (before.brand, before.last4) == (brand_of(digits), digits[-4:]):
            await store.set_next_outcome(work, before, None)
            await store.set_default_card(work, bank_customer, before.id)
            if expiry is not None:
                await store.set_expiry(work, before, expiry)
            return
    await store.add_card(
        work,
        bank_customer,
        id=new_id("card", now=work.now),
        brand=brand_of(digits),
        last4=digits[-4:],
        behaviour=card.behaviour,
        expiry_year=None if expiry is None else expiry.year,
        expiry_month=None if expiry is None else expiry.month,
        created_at=work.now,
    )


async def _charge(
    work: Work,
    card: sa.Row[Any],
    amount: Money,
    *,
    invoice: str,
    key: str,
    confirmed: bool,
) -> Collection:
    charge_id = new_id("ch", now=work.now)
    behaviour = Behaviour(card.next_outcome or card.behaviour)
    collection = charge(behaviour, payment=charge_id, confirmed=confirmed)
    if card.next_outcome is not None:
        await store.set_next_outcome(work, card, None)
    await store.add_charge(
        work,
        id=charge_id,
        bank_customer=card.bank_customer,
        card_id=card.id,
        idempotency_key=key,
        invoice=invoice,
        amount_minor=amount.minor,
        currency=amount.currency,
        status=collection.outcome,
        decline_code=collection.decline_code,
        created_at=work.now,
    )
    return collection


async def _arrived(work: Work, row: sa.Row[Any]) -> sa.Row[Any]:
    """The charge as it is now: one that was pending is paid, or has failed, after a while."""
    if row.status != Outcome.PROCESSING or work.now < row.created_at + PENDING_TIME:
        return row
    await store.set_charge_status(work, row, Outcome.PAID if row.decline_code is None else Outcome.DECLINED)
    return await store.get_charge(work, row.id) or row


def _repeated(row: sa.Row[Any], amount: Money) -> Collection:
    if (row.amount_minor, row.currency) != (amount.minor, amount.currency):
        message = "This key was used for another amount"
        raise Conflict(message, code="idempotency_mismatch")
    return _collection(row)


def _refunded_before(refund: sa.Row[Any], payment: str, amount: Money) -> str:
    if (refund.charge_id, refund.amount_minor) != (payment, amount.minor):
        message = "This key was used for another refund"
        raise Conflict(message, code="idempotency_mismatch")
    return str(refund.id)


def _collection(row: sa.Row[Any]) -> Collection:
    return Collection(Outcome(row.status), row.id, row.decline_code, retryable=row.status == Outcome.DECLINED)


async def _state(work: Work, row: sa.Row[Any]) -> CheckoutState:
    paid = await store.get_charge(work, row.charge_id) if row.charge_id else None
    status = _status(row, expired=row.expires_at <= work.now)
    return CheckoutState(status, None if paid is None else _collection(paid))


def _status(row: sa.Row[Any], *, expired: bool) -> CheckoutStatus:
    if row.status == CheckoutStatus.OPEN and expired:
        return CheckoutStatus.EXPIRED
    return CheckoutStatus(row.status)


def _checkout_found(row: sa.Row[Any] | None) -> sa.Row[Any]:
    if row is None:
        message = "This checkout does not exist"
        raise NotFound(message, code="checkout_unavailable")
    return row


def _method(card: sa.Row[Any]) -> PaymentMethod:
    expiry = None if card.expiry_year is None else CardExpiry(card.expiry_year, card.expiry_month)
    return PaymentMethod(card.id, card.brand, card.last4, card.is_default, expiry)
