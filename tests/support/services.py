"""Every service over one database, and the few verbs that most tests are written in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Self, TypeVar

from sumac.balances import reservations
from sumac.balances import service as balances
from sumac.balances.desk import UsageDesk
from sumac.balances.model import Balance, Grant, GrantEntry, TrackAnswer
from sumac.balances.requests import (
    CheckRequest,
    EditRequest,
    FinalizeRequest,
    GiveRequest,
    LockRequest,
    RemoveRequest,
    TrackRequest,
    Which,
)
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.remove import Removal
from sumac.balances.rules.sum import compute_balance
from sumac.balances.usage import CheckAnswer, SeatsBilledError, checked
from sumac.billing.clock import ClockMove, ClockService
from sumac.billing.decide import Proposal
from sumac.billing.entities import EntityDesk
from sumac.billing.grants import GrantDesk
from sumac.billing.links import Link
from sumac.billing.model import (
    CustomerPlan,
    Holding,
)
from sumac.billing.provider import Outcome, PaymentProvider
from sumac.billing.referrals import ReferralDesk
from sumac.billing.requests import (
    AttachRequest,
    CancelAction,
    CancelRequest,
)
from sumac.billing.rewards import RewardDesk
from sumac.billing.service import BillingService, Receipt
from sumac.billing.settlement import SettledCheckout
from sumac.billing.topups import TopupDesk
from sumac.catalog import service as catalog
from sumac.catalog.model import Feature, Plan
from sumac.core.clock import ManualClock
from sumac.core.tenant import Env, Tenant
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Customer, Entity, EntityDraft
from sumac.customers.service import CustomerDraft
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice
from sumac.providers.sandbox.bank import SandboxBank
from sumac.storage.database import Database
from sumac.storage.schema import bank_charges, notices

ACTOR = "test"
PUBLIC_URL = "http://127.0.0.1:1"
GOOD_CARD = "4242 4242 4242 4242"

Request = TypeVar(
    "Request",
    CheckRequest,
    FinalizeRequest,
    LockRequest,
    TrackRequest,
    GiveRequest,
    EditRequest,
    AttachRequest,
    CancelRequest,
)


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one tenant at the clock's time."""

    database: Database
    clock: ManualClock
    tenant: Tenant
    bank: SandboxBank
    billing: BillingService
    usage: UsageDesk
    topups: TopupDesk
    clocks: ClockService
    entities: EntityDesk
    grants: GrantDesk
    rewards: RewardDesk
    referrals: ReferralDesk

    @classmethod
    def over(
        cls, database: Database, clock: ManualClock, tenant: Tenant, *, provider: PaymentProvider | None = None
    ) -> Self:
        """The services over a database; the tenant's provider is the sandbox bank, or the one given around it."""
        bank = SandboxBank(database, public_url=PUBLIC_URL)
        billing = BillingService(database, {Env.SANDBOX: provider or bank}, public_url=PUBLIC_URL)
        topups = TopupDesk(database, billing)
        desk, entities = UsageDesk(database, billing.due.settled, topups.nudge), EntityDesk(database, billing)
        clocks, grants = ClockService(database, billing, topups), GrantDesk(database, billing)
        rewards, referrals = RewardDesk(billing), ReferralDesk(database, billing)
        return cls(database, clock, tenant, bank, billing, desk, topups, clocks, entities, grants, rewards, referrals)

    def paid_through(self, provider: PaymentProvider) -> Self:
        """The same database and clock with another provider."""
        return self.over(self.database, self.clock, self.tenant, provider=provider)

    def of(self, tenant: Tenant) -> Self:
        """The same services for another tenant."""
        return replace(self, tenant=tenant)

    async def offer(self, *offered: Feature | Plan) -> None:
        """Adds features and plans to the catalog, in the order given."""
        async with self.database.work(self.tenant) as work:
            for each in offered:
                if isinstance(each, Feature):
                    await catalog.create_feature(work, each)
                else:
                    await catalog.create_plan(work, each)

    async def change_plan(self, plan_id: str, **changes: object) -> Plan:
        """Changes a plan; a version that customers hold stays as it is."""
        async with self.database.work(self.tenant) as work:
            before = await catalog.get_plan(work, plan_id)
            after = replace(before, **changes)  # type: ignore[arg-type]  # each test changes what it names
            held = await self.billing.held_versions(work, plan_id)
            return await catalog.update_plan(work, before, after, held_versions=held)

    async def add_customer(self, customer_id: str = "ada", *, card: str | None = None, **draft: object) -> Customer:
        """Creates a customer with the auto-enabled plans, and stores a card if one is given."""
        given = replace(CustomerDraft(customer_id), **draft)  # type: ignore[arg-type]  # each test gives what it names
        async with self.database.work(self.tenant) as work:
            customer, created = await customers.get_or_create(work, given)
            if created:
                await self.billing.welcome(work, customer, auto_enable_plan_id=None, actor=ACTOR)
        if card is not None:
            await self.add_card(customer_id, card)
        return await self.customer(customer_id)

    async def customer(self, customer_id: str = "ada") -> Customer:
        """The customer as stored."""
        async with self.database.reading(self.tenant) as work:
            return await customers.get(work, customer_id)

    async def add_card(self, customer_id: str = "ada", number: str = GOOD_CARD) -> None:
        """Stores a card at the bank as the default one."""
        payer = await self.billing.provider_customer(self.tenant, customer_id)
        await self.bank.add_card(self.tenant, payer, number)

    async def set_next_charge(self, outcome: str, customer_id: str = "ada") -> None:
        """Decides how the next charge of the customer's card ends."""
        payer = await self.billing.provider_customer(self.tenant, customer_id)
        await self.bank.set_next_charge(self.tenant, payer, outcome)

    async def attach(self, plan_id: str, customer_id: str = "ada", **changes: object) -> Receipt:
        """Attaches a plan."""
        request = _changed(AttachRequest(customer_id, plan_id), changes)
        return await self.billing.perform(self.tenant, request, actor=ACTOR)

    async def preview(self, plan_id: str, customer_id: str = "ada", **changes: object) -> Proposal:
        """What attaching a plan would do."""
        return await self.billing.preview(self.tenant, _changed(AttachRequest(customer_id, plan_id), changes))

    async def cancel(self, action: CancelAction, customer_id: str = "ada", **changes: object) -> Receipt:
        """Cancels a plan, or keeps it."""
        request = _changed(CancelRequest(customer_id, action), changes)
        return await self.billing.perform(self.tenant, request, actor=ACTOR)

    async def pay(self, url: str, number: str = GOOD_CARD) -> None:
        """Completes a hosted page with a card, as the customer and then the page's host would."""
        page = await self.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
        if page is None:
            message = f"there is no page at {url}"
            raise LookupError(message)
        await self.bank.complete_checkout(self.tenant, page.id, number)
        await self.billing.settle_checkout(self.tenant, page.id)

    async def link(self, url: str) -> Link:
        """A link that leads on to a page, as it stands."""
        link = await self.billing.links.find(url.rsplit("/", 1)[1])
        if link is None:
            message = f"there is no link at {url}"
            raise LookupError(message)
        return link

    async def follow(self, url: str) -> str:
        """The address of the page that a link leads to."""
        return await self.billing.follow(await self.link(url))

    async def settle(self, url: str) -> SettledCheckout:
        """Tells us once more that a hosted page is completed."""
        page = await self.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
        if page is None:
            message = f"there is no page at {url}"
            raise LookupError(message)
        return await self.billing.settle_checkout(self.tenant, page.id)

    async def charged(self, customer_id: str = "ada") -> list[int]:
        """What the bank has taken from the customer and not given back, in cents, the smallest amount first."""
        payer = await self.billing.provider_customer(self.tenant, customer_id)
        async with self.database.reading(self.tenant) as work:
            rows = await work.all(work.select(bank_charges).where(bank_charges.c.bank_customer == payer))
        taken = (row.amount_minor - row.refunded_minor for row in rows if row.status == Outcome.PAID)
        return sorted(amount for amount in taken if amount)

    async def advance(self, to: datetime, customer_id: str = "ada") -> ClockMove:
        """Moves the customer's own clock."""
        return await self.clocks.advance(self.tenant, customer_id, to)

    async def track(
        self, value: int | str = 1, feature_id: str | None = "messages", customer_id: str = "ada", **changes: object
    ) -> TrackAnswer:
        """Counts usage, after whatever is due."""
        request = _changed(TrackRequest(customer_id, feature_id, value=Decimal(value)), changes)
        try:
            return await self.usage.track(self.tenant, request)
        except SeatsBilledError as billed:
            return await self.billing.count(self.tenant, billed.request, actor=ACTOR)

    async def check(
        self, required: int | str = 1, feature_id: str = "messages", customer_id: str = "ada", **changes: object
    ) -> CheckAnswer:
        """Asks whether the customer may, after whatever is due."""
        request = _changed(CheckRequest(customer_id, feature_id, Decimal(required)), changes)
        try:
            return await self.usage.check(self.tenant, request)
        except SeatsBilledError as billed:
            counted = await self.billing.count(self.tenant, billed.request, actor=ACTOR)
            return checked(await self.usage.check(self.tenant, replace(request, send_event=False)), counted)

    async def give(self, feature_id: str = "messages", customer_id: str = "ada", **changes: object) -> Grant:
        """Gives units beside every plan."""
        request = _changed(GiveRequest(customer_id, feature_id), changes)
        return await self.grants.give(self.tenant, request, actor=ACTOR)

    async def edit(
        self,
        feature_id: str = "messages",
        customer_id: str = "ada",
        *,
        which: Mapping[str, object] = {},
        **changes: object,
    ) -> Sequence[GrantEntry]:
        """Edits a balance; `which` says more closely which one."""
        meant = replace(Which(customer_id, feature_id), **which)  # type: ignore[arg-type]  # each test says which
        return await self.grants.edit(self.tenant, _changed(EditRequest(meant), changes), actor=ACTOR)

    async def undo(self, entry_id: str, customer_id: str = "ada") -> Sequence[GrantEntry]:
        """Takes back the edit that an entry is of."""
        return await self.grants.undo(self.tenant, customer_id, entry_id, actor=ACTOR)

    async def remove(self, customer_id: str = "ada", *, recalculate: bool = False, **which: object) -> Removal:
        """Takes balances away; `which` says which ones."""
        meant = replace(Which(customer_id), **which)  # type: ignore[arg-type]  # each test says which
        request = RemoveRequest(meant, recalculate=recalculate)
        return await self.grants.remove(self.tenant, request, actor=ACTOR)

    async def add_entity(
        self, entity_id: str | None = "one", feature_id: str = "seats", customer_id: str = "ada", **draft: object
    ) -> Entity:
        """Creates an entity of the customer."""
        made = replace(EntityDraft(entity_id, feature_id), **draft)  # type: ignore[arg-type]  # as each test names
        return await self.entities.create(self.tenant, customer_id, made, actor=ACTOR)

    async def delete_entity(self, entity_id: str = "one", customer_id: str | None = "ada") -> None:
        """Deletes an entity."""
        await self.entities.delete(self.tenant, entity_id, customer_id, actor=ACTOR)

    async def entities_of(self, customer_id: str = "ada") -> Sequence[Entity]:
        """The customer's entities."""
        async with self.database.reading(self.tenant) as work:
            customer = await customers.get(work, customer_id)
            return await customers.list_entities(work, customer.key)

    async def entity_ids(self, customer_id: str = "ada") -> list[str]:
        """The ids of the customer's entities, in alphabetical order."""
        return sorted(entity.public_id for entity in await self.entities_of(customer_id))

    async def reserve(
        self, required: int | str = 1, feature_id: str = "messages", customer_id: str = "ada", **changes: object
    ) -> CheckAnswer:
        """Holds units under the lock id "job" unless told otherwise, after whatever is due."""
        request = LockRequest(customer_id, feature_id, Decimal(required), lock_id="job")

        async def step() -> CheckAnswer:
            async with self.database.work(self.tenant) as work:
                return await reservations.reserve(work, _changed(request, changes))

        return await self.billing.due.settled(self.tenant, step)

    async def finalize(self, value: int | str | None = None, lock_id: str = "job", **changes: object) -> None:
        """Says what a reservation came to, by default to what was held, after whatever is due."""
        request = FinalizeRequest(lock_id, override_value=None if value is None else Decimal(value))

        async def step() -> None:
            async with self.database.work(self.tenant) as work:
                return await reservations.finalize(work, _changed(request, changes))

        return await self.billing.due.settled(self.tenant, step)

    async def balance(
        self, feature_id: str = "messages", customer_id: str = "ada", entity_id: str | None = None
    ) -> Balance | None:
        """What the customer, or one entity of theirs, holds of a feature, as stored."""
        async with self.database.reading(self.tenant) as work:
            customer = await customers.get(work, customer_id)
            entity = None if entity_id is None else await entities.get(work, entity_id, customer.key)
            grants = await balances.live_grants(work, customer.key)
            return compute_balance(feature_id, visible(grants, entity.key if entity else None))

    async def remaining(
        self, feature_id: str = "messages", customer_id: str = "ada", entity_id: str | None = None
    ) -> Decimal | None:
        """The units left of a feature; None when nothing is held of it."""
        balance = await self.balance(feature_id, customer_id, entity_id)
        return None if balance is None else balance.remaining

    async def holdings(self, customer_id: str = "ada") -> Mapping[str, Holding]:
        """The customer's live plans by plan id, the newest where there are several."""
        async with self.database.reading(self.tenant) as work:
            customer = await customers.get(work, customer_id)
            held = await self.billing.holdings(work, [customer.key])
            return {each.plan.id: each for each in held.get(customer.key, ())}

    async def held(self, plan_id: str, customer_id: str = "ada") -> CustomerPlan:
        """The customer's live plan of that id."""
        return (await self.holdings(customer_id))[plan_id].held

    async def statuses(self, customer_id: str = "ada") -> dict[str, str]:
        """The status of each live plan of the customer."""
        return {plan_id: each.held.status.value for plan_id, each in (await self.holdings(customer_id)).items()}

    async def notices(self, customer_id: str = "ada") -> list[tuple[str, Mapping[str, Any]]]:
        """What others are told about the customer, kind and body, oldest first."""
        async with self.database.reading(self.tenant) as work:
            about = notices.c.customer_key == (await self.customer(customer_id)).key
            rows = await work.all(work.select(notices).where(about).order_by(notices.c.created_at, notices.c.id))
        return [(row.kind, row.body) for row in rows]

    async def invoices(self, customer_id: str = "ada") -> Sequence[Invoice]:
        """The customer's invoices, oldest first."""
        async with self.database.reading(self.tenant) as work:
            customer = await customers.get(work, customer_id)
            return list(reversed(await invoices.list_of_customer(work, customer.key)))

    async def totals(self, customer_id: str = "ada") -> list[str]:
        """The totals of the customer's invoices in dollars, oldest first."""
        return [f"{invoice.total.major:f}" for invoice in await self.invoices(customer_id)]


def _changed(request: Request, changes: Mapping[str, object]) -> Request:
    return replace(request, **changes)  # type: ignore[arg-type]  # each test changes what it names
