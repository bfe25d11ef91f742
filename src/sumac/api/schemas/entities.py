"""Entities on the wire (api.md §2.6)."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from sumac.api.schemas.balances import BalanceBody, FlagBody
from sumac.api.schemas.controls import ControlsBody
from sumac.api.schemas.customers import PLANS_MAX, SEARCH_MAX, CustomerDataBody, PlanVersions
from sumac.api.schemas.dossier import Dossier, EntityShortBody
from sumac.api.schemas.invoices import InvoiceBody
from sumac.api.schemas.later import refuse_later
from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.shown_controls import entity_controls
from sumac.api.schemas.subscriptions import PurchaseBody, SubscriptionBody
from sumac.api.schemas.wire import AnyId, CustomerId, FeatureId, Text, WireModel
from sumac.balances.service import controls_of
from sumac.core.tenant import Tenant
from sumac.customers.model import Entity, EntityDraft

EXPAND = ("invoices", "subscriptions.plan", "purchases.plan", "balances.feature", "flags.feature")
LIMIT_MAX = 5_000


class EntityControlsBody(ControlsBody):
    """The controls that an entity may have: all but automatic top-ups."""

    def stored(self) -> dict[str, Any]:
        """The lists given, as they are kept. Raises BadRequest for automatic top-ups."""
        refuse_later(self, ("auto_topups",))
        return super().stored()


class EntityCreate(WireModel):
    """A new entity of a customer; `customer_data` makes the customer when missing."""

    customer_id: CustomerId
    entity_id: AnyId | None
    feature_id: FeatureId
    name: Text | None = None
    billing_controls: EntityControlsBody | None = None
    customer_data: CustomerDataBody | None = None

    def draft(self) -> EntityDraft:
        """As a draft."""
        controls = self.billing_controls.stored() if self.billing_controls else {}
        return EntityDraft(self.entity_id, self.feature_id, self.name, controls)


class EntityChoice(WireModel):
    """Which entity; the customer may be left out where only one has an entity of that id."""

    entity_id: AnyId
    customer_id: CustomerId | None = None


class EntityGet(EntityChoice):
    """Which entity, and what to show of it."""

    expand: list[str] | None = None


class EntityUpdate(EntityChoice):
    """Changes of an entity; each list of controls that is given replaces the stored one."""

    billing_controls: EntityControlsBody | None = None

    def controls(self) -> dict[str, Any]:
        """The lists given, as they are kept."""
        return self.billing_controls.stored() if self.billing_controls else {}


class EntityListRequest(PageRequest):
    """Which entities: by customer, by id or name, by the plans that they or their customer hold."""

    limit_max: ClassVar[int] = LIMIT_MAX

    customer_id: CustomerId | None = None
    plans: Annotated[list[PlanVersions], Field(max_length=PLANS_MAX)] | None = None
    subscription_status: Literal["active", "scheduled"] | None = None
    search: Annotated[str, Field(max_length=SEARCH_MAX)] | None = None
    processors: Annotated[list[Literal["stripe", "revenuecat", "vercel"]], Field(max_length=3)] | None = None


class EntityBody(EntityShortBody):
    """An entity with what it holds, and what it may use of its customer's."""

    subscriptions: list[SubscriptionBody]
    purchases: list[PurchaseBody]
    balances: dict[str, BalanceBody]
    flags: dict[str, FlagBody]
    billing_controls: dict[str, Any]
    invoices: list[InvoiceBody] | None = None

    @classmethod
    def full(
        cls,
        entity: Entity,
        dossier: Dossier,
        tenant: Tenant,
        public_url: str,
        now: datetime,
        expand: Collection[str] = (),
    ) -> Self:
        """The entity at an instant, from its customer's dossier; `expand` names what else to show."""
        optional: dict[str, Any] = {}
        if "invoices" in expand:
            optional["invoices"] = [InvoiceBody.of(invoice, public_url) for invoice in dossier.invoices]
        return cls(
            **dict(EntityShortBody.of(entity, dossier.customer, tenant)),
            **dossier.seen_by(entity).holds(tenant, now, expand),
            billing_controls=entity_controls(entity, controls_of(entity), dossier.limits, now),
            **optional,
        )


class EntityList(WireModel):
    """A page of entities."""

    list: list[EntityBody]
    next_cursor: str | None
