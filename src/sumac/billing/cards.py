"""The customer's stored cards: adding one on a hosted page, choosing the one that is charged, forgetting one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sumac.billing.checkout import CheckoutDesk
from sumac.billing.collect import Providers, provider_of
from sumac.billing.load import load_holdings
from sumac.billing.provider import PaymentMethod, PaymentProvider
from sumac.billing.rules.cards import is_charged_again
from sumac.core.errors import Conflict, NotFound
from sumac.core.ids import new_id
from sumac.core.tenant import Tenant
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import InvoiceStatus
from sumac.invoices.service import InvoiceFilter
from sumac.storage.database import Database

INVOICES_MAX = 100


@dataclass(frozen=True, slots=True)
class Need:
    """What the customer's card is still needed for: the names of plans, and whether an invoice of ours is open."""

    plan_names: tuple[str, ...]
    has_open_invoice: bool

    def __bool__(self) -> bool:
        """Whether it is needed at all."""
        return bool(self.plan_names) or self.has_open_invoice


class CardDesk:
    """The stored cards of every tenant's customers. A card is only ever entered on a hosted page."""

    def __init__(self, database: Database, providers: Providers, *, desk: CheckoutDesk, public_url: str) -> None:
        self._database = database
        self._providers = providers
        self._desk = desk
        self._public_url = public_url

    async def list_cards(self, tenant: Tenant, customer: Customer) -> Sequence[PaymentMethod]:
        """The stored cards, the default one first; none where there is no provider."""
        if customer.provider_customer is None or tenant.env not in self._providers:
            return []
        return await self._provider(tenant).payment_methods(tenant, customer.provider_customer)

    async def get_card(self, tenant: Tenant, customer: Customer, method_id: str) -> PaymentMethod:
        """One of the stored cards. Raises NotFound `payment_method_not_found`."""
        for card in await self.list_cards(tenant, customer):
            if card.id == method_id:
                return card
        message = "This card is no longer stored"
        raise NotFound(message, code="payment_method_not_found")

    async def open_setup(self, tenant: Tenant, customer: Customer, *, return_path: str, actor: str) -> str:
        """The address of a page on which the customer enters a card, which is the default one afterwards.

        The browser is led on to a path of our own pages. Raises BadRequest `stripe_config_not_found` where no provider
        is connected.
        """
        back = f"{self._public_url}{return_path}"
        return await self._desk.open_setup(tenant, customer, success_url=back, actor=actor)

    async def make_default(self, tenant: Tenant, customer: Customer, method_id: str) -> None:
        """Makes a stored card the one that is charged. Raises NotFound `payment_method_not_found`."""
        card = await self.get_card(tenant, customer, method_id)
        # Choosing back and forth repeats the same call and means it: a key of its own each time.
        key = new_id("set", now=self._database.clock.now())
        await self._provider(tenant).set_default_payment_method(tenant, _payer(customer), card.id, key=key)

    async def remove(self, tenant: Tenant, customer: Customer, method_id: str) -> None:
        """Forgets a stored card; once it is gone, nothing happens.

        Raises Conflict `payment_method_needed` for the last card while something is still to be charged.
        """
        cards = await self.list_cards(tenant, customer)
        if all(card.id != method_id for card in cards):
            return
        if len(cards) == 1 and await self.need(tenant, customer):
            message = "This is the only card, and it is still needed; add another one first"
            raise Conflict(message, code="payment_method_needed")
        await self._provider(tenant).remove_payment_method(
            tenant, _payer(customer), method_id, key=f"{method_id}:remove"
        )

    async def need(self, tenant: Tenant, customer: Customer) -> Need:
        """What a card of the customer is still going to be charged for."""
        async with self._database.reading(tenant) as work:
            held = (await load_holdings(work, [customer.key])).get(customer.key, ())
            chosen = InvoiceFilter(customer.key, (InvoiceStatus.OPEN,))
            unpaid = await invoices.list_page(work, chosen, cursor=None, limit=INVOICES_MAX)
        names = tuple(each.plan.name for each in held if is_charged_again(each))
        return Need(names, has_open_invoice=any(invoice.number is not None for invoice in unpaid.items))

    def _provider(self, tenant: Tenant) -> PaymentProvider:
        return provider_of(self._providers, tenant)


def _payer(customer: Customer) -> str:
    if customer.provider_customer is None:
        message = "a customer with a stored card is known to the provider"
        raise AssertionError(message)
    return customer.provider_customer
