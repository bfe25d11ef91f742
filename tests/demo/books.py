"""Everything a demo's organization holds, read back through the services, and the demo filled to be read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sumac.app import Parts
from sumac.balances import service as balances
from sumac.balances.model import Balance, Grant
from sumac.balances.rules.sum import compute_balance
from sumac.billing.model import (
    Holding,
)
from sumac.billing.provider import PaymentMethod
from sumac.catalog import service as catalog
from sumac.catalog.model import Feature, Plan
from sumac.cli.demo.filling import ensure_filled
from sumac.cli.demo.play import Progress
from sumac.cli.demo.story import Person
from sumac.core.tenant import Env, Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.customers.service import CustomerFilter
from sumac.events import service as events
from sumac.events.model import UsageEvent
from sumac.events.service import EventFilter
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice
from sumac.invoices.service import InvoiceFilter
from sumac.organizations.model import Organization
from sumac.storage.schema import customer_plans, grant_entries, grants

OWNER = "owner@example.test"
FEWER = 25
ALL = 100_000


@dataclass(frozen=True, slots=True)
class Books:
    """One organization's sandbox at the present: `holdings` and `live` by customer key, `past` the plans that ended."""

    organization: Organization
    now: datetime
    features: Mapping[str, Feature]
    plans: Sequence[Plan]
    customers: Sequence[Customer]
    holdings: Mapping[str, Sequence[Holding]]
    live: Mapping[str, Sequence[Grant]]
    cards: Mapping[str, Sequence[PaymentMethod]]
    past: Sequence[sa.Row[Any]]
    grants: Sequence[sa.Row[Any]]
    entries: Sequence[sa.Row[Any]]
    events: Sequence[UsageEvent]
    invoices: Sequence[Invoice]

    def of(self, label: str) -> Customer:
        """The customer of an id or e-mail."""
        return next(each for each in self.customers if label in {each.id, each.email})

    def balance(self, customer: Customer, feature_id: str) -> Balance | None:
        """What the customer holds of a feature."""
        return compute_balance(feature_id, self.live[customer.key])

    def invoices_of(self, customer: Customer) -> list[Invoice]:
        """The customer's invoices, newest first."""
        return [each for each in self.invoices if each.customer_key == customer.key]

    def told(self) -> list[object]:
        """Everything that does not depend on the random parts of ids: equal for demos made at the same present."""
        keys = {each.key: each.id or each.email for each in self.customers}
        balance_of = {row.id: row.balance for row in self.grants}
        return [
            sorted((keys[each.key] or "", each.created_at, each.clock_at, each.due_at) for each in self.customers),
            sorted(
                (keys[key] or "", each.plan.id, each.held.status, each.held.starts_at, each.held.period_end)
                for key, held in self.holdings.items()
                for each in held
            ),
            sorted(
                (keys[row.customer_key] or "", row.feature_id, row.created_at, balance_of[row.id])
                for row in self.grants
            ),
            [(each.occurred_at, keys[each.customer_key], each.feature_id, each.value) for each in self.events],
            [(each.number, keys[each.customer_key], each.status, each.total.minor) for each in self.invoices],
        ]


def heard(_progress: Progress) -> None:
    """Listens and does nothing."""


async def fill(parts: Parts, cast: Sequence[Person], say: Callable[[Progress], None] = heard) -> Organization:
    """The demo with few events, each of which counts for more."""
    return await ensure_filled(parts.services, owner_email=OWNER, say=say, cast=cast, events_percent=FEWER)


async def read(parts: Parts, organization: Organization) -> Books:
    """Reads the organization's sandbox."""
    services = parts.services
    tenant = Tenant(organization.id, Env.SANDBOX)
    async with services.database.reading(tenant) as work:
        found = (await customers.list_page(work, CustomerFilter(), cursor=None, limit=ALL)).items
        keys = [each.key for each in found]
        return Books(
            organization=organization,
            now=work.now,
            features=await catalog.features_by_id(work),
            plans=await catalog.list_plans(work),
            customers=found,
            holdings=await services.billing.holdings(work, keys),
            live=await balances.usable_grants_of(work, keys),
            cards={each.key: await services.billing.cards.list_cards(tenant, each) for each in found},
            past=await work.all(work.select(customer_plans).where(customer_plans.c.status == "expired")),
            grants=await work.all(work.select(grants)),
            entries=await work.all(work.select(grant_entries)),
            events=(await events.list_page(work, EventFilter(), cursor=None, limit=ALL)).items,
            invoices=(await invoices.list_page(work, InvoiceFilter(), cursor=None, limit=ALL)).items,
        )


def summed(books: Books) -> Mapping[str, Decimal]:
    """The balance of every grant by the plainest arithmetic: its entries, less what its events took."""
    totals: dict[str, Decimal] = {row.id: Decimal(0) for row in books.grants}
    for row in books.entries:
        totals[row.grant_id] += row.balance_change
    for event in books.events:
        for deduction in event.deductions:
            totals[deduction.grant_id] -= deduction.value
    return totals
