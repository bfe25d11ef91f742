"""What the plans of the catalogue are to one customer: what each costs them, and what attaching it would mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sumac.billing.load import load_snapshot
from sumac.billing.rules.eligibility import Eligibility, compute_eligibility
from sumac.catalog.model import Plan
from sumac.catalog.rules.currency import is_sold_in, priced_in
from sumac.customers.model import Customer
from sumac.organizations import service as organizations
from sumac.storage.work import Work


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan at its prices in one currency."""

    plan: Plan
    currency: str


async def offers_to(work: Work, customer: Customer | None, plans: Sequence[Plan]) -> Sequence[Offer]:
    """The plans at the customer's prices; at the tenant's own without a customer, or where they are not sold so."""
    default = await organizations.default_currency(work)
    currency = default if customer is None or customer.currency is None else customer.currency
    return [
        Offer(priced_in(plan, currency, default=default), currency)
        if is_sold_in(plan, currency, default=default)
        else Offer(plan, default)
        for plan in plans
    ]


async def eligibility(
    work: Work, customer: Customer, offers: Sequence[Offer], *, entity_key: str | None = None
) -> Mapping[tuple[str, int], Eligibility]:
    """What attaching each plan would mean for the customer, or for one entity, by plan id and version.

    In its offer's currency.
    """
    snapshots = {
        currency: (await load_snapshot(work, replace(customer, currency=currency))).scoped(entity_key)
        for currency in {offer.currency for offer in offers}
    }
    now = customer.now(work.now)
    return {
        (offer.plan.id, offer.plan.version): compute_eligibility(snapshots[offer.currency], offer.plan, now=now)
        for offer in offers
    }
